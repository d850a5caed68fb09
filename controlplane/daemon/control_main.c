/* SPDX-License-Identifier: BSD-3-Clause */
/* sallyport-control: owns the truth. */
#include "config/schema/schema_value.h"
#include "controlplane/daemon/debug_keylog.h"
#include "controlplane/daemon/ask_probe.h"
#include "controlplane/daemon/block.h"
#include "controlplane/daemon/change.h"
#include "controlplane/daemon/crl_fetch.h"
#include "controlplane/daemon/crl_learn.h"
#include "controlplane/daemon/events.h"
#include "controlplane/daemon/keeper.h"
#include "controlplane/daemon/server.h"
#include "controlplane/daemon/text.h"
#include "controlplane/daemon/uplink.h"
#include "controlplane/daemon/watchlist.h"
#include "controlplane/daemon/web.h"
#include "controlplane/publish/publish.h"
#include "controlplane/resolve/resolve.h"
#include "controlplane/store/idn.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

enum { FILES_MIN = 128, FILES_WANT = 8192 };

static void on_dns(void *ctx, const char *name, const struct policy_dns *answer, uint64_t asker)
{
	struct control *c = ctx;
	int r = c->publish ? publish_dns(c->publish, name, answer, asker) : 0;

	control_log("debug", "resolve", "%s: state %u, %u targets", name, answer->state,
		    policy_dns_count(answer));
	if (r && r != -ENOENT && r != -EDQUOT)
		control_log("warning", "resolve", "the answer for %s cannot be shown: %s", name,
			    strerror(-r));
}

/* the segment is made anew from the store, in slices between everything else */
static void on_rebuild(int fd, short what, void *arg)
{
	static const struct timeval soon = {0, 0}, later = {5, 0};
	struct control *c = arg;
	char why[SCHEMA_WHY_MAX] = "";
	struct store_revision head;
	int r = 0;

	if (!c->rebuilding) {
		/* one that only waits for this segment must not be waited for */
		if (change_is_publishing(c)) {
			event_add(c->rebuild, &soon);
			return;
		}
		r = publish_rebuild(c->publish, why);
		c->rebuilding = r == 0;
	}
	if (!r)
		r = publish_slice(c->publish, why);
	if (r == 1) {
		event_add(c->rebuild, &soon);
		return;
	}
	c->rebuilding = false;
	if (!r) {
		c->store->ops->head(c->store, &head);
		r = block_show_all(c, why);
	}
	if (r) {
		publish_abort(c->publish);
		control_log("error", "publish", "the segment cannot be made, tried again in 5 s: %s", why);
		event_add(c->rebuild, &later);
		return;
	}
	publish_flip(c->publish, head.id);
	watch_show_all(c);
	control_log("info", "publish", "the segment shows revision %llu", (unsigned long long)head.id);
}

/* what a crash between storing and showing left behind */
static void catch_up(struct control *c)
{
	static const struct timeval now = {0, 0};

	if (!publish_stale(c->publish))
		return;
	event_add(c->rebuild, &now);
}

static void on_step(int fd, short what, void *arg)
{
	static const struct timeval soon = {0, 1000}, idle = {0, 50000};
	struct control *c = arg;

	event_add(c->step, publish_step(c->publish) == 1 ? &soon : &idle);
	if (publish_stale(c->publish) && !c->rebuilding && !event_pending(c->rebuild, EV_TIMEOUT, NULL))
		catch_up(c);
}

/* Opening the segment walks all of it; meanwhile questions are answered already, and changes wait. */
static void *opener(void *arg)
{
	struct control *c = arg;
	uint64_t one = 1;

	c->open_result = publish_open(&c->opened, c->run_dir, c->store, c->group_of_dataplane, c->open_why);
	if (!c->open_result)
		keeper_first(c, publish_shelf_now(c->opened));
	if (write(c->open_fd, &one, sizeof(one)) < 0)
		abort(); /* an eventfd takes it always */
	return NULL;
}

static void on_opened(int fd, short what, void *arg)
{
	struct control *c = arg;
	char why[SCHEMA_WHY_MAX] = "";

	pthread_join(c->opener, NULL);
	c->opening = false;
	if (c->open_result) {
		control_log("error", "publish", "%s", c->open_why);
		c->failed = true;
		event_base_loopbreak(c->base);
		return;
	}
	c->publish = c->opened;
	c->rebuild = event_new(c->base, -1, 0, on_rebuild, c);
	keeper_begin(c);
	watch_show_all(c);
	/* blocks that were said while it was being opened, or when a crash came between showing and storing
	 */
	if (!publish_stale(c->publish) && block_show_all(c, why))
		control_log("error", "publish", "blocks cannot be shown: %s", why);
	c->step = event_new(c->base, -1, 0, on_step, c);
	event_active(c->step, EV_TIMEOUT, 0);
	catch_up(c);
}

