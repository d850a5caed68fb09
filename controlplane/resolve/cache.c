/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/resolve/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000000ull

enum {
	RETRY_FIRST = 2, /* seconds between questions while DNS does not answer */
	RETRY_MOST = 60,
	LATE = 5, /* an answer comes so much later than its question, at most */
};

static uint32_t hash(const char *name, unsigned kind)
{
	uint64_t h = 0xcbf29ce484222325ull ^ kind;

	while (*name)
		h = (h ^ (unsigned char)*name++) * 0x100000001b3ull;
	return (uint32_t)(h ^ h >> 29) % CACHE_BUCKETS;
}

void cache_init(struct cache *c, const struct cache_settings *set)
{
	memset(c, 0, sizeof(*c));
	c->set = *set;
}

struct cache_entry *cache_find(struct cache *c, const char *name, enum policy_dns_kind kind)
{
	struct cache_entry *e = c->bucket[hash(name, kind)];

	while (e && (e->kind != kind || strcmp(e->name, name)))
		e = e->hash_next;
	return e;
}

static void unlink_use(struct cache *c, struct cache_entry *e)
{
	*(e->prev ? &e->prev->next : &c->newest) = e->next;
	*(e->next ? &e->next->prev : &c->oldest) = e->prev;
}

static void link_use(struct cache *c, struct cache_entry *e)
{
	e->prev = NULL;
	e->next = c->newest;
	*(e->next ? &e->next->prev : &c->oldest) = e;
	c->newest = e;
}

static void tell(struct cache_entry *e, const struct policy_dns *answer)
{
	struct cache_waiter *w = e->waiters;

	e->waiters = NULL;
	while (w) {
		struct cache_waiter *next = w->next;

		w->done(w->ctx, answer);
		free(w);
		w = next;
	}
}

static void drop(struct cache *c, struct cache_entry *e)
{
	struct cache_entry **p = &c->bucket[hash(e->name, e->kind)];

	tell(e, NULL);
	while (*p != e)
		p = &(*p)->hash_next;
	*p = e->hash_next;
	unlink_use(c, e);
	c->n--;
	free(e->parts);
	free(e);
}

void cache_fini(struct cache *c)
{
	while (c->newest)
		drop(c, c->newest);
}

void cache_forget(struct cache *c, struct cache_entry *e)
{
	if (!e->asking)
		drop(c, e);
}

/* a token of the asker's bucket; two askers of one slot share it */
static bool may_ask(struct cache *c, uint64_t asker, uint64_t now)
{
	uint64_t h = asker * 0x9e3779b97f4a7c15ull;
	unsigned i = (unsigned)(h >> 52) % CACHE_ASKERS;

	if (!asker)
		return true;
	if (c->asker[i].asker != asker && c->asker[i].at_ns == 0)
		c->asker[i].tokens = c->set.ask_burst;
	c->asker[i].tokens += (double)(now - c->asker[i].at_ns) * c->set.ask_rate / (double)SECOND;
	if (c->asker[i].at_ns == 0 || c->asker[i].tokens > c->set.ask_burst)
		c->asker[i].tokens = c->set.ask_burst;
	c->asker[i].asker = asker;
	c->asker[i].at_ns = now;
	if (c->asker[i].tokens < 1)
		return false;
	c->asker[i].tokens -= 1;
	return true;
}

/* room for one more: what was used longest ago goes, unless it is being asked */
static bool make_room(struct cache *c)
{
	struct cache_entry *e = c->oldest;

	if (c->n < c->set.max)
		return true;
	while (e && e->asking)
		e = e->prev;
	if (!e)
		return false;
	c->evicted++;
	drop(c, e);
	return true;
}

static struct cache_entry *add(struct cache *c, const char *name, enum policy_dns_kind kind)
{
	struct cache_entry *e =
		strlen(name) <= POLICY_NAME_MAX && make_room(c) ? calloc(1, sizeof(*e)) : NULL;
	uint32_t h = hash(name, kind);

	if (!e)
		return NULL;
	memcpy(e->name, name, strlen(name) + 1);
	e->kind = (uint8_t)kind;
	e->hash_next = c->bucket[h];
	c->bucket[h] = e;
	link_use(c, e);
	c->n++;
	return e;
}

static bool fresh(const struct cache_entry *e, uint64_t now)
{
	return e->known && (now < e->expires_ns || (e->stale && now < e->good_until_ns));
}

