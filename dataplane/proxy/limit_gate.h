/* SPDX-License-Identifier: BSD-3-Clause */
/* One core's door to the limits: peers whose home is here are asked at once, of others this core holds leases
 * and asks their home over a ring. The caller carries questions and answers; both are plain. Pure. */
#ifndef DATAPLANE_PROXY_LIMIT_GATE_H
#define DATAPLANE_PROXY_LIMIT_GATE_H

#include "dataplane/proxy/limit_peer.h"

enum { LIMIT_GATE_SLOTS = 1024, LIMIT_GATE_WAYS = 4 };

/* a peer whose home is another core */
struct limit_away {
	struct limit_key peer;
	uint64_t used_ns; /* 0: free */
	uint8_t limit_class;
	struct limit_lease lease;
};

struct limit_gate {
	struct limit_table *home; /* of this core */
	struct siphash_key key;	  /* the same on all cores */
	unsigned core, cores;
	uint64_t asked;	     /* questions that went over a ring */
	uint64_t unreported; /* finals of peers that lost their slot */
	struct limit_away slot[LIMIT_GATE_SLOTS];
};

/* `home` stays the caller's. With one core everything is at home. */
void limit_gate_init(struct limit_gate *g, struct limit_table *home, const struct siphash_key *key,
		     unsigned core, unsigned cores);

/* One new request. q: peer, uri, held_since_ns, limit_class and domain are the caller's. Another verdict than
 * LIMIT_ASK is final and a->until_ns and a->retry_after_s go with it. LIMIT_ASK: q is complete, send it to
 * core *to; the answer's verdict is the request's (LIMIT_PASS has spent its token). */
enum limit_verdict limit_gate_take(struct limit_gate *g, struct limit_question *q,
				   const struct policy_limit_class *class, uint64_t now_ns, int64_t wall_s,
				   unsigned *to, struct limit_answer *a, struct limit_event *event);

/* Is this URI one of those that were counted for the peer, as far as this core can tell without asking? */
bool limit_gate_knows(struct limit_gate *g, const struct limit_key *peer, uint64_t uri, uint64_t now_ns);

/* A question or report of another core: a->verdict is to be sent back if q->request. */
void limit_gate_asked(struct limit_gate *g, const struct limit_question *q,
		      const struct policy_limit_class *class, uint64_t now_ns, int64_t wall_s,
		      struct limit_answer *a, struct limit_event *event);

/* an answer that came back */
void limit_gate_answer(struct limit_gate *g, const struct limit_answer *a, uint64_t now_ns);

/* a final response to a request of the peer */
void limit_gate_final(struct limit_gate *g, const struct limit_key *peer,
		      const struct policy_limit_class *class, uint8_t limit_class, unsigned status,
		      uint64_t now_ns, int64_t wall_s, struct limit_event *event);

/* The next report that is due: send q to core *to. *at starts at 0; false: no more. Call it every now and
 * then, a second apart at most. */
bool limit_gate_report(struct limit_gate *g, uint32_t *at, uint64_t now_ns, struct limit_question *q,
		       unsigned *to);

#endif
