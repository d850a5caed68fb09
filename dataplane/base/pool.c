/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/base/pool.h"

#include <errno.h>
#include <sys/mman.h>

int base_pool_init(struct base_pool *p, uint32_t capacity, uint32_t size, uint32_t keep)
{
	enum { PAGE = 4096, HUGE = 2 << 20 };
	size_t stride = (size + 15u) & ~15u;
	size_t bytes, align;
	uint8_t *m;

	if (capacity == 0 || capacity == BASE_POOL_NONE || size < 4 || keep < 4 || keep > size)
		return -EINVAL;
	bytes = (size_t)capacity * stride;
	align = bytes >= 4 * (size_t)HUGE ? HUGE : PAGE;
	bytes = (bytes + align - 1) & ~(align - 1);
	m = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (m == MAP_FAILED)
		return -errno;
	/* fewer TLB misses where the kernel has huge pages to give; its refusal changes nothing else. A pool
	 * that fits into few pages would only waste most of a huge one. */
	if (align == HUGE)
		madvise(m, bytes, MADV_HUGEPAGE);
	*p = (struct base_pool){.base = m,
				.stride = (uint32_t)stride,
				.keep = keep,
				.capacity = capacity,
				.free_head = BASE_POOL_NONE,
				.mapped = bytes};
	return 0;
}

void base_pool_fini(struct base_pool *p)
{
	if (!p->base)
		return;
#ifdef BASE_POOL_ASAN
	__asan_unpoison_memory_region(p->base, p->mapped);
#endif
	munmap(p->base, p->mapped);
	p->base = NULL;
}
