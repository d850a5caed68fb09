/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/policy/table.h"

void table_key_expand(struct table_key *out, const struct keyhash_key *key)
{
	out->key = *key;
	for (uint64_t i = 0; i < TABLE_HASH_WORDS; i += 2) {
		const uint64_t in[2] = {0x6e68206f6620616cu, i};
		struct keyhash_pair h = keyhash_bytes(key, in, sizeof(in));

		out->nh[i] = h.h1;
		out->nh[i + 1] = h.h2;
	}
}

struct keyhash_pair table_hash_name(const struct table_key *key, struct policy_name name, unsigned *labels)
{
	const struct keyhash_state init = keyhash_init(&key->key);
	const unsigned words = name.len <= TABLE_SHORT ? TABLE_SHORT / 8 : TABLE_WORDS;
	uint64_t block[TABLE_WORDS] = {0};
	struct table_sums sums;

	memcpy((char *)block + 8 * words - name.len, name.ptr, name.len);
	if (labels) {
		*labels = name.len != 0;
		for (uint32_t i = 0; i < name.len; i++)
			*labels += name.ptr[i] == '.';
	}
	sums = table_nh(key, block, words, name.len);
	return keyhash_final(table_hash_state(&init, &sums, name.len));
}

uint32_t table_entry_sum(const struct table_entry *e, uint32_t name)
{
	struct {
		uint64_t h2;
		uint8_t raw[16];
		uint64_t name;
	} in = {.h2 = e->h2, .name = name};

	memcpy(in.raw, e->raw, sizeof(in.raw));
	return (uint32_t)keyhash_sum(&in, sizeof(in));
}

bool table_entry_placed(const struct table_key *key, unsigned bits, bool users, uint64_t slot, uint64_t at,
			const struct table_entry *e, struct policy_name name)
{
	struct keyhash_pair h;

	if (!name.len || name.len > (users ? TABLE_ADDRESS_MAX : POLICY_NAME_MAX))
		return false;
	h = users ? keyhash_bytes(&key->key, name.ptr, name.len) : table_hash_name(key, name, NULL);
	return h.h2 == e->h2 && slot >> 32 == table_tag(h.h1) && at == (h.h2 & ((1ull << bits) - 1));
}

void table_walk_ahead(const uint8_t *base, uint64_t limit, const struct table_ref *ref, unsigned span_shift,
		      uint64_t at)
{
	/* entries and their tails first, and what the tails name when those have come */
	enum { FAR = 24, NEAR = 12 };

	for (unsigned stage = 0; stage < 2; stage++) {
		uint64_t i = at + (stage ? NEAR : FAR);
		const uint64_t *b = (const uint64_t *)(base + ref->index + i * TABLE_BUCKET_BYTES);

		if (i >= 1ull << ref->bits)
			continue;
		for (unsigned k = 0; k < TABLE_SLOTS; k++) {
			uint64_t slot = __atomic_load_n(&b[k], __ATOMIC_ACQUIRE);
			uint64_t off = (slot & 0xffffffffu) * HEAP_ENTRY_SIZE,
				 tail = heap_tail(span_shift, off);

			if (!(slot >> 63) || off >= limit || tail + sizeof(struct table_tail) > limit)
				continue;
			if (stage == 0) {
				__builtin_prefetch(base + off);
				__builtin_prefetch(base + tail);
			} else {
				uint64_t name =
					(uint64_t)((const struct table_tail *)(base + tail))->name * 8;

				if (name < limit)
					__builtin_prefetch(base + name);
			}
		}
	}
}
