/* SPDX-License-Identifier: BSD-3-Clause */
/* Token buckets in one word each (the generic cell rate algorithm): the word is the time at which the bucket
 * would be full again. Pure. */
#ifndef DATAPLANE_NET_GCRA_H
#define DATAPLANE_NET_GCRA_H

#include <stdbool.h>
#include <stdint.h>

struct gcra_rate {
	uint64_t interval_ns; /* of one token; 0: no limit */
	uint64_t burst_ns;    /* how far ahead of its rate a bucket may run */
};

/* per_second UINT32_MAX: no limit; the burst is a tenth of a second's worth and at least one token */
static inline struct gcra_rate gcra_rate_of(uint32_t per_second)
{
	struct gcra_rate rate = {0, 0};

	if (per_second == UINT32_MAX)
		return rate;
	rate.interval_ns = per_second == 0 ? UINT64_C(1) << 62 : UINT64_C(1000000000) / per_second;
	rate.burst_ns = UINT64_C(100000000);
	return rate;
}

/* Would a token be there? */
static inline bool gcra_ready(const uint64_t *full_at, const struct gcra_rate *rate, uint64_t now_ns)
{
	return rate->interval_ns == 0 || *full_at <= now_ns + rate->burst_ns;
}

/* Take it: only after gcra_ready. */
static inline void gcra_take(uint64_t *full_at, const struct gcra_rate *rate, uint64_t now_ns)
{
	*full_at = (*full_at > now_ns ? *full_at : now_ns) + rate->interval_ns;
}

#endif
