/* SPDX-License-Identifier: BSD-3-Clause */
/* The writer's allocator over the spans of a segment. What is free is known to the writer alone, in private
 * memory: shared memory says only of what kind each span is, so a crash can leave nothing half changed. A
 * successor marks what can be reached from the root and takes the rest as free, one grace period later. */
#ifndef CONFIG_SEGMENT_HEAP_H
#define CONFIG_SEGMENT_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/segment/segment.h"

enum {
	HEAP_ENTRY,  /* table entries: 32 bytes, and 8 bytes for each at the end of its span */
	HEAP_BUCKET, /* overflow buckets: 64 bytes */
	HEAP_BLOB,   /* the first of the classes of blobs */
	HEAP_CLASSES = 23,
};

enum { HEAP_KIND_FREE, HEAP_KIND_LARGE, HEAP_KIND_LARGE_MORE, HEAP_KIND_CLASS = 16 };

struct heap_stack {
	uint32_t *v; /* offset / 8 */
	size_t n, cap;
};

struct heap_class {
	struct heap_stack free;
	struct heap_stack deferred; /* found free by a rebuild; not before its grace period is over */
	uint64_t next, end;	    /* the span that is being cut */
	uint64_t used;		    /* objects */
};

struct heap {
	struct segment *seg;
	uint8_t *kinds;
	uint64_t *marks; /* while rebuilding: one bit per 8 bytes */
	uint64_t marks_words;
	struct heap_class cls[HEAP_CLASSES];
	struct heap_stack deferred_spans; /* span numbers */
	uint64_t spans;			  /* mapped by the writer */
	uint64_t usable;		  /* mapped by every reader too: only from these is anything taken */
	uint64_t free_spans;
	uint64_t search;  /* no free span below */
	uint64_t reserve; /* spans that only an emergency may take */
	uint64_t large_spans;
	bool urgent; /* this is one */
};

enum { HEAP_ENTRY_SIZE = 32, HEAP_TAIL_SIZE = 8 };

/* the tail of the entry at off: what is seldom asked for lies apart, so that a look-up reads one line */
static inline uint64_t heap_tail(unsigned span_shift, uint64_t off)
{
	uint64_t span = 1ull << span_shift, in = off & (span - 1);
	uint64_t n = span / (HEAP_ENTRY_SIZE + HEAP_TAIL_SIZE);

	return off - in + n * HEAP_ENTRY_SIZE + in / HEAP_ENTRY_SIZE * HEAP_TAIL_SIZE;
}
/* the class for a blob, or -1: it is large */
int heap_class_of(const struct heap *h, uint64_t bytes);

/* kinds must be those of a fresh segment, or a rebuild follows at once */
void heap_init(struct heap *h, struct segment *seg);
void heap_fini(struct heap *h);
/* call after growth, and whenever readers may have mapped more */
void heap_extend(struct heap *h);

/* offset, or 0: no memory (grow, or wait for readers and grace periods). Content is not cleared. */
uint64_t heap_alloc(struct heap *h, unsigned cls);
/* blobs and whatever is larger; bytes > 0 */
uint64_t heap_alloc_bytes(struct heap *h, uint64_t bytes);
/* what heap_alloc and heap_alloc_bytes gave; only when no reader can hold it */
void heap_free(struct heap *h, uint64_t off);
uint64_t heap_free_bytes(const struct heap *h);

/* Rebuild by marking. begin: 0 or -ENOMEM. mark: 1 newly marked, 0 marked before, -EINVAL not an object of
 * that class. end: what is not marked becomes free, deferred until heap_release(). */
int heap_rebuild_begin(struct heap *h);
int heap_mark(struct heap *h, uint64_t off, unsigned cls);
int heap_mark_bytes(struct heap *h, uint64_t off, uint64_t bytes);
int heap_rebuild_end(struct heap *h);
void heap_release(struct heap *h);

#endif
