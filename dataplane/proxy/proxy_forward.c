/* SPDX-License-Identifier: BSD-3-Clause */
/* The way of a request: judged by the policy of this moment, then to the first next hop that has not failed
 * it. Whatever it must wait for, it waits as a copy and then goes this way again from the start, so that
 * there is one way and a policy that changed meanwhile counts. */
#include "dataplane/proxy/next_hop.h"
#include "dataplane/proxy/proxy_conn.h"
#include "dataplane/proxy/proxy_limit.h"
#include "dataplane/proxy/proxy_mail.h"
#include "dataplane/proxy/proxy_self.h"
#include "dataplane/proxy/proxy_shadow.h"
#include "dataplane/proxy/proxy_share.h"
#include "dataplane/proxy/proxy_sweep.h"
#include "dataplane/proxy/proxy_tables.h"
#include "dataplane/proxy/proxy_timers.h"
#include "dataplane/proxy/server_half.h"

enum {
	ADDED = 16 << 10, /* what a message may grow by on its way, with room to spare */
	MUCH = 64,	  /* transactions of one peer */
};

const struct sip_validate_rules proxy_rules = {0}, proxy_rules_end = {.end_point = true};

static bool silent(const struct proxy_passing *r)
{
	return r->m->method == SIP_METHOD_ACK || r->m->method == SIP_METHOD_BENOTIFY;
}

/* The sender of an INVITE hears of it (section 16.2). */
bool proxy_take(struct proxy *p, struct proxy_passing *r)
{
	if (r->s)
		return true;
	r->s = server_half_new(p, r->conn, r->m, silent(r) ? 0 : r->key, r->m->method);
	if (!r->s)
		return false;
	r->s->accepted = r->verdict.action == POLICY_ACCEPT;
	if (r->m->method == SIP_METHOD_INVITE)
		server_half_trying(p, r->s, r->m, &r->core);
	return true;
}

static void no_room(struct proxy *p, struct proxy_passing *r)
{
	if (silent(r) && !r->s) {
		PROXY_DROPPED(p, no_room);
		return;
	}
	proxy_refuse_reason(p, r, POLICY_REASON_OVERLOAD);
}

void proxy_ask(struct proxy *p, uint64_t asker, const struct policy_ask *what)
{
	struct exchange_question q = {.asked_ns = p->now_ns, .dns_kind = what->kind, .asker = asker};
	struct proxy_asked *last;
	uint64_t hash;

	if (!p->ops || !p->ops->ask || what->name.len >= sizeof(q.name))
		return;
	q.len = (uint8_t)what->name.len;
	memcpy(q.name, what->name.ptr, what->name.len);
	hash = siphash13(&p->table_key, q.name, what->name.len) ^ what->kind;
	last = &p->asked[hash % PROXY_ASKED];
	if (last->hash == hash && p->now_ns - last->at_ns < PROXY_ASK_MS * UINT64_C(1000000))
		return;
	if (!p->ops->ask(p->ctx, &q))
		return;
	*last = (struct proxy_asked){hash, p->now_ns};
	PROXY_COUNT(p, asked);
}

/* strangers have few questions each; our own pool talks to whom it likes */
static void ask(struct proxy *p, const struct proxy_passing *r, const struct policy_ask *what)
{
	proxy_ask(p, r->c->side == LINK_EXTERNAL ? r->c->who_hash : 0, what);
}

