/* SPDX-License-Identifier: BSD-3-Clause */
/* The daemon's end of the rings between the planes: questions of the dataplane are answered as facts of the
 * segment, its events are kept, commands go down. Either side may start anew at any time. Loop thread. */
#ifndef CONTROLPLANE_DAEMON_UPLINK_H
#define CONTROLPLANE_DAEMON_UPLINK_H

#include "controlplane/daemon/control.h"

struct uplink;
struct exchange_command;
struct exchange_keylog;
struct exchange_probe;

struct uplink_state {
	bool attached; /* there is a dataplane's file */
	bool cut;      /* and it cannot be read */
	unsigned rings;
	uint64_t session;
	uint64_t questions, answered, late, refused; /* refused: this asker asks too much */
	uint64_t events;
	uint64_t malformed; /* messages that made no sense; heads that cannot be */
	uint64_t lost;	    /* what the dataplane could not put in, as it says */
};

/* RUN/control.rings; 0 or -errno with `why` */
int uplink_open(struct control *c, char *why);
void uplink_close(struct control *c);
/* tells the dataplane to do something: 0, -ENOTCONN, -ENOBUFS (it does not listen) */
int uplink_command(struct control *c, const struct exchange_command *command);
int uplink_keylog(struct control *c, const struct exchange_keylog *keylog);
int uplink_probe(struct control *c, const struct exchange_probe *probe);
void uplink_state(const struct control *c, struct uplink_state *out);

#endif
