/* SPDX-License-Identifier: BSD-3-Clause */
/* `debug tls keylog`: the secrets of one peer's new sessions into a file of the dataplane's, for a while. The
 * dataplane ends it by itself; what is known here is what was asked for. Loop thread. */
#ifndef CONTROLPLANE_DAEMON_DEBUG_KEYLOG_H
#define CONTROLPLANE_DAEMON_DEBUG_KEYLOG_H

#include "controlplane/daemon/server.h"

struct debug_keylog {
	uint64_t session; /* of the dataplane that was asked; 0: none */
	uint64_t until;	  /* CLOCK_MONOTONIC seconds */
	int64_t wall;	  /* the same for people */
	char peer[256], user[64];
};

void debug_keylog(struct request *r);
void debug_keylog_off(struct request *r);
/* the one that is on now, NULL: none */
const struct debug_keylog *debug_keylog_now(const struct control *c);
void debug_keylog_forget(struct control *c);

#endif