/* Control is asked, and while it works the answer is looked for. */
static void wait_dns(struct proxy *p, struct proxy_passing *r, const struct policy_ask *asks, unsigned n)
{
	struct server_half *s;

	if (!proxy_take(p, r)) {
		no_room(p, r);
		return;
	}
	s = r->s;
	if (s->wait != SERVER_WAIT_DNS) {
		s->until_ns = p->now_ns + p->config.parked_ms * UINT64_C(1000000);
		s->wait_ms = PROXY_DNS_FIRST_MS;
	} else if (p->now_ns >= s->until_ns) {
		PROXY_COUNT(p, parked_expired);
		server_half_unwait(p, s);
		if (s->tried)
			server_half_give_up(p, s);
		else
			proxy_refuse_reason(p, r, POLICY_REASON_DNS_TIMEOUT);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		ask(p, r, &asks[i]);
	s->wait_ms = s->wait_ms * 2 < PROXY_DNS_STEP_MAX_MS ? s->wait_ms * 2 : PROXY_DNS_STEP_MAX_MS;
	if (!server_half_wait(p, s, SERVER_WAIT_DNS, s->wait_ms))
		no_room(p, r);
}

/* no next hop that could be tried: why? */
static void nowhere(struct proxy *p, struct proxy_passing *r)
{
	const struct policy_shortfall *f = &r->shortfall;

	/* the addresses of another target may be on their way */
	if (f->asks && f->unknown && !(r->s && r->s->tried == PROXY_TRIED)) {
		wait_dns(p, r, f->ask, f->asks);
		return;
	}
	if (r->s && r->s->tried) {
		server_half_unwait(p, r->s);
		server_half_give_up(p, r->s);
		return;
	}
	proxy_refuse_reason(p, r,
			    f->unresolved		       ? POLICY_REASON_NO_ADDRESS
			    : f->looped			       ? POLICY_REASON_LOOP
			    : f->down			       ? POLICY_REASON_ROUTE_DOWN
			    : f->other			       ? POLICY_REASON_NO_SAME_DOMAIN
			    : proxy_leaves(r) == LINK_INTERNAL ? POLICY_REASON_NO_INSIDE_ROUTE
							       : POLICY_REASON_NO_ROUTE);
}

uint64_t proxy_target_hash(const struct proxy *p, const struct policy_target *t)
{
	uint8_t key[20 + POLICY_NAME_MAX];

	memcpy(key, t->ip, 16);
	memcpy(key + 16, &t->port, sizeof(t->port));
	key[18] = t->insecure;
	memcpy(key + 19, t->name, t->name_len);
	return siphash13(&p->table_key, key, 19u + t->name_len);
}

static bool was_tried(const struct server_half *s, uint64_t hash)
{
	for (unsigned i = 0; s && i < s->tried; i++)
		if (s->tried_hash[i] == hash)
			return true;
	return false;
}

static void note_tried(struct server_half *s, uint64_t hash)
{
	if (s && s->tried < PROXY_TRIED)
		s->tried_hash[s->tried++] = hash;
}

/* is there another one to try, or may DNS still name one? */
static bool others_left(const struct proxy *p, const struct proxy_passing *r, unsigned from)
{
	for (unsigned i = from; i < r->targets_n; i++)
		if (!was_tried(r->s, proxy_target_hash(p, &r->targets[i])))
			return true;
	return r->shortfall.asks && r->shortfall.unknown;
}

static struct next_hop *hop_of(struct proxy *p, const struct proxy_passing *r, const struct policy_target *t)
{
	struct next_hop_want want = {.target = t,
				     .identity = proxy_identity(r),
				     .side = proxy_leaves(r),
				     .tls_profile = r->verdict.tls_profile};

	if (want.side == LINK_INTERNAL)
		want.tls_profile = p->view->box->internal_tls_profile;
	else if (!want.tls_profile)
		want.tls_profile = p->view->box->external_tls_profile;
	return next_hop_get(p, &want);
}

/* A peer's own message does not go back to him (section 1.8). */
static bool goes_back(const struct proxy_passing *r, const struct policy_target *t)
{
	return proxy_leaves(r) == r->c->side && r->c->outgoing && r->c->remote_port == t->port &&
	       memcmp(r->c->remote.b, t->ip, 16) == 0;
}

/* Section 1.3, the next hop's half: it shows the name that is expected, and may use its certificate so. */
static bool right_peer(struct proxy *p, const struct proxy_passing *r, const struct policy_target *t,
		       uint32_t conn)
{
	struct proxy_conn *c = proxy_conn_at(p, conn);
	struct policy_route route = {.domain = r->domain};

	if (c->side == LINK_INTERNAL)
		return proxy_self_trusts(p, c) ||
		       (!t->insecure && t->name_len && policy_target_is(t, &route, 0, &c->peer, NULL));
	return policy_target_is(t, &route, r->verdict.flags, &c->peer,
				p->view->ops->partner(p->view, r->verdict.partner)) &&
	       (c->peer.insecure || policy_eku_fits(r->verdict.eku, c->peer.eku, false));
}

/* How much may be queued for a next hop before r is. A sender who has much under way leaves the upper half to
 * those who have little, and what is queued never ends the conn, which is everybody's. */
static uint32_t queued_max(struct proxy *p, const struct proxy_passing *r)
{
	uint32_t all = p->config.out_bytes, own = r->m->len + ADDED;
	uint32_t most = proxy_share_has(p, r->c, PROXY_SHARE_SERVERS) > MUCH ? all / 4 : all / 2;

	if (own >= all)
		return 0;
	return most < all - own ? most : all - own;
}

/* a conn that the next hop itself opened, if it may stand in for one of ours; never the one r came over */
static uint32_t reuse(struct proxy *p, const struct proxy_passing *r, const struct policy_target *t,
		      const struct next_hop *h, uint64_t hash)
{
	uint32_t conn = proxy_alias_find(p, h);

	if (conn == PROXY_NONE || conn == r->conn || proxy_conn_at(p, conn)->out_bytes > queued_max(p, r) ||
	    was_tried(r->s, ~hash) || !right_peer(p, r, t, conn))
		return PROXY_NONE;
	PROXY_COUNT(p, reused);
	return conn;
}

/* False: nothing was left to be tried. r is done with otherwise. */
static bool try_targets(struct proxy *p, struct proxy_passing *r)
{
	for (unsigned i = 0; i < r->targets_n; i++) {
		const struct policy_target *t = &r->targets[i];
		uint64_t hash = proxy_target_hash(p, t);
		enum policy_reason reason;
		struct next_hop *h;
		uint32_t conn, reused = PROXY_NONE;

		if (was_tried(r->s, hash))
			continue;
		if (r->s && r->s->tried == PROXY_TRIED)
			break;
		if (goes_back(r, t)) {
			r->shortfall.looped++;
			continue;
		}
		h = hop_of(p, r, t);
		if (h)
			h->others |= r->targets_n > 1;
		if (!h || !proxy_take(p, r)) {
			no_room(p, r);
			return true;
		}
		conn = next_hop_pick(p, h, queued_max(p, r));
		if (conn == PROXY_NONE)
			reused = conn = reuse(p, r, t, h, hash);
		if (conn != PROXY_NONE) {
			server_half_unwait(p, r->s);
			/* when that one is lost, one of ours is still to be tried */
			note_tried(r->s, reused == PROXY_NONE ? hash : ~hash);
			if (!right_peer(p, r, t, conn)) {
				next_hop_mismatch(p, h, conn);
				r->s->reason = POLICY_REASON_NEXT_HOP_NAME;
				continue;
			}
			if (proxy_send(p, r, conn, t, &reason)) {
				if (r->s->tried > 1)
					PROXY_COUNT(p, failovers);
				proxy_conn_used(p, r->c);
				if (r->s->silent)
					server_half_free(p, r->s);
				return true;
			}
			if (reason == POLICY_REASON_TOO_LARGE || reason == POLICY_REASON_OVERLOAD) {
				proxy_refuse_reason(p, r, reason);
				return true;
			}
			r->s->reason = (uint16_t)reason;
			continue;
		}
		if (next_hop_wait(p, h, r->s,
				  others_left(p, r, i + 1) ? PROXY_OTHER_HOP_MS : p->config.connect_ms)) {
			r->s->waits_for = hash;
			/* the next one's address will be there when this one is given up */
			for (unsigned k = 0; r->shortfall.unknown && k < r->shortfall.asks; k++)
				ask(p, r, &r->shortfall.ask[k]);
			return true;
		}
		note_tried(r->s, hash);
	}
	return false;
}

/* True: it goes on at another core. */
static bool crosses(struct proxy *p, struct proxy_passing *r)
{
	unsigned core = proxy_mail_core(p, r);

	if (core == p->core || !proxy_mail_request(p, r->c, core, r->m, r->key))
		return false;
	proxy_conn_used(p, r->c);
	/* it waited here: it has another half there */
	if (r->s)
		server_half_free(p, r->s);
	return true;
}

static void accepted(struct proxy *p, struct proxy_passing *r)
{
	const struct policy_verdict *v = &r->verdict;

	if (v->flags & POLICY_VERDICT_REFRESH)
		for (unsigned i = 0; i < v->asks; i++)
			ask(p, r, &v->ask[i]);
	if (v->flags & POLICY_VERDICT_REPIN)
		proxy_conn_pin(p, r->c, v->source, v->domain);
	proxy_sweep_domain(p, r->c, v->domain);
	proxy_alias_offer(p, r->c, &r->core.via);
	proxy_targets(p, r, r->s ? r->s->seed : base_rng_next(&p->rng));
	if (!proxy_limit_pass(p, r) || crosses(p, r) || !proxy_limit_count(p, r))
		return;
	if (!try_targets(p, r))
		nowhere(p, r);
}

enum policy_reason proxy_judge(struct proxy *p, struct proxy_passing *r)
{
	struct facts_in in = {.m = r->m,
			      .core = &r->core,
			      .direction = r->c->side == LINK_EXTERNAL ? POLICY_INBOUND : POLICY_OUTBOUND,
			      .peer = &r->c->peer,
			      .route = &r->route,
			      .shared_hop = r->vias.shared,
			      .now_ns = p->now_ns};
	struct route_self self;
	enum policy_reason why;

	proxy_self_trusts(p, r->c);
	proxy_self_route(p, r->c, &self);
	route_read(&p->route_keys, &self, r->m, &r->core, &r->route);
	why = facts_from_message(&in, &r->facts);
	if (why == POLICY_REASON_ACCEPTED)
		policy_decide(p->view, &r->facts.facts, &r->verdict, NULL);
	return why;
}

bool proxy_repeats(struct proxy *p, const struct proxy_passing *r)
{
	if (r->s || r->m->method == SIP_METHOD_ACK || !server_half_find(p, r->key))
		return false;
	PROXY_COUNT(p, repeats);
	return true;
}

void proxy_forward(struct proxy *p, struct proxy_passing *r)
{
	enum policy_reason why;

	memset(&r->verdict, 0, offsetof(struct policy_verdict, text));
	r->route.has_entry = r->route.has_far = false;
	if (!p->view) {
		if (!proxy_repeats(p, r))
			proxy_refuse_reason(p, r, POLICY_REASON_NO_POLICY);
		return;
	}
	why = proxy_judge(p, r);
	/* not before: the index is in no cache, and what is judged meanwhile does not wait for it */
	if (proxy_repeats(p, r))
		return;
	if (why != POLICY_REASON_ACCEPTED) {
		proxy_refuse_reason(p, r, why);
		return;
	}
	memcpy(r->c->near, r->verdict.near, sizeof(r->c->near));
	if (r->verdict.action != POLICY_ASK)
		proxy_shadow_tried(p, r);
	switch (r->verdict.action) {
	case POLICY_ACCEPT:
		/* what crossed was counted where it came */
		if (!r->c->shadow && (!r->s || !r->s->accepted)) {
			PROXY_COUNT(p, accepted);
			proxy_tables_note(p, r, 0, 0);
		}
		if (r->s)
			r->s->accepted = true;
		accepted(p, r);
		break;
	case POLICY_ASK:
		wait_dns(p, r, r->verdict.ask, r->verdict.asks);
		break;
	default: /* a refusal of what must not be answered becomes none */
		if (r->s)
			server_half_unwait(p, r->s);
		proxy_refuse_verdict(p, r);
		break;
	}
}

void proxy_vias(struct proxy *p, struct proxy_passing *r)
{
	r->hashed = via_any_ours(r->m);
	if (!r->hashed) {
		r->vias = (struct via_scan){0};
		return;
	}
	r->loop = via_loop_hash(&p->via_key, r->m, &r->core);
	via_scan(&p->via_key, r->m, r->loop, &r->vias);
}

bool proxy_read_again(struct proxy *p, struct server_half *s)
{
	struct proxy_passing *r = p->pass_again;
	const uint8_t *bytes = proxy_buf_at(&p->bufs, s->request);

	r->s = s;
	r->conn = s->conn;
	r->c = proxy_conn_at(p, s->conn);
	r->m = p->again;
	r->key = s->key;
	if (sip_msg_index(p->again, p->kernel, &p->limits, bytes, s->request_len) != SIP_REASON_OK ||
	    sip_core_read(p->again, &r->core) != SIP_REASON_OK)
		return false;
	p->again->body_len = s->request_len - p->again->head_len;
	proxy_vias(p, r);
	return true;
}

void proxy_forward_again(struct proxy *p, struct server_half *s)
{
	/* a next hop did not come to be in time: not this one again */
	if (s->wait == SERVER_WAIT_LINK && (s->link_failed || s->hop != PROXY_NONE)) {
		if (s->hop != PROXY_NONE) {
			const struct next_hop *h = hop_at(p, s->hop);

			s->reason = s->external ? POLICY_REASON_INSIDE_CONNECT : POLICY_REASON_CONNECT;
			/* it may still come to be, but whoever comes next need not wait for it as well */
			backoff_failed(&p->backoff, h->ip.b, h->port, h->identity, 0, base_rng_next(&p->rng),
				       p->now_ns);
		}
		note_tried(s, s->waits_for);
	}
	s->link_failed = false;
	if (s->hop != PROXY_NONE)
		next_hop_unwait(p, s);
	if (!proxy_read_again(p, s)) {
		server_half_free(p, s);
		return;
	}
	if (proxy_conn_at(p, s->conn)->state != PROXY_CONN_UP) {
		PROXY_DROPPED(p, link_gone);
		server_half_free(p, s);
		return;
	}
	proxy_forward(p, p->pass_again);
}
