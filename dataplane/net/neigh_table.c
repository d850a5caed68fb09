/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/net/neigh_table.h"

#include <string.h>

static uint64_t link_pack(unsigned port, enum neigh_public state, const uint8_t *mac)
{
	uint64_t v = (uint64_t)state << 56 | (uint64_t)(port & 0xff) << 48;

	for (unsigned i = 0; mac != NULL && i < 6; i++)
		v |= (uint64_t)mac[i] << (8 * i);
	return v;
}

void neigh_table_init(struct neigh_table *table, const uint64_t key[2])
{
	table->key[0] = key[0];
	table->key[1] = key[1] | 1;
	atomic_init(&table->generation, 1);
	for (unsigned i = 0; i < NEIGH_SLOTS; i++) {
		struct neigh_slot *s = &table->slots[i];

		atomic_init(&s->version, 0);
		atomic_init(&s->used_s, 0);
		atomic_init(&s->addr[0], 0);
		atomic_init(&s->addr[1], 0);
		atomic_init(&s->link, 0);
	}
}

unsigned neigh_table_bucket(const struct neigh_table *table, unsigned port, const struct base_addr *addr)
{
	unsigned __int128 m =
		(unsigned __int128)(addr->q[0] ^ table->key[0] ^ port) * (addr->q[1] ^ table->key[1]);
	uint64_t h = (uint64_t)m ^ (uint64_t)(m >> 64);

	return (unsigned)((h ^ h >> 32) % NEIGH_BUCKETS) * NEIGH_WAYS;
}

int neigh_table_find(const struct neigh_table *table, unsigned port, const struct base_addr *addr,
		     enum neigh_public *state, uint8_t mac[6])
{
	unsigned first = neigh_table_bucket(table, port, addr);

	for (unsigned i = first; i < first + NEIGH_WAYS; i++) {
		const struct neigh_slot *s = &table->slots[i];
		/* acquire: the fields are read after the version */
		uint32_t version = atomic_load_explicit(&s->version, memory_order_acquire);
		uint64_t q0 = atomic_load_explicit(&s->addr[0], memory_order_relaxed);
		uint64_t q1 = atomic_load_explicit(&s->addr[1], memory_order_relaxed);
		uint64_t v = atomic_load_explicit(&s->link, memory_order_relaxed);

		/* acquire fence: the fields are read before the version is read again */
		atomic_thread_fence(memory_order_acquire);
		if ((version & 1) != 0 || atomic_load_explicit(&s->version, memory_order_relaxed) != version)
			continue;
		if (q0 != addr->q[0] || q1 != addr->q[1] || (v >> 56) == NEIGH_FREE ||
		    ((v >> 48) & 0xff) != port)
			continue;
		*state = (enum neigh_public)(v >> 56);
		for (unsigned k = 0; k < 6; k++)
			mac[k] = (uint8_t)(v >> (8 * k));
		return (int)i;
	}
	return NEIGH_NONE;
}

void neigh_table_publish(struct neigh_table *table, unsigned slot, unsigned port,
			 const struct base_addr *addr, enum neigh_public state, const uint8_t *mac)
{
	struct neigh_slot *s = &table->slots[slot];
	/* relaxed: this thread is the only writer */
	uint32_t version = atomic_load_explicit(&s->version, memory_order_relaxed);

	atomic_store_explicit(&s->version, version + 1, memory_order_relaxed);
	/* release fence: the odd version is seen before any new field */
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&s->addr[0], addr->q[0], memory_order_relaxed);
	atomic_store_explicit(&s->addr[1], addr->q[1], memory_order_relaxed);
	atomic_store_explicit(&s->link, link_pack(port, state, mac), memory_order_relaxed);
	/* release: the fields are seen before the even version */
	atomic_store_explicit(&s->version, version + 2, memory_order_release);
	neigh_table_bump(table);
}

void neigh_table_bump(struct neigh_table *table)
{
	/* single writer, so no read-modify-write; release: see neigh_table_generation */
	uint32_t g = atomic_load_explicit(&table->generation, memory_order_relaxed);

	atomic_store_explicit(&table->generation, g + 1, memory_order_release);
}
