/* SPDX-License-Identifier: BSD-3-Clause */
/* A candidate beside the live policy: its small tables, and the names that it changes, asked before the live
 * tables. decide() may be asked twice; nothing else changes. One candidate at a time, built and then
 * published whole. */
#ifndef CONFIG_POLICY_OVERLAY_H
#define CONFIG_POLICY_OVERLAY_H

#include "config/policy/writer.h"

struct policy_overlay;

/* Begins a candidate that changes at most `domains` and `users`. NULL without memory; *err says more. */
struct policy_overlay *policy_overlay_begin(struct policy_writer *w, uint64_t domains, uint64_t users,
					    int *err);
/* Each key once. entry NULL: the candidate has none under (name, slot). Returns as policy_txn_put_domain().
 */
int policy_overlay_domain(struct policy_overlay *o, struct policy_name name, unsigned slot,
			  const struct policy_domain *entry, const struct policy_partner *partner);
int policy_overlay_user(struct policy_overlay *o, struct policy_address address,
			const struct policy_user *user);
int policy_overlay_small(struct policy_overlay *o, enum policy_small which, const void *const *records,
			 unsigned n);
/* Publishes it in the place of an earlier one. A small table that was not set is the live one as of now. */
int policy_overlay_publish(struct policy_overlay *o);
void policy_overlay_abort(struct policy_overlay *o);
/* ends the candidate */
void policy_overlay_withdraw(struct policy_writer *w);

#endif
