/* SPDX-License-Identifier: BSD-3-Clause */
/* Which names are known, until when, who waits, and what has to be asked (again). No I/O: time comes in,
 * questions go out through a list that the caller asks of the DNS. */
#ifndef CONTROLPLANE_RESOLVE_CACHE_H
#define CONTROLPLANE_RESOLVE_CACHE_H

#include "config/policy/record.h"

struct cache_settings {
	uint64_t min_ttl, max_ttl, negative_ttl, serve_stale; /* seconds */
	unsigned prefetch;				      /* per cent */
	unsigned max;					      /* names */
	uint64_t deadline_ns;				      /* of a waiter */
	unsigned ask_rate, ask_burst;			      /* of one asker */
};

/* called once: with the answer, or at the deadline with the last one known (stale), or NULL */
typedef void (*cache_done_fn)(void *ctx, const struct policy_dns *answer);

struct cache_waiter {
	struct cache_waiter *next;
	cache_done_fn done;
	void *ctx;
	uint64_t deadline_ns;
};

struct cache_entry {
	struct cache_entry *hash_next;
	struct cache_entry *next, *prev; /* by last use */
	struct cache_waiter *waiters;
	char name[POLICY_NAME_MAX + 1];
	uint8_t kind;
	bool known;   /* `answer` is good, or stale */
	bool asking;  /* the caller has the question */
	bool stale;   /* kept past its TTL because DNS is down */
	uint32_t ttl; /* as accepted */
	uint64_t asked_ns, used_ns, expires_ns, retry_ns, good_until_ns;
	unsigned failures;
	struct policy_dns answer;
	struct policy_dns *parts; /* answer.more of them, what did not fit into it */
};

enum { CACHE_BUCKETS = 16384, CACHE_ASKERS = 4096 };

struct cache {
	struct cache_settings set;
	struct cache_entry *bucket[CACHE_BUCKETS];
	struct cache_entry *newest, *oldest;
	unsigned n;
	struct {
		uint64_t asker, at_ns;
		double tokens;
	} asker[CACHE_ASKERS];
	uint64_t asked, coalesced, refused, evicted, prefetched, served_stale;
};

void cache_init(struct cache *c, const struct cache_settings *set);
void cache_fini(struct cache *c);

enum cache_verdict { CACHE_HIT, CACHE_WAIT, CACHE_ASK, CACHE_REFUSED };

/* Somebody wants a name. HIT: *entry has the answer, nothing is called. WAIT: `done` is called later. ASK:
 * the same, and the caller asks the DNS for *entry now. REFUSED: the asker asks too much, or there is no
 * memory; nothing is called. asker 0 is ourselves: no limit. */
enum cache_verdict cache_want(struct cache *c, const char *name, enum policy_dns_kind kind, uint64_t asker,
			      uint64_t now_ns, cache_done_fn done, void *ctx, struct cache_entry **entry);
/* The DNS has answered: answer->state says how, `ttl` is its own. Calls the waiters. true: the published
 * answer changes (or is new) and is in e->answer. */
/* `answer` is followed by its answer->more parts. */
bool cache_answer(struct cache *c, struct cache_entry *e, const struct policy_dns *answer, uint32_t ttl,
		  uint64_t now_ns);
/* calls the waiters, who may ask anew */
void cache_tell(struct cache_entry *e);
/* Deadlines of waiters, and what has to be asked again: each is handed to `ask` (and marked as asking). */
void cache_tick(struct cache *c, uint64_t now_ns, void (*ask)(void *ctx, struct cache_entry *e), void *ctx);
struct cache_entry *cache_find(struct cache *c, const char *name, enum policy_dns_kind kind);
/* forgets it unless it is being asked: then its answer will do */
void cache_forget(struct cache *c, struct cache_entry *e);

#endif
