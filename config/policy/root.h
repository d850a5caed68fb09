/* SPDX-License-Identifier: BSD-3-Clause */
/* The root: what a reader needs to judge by one generation. Immutable; published by the superblock's live
 * word, which carries the generation, so that a commit to the big tables alone needs no new root. */
#ifndef CONFIG_POLICY_ROOT_H
#define CONFIG_POLICY_ROOT_H

#include "config/policy/table.h"

/* what the whole content of a policy segment is laid out by; record.h and this file count */
#define POLICY_SEGMENT_ABI 2u
#define POLICY_ROOT_MAGIC  0x746f6f7279636c70ull

struct policy_small_ref {
	uint64_t off; /* 0: empty */
	uint64_t len;
};

struct policy_root {
	uint64_t magic;
	uint64_t sum; /* of all that follows */
	struct table_ref domains, users;
	/* of a shadow root: changed names, asked before the live tables */
	struct table_ref over_domains, over_users;
	struct policy_small_ref small[POLICY_SMALLS];
};

static_assert(sizeof(struct table_ref) == 48, "root layout");
static_assert(sizeof(struct policy_root) == 16 + 4 * 48 + 16 * 16, "root layout");

/* A small table: header, records one behind the other (each aligned to 4), then two indexes of record
 * offsets, one in the order of ids, one in the order of name hashes. */
struct policy_small_head {
	uint32_t bytes; /* of the whole table */
	uint32_t count;
	uint32_t by_id;	  /* offset of count × struct policy_small_id */
	uint32_t by_name; /* offset of count × struct policy_small_name */
	uint64_t sum;	  /* of all that follows this head */
	uint64_t reserved;
};

struct policy_small_id {
	uint32_t id;
	uint32_t off;
};

struct policy_small_name {
	uint32_t hash;
	uint32_t off;
};

static_assert(sizeof(struct policy_small_head) == 32, "small table layout");

static inline uint64_t policy_live_word(uint32_t generation, uint64_t root)
{
	return (uint64_t)generation << 32 | root / 64;
}

static inline uint32_t policy_live_generation(uint64_t word)
{
	return (uint32_t)(word >> 32);
}

static inline uint64_t policy_live_root(uint64_t word)
{
	return (word & 0xffffffffu) * 64;
}

/* Checks the root at `off` and copies it out; 0 or -EBADMSG. Does not look at what it refers to beyond
 * bounds. */
int policy_root_read(const struct segment *seg, uint64_t off, struct policy_root *out);
uint64_t policy_root_sum(const struct policy_root *root);

#endif
