/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/resolve/resolve_internal.h"
#include "controlplane/resolve/answer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	RR_A = 1,
	RR_AAAA = 28,
	RR_SRV = 33,
	CLASS_IN = 1,
	ADDRESS_FAILED_TTL = 30, /* a target whose address could not be had is looked for again soon */
	NO_ADDRESS_TTL = 60,
};

uint64_t resolve_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The parts first, so that who sees the answer finds them. */
static void publish_all(struct resolve *r, const struct cache_entry *e, uint64_t asker)
{
	if (!r->publish)
		return;
	for (unsigned i = 0; i < e->answer.more; i++)
		r->publish(r->ctx, e->name, &e->parts[i], asker);
	r->publish(r->ctx, e->name, &e->answer, asker);
}

static void finish(struct lookup *l)
{
	struct resolve *r = l->r;
	struct policy_dns out[ANSWER_RECORDS];
	struct cache_entry *e = l->entry;
	uint64_t asker = l->asker;
	uint32_t ttl = l->answer.ttl == UINT32_MAX ? 0 : l->answer.ttl;
	bool show;

	*l->prev = l->next;
	if (l->next)
		l->next->prev = l->prev;
	answer_write(&l->answer, 0, out);
	answer_fini(&l->answer);
	free(l);
	show = cache_answer(&r->cache, e, out, ttl, resolve_now());
	if (show)
		publish_all(r, e, asker);
	cache_tell(e);
}

static void on_result(void *arg, int error, struct ub_result *result);

static void ask(struct lookup *l, const char *name, int type, unsigned target)
{
	struct question *q = calloc(1, sizeof(*q));
	struct resolve *r = l->r;
	int rc;

	if (!q || !r->ub) {
		free(q);
		l->answer.state = POLICY_DNS_FAILED;
		return;
	}
	q->lookup = l;
	q->target = target;
	q->type = type;
	q->next = r->questions;
	q->prev = &r->questions;
	if (q->next)
		q->next->prev = &q->next;
	r->questions = q;
	l->pending++;
	rc = ub_resolve_async(r->ub, name, type, CLASS_IN, q, on_result, &q->id);
	if (rc) {
		*q->prev = q->next;
		if (q->next)
			q->next->prev = q->prev;
		free(q);
		l->pending--;
		if (type == RR_SRV)
			l->answer.state = POLICY_DNS_FAILED;
	}
}

static void lower_ttl(struct answer *a, int ttl)
{
	uint32_t t = ttl < 0 ? 0 : (uint32_t)ttl;

	if (t < a->ttl)
		a->ttl = t;
}

static void take_srv(struct lookup *l, const struct ub_result *res)
{
	struct answer *a = &l->answer;
	bool none = false;

	for (unsigned i = 0; res->data[i]; i++)
		none |= answer_srv(a, (const uint8_t *)res->data[i], (size_t)res->len[i]) == 0;
	a->state = a->n ? POLICY_DNS_OK : POLICY_DNS_NOTHING;
	if (none && !a->n)
		return;
	for (unsigned i = 0; i < a->n; i++) {
		ask(l, a->target[i].name, RR_A, i);
		ask(l, a->target[i].name, RR_AAAA, i);
	}
}

static void take_result(struct question *q, int error, const struct ub_result *res)
{
	struct lookup *l = q->lookup;
	struct answer *a = &l->answer;
	bool nothing = !error && !res->havedata && (res->nxdomain || res->rcode == 0);

	if (!error && res->bogus) {
		/* forged: nothing of it counts, and what was known is not kept in its place */
		a->state = POLICY_DNS_BOGUS;
		a->secure = false;
		return;
	}
	if (!error)
		a->secure &= res->secure != 0;
	if (q->type == RR_SRV) {
		if (!error && res->havedata) {
			lower_ttl(a, res->ttl);
			take_srv(l, res);
		} else {
			a->state = nothing ? POLICY_DNS_NOTHING : POLICY_DNS_FAILED;
			if (nothing)
				lower_ttl(a, res->ttl);
		}
		return;
	}
	if (!error && res->havedata) {
		lower_ttl(a, res->ttl);
		for (unsigned i = 0; res->data[i]; i++)
			answer_address(a, q->target, (const uint8_t *)res->data[i], (size_t)res->len[i],
				       l->rules);
	} else if (!nothing) {
		lower_ttl(a, ADDRESS_FAILED_TTL);
		if (a->kind == POLICY_DNS_HOST && a->state != POLICY_DNS_BOGUS)
			a->state = POLICY_DNS_FAILED;
	}
}

