/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/policy/root.h"

#include <errno.h>

uint64_t policy_root_sum(const struct policy_root *root)
{
	return keyhash_sum(&root->domains, sizeof(*root) - offsetof(struct policy_root, domains));
}

static bool table_ref_ok(const struct table_ref *ref, uint64_t limit)
{
	if (!ref->index)
		return true;
	return ref->bits >= TABLE_BITS_MIN && ref->bits <= TABLE_BITS_MAX &&
	       ref->index % TABLE_BUCKET_BYTES == 0 && ref->index < limit &&
	       (uint64_t)TABLE_BUCKET_BYTES << ref->bits <= limit - ref->index;
}

int policy_root_read(const struct segment *seg, uint64_t off, struct policy_root *out)
{
	uint64_t limit = segment_limit(seg);
	const struct policy_root *r = off ? segment_at(seg, off, sizeof(*r)) : NULL;

	if (!r)
		return -EBADMSG;
	/* copied, then checked: what is checked is what is used */
	memcpy(out, r, sizeof(*out));
	if (out->magic != POLICY_ROOT_MAGIC || out->sum != policy_root_sum(out))
		return -EBADMSG;
	if (!table_ref_ok(&out->domains, limit) || !table_ref_ok(&out->users, limit) ||
	    !table_ref_ok(&out->over_domains, limit) || !table_ref_ok(&out->over_users, limit))
		return -EBADMSG;
	for (unsigned i = 0; i < POLICY_SMALLS; i++) {
		const struct policy_small_ref *s = &out->small[i];

		if (s->off && (s->off % 8 || s->len < sizeof(struct policy_small_head) || s->off > limit ||
			       s->len > limit - s->off))
			return -EBADMSG;
	}
	return 0;
}
