/* SPDX-License-Identifier: BSD-3-Clause */
/* The big tables (domains, users) as they lie in the segment: an index of 64-byte buckets of eight slots, and
 * 32-byte entries that are never moved or overwritten while anybody can reach them. A slot is one word, tag
 * and entry number, so that it appears and vanishes whole. An entry is a version: visible at generation g iff
 * birth ≤ g < death. Both sides include this; what only the writer does is in table_write.h. */
#ifndef CONFIG_POLICY_TABLE_H
#define CONFIG_POLICY_TABLE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/policy/name.h"
#include "config/policy/record.h"
#include "config/policy/table_hash.h"
#include "config/segment/heap.h"
#include "config/segment/keyhash.h"
#include "config/segment/segment.h"

enum {
	TABLE_SLOTS = 8,
	TABLE_BUCKET_BYTES = 64,
	TABLE_CHAIN_MAX = 8, /* buckets behind one another; by chance never more than three */
	TABLE_BITS_MIN = 3,
	TABLE_BITS_MAX = 30,
	TABLE_LABELS_MAX = 127,
	TABLE_ADDRESS_MAX = 320, /* user@domain: 64 + 1 + 255 */
};

struct table_entry {
	uint32_t birth; /* 0: always */
	uint32_t death; /* 0: never */
	uint64_t h2;	/* the key's hash: its low bits choose the bucket */
	union {
		struct policy_domain domain; /* partner and comment are offset / 8 of what they refer to */
		struct policy_user user;     /* email likewise */
		uint8_t raw[16];
	};
};

static_assert(sizeof(struct table_entry) == HEAP_ENTRY_SIZE, "entry layout");
static_assert(offsetof(struct table_entry, domain) == 16, "entry layout");

/* see heap_tail() */
struct table_tail {
	uint32_t name; /* offset / 8 of struct table_string */
	uint32_t sum;  /* of what never changes */
};

static_assert(sizeof(struct table_tail) == HEAP_TAIL_SIZE, "tail layout");

struct table_string {
	uint16_t len;
	char text[];
};

/* where a table is; part of a root */
struct table_ref {
	uint64_t index; /* offset of 1 << bits buckets; 0: there is no such table */
	uint64_t bits;
	uint64_t k0, k1;   /* of the keyed hash */
	uint64_t depth[2]; /* bit n: some subtree entry has n labels */
};

#define TABLE_SLOT_LINK 1ull /* tag of a last slot that names the next bucket */

static inline uint32_t table_tag(uint64_t h1)
{
	/* never the tag of an empty slot (0) or of a link */
	return (uint32_t)(h1 >> 32) | 0x80000000u;
}

static inline uint64_t table_slot(uint32_t tag, uint32_t number)
{
	return (uint64_t)tag << 32 | number;
}

/* 32-bit serial arithmetic (RFC 1982): numbers may wrap */
static inline bool table_visible(const struct table_entry *e, uint32_t g)
{
	/* relaxed: whatever the writer changes in them is not yet, or no longer, of concern at g */
	uint32_t birth = __atomic_load_n(&e->birth, __ATOMIC_RELAXED);
	uint32_t death = __atomic_load_n(&e->death, __ATOMIC_RELAXED);

	/* no branch: what a commit changed lies anywhere */
	return ((birth == 0) | ((int32_t)(g - birth) >= 0)) & ((death == 0) | ((int32_t)(g - death) < 0));
}

static inline struct keyhash_key table_key(const struct table_ref *ref)
{
	return (struct keyhash_key){ref->k0, ref->k1};
}

/* Is this the entry that `slot` in bucket `at` must name, and is `name` its name? Hashes the name again. */
bool table_entry_placed(const struct table_key *key, unsigned bits, bool users, uint64_t slot, uint64_t at,
			const struct table_entry *e, struct policy_name name);

/* A walk over all buckets calls this once for each: fetches ahead what the walk will touch some buckets
 * later. */
void table_walk_ahead(const uint8_t *base, uint64_t limit, const struct table_ref *ref, unsigned span_shift,
		      uint64_t at);

/* what an entry's immutable part sums up to */
uint32_t table_entry_sum(const struct table_entry *e, uint32_t name);

static inline unsigned table_entry_slot(const struct table_entry *e)
{
	return policy_domain_slot(&e->domain);
}

#endif
