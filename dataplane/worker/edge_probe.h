/* SPDX-License-Identifier: BSD-3-Clause */
/* What control wants to know of a partner before a message needs it (config/exchange/probe.h): handshakes
 * with one address, one at a time and paced, among those of traffic and under the same bounds. The first is
 * that of a message; each later one leaves out the suites that the peer has taken, until it takes none. One
 * probe at a time, the first worker's. No SIP is sent. */
#ifndef DATAPLANE_WORKER_EDGE_PROBE_H
#define DATAPLANE_WORKER_EDGE_PROBE_H

#include "config/exchange/probe.h"
#include "dataplane/tls/tls_probe.h"

struct edge;

struct edge_probe {
	struct edge *edge;
	struct exchange_probe asked; /* id 0: none */
	struct tls_probe tls;
	uint64_t session;
	uint64_t until_ns, due_ns, next_ns; /* of all of it; of this handshake; not before */
	uint8_t stage;
	bool live, over;	   /* a handshake runs; it has ended and is to be judged */
	bool ready, closing, late; /* it came up; we end it; it took too long */
	bool subject;		   /* its names are not those that the profile asks for */
	uint8_t end;		   /* enum tls_end */
	struct tls_info info;
	uint16_t handshakes;
};

/* a new one; it is told when another one runs */
void edge_probe_begin(struct edge *e, const struct exchange_probe *asked);
/* each turn */
void edge_probe_turn(struct edge *e);

#endif