static void settle(struct lookup *l)
{
	struct answer *a = &l->answer;

	if (l->pending)
		return;
	/* one family alone is normal; a target without any address is looked for again soon */
	for (unsigned i = 0; i < a->n; i++)
		if (!a->target[i].addrs)
			lower_ttl(a, NO_ADDRESS_TTL);
	if (a->kind == POLICY_DNS_HOST && a->state != POLICY_DNS_BOGUS && a->n) {
		if (a->target[0].addrs)
			a->state = POLICY_DNS_OK;
		else if (a->state != POLICY_DNS_FAILED || a->refused)
			a->state = POLICY_DNS_NOTHING;
	}
	finish(l);
}

static void on_result(void *arg, int error, struct ub_result *result)
{
	struct question *q = arg;
	struct lookup *l = q->lookup;

	*q->prev = q->next;
	if (q->next)
		q->next->prev = q->prev;
	l->pending++; /* questions that take_result asks must not end the lookup under us */
	take_result(q, error, result);
	l->pending -= 2;
	free(q);
	if (result)
		ub_resolve_free(result);
	settle(l);
}

/* Our own servers live in private ranges, and our own public name has our own address. A partner that names
 * one of them as an SRV target gets no such leave: this is for a host that is asked for by itself. */
static const struct address_rules *rules_for(const struct resolve *r, const struct cache_entry *e)
{
	const struct schema_entry *n =
		e->kind == POLICY_DNS_HOST ? schema_map_get(&r->named, 0, e->name) : NULL;

	return !n ? &r->rules : *n->body == 'i' ? &r->inside_rules : &r->own_rules;
}

const char *resolve_refuses(const struct resolve *r, const uint8_t a[16])
{
	return address_refused(a, &r->rules);
}

static void start(void *ctx, struct cache_entry *e)
{
	static const char *const prefix[POLICY_DNS_KINDS] = {
		[POLICY_DNS_FEDERATION] = "_sipfederationtls._tcp.",
		[POLICY_DNS_XMPP] = "_xmpp-server._tcp.",
	};
	struct resolve *r = ctx;
	struct lookup *l = calloc(1, sizeof(*l));
	char name[POLICY_NAME_MAX + 64];

	if (!l || answer_init(&l->answer, (enum policy_dns_kind)e->kind, r->max_targets)) {
		const struct policy_dns failed = {.kind = e->kind, .state = POLICY_DNS_FAILED};

		free(l);
		cache_answer(&r->cache, e, &failed, 0, resolve_now());
		cache_tell(e);
		return;
	}
	l->r = r;
	l->rules = rules_for(r, e);
	l->entry = e;
	l->next = r->lookups;
	l->prev = &r->lookups;
	if (l->next)
		l->next->prev = &l->next;
	r->lookups = l;
	l->pending = 1;
	l->answer.state = POLICY_DNS_UNKNOWN;
	if (e->kind == POLICY_DNS_HOST) {
		l->answer.n = 1;
		memcpy(l->answer.target[0].name, e->name, strlen(e->name) + 1);
		ask(l, e->name, RR_A, 0);
		ask(l, e->name, RR_AAAA, 0);
		if (l->pending == 1)
			l->answer.state = POLICY_DNS_FAILED;
	} else {
		snprintf(name, sizeof(name), "%s%s", prefix[e->kind], e->name);
		ask(l, name, RR_SRV, 0);
	}
	l->pending--;
	settle(l);
}

