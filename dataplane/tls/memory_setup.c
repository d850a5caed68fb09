/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tls/memory.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#ifdef TLS_JEMALLOC
#include <jemalloc/jemalloc.h>
#endif

/* the one thread-local pointer of the house */
static _Thread_local struct tls_arena *arena_now;

/* A sanitizer must see every allocation itself, so its builds take libc's allocator and count alike. */
#ifdef TLS_JEMALLOC
static int flags(const struct tls_arena *a)
{
	return a ? (int)(MALLOCX_ARENA(a->index) | MALLOCX_TCACHE(a->cache)) : 0;
}

static void *raw_alloc(const struct tls_arena *a, size_t n)
{
	return mallocx(n, flags(a));
}

static void *raw_realloc(const struct tls_arena *a, void *p, size_t n)
{
	return rallocx(p, n, flags(a));
}

/* the size spares it a lookup */
static void raw_free(const struct tls_arena *a, void *p, size_t size)
{
	sdallocx(p, size, a ? (int)MALLOCX_TCACHE(a->cache) : 0);
}

/* of a block that is made with room for n: arithmetic, no lookup */
static size_t raw_rounded(void *p, size_t n)
{
	return nallocx(n, 0);
}

static size_t raw_size(void *p)
{
	return sallocx(p, 0);
}

static void kept_init(struct tls_arena *a)
{
	a->step[0] = 1;
	for (unsigned i = 1; i < TLS_KEPT_SIZES; i++)
		a->step[i] = (uint8_t)(nallocx(i * TLS_KEPT_STEP, 0) / TLS_KEPT_STEP);
}

/* kept_take() made a size of jemalloc's of it */
static bool kept_rounds(size_t n)
{
	return n <= (TLS_KEPT_SIZES - 1) * TLS_KEPT_STEP;
}

/* NULL: none is kept; *n becomes the size to ask jemalloc for */
static void *kept_take(struct tls_arena *a, size_t *n)
{
	unsigned step;

	if (!a || !kept_rounds(*n))
		return NULL;
	step = a->step[(*n + TLS_KEPT_STEP - 1) / TLS_KEPT_STEP];
	*n = (size_t)step * TLS_KEPT_STEP;
	return a->n_kept[step] ? a->kept[step][--a->n_kept[step]] : NULL;
}

static bool kept_put(struct tls_arena *a, void *p, size_t size)
{
	size_t step = size / TLS_KEPT_STEP;

	if (!a || step == 0 || step >= TLS_KEPT_SIZES || a->n_kept[step] == TLS_KEPT_EACH)
		return false;
	a->kept[step][a->n_kept[step]++] = p;
	return true;
}
#else
static void *raw_alloc(const struct tls_arena *a, size_t n)
{
	return malloc(n);
}

static void *raw_realloc(const struct tls_arena *a, void *p, size_t n)
{
	return realloc(p, n);
}

static void raw_free(const struct tls_arena *a, void *p, size_t size)
{
	free(p);
}

static size_t raw_rounded(void *p, size_t n)
{
	return malloc_usable_size(p);
}

static size_t raw_size(void *p)
{
	return malloc_usable_size(p);
}

static void kept_init(struct tls_arena *a)
{
}

static bool kept_rounds(size_t n)
{
	return false;
}

static void *kept_take(struct tls_arena *a, size_t *n)
{
	return NULL;
}

static bool kept_put(struct tls_arena *a, void *p, size_t size)
{
	return false;
}
#endif

static uint64_t ticks_begin(const struct tls_arena *a)
{
	return a && a->counts_ticks ? __rdtsc() : 0;
}

static void ticks_end(struct tls_arena *a, uint64_t begin)
{
	if (a && a->counts_ticks)
		a->ticks += __rdtsc() - begin;
}

static void bytes_add(struct tls_arena *a, int64_t n)
{
	a->bytes += n;
	if (a->bytes > a->peak)
		a->peak = a->bytes;
}

