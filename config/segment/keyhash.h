/* SPDX-License-Identifier: BSD-3-Clause */
/* SipHash-1-3 for what lives in shared memory: the keyed hash of table names (operator data, hostile queries)
 * and, under a fixed key, the sums that tell a damaged block. Pure. */
#ifndef CONFIG_SEGMENT_KEYHASH_H
#define CONFIG_SEGMENT_KEYHASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct keyhash_key {
	uint64_t k0, k1;
};

struct keyhash_state {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t keyhash_rotl(uint64_t x, unsigned n)
{
	return (x << n) | (x >> (64 - n));
}

static inline void keyhash_round(struct keyhash_state *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = keyhash_rotl(s->v1, 13) ^ s->v0;
	s->v3 = keyhash_rotl(s->v3, 16) ^ s->v2;
	s->v0 = keyhash_rotl(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = keyhash_rotl(s->v1, 17) ^ s->v2;
	s->v3 = keyhash_rotl(s->v3, 21) ^ s->v0;
	s->v2 = keyhash_rotl(s->v2, 32);
}

static inline struct keyhash_state keyhash_init(const struct keyhash_key *key)
{
	return (struct keyhash_state){
		.v0 = key->k0 ^ 0x736f6d6570736575u,
		/* ^ 0xee: the variant with 128 bits of output */
		.v1 = key->k1 ^ 0x646f72616e646f6du ^ 0xee,
		.v2 = key->k0 ^ 0x6c7967656e657261u,
		.v3 = key->k1 ^ 0x7465646279746573u,
	};
}

static inline void keyhash_word(struct keyhash_state *s, uint64_t m)
{
	s->v3 ^= m;
	keyhash_round(s);
	s->v0 ^= m;
}

struct keyhash_pair {
	uint64_t h1, h2;
};

/* both halves of the 128-bit output; the state is a copy, so that hashing may go on behind a prefix */
static inline struct keyhash_pair keyhash_final(struct keyhash_state s)
{
	struct keyhash_pair h;

	s.v2 ^= 0xee;
	keyhash_round(&s);
	keyhash_round(&s);
	keyhash_round(&s);
	h.h1 = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
	s.v1 ^= 0xdd;
	keyhash_round(&s);
	keyhash_round(&s);
	keyhash_round(&s);
	h.h2 = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
	return h;
}

static inline struct keyhash_pair keyhash_bytes(const struct keyhash_key *key, const void *data, size_t len)
{
	struct keyhash_state s = keyhash_init(key);
	const uint8_t *p = data;
	uint64_t m, last = (uint64_t)len << 56;

	for (; len >= 8; len -= 8, p += 8) {
		memcpy(&m, p, 8);
		keyhash_word(&s, m);
	}
	for (size_t i = 0; i < len; i++)
		last |= (uint64_t)p[i] << (8 * i);
	keyhash_word(&s, last);
	return keyhash_final(s);
}

/* a sum against damage, not against malice: whoever may write a segment may write its sums */
static inline uint64_t keyhash_sum(const void *data, size_t len)
{
	static const struct keyhash_key fixed = {0x53616c6c79706f72u, 0x7420736567730a00u};

	return keyhash_bytes(&fixed, data, len).h1;
}

#endif
