/* SPDX-License-Identifier: BSD-3-Clause */
/* Names from the DNS, through libunbound, asynchronously: cached, validated, refreshed before they end, kept
 * for a while when DNS is down, published as facts. What counts for whom is judged in decide(), never here.
 * Loop thread. */
#ifndef CONTROLPLANE_RESOLVE_RESOLVE_H
#define CONTROLPLANE_RESOLVE_RESOLVE_H

#include "config/schema/schema_cross.h"
#include "controlplane/resolve/cache.h"

#include <event2/event.h>

struct resolve;

/* Called with each answer that is to be published, its parts before it; `asker` is who caused the question.
 */
typedef void (*resolve_publish_fn)(void *ctx, const char *name, const struct policy_dns *answer,
				   uint64_t asker);

int resolve_open(struct resolve **out, struct event_base *base, resolve_publish_fn publish, void *ctx);
void resolve_close(struct resolve *r);
/* Reads `dns` and the ports' addresses; what was known is forgotten when servers or rules changed. 0 or
 * -errno with `why` */
int resolve_configure(struct resolve *r, const struct schema_source *source, char *why);
/* appends who is asked, for people: "198.18.0.9:53, 198.18.0.10:53" */
void resolve_servers(const struct resolve *r, struct schema_text *out);
/* Asks, or gives what is known (then `done` was called when this returns). asker 0: an operator. 0, or
 * -EDQUOT: this asker asks too much; done is not called then. */
int resolve_ask(struct resolve *r, const char *name, enum policy_dns_kind kind, uint64_t asker,
		cache_done_fn done, void *ctx);
/* The same for a question of the dataplane, which has lost what is known, or a part of it: it is published
 * again. asker 0: nobody is charged. */
int resolve_question(struct resolve *r, const char *name, enum policy_dns_kind kind, uint64_t asker,
		     cache_done_fn done, void *ctx);
/* The parts of the answer that is kept for (name, kind): as many as its `more` says; NULL: there are none.
 * Valid until the loop goes on. */
const struct policy_dns *resolve_parts(struct resolve *r, const char *name, enum policy_dns_kind kind);
/* forgets one name (every kind), or all with NULL; how many */
unsigned resolve_forget(struct resolve *r, const char *name);
void resolve_each(struct resolve *r, void (*each)(void *ctx, const struct cache_entry *e, uint64_t now_ns),
		  void *ctx);
const struct cache *resolve_cache(const struct resolve *r);
/* NULL when a partner may have this address, else why not: for one that was not found in the DNS */
const char *resolve_refuses(const struct resolve *r, const uint8_t a[16]);
uint64_t resolve_now(void);

#endif
