/* SPDX-License-Identifier: BSD-3-Clause */
/* xoshiro256++ (Blackman and Vigna, 2019): the injected randomness of state machines. Seeded from the kernel
 * at start in production and from a number in tests. Not for secrets: those are drawn from the kernel alone.
 */
#ifndef DATAPLANE_BASE_RNG_H
#define DATAPLANE_BASE_RNG_H

#include <stdint.h>

struct base_rng {
	uint64_t s[4];
};

/* any seed is good: splitmix64 spreads it */
static inline void base_rng_seed(struct base_rng *r, uint64_t seed)
{
	for (unsigned i = 0; i < 4; i++) {
		uint64_t z = seed += 0x9e3779b97f4a7c15u;

		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
		z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
		r->s[i] = z ^ (z >> 31);
	}
}

static inline uint64_t base_rng_next(struct base_rng *r)
{
	uint64_t *s = r->s;
	uint64_t sum = s[0] + s[3];
	uint64_t result = ((sum << 23) | (sum >> 41)) + s[0];
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = (s[3] << 45) | (s[3] >> 19);
	return result;
}

/* uniform enough in [0, n): the bias is below n / 2^32 */
static inline uint32_t base_rng_below(struct base_rng *r, uint32_t n)
{
	return (uint32_t)(((base_rng_next(r) >> 32) * n) >> 32);
}

#endif
