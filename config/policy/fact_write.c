/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "config/policy/fact.h"
#include "config/policy/fact_write.h"
#include "config/policy/writer_internal.h"

/* what the writer knows of the facts; they hold no pointers, so a successor counts them anew */
static struct policy_fact_dir *dir_of(struct policy_writer *w)
{
	return (struct policy_fact_dir *)(uintptr_t)policy_fact_dir(&w->seg);
}

static uint16_t *charge_of(struct policy_writer *w, uint64_t asker)
{
	return &w->fact_charge[(asker * 0x9e3779b97f4a7c15u) >> 48];
}

static struct policy_fact *fact_of(struct policy_writer *w, uint64_t slot)
{
	return (struct policy_fact *)(w->seg.base + (slot & 0xffffffffu) * 8);
}

static void fact_drop(struct policy_writer *w, uint64_t *slot)
{
	uint64_t was = *slot;

	if (fact_of(w, was)->asker)
		--*charge_of(w, fact_of(w, was)->asker);
	segment_store64(&w->seg, slot, 0);
	limbo_push(&w->limbo, (was & 0xffffffffu) * 8 | TABLE_LIMBO_FREE);
	w->facts--;
}

int policy_fact_make(struct policy_writer *w, uint32_t max, struct keyhash_key key)
{
	struct policy_fact_dir dir = {.magic = POLICY_FACT_MAGIC, .k0 = key.k0, .k1 = key.k1, .max = max};
	uint64_t off;

	/* half full at most, so that eight slots seldom have to do with fewer than they need */
	while ((uint64_t)TABLE_SLOTS << dir.bits < 2ull * max)
		dir.bits++;
	dir.index = heap_alloc_bytes(&w->heap, (uint64_t)TABLE_BUCKET_BYTES << dir.bits);
	if (!dir.index)
		return -EAGAIN;
	memset(w->seg.base + dir.index, 0, (uint64_t)TABLE_BUCKET_BYTES << dir.bits);
	dir.sum = keyhash_sum(&dir.index, sizeof(dir) - offsetof(struct policy_fact_dir, index));
	off = policy_writer_blob(w, &dir, sizeof(dir));
	if (!off) {
		heap_free(&w->heap, dir.index);
		return -EAGAIN;
	}
	segment_store64(&w->seg, &w->seg.super->facts, off);
	return 0;
}

int policy_fact_takeover(struct policy_writer *w)
{
	struct policy_fact_dir *dir = dir_of(w);
	uint64_t n;

	if (!w->seg.super->facts)
		return 0;
	if (!dir ||
	    dir->sum != keyhash_sum(&dir->index, sizeof(*dir) - offsetof(struct policy_fact_dir, index)) ||
	    heap_mark_bytes(&w->heap, w->seg.super->facts, sizeof(*dir)) < 0 ||
	    heap_mark_bytes(&w->heap, dir->index, (uint64_t)TABLE_BUCKET_BYTES << dir->bits) < 0)
		return -EBADMSG;
	n = (uint64_t)TABLE_SLOTS << dir->bits;
	for (uint64_t i = 0; i < n; i++) {
		uint64_t *slot = (uint64_t *)(w->seg.base + dir->index) + i;
		uint64_t off = (*slot & 0xffffffffu) * 8;

		if (!*slot)
			continue;
		/* a damaged fact is forgotten: it can be asked for again */
		if (!segment_at(&w->seg, off, sizeof(struct policy_fact)) ||
		    heap_mark_bytes(&w->heap, off, sizeof(struct policy_fact)) != 1) {
			segment_store64(&w->seg, slot, 0);
			continue;
		}
		w->facts++;
		if (fact_of(w, *slot)->asker)
			++*charge_of(w, fact_of(w, *slot)->asker);
	}
	return 0;
}

static uint64_t *bucket_of(struct policy_writer *w, const struct policy_fact_dir *dir, uint64_t h2)
{
	return (uint64_t *)(w->seg.base + dir->index + (h2 & ((1ull << dir->bits) - 1)) * TABLE_BUCKET_BYTES);
}

/* the slot of exactly that fact, or NULL */
static uint64_t *slot_find(struct policy_writer *w, uint64_t *b, struct keyhash_pair h)
{
	for (unsigned i = 0; i < TABLE_SLOTS; i++)
		if (b[i] >> 32 == table_tag(h.h1) && fact_of(w, b[i])->h1 == h.h1 &&
		    fact_of(w, b[i])->h2 == h.h2)
			return &b[i];
	return NULL;
}

