/* SPDX-License-Identifier: BSD-3-Clause */
/* How decide() asks for policy: one generation of it, behind a table of functions. The shared segment, a
 * candidate in plain memory and a test each implement it; the first member of their own view is struct
 * policy_view. All functions are reads: no lock, no wait, no allocation. What they return stays readable
 * until the caller unpins the generation (in the dataplane: until the burst ends); nothing is to be kept
 * longer. */
#ifndef CONFIG_POLICY_VIEW_H
#define CONFIG_POLICY_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "config/policy/name.h"
#include "config/policy/record.h"

/* One entry that covers a name. `from` is where in the name the entry's own name begins: 0 = the whole name,
 * so the smaller one is the longer match. */
struct policy_match {
	const struct policy_domain *entry; /* NULL = none */
	uint16_t from;
};

/* What the domain table says of one name: the most specific entry of each sort. */
struct policy_hit {
	struct policy_match allow;
	struct policy_match block;
	struct policy_match hard;
};

/* a user of ours: both parts lower-case, unescaped; key of the table is user@domain */
struct policy_address {
	struct policy_name user;
	struct policy_name domain;
};

struct policy_view;

struct policy_view_ops {
	/* Fills hits[i] for each name (n ≤ POLICY_BURST): every entry that covers it (exact at from 0,
	 * subtree at any label boundary) goes through policy_hit_add(). Names may be empty: no hit. */
	void (*domains)(const struct policy_view *view, const struct policy_name *names, unsigned n,
			struct policy_hit *hits);
	/* users[i] = the record of addresses[i], NULL when it has none (n ≤ POLICY_BURST) */
	void (*users)(const struct policy_view *view, const struct policy_address *addresses, unsigned n,
		      const struct policy_user **users);
	/* the answer for (name, kind): a pointer into the table, or `scratch` filled with a consistent copy,
	 * or NULL when nobody asked yet. A record in state POLICY_DNS_UNKNOWN means the same as NULL. A
	 * part (POLICY_DNS_MORE and above) is asked for without a scratch: then a pointer or NULL. */
	const struct policy_dns *(*dns)(const struct policy_view *view, struct policy_name name,
					enum policy_dns_kind kind, struct policy_dns *scratch);
	/* by id; NULL for 0 and for ids that do not exist. A record that is returned lies readable over its
	 * `size`. */
	const struct policy_partner *(*partner)(const struct policy_view *view, uint32_t id);
	const struct policy_identity *(*identity)(const struct policy_view *view, uint32_t id);
	const struct policy_site *(*site)(const struct policy_view *view, uint32_t id);
	const struct policy_provider *(*provider)(const struct policy_view *view, uint32_t id);
	const struct policy_route_set *(*route_set)(const struct policy_view *view, uint32_t id);
	const struct policy_limit_class *(*limit_class)(const struct policy_view *view, uint32_t id);
	const struct policy_tls_profile *(*tls_profile)(const struct policy_view *view, uint32_t id);
	/* by name; NULL when there is none. Exact bytes. A provider is found by its FQDN, disabled ones too.
	 */
	const struct policy_own_domain *(*own_domain)(const struct policy_view *view,
						      struct policy_name name);
	const struct policy_provider *(*provider_by_fqdn)(const struct policy_view *view,
							  struct policy_name fqdn);
	/* Route sets whose pattern serves `name`, longest first, exact before subtree at the same length,
	 * ".*" last; nth counts from 0; NULL after the last one. Sets flagged POLICY_ROUTE_NAMED are never
	 * returned. */
	const struct policy_route_set *(*route_by_name)(const struct policy_view *view,
							struct policy_name name, unsigned nth);
	/* Two cache lines that look-ups of this domain begin with: to be called for, never to be read. NULL:
	 * there are none; a view that knows of none leaves it NULL. */
	const void *(*near)(const struct policy_view *view, struct policy_name name);
	/* What decide() does not ask for, of any small table: the i-th record in the order of ids, NULL after
	 * the last; by id; by the name that this kind is known by (FQDN of an identity and of a provider,
	 * else the name). A view that has none of it leaves them NULL. */
	const void *(*small_at)(const struct policy_view *view, enum policy_small which, unsigned i);
	const void *(*small_by_id)(const struct policy_view *view, enum policy_small which, uint32_t id);
	const void *(*small_by_name)(const struct policy_view *view, enum policy_small which,
				     struct policy_name name);
};

struct policy_view {
	const struct policy_view_ops *ops;
	const struct policy_box *box; /* never NULL */
	uint32_t generation;
};

#define POLICY_BURST 32u

/* `record` is of the struct that the table holds (record.h), readable over its size. Non-zero ends the walk.
 */
typedef int (*policy_small_fn)(void *ctx, const void *record);

/* Every record of a small table, in the order of ids; what the callback ended with, else 0. */
static inline int policy_small_each(const struct policy_view *view, enum policy_small which,
				    policy_small_fn fn, void *ctx)
{
	const void *record;
	int stop = 0;

	for (unsigned i = 0; !stop && view->ops->small_at && (record = view->ops->small_at(view, which, i));
	     i++)
		stop = fn(ctx, record);
	return stop;
}

/* NULL for 0 and for what is not there */
static inline const void *policy_small_with_id(const struct policy_view *view, enum policy_small which,
					       uint32_t id)
{
	return id && view->ops->small_by_id ? view->ops->small_by_id(view, which, id) : NULL;
}

static inline const void *policy_small_named(const struct policy_view *view, enum policy_small which,
					     struct policy_name name)
{
	return name.len && view->ops->small_by_name ? view->ops->small_by_name(view, which, name) : NULL;
}

/* Keeps the most specific entry of each sort. At one length exact beats subtree (the smaller set decides). */
static inline void policy_hit_add(struct policy_hit *hit, const struct policy_domain *entry, uint16_t from)
{
	struct policy_match *m;

	switch (entry->type) {
	case POLICY_DOMAIN_ALLOWED:
	case POLICY_DOMAIN_SERVER:
		m = &hit->allow;
		break;
	case POLICY_DOMAIN_BLOCKED:
		m = &hit->block;
		break;
	case POLICY_DOMAIN_HARD:
		m = &hit->hard;
		break;
	default:
		return;
	}
	if (m->entry) {
		if (from > m->from)
			return;
		if (from == m->from && (entry->flags & POLICY_DOMAIN_SUBTREE))
			return;
	}
	m->entry = entry;
	m->from = from;
}

#endif
