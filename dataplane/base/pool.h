/* SPDX-License-Identifier: BSD-3-Clause */
/* A fixed pool of equal objects named by 32-bit index. All address space is taken at init; pages are touched
 * only as objects are first used, so an unused pool costs nothing, and freed objects are reused last-in
 * first-out, which keeps the touched part small and warm. One thread. */
#ifndef DATAPLANE_BASE_POOL_H
#define DATAPLANE_BASE_POOL_H

#include <stddef.h>
#include <stdint.h>

#if defined(__SANITIZE_ADDRESS__)
#define BASE_POOL_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BASE_POOL_ASAN 1
#endif
#endif
#ifdef BASE_POOL_ASAN
#include <sanitizer/asan_interface.h>
#endif

enum { BASE_POOL_NONE = 0xffffffff };

struct base_pool {
	uint8_t *base;
	uint32_t stride;
	uint32_t keep;	   /* leading bytes that stay readable after put (generation numbers live there) */
	uint32_t capacity; /* objects */
	uint32_t touched;  /* objects ever handed out: what the pool costs in memory */
	uint32_t used;
	uint32_t free_head; /* index; the link is the first 4 bytes of a free object */
	size_t mapped;
};

/* `size` is rounded up to 16; the first 4 bytes of a freed object are the pool's own, `keep` bytes (at least
 * 4) stay readable while it is free. Memory is zero at first use. 0 or -errno. */
int base_pool_init(struct base_pool *p, uint32_t capacity, uint32_t size, uint32_t keep);
void base_pool_fini(struct base_pool *p);

static inline void *base_pool_at(const struct base_pool *p, uint32_t index)
{
	return p->base + (size_t)index * p->stride;
}

static inline uint32_t base_pool_index(const struct base_pool *p, const void *object)
{
	return (uint32_t)((size_t)((const uint8_t *)object - p->base) / p->stride);
}

/* BASE_POOL_NONE when empty; contents are what the last owner left */
static inline uint32_t base_pool_get(struct base_pool *p)
{
	uint32_t i = p->free_head;

	if (i != BASE_POOL_NONE) {
		p->free_head = *(uint32_t *)base_pool_at(p, i);
		/* The next one's link is in it, and it has long left the near caches. There is no such
		 * address behind the last one, which does no harm. */
		__builtin_prefetch(base_pool_at(p, p->free_head), 1);
	} else if (p->touched < p->capacity)
		i = p->touched++;
	else
		return BASE_POOL_NONE;
	p->used++;
#ifdef BASE_POOL_ASAN
	__asan_unpoison_memory_region(base_pool_at(p, i), p->stride);
#endif
	return i;
}

static inline void base_pool_put(struct base_pool *p, uint32_t index)
{
	uint8_t *o = base_pool_at(p, index);

	*(uint32_t *)o = p->free_head;
	p->free_head = index;
	p->used--;
#ifdef BASE_POOL_ASAN
	__asan_poison_memory_region(o + p->keep, p->stride - p->keep);
#endif
}

#endif