/* a free slot, or the one that expires first */
static uint64_t *slot_room(struct policy_writer *w, uint64_t *b)
{
	uint64_t *first = NULL;

	for (unsigned i = 0; i < TABLE_SLOTS; i++) {
		if (!b[i])
			return &b[i];
		if (!first || fact_of(w, b[i])->expires_ns < fact_of(w, *first)->expires_ns)
			first = &b[i];
	}
	return first;
}

/* one fact elsewhere goes, the first to expire of a bucket; the hand moves on */
static void fact_evict(struct policy_writer *w, const struct policy_fact_dir *dir)
{
	for (uint64_t n = 0; n < 1ull << dir->bits; n++) {
		uint64_t *b = bucket_of(w, dir, w->fact_hand++), *first = NULL;

		for (unsigned i = 0; i < TABLE_SLOTS; i++)
			if (b[i] && (!first || fact_of(w, b[i])->expires_ns < fact_of(w, *first)->expires_ns))
				first = &b[i];
		if (first) {
			fact_drop(w, first);
			return;
		}
	}
}

int policy_fact_put(struct policy_writer *w, unsigned kind, const void *key, uint32_t key_len,
		    const void *payload, uint32_t len, uint64_t expires_ns, uint64_t asker)
{
	const struct policy_fact_dir *dir = dir_of(w);
	struct policy_fact *f;
	uint64_t *b, *slot, off, was;
	struct keyhash_pair h;
	uint32_t quota;

	if (!dir || kind == POLICY_FACT_FREE || key_len > POLICY_FACT_KEY_MAX || len > POLICY_FACT_PAYLOAD)
		return -EINVAL;
	h = keyhash_bytes(&(struct keyhash_key){dir->k0 ^ kind, dir->k1}, key, key_len);
	b = bucket_of(w, dir, h.h2);
	slot = slot_find(w, b, h);
	quota = (uint32_t)(dir->max / 16 + 1);
	/* replacing costs its first asker nothing more */
	if (!slot && asker && *charge_of(w, asker) >= (quota < UINT16_MAX ? quota : UINT16_MAX))
		return -EDQUOT;
	off = heap_alloc_bytes(&w->heap, sizeof(*f));
	if (!off)
		return policy_writer_starved(w);
	f = (struct policy_fact *)(w->seg.base + off);
	memset(f, 0, sizeof(*f));
	f->h1 = h.h1;
	f->h2 = h.h2;
	f->expires_ns = expires_ns;
	f->asker = slot ? fact_of(w, *slot)->asker : asker;
	memcpy(f->payload, payload, len);
	segment_step(&w->seg);
	if (!slot) {
		if (w->facts >= dir->max)
			fact_evict(w, dir);
		slot = slot_room(w, b);
		if (*slot)
			fact_drop(w, slot);
		w->facts++;
		if (asker)
			++*charge_of(w, asker);
	}
	was = *slot;
	segment_store64(&w->seg, slot, table_slot(table_tag(h.h1), (uint32_t)(off / 8)));
	if (was)
		limbo_push(&w->limbo, (was & 0xffffffffu) * 8 | TABLE_LIMBO_FREE);
	return 0;
}

int policy_fact_put_dns(struct policy_writer *w, struct policy_name name, const struct policy_dns *answer,
			uint64_t asker)
{
	if (policy_name_check(name) != POLICY_NAME_OK || answer->kind == 0 ||
	    answer->kind >= POLICY_DNS_KINDS)
		return -EINVAL;
	return policy_fact_put(w, answer->kind, name.ptr, name.len, answer, sizeof(*answer),
			       answer->expires_ns, asker);
}

int policy_fact_del(struct policy_writer *w, unsigned kind, const void *key, uint32_t key_len)
{
	const struct policy_fact_dir *dir = dir_of(w);
	struct keyhash_pair h;
	uint64_t *slot;

	if (!dir || key_len > POLICY_FACT_KEY_MAX)
		return -EINVAL;
	h = keyhash_bytes(&(struct keyhash_key){dir->k0 ^ kind, dir->k1}, key, key_len);
	slot = slot_find(w, bucket_of(w, dir, h.h2), h);
	if (slot)
		fact_drop(w, slot);
	return 0;
}

uint64_t policy_fact_count(const struct policy_writer *w)
{
	return w->facts;
}
