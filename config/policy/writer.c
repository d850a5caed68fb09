/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/policy/writer.h"
#include "config/segment/file.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "config/policy/fact_write.h"
#include "config/policy/writer_internal.h"

enum {
	GROW_NAP_NS = 100000,  /* of a step that has nothing to do but to wait for memory */
	LIMBO_ITEM_BYTES = 48, /* what one waiting item keeps on average */
};

uint32_t policy_writer_generation(const struct policy_writer *w)
{
	return w->live;
}

struct segment *policy_writer_segment(struct policy_writer *w)
{
	return &w->seg;
}

int policy_writer_starved(struct policy_writer *w)
{
	w->starved = true;
	return w->grow_err ? w->grow_err : -EAGAIN;
}

uint64_t policy_writer_blob(struct policy_writer *w, const void *data, uint64_t len)
{
	uint64_t off = heap_alloc_bytes(&w->heap, len);

	if (off) {
		memcpy(w->seg.base + off, data, len);
		segment_step(&w->seg);
	}
	return off;
}

uint64_t policy_writer_string(struct policy_writer *w, struct policy_name text)
{
	uint16_t len = text.len < UINT16_MAX ? (uint16_t)text.len : UINT16_MAX;
	uint64_t off = heap_alloc_bytes(&w->heap, sizeof(struct table_string) + len);
	struct table_string *s;

	if (off) {
		s = (struct table_string *)(w->seg.base + off);
		s->len = len;
		memcpy(s->text, text.ptr, len);
		segment_step(&w->seg);
	}
	return off;
}

static void limbo_free(struct policy_writer *w, uint64_t off)
{
	if (off)
		limbo_push(&w->limbo, off | TABLE_LIMBO_FREE);
}

unsigned policy_entry_owns(const struct table *t, const struct table_entry *e, uint64_t owned[2])
{
	owned[0] = (uint64_t)(t->users ? e->user.email : e->domain.partner) * 8;
	owned[1] = t->users ? 0 : (uint64_t)e->domain.comment * 8;
	return 2;
}

void policy_writer_bury(struct policy_writer *w, uint64_t item)
{
	struct table *t = policy_table_of(w, item);
	struct table_entry *e = policy_entry_of(w, item);
	uint64_t owned[2];
	int shared = table_unlink(t, e);

	/* two transactions may both have listed it */
	if (shared < 0)
		return;
	policy_entry_owns(t, e, owned);
	limbo_free(w, table_offset(t, e));
	limbo_free(w, owned[0]);
	limbo_free(w, owned[1]);
	if (!shared)
		limbo_free(w, (uint64_t)table_tail_of(t, e)->name * 8);
}

int policy_writer_store_root(struct policy_writer *w, uint32_t generation, const struct policy_txn *txn)
{
	struct policy_root next = w->root;
	uint64_t off = w->root_off, replaced[POLICY_SMALLS] = {0};
	uint32_t set = txn ? txn->small_set : 0;

	if (set || w->root_dirty || !off) {
		next.magic = POLICY_ROOT_MAGIC;
		next.domains = w->domains.ref;
		next.users = w->users.ref;
		for (unsigned i = 0; i < POLICY_SMALLS; i++) {
			if (!(set >> i & 1))
				continue;
			if (txn->small_late >> i & 1) {
				replaced[i] = txn->small[i].off;
				continue;
			}
			replaced[i] = next.small[i].off;
			next.small[i] = txn->small[i];
		}
		next.sum = policy_root_sum(&next);
		off = policy_writer_blob(w, &next, sizeof(next));
		if (!off)
			return policy_writer_starved(w);
	}
	/* the one store by which everything becomes visible */
	segment_store64(&w->seg, &w->seg.super->live, policy_live_word(generation, off));
	w->live = generation;
	if (off != w->root_off) {
		limbo_free(w, w->root_off);
		for (unsigned i = 0; i < POLICY_SMALLS; i++)
			limbo_free(w, replaced[i]);
		w->root = next;
		w->root_off = off;
		w->root_dirty = false;
	}
	return 0;
}

