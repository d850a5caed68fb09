/* SPDX-License-Identifier: BSD-3-Clause */
/* Is a worker hung? Judged in ticks of the cold thread and not by the clock: when the whole process was
 * stopped (a debugger, a suspended machine) the clock says that everybody was silent, the ticks do not. Pure.
 */
#ifndef DATAPLANE_WORKER_WATCHDOG_H
#define DATAPLANE_WORKER_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

enum { WATCHDOG_TICK_MS = 100, WATCHDOG_TICKS = 20 };

struct watchdog {
	uint64_t last;
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

#endif
