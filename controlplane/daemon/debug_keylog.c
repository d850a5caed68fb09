/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/daemon/debug_keylog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

void debug_keylog(struct request *r)
{
	const char *peer = schema_call_get(&r->call, "peer"), *time_s = schema_call_get(&r->call, "for");
	uint64_t seconds = schema_value_number(time_s);
	struct control *c = r->control;
	struct exchange_keylog ask = {.seconds = (uint32_t)seconds};
	struct uplink_state s;
	char when[32];

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
	if (!told(r, &ask))
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
		  text_time((uint64_t)c->keylog->wall, when), peer, c->run_dir);
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