/* ---- background work ---- */

static unsigned step_drain(struct policy_writer *w, unsigned units)
{
	while (w->drains && units) {
		struct policy_drain *d = w->drains;

		for (; d->done < d->dead.n && units; d->done++, units--) {
			uint64_t item = *policy_vec_at(&d->dead, d->done);

			/* another stamp: a plain transaction came first, and has listed it itself */
			if (policy_entry_of(w, item)->death == d->generation)
				limbo_push(&w->limbo, item);
			w->drain_items--;
		}
		if (d->done < d->dead.n)
			break;
		w->drains = d->next;
		if (!w->drains)
			w->drains_tail = &w->drains;
		policy_vec_free(&d->dead);
		free(d);
	}
	return units;
}

static unsigned step_limbo(struct policy_writer *w, unsigned units)
{
	uint64_t min, item;

	if (limbo_unsealed(&w->limbo))
		limbo_seal(&w->limbo, segment_epoch_begin(&w->seg));
	if (!w->limbo.items && !w->takeover && !w->sweep_epoch)
		return units;
	min = segment_epoch_min(&w->seg, &w->blocking);
	while (units && limbo_pop(&w->limbo, min, &item)) {
		if ((item & 7) == TABLE_LIMBO_FREE)
			heap_free(&w->heap, item & ~7ull);
		else
			policy_writer_bury(w, item);
		units--;
	}
	if (w->takeover && w->takeover <= min) {
		heap_release(&w->heap);
		w->takeover = 0;
	}
	if (w->sweep_epoch && w->sweep_epoch <= min) {
		w->sweep_epoch = 0;
		w->sweep_at = 1;
	}
	return units;
}

/* Births that every reader has passed become "always", so that numbers may wrap. */
static unsigned step_sweep(struct policy_writer *w, unsigned units)
{
	const uint64_t span = 1ull << w->seg.super->span_shift;
	const uint64_t n = span / (HEAP_ENTRY_SIZE + HEAP_TAIL_SIZE);

	if (!w->sweep_at) {
		if (!w->sweep_epoch && (uint32_t)(w->live - w->swept) > w->sweep_every) {
			w->sweep_to = w->live;
			w->sweep_epoch = segment_epoch_begin(&w->seg);
		}
		return units;
	}
	while (units && w->sweep_at < w->heap.spans) {
		struct table_entry *e = (struct table_entry *)(w->seg.base + w->sweep_at * span);

		if (w->heap.kinds[w->sweep_at++] != HEAP_KIND_CLASS + HEAP_ENTRY)
			continue;
		for (uint64_t i = 0; i < n; i++)
			if (e[i].birth && (int32_t)(w->sweep_to - e[i].birth) >= 0)
				segment_store32(&w->seg, &e[i].birth, 0);
		units -= units > n / 8 ? (unsigned)(n / 8) : units;
	}
	if (w->sweep_at >= w->heap.spans) {
		w->sweep_at = 0;
		w->swept = w->sweep_to;
	}
	return units;
}

/* 1: working, 0: nothing to do, -EAGAIN: no memory */
static int step_table(struct policy_writer *w, struct table *t, unsigned units)
{
	int rc = table_step(t, units);

	if (rc == 2) {
		struct table_ref was = t->ref;

		/* same generation, new root: readers change over between two bursts */
		table_swapped(t);
		w->root_dirty = true;
		rc = policy_writer_store_root(w, w->live, NULL);
		if (rc) {
			t->next = t->ref;
			t->ref = was;
			t->old = (struct table_ref){0};
			t->phase = TABLE_READY;
			return rc;
		}
		return 1;
	}
	return rc;
}

/* Memory is made ahead: by the quarter of an extent while a transaction is open, a whole one while there is
 * none, so that the next commit need not wait. -errno only when somebody wants what is not to be had. */
