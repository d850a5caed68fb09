/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/segment/heap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* the first two are ENTRY and BUCKET; blobs waste at most a third */
static const uint32_t sizes[HEAP_CLASSES] = {32,   64,	 16,   24,   32,   40,	  48,	64,
					     80,   96,	 128,  160,  192,  256,	  384,	512,
					     1024, 1088, 2048, 4096, 8192, 16384, 32768};

static uint64_t span_bytes(const struct heap *h)
{
	return 1ull << h->seg->super->span_shift;
}

/* how much of a span its objects may fill */
static uint64_t class_bytes(const struct heap *h, unsigned cls)
{
	if (cls == HEAP_ENTRY)
		return span_bytes(h) / (HEAP_ENTRY_SIZE + HEAP_TAIL_SIZE) * HEAP_ENTRY_SIZE;
	return span_bytes(h);
}

int heap_class_of(const struct heap *h, uint64_t bytes)
{
	for (unsigned c = HEAP_BLOB; c < HEAP_CLASSES; c++)
		if (bytes <= sizes[c])
			/* an object larger than half a span wastes the rest of it: as well be large */
			return sizes[c] <= span_bytes(h) / 2 ? (int)c : -1;
	return -1;
}

static bool stack_push(struct heap_stack *s, uint32_t v)
{
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 1024;
		uint32_t *p = realloc(s->v, cap * sizeof(*p));

		if (!p)
			return false;
		s->v = p;
		s->cap = cap;
	}
	s->v[s->n++] = v;
	return true;
}

static void kind_set(struct heap *h, uint64_t span, uint8_t kind)
{
	segment_store8(h->seg, &h->kinds[span], kind);
}

void heap_init(struct heap *h, struct segment *seg)
{
	memset(h, 0, sizeof(*h));
	h->seg = seg;
	h->kinds = (uint8_t *)seg->super + seg->super->kinds_offset;
	/* span 0 stays empty: offset 0 means nothing */
	h->search = 1;
	/* a class that has no span yet takes one of these for a single emergency; the others may use up its
	 * rest */
	h->reserve = 1ull << (seg->super->extent_shift - seg->super->span_shift) >> 3;
	if (h->reserve > 16)
		h->reserve = 16;
	if (h->reserve < 4)
		h->reserve = 4;
	heap_extend(h);
}

void heap_fini(struct heap *h)
{
	for (unsigned c = 0; c < HEAP_CLASSES; c++) {
		free(h->cls[c].free.v);
		free(h->cls[c].deferred.v);
	}
	free(h->deferred_spans.v);
	free(h->marks);
	memset(h, 0, sizeof(*h));
}

void heap_extend(struct heap *h)
{
	const struct segment_super *s = h->seg->super;
	unsigned shift = s->extent_shift - s->span_shift;
	uint64_t usable = (uint64_t)segment_mapped_everywhere(h->seg) << shift;

	h->spans = (uint64_t)h->seg->mapped << shift;
	for (uint64_t i = h->usable ? h->usable : 1; i < usable; i++)
		if (h->kinds[i] == HEAP_KIND_FREE)
			h->free_spans++;
	if (usable > h->usable)
		h->usable = usable;
}

static uint64_t spans_take(struct heap *h, uint64_t n)
{
	uint64_t run = 0, i;

	if (h->free_spans < n + (h->urgent ? 0 : h->reserve))
		return 0;
	while (h->search < h->usable && h->kinds[h->search] != HEAP_KIND_FREE)
		h->search++;
	for (i = h->search; i < h->usable && run < n; i++)
		run = h->kinds[i] == HEAP_KIND_FREE ? run + 1 : 0;
	if (run < n)
		return 0;
	h->free_spans -= n;
	return i - n;
}

uint64_t heap_alloc(struct heap *h, unsigned cls)
{
	struct heap_class *c = &h->cls[cls];
	uint64_t off;

	if (c->free.n) {
		c->used++;
		return (uint64_t)c->free.v[--c->free.n] * 8;
	}
	if (c->next + sizes[cls] > c->end) {
		uint64_t span = spans_take(h, 1);

		if (!span)
			return 0;
		kind_set(h, span, (uint8_t)(HEAP_KIND_CLASS + cls));
		c->next = span * span_bytes(h);
		c->end = c->next + class_bytes(h, cls);
	}
	off = c->next;
	c->next += sizes[cls];
	c->used++;
	return off;
}

uint64_t heap_alloc_bytes(struct heap *h, uint64_t bytes)
{
	int cls = heap_class_of(h, bytes);
	uint64_t n = (bytes + span_bytes(h) - 1) / span_bytes(h), span;

	if (cls >= 0)
		return heap_alloc(h, (unsigned)cls);
	span = spans_take(h, n);
	if (!span)
		return 0;
	kind_set(h, span, HEAP_KIND_LARGE);
	for (uint64_t i = 1; i < n; i++)
		kind_set(h, span + i, HEAP_KIND_LARGE_MORE);
	h->large_spans += n;
	return span * span_bytes(h);
}

static void span_release(struct heap *h, uint64_t span)
{
	kind_set(h, span, HEAP_KIND_FREE);
	/* what lies beyond is counted when it becomes usable */
	if (span < h->usable)
		h->free_spans++;
	if (span < h->search)
		h->search = span;
}

