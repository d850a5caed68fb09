/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/daemon/debug_keylog.h"

#include <stdio.h>
#include <stdlib.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "config/exchange/command.h"
#include "config/schema/schema_value.h"
#include "controlplane/daemon/text.h"
#include "controlplane/daemon/uplink.h"

static uint64_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec;
}

const struct debug_keylog *debug_keylog_now(const struct control *c)
{
	struct uplink_state s;

	if (!c->keylog || now_s() >= c->keylog->until)
		return NULL;
	/* a dataplane that began since knows nothing of it */
	uplink_state(c, &s);
	return s.session && s.session == c->keylog->session ? c->keylog : NULL;
}

static bool told(struct request *r, const struct exchange_keylog *ask)
{
	int err = uplink_keylog(r->control, ask);

	if (!err)
		return true;
	reply_error(r, "dataplane", 0, 0, "%s",
		    err == -ENOTCONN ? "no dataplane is there to be told"
				     : "the dataplane does not listen; try again");
	reply_end(r, 1);
	return false;
}

/* Where the dataplane writes; it read that when it began. */
static void folder_of(const struct control *c, char *out, size_t room)
{
	const struct schema_noun *noun = schema_noun_named("dataplane");
	struct schema_text body = {0};
	struct schema_object o = {0};
	const char *folder = NULL;

	if (c->store->ops->get(c->store, schema_noun_index(noun), "", &body) == 1 &&
	    schema_object_load(&o, noun, "", body.p ? body.p : "", body.n) == 0)
		folder = schema_object_find(&o, "keylog-folder");
	snprintf(out, room, "%s", folder ? folder : c->run_dir);
	schema_object_fini(&o);
	schema_text_fini(&body);
}

/* The dataplane looks again, and says what it finds as an event; what can be seen from here is said at once.
 */
static bool folder_good(struct request *r, const char *folder)
{
	struct stat st;

	if (lstat(folder, &st)) {
		if (errno != ENOENT)
			return true;
		reply_error(r, "folder", 0, 0,
			    "%s is not there: make it, mode 0700, owned by the dataplane's user, and "
			    "start the dataplane again",
			    folder);
	} else if (!S_ISDIR(st.st_mode)) {
		reply_error(r, "folder", 0, 0, "%s is no folder: see set dataplane keylog-folder", folder);
	} else if (st.st_mode & S_IWOTH) {
		reply_error(r, "folder", 0, 0, "everybody may write into %s: chmod o-w it", folder);
	} else {
		return true;
	}
	reply_end(r, 1);
	return false;
}

void debug_keylog(struct request *r)
{
	const char *peer = schema_call_get(&r->call, "peer"), *time_s = schema_call_get(&r->call, "for");
	uint64_t seconds = schema_value_number(time_s);
	struct control *c = r->control;
	struct exchange_keylog ask = {.seconds = (uint32_t)seconds};
	struct uplink_state s;
	char when[32], folder[512];

	if (seconds < 1 || seconds > EXCHANGE_KEYLOG_MAX_S) {
		reply_error(r, "value", 0, 0, "between 1s and %us are possible",
			    (unsigned)EXCHANGE_KEYLOG_MAX_S);
		return reply_end(r, 1);
	}
	ask.len = (uint16_t)strlen(peer);
	if (ask.len > sizeof(ask.name)) {
		reply_error(r, "value", 0, 0, "this name is too long");
		return reply_end(r, 1);
	}
	memcpy(ask.name, peer, ask.len);
	snprintf(ask.user, sizeof(ask.user), "%.59s", r->user);
	if (!c->keylog)
		c->keylog = calloc(1, sizeof(*c->keylog));
	if (!c->keylog) {
		reply_error(r, "memory", 0, 0, "no memory");
		return reply_end(r, 1);
	}
	folder_of(c, folder, sizeof(folder));
	if (!folder_good(r, folder) || !told(r, &ask))
		return;
	uplink_state(c, &s);
	*c->keylog = (struct debug_keylog){.session = s.session,
					   .until = now_s() + seconds,
					   .wall = (int64_t)time(NULL) + (int64_t)seconds};
	snprintf(c->keylog->peer, sizeof(c->keylog->peer), "%s", peer);
	snprintf(c->keylog->user, sizeof(c->keylog->user), "%s", r->user);
	reply_say(r,
		  "until %s the secrets of new TLS sessions with %s are written to %s/keylog-…, readable by "
		  "the "
		  "dataplane's user alone; show events names the file, and it stays until you remove it",
		  text_time((uint64_t)c->keylog->wall, when), peer, folder);
	reply_end(r, 0);
}

void debug_keylog_off(struct request *r)
{
	struct exchange_keylog none = {0};

	if (!told(r, &none))
		return;
	debug_keylog_forget(r->control);
	reply_say(r, "no key log is written any more; files of before stay until you remove them");
	reply_end(r, 0);
}

void debug_keylog_forget(struct control *c)
{
	free(c->keylog);
	c->keylog = NULL;
}
