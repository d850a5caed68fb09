/* SPDX-License-Identifier: BSD-3-Clause */
/* SipHash-1-3 and -2-4 over short inputs (Aumasson and Bernstein, 2012): the keyed hash wherever the other
 * side of the network chooses the input (tables, ISNs, cookies, ports). Pure; the key is the caller's. */
#ifndef DATAPLANE_BASE_SIPHASH_H
#define DATAPLANE_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct siphash_key {
	uint64_t k0, k1;
};

static inline uint64_t siphash_rotl(uint64_t x, unsigned n)
{
	return (x << n) | (x >> (64 - n));
}

static inline void siphash_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = siphash_rotl(v[1], 13) ^ v[0];
	v[3] = siphash_rotl(v[3], 16) ^ v[2];
	v[0] = siphash_rotl(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = siphash_rotl(v[1], 17) ^ v[2];
	v[3] = siphash_rotl(v[3], 21) ^ v[0];
	v[2] = siphash_rotl(v[2], 32);
}

static inline uint64_t siphash(const struct siphash_key *key, const void *data, size_t len, unsigned c_rounds,
			       unsigned d_rounds)
{
	const uint8_t *p = data;
	uint64_t v[4] = {key->k0 ^ 0x736f6d6570736575u, key->k1 ^ 0x646f72616e646f6du,
			 key->k0 ^ 0x6c7967656e657261u, key->k1 ^ 0x7465646279746573u};
	uint64_t last = (uint64_t)len << 56;
	uint64_t m;
	size_t i;

	for (; len >= 8; len -= 8, p += 8) {
		memcpy(&m, p, 8);
		v[3] ^= m;
		for (i = 0; i < c_rounds; i++)
			siphash_round(v);
		v[0] ^= m;
	}
	for (i = 0; i < len; i++)
		last |= (uint64_t)p[i] << (8 * i);
	v[3] ^= last;
	for (i = 0; i < c_rounds; i++)
		siphash_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (i = 0; i < d_rounds; i++)
		siphash_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* for tables: fast */
static inline uint64_t siphash13(const struct siphash_key *key, const void *data, size_t len)
{
	return siphash(key, data, len, 1, 3);
}

/* for what must not be forged: ISNs, cookies */
static inline uint64_t siphash24(const struct siphash_key *key, const void *data, size_t len)
{
	return siphash(key, data, len, 2, 4);
}

#endif
