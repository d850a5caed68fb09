/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/policy/fact.h"

static struct keyhash_pair fact_hash(const struct policy_fact_dir *dir, unsigned kind, const void *key,
				     uint32_t len)
{
	const struct keyhash_key k = {dir->k0 ^ kind, dir->k1};

	return keyhash_bytes(&k, key, len);
}

const struct policy_fact_dir *policy_fact_dir(const struct segment *seg)
{
	uint64_t off = __atomic_load_n(&seg->super->facts, __ATOMIC_ACQUIRE);
	const struct policy_fact_dir *dir = off && off % 8 == 0 ? segment_at(seg, off, sizeof(*dir)) : NULL;

	/* the shape is checked at every use (it is in the cache); the sum at attach */
	if (!dir || dir->magic != POLICY_FACT_MAGIC || dir->bits > 24 || dir->index % TABLE_BUCKET_BYTES ||
	    !segment_at(seg, dir->index, (uint64_t)TABLE_BUCKET_BYTES << dir->bits))
		return NULL;
	return dir;
}

const void *policy_fact_get(const struct segment *seg, unsigned kind, const void *key, uint32_t len)
{
	const struct policy_fact_dir *dir = policy_fact_dir(seg);
	struct keyhash_pair h;
	const uint64_t *b;

	if (!dir || len > POLICY_FACT_KEY_MAX)
		return NULL;
	h = fact_hash(dir, kind, key, len);
	b = (const uint64_t *)(seg->base + dir->index +
			       (h.h2 & ((1ull << dir->bits) - 1)) * TABLE_BUCKET_BYTES);
	for (unsigned i = 0; i < TABLE_SLOTS; i++) {
		/* acquire: the fact was complete before its slot appeared */
		uint64_t slot = __atomic_load_n(&b[i], __ATOMIC_ACQUIRE);
		const struct policy_fact *f;

		if (slot >> 32 != table_tag(h.h1))
			continue;
		f = segment_at(seg, (slot & 0xffffffffu) * 8, sizeof(*f));
		if (f && f->h1 == h.h1 && f->h2 == h.h2)
			return f->payload;
	}
	return NULL;
}

const struct policy_dns *policy_fact_dns(const struct segment *seg, struct policy_name name,
					 enum policy_dns_kind kind)
{
	return policy_fact_get(seg, kind, name.ptr, name.len);
}
