/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to limit_peer: the flat block of a home core. Indexes, never pointers; 0 is none. */
#ifndef DATAPLANE_PROXY_LIMIT_TABLE_H
#define DATAPLANE_PROXY_LIMIT_TABLE_H

#include "dataplane/proxy/limit_peer.h"

struct limit_peer {
	struct limit_key key;
	uint8_t used;
	uint8_t why; /* enum policy_watch_why */
	uint8_t limit_class;
	uint8_t few_n;
	uint32_t set; /* index + 1 of its URI set; 0: few[] is enough */
	struct policy_bucket bucket;
	struct policy_ratio ratio;
	uint64_t few[LIMIT_FEW_URIS];
	uint64_t seen_ns;      /* last request */
	uint64_t over_told_ns; /* when LIMIT_EVENT_OVER was told last */
	int64_t since_s;       /* of the first URI */
	int64_t why_s;
	uint32_t restored; /* URIs that a watch fact remembers and the set does not */
	uint32_t uris_refused;
	uint32_t over;
	uint16_t domains_len;
	uint64_t sample[4];
	char domains[POLICY_WATCH_DOMAINS];
	uint8_t known[POLICY_WATCH_KNOWN]; /* of the restored ones */
};

struct limit_table {
	uint64_t magic;
	struct limit_size size;
	struct siphash_key key;
	uint32_t bits;		      /* of the index */
	uint32_t free_peer, free_set; /* heads of the lists, index + 1; the link is in the first bytes */
	uint32_t fresh_peer,
		fresh_set; /* those from here on were never used: no page of theirs was touched */
	uint32_t hand;	   /* where the next victim is looked for */
	struct limit_counts counts;
};

struct limit_peer *limit_peers(const struct limit_table *t);
/* set - 1 < size.sets */
struct policy_uris *limit_set(const struct limit_table *t, uint32_t set);

struct limit_peer *limit_find(const struct limit_table *t, const struct limit_key *key);
/* Finds or makes. *lost gets the watch entry of the one that had to go, when it had anything to remember. */
struct limit_peer *limit_make(struct limit_table *t, const struct limit_key *key, struct limit_event *lost);
void limit_drop(struct limit_table *t, struct limit_peer *p);
/* a set for p, with what few[] holds; NULL: none left */
struct policy_uris *limit_grow(struct limit_table *t, struct limit_peer *p);
/* what it tried is forgotten */
void limit_forget_uris(struct limit_table *t, struct limit_peer *p);
uint32_t limit_uris(const struct limit_table *t, const struct limit_peer *p);
bool limit_known_has(const uint8_t known[POLICY_WATCH_KNOWN], uint64_t uri);
/* suspicion began or ended: the reason follows, and *event tells */
void limit_ratio_changed(struct limit_table *t, struct limit_peer *p, int64_t wall_s,
			 struct limit_event *event);
void limit_watch(const struct limit_table *t, const struct limit_peer *p, struct policy_watch *out);

#endif
