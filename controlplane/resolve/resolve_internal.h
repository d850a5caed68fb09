/* SPDX-License-Identifier: BSD-3-Clause */
/* What resolve's files share. Loop thread. */
#ifndef CONTROLPLANE_RESOLVE_RESOLVE_INTERNAL_H
#define CONTROLPLANE_RESOLVE_RESOLVE_INTERNAL_H

#include "controlplane/resolve/answer.h"
#include "controlplane/resolve/resolve.h"

#include <unbound.h>

enum { RESOLVE_RANGES_MAX = 64 };

/* one name being looked up: an SRV question, then two for each target */
struct lookup {
	struct lookup *next, **prev;
	struct resolve *r;
	struct cache_entry *entry;
	struct answer answer;
	unsigned pending;
	uint64_t asker;
	const struct address_rules *rules;
};

/* one question to libunbound */
struct question {
	struct question *next, **prev;
	struct lookup *lookup;
	unsigned target;
	int type, id;
};

struct resolve {
	struct ub_ctx *ub;
	struct event_base *base;
	struct event *readable, *tick;
	struct cache cache;
	struct lookup *lookups;
	struct question *questions;
	resolve_publish_fn publish;
	void *ctx;
	struct address_range allowed[RESOLVE_RANGES_MAX], own[RESOLVE_RANGES_MAX];
	struct address_rules rules, inside_rules, own_rules;
	struct schema_map named; /* hosts that the configuration names for our own side: "inside" or "own" */
	unsigned max_targets;
	struct schema_text last; /* the settings in use */
};

/* Every question under way fails: the context that it was asked in goes. */
void resolve_drop_context(struct resolve *r);

#endif