static void *hook_malloc(size_t n, const char *file, int line)
{
	struct tls_arena *a = arena_now;
	uint64_t begin = ticks_begin(a);
	void *p;

	if (n == 0) /* as CRYPTO_malloc() does */
		return NULL;
	p = kept_take(a, &n);
	if (!p)
		p = raw_alloc(a, n);
	if (a && p) {
		a->allocations++;
		bytes_add(a, (int64_t)(kept_rounds(n) ? n : raw_rounded(p, n)));
	}
	ticks_end(a, begin);
	return p;
}

static void hook_free(void *p, const char *file, int line)
{
	struct tls_arena *a = arena_now;
	uint64_t begin = ticks_begin(a);

	size_t size;

	if (!p)
		return;
	size = raw_size(p);
	if (a) {
		a->frees++;
		a->bytes -= (int64_t)size;
	}
	if (!kept_put(a, p, size))
		raw_free(a, p, size);
	ticks_end(a, begin);
}

static void *hook_realloc(void *p, size_t n, const char *file, int line)
{
	struct tls_arena *a = arena_now;
	uint64_t begin;
	size_t old;
	void *q;

	if (!p)
		return hook_malloc(n, file, line);
	if (n == 0) {
		hook_free(p, file, line);
		return NULL;
	}
	begin = ticks_begin(a);
	old = raw_size(p);
	q = raw_realloc(a, p, n);
	if (a && q) {
		a->reallocations++;
		bytes_add(a, (int64_t)raw_rounded(q, n) - (int64_t)old);
	}
	ticks_end(a, begin);
	return q;
}

int tls_memory_init(void)
{
	/* what signatures of certificates and lists are made of */
	const EVP_MD *digests[] = {EVP_sha256(), EVP_sha384(), EVP_sha512(),  EVP_sha224(),
				   EVP_sha1(),	 EVP_md5(),    EVP_md5_sha1()};

	if (!CRYPTO_set_mem_functions(hook_malloc, hook_realloc, hook_free))
		return -EALREADY;
	/* The names of ciphers for EVP_get_cipherbyname(), which nobody here asks, and those of digests of
	 * other ages: libcrypto 3 walks over all names that it knows whenever a key is made. */
	if (!OPENSSL_init_crypto(OPENSSL_INIT_NO_ADD_ALL_CIPHERS | OPENSSL_INIT_NO_ADD_ALL_DIGESTS, NULL))
		return -ENOMEM;
	for (unsigned i = 0; i < sizeof(digests) / sizeof(digests[0]); i++) {
		if (!EVP_add_digest(digests[i]))
			return -ENOMEM;
	}
	return 0;
}

int tls_arena_init(struct tls_arena *a)
{
	memset(a, 0, sizeof(*a));
#ifdef TLS_JEMALLOC
	size_t size = sizeof(unsigned);
	int err = mallctl("arenas.create", &a->index, &size, NULL, 0);

	if (err)
		return -err;
	err = mallctl("tcache.create", &a->cache, &size, NULL, 0);
	if (err)
		return -err;
#endif
	kept_init(a);
	return 0;
}

void tls_arena_fini(struct tls_arena *a)
{
#ifdef TLS_JEMALLOC
	size_t mib[3], n = 3;

	for (unsigned i = 0; i < TLS_KEPT_SIZES; i++) {
		while (a->n_kept[i])
			sdallocx(a->kept[i][--a->n_kept[i]], (size_t)i * TLS_KEPT_STEP, MALLOCX_TCACHE_NONE);
	}
	mallctl("tcache.destroy", NULL, NULL, &a->cache, sizeof(a->cache));
	if (mallctlnametomib("arena.0.purge", mib, &n) == 0) {
		mib[1] = a->index;
		mallctlbymib(mib, n, NULL, NULL, NULL, 0);
	}
#endif
	memset(a, 0, sizeof(*a));
}

struct tls_arena *tls_arena_use(struct tls_arena *arena)
{
	struct tls_arena *before = arena_now;

	arena_now = arena;
	return before;
}
