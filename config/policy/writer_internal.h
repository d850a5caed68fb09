/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the writer share. Private to config/policy. */
#ifndef CONFIG_POLICY_WRITER_INTERNAL_H
#define CONFIG_POLICY_WRITER_INTERNAL_H

#include "config/policy/writer.h"
#include "config/segment/grace.h"
#include "config/segment/heap.h"
#include "config/segment/limbo.h"

/* grows by pieces: a large one is never copied, for that would hold up an emergency */
struct policy_vec {
	uint64_t **piece;
	size_t n, pieces;
};

enum { POLICY_VEC_PIECE = 4096 };

static inline uint64_t *policy_vec_at(const struct policy_vec *v, size_t i)
{
	return &v->piece[i / POLICY_VEC_PIECE][i % POLICY_VEC_PIECE];
}

/* keys that plain transactions changed while a staged one is open */
struct policy_set {
	uint64_t *v; /* 0: free */
	size_t n, cap;
};

struct policy_drain {
	struct policy_drain *next;
	uint32_t generation; /* that killed them */
	struct policy_vec dead;
	size_t done;
};

struct policy_txn {
	struct policy_writer *w;
	uint32_t generation;
	bool open, staged;
	struct policy_vec births, deaths; /* offset of the entry | enum table_limbo_op */
	struct policy_vec prior;	  /* the stamp that each of `deaths` had */
	struct policy_vec theirs;	  /* plain: versions of the staged one that this makes void */
	struct policy_small_ref small[POLICY_SMALLS];
	uint32_t small_set;  /* bit mask */
	uint32_t small_late; /* staged: tables that plain ones changed meanwhile */
};

struct policy_writer {
	struct segment seg;
	struct heap heap;
	struct limbo limbo;
	struct table domains, users;
	struct policy_root root; /* as published, tables aside */
	uint64_t root_off;
	bool root_dirty; /* a table's ref changed */
	uint32_t live;
	struct policy_txn plain, staged;
	struct policy_set touched;
	struct policy_drain *drains, **drains_tail;
	uint64_t drain_items;
	uint64_t limbo_max; /* items */
	unsigned blocking;
	int grow_err;
	bool starved;	      /* somebody was told -EAGAIN for want of memory */
	uint64_t takeover;    /* epoch behind which what was found free may be used; 0: it is */
	uint32_t swept;	      /* every birth up to here is 0 */
	uint64_t sweep_epoch; /* a sweep waits for this */
	uint32_t sweep_to;
	uint64_t sweep_at; /* span; 0: none runs */
	uint32_t sweep_every;
	uint64_t facts, fact_hand;
	uint16_t fact_charge[1 << 16]; /* facts per asker, by 16 bits of a hash */
	uint32_t shadow_serial;
	struct policy_vec shadow_owned; /* everything of the candidate that is published */
	uint64_t commits, blocks, refused;
};

enum {
	POLICY_STAGED_AHEAD = 1 << 22, /* plain commits that fit below a staged one */
	POLICY_SWEEP_EVERY = 1 << 28,
};

bool policy_vec_push(struct policy_vec *v, uint64_t item);
void policy_vec_free(struct policy_vec *v);

static inline struct table *policy_table_of(struct policy_writer *w, uint64_t item)
{
	return (item & 7) == TABLE_LIMBO_USER ? &w->users : &w->domains;
}

static inline struct table_entry *policy_entry_of(struct policy_writer *w, uint64_t item)
{
	return (struct table_entry *)(w->seg.base + (item & ~7ull));
}

/* -EAGAIN, or why memory cannot grow */
int policy_writer_starved(struct policy_writer *w);
/* a blob with that content; 0: no memory */
uint64_t policy_writer_blob(struct policy_writer *w, const void *data, uint64_t len);
uint64_t policy_writer_string(struct policy_writer *w, struct policy_name text);
/* makes `live` what readers see, under a new root when one is needed; 0 or -EAGAIN */
int policy_writer_store_root(struct policy_writer *w, uint32_t generation, const struct policy_txn *txn);
/* what an entry owns besides itself and its name: at most two offsets */
unsigned policy_entry_owns(const struct table *t, const struct table_entry *e, uint64_t owned[2]);
/* unlinks, and hands entry and belongings to the limbo */
void policy_writer_bury(struct policy_writer *w, uint64_t item);
/* takes what a crashed writer left; -EBADMSG and *why */
int policy_writer_takeover(struct policy_writer *w, enum segment_refusal *why);

#endif
