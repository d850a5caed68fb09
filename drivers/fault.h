/* SPDX-License-Identifier: BSD-3-Clause */
/* Faults on the queues of a port, as rx and tx callbacks: a port without them has no callback at all. */
#ifndef DRIVERS_FAULT_H
#define DRIVERS_FAULT_H

#include <stdint.h>

#include "drivers/fault_plan.h"
#include "drivers/port.h"

struct fault;

struct fault_counts {
	uint64_t dropped, duplicated, reordered, corrupted, delayed, overflowed;
};

/* Cold, after driver_port_start() and before workers. NULL with errno set. On output a frame can be made
 * void, corrupted and swapped with its neighbour; duplication and delay are for input alone, because a tx
 * callback cannot hand out more or later than it was given. */
struct fault *fault_attach(const struct driver_port *port, const struct fault_spec *spec);
/* Cold, after workers ended and before driver_port_stop(); frees what is held back. */
void fault_detach(struct fault *f);
/* Any thread; a moment's view. */
struct fault_counts fault_counts_get(const struct fault *f);

#endif
