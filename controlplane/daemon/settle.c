/* SPDX-License-Identifier: BSD-3-Clause */
/* What the configuration says about the daemon itself, and the clock of commit confirmed. */
#include "controlplane/daemon/change.h"
#include "controlplane/daemon/keeper.h"
#include "controlplane/daemon/web.h"
#include "controlplane/publish/publish.h"
#include "controlplane/resolve/resolve.h"
#include "controlplane/store/candidate_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

/* by the names that `set observe log-level` has, which are in the order of severity */
static unsigned log_priority(const char *level)
{
	static const struct {
		const char *word;
		unsigned priority;
	} words[] = {{"error", LOG_ERR},
		     {"warning", LOG_WARNING},
		     {"notice", LOG_NOTICE},
		     {"info", LOG_INFO},
		     {"debug", LOG_DEBUG}};

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].word, level) == 0)
			return words[i].priority;
	return LOG_ERR;
}

/* The level is kept where the C library has one for a process: any thread may log. A journal that hangs, or a
 * pipe that nobody reads, must not take the daemon with it: what is not taken soon is lost. Of a pipe or
 * socket that polls as writable the kernel takes a line of this length at once. */
void control_log(const char *level, const char *component, const char *format, ...)
{
	enum { WAIT_MS = 2 };
	struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
	char buf[2048], line[2200], mark[8] = "";
	int n;
	unsigned priority = log_priority(level);
	va_list ap;

	if (!(setlogmask(0) & LOG_MASK(priority)))
		return;
	va_start(ap, format);
	vsnprintf(buf, sizeof(buf), format, ap);
	va_end(ap);
	/* one line a message, whatever a value holds */
	for (char *p = buf; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	/* the journal takes the priority from such a beginning: sd-daemon(3) */
	if (getenv("JOURNAL_STREAM"))
		snprintf(mark, sizeof(mark), "<%u>", priority);
	n = snprintf(line, sizeof(line), "%s%s: %.60s: %s\n", mark, level, component, buf);
	if (poll(&out, 1, WAIT_MS) == 1 && write(STDERR_FILENO, line, (size_t)n) < 0)
		return; /* nobody listens; there is nothing else to do about it */
}

static unsigned group_id(const char *name)
{
	struct group *g = name ? getgrnam(name) : NULL;

	if (name && !g)
		control_log("warning", "control", "there is no group %s", name);
	return g ? g->gr_gid : (unsigned)-1;
}

gid_t keeper_group(struct store *store)
{
	const struct schema_noun *noun = schema_noun_named("dataplane");
	struct schema_text body = {0};
	struct schema_object o = {0};
	gid_t group = (gid_t)-1;

	if (store->ops->get(store, schema_noun_index(noun), "", &body) == 1 &&
	    schema_object_load(&o, noun, "", body.p ? body.p : "", body.n) == 0) {
		const char *user = schema_object_find(&o, "user");
		struct passwd *pw = user ? getpwnam(user) : NULL;

		if (pw)
			group = pw->pw_gid;
		else if (user)
			control_log("warning", "secret", "there is no user %s: who runs the dataplane?",
				    user);
	}
	schema_object_fini(&o);
	schema_text_fini(&body);
	return group;
}

/* every file of one directory that the dataplane reads */
static void give(int dir, const char *const *prefixes, gid_t group)
{
	int again = dir < 0 ? -1 : openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = again < 0 ? NULL : fdopendir(again);

	if (!d && again >= 0)
		close(again);
	for (struct dirent *e = NULL; d && (e = readdir(d));)
		for (unsigned i = 0; prefixes[i]; i++)
			if (*e->d_name != '.' && strncmp(e->d_name, prefixes[i], strlen(prefixes[i])) == 0 &&
			    fchownat(dir, e->d_name, (uid_t)-1, group, AT_SYMLINK_NOFOLLOW))
				control_log("warning", "control", "%s: %s", e->d_name, strerror(errno));
	if (d)
		closedir(d);
}

/* `set dataplane user` was committed: what that user reads was made before anybody had named it */
static void regroup(struct control *c)
{
	static const char *const shared[] = {"policy.", "control.rings", "secrets", NULL}, *const all[] = {
												   "", NULL};
	gid_t group = keeper_group(c->store);
	int run, secrets;

	if (!c->publish || group == c->group_of_dataplane || group == (gid_t)-1)
		return;
	run = open(c->run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	secrets = run < 0 ? -1 : openat(run, "secrets", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	c->group_of_dataplane = group;
	keeper_regroup(c, group);
	give(run, shared, group);
	give(secrets, all, group);
	if (secrets >= 0)
		close(secrets);
	if (run >= 0)
		close(run);
	publish_regroup(c->publish, group);
	event_active(c->rebuild, EV_TIMEOUT, 0);
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
	c->ticket_rotation = (int64_t)schema_object_number(&o, "ticket-rotation");
	c->route_rotation = (int64_t)schema_object_number(&o, "route-rotation");
	noun = schema_noun_named("observe");
	schema_object_reset(&o, noun, "");
	schema_text_reset(&body);
	if (c->store->ops->get(c->store, schema_noun_index(noun), "", &body) == 1 &&
	    schema_object_load(&o, noun, "", body.p, body.n))
		schema_object_reset(&o, noun, "");
	c->cdr = schema_object_yes(&o, "cdr");
	setlogmask(LOG_UPTO(log_priority(schema_object_find(&o, "log-level"))));
	schema_object_fini(&o);
	schema_text_fini(&body);
	web_settle(c);
	regroup(c);
	if (c->resolve) {
		struct candidate live = {.store = c->store};
		struct schema_source source = candidate_source(&live);
		char why[SCHEMA_WHY_MAX] = "";

		if (resolve_configure(c->resolve, &source, why))
			control_log("error", "resolve", "%s", why);
	}
}

static void on_revert(int fd, short what, void *arg)
{
	static const struct timeval soon = {1, 0}, again = {5, 0};
	struct control *c = arg;
	struct store_revision p;
	char comment[96];
	int r = c->store->ops->pending(c->store, &p);

	if (r == 0)
		return;
	/* Until it is done: what nobody confirmed may be what shut the operator out. One that is through arms
	 * or disarms this anew. */
	event_add(c->revert, &again);
	if (r < 0) {
		control_log("error", "control",
			    "who waits for a confirmation cannot be read, tried again: %s",
			    c->store->ops->error(c->store));
		return;
	}
	if (c->change) {
		event_add(c->revert, &soon);
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
	/* a clock that was set back makes nobody wait longer than he was told */
	if (p.revert_at >= p.at && (uint64_t)in.tv_sec > p.revert_at - p.at)
		in.tv_sec = (time_t)(p.revert_at - p.at);
	event_add(c->revert, &in);
}

/* ---- the candidate outlives the daemon ---- */

void control_save_candidate(struct control *c)
{
	int r;

	/* what a change has taken comes back, or is in force, when it is through */
	if (!c->candidate_touched || change_has_candidate(c))
		return;
	r = candidate_save(&c->candidate, c->store_dir, c->edited_by);
	if (r)
		control_log("warning", "control", "the candidate cannot be kept over a restart: %s",
			    strerror(-r));
	c->candidate_touched = false;
}

static void on_keep(int fd, short what, void *arg)
{
	control_save_candidate(arg);
}

void control_note_candidate(struct control *c)
{
	static const struct timeval soon = {0, 100000};

	c->candidate_touched = true;
	if (!c->keep_candidate)
		c->keep_candidate = event_new(c->base, -1, 0, on_keep, c);
	if (!event_pending(c->keep_candidate, EV_TIMEOUT, NULL))
		event_add(c->keep_candidate, &soon);
}

void control_restore_candidate(struct control *c)
{
	size_t unknown;
	int r = candidate_restore(&c->candidate, c->store_dir, c->edited_by, &unknown);

	if (r == -ENOENT)
		return;
	if (r) {
		control_log("warning", "control", "the candidate that was kept cannot be read: %s",
			    strerror(-r));
		return;
	}
	/* it may have been committed, and the daemon killed before it was forgotten */
	r = candidate_normalise(&c->candidate);
	if (unknown)
		control_log("warning", "control",
			    "%zu objects of the candidate are not known here and are left out", unknown);
	if (!r && schema_map_count(&c->candidate.map))
		control_log("notice", "control", "the candidate is as %s left it: %zu objects differ",
			    *c->edited_by ? c->edited_by : "somebody", schema_map_count(&c->candidate.map));
	else
		c->edited_by[0] = '\0';
}
