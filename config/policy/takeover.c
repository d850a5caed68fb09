/* SPDX-License-Identifier: BSD-3-Clause */
/* A new writer over an existing segment: every stamp above the live generation is undone, and whatever cannot
 * be reached from what is live is free, one grace period from now. */
#include <errno.h>

#include "config/policy/fact_write.h"
#include "config/policy/small.h"
#include "config/policy/table_read.h"
#include "config/policy/writer_internal.h"

struct walk {
	struct policy_writer *w;
	struct table *t;
	enum segment_refusal why;
};

/* an offset that is an entry: heap_mark() refuses everything else */
static int mark_string(struct policy_writer *w, uint64_t off)
{
	const struct table_string *s = segment_at(&w->seg, off, sizeof(*s));

	if (!s || heap_mark_bytes(&w->heap, off, sizeof(*s) + s->len) < 0)
		return -EBADMSG;
	return 0;
}

static int mark_partner(struct policy_writer *w, uint64_t off)
{
	const struct policy_partner *p = segment_at(&w->seg, off, sizeof(*p));

	if (!p || p->size < sizeof(*p) || heap_mark_bytes(&w->heap, off, p->size) < 0)
		return -EBADMSG;
	return 0;
}

static bool above(uint32_t g, uint32_t live)
{
	return g && (int32_t)(g - live) > 0;
}

static int walk_entry(void *arg, uint64_t *slot, struct table_entry *e, uint64_t at)
{
	struct walk *walk = arg;
	struct policy_writer *w = walk->w;
	struct table *t = walk->t;
	uint64_t off = table_offset(t, e), owned[2];
	const struct table_tail *tail;
	struct policy_name name;

	walk->why = SEGMENT_REFUSED_entry;
	if (off + sizeof(*e) > segment_limit(&w->seg))
		return -EBADMSG;
	tail = table_tail_of(t, e);
	name = table_string_at(w->seg.base, segment_limit(&w->seg), tail->name);
	if (tail->sum != table_entry_sum(e, tail->name) ||
	    !table_entry_placed(&t->key, (unsigned)t->ref.bits, t->users, *slot, at, e, name))
		return -EBADMSG;
	if (above(e->birth, w->live)) {
		segment_store64(&w->seg, slot, 0);
		return 0;
	}
	/* linked twice, or not an entry: damage */
	if (heap_mark(&w->heap, off, HEAP_ENTRY) != 1)
		return -EBADMSG;
	if (above(e->death, w->live))
		segment_store32(&w->seg, &e->death, 0);
	else if (e->death)
		limbo_push(&w->limbo, off | (t->users ? TABLE_LIMBO_USER : TABLE_LIMBO_DOMAIN));
	t->linked++;
	if (mark_string(w, (uint64_t)tail->name * 8) < 0)
		return -EBADMSG;
	policy_entry_owns(t, e, owned);
	if (owned[0] && (t->users ? mark_string(w, owned[0]) : mark_partner(w, owned[0])) < 0)
		return -EBADMSG;
	if (owned[1] && mark_string(w, owned[1]) < 0)
		return -EBADMSG;
	return 0;
}

/* the chains first: then following a link cannot leave the segment or run in a circle */
static int walk_chains(struct policy_writer *w, const struct table *t)
{
	for (uint64_t i = 0; i < 1ull << t->ref.bits; i++) {
		const uint64_t *b = (const uint64_t *)(w->seg.base + t->ref.index + i * TABLE_BUCKET_BYTES);

		while (b[TABLE_SLOTS - 1] >> 32 == TABLE_SLOT_LINK) {
			uint64_t off = (b[TABLE_SLOTS - 1] & 0xffffffffu) * TABLE_BUCKET_BYTES;

			if (!segment_at(&w->seg, off, TABLE_BUCKET_BYTES) ||
			    heap_mark(&w->heap, off, HEAP_BUCKET) != 1)
				return -EBADMSG;
			b = (const uint64_t *)(w->seg.base + off);
		}
	}
	return 0;
}

static int walk_table(struct walk *walk, struct table *t, const struct table_ref *ref)
{
	struct policy_writer *w = walk->w;
	int err;

	walk->why = SEGMENT_REFUSED_index;
	if (!ref->index ||
	    heap_mark_bytes(&w->heap, ref->index, (uint64_t)TABLE_BUCKET_BYTES << ref->bits) < 0)
		return -EBADMSG;
	t->ref = *ref;
	table_key_expand(&t->key, &(struct keyhash_key){ref->k0, ref->k1});
	err = walk_chains(w, t);
	if (err)
		return err;
	walk->t = t;
	return table_slots_each(t, walk_entry, walk);
}

int policy_writer_takeover(struct policy_writer *w, enum segment_refusal *why)
{
	struct walk walk = {.w = w, .why = SEGMENT_REFUSED_root};
	uint64_t word = w->seg.super->live;
	int err;

	err = heap_rebuild_begin(&w->heap);
	if (err) {
		walk.why = SEGMENT_REFUSED_memory;
		goto fail;
	}
	w->live = policy_live_generation(word);
	w->root_off = policy_live_root(word);
	err = policy_root_read(&w->seg, w->root_off, &w->root);
	if (!err && heap_mark_bytes(&w->heap, w->root_off, sizeof(w->root)) < 0)
		err = -EBADMSG;
	if (err)
		goto fail;
	walk.why = SEGMENT_REFUSED_small_table;
	for (unsigned i = 0; i < POLICY_SMALLS && !err; i++) {
		const struct policy_small_ref *s = &w->root.small[i];
		struct policy_small_view view = {w->seg.base + s->off, s->len};

		if (s->off && (heap_mark_bytes(&w->heap, s->off, s->len) < 0 || !policy_small_sound(view)))
			err = -EBADMSG;
	}
	if (!err)
		err = walk_table(&walk, &w->domains, &w->root.domains);
	if (!err)
		err = walk_table(&walk, &w->users, &w->root.users);
	if (!err) {
		walk.why = SEGMENT_REFUSED_facts;
		err = policy_fact_takeover(w);
	}
	if (!err) {
		walk.why = SEGMENT_REFUSED_memory;
		err = heap_rebuild_end(&w->heap);
	}
	if (err)
		goto fail;
	/* a candidate does not outlive the writer that compared it */
	segment_store64(&w->seg, &w->seg.super->shadow, 0);
	w->takeover = segment_epoch_begin(&w->seg);
	w->swept = w->live;
	w->sweep_at = 0;
	/* births of unknown age: normalise them soon */
	w->swept = w->live - w->sweep_every - 1;
	return 0;
fail:
	if (why)
		*why = walk.why;
	return err;
}
