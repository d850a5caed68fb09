/* SPDX-License-Identifier: BSD-3-Clause */
/* Small tables: everything of the policy but domains and users. Built once, immutable, replaced as a whole.
 */
#ifndef CONFIG_POLICY_SMALL_H
#define CONFIG_POLICY_SMALL_H

#include "config/policy/root.h"

/* Lays the records out as one table. Each begins with its size in a uint32_t. *out is malloc'd; its length is
 * returned, or -EINVAL (a record whose size is impossible), -ENOMEM. */
int64_t policy_small_build(enum policy_small which, const void *const *records, unsigned n, void **out);

/* one table in the segment; NULL base: empty */
struct policy_small_view {
	const uint8_t *base;
	uint64_t len;
};

unsigned policy_small_count(struct policy_small_view t);
/* the i-th record in the order of ids; NULL when there is none or when it does not lie inside */
const void *policy_small_at(struct policy_small_view t, enum policy_small which, unsigned i);
const void *policy_small_by_id(struct policy_small_view t, enum policy_small which, uint32_t id);
/* by the name that this kind is known by (see small.c); nth counts from 0 among records of one name */
const void *policy_small_by_name(struct policy_small_view t, enum policy_small which, unsigned kind,
				 struct policy_name name, unsigned nth);
/* does the sum hold? The cold path, at attach. */
bool policy_small_sound(struct policy_small_view t);

#endif
