/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/policy/table_write.h"

#include <errno.h>

enum {
	LOAD_GROW = 6, /* entries a bucket, on average, at which a larger index is begun */
	LOAD_FULL = 7, /* and at which nothing more is linked before it is there */
};

static uint64_t buckets(const struct table_ref *ref)
{
	return 1ull << ref->bits;
}

static uint64_t *bucket(const struct table *t, const struct table_ref *ref, uint64_t i)
{
	return (uint64_t *)(t->seg->base + ref->index + (i & (buckets(ref) - 1)) * TABLE_BUCKET_BYTES);
}

static uint64_t *bucket_next(const struct table *t, const uint64_t *b)
{
	uint64_t last = b[TABLE_SLOTS - 1];

	if (last >> 32 != TABLE_SLOT_LINK)
		return NULL;
	return (uint64_t *)(t->seg->base + (last & 0xffffffffu) * TABLE_BUCKET_BYTES);
}

static struct table_entry *entry_of(const struct table *t, uint64_t slot)
{
	return (struct table_entry *)(t->seg->base + (slot & 0xffffffffu) * HEAP_ENTRY_SIZE);
}

static uint32_t entry_number(const struct table *t, const struct table_entry *e)
{
	return (uint32_t)(table_offset(t, e) / HEAP_ENTRY_SIZE);
}

unsigned table_bits_for(uint64_t entries)
{
	unsigned bits = TABLE_BITS_MIN;

	while (bits < TABLE_BITS_MAX && entries > (uint64_t)(LOAD_GROW - 1) << bits)
		bits++;
	return bits;
}

int table_make(struct table *t, unsigned bits, struct keyhash_key key)
{
	uint64_t bytes = (uint64_t)TABLE_BUCKET_BYTES << bits;
	uint64_t off = heap_alloc_bytes(t->heap, bytes);

	if (!off)
		return -EAGAIN;
	memset(t->seg->base + off, 0, bytes);
	t->ref = (struct table_ref){.index = off, .bits = bits, .k0 = key.k0, .k1 = key.k1};
	table_key_expand(&t->key, &key);
	return 0;
}

struct table_found table_find(struct table *t, struct keyhash_pair h, int slot, uint32_t live,
			      uint32_t staged)
{
	struct table_found found = {NULL, NULL};
	uint32_t tag = table_tag(h.h1);

	for (uint64_t *b = bucket(t, &t->ref, h.h2); b; b = bucket_next(t, b)) {
		for (unsigned i = 0; i < TABLE_SLOTS; i++) {
			struct table_entry *e;

			if (b[i] >> 32 != tag)
				continue;
			e = entry_of(t, b[i]);
			if (e->h2 != h.h2 || (slot >= 0 && table_entry_slot(e) != (unsigned)slot))
				continue;
			if (staged && e->birth == staged) {
				if (e->death != staged)
					found.pending = e;
			} else if (table_visible(e, live)) {
				found.live = e;
			}
		}
	}
	return found;
}

struct table_entry *table_entry_new(struct table *t, struct keyhash_pair h, const void *raw, uint32_t name,
				    uint32_t birth)
{
	uint64_t off = heap_alloc(t->heap, HEAP_ENTRY);
	struct table_entry *e;
	struct table_tail *tail;

	if (!off)
		return NULL;
	e = (struct table_entry *)(t->seg->base + off);
	e->h2 = h.h2;
	memcpy(e->raw, raw, sizeof(e->raw));
	/* relaxed: nobody can reach it before it is linked */
	__atomic_store_n(&e->birth, birth, __ATOMIC_RELAXED);
	__atomic_store_n(&e->death, 0, __ATOMIC_RELAXED);
	tail = table_tail_of(t, e);
	tail->name = name;
	tail->sum = table_entry_sum(e, name);
	segment_step(t->seg);
	return e;
}

