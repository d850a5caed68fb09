/* SPDX-License-Identifier: BSD-3-Clause */
/* What a worker found last under a name, in the table of domains and among our own domains: the same few
 * thousand partners are asked for again and again. It remembers and never decides: an answer counts as long
 * as nothing was published since it was found (`stamp`), for the very bytes of the name. Not shared. */
#ifndef CONFIG_POLICY_MEMO_H
#define CONFIG_POLICY_MEMO_H

#include <string.h>

#include "config/policy/name.h"

enum { POLICY_MEMO_SLOTS_LOG = 12, POLICY_MEMO_NAME_MIN = 4, POLICY_MEMO_NAME_MAX = 44 };

enum policy_memo_kind {
	POLICY_MEMO_DOMAIN, /* an entry that allows, or none: what blocks is looked up each time */
	POLICY_MEMO_OWN,
};

/* one cache line; who comes to a slot that is taken, takes it */
struct policy_memo_slot {
	_Alignas(64) uint64_t stamp; /* 0: empty */
	const void *found;
	uint16_t from;
	uint8_t kind, len;
	char name[POLICY_MEMO_NAME_MAX];
};

_Static_assert(sizeof(struct policy_memo_slot) == 64, "a cache line");

/* all zero: nothing is remembered */
struct policy_memo {
	uint64_t stamp; /* policy_memo_forget() */
	struct policy_memo_slot slot[1 << POLICY_MEMO_SLOTS_LOG];
};

/* nothing that was found so far counts any more */
static inline void policy_memo_forget(struct policy_memo *m)
{
	if (m)
		m->stamp++;
}

/* The slot for a name; NULL: such a name is not remembered. Who chooses names to meet in one slot makes his
 * own look-ups what they were without it. */
static inline struct policy_memo_slot *policy_memo_slot(struct policy_memo *m, enum policy_memo_kind kind,
							struct policy_name name)
{
	uint64_t first, last;

	if (!m || name.len < POLICY_MEMO_NAME_MIN || name.len > POLICY_MEMO_NAME_MAX)
		return NULL;
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
	first = (first ^ ((uint64_t)name.len << 8 | kind)) * 0x9e3779b97f4a7c15u;
	last = (last ^ first >> 32 ^ first << 32) * 0xd6e8feb86659fd93u;
	return &m->slot[last >> (64 - POLICY_MEMO_SLOTS_LOG)];
}

/* s is policy_memo_slot() of the same three; NULL: no */
static inline bool policy_memo_has(const struct policy_memo *m, const struct policy_memo_slot *s,
				   enum policy_memo_kind kind, struct policy_name name)
{
	return s && s->stamp == m->stamp && s->kind == kind && s->len == name.len &&
	       memcmp(s->name, name.ptr, name.len) == 0;
}

static inline void policy_memo_put(const struct policy_memo *m, struct policy_memo_slot *s,
				   enum policy_memo_kind kind, struct policy_name name, const void *found,
				   uint16_t from)
{
	if (!s)
		return;
	s->stamp = m->stamp;
	s->found = found;
	s->from = from;
	s->kind = (uint8_t)kind;
	s->len = (uint8_t)name.len;
	memcpy(s->name, name.ptr, name.len);
}

#endif
