/* SPDX-License-Identifier: BSD-3-Clause */
/* SipHash (Aumasson and Bernstein, 2012) fed in pieces. Fields are framed by their length, so that two lists
 * of fields never are the same bytes. Pure; the key is the caller's.
 *
 *   sipmac   2-4 with 128 bits of output: the MAC of what we sign and get back
 *   siptab   1-3 with 64: what is found again in a table, or told from another by a number */
#ifndef DATAPLANE_BASE_SIPMAC_H
#define DATAPLANE_BASE_SIPMAC_H

#include <stdbool.h>

#include "dataplane/base/siphash.h"

enum { SIPMAC_LEN = 16 };

struct sipmac {
	uint64_t v[4];
	uint64_t tail; /* bytes that do not fill a word yet */
	uint64_t len;
};

static inline void sipmac_init(struct sipmac *s, const struct siphash_key *key)
{
	s->v[0] = key->k0 ^ 0x736f6d6570736575u;
	s->v[1] = key->k1 ^ 0x646f72616e646f6du ^ 0xee;
	s->v[2] = key->k0 ^ 0x6c7967656e657261u;
	s->v[3] = key->k1 ^ 0x7465646279746573u;
	s->tail = s->len = 0;
}

/* `rounds` is a constant wherever it is called */
static inline __attribute__((always_inline)) void sipmac_mix(struct sipmac *s, uint64_t m, unsigned rounds)
{
	s->v[3] ^= m;
	for (unsigned i = 0; i < rounds; i++)
		siphash_round(s->v);
	s->v[0] ^= m;
}

static inline void sipmac_word(struct sipmac *s, uint64_t m)
{
	sipmac_mix(s, m, 2);
}

/* n < 8 bytes at p as a word, without a read outside of them */
static inline uint64_t sipmac_short(const uint8_t *p, size_t n)
{
	uint32_t low, high;

	if (n >= 4) {
		memcpy(&low, p, 4);
		memcpy(&high, p + n - 4, 4);
		/* where the two overlap they say the same */
		return low | (uint64_t)high << (8 * (n - 4));
	}
	return n ? p[0] | (uint64_t)p[n / 2] << (8 * (n / 2)) | (uint64_t)p[n - 1] << (8 * (n - 1)) : 0;
}

/* eight bytes or fewer (w holds no others), behind those that wait in the tail */
static inline __attribute__((always_inline)) void sipmac_put_by(struct sipmac *s, uint64_t w, unsigned n,
								unsigned rounds)
{
	unsigned used = s->len & 7;

	s->tail |= w << (8 * used);
	s->len += n;
	if (used + n < 8)
		return;
	sipmac_mix(s, s->tail, rounds);
	s->tail = used ? w >> (64 - 8 * used) : 0;
}

static inline __attribute__((always_inline)) void sipmac_bytes_by(struct sipmac *s, const void *data,
								  size_t n, unsigned rounds)
{
	const unsigned used = 8 * (s->len & 7);
	const uint8_t *p = data;
	uint64_t w;

	s->len += n & ~(size_t)7;
	/* how far the words are shifted stays the same */
	for (; used == 0 && n >= 8; n -= 8, p += 8) {
		memcpy(&w, p, 8);
		sipmac_mix(s, w, rounds);
	}
	for (; n >= 8; n -= 8, p += 8) {
		memcpy(&w, p, 8);
		sipmac_mix(s, s->tail | w << used, rounds);
		s->tail = w >> (64 - used);
	}
	sipmac_put_by(s, sipmac_short(p, n), (unsigned)n, rounds);
}

static inline void sipmac_bytes(struct sipmac *s, const void *data, size_t n)
{
	sipmac_bytes_by(s, data, n, 2);
}

/* one field: its length, then its bytes */
static inline void sipmac_field(struct sipmac *s, const void *data, size_t n)
{
	sipmac_put_by(s, (uint32_t)n, 4, 2);
	sipmac_bytes(s, data, n);
}

static inline void sipmac_final(struct sipmac *s, uint8_t out[SIPMAC_LEN])
{
	uint64_t half;

	sipmac_word(s, s->tail | s->len << 56);
	s->v[2] ^= 0xee;
	for (unsigned i = 0; i < 4; i++)
		siphash_round(s->v);
	half = s->v[0] ^ s->v[1] ^ s->v[2] ^ s->v[3];
	memcpy(out, &half, 8);
	s->v[1] ^= 0xdd;
	for (unsigned i = 0; i < 4; i++)
		siphash_round(s->v);
	half = s->v[0] ^ s->v[1] ^ s->v[2] ^ s->v[3];
	memcpy(out + 8, &half, 8);
}

/* the first half of it, as a number */
static inline uint64_t sipmac_final64(struct sipmac *s)
{
	uint8_t out[SIPMAC_LEN];
	uint64_t n;

	sipmac_final(s, out);
	memcpy(&n, out, sizeof(n));
	return n;
}

struct siptab {
	struct sipmac s;
};

static inline void siptab_init(struct siptab *t, const struct siphash_key *key)
{
	sipmac_init(&t->s, key);
	t->s.v[1] ^= 0xee; /* 64 bits of output */
}

static inline void siptab_bytes(struct siptab *t, const void *data, size_t n)
{
	sipmac_bytes_by(&t->s, data, n, 1);
}

/* one field: its length, then its bytes */
static inline void siptab_field(struct siptab *t, const void *data, size_t n)
{
	sipmac_put_by(&t->s, (uint32_t)n, 4, 1);
	siptab_bytes(t, data, n);
}

static inline uint64_t siptab_final(struct siptab *t)
{
	struct sipmac *s = &t->s;

	sipmac_mix(s, s->tail | s->len << 56, 1);
	s->v[2] ^= 0xff;
	for (unsigned i = 0; i < 3; i++)
		siphash_round(s->v);
	return s->v[0] ^ s->v[1] ^ s->v[2] ^ s->v[3];
}

/* in a time that does not depend on where they differ */
static inline bool sipmac_equal(const uint8_t *a, const uint8_t *b, size_t n)
{
	volatile uint8_t diff = 0;

	while (n--)
		diff |= (uint8_t)(*a++ ^ *b++);
	return diff == 0;
}

#endif
