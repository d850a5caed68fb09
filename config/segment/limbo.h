/* SPDX-License-Identifier: BSD-3-Clause */
/* What the writer may touch only when a grace period is over: a queue of batches, each behind one epoch.
 * Private memory of the writer. An item is an offset with a small operation in its low three bits. */
#ifndef CONFIG_SEGMENT_LIMBO_H
#define CONFIG_SEGMENT_LIMBO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LIMBO_CHUNK = 1020 };

struct limbo_chunk {
	struct limbo_chunk *next;
	uint64_t epoch; /* 0: not sealed yet */
	uint32_t n, done;
	uint64_t item[LIMBO_CHUNK];
};

struct limbo {
	struct limbo_chunk *head, *tail;
	struct limbo_chunk *open; /* the first that is not sealed */
	uint64_t items;		  /* waiting */
	uint64_t lost;		  /* no memory for an item: found again by the next rebuild */
};

void limbo_fini(struct limbo *l);
/* behind the next epoch */
void limbo_push(struct limbo *l, uint64_t item);
/* everything pushed so far waits for `epoch`, which was begun after it became unreachable */
void limbo_seal(struct limbo *l, uint64_t epoch);
static inline bool limbo_unsealed(const struct limbo *l)
{
	return l->open;
}

/* the next item whose epoch is ≤ min; false: none */
bool limbo_pop(struct limbo *l, uint64_t min, uint64_t *item);

#endif
