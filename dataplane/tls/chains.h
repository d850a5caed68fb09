/* SPDX-License-Identifier: BSD-3-Clause */
/* Certificate chains that were verified, one record each, shared by all sessions of that certificate. A key
 * is the hash of what the peer presented, of the profile's hash (trust, lists and modes are in it, so new
 * lists make new keys) and of the role. Records in use are never evicted; unused ones go when room is needed,
 * the longest unused first. */
#ifndef DATAPLANE_TLS_CHAINS_H
#define DATAPLANE_TLS_CHAINS_H

#include "dataplane/base/pool.h"
#include "dataplane/tls/peer.h"

struct tls_chain {
	uint32_t pool_link;
	uint32_t hash_next;
	uint32_t lru_next, lru_prev; /* while unused */
	uint32_t users;
	bool crl_soft;
	bool pinned; /* nothing but the key was proven, and only while somebody pins it */
	uint8_t key[TLS_HASH_LEN];
	int64_t verified_at, valid_until; /* seconds of the epoch */
	struct tls_peer peer;
};

struct tls_chains {
	struct base_pool pool;
	uint32_t *buckets, mask;
	uint32_t lru_head, lru_tail;
};

/* cold */
int tls_chains_init(struct tls_chains *t, uint32_t capacity);
void tls_chains_fini(struct tls_chains *t);

static inline struct tls_chain *tls_chain_at(const struct tls_chains *t, uint32_t i)
{
	return base_pool_at(&t->pool, i);
}
/* the record of this key that is valid at `wall_s`, BASE_POOL_NONE; an outdated one is forgotten. The caller
 * holds nothing until tls_chain_hold(). */
uint32_t tls_chain_find(struct tls_chains *t, const uint8_t key[TLS_HASH_LEN], int64_t wall_s);
/* a record for this key, to be filled; BASE_POOL_NONE: all are in use */
uint32_t tls_chain_add(struct tls_chains *t, const uint8_t key[TLS_HASH_LEN]);
void tls_chain_hold(struct tls_chains *t, uint32_t i);
void tls_chain_release(struct tls_chains *t, uint32_t i);

#endif