void heap_free(struct heap *h, uint64_t off)
{
	uint64_t span = off / span_bytes(h);
	uint8_t kind;

	if (!off || span >= h->spans)
		return;
	kind = h->kinds[span];
	if (kind >= HEAP_KIND_CLASS && kind < HEAP_KIND_CLASS + HEAP_CLASSES) {
		struct heap_class *c = &h->cls[kind - HEAP_KIND_CLASS];

		/* when control is out of memory the object is lost until the next start finds it again */
		(void)stack_push(&c->free, (uint32_t)(off / 8));
		c->used--;
	} else if (kind == HEAP_KIND_LARGE) {
		/* the tail first: a crash in between leaves tails that no head owns, which a rebuild frees */
		uint64_t end = span + 1;

		while (end < h->spans && h->kinds[end] == HEAP_KIND_LARGE_MORE)
			end++;
		h->large_spans -= end - span;
		while (end > span)
			span_release(h, --end);
	}
}

uint64_t heap_free_bytes(const struct heap *h)
{
	return h->free_spans * span_bytes(h);
}

int heap_rebuild_begin(struct heap *h)
{
	h->marks_words = h->spans * span_bytes(h) / 8 / 64;
	h->marks = calloc(h->marks_words, sizeof(*h->marks));
	return h->marks ? 0 : -ENOMEM;
}

static int mark_bit(struct heap *h, uint64_t off)
{
	uint64_t bit = off / 8;

	if (h->marks[bit / 64] >> (bit % 64) & 1)
		return 0;
	h->marks[bit / 64] |= 1ull << (bit % 64);
	return 1;
}

int heap_mark(struct heap *h, uint64_t off, unsigned cls)
{
	uint64_t span = off / span_bytes(h), in = off % span_bytes(h);

	if (!off || span >= h->spans || h->kinds[span] != HEAP_KIND_CLASS + cls)
		return -EINVAL;
	if (in % sizes[cls] != 0 || in + sizes[cls] > class_bytes(h, cls))
		return -EINVAL;
	return mark_bit(h, off);
}

int heap_mark_bytes(struct heap *h, uint64_t off, uint64_t bytes)
{
	int cls = heap_class_of(h, bytes);
	uint64_t n = (bytes + span_bytes(h) - 1) / span_bytes(h), span = off / span_bytes(h);

	if (!bytes)
		return -EINVAL;
	if (cls >= 0)
		return heap_mark(h, off, (unsigned)cls);
	if (!off || off % span_bytes(h) || span + n > h->spans || h->kinds[span] != HEAP_KIND_LARGE)
		return -EINVAL;
	for (uint64_t i = 1; i < n; i++)
		if (h->kinds[span + i] != HEAP_KIND_LARGE_MORE)
			return -EINVAL;
	return mark_bit(h, off);
}

static bool rebuild_class_span(struct heap *h, uint64_t span, unsigned cls)
{
	uint64_t base = span * span_bytes(h);
	size_t before = h->cls[cls].deferred.n;
	bool any = false;

	for (uint64_t in = 0; in + sizes[cls] <= class_bytes(h, cls); in += sizes[cls]) {
		uint64_t bit = (base + in) / 8;

		if (h->marks[bit / 64] >> (bit % 64) & 1) {
			any = true;
			h->cls[cls].used++;
		} else if (!stack_push(&h->cls[cls].deferred, (uint32_t)bit)) {
			return false;
		}
	}
	if (!any) {
		h->cls[cls].deferred.n = before;
		return stack_push(&h->deferred_spans, (uint32_t)span);
	}
	return true;
}

int heap_rebuild_end(struct heap *h)
{
	bool ok = true, kept = false;

	for (unsigned c = 0; c < HEAP_CLASSES; c++)
		h->cls[c].used = 0;
	h->large_spans = 0;
	for (uint64_t span = 1; ok && span < h->spans; span++) {
		uint8_t kind = h->kinds[span];
		uint64_t bit = span * span_bytes(h) / 8;

		if (kind == HEAP_KIND_LARGE)
			kept = h->marks[bit / 64] >> (bit % 64) & 1;
		else if (kind != HEAP_KIND_LARGE_MORE)
			kept = false;
		if (kind == HEAP_KIND_FREE)
			continue;
		if (kind >= HEAP_KIND_CLASS && kind < HEAP_KIND_CLASS + HEAP_CLASSES)
			ok = rebuild_class_span(h, span, kind - HEAP_KIND_CLASS);
		else if (kept)
			h->large_spans++;
		else
			ok = stack_push(&h->deferred_spans, (uint32_t)span);
	}
	free(h->marks);
	h->marks = NULL;
	return ok ? 0 : -ENOMEM;
}

void heap_release(struct heap *h)
{
	for (unsigned c = 0; c < HEAP_CLASSES; c++) {
		struct heap_stack *d = &h->cls[c].deferred;

		if (!h->cls[c].free.n) {
			struct heap_stack t = h->cls[c].free;

			h->cls[c].free = *d;
			*d = t;
		}
		for (size_t i = 0; i < d->n; i++)
			(void)stack_push(&h->cls[c].free, d->v[i]);
		free(d->v);
		*d = (struct heap_stack){0};
	}
	for (size_t i = 0; i < h->deferred_spans.n; i++)
		span_release(h, h->deferred_spans.v[i]);
	free(h->deferred_spans.v);
	h->deferred_spans = (struct heap_stack){0};
}
