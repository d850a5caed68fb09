/* SPDX-License-Identifier: BSD-3-Clause */
/* The writer's side of a big table: link, unlink, find, grow. One thread. Nothing here waits; what needs
 * memory that is not there says -EAGAIN. */
#ifndef CONFIG_POLICY_TABLE_WRITE_H
#define CONFIG_POLICY_TABLE_WRITE_H

#include "config/policy/table.h"
#include "config/segment/limbo.h"

/* the operation in an item of the limbo */
enum table_limbo_op { TABLE_LIMBO_FREE, TABLE_LIMBO_DOMAIN, TABLE_LIMBO_USER, TABLE_LIMBO_OPS };

enum table_phase {
	TABLE_IDLE,
	TABLE_WANTED, /* a larger index, when there is memory */
	TABLE_CLEAR,
	TABLE_COPY,
	TABLE_READY, /* the next root must carry `next`, then table_swapped() */
	TABLE_SWEEP, /* the old index's overflow buckets go to the limbo, then itself */
};

struct table {
	struct segment *seg;
	struct heap *heap;
	struct limbo *limbo;
	struct table_key key;  /* of ref, next and old */
	struct table_ref ref;  /* what readers use */
	struct table_ref next; /* growing: buckets below `cursor` of ref are in here too */
	struct table_ref old;  /* swapped out */
	enum table_phase phase;
	uint64_t cursor;
	uint64_t linked; /* slots in use */
	bool users;
};

struct table_found {
	struct table_entry *live;    /* visible now */
	struct table_entry *pending; /* will be at the staged generation */
};

/* an index of 1 << bits empty buckets; 0 or -EAGAIN */
int table_make(struct table *t, unsigned bits, struct keyhash_key key);
/* an index for `entries` of them at a load that needs no growth */
unsigned table_bits_for(uint64_t entries);

static inline uint64_t table_offset(const struct table *t, const struct table_entry *e)
{
	return (uint64_t)((const uint8_t *)e - t->seg->base);
}

static inline struct table_tail *table_tail_of(const struct table *t, const struct table_entry *e)
{
	return (struct table_tail *)(t->seg->base + heap_tail(t->seg->super->span_shift, table_offset(t, e)));
}

/* The versions of (h, slot): the one visible at `live`, and the one that was born at `staged` (0: nothing is)
 * and has not been given up. slot -1: users, who have one. */
struct table_found table_find(struct table *t, struct keyhash_pair h, int slot, uint32_t live,
			      uint32_t staged);
/* A new version, not yet linked; NULL: no memory. raw are 16 bytes. */
struct table_entry *table_entry_new(struct table *t, struct keyhash_pair h, const void *raw, uint32_t name,
				    uint32_t birth);
/* 0, -EAGAIN (no memory), -EINPROGRESS (the index must grow first), -ELOOP (chains too long: make the segment
 * anew) */
int table_link(struct table *t, const struct table_entry *e, uint32_t tag);
/* Takes it out of the index. 0, 1 when another linked version of its key uses the same name, -ENOENT when it
 * was not linked. */
int table_unlink(struct table *t, const struct table_entry *e);
/* every slot in use, with the number of its bucket; what fn returns other than 0 stops and is returned. The
 * chains must be sound. */
int table_slots_each(struct table *t,
		     int (*fn)(void *arg, uint64_t *slot, struct table_entry *e, uint64_t at), void *arg);

/* Background work: at most `units` buckets. 0 idle, 1 more to do, 2 publish a root with `next` and call
 * table_swapped(), -EAGAIN it waits for memory. */
int table_step(struct table *t, unsigned units);
void table_swapped(struct table *t);

#endif
