/* SPDX-License-Identifier: BSD-3-Clause */
/* sallyport-control: owns the truth. */
#include "config/schema/schema_value.h"
#include "controlplane/daemon/block.h"
#include "controlplane/daemon/change.h"
#include "controlplane/daemon/server.h"
#include "controlplane/daemon/text.h"
#include "controlplane/publish/publish.h"
#include "controlplane/resolve/resolve.h"
#include "controlplane/store/idn.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

void control_log(const char *level, const char *component, const char *format, ...)
{
	char buf[2048];
	va_list ap;

	va_start(ap, format);
	vsnprintf(buf, sizeof(buf), format, ap);
	va_end(ap);
	/* one line a message, whatever a value holds */
	for (char *p = buf; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	fprintf(stderr, "%s: %s: %s\n", level, component, buf);
}

static unsigned group_id(const char *name)
{
	struct group *g = name ? getgrnam(name) : NULL;

	if (name && !g)
		control_log("warning", "control", "there is no group %s", name);
	return g ? g->gr_gid : (unsigned)-1;
}

void control_settle(struct control *c)
{
	static const char *const names[] = {"read-group", "operate-group", "configure-group"};
	const struct schema_noun *noun = schema_noun_named("control");
	struct schema_object o = {0};
	struct schema_text body = {0};
	bool open = false;

	schema_object_reset(&o, noun, "");
	if (c->store->ops->get(c->store, schema_noun_index(noun), "", &body) == 1 &&
	    schema_object_load(&o, noun, "", body.p, body.n))
		schema_object_reset(&o, noun, "");
	for (unsigned i = 0; i < 3; i++) {
		c->group[i] = group_id(schema_object_find(&o, names[i]));
		open |= c->group[i] != (unsigned)-1;
	}
	/* who may connect is decided by credentials; the file's mode keeps everybody else from even trying */
	if (c->socket[0] && c->listener)
		chmod(c->socket, open ? 0666 : 0660);
	schema_object_fini(&o);
	schema_text_fini(&body);
	if (c->resolve) {
		struct candidate live = {.store = c->store};
		struct schema_source source = candidate_source(&live);
		char why[SCHEMA_WHY_MAX] = "";

		if (resolve_configure(c->resolve, &source, why))
			control_log("error", "resolve", "%s", why);
	}
}

static void on_dns(void *ctx, const char *name, const struct policy_dns *answer, uint64_t asker)
{
	struct control *c = ctx;
	int r = c->publish ? publish_dns(c->publish, name, answer, asker) : 0;

	if (r && r != -ENOENT && r != -EDQUOT)
		control_log("warning", "resolve", "the answer for %s cannot be shown: %s", name,
			    strerror(-r));
}

static void on_revert(int fd, short what, void *arg)
{
	static const struct timeval soon = {1, 0};
	struct control *c = arg;
	struct store_revision p;
	char comment[96];

	if (c->store->ops->pending(c->store, &p) != 1)
		return;
	if (c->change || p.revert_at > (uint64_t)time(NULL) + 1) {
		/* a change is on its way, or the clock was set back: look again */
		if (c->change)
			event_add(c->revert, &soon);
		else
			control_arm_revert(c);
		return;
	}
	control_log("warning", "control", "revision %llu was not confirmed: back to %llu",
		    (unsigned long long)p.id, (unsigned long long)p.revert_to);
	snprintf(comment, sizeof(comment), "revision %llu was not confirmed", (unsigned long long)p.id);
	change_start(
		c, NULL,
		&(struct change_order){
			.kind = CHANGE_RETURN, .as = "revert", .return_to = p.revert_to, .comment = comment});
}

void control_arm_revert(struct control *c)
{
	struct store_revision p;
	struct timeval in = {0, 0};
	uint64_t now = (uint64_t)time(NULL);

	if (!c->revert)
		c->revert = event_new(c->base, -1, 0, on_revert, c);
	event_del(c->revert);
	if (c->store->ops->pending(c->store, &p) != 1)
		return;
	in.tv_sec = p.revert_at > now ? (time_t)(p.revert_at - now) : 0;
	event_add(c->revert, &in);
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
		if (c->change) {
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
	control_log("info", "publish", "the segment shows revision %llu", (unsigned long long)head.id);
}

/* what a crash between storing and showing left behind */
static void catch_up(struct control *c)
{
	static const struct timeval now = {0, 0};

	if (!publish_stale(c->publish))
		return;
	if (!c->rebuild)
		c->rebuild = event_new(c->base, -1, 0, on_rebuild, c);
	event_add(c->rebuild, &now);
}

static void on_step(int fd, short what, void *arg)
{
	static const struct timeval soon = {0, 1000}, idle = {0, 50000};
	struct control *c = arg;

	event_add(c->step, publish_step(c->publish) == 1 ? &soon : &idle);
	if (publish_stale(c->publish) && !c->rebuilding && !c->rebuild)
		catch_up(c);
}

static void on_heartbeat(int fd, short what, void *arg)
{
	static const struct timeval again = {1, 0};
	struct control *c = arg;

	sd_notify(0, "WATCHDOG=1");
	event_add(c->heartbeat, &again);
}

static void on_signal(int sig, short what, void *arg)
{
	struct control *c = arg;

	event_base_loopbreak(c->base);
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
	int r;

	clock_gettime(CLOCK_MONOTONIC, &now);
	c->started = (uint64_t)now.tv_sec;
	if (mkdir(c->run_dir, 0750) && errno != EEXIST) {
		snprintf(why, SCHEMA_WHY_MAX, "%.200s: %s", c->run_dir, strerror(errno));
		return -errno;
	}
	r = store_sqlite_open(c->store_dir, &c->store, why);
	if (r)
		return r;
	candidate_init(&c->candidate, c->store, idn_to_ascii);
	c->base = event_base_new();
	if (!c->base)
		return -ENOMEM;
	r = server_open(c, why);
	if (r)
		return r;
	r = resolve_open(&c->resolve, c->base, on_dns, c);
	if (r)
		return r;
	control_settle(c);
	control_arm_revert(c);
	r = publish_open(&c->publish, c->run_dir, c->store, why);
	if (r)
		return r;
	c->step = event_new(c->base, -1, 0, on_step, c);
	event_active(c->step, EV_TIMEOUT, 0);
	catch_up(c);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct timeval first = {0, 0};
	static const int signals[] = {SIGTERM, SIGINT};
	struct control c = {.listen_fd = -1, .lock_fd = -1};
	struct event *on[2] = {NULL};
	struct event **own[] = {&c.heartbeat, &c.revert, &c.rebuild, &c.step};
	char why[SCHEMA_WHY_MAX] = "";
	int r = options(&c, argc, argv);

	if (r)
		return r < 0 ? 64 : 0;
	signal(SIGPIPE, SIG_IGN);
	r = start(&c, why);
	if (r) {
		control_log("error", "control", "%s", why);
	} else {
		for (unsigned i = 0; i < 2; i++) {
			on[i] = evsignal_new(c.base, signals[i], on_signal, &c);
			event_add(on[i], NULL);
		}
		c.heartbeat = event_new(c.base, -1, 0, on_heartbeat, &c);
		event_add(c.heartbeat, &first);
		sd_notify(0, "READY=1");
		control_log("info", "control", "ready: %s, store %s", c.socket, c.store_dir);
		event_base_dispatch(c.base);
		sd_notify(0, "STOPPING=1");
		control_log("info", "control", "ends");
	}
	change_stop(&c);
	server_close(&c);
	resolve_close(c.resolve);
	publish_close(c.publish);
	block_fini(&c);
	if (c.store) {
		candidate_fini(&c.candidate);
		c.store->ops->close(c.store);
	}
	schema_map_fini(&c.shadow);
	for (unsigned i = 0; i < 2; i++)
		if (on[i])
			event_free(on[i]);
	for (unsigned i = 0; i < 4; i++)
		if (*own[i])
			event_free(*own[i]);
	if (c.base)
		event_base_free(c.base);
	return r ? 1 : 0;
}
