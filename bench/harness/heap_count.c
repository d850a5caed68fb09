/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/harness/heap_count.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

static uint64_t allocations;

uint64_t heap_count(void)
{
	return allocations;
}

#if !defined(__SANITIZE_ADDRESS__) && defined(__GLIBC__)

bool heap_counted(void)
{
	return true;
}

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void *__libc_memalign(size_t align, size_t n);
extern void __libc_free(void *p);

/* the whole family, or what one allocator gave would go back to another */
void free(void *p)
{
	__libc_free(p);
}

void *aligned_alloc(size_t align, size_t n)
{
	allocations++;
	return __libc_memalign(align, n);
}

int posix_memalign(void **p, size_t align, size_t n)
{
	allocations++;
	*p = __libc_memalign(align, n);
	return *p ? 0 : ENOMEM;
}

void *malloc(size_t n)
{
	allocations++;
	return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	allocations++;
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	allocations++;
	return __libc_realloc(p, n);
}

void *memalign(size_t align, size_t n)
{
	allocations++;
	return __libc_memalign(align, n);
}

#else

bool heap_counted(void)
{
	return false;
}

#endif
