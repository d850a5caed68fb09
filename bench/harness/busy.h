/* SPDX-License-Identifier: BSD-3-Clause */
/* Busy ticks, defined once: TSC of loop turns that handled at least one frame, timer or ring item, with all
 * that such a turn cost. A polling core is always awake, so neither wall time nor CPU time says what its work
 * costs. The worker loop counts the same in its own counters (dataplane/worker). */
#ifndef BENCH_HARNESS_BUSY_H
#define BENCH_HARNESS_BUSY_H

#include <stdint.h>

enum { BENCH_BUSY_BINS = 6 }; /* bursts of 1, 2, 3-4, 5-8, 9-16, 17 and more */

struct bench_busy {
	uint64_t ticks, turns, frames, bursts[BENCH_BUSY_BINS];
};

/* one turn from tick `begin` to tick `end` that handled `items`, of which `frames` came as one burst */
static inline void bench_busy_turn(struct bench_busy *b, uint64_t begin, uint64_t end, unsigned items,
				   unsigned frames)
{
	if (items == 0)
		return;
	b->ticks += end - begin;
	b->turns++;
	b->frames += frames;
	if (frames)
		b->bursts[frames == 1	 ? 0
			  : frames == 2	 ? 1
			  : frames <= 4	 ? 2
			  : frames <= 8	 ? 3
			  : frames <= 16 ? 4
					 : 5]++;
}

#endif
