/* SPDX-License-Identifier: BSD-3-Clause */
/* The neighbour machine: who is asked, when again, and whom to believe. It runs on the neighbour core (core
 * 0) and publishes into the neighbour table. Pure: questions go out by ops, answers and time come in.
 *
 * RFC 826 and RFC 1122 section 2.3.2 for ARP, RFC 4861 section 7.3 for NDP, with one rule of its own for
 * both: an entry changes only by an answer to a question of ours. A frame or a claim that shows another
 * station only makes us ask: the known station first, and everybody only when that one keeps silent. */
#ifndef DATAPLANE_NET_NEIGH_H
#define DATAPLANE_NET_NEIGH_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/rng.h"
#include "dataplane/net/neigh_table.h"

#define NEIGH_RETRANS_NS   UINT64_C(1000000000)	 /* RFC 4861 RetransTimer, RFC 1122 2.3.2.1 */
#define NEIGH_UNICAST_NS   UINT64_C(500000000)	 /* between unicast polls: they disturb nobody else */
#define NEIGH_REACHABLE_NS UINT64_C(30000000000) /* RFC 4861 ReachableTime, spread 0.5…1.5 */
#define NEIGH_HOLD_NS	   UINT64_C(2000000000)	 /* between verifications that frames ask for */
#define NEIGH_FORGET_NS	   UINT64_C(20000000000) /* a failed one is remembered so long */
#define NEIGH_PINNED_NS	   UINT64_C(5000000000)	 /* a silent next hop is asked again so often */

enum {
	NEIGH_BROADCASTS = 3, /* RFC 4861 MAX_MULTICAST_SOLICIT */
	NEIGH_UNICASTS = 2,   /* within MAX_UNICAST_SOLICIT: a moved neighbour is found after one second */
	NEIGH_IDLE_S = 60,    /* unused for so long: forgotten instead of verified */
	NEIGH_UNRESOLVED_MAX = NEIGH_SLOTS / 2,
};

enum neigh_state {
	NEIGH_STATE_FREE,
	NEIGH_STATE_ASKING,  /* nothing known, everybody is asked */
	NEIGH_STATE_FRESH,   /* answered */
	NEIGH_STATE_VERIFY,  /* known, its station is asked */
	NEIGH_STATE_ASK_ALL, /* known, its station kept silent, everybody is asked; still used */
	NEIGH_STATE_FAILED,
};

enum neigh_answer {
	NEIGH_ANSWER_TAKEN,
	NEIGH_ANSWER_MOVED, /* taken, with another station */
	NEIGH_ANSWER_UNASKED,
};

struct neigh_ops {
	/* mac NULL: to everybody. False: nothing was sent, for we have no address to ask from now. */
	bool (*solicit)(void *ctx, unsigned port, const struct base_addr *addr, const uint8_t *mac);
};

struct neigh_entry {
	struct base_addr addr;
	uint64_t due, hold_until;
	uint8_t mac[6];
	uint8_t state, port, tries;
	bool pinned;
	bool asked; /* in this state: who was not asked has not kept silent, and what comes is no answer */
};

struct neigh_events {
	uint64_t verify, failed, evicted;
};

struct neigh {
	struct neigh_table *table;
	const struct neigh_ops *ops;
	void *ctx;
	struct base_rng rng;
	struct neigh_events events; /* the caller reads and keeps what it wants */
	unsigned n_unresolved;
	uint64_t next_due;
	uint64_t live[NEIGH_SLOTS / 64];
	struct neigh_entry entries[NEIGH_SLOTS];
};

void neigh_init(struct neigh *neigh, struct neigh_table *table, const struct neigh_ops *ops, void *ctx,
		uint64_t seed);
/* A next hop from the configuration: kept and verified without traffic. */
void neigh_pin(struct neigh *neigh, unsigned port, const struct base_addr *addr, uint64_t now_ns);
/* Somebody has frames for it. */
void neigh_resolve(struct neigh *neigh, unsigned port, const struct base_addr *addr, uint64_t now_ns);
/* It showed another station. */
void neigh_verify(struct neigh *neigh, unsigned port, const struct base_addr *addr, uint64_t now_ns);
/* An answer to a question for `addr`; mac NULL: the answer did not say (RFC 4861 section 7.2.5), which can
 * only confirm. */
enum neigh_answer neigh_answer(struct neigh *neigh, unsigned port, const struct base_addr *addr,
			       const uint8_t *mac, uint64_t now_ns);
/* Somebody claims `addr` unasked: a request of its own, an announcement. Verifies when it is another station.
 */
void neigh_claim(struct neigh *neigh, unsigned port, const struct base_addr *addr, const uint8_t mac[6],
		 uint64_t now_ns);
/* The link came back: everything behind it is verified. */
void neigh_link_up(struct neigh *neigh, unsigned port, uint64_t now_ns);
/* How many entries were due. Cheap while none is. */
unsigned neigh_timers(struct neigh *neigh, uint64_t now_ns);

#endif
