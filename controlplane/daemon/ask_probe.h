/* SPDX-License-Identifier: BSD-3-Clause */
/* The end of test partner: the dataplane shakes hands with the next hop and tells what came of it
 * (config/exchange/probe.h). One at a time. Loop thread. */
#ifndef CONTROLPLANE_DAEMON_ASK_PROBE_H
#define CONTROLPLANE_DAEMON_ASK_PROBE_H

#include "controlplane/daemon/server.h"
#include "controlplane/publish/explain.h"

struct exchange_probed;

/* `e` was judged as a message of ours to the partner, accepted. True: the request is taken, and ended later.
 * False: why no handshake was tried was said, and *status is what to end with. */
bool ask_probe_begin(struct request *r, const struct explain_question *q, const struct explain *e,
		     int *status);
/* what the dataplane said; nobody may be waiting for it any more */
void ask_probe_take(struct control *c, const struct exchange_probed *said);
void ask_probe_close(struct control *c);

#endif