static void on_heartbeat(int fd, short what, void *arg)
{
	static const struct timeval again = {1, 0};
	struct control *c = arg;

	struct publish_state p;

	sd_notify(0, "WATCHDOG=1");
	if (c->publish) {
		publish_state(c->publish, &p);
		if (p.dataplane_alive != c->dataplane_alive)
			control_log(p.dataplane_alive ? "notice" : "warning", "dataplane", "%s",
				    p.dataplane_alive ? "reads the segment"
						      : "does not read the segment any more");
		c->dataplane_alive = p.dataplane_alive;
		if (!publish_intact(c->publish))
			control_log("error", "publish",
				    "files of the policy in %s were cut or removed: it is made anew",
				    c->run_dir);
	}
	web_retry(c);
	event_add(c->heartbeat, &again);
}

static void on_signal(int sig, short what, void *arg)
{
	struct control *c = arg;

	event_base_loopbreak(c->base);
}

/* what elsewhere reads the configuration anew: here it is the files that it names */
static void on_hangup(int sig, short what, void *arg)
{
	keeper_look(arg);
	crl_fetch_now(arg);
}

static void usage(FILE *out)
{
	fputs("sallyport-control [--store DIR] [--run DIR] [--socket FILE]\n"
	      "  --store DIR     revisions, blocks, audit; default /var/lib/sallyport\n"
	      "  --run DIR       what the dataplane reads; default /run/sallyport\n"
	      "  --socket FILE   where the shell connects; default RUN/control.sock\n"
	      "  --version, --help\n",
	      out);
}

static int options(struct control *c, int argc, char **argv)
{
	static const struct option longs[] = {{"store", 1, NULL, 's'},	 {"run", 1, NULL, 'r'},
					      {"socket", 1, NULL, 'k'},	 {"help", 0, NULL, 'h'},
					      {"version", 0, NULL, 'v'}, {NULL, 0, NULL, 0}};
	int o;

	snprintf(c->store_dir, sizeof(c->store_dir), "/var/lib/sallyport");
	snprintf(c->run_dir, sizeof(c->run_dir), "/run/sallyport");
	while ((o = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (o) {
		case 's':
			snprintf(c->store_dir, sizeof(c->store_dir), "%s", optarg);
			break;
		case 'r':
			snprintf(c->run_dir, sizeof(c->run_dir), "%s", optarg);
			break;
		case 'k':
			snprintf(c->socket, sizeof(c->socket), "%s", optarg);
			break;
		case 'h':
			usage(stdout);
			return 1;
		case 'v':
			puts("sallyport-control " SALLYPORT_VERSION);
			return 1;
		default:
			usage(stderr);
			return -1;
		}
	}
	if (optind < argc) {
		usage(stderr);
		return -1;
	}
	if (!c->socket[0] &&
	    snprintf(c->socket, sizeof(c->socket), "%s/control.sock", c->run_dir) >= (int)sizeof(c->socket))
		return -1;
	return 0;
}

static int start(struct control *c, char *why)
{
	struct timespec now;
	char lock[300];
	int r;

	clock_gettime(CLOCK_MONOTONIC, &now);
	c->started = (uint64_t)now.tv_sec;
	if (mkdir(c->run_dir, 0750) && errno != EEXIST) {
		snprintf(why, SCHEMA_WHY_MAX, "%.200s: %s", c->run_dir, strerror(errno));
		return -errno;
	}
	/* two daemons on one store would each show the dataplane a truth of its own */
	mkdir(c->store_dir, 0700);
	snprintf(lock, sizeof(lock), "%s/lock", c->store_dir);
	r = server_hold(lock, &c->store_lock_fd);
	if (r) {
		snprintf(why, SCHEMA_WHY_MAX, "%.200s: %s", r == -EADDRINUSE ? c->store_dir : lock,
			 r == -EADDRINUSE ? "another daemon has this store" : strerror(-r));
		return r;
	}
	r = store_sqlite_open(c->store_dir, &c->store, why);
	if (r)
		return r;
	if (c->store->read_only)
		control_log(
			"warning", "store",
			"%s can only be read: what is in force stays in force, and nothing can be changed",
			c->store_dir);
	candidate_init(&c->candidate, c->store, idn_to_ascii);
	c->base = event_base_new();
	if (!c->base)
		return -ENOMEM;
	control_restore_candidate(c);
	r = server_open(c, why);
	if (r)
		return r;
	r = resolve_open(&c->resolve, c->base, on_dns, c);
	if (r)
		return r;
	control_settle(c);
	control_arm_revert(c);
	r = keeper_open(c, why);
	if (r)
		return r;
	r = crl_fetch_open(c);
	if (r)
		return r;
	c->group_of_dataplane = keeper_group(c->store);
	watch_load(c);
	r = uplink_open(c, why);
	if (r)
		return r;
	c->open_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	c->open_event = event_new(c->base, c->open_fd, EV_READ, on_opened, c);
	event_add(c->open_event, NULL);
	c->opening = true;
	r = -pthread_create(&c->opener, NULL, opener, c);
	if (r)
		c->opening = false;
	return r;
}

/* connections of whoever reads metrics must not take the store's last descriptor */
static int more_files(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) || l.rlim_cur >= FILES_WANT)
		return 0;
	l.rlim_cur = l.rlim_max < FILES_WANT ? l.rlim_max : FILES_WANT;
	if (setrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur >= FILES_MIN)
		return 0;
	control_log("error", "control",
		    "it may open %llu files and needs %d: raise 'ulimit -Hn', or LimitNOFILE= of its unit",
		    (unsigned long long)l.rlim_cur, FILES_MIN);
	return -1;
}

