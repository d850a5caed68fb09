/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tls/chains.h"

#include <string.h>

/* keys are hashes already */
static uint32_t *bucket_of(struct tls_chains *t, const uint8_t *key)
{
	uint32_t h;

	memcpy(&h, key, sizeof(h));
	return &t->buckets[h & t->mask];
}

static void lru_unlink(struct tls_chains *t, uint32_t i)
{
	struct tls_chain *c = tls_chain_at(t, i);

	if (c->lru_prev == BASE_POOL_NONE)
		t->lru_head = c->lru_next;
	else
		tls_chain_at(t, c->lru_prev)->lru_next = c->lru_next;
	if (c->lru_next == BASE_POOL_NONE)
		t->lru_tail = c->lru_prev;
	else
		tls_chain_at(t, c->lru_next)->lru_prev = c->lru_prev;
}

static void lru_append(struct tls_chains *t, uint32_t i)
{
	struct tls_chain *c = tls_chain_at(t, i);

	c->lru_next = BASE_POOL_NONE;
	c->lru_prev = t->lru_tail;
	if (t->lru_tail == BASE_POOL_NONE)
		t->lru_head = i;
	else
		tls_chain_at(t, t->lru_tail)->lru_next = i;
	t->lru_tail = i;
}

/* out of the index; a record in use lives on for its sessions */
static void unindex(struct tls_chains *t, uint32_t i)
{
	struct tls_chain *c = tls_chain_at(t, i);
	uint32_t *at = bucket_of(t, c->key);

	while (*at != BASE_POOL_NONE && *at != i)
		at = &tls_chain_at(t, *at)->hash_next;
	if (*at == i)
		*at = c->hash_next;
}

static void forget_unused(struct tls_chains *t, uint32_t i)
{
	lru_unlink(t, i);
	unindex(t, i);
	base_pool_put(&t->pool, i);
}

uint32_t tls_chain_find(struct tls_chains *t, const uint8_t key[TLS_HASH_LEN], int64_t wall_s)
{
	for (uint32_t i = *bucket_of(t, key); i != BASE_POOL_NONE; i = tls_chain_at(t, i)->hash_next) {
		struct tls_chain *c = tls_chain_at(t, i);

		if (memcmp(c->key, key, TLS_HASH_LEN))
			continue;
		/* a clock that went backwards makes a verification of the future: not to be trusted either */
		if (wall_s <= c->valid_until && wall_s >= c->peer.not_before)
			return i;
		if (c->users == 0)
			forget_unused(t, i);
		else
			unindex(t, i);
		return BASE_POOL_NONE;
	}
	return BASE_POOL_NONE;
}

uint32_t tls_chain_add(struct tls_chains *t, const uint8_t key[TLS_HASH_LEN])
{
	uint32_t i = base_pool_get(&t->pool), *at;
	struct tls_chain *c;

	if (i == BASE_POOL_NONE) {
		if (t->lru_head == BASE_POOL_NONE)
			return BASE_POOL_NONE;
		forget_unused(t, t->lru_head);
		i = base_pool_get(&t->pool);
	}
	c = tls_chain_at(t, i);
	memset(c, 0, sizeof(*c));
	memcpy(c->key, key, TLS_HASH_LEN);
	at = bucket_of(t, key);
	c->hash_next = *at;
	*at = i;
	lru_append(t, i);
	return i;
}

void tls_chain_hold(struct tls_chains *t, uint32_t i)
{
	if (tls_chain_at(t, i)->users++ == 0)
		lru_unlink(t, i);
}

void tls_chain_release(struct tls_chains *t, uint32_t i)
{
	if (--tls_chain_at(t, i)->users == 0)
		lru_append(t, i);
}
