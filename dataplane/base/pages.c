/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/base/pages.h"

#include <stdint.h>
#include <sys/mman.h>

enum { PAGE = 4096, HUGE = 2 << 20 };

void *base_pages_map(size_t *bytes)
{
	size_t align = *bytes >= HUGE / 4 ? HUGE : PAGE, size = (*bytes + align - 1) & ~(align - 1);
	size_t more = align == HUGE ? HUGE : 0, before;
	uint8_t *m = mmap(NULL, size + more, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (m == MAP_FAILED)
		return NULL;
	if (more) {
		/* a huge page lies where its size says; what is too much in front and behind goes back */
		before = -(uintptr_t)m & (HUGE - 1);
		if (before)
			munmap(m, before);
		if (more - before)
			munmap(m + before + size, more - before);
		m += before;
		/* its refusal changes nothing else */
		madvise(m, size, MADV_HUGEPAGE);
	}
	*bytes = size;
	return m;
}

void base_pages_unmap(void *pages, size_t bytes)
{
	if (pages)
		munmap(pages, bytes);
}
