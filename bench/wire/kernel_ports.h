/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef BENCH_WIRE_KERNEL_PORTS_H
#define BENCH_WIRE_KERNEL_PORTS_H

#include <stddef.h>

enum kernel_port { KERNEL_PORT_AF_PACKET, KERNEL_PORT_TAP };

/* Runs a dataplane with two workers on a port of that kind in a network namespace of its own, sends it one
 * segment of each of n random flows, and returns the share that arrived on a core that does not own its flow.
 * NAN: not possible here, `why`. */
double kernel_ports_share(enum kernel_port kind, unsigned n, char *why, size_t why_size);

#endif