static int step_memory(struct policy_writer *w)
{
	uint64_t extent = 1ull << w->seg.super->extent_shift;
	uint64_t all = (uint64_t)w->seg.mapped << (w->seg.super->extent_shift - w->seg.super->span_shift);
	bool busy = w->plain.open || w->staged.open;
	int rc;

	if (w->heap.usable < all)
		heap_extend(&w->heap);
	/* an extent that some reader has not mapped yet is on its way */
	if (w->heap.usable < all)
		return 0;
	if (!w->starved && !segment_growing(&w->seg) &&
	    heap_free_bytes(&w->heap) >= (busy ? extent / 4 : extent))
		return 0;
	if (w->grow_err)
		return 0;
	rc = segment_grow(&w->seg, false);
	if (rc < 0) {
		w->grow_err = rc;
		return w->starved ? rc : 0;
	}
	if (rc == 1) {
		w->starved = false;
		heap_extend(&w->heap);
	} else if (w->starved) {
		/* nothing goes on without it, and the thread that makes it may want this processor */
		const struct timespec nap = {.tv_nsec = GROW_NAP_NS};

		nanosleep(&nap, NULL);
		return 1;
	}
	return rc;
}

int policy_writer_step(struct policy_writer *w, unsigned units)
{
	struct table *tables[2] = {&w->domains, &w->users};
	int more = 0, rc, failed = 0;
	unsigned left;

	left = step_drain(w, units);
	left = step_limbo(w, left);
	left = step_sweep(w, left);
	for (unsigned i = 0; i < 2; i++) {
		rc = left ? step_table(w, tables[i], left) : 0;
		if (rc == -EAGAIN)
			w->starved = true;
		else if (rc == 1)
			more = 1;
	}
	rc = step_memory(w);
	if (rc < 0)
		failed = rc;
	else if (rc)
		more = 1;
	if (w->drains || w->sweep_at || limbo_unsealed(&w->limbo) || left == 0)
		more = 1;
	return failed ? failed : more;
}

/* a larger index that is wanted where there is no memory for it is nothing to wait for */
static bool table_settled(const struct policy_writer *w, const struct table *t)
{
	return t->phase == TABLE_IDLE || (t->phase == TABLE_WANTED && w->grow_err);
}

int policy_writer_settle(struct policy_writer *w, int timeout_ms)
{
	const struct timespec nap = {.tv_nsec = 100000};
	struct timespec start, now;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (;;) {
		int rc = policy_writer_step(w, POLICY_WRITER_UNITS);

		if (rc < 0)
			return rc;
		if (rc == 1)
			continue;
		if (!w->limbo.items && !w->takeover && table_settled(w, &w->domains) &&
		    table_settled(w, &w->users) && !w->sweep_epoch && !segment_growing(&w->seg))
			return 0;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 > timeout_ms)
			return -ETIMEDOUT;
		nanosleep(&nap, NULL);
	}
}

/* ---- life ---- */

static struct policy_writer *writer_new(const struct policy_writer_config *cfg)
{
	struct policy_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->drains_tail = &w->drains;
	w->limbo_max = (cfg->limbo_bytes ? cfg->limbo_bytes : 64ull << 20) / LIMBO_ITEM_BYTES;
	w->sweep_every = POLICY_SWEEP_EVERY;
	w->domains = (struct table){.seg = &w->seg, .heap = &w->heap, .limbo = &w->limbo};
	w->users = w->domains;
	w->users.users = true;
	return w;
}

int policy_writer_create(struct policy_writer **out, const struct policy_writer_config *cfg,
			 enum segment_refusal *why)
{
	struct segment_config sc = cfg->segment;
	struct policy_writer *w = writer_new(cfg);
	struct keyhash_key other = {~cfg->key.k1, cfg->key.k0};
	unsigned domain_bits = table_bits_for(cfg->domains), user_bits = table_bits_for(cfg->users);
	int err;

