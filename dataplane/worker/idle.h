/* SPDX-License-Identifier: BSD-3-Clause */
/* What a worker does after a turn without work. The PMDs of kernel ports cannot wake anybody, so a worker
 * that sleeps finds its work late by as much as it sleeps: it spins first, then sleeps a little, then a
 * little longer, and is wide awake with the first frame. Pure. */
#ifndef DATAPLANE_WORKER_IDLE_H
#define DATAPLANE_WORKER_IDLE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	IDLE_SPINS = 256, /* empty turns before the first sleep: some 20 µs */
	IDLE_STEP = 8,	  /* sleeps on each rung */
	IDLE_FIRST_NS = 20000,
	IDLE_LAST_NS = 200000,
};

struct idle {
	bool poll; /* never sleep */
	uint32_t empty;
};

/* 0: go on at once (after a pause instruction, when the turn was empty); otherwise how long to sleep */
static inline uint32_t idle_next(struct idle *i, bool worked)
{
	uint32_t rung, ns;

	if (worked) {
		i->empty = 0;
		return 0;
	}
	if (i->poll || i->empty < IDLE_SPINS) {
		i->empty += !i->poll;
		return 0;
	}
	rung = (i->empty - IDLE_SPINS) / IDLE_STEP;
	ns = rung < 4 ? (uint32_t)IDLE_FIRST_NS << rung : IDLE_LAST_NS;
	if (rung < 4)
		i->empty++;
	return ns < IDLE_LAST_NS ? ns : IDLE_LAST_NS;
}

#endif
