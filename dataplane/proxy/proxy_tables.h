/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to proxy/: what the proxy has now, for operators' eyes: rows of the tables file. */
#ifndef DATAPLANE_PROXY_PROXY_TABLES_H
#define DATAPLANE_PROXY_PROXY_TABLES_H

#include "config/exchange/exchange_table.h"
#include "dataplane/proxy/proxy_message.h"

/* with a thousand partners a set of a thousand places is often too small for those who fall into it */
enum { PROXY_PARTNERS = 8192, PROXY_PARTNERS_WAYS = 8 };

/* what was seen of a partner's domain; a few in a bucket, the oldest makes room */
struct proxy_partner {
	uint64_t in, out, refused;
	uint16_t status, reason; /* of the last refusal */
	uint8_t type;
	uint8_t len;
	char domain[POLICY_NAME_MAX + 1];
};

/* which of a set are in use, and when they were last: in two cache lines */
struct proxy_partner_set {
	uint64_t hash[PROXY_PARTNERS_WAYS], seen_ns[PROXY_PARTNERS_WAYS]; /* seen_ns 0: free */
};

/* a request of r was accepted, or refused with this status and reason (0 and 0: accepted) */
void proxy_tables_note(struct proxy *p, const struct proxy_passing *r, unsigned status, unsigned reason);
/* calls for what the next note of a conn will need: its `noted` */
static inline void proxy_tables_warm(const struct proxy *p, uint32_t noted)
{
	if (!noted)
		return;
	__builtin_prefetch(&p->partners[noted - 1], 1);
	__builtin_prefetch(&p->partner_sets[(noted - 1) / PROXY_PARTNERS_WAYS], 1);
}

/* a slice of the work */
void proxy_tables_turn(struct proxy *p);

#endif
