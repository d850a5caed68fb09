/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/proxy/proxy_buf.h"

#include <errno.h>
#include <string.h>

/* The largest holds the largest message with what is added to it: 64 KiB of head, 1 MiB of body. */
static const uint32_t sizes[PROXY_BUF_CLASSES] = {2 << 10, 16 << 10, 128 << 10, 1280 << 10};

int proxy_bufs_init(struct proxy_bufs *b, const uint32_t counts[PROXY_BUF_CLASSES])
{
	int r;

	memset(b, 0, sizeof(*b));
	for (unsigned i = 0; i < PROXY_BUF_CLASSES; i++) {
		b->size[i] = sizes[i];
		r = counts[i] < 1u << PROXY_BUF_SHIFT ? base_pool_init(&b->pool[i], counts[i], sizes[i], 4)
						      : -EINVAL;
		if (r < 0) {
			proxy_bufs_fini(b);
			return r;
		}
	}
	return 0;
}

void proxy_bufs_fini(struct proxy_bufs *b)
{
	for (unsigned i = 0; i < PROXY_BUF_CLASSES; i++)
		base_pool_fini(&b->pool[i]);
}

uint32_t proxy_buf_get(struct proxy_bufs *b, uint32_t size)
{
	unsigned i = 0;

	while (i < PROXY_BUF_CLASSES && size > b->size[i])
		i++;
	/* one class further and no more: a flood of small messages must not use up the large buffers */
	for (unsigned last = i + 2; i < last && i < PROXY_BUF_CLASSES; i++) {
		uint32_t index = base_pool_get(&b->pool[i]);

		if (index != BASE_POOL_NONE) {
			b->used++;
			return i << PROXY_BUF_SHIFT | index;
		}
	}
	return PROXY_BUF_NONE;
}

void proxy_buf_put(struct proxy_bufs *b, uint32_t handle)
{
	if (handle == PROXY_BUF_NONE)
		return;
	base_pool_put(&b->pool[handle >> PROXY_BUF_SHIFT], handle & ((1u << PROXY_BUF_SHIFT) - 1));
	b->used--;
}
