/* SPDX-License-Identifier: BSD-3-Clause */
/* The keyed hash of a name and of each of its suffixes, 128 bits. A name is a block of zeros that ends in it;
 * NH (RFC 4418, section 5.2.2, here over 64-bit words) sums the block up twice under shifted keys, which is
 * linear in its pairs of words, so that it needs neither labels nor a chain. The sums and the length then
 * pass SipHash's finalisation, so that nothing of the keys shows in what a query finds. For whoever does not
 * know the key, two names meet in both sums with a chance of about 2^-114 or less. Pure; both sides include
 * this. */
#ifndef CONFIG_POLICY_TABLE_HASH_H
#define CONFIG_POLICY_TABLE_HASH_H

#include "config/policy/name.h"
#include "config/segment/keyhash.h"

enum {
	TABLE_BLOCK = 256,		    /* bytes: the longest name */
	TABLE_WORDS = TABLE_BLOCK / 8,	    /* 64-bit words of it */
	TABLE_HASH_WORDS = TABLE_WORDS + 2, /* the second sum's keys are the first's, one pair further */
	TABLE_PAIRS_MIN = 2,		    /* so that most names need no branch */
	TABLE_SHORT = 64,		    /* what the kernels take in one piece */
};

struct table_key {
	struct keyhash_key key; /* from which everything follows */
	uint64_t nh[TABLE_HASH_WORDS];
};

struct table_sums {
	uint64_t a[2], b[2]; /* low, high */
};

/* one product of NH, added */
static inline void table_nh_pair(uint64_t sum[2], uint64_t x, uint64_t y)
{
	__extension__ unsigned __int128 p = (unsigned __int128)x * y,
					s = (unsigned __int128)sum[1] << 64 | sum[0];

	s += p;
	sum[0] = (uint64_t)s;
	sum[1] = (uint64_t)(s >> 64);
}

/* how many pairs of words a name of that length is summed over */
static inline unsigned table_nh_pairs(unsigned len)
{
	return len <= 16 * TABLE_PAIRS_MIN ? TABLE_PAIRS_MIN : (len + 15) / 16;
}

/* the state that keyhash_final() makes the hash of */
static inline struct keyhash_state table_hash_state(const struct keyhash_state *init,
						    const struct table_sums *s, unsigned len)
{
	return (struct keyhash_state){
		.v0 = init->v0 ^ s->a[0],
		.v1 = init->v1 ^ s->a[1],
		.v2 = init->v2 ^ s->b[0] ^ (uint64_t)len << 56,
		.v3 = init->v3 ^ s->b[1],
	};
}

/* The sums of the last `len` bytes of `block`, whose words are w[0] to w[words - 1]; words is even. */
static inline struct table_sums table_nh(const struct table_key *key, const uint64_t *w, unsigned words,
					 unsigned len)
{
	const uint64_t *k = key->nh + TABLE_WORDS - words;
	struct table_sums s = {{0, 0}, {0, 0}};
	int cut = (int)(8 * words - len);

	for (unsigned i = words - 2 * table_nh_pairs(len); i < words; i += 2) {
		uint64_t x[2];

		for (unsigned j = 0; j < 2; j++) {
			int drop = cut - (int)(8 * (i + j)); /* bytes of this word that are not in */

			drop = drop < 0 ? 0 : drop > 8 ? 8 : drop;
			x[j] = w[i + j] & ((~0ull << (4 * drop)) << (4 * drop));
		}
		table_nh_pair(s.a, x[0] + k[i], x[1] + k[i + 1]);
		table_nh_pair(s.b, x[0] + k[i + 2], x[1] + k[i + 3]);
	}
	return s;
}

/* the keys of the sums out of the table's */
void table_key_expand(struct table_key *out, const struct keyhash_key *key);
/* hash of a whole name; the writer's and the cold path's. len ≤ POLICY_NAME_MAX */
struct keyhash_pair table_hash_name(const struct table_key *key, struct policy_name name, unsigned *labels);

#endif
