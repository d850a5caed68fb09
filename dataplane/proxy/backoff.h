/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory of next hops that failed (RFC 3263 section 4.3, no retry storms): a pure table keyed by address and
 * port. A target that failed is not tried for a while that doubles with every failure in a row, if there is
 * another; then it may be tried. One table per core; fixed size, the oldest failure makes room. */
#ifndef DATAPLANE_PROXY_BACKOFF_H
#define DATAPLANE_PROXY_BACKOFF_H

#include "config/policy/choice.h"
#include "dataplane/base/siphash.h"

enum { BACKOFF_SLOTS = 512, BACKOFF_WAYS = 4 };

struct backoff_slot {
	uint8_t ip[16];
	uint16_t port;
	uint8_t failures;  /* in a row; 0: free */
	uint32_t identity; /* of ours: another certificate of ours may fare better */
	uint64_t failed_ns, until_ns;
};

struct backoff {
	struct siphash_key key;
	uint64_t first_ns, max_ns; /* pause after the first failure, and at most */
	uint32_t known;		   /* slots in use */
	struct backoff_slot slot[BACKOFF_SLOTS];
};

/* first_ms and max_ms 0: 1 s and 60 s */
void backoff_init(struct backoff *b, const struct siphash_key *key, uint32_t first_ms, uint32_t max_ms);

enum backoff_state {
	BACKOFF_GOOD,  /* nothing is known against it */
	BACKOFF_PROBE, /* failed, and its pause is over: it may be tried */
	BACKOFF_WAIT,  /* failed */
};

enum backoff_state backoff_state(const struct backoff *b, const uint8_t ip[16], uint16_t port,
				 uint32_t identity, uint64_t now_ns);
/* Connect or TLS failed, or it answered 503. retry_after_s: what the 503 said, 0: nothing. `random` spreads
 * the pause by up to a quarter. */
void backoff_failed(struct backoff *b, const uint8_t ip[16], uint16_t port, uint32_t identity,
		    uint32_t retry_after_s, uint64_t random, uint64_t now_ns);
void backoff_worked(struct backoff *b, const uint8_t ip[16], uint16_t port, uint32_t identity);
/* A final answer other than 503: whoever gives one when his pause is over works again; one that was on its
 * way before changes nothing. */
void backoff_answered(struct backoff *b, const uint8_t ip[16], uint16_t port, uint32_t identity,
		      uint64_t now_ns);

/* Puts targets[0, n) of policy_targets() into the order to try now: the good ones and those to probe in their
 * order, then those that wait, the one whose pause ends first in front: when all of them failed there is
 * still one to try. Returns how many are not waiting. n ≤ POLICY_ORDER_MAX. */
unsigned backoff_order(const struct backoff *b, struct policy_target *targets, unsigned n, uint32_t identity,
		       uint64_t now_ns);

#endif
