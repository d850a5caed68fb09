/* SPDX-License-Identifier: BSD-3-Clause */
/* Looking up in the big tables: no lock, no wait, no retry because of a writer. Every number that comes out
 * of shared memory is checked against the limit before it is followed. */
#ifndef CONFIG_POLICY_TABLE_READ_H
#define CONFIG_POLICY_TABLE_READ_H

#include "config/policy/table.h"
#include "config/policy/view.h"

struct table_view;

/* one table as one generation sees it */
struct table_view {
	const uint8_t *base;
	uint64_t limit;
	struct table_ref ref; /* checked by policy_root_read() */
	struct table_key key; /* of ref */
	uint32_t generation;
	/* table_kernel.h: the burst look-up for this machine */
	void (*kernel)(struct table_view *v, const struct policy_name *names, unsigned n,
		       struct policy_hit *hits);
	uint64_t damaged; /* numbers that led out of the segment: counted, not followed */
};

/* hits[i] gets, through policy_hit_add(), every visible entry that covers names[i]; n ≤ POLICY_BURST. Names
 * must be canonical (an overlong one has no hit). */
void table_domains_burst(struct table_view *v, const struct policy_name *names, unsigned n,
			 struct policy_hit *hits);
/* the same with an overlay: an entry of `over` (of type none: absent) hides the one of the same name and slot
 */
void table_domains_over(struct table_view *live, struct table_view *over, const struct policy_name *names,
			unsigned n, struct policy_hit *hits);
/* the visible entry for exactly (name, slot), or NULL */
const struct table_entry *table_domain_get(struct table_view *v, struct policy_name name, unsigned slot);

void table_users_burst(struct table_view *v, const struct policy_address *addresses, unsigned n,
		       const struct policy_user **users);
const struct table_entry *table_user_get(struct table_view *v, struct policy_address address);

/* Calls fn for each visible entry with its name until fn returns non-zero, which it returns. The cold path:
 * show, export. The generation must stay pinned. */
int table_each(struct table_view *v, unsigned span_shift,
	       int (*fn)(void *arg, const struct table_entry *e, struct policy_name name), void *arg);
/* a string of the segment by its offset / 8; len 0 when there is none */
struct policy_name table_string_at(const uint8_t *base, uint64_t limit, uint32_t ref);

#endif
