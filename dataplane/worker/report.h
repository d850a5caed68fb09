/* SPDX-License-Identifier: BSD-3-Clause */
/* The quiescent report of a worker: one word, counted up at the end of every turn, odd while the worker
 * sleeps. Who has taken something away from workers reads the word, and may free it once report_passed() says
 * so. The same word is the heartbeat. */
#ifndef DATAPLANE_WORKER_REPORT_H
#define DATAPLANE_WORKER_REPORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct report {
	_Alignas(64) _Atomic uint64_t word;
};

/* end of a turn: nothing that was loaded in it is held any more */
static inline void report_turn(struct report *r)
{
	uint64_t v = atomic_load_explicit(&r->word, memory_order_relaxed);

	/* release: what the turn read is read before the report is seen */
	atomic_store_explicit(&r->word, v + 2, memory_order_release);
}

static inline void report_sleep(struct report *r)
{
	uint64_t v = atomic_load_explicit(&r->word, memory_order_relaxed);

	atomic_store_explicit(&r->word, v | 1, memory_order_release);
}

static inline void report_wake(struct report *r)
{
	uint64_t v = atomic_load_explicit(&r->word, memory_order_relaxed);

	/* full fence: "awake" is visible before anything shared is read again */
	atomic_store_explicit(&r->word, v + 1, memory_order_seq_cst);
	atomic_thread_fence(memory_order_seq_cst);
}

static inline uint64_t report_read(const struct report *r)
{
	atomic_thread_fence(memory_order_seq_cst);
	return atomic_load_explicit(&r->word, memory_order_acquire);
}

/* Pure: `before` was read after the thing was taken away, `now` is read later. */
static inline bool report_passed(uint64_t before, uint64_t now)
{
	return (before & 1) || now != before;
}

#endif
