/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to proxy/: next hops, each known by our identity, its address and the name that we ask for there:
 * never by address alone. Each has a few conns, and a list of who waits for the first. Whether its
 * certificate is what a message expects is asked per message: a commit may change what is expected. */
#ifndef DATAPLANE_PROXY_NEXT_HOP_H
#define DATAPLANE_PROXY_NEXT_HOP_H

#include "dataplane/proxy/proxy_state.h"

struct next_hop_want {
	const struct policy_target *target;
	uint32_t identity;
	uint8_t side; /* enum link_side */
	uint8_t tls_profile;
};

/* the hop of these words, made when it is new; NULL: the table is full of hops in use */
struct next_hop *next_hop_get(struct proxy *p, const struct next_hop_want *want);
/* A conn to send over now, on which at most so many bytes are queued: index, or PROXY_NONE. Opens another one
 * in the background when those that are there have much to do. */
uint32_t next_hop_pick(struct proxy *p, struct next_hop *h, uint32_t queued_max);
/* Puts s on the list of who waits, and sees to it that a conn is being opened. False: it failed a moment ago,
 * or nothing can be opened, or all that may be open are, and take no more. */
bool next_hop_wait(struct proxy *p, struct next_hop *h, struct server_half *s, uint32_t in_ms);
void next_hop_unwait(struct proxy *p, struct server_half *s);

/* its certificate is not what a message expects: a conn that never carried anything is of no use */
void next_hop_mismatch(struct proxy *p, struct next_hop *h, uint32_t conn);

/* The conn that is being opened, now or already: its index, or PROXY_NONE. */
uint32_t next_hop_open(struct proxy *p, struct next_hop *h);

/* Each turn. A conn that takes nothing of what it is sent gets no new request, and another one is opened. It
 * is cut off when that one does not come to be either, or at last after PROXY_STUCK_MAX_MS: what it carries
 * goes on to the next target or is answered, long before the other end's silence would be told by timers. */
void next_hop_look(struct proxy *p);

/* sees to it that a conn is being opened, though nobody waits */
void next_hop_probe(struct proxy *p, struct next_hop *h);

void next_hop_up(struct proxy *p, uint32_t conn);
void next_hop_closed(struct proxy *p, uint32_t conn, enum link_end end);
/* of an outgoing conn that is up: idle, pings */
void next_hop_timer(struct proxy *p, uint32_t conn);

#endif
