/* SPDX-License-Identifier: BSD-3-Clause */
/* A reader's look at everything before it trusts a segment. A writer may be at work beside it: what is read
 * here is held by a pin, and only what never changes is summed up. */
#include "config/policy/fact.h"
#include "config/policy/reader.h"
#include "config/policy/small.h"

static bool string_ok(const struct segment *seg, uint64_t off)
{
	const struct table_string *s = segment_at(seg, off, sizeof(*s));

	return s && segment_at(seg, off, sizeof(*s) + s->len);
}

static bool entry_ok(const struct segment *seg, const struct table_key *key, unsigned bits, uint64_t slot,
		     uint64_t at, bool users)
{
	uint64_t off = (slot & 0xffffffffu) * HEAP_ENTRY_SIZE;
	const struct table_entry *e = segment_at(seg, off, sizeof(*e));
	const struct table_tail *tail =
		segment_at(seg, heap_tail(seg->super->span_shift, off), sizeof(*tail));
	const struct policy_partner *p;
	uint64_t partner;

	if (!off || !e || !tail || tail->sum != table_entry_sum(e, tail->name) ||
	    !table_entry_placed(key, bits, users, slot, at, e,
				table_string_at(seg->base, segment_limit(seg), tail->name)))
		return false;
	if (users)
		return !e->user.email || string_ok(seg, (uint64_t)e->user.email * 8);
	if (e->domain.comment && !string_ok(seg, (uint64_t)e->domain.comment * 8))
		return false;
	partner = (uint64_t)e->domain.partner * 8;
	p = segment_at(seg, partner, sizeof(*p));
	return !partner || (p && p->size >= sizeof(*p) && segment_at(seg, partner, p->size));
}

static enum segment_refusal table_ok(const struct segment *seg, const struct table_ref *ref, bool users)
{
	const struct keyhash_key secret = table_key(ref);
	struct table_key key;

	if (!ref->index)
		return SEGMENT_REFUSED_index;
	table_key_expand(&key, &secret);
	for (uint64_t i = 0; i < 1ull << ref->bits; i++) {
		const uint64_t *b = (const uint64_t *)(seg->base + ref->index + i * TABLE_BUCKET_BYTES);

		table_walk_ahead(seg->base, segment_limit(seg), ref, seg->super->span_shift, i);
		for (unsigned hops = 0;; hops++) {
			uint64_t last, off;

			if (hops >= TABLE_CHAIN_MAX)
				return SEGMENT_REFUSED_index;
			for (unsigned k = 0; k < TABLE_SLOTS; k++) {
				/* acquire: the entry was complete before its slot appeared */
				uint64_t slot = __atomic_load_n(&b[k], __ATOMIC_ACQUIRE);

				if (slot >> 63
					    ? !entry_ok(seg, &key, (unsigned)ref->bits, slot, i, users)
					    : slot && (k != TABLE_SLOTS - 1 || slot >> 32 != TABLE_SLOT_LINK))
					return slot >> 63 ? SEGMENT_REFUSED_entry : SEGMENT_REFUSED_index;
			}
			last = __atomic_load_n(&b[TABLE_SLOTS - 1], __ATOMIC_ACQUIRE);
			if (last >> 32 != TABLE_SLOT_LINK)
				break;
			off = (last & 0xffffffffu) * TABLE_BUCKET_BYTES;
			b = off ? segment_at(seg, off, TABLE_BUCKET_BYTES) : NULL;
			if (!b)
				return SEGMENT_REFUSED_index;
		}
	}
	return SEGMENT_REFUSED_none;
}

static enum segment_refusal facts_ok(const struct segment *seg)
{
	const struct policy_fact_dir *dir = policy_fact_dir(seg);

	if (!__atomic_load_n(&seg->super->facts, __ATOMIC_ACQUIRE))
		return SEGMENT_REFUSED_none;
	if (!dir ||
	    dir->sum != keyhash_sum(&dir->index, sizeof(*dir) - offsetof(struct policy_fact_dir, index)))
		return SEGMENT_REFUSED_facts;
	return SEGMENT_REFUSED_none;
}

enum segment_refusal policy_reader_validate(const struct segment *seg, unsigned i)
{
	enum segment_refusal why = SEGMENT_REFUSED_none;
	struct policy_root root;
	struct segment_pin pin;
	uint64_t word;

	if (segment_pin_init(&pin, seg, i) < 0)
		return SEGMENT_REFUSED_readers;
	word = segment_pin_online(&pin);
	if (policy_root_read(seg, policy_live_root(word), &root) < 0)
		why = SEGMENT_REFUSED_root;
	for (unsigned k = 0; k < POLICY_SMALLS && !why; k++) {
		const struct policy_small_ref *s = &root.small[k];

		if (s->off && !policy_small_sound((struct policy_small_view){seg->base + s->off, s->len}))
			why = SEGMENT_REFUSED_small_table;
	}
	if (!why)
		why = table_ok(seg, &root.domains, false);
	if (!why)
		why = table_ok(seg, &root.users, true);
	if (!why)
		why = facts_ok(seg);
	segment_pin_offline(&pin);
	return why;
}
