/* SPDX-License-Identifier: BSD-3-Clause */
/* Buffers of four sizes, named by a 32-bit handle (class and index). Each class is a pool; one that is used
 * up borrows from the next larger one. One thread. */
#ifndef DATAPLANE_PROXY_PROXY_BUF_H
#define DATAPLANE_PROXY_PROXY_BUF_H

#include "dataplane/base/pool.h"

enum { PROXY_BUF_CLASSES = 4, PROXY_BUF_NONE = 0xffffffff, PROXY_BUF_SHIFT = 28 };

struct proxy_bufs {
	struct base_pool pool[PROXY_BUF_CLASSES];
	uint32_t size[PROXY_BUF_CLASSES];
	uint64_t used;
};

/* counts: how many of each size. 0 or -errno. */
int proxy_bufs_init(struct proxy_bufs *b, const uint32_t counts[PROXY_BUF_CLASSES]);
void proxy_bufs_fini(struct proxy_bufs *b);
/* PROXY_BUF_NONE: too large, or none left */
uint32_t proxy_buf_get(struct proxy_bufs *b, uint32_t size);
/* PROXY_BUF_NONE is fine */
void proxy_buf_put(struct proxy_bufs *b, uint32_t handle);

static inline uint8_t *proxy_buf_at(const struct proxy_bufs *b, uint32_t handle)
{
	return base_pool_at(&b->pool[handle >> PROXY_BUF_SHIFT], handle & ((1u << PROXY_BUF_SHIFT) - 1));
}

static inline uint32_t proxy_buf_size(const struct proxy_bufs *b, uint32_t handle)
{
	return b->size[handle >> PROXY_BUF_SHIFT];
}

#endif
