/* SPDX-License-Identifier: BSD-3-Clause */
/* What the neighbour core publishes and every core reads: (port, address) → station.
 *
 * One writer, any number of readers, nobody waits. A slot is a sequence lock over relaxed atomics; a reader
 * that meets a write in progress says "not there", asks again, and meets the finished entry after the next
 * generation. The generation rises with every change, so that readers may cache what they read. */
#ifndef DATAPLANE_NET_NEIGH_TABLE_H
#define DATAPLANE_NET_NEIGH_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/addr.h"

enum {
	NEIGH_WAYS = 8,
	NEIGH_BUCKETS = 256,
	NEIGH_SLOTS = NEIGH_WAYS * NEIGH_BUCKETS,
	NEIGH_NONE = -1,
};

enum neigh_public { NEIGH_FREE, NEIGH_UNRESOLVED, NEIGH_USABLE, NEIGH_FAILED };

struct neigh_slot {
	_Atomic uint32_t version; /* odd: being written */
	_Atomic uint32_t
		used_s; /* second of the last use by any core: tells the writer what is worth keeping */
	_Atomic uint64_t addr[2];
	_Atomic uint64_t link; /* MAC in the low 48 bits, port, state */
};

struct neigh_table {
	uint64_t key[2];
	_Alignas(64) _Atomic uint32_t generation;
	_Alignas(64) struct neigh_slot slots[NEIGH_SLOTS];
};

/* Cold; key is random: strangers choose addresses. */
void neigh_table_init(struct neigh_table *table, const uint64_t key[2]);

/* Any core. The first slot of the bucket in which (port, address) can be. */
unsigned neigh_table_bucket(const struct neigh_table *table, unsigned port, const struct base_addr *addr);
/* Any core. The slot's number, with its state and station, or NEIGH_NONE. */
int neigh_table_find(const struct neigh_table *table, unsigned port, const struct base_addr *addr,
		     enum neigh_public *state, uint8_t mac[6]);
/* Any core. */
static inline uint32_t neigh_table_generation(const struct neigh_table *table)
{
	/* acquire: what was published before this number is seen after it */
	return atomic_load_explicit(&table->generation, memory_order_acquire);
}

/* Any core; at most one store a second and slot, so that the line stays shared. */
static inline void neigh_table_touch(struct neigh_table *table, int slot, uint32_t now_s)
{
	/* relaxed: a hint */
	if (atomic_load_explicit(&table->slots[slot].used_s, memory_order_relaxed) != now_s)
		atomic_store_explicit(&table->slots[slot].used_s, now_s, memory_order_relaxed);
}

/* The writer. mac NULL: zero. */
void neigh_table_publish(struct neigh_table *table, unsigned slot, unsigned port,
			 const struct base_addr *addr, enum neigh_public state, const uint8_t *mac);
/* The writer: makes every reader drop what it cached. */
void neigh_table_bump(struct neigh_table *table);

#endif
