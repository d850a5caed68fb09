/* SPDX-License-Identifier: BSD-3-Clause */
/* Is a worker hung? Judged in ticks of the cold thread and not by the clock: when the whole process was
 * stopped (a debugger, a suspended machine) the clock says that everybody was silent, the ticks do not. Pure.
 */
#ifndef DATAPLANE_WORKER_WATCHDOG_H
#define DATAPLANE_WORKER_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

enum { WATCHDOG_TICK_MS = 100, WATCHDOG_TICKS = 20, WATCHDOG_CPU_MS = 1000 };

struct watchdog {
	uint64_t last;
	uint64_t cpu_ms; /* that the worker had used when it was found silent */
	unsigned silent; /* ticks */
};

/* once a tick for each worker; true: it has been silent for two seconds */
static inline bool watchdog_tick(struct watchdog *w, uint64_t heartbeat)
{
	if (heartbeat != w->last) {
		w->last = heartbeat;
		w->silent = 0;
		return false;
	}
	return ++w->silent >= WATCHDOG_TICKS;
}

/* A silent worker that wants to run and did not get a second of CPU is starved, not hung: the machine is
 * overloaded. `cpu_ms` is what it has used so far. */
static inline bool watchdog_starved(const struct watchdog *w, bool runnable, uint64_t cpu_ms)
{
	return runnable && cpu_ms - w->cpu_ms < WATCHDOG_CPU_MS;
}

/* Of one that is silent and not starved, once more: a cold thread that was itself held up between its two
 * looks sees a worker asleep that has woken, worked and gone to sleep again meanwhile. */
static inline bool watchdog_woke(const struct watchdog *w, uint64_t heartbeat)
{
	return heartbeat != w->last;
}

/* A worker that was told to end, once a tick; `w` begins with what CPU it had used until then. True: it does
 * not. It has two seconds of CPU, and to wait for something two seconds; while it wants to run and others do,
 * nobody can say. */
static inline bool watchdog_endless(struct watchdog *w, bool runnable, uint64_t cpu_ms)
{
	if (runnable && cpu_ms - w->cpu_ms < 2 * WATCHDOG_CPU_MS)
		return false;
	return ++w->silent >= WATCHDOG_TICKS;
}

#endif
