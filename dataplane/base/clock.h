/* SPDX-License-Identifier: BSD-3-Clause */
/* CLOCK_MONOTONIC in nanoseconds, read from the TSC: a worker asks for it every turn, so it may neither be a
 * syscall nor cost what the vDSO does. Each worker has its own; it never runs backwards, and
 * base_clock_sync() once a second keeps it within microseconds of the kernel's. */
#ifndef DATAPLANE_BASE_CLOCK_H
#define DATAPLANE_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>
#include <x86intrin.h>

struct base_clock {
	uint64_t tsc0, ns0; /* where the present slope began */
	uint64_t slope;	    /* nanoseconds a tick, times 2^32 */
	uint64_t tsc_first, ns_first;
};

enum { BASE_CLOCK_SYNC_NS = 1000000000 };

static inline uint64_t base_clock_kernel(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* the time at tick `tsc`, which is not before the last sync */
static inline uint64_t base_clock_at(const struct base_clock *c, uint64_t tsc)
{
	return c->ns0 + (uint64_t)(((unsigned __int128)(tsc - c->tsc0) * c->slope) >> 32);
}

/* Pure: the kernel says that it was `ns` at tick `tsc`. Ahead of us: we jump. Behind us: we run slower for a
 * second instead of going back. */
static inline void base_clock_learn(struct base_clock *c, uint64_t tsc, uint64_t ns)
{
	uint64_t ours = base_clock_at(c, tsc);
	uint64_t ticks = tsc - c->tsc_first;

	if (ticks > 0 && ns > c->ns_first)
		c->slope = (uint64_t)(((unsigned __int128)(ns - c->ns_first) << 32) / ticks);
	if (ours > ns) {
		uint64_t ahead = ours - ns < BASE_CLOCK_SYNC_NS / 2 ? ours - ns : BASE_CLOCK_SYNC_NS / 2;

		c->slope -= (uint64_t)((unsigned __int128)c->slope * ahead / BASE_CLOCK_SYNC_NS);
		ns = ours;
	}
	c->tsc0 = tsc;
	c->ns0 = ns;
}

/* Takes 2 ms to learn the slope. Cold. */
static inline void base_clock_init(struct base_clock *c)
{
	struct timespec pause = {.tv_nsec = 2000000};
	uint64_t ns0 = base_clock_kernel(), tsc0 = __rdtsc(), ns, tsc;

	nanosleep(&pause, NULL);
	ns = base_clock_kernel();
	tsc = __rdtsc();
	*c = (struct base_clock){.tsc0 = tsc, .ns0 = ns, .tsc_first = tsc0, .ns_first = ns0};
	c->slope = (uint64_t)(((unsigned __int128)(ns - ns0) << 32) / (tsc - tsc0 ? tsc - tsc0 : 1));
}

static inline void base_clock_sync(struct base_clock *c)
{
	uint64_t ns = base_clock_kernel();

	base_clock_learn(c, __rdtsc(), ns);
}

#endif
