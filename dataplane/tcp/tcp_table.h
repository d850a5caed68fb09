/* SPDX-License-Identifier: BSD-3-Clause */
/* Flows of one core: 4-tuple hash to connection index. Flat buckets of one cache line: eight 16-bit tags,
 * eight indices, and how many entries of this bucket had to go further. An entry sits at most TABLE_PROBES
 * buckets from its home, deletion leaves no tombstones, and a look-up that misses stops at the first bucket
 * from which nothing overflowed. The hash is keyed, so a peer cannot choose its bucket. */
#ifndef DATAPLANE_TCP_TABLE_H
#define DATAPLANE_TCP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TABLE_NONE = 0xffffffff, TABLE_PROBES = 16, TABLE_WAYS = 8 };

struct tcp_table_bucket {
	uint16_t tag[TABLE_WAYS]; /* 0: empty */
	uint32_t index[TABLE_WAYS];
	uint32_t overflowed; /* entries whose home is here or before and that sit behind */
	uint32_t reserved[3];
};

struct tcp_table {
	struct tcp_table_bucket *buckets;
	uint32_t mask;
	uint32_t used;
	size_t mapped;
};

/* room for `capacity` entries at a load of at most a half; 0 or -errno */
int tcp_table_init(struct tcp_table *t, uint32_t capacity);
void tcp_table_fini(struct tcp_table *t);

static inline void tcp_table_prefetch(const struct tcp_table *t, uint32_t hash)
{
	__builtin_prefetch(&t->buckets[hash & t->mask]);
}

/* A walk over the candidates of one hash: start with tcp_table_first(), go on while not TABLE_NONE. */
struct tcp_table_walk {
	uint32_t bucket;
	uint16_t tag;
	uint8_t bits; /* candidates left in this bucket */
	uint8_t steps;
};

uint32_t tcp_table_first(const struct tcp_table *t, uint32_t hash, struct tcp_table_walk *w);
uint32_t tcp_table_next(const struct tcp_table *t, struct tcp_table_walk *w);
/* false: no room within TABLE_PROBES buckets */
bool tcp_table_add(struct tcp_table *t, uint32_t hash, uint32_t index);
/* the entry must be there */
void tcp_table_del(struct tcp_table *t, uint32_t hash, uint32_t index);

#endif