enum cache_verdict cache_want(struct cache *c, const char *name, enum policy_dns_kind kind, uint64_t asker,
			      uint64_t now, cache_done_fn done, void *ctx, struct cache_entry **entry)
{
	struct cache_entry *e = cache_find(c, name, kind);
	struct cache_waiter *w;
	bool waits;

	*entry = e;
	if (e) {
		unlink_use(c, e);
		link_use(c, e);
		e->used_ns = now;
		if (fresh(e, now))
			return CACHE_HIT;
	}
	waits = e && (e->asking || now < e->retry_ns);
	/* who waits for somebody else's question costs nothing */
	if (!waits && !may_ask(c, asker, now)) {
		c->refused++;
		return CACHE_REFUSED;
	}
	if (!e)
		e = *entry = add(c, name, kind);
	w = e ? calloc(1, sizeof(*w)) : NULL;
	if (!w) {
		c->refused++;
		return CACHE_REFUSED;
	}
	w->done = done;
	w->ctx = ctx;
	w->deadline_ns = now + c->set.deadline_ns;
	w->next = e->waiters;
	e->waiters = w;
	e->used_ns = now;
	if (waits) {
		c->coalesced++;
		return CACHE_WAIT;
	}
	e->asking = true;
	e->asked_ns = now;
	c->asked++;
	return CACHE_ASK;
}

static void keep(struct cache_entry *e, const struct policy_dns *answer)
{
	free(e->parts);
	e->parts = answer->more ? calloc(answer->more, sizeof(*e->parts)) : NULL;
	e->answer = *answer;
	e->answer.expires_ns = e->expires_ns;
	if (!e->parts) {
		e->answer.cut |= answer->more != 0;
		e->answer.more = 0;
	}
	for (unsigned i = 0; i < e->answer.more; i++) {
		e->parts[i] = answer[1 + i];
		e->parts[i].expires_ns = e->expires_ns;
	}
}

bool cache_answer(struct cache *c, struct cache_entry *e, const struct policy_dns *answer, uint32_t ttl,
		  uint64_t now)
{
	e->asking = false;
	if (answer->state == POLICY_DNS_FAILED && e->known && now < e->good_until_ns &&
	    e->answer.state != POLICY_DNS_FAILED) {
		/* RFC 8767: better an old answer than none, for a while */
		unsigned wait = RETRY_FIRST << (e->failures < 5 ? e->failures : 5);

		e->failures++;
		e->stale = now >= e->expires_ns;
		e->retry_ns = now + (wait < RETRY_MOST ? wait : RETRY_MOST) * SECOND;
		c->served_stale += e->stale;
		return false;
	}
	if (answer->state == POLICY_DNS_OK) {
		ttl = ttl < c->set.min_ttl   ? (uint32_t)c->set.min_ttl
		      : ttl > c->set.max_ttl ? (uint32_t)c->set.max_ttl
					     : ttl;
	} else {
		/* RFC 2308 section 5 bounds what is negative; failures are short */
		uint64_t most = answer->state == POLICY_DNS_NOTHING ? c->set.negative_ttl : 5;

		ttl = ttl > most || !ttl ? (uint32_t)most : ttl;
		ttl = ttl ? ttl : 1;
	}
	e->failures = answer->state == POLICY_DNS_FAILED ? e->failures + 1 : 0;
	e->retry_ns = 0;
	e->stale = false;
	e->ttl = ttl;
	e->expires_ns = now + ttl * SECOND;
	e->good_until_ns = answer->state == POLICY_DNS_OK || answer->state == POLICY_DNS_NOTHING
				   ? e->expires_ns + c->set.serve_stale * SECOND
				   : e->expires_ns;
	e->known = true;
	keep(e, answer);
	return true; /* also when only its time is new: readers look at that too */
}

void cache_tell(struct cache_entry *e)
{
	tell(e, e->known ? &e->answer : NULL);
}

static void expire_waiters(struct cache *c, struct cache_entry *e, uint64_t now)
{
	struct cache_waiter **p = &e->waiters, *late = NULL;

	while (*p) {
		struct cache_waiter *w = *p;

		if (now < w->deadline_ns) {
			p = &w->next;
			continue;
		}
		*p = w->next;
		w->next = late;
		late = w;
	}
	while (late) {
		struct cache_waiter *next = late->next;

		late->done(late->ctx, e->known && now < e->good_until_ns ? &e->answer : NULL);
		free(late);
		late = next;
	}
}

void cache_tick(struct cache *c, uint64_t now, void (*ask)(void *ctx, struct cache_entry *e), void *ctx)
{
	struct cache_entry *next;

	for (struct cache_entry *e = c->newest; e; e = next) {
		uint64_t ahead = (uint64_t)e->ttl * SECOND / 100 * c->set.prefetch;
		bool due, wanted;

		next = e->next;
		expire_waiters(c, e, now);
		if (e->asking || now < e->retry_ns)
			continue;
		/* asked again before it ends when somebody used it during its life */
		wanted = e->waiters || (e->known && e->ttl &&
					e->used_ns + e->ttl * SECOND + LATE * SECOND >= e->expires_ns);
		due = !e->known || now + ahead >= e->expires_ns;
		if (wanted && due) {
			e->asking = true;
			e->asked_ns = now;
			c->prefetched += e->known;
			ask(ctx, e);
		} else if (e->known && !wanted && now >= e->good_until_ns && !e->waiters) {
			drop(c, e);
		}
	}
}
