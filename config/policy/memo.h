/* SPDX-License-Identifier: BSD-3-Clause */
/* What a worker found last under a name, in the table of domains and among our own domains: the same few
 * thousand partners are asked for again and again. It remembers and never decides: an answer counts as long
 * as nothing was published since it was found (`stamp`), for the very bytes of the name. Not shared. */
#ifndef CONFIG_POLICY_MEMO_H
#define CONFIG_POLICY_MEMO_H

#include <stdbool.h>
#include <string.h>

#include "config/policy/name.h"

enum { POLICY_MEMO_SETS_LOG = 11, POLICY_MEMO_WAYS = 2, POLICY_MEMO_NAME_MIN = 4, POLICY_MEMO_NAME_MAX = 36 };

enum policy_memo_kind {
	POLICY_MEMO_DOMAIN, /* an entry that allows, or none: what blocks is looked up each time */
	POLICY_MEMO_OWN,
	POLICY_MEMO_KINDS,
};

/* One cache line for a name: a domain that is looked up is mostly asked for among our own too. */
struct policy_memo_slot {
	_Alignas(64) uint64_t stamp; /* 0: empty */
	const void *found[POLICY_MEMO_KINDS];
	uint16_t from; /* of POLICY_MEMO_DOMAIN */
	uint8_t known; /* a bit for each kind */
	uint8_t len;
	char name[POLICY_MEMO_NAME_MAX];
};

_Static_assert(sizeof(struct policy_memo_slot) == 64, "a cache line");

/* all zero: nothing is remembered */
struct policy_memo {
	uint64_t stamp; /* policy_memo_forget() */
	struct policy_memo_slot slot[1 << POLICY_MEMO_SETS_LOG][POLICY_MEMO_WAYS];
};

/* nothing that was found so far counts any more */
static inline void policy_memo_forget(struct policy_memo *m)
{
	if (m)
		m->stamp++;
}

static inline bool policy_memo_mine(const struct policy_memo *m, const struct policy_memo_slot *s,
				    struct policy_name name)
{
	return s->stamp == m->stamp && s->len == name.len && memcmp(s->name, name.ptr, name.len) == 0;
}

/* a word of which the upper bits say where a name is; of a name that is not remembered: 0 */
static inline uint64_t policy_memo_hash(struct policy_name name)
{
	uint64_t first, last;

	if (name.len < POLICY_MEMO_NAME_MIN || name.len > POLICY_MEMO_NAME_MAX)
		return 0;
	if (name.len >= 8) {
		memcpy(&first, name.ptr, 8);
		memcpy(&last, name.ptr + name.len - 8, 8);
	} else {
		uint32_t part[2];

		memcpy(&part[0], name.ptr, 4);
		memcpy(&part[1], name.ptr + name.len - 4, 4);
		first = part[0];
		last = part[1];
	}
	first = (first ^ (uint64_t)name.len << 8) * 0x9e3779b97f4a7c15u;
	return (last ^ first >> 32 ^ first << 32) * 0xd6e8feb86659fd93u | 1;
}

/* The slots in which a name may be, POLICY_MEMO_WAYS of them; NULL: such a name is not remembered. */
static inline struct policy_memo_slot *policy_memo_set(struct policy_memo *m, struct policy_name name)
{
	uint64_t hash = m ? policy_memo_hash(name) : 0;

	return hash ? m->slot[hash >> (64 - POLICY_MEMO_SETS_LOG)] : NULL;
}

/* The slot of a name (*mine), or the one that it would take: one that is free, else its own of the two, so
 * that who chooses names to meet in one set makes his own look-ups what they were without it. NULL: such a
 * name is not remembered. */
static inline struct policy_memo_slot *policy_memo_at(struct policy_memo *m, struct policy_name name,
						      bool *mine)
{
	uint64_t hash = m ? policy_memo_hash(name) : 0;
	struct policy_memo_slot *set;

	*mine = false;
	if (!hash)
		return NULL;
	set = m->slot[hash >> (64 - POLICY_MEMO_SETS_LOG)];
	for (unsigned i = 0; i < POLICY_MEMO_WAYS; i++)
		if (policy_memo_mine(m, &set[i], name)) {
			*mine = true;
			return &set[i];
		}
	for (unsigned i = 0; i < POLICY_MEMO_WAYS; i++)
		if (set[i].stamp != m->stamp)
			return &set[i];
	return &set[hash >> (63 - POLICY_MEMO_SETS_LOG) & (POLICY_MEMO_WAYS - 1)];
}

/* is it known what is found under the name that s is of? */
static inline bool policy_memo_knows(const struct policy_memo_slot *s, enum policy_memo_kind kind)
{
	return s->known >> kind & 1;
}

/* s and mine are of policy_memo_at() */
static inline void policy_memo_put(const struct policy_memo *m, struct policy_memo_slot *s, bool mine,
				   enum policy_memo_kind kind, struct policy_name name, const void *found)
{
	if (!s)
		return;
	if (!mine) {
		s->stamp = m->stamp;
		s->known = 0;
		s->len = (uint8_t)name.len;
		memcpy(s->name, name.ptr, name.len);
	}
	s->found[kind] = found;
	s->known |= (uint8_t)(1u << kind);
}

#endif