static int link_into(struct table *t, const struct table_ref *ref, uint64_t h2, uint64_t slot)
{
	uint64_t *b = bucket(t, ref, h2);

	for (unsigned hops = 1;; hops++) {
		uint64_t *next = bucket_next(t, b);
		uint64_t off, *over;

		for (unsigned i = 0; i < TABLE_SLOTS; i++) {
			if (b[i] == 0) {
				segment_store64(t->seg, &b[i], slot);
				return 0;
			}
		}
		if (next) {
			b = next;
			continue;
		}
		if (hops >= TABLE_CHAIN_MAX)
			return -ELOOP;
		off = heap_alloc(t->heap, HEAP_BUCKET);
		if (!off)
			return -EAGAIN;
		/* The last slot becomes a link in one store: before and after it a reader finds its entry. */
		over = (uint64_t *)(t->seg->base + off);
		memset(over, 0, TABLE_BUCKET_BYTES);
		__atomic_store_n(&over[0], b[TABLE_SLOTS - 1], __ATOMIC_RELAXED);
		__atomic_store_n(&over[1], slot, __ATOMIC_RELAXED);
		segment_step(t->seg);
		segment_store64(t->seg, &b[TABLE_SLOTS - 1],
				table_slot((uint32_t)TABLE_SLOT_LINK, (uint32_t)(off / TABLE_BUCKET_BYTES)));
		return 0;
	}
}

static bool unlink_from(struct table *t, const struct table_ref *ref, uint64_t h2, uint32_t number)
{
	for (uint64_t *b = bucket(t, ref, h2); b; b = bucket_next(t, b)) {
		for (unsigned i = 0; i < TABLE_SLOTS; i++) {
			if ((uint32_t)b[i] == number && b[i] >> 63) {
				segment_store64(t->seg, &b[i], 0);
				return true;
			}
		}
	}
	return false;
}

/* is the bucket of h2 in the growing index already? */
static bool copied(const struct table *t, uint64_t h2)
{
	return (t->phase == TABLE_COPY && (h2 & (buckets(&t->ref) - 1)) < t->cursor) ||
	       t->phase == TABLE_READY;
}

int table_link(struct table *t, const struct table_entry *e, uint32_t tag)
{
	uint64_t slot = table_slot(tag, entry_number(t, e));
	int err;

	/* an emergency takes a longer chain instead */
	if (t->linked >= buckets(&t->ref) * LOAD_FULL && t->ref.bits < TABLE_BITS_MAX && !t->heap->urgent) {
		if (t->phase == TABLE_IDLE)
			t->phase = TABLE_WANTED;
		return -EINPROGRESS;
	}
	/* the new index first: what is in the old one alone would be lost by the swap */
	if (copied(t, e->h2)) {
		err = link_into(t, &t->next, e->h2, slot);
		if (err)
			return err;
	}
	err = link_into(t, &t->ref, e->h2, slot);
	if (err) {
		if (copied(t, e->h2))
			unlink_from(t, &t->next, e->h2, entry_number(t, e));
		return err;
	}
	t->linked++;
	if (t->linked >= buckets(&t->ref) * LOAD_GROW && t->phase == TABLE_IDLE &&
	    t->ref.bits < TABLE_BITS_MAX)
		t->phase = TABLE_WANTED;
	return 0;
}

int table_unlink(struct table *t, const struct table_entry *e)
{
	uint32_t number = entry_number(t, e), name = table_tail_of(t, e)->name;

	if (!unlink_from(t, &t->ref, e->h2, number))
		return -ENOENT;
	t->linked--;
	if (copied(t, e->h2))
		unlink_from(t, &t->next, e->h2, number);
	for (uint64_t *b = bucket(t, &t->ref, e->h2); b; b = bucket_next(t, b))
		for (unsigned i = 0; i < TABLE_SLOTS; i++)
			if (b[i] >> 63 && entry_of(t, b[i])->h2 == e->h2 &&
			    table_tail_of(t, entry_of(t, b[i]))->name == name)
				return 1;
	return 0;
}

static int step_begin(struct table *t)
{
	uint64_t off = heap_alloc_bytes(t->heap, (uint64_t)TABLE_BUCKET_BYTES << (t->ref.bits + 1));

	if (!off)
		return -EAGAIN;
	t->next = t->ref;
	t->next.index = off;
	t->next.bits = t->ref.bits + 1;
	t->cursor = 0;
	t->phase = TABLE_CLEAR;
	return 1;
}

static int step_clear(struct table *t, unsigned units)
{
	uint64_t n = buckets(&t->next) - t->cursor;

	if (n > 4ull * units)
		n = 4ull * units;
	memset(bucket(t, &t->next, t->cursor), 0, n * TABLE_BUCKET_BYTES);
	t->cursor += n;
	if (t->cursor == buckets(&t->next)) {
		t->cursor = 0;
		t->phase = TABLE_COPY;
	}
	return 1;
}