static void on_tick(int fd, short what, void *arg)
{
	static const struct timeval again = {0, 250000};
	struct resolve *r = arg;

	cache_tick(&r->cache, resolve_now(), start, r);
	event_add(r->tick, &again);
}

static int want(struct resolve *r, const char *name, enum policy_dns_kind kind, uint64_t asker, bool show,
		cache_done_fn done, void *ctx)
{
	struct cache_entry *e;

	switch (cache_want(&r->cache, name, kind, asker, resolve_now(), done, ctx, &e)) {
	case CACHE_HIT:
		if (show)
			publish_all(r, e, asker);
		done(ctx, &e->answer);
		return 0;
	case CACHE_ASK:
		start(r, e);
		if (r->lookups && r->lookups->entry == e)
			r->lookups->asker = asker;
		return 0;
	case CACHE_WAIT:
		return 0;
	default:
		return -EDQUOT;
	}
}

int resolve_ask(struct resolve *r, const char *name, enum policy_dns_kind kind, uint64_t asker,
		cache_done_fn done, void *ctx)
{
	return want(r, name, kind, asker, false, done, ctx);
}

int resolve_question(struct resolve *r, const char *name, enum policy_dns_kind kind, uint64_t asker,
		     cache_done_fn done, void *ctx)
{
	return want(r, name, kind, asker, true, done, ctx);
}

const struct policy_dns *resolve_parts(struct resolve *r, const char *name, enum policy_dns_kind kind)
{
	const struct cache_entry *e = cache_find(&r->cache, name, kind);

	return e && e->answer.more ? e->parts : NULL;
}

unsigned resolve_forget(struct resolve *r, const char *name)
{
	struct cache_entry *next;
	unsigned n = 0;

	for (struct cache_entry *e = r->cache.newest; e; e = next) {
		next = e->next;
		if ((!name || strcmp(e->name, name) == 0) && !e->asking) {
			cache_forget(&r->cache, e);
			n++;
		}
	}
	return n;
}

void resolve_each(struct resolve *r, void (*each)(void *, const struct cache_entry *, uint64_t), void *ctx)
{
	uint64_t now = resolve_now();

	for (struct cache_entry *e = r->cache.newest; e; e = e->next)
		each(ctx, e, now);
}

const struct cache *resolve_cache(const struct resolve *r)
{
	return &r->cache;
}

/* ---- life ---- */

void resolve_drop_context(struct resolve *r)
{
	while (r->questions) {
		struct question *q = r->questions;

		if (r->ub)
			ub_cancel(r->ub, q->id);
		r->questions = q->next;
		if (q->next)
			q->next->prev = &r->questions;
		free(q);
	}
	while (r->lookups) {
		r->lookups->answer.state = POLICY_DNS_FAILED;
		r->lookups->answer.n = 0;
		finish(r->lookups);
	}
	if (r->readable)
		event_free(r->readable);
	r->readable = NULL;
	if (r->ub)
		ub_ctx_delete(r->ub);
	r->ub = NULL;
}

int resolve_open(struct resolve **out, struct event_base *base, resolve_publish_fn publish, void *ctx)
{
	static const struct timeval first = {0, 250000};
	struct resolve *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->base = base;
	r->publish = publish;
	r->ctx = ctx;
	cache_init(&r->cache, &(struct cache_settings){0});
	r->tick = event_new(base, -1, 0, on_tick, r);
	event_add(r->tick, &first);
	*out = r;
	return 0;
}

void resolve_close(struct resolve *r)
{
	if (!r)
		return;
	r->publish = NULL;
	resolve_drop_context(r);
	cache_fini(&r->cache);
	event_free(r->tick);
	schema_text_fini(&r->last);
	schema_map_fini(&r->named);
	free(r);
}