/* a file of the policy was cut under its mapping, and used before that was noticed */
static void on_bus(int sig)
{
	static const char words[] =
		"error: publish: a file of the policy was cut while in use: the daemon ends (SIGBUS)\n";

	if (write(STDERR_FILENO, words, sizeof(words) - 1) < 0)
		return;
}

/* A list of a million entries takes seconds to read, and whoever does so cannot be told to stop. */
static bool threads_work(const struct control *c)
{
	struct pollfd opened = {.fd = c->open_fd, .events = POLLIN};

	return (c->opening && poll(&opened, 1, 0) == 0) || keeper_works(c) || crl_fetch_works(c);
}

int main(int argc, char **argv)
{
	static const struct timeval first = {0, 0};
	static const int signals[] = {SIGTERM, SIGINT};
	struct control c = {.listen_fd = -1, .lock_fd = -1, .store_lock_fd = -1};
	struct event *on[3] = {NULL};
	struct event **own[] = {&c.heartbeat, &c.revert,     &c.rebuild,
				&c.step,      &c.open_event, &c.keep_candidate};
	const struct sigaction bus = {.sa_handler = on_bus, .sa_flags = SA_RESETHAND};
	char why[SCHEMA_WHY_MAX] = "";
	int r = options(&c, argc, argv);

	if (r)
		return r < 0 ? 64 : 0;
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGBUS, &bus, NULL);
	if (more_files())
		return 1;
	r = start(&c, why);
	if (r) {
		control_log("error", "control", "%s", why);
	} else {
		for (unsigned i = 0; i < 2; i++) {
			on[i] = evsignal_new(c.base, signals[i], on_signal, &c);
			event_add(on[i], NULL);
		}
		on[2] = evsignal_new(c.base, SIGHUP, on_hangup, &c);
		event_add(on[2], NULL);
		c.heartbeat = event_new(c.base, -1, 0, on_heartbeat, &c);
		event_add(c.heartbeat, &first);
		sd_notify(0, "READY=1");
		control_log("info", "control", "ready: %s, store %s", c.socket, c.store_dir);
		event_base_dispatch(c.base);
		sd_notify(0, "STOPPING=1");
		control_log("info", "control", "ends");
	}
	change_stop(&c);
	if (c.base)
		control_save_candidate(&c);
	/* nothing that they do has to be done to its end: a daemon may be killed at any moment */
	if (threads_work(&c)) {
		server_close(&c);
		_exit(r || c.failed ? 1 : 0);
	}
	if (c.opening) {
		pthread_join(c.opener, NULL);
		c.publish = c.opened;
	}
	server_close(&c);
	web_close(&c);
	if (c.keeper)
		keeper_close(&c);
	resolve_close(c.resolve);
	crl_fetch_close(&c);
	crl_learn_close(&c);
	uplink_close(&c);
	ask_probe_close(&c);
	events_free(&c);
	watch_close(&c);
	debug_keylog_forget(&c);
	publish_close(c.publish);
	block_fini(&c);
	if (c.store) {
		candidate_fini(&c.candidate);
		c.store->ops->close(c.store);
	}
	for (unsigned i = 0; i < 3; i++)
		if (on[i])
			event_free(on[i]);
	for (unsigned i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (*own[i])
			event_free(*own[i]);
	if (c.base)
		event_base_free(c.base);
	return r || c.failed ? 1 : 0;
}
