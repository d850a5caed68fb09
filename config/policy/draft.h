/* SPDX-License-Identifier: BSD-3-Clause */
/* A whole policy in plain memory: what a candidate is before it is published, what `check` and a dry
 * `explain` read when there is no segment, and what tests judge by. One owner, one thread. Adding allocates;
 * looking up does not.
 *
 * Records are added packed (pack.h) and get their id here where they have one. An id stays good as long as
 * the draft. */
#ifndef CONFIG_POLICY_DRAFT_H
#define CONFIG_POLICY_DRAFT_H

#include "config/policy/pack.h"
#include "config/policy/record.h"
#include "config/policy/view.h"

struct policy_draft;

/* NULL when there is no memory. Starts with every switch off. */
struct policy_draft *policy_draft_new(void);
void policy_draft_free(struct policy_draft *draft);

/* The view of it: reads what is in the draft now. */
const struct policy_view *policy_draft_view(const struct policy_draft *draft);

/* the switches, to be set in place */
struct policy_box *policy_draft_box(struct policy_draft *draft);

/* All of these return 0 (or an id > 0 where the record has one), -EINVAL for a bad name, -EEXIST when the key
 * is taken, -ENOMEM. */

/* `name` without "*."; the flags say whether it is a subtree. One name has one entry per slot. */
int policy_draft_domain(struct policy_draft *draft, struct policy_name name,
			const struct policy_domain *entry);
int policy_draft_domain_remove(struct policy_draft *draft, struct policy_name name, unsigned slot);
int policy_draft_user(struct policy_draft *draft, struct policy_address address,
		      const struct policy_user *user);
int policy_draft_partner(struct policy_draft *draft, const struct policy_partner *fixed,
			 const struct policy_partner_parts *parts);
int policy_draft_site(struct policy_draft *draft, const struct policy_site *fixed, struct policy_name name);
int policy_draft_identity(struct policy_draft *draft, const struct policy_identity *fixed,
			  struct policy_name name, struct policy_name public_fqdn);
int policy_draft_own_domain(struct policy_draft *draft, const struct policy_own_domain *fixed,
			    struct policy_name name);
/* Two providers of one FQDN or one name are taken, so that check can say so; look-ups find the first. Keeps
 * the box's PUBLIC_PROVIDER and HOSTING_PROVIDER flags right. */
int policy_draft_provider(struct policy_draft *draft, const struct policy_provider *fixed,
			  struct policy_name name, struct policy_name fqdn);
/* -EINVAL for more hops than POLICY_ROUTE_HOPS too */
int policy_draft_route_set(struct policy_draft *draft, const struct policy_route_set *fixed,
			   struct policy_name pattern, struct policy_name name,
			   const struct policy_hop_part *hops, unsigned hops_n);
int policy_draft_limit_class(struct policy_draft *draft, const struct policy_limit_class *fixed,
			     struct policy_name name);
int policy_draft_tls_profile(struct policy_draft *draft, const struct policy_tls_profile *fixed,
			     const struct policy_tls_parts *parts);
/* A packed record (pack.h) of one of the tables that decide() does not ask: listeners, certificates, trusts,
 * inner servers, secrets. Its id is written in and returned; -EINVAL for another table. */
int policy_draft_small(struct policy_draft *draft, enum policy_small which, const void *packed);
/* replaces an older answer */
int policy_draft_dns(struct policy_draft *draft, struct policy_name name, const struct policy_dns *dns);

/* Walks all entries in the order in which they were added; a callback that returns non-zero ends it with
 * that. */
typedef int (*policy_domain_fn)(void *ctx, struct policy_name name, const struct policy_domain *entry);

int policy_draft_each_domain(const struct policy_draft *draft, policy_domain_fn fn, void *ctx);

typedef int (*policy_user_fn)(void *ctx, struct policy_address address, const struct policy_user *user);
typedef int (*policy_dns_fn)(void *ctx, struct policy_name name, const struct policy_dns *dns);

int policy_draft_each_user(const struct policy_draft *draft, policy_user_fn fn, void *ctx);
int policy_draft_each_dns(const struct policy_draft *draft, policy_dns_fn fn, void *ctx);

/* the i-th, NULL after the last */
const struct policy_own_domain *policy_draft_own_domain_at(const struct policy_draft *draft, unsigned i);

#endif
