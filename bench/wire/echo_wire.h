/* SPDX-License-Identifier: BSD-3-Clause */
/* A generator of pings on the wire's side of a ring port: bursts of eight at most, the next one when all of
 * the last are answered, every answer judged in every byte. The same code drives us and our peer. */
#ifndef BENCH_WIRE_ECHO_WIRE_H
#define BENCH_WIRE_ECHO_WIRE_H

#include <stdint.h>

#include "bench/wire/echo_peer.h"

struct rte_mempool;
struct rte_ring;

enum { ECHO_WIRE_BURST = 8 };

struct echo_wire {
	struct echo_peer peer;
	struct rte_ring *to, *from; /* the port's input, the port's output */
	struct rte_mempool *pool;
	uint16_t seq;
	uint64_t answered, wrong;
};

/* 0: n more requests were answered; -1: an answer was wrong or did not come in two seconds. */
int echo_wire_run(struct echo_wire *w, unsigned n);

#endif
