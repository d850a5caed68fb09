/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef BENCH_WIRE_STEER_COST_H
#define BENCH_WIRE_STEER_COST_H

#include "bench/wire/wire_rig.h"

/* Busy ticks of both workers for each of n TCP segments of flows that worker 1 owns, when they arrive on its
 * own queue
 * (`wrong` false) or on that of worker 0. Worker 0 runs on lcore 1, worker 1 and the generator here. The rig
 * has two workers. NAN: a segment did not come through. */
double steer_sample(struct wire_rig *r, bool wrong, unsigned n);
/* The share of n segments of random flows on random queues that had to be steered: what a device that knows
 * nothing of owner() does. */
double steer_share_random(struct wire_rig *r, unsigned n);

#endif