static int copy_bucket(struct table *t, uint64_t i)
{
	for (uint64_t *b = bucket(t, &t->ref, i); b; b = bucket_next(t, b)) {
		for (unsigned k = 0; k < TABLE_SLOTS; k++) {
			const struct table_entry *e;
			int err;

			if (!(b[k] >> 63))
				continue;
			e = entry_of(t, b[k]);
			err = link_into(t, &t->next, e->h2, b[k]);
			if (err)
				return err;
		}
	}
	return 0;
}

/* a bucket that could not be copied whole is taken out again, and tried later */
static void uncopy_bucket(struct table *t, uint64_t i)
{
	for (uint64_t *b = bucket(t, &t->ref, i); b; b = bucket_next(t, b))
		for (unsigned k = 0; k < TABLE_SLOTS; k++)
			if (b[k] >> 63)
				unlink_from(t, &t->next, entry_of(t, b[k])->h2, (uint32_t)b[k]);
}

static int step_copy(struct table *t, unsigned units)
{
	uint64_t ahead = 16;

	for (; units && t->cursor < buckets(&t->ref); units--, t->cursor++) {
		int err;

		/* the entries of a bucket some way ahead: their hashes are needed */
		if (t->cursor + ahead < buckets(&t->ref)) {
			const uint64_t *b = bucket(t, &t->ref, t->cursor + ahead);

			for (unsigned k = 0; k < TABLE_SLOTS; k++)
				if (b[k] >> 63)
					__builtin_prefetch(entry_of(t, b[k]));
		}
		err = copy_bucket(t, t->cursor);
		if (err) {
			uncopy_bucket(t, t->cursor);
			return err;
		}
	}
	if (t->cursor == buckets(&t->ref)) {
		t->phase = TABLE_READY;
		return 2;
	}
	return 1;
}

void table_swapped(struct table *t)
{
	t->old = t->ref;
	t->next.depth[0] = t->ref.depth[0];
	t->next.depth[1] = t->ref.depth[1];
	t->ref = t->next;
	t->next = (struct table_ref){0};
	t->cursor = 0;
	t->phase = TABLE_SWEEP;
}

static int step_sweep(struct table *t, unsigned units)
{
	for (; units && t->cursor < buckets(&t->old); units--, t->cursor++)
		for (uint64_t *b = bucket_next(t, bucket(t, &t->old, t->cursor)); b; b = bucket_next(t, b))
			limbo_push(t->limbo, (uint64_t)((uint8_t *)b - t->seg->base) | TABLE_LIMBO_FREE);
	if (t->cursor < buckets(&t->old))
		return 1;
	limbo_push(t->limbo, t->old.index | TABLE_LIMBO_FREE);
	t->old = (struct table_ref){0};
	t->phase = TABLE_IDLE;
	return 1;
}

int table_step(struct table *t, unsigned units)
{
	switch (t->phase) {
	case TABLE_IDLE:
		return 0;
	case TABLE_WANTED:
		return step_begin(t);
	case TABLE_CLEAR:
		return step_clear(t, units);
	case TABLE_COPY:
		return step_copy(t, units);
	case TABLE_READY:
		return 2;
	case TABLE_SWEEP:
		return step_sweep(t, units);
	}
	return 0;
}

int table_slots_each(struct table *t,
		     int (*fn)(void *arg, uint64_t *slot, struct table_entry *e, uint64_t at), void *arg)
{
	for (uint64_t i = 0; i < buckets(&t->ref); i++) {
		uint64_t *b = bucket(t, &t->ref, i);

		table_walk_ahead(t->seg->base, segment_limit(t->seg), &t->ref, t->seg->super->span_shift, i);
		for (unsigned hops = 0; b; hops++) {
			for (unsigned k = 0; k < TABLE_SLOTS; k++) {
				int rc = b[k] >> 63 ? fn(arg, &b[k], entry_of(t, b[k]), i) : 0;

				if (rc)
					return rc;
			}
			b = hops < TABLE_CHAIN_MAX ? bucket_next(t, b) : NULL;
		}
	}
	return 0;
}
