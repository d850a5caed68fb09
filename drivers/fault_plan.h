/* SPDX-License-Identifier: BSD-3-Clause */
/* What to do to one frame when faults are injected: drop, duplicate, reorder, corrupt, delay. Pure and
 * seeded: the same specification and the same sequence of frames meet the same fate. */
#ifndef DRIVERS_FAULT_PLAN_H
#define DRIVERS_FAULT_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/base/rng.h"

struct fault_spec {
	/* probabilities in units of 2^-32 */
	uint32_t drop, dup, reorder, corrupt;
	uint64_t delay_ns;
	uint64_t seed;
	bool rx, tx;
};

struct fault_fate {
	bool drop, dup, reorder, corrupt;
	uint32_t where; /* random, for the bit to flip */
};

/* "drop=0.01,dup=0.01,reorder=0.02,corrupt=0.001,delay=5ms,seed=7,dir=rx|tx|both". 0, or -EINVAL with `why`.
 */
int fault_spec_parse(struct fault_spec *spec, const char *text, char *why, size_t why_size);

static inline struct fault_fate fault_decide(const struct fault_spec *spec, struct base_rng *rng)
{
	/* always the same number of draws, so that one frame's fate does not shift the next one's */
	uint64_t a = base_rng_next(rng), b = base_rng_next(rng), c = base_rng_next(rng);

	return (struct fault_fate){
		.drop = (uint32_t)a < spec->drop,
		.dup = (uint32_t)(a >> 32) < spec->dup,
		.reorder = (uint32_t)b < spec->reorder,
		.corrupt = (uint32_t)(b >> 32) < spec->corrupt,
		.where = (uint32_t)c,
	};
}

#endif
