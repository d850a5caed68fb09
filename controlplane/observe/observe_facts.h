/* SPDX-License-Identifier: BSD-3-Clause */
/* What metrics and status page tell, gathered once for each answer. */
#ifndef CONTROLPLANE_OBSERVE_OBSERVE_FACTS_H
#define CONTROLPLANE_OBSERVE_OBSERVE_FACTS_H

#include "config/exchange/counters.h"
#include "config/schema/schema.h"

struct observe_partner {
	char domain[SCHEMA_DOMAIN_MAX + 1];
	uint64_t in, out, refused;
};

struct observe_certificate {
	char name[64];
	bool good;
	int64_t not_after; /* seconds since the epoch, 0: not known */
};

struct observe_event {
	char when[40], text[1024];
};

struct observe_facts {
	const char *version;
	uint64_t uptime_s;
	/* the store */
	uint64_t revision, objects, candidate, blocks;
	char revision_at[32], revision_by[64];
	bool pending, unstored, read_only;
	/* the segment */
	bool segment, dataplane;
	uint64_t generation, shown_revision, domains, heartbeat_age_ms;
	/* the rings */
	uint64_t questions, answered, late, refused, events, malformed, lost;
	/* names */
	uint64_t names, asked, stale;
	/* revocation lists that are fetched */
	uint64_t crl_came, crl_same, crl_failed, crl_urls, crl_outdated;
	uint64_t crl_learned, crl_chains, crl_chains_lost;
	const struct counters_view *counters; /* NULL: no dataplane has run here */
	struct observe_partner *partner;      /* those that are configured; behind them, domain "other" */
	unsigned partners;
	struct observe_certificate *certificate;
	unsigned certificates;
	struct observe_event *event; /* newest first */
	unsigned events_n;
};

#endif
