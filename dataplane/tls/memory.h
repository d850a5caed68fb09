/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory of OpenSSL: one explicit jemalloc arena per core behind CRYPTO_set_mem_functions, counted exactly,
 * so that what a session costs can be said and what leaks can be seen. A thread works for one arena at a
 * time; a thread that chose none allocates outside of every arena. Memory may be freed by any thread; it is
 * then that thread's arena that counts the free, so only the sum over all arenas is the memory in use. */
#ifndef DATAPLANE_TLS_MEMORY_H
#define DATAPLANE_TLS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Small blocks that were freed are kept here for the next call, a few of each size of jemalloc's: a handshake
 * takes and frees hundreds. */
enum { TLS_KEPT_STEP = 16, TLS_KEPT_SIZES = 2048 / TLS_KEPT_STEP + 1, TLS_KEPT_EACH = 32 };

struct tls_arena {
	unsigned index, cache; /* jemalloc's numbers of the arena and of its thread cache */
	bool counts_ticks;     /* also measure the time: costs two rdtsc a call */
	uint64_t allocations, frees, reallocations;
	int64_t bytes, peak;	      /* usable sizes */
	uint64_t ticks;		      /* TSC, inside of the allocator */
	uint8_t step[TLS_KEPT_SIZES]; /* jemalloc's size for so many steps, in steps */
	uint8_t n_kept[TLS_KEPT_SIZES];
	void *kept[TLS_KEPT_SIZES][TLS_KEPT_EACH];
};

/* The first call of main(): before OpenSSL has allocated anything. 0, or -EALREADY when it was too late. */
int tls_memory_init(void);

/* Cold. 0 or -errno. */
int tls_arena_init(struct tls_arena *arena);
/* Cold; nothing may be allocated in it any more. The thread must not be using it. */
void tls_arena_fini(struct tls_arena *arena);
/* This thread's allocations go to `arena` (NULL: to none) from now on. Returns what it used before. */
struct tls_arena *tls_arena_use(struct tls_arena *arena);

#endif