	*out = NULL;
	if (why)
		*why = SEGMENT_REFUSED_memory;
	if (!w)
		return -ENOMEM;
	sc.user_abi = POLICY_SEGMENT_ABI;
	err = segment_create(&w->seg, &sc, why);
	if (err)
		goto fail;
	heap_init(&w->heap, &w->seg);
	for (;;) {
		if (!w->domains.ref.index)
			err = table_make(&w->domains, domain_bits, cfg->key);
		if (!err && !w->users.ref.index)
			err = table_make(&w->users, user_bits, other);
		if (!err && !w->seg.super->facts)
			err = policy_fact_make(w, cfg->facts ? cfg->facts : 4096,
					       (struct keyhash_key){cfg->key.k0 ^ ~0ull, cfg->key.k1});
		if (!err && !w->root_off)
			err = policy_writer_store_root(w, 1, NULL);
		if (err != -EAGAIN)
			break;
		do {
			err = segment_grow(&w->seg, true);
		} while (err == 0);
		if (err < 0)
			break;
		heap_extend(&w->heap);
		err = 0;
	}
	if (err)
		goto fail_close;
	w->swept = w->live;
	*out = w;
	if (why)
		*why = SEGMENT_REFUSED_none;
	return 0;
fail_close:
	if (why)
		*why = SEGMENT_REFUSED_memory;
	segment_discard(&w->seg);
	heap_fini(&w->heap);
fail:
	free(w);
	return err;
}

int policy_writer_publish(struct policy_writer *w)
{
	return segment_publish(&w->seg);
}

int policy_writer_open(struct policy_writer **out, const struct policy_writer_config *cfg,
		       enum segment_refusal *why)
{
	struct policy_writer *w = writer_new(cfg);
	int err;

	*out = NULL;
	if (!w)
		return -ENOMEM;
	err = segment_open(&w->seg, cfg->segment.dir, cfg->segment.name, POLICY_SEGMENT_ABI, why);
	if (err) {
		free(w);
		return err;
	}
	/* its readers may be others than when it was made; who may not give it away serves those that it has
	 */
	if (cfg->segment.group != (gid_t)-1)
		(void)!segment_file_give(w->seg.dirfd, cfg->segment.name, cfg->segment.group);
	heap_init(&w->heap, &w->seg);
	err = policy_writer_takeover(w, why);
	if (err) {
		policy_writer_close(w);
		return err;
	}
	*out = w;
	return 0;
}

void policy_writer_close(struct policy_writer *w)
{
	if (!w)
		return;
	if (w->plain.open)
		policy_txn_abort(&w->plain);
	if (w->staged.open)
		policy_txn_abort(&w->staged);
	while (w->drains) {
		struct policy_drain *d = w->drains;

		w->drains = d->next;
		policy_vec_free(&d->dead);
		free(d);
	}
	policy_vec_free(&w->shadow_owned);
	free(w->touched.v);
	limbo_fini(&w->limbo);
	heap_fini(&w->heap);
	segment_close(&w->seg);
	free(w);
}

void policy_writer_stats(const struct policy_writer *w, struct policy_writer_stats *out)
{
	const uint64_t span = 1ull << w->seg.super->span_shift;
	uint64_t tables = 0;

	for (uint64_t i = 1; i < w->heap.spans; i++) {
		uint8_t kind = w->heap.kinds[i];

		if (kind == HEAP_KIND_LARGE || kind == HEAP_KIND_LARGE_MORE ||
		    kind == HEAP_KIND_CLASS + HEAP_ENTRY || kind == HEAP_KIND_CLASS + HEAP_BUCKET)
			tables += span;
	}
	*out = (struct policy_writer_stats){
		.generation = w->live,
		.domains = w->domains.linked,
		.users = w->users.linked,
		.domain_buckets = 1ull << w->domains.ref.bits,
		.user_buckets = 1ull << w->users.ref.bits,
		.segment_bytes = (uint64_t)w->seg.mapped << w->seg.super->extent_shift,
		.table_bytes = tables,
		.free_bytes = heap_free_bytes(&w->heap),
		.limbo_items = w->limbo.items + w->drain_items,
		.blocking = w->blocking,
		.commits = w->commits,
		.blocks = w->blocks,
		.refused = w->refused,
	};
}
