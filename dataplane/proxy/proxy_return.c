/* SPDX-License-Identifier: BSD-3-Clause */
/* Where an answer goes whose connection is gone: first the address that the request came from, with the port
 * of its Via, then the servers that RFC 3263 section 5 gives: of the partner's domain by its routes and SRV,
 * inside those of the pool. Each that is tried must prove to be who the transaction knows: the name or key
 * that admitted the request, judged by the policy of the moment of the answer; inside a server that we trust.
 * Few are tried, each as long as a connection may take, few a second, and what cannot be sent is counted. */
#include "dataplane/proxy/proxy_return.h"

#include "dataplane/proxy/next_hop.h"
#include "dataplane/proxy/proxy_conn.h"
#include "dataplane/proxy/proxy_message.h"
#include "dataplane/proxy/proxy_self.h"
#include "dataplane/proxy/server_half.h"

enum {
	TRIES = 4,	 /* next hops of one answer */
	HALVES = 256,	 /* that wait for one conn */
	OF_SENDER = 4,	 /* connections that one sender makes us open in a second */
	OF_ALL = 64,	 /* and all of them, on this core */
	SIP_PORT = 5060, /* RFC 3261 section 18.2.2: where the Via names none */
	SIPS_PORT = 5061,
};

/* what is known of a sender, in a buffer of its half */
struct returning {
	struct policy_stored stored; /* a partner's; its names lie in text[] */
	struct proxy_kin_want kin;
	struct base_addr ip;
	uint16_t port;
	bool shown; /* it has a name that a server of that name shows */
	uint8_t tls_profile;
	uint32_t partner;
	uint8_t own_len; /* inside: the domain of the sender, ours, in text[] */
	uint8_t tried_n;
	uint64_t tried[TRIES];
	char text[2 * (POLICY_NAME_MAX + 1)];
};

static struct returning *returning(const struct proxy *p, const struct server_half *s)
{
	return (struct returning *)(void *)proxy_buf_at(&p->bufs, s->back);
}

void proxy_return_free(struct proxy *p, struct server_half *s)
{
	proxy_buf_put(&p->bufs, s->back);
	s->back = PROXY_BUF_NONE;
}

bool proxy_return_pending(const struct proxy *p, const struct server_half *s)
{
	const struct proxy_conn *d = proxy_conn_at(p, s->conn);

	/* one that is given up is known to be gone a moment later */
	return s->back != PROXY_BUF_NONE && d->outgoing && !d->was_up;
}

struct proxy_conn *proxy_return_kin(struct proxy *p, const struct server_half *s)
{
	return proxy_kin_like(p, &returning(p, s)->kin, proxy_conn_at(p, s->conn), false);
}

const struct limit_key *proxy_return_who(const struct proxy *p, const struct server_half *s)
{
	return s->back != PROXY_BUF_NONE ? &returning(p, s)->kin.who : NULL;
}

/* ---- whom the transaction knows ---- */

static uint8_t keep_text(struct returning *b, unsigned at, struct policy_name name)
{
	if (name.len)
		memcpy(b->text + at, name.ptr, name.len);
	return (uint8_t)name.len;
}

/* of a partner: what admits his request now, over the conn that it came on */
static bool learn_partner(struct proxy *p, struct proxy_passing *r, struct returning *b)
{
	const struct policy_stored *s;
	struct route_entry e;

	if (proxy_judge(p, r) != POLICY_REASON_ACCEPTED || r->verdict.action != POLICY_ACCEPT)
		return false;
	route_entry_from(&e, POLICY_INBOUND, true, &r->verdict, &r->c->peer);
	s = r->facts.facts.message == POLICY_IN_DIALOG ? r->facts.facts.stored : &e.stored;
	if (!s || s->domain.len > POLICY_NAME_MAX || s->identity.len > POLICY_NAME_MAX)
		return false;
	b->stored = *s;
	b->stored.domain = (struct policy_name){b->text, keep_text(b, 0, s->domain)};
	b->stored.identity = (struct policy_name){b->text + POLICY_NAME_MAX + 1,
						  keep_text(b, POLICY_NAME_MAX + 1, s->identity)};
	b->shown = s->identity.len && s->identity.ptr[0] != '*';
	b->partner = r->verdict.partner;
	b->tls_profile = r->verdict.tls_profile;
	return true;
}

static bool learn(struct proxy *p, struct server_half *s)
{
	struct proxy_passing *r = p->pass_again;
	const struct proxy_conn *c;
	struct returning *b;

	if (!proxy_read_again(p, s) || !proxy_conn_proven(p, r->c))
		return false;
	c = r->c;
	s->back = proxy_buf_get(&p->bufs, sizeof(*b));
	if (s->back == PROXY_BUF_NONE)
		return false;
	b = returning(p, s);
	memset(b, 0, sizeof(*b));
	b->kin = proxy_kin_want(c);
	b->ip = c->remote;
	b->port = c->outgoing ? c->remote_port : r->core.via.port;
	if (!b->port)
		b->port = c->secure ? SIPS_PORT : SIP_PORT;
	if (c->side == LINK_EXTERNAL && learn_partner(p, r, b))
		return true;
	if (c->side == LINK_INTERNAL && proxy_judge(p, r) == POLICY_REASON_ACCEPTED) {
		b->own_len = keep_text(b, 0, r->facts.facts.from_domain);
		return true;
	}
	proxy_return_free(p, s);
	return false;
}

/* Is that he? */
static bool proves(struct proxy *p, const struct server_half *s, struct proxy_conn *d)
{
	const struct returning *b = returning(p, s);
	struct policy_facts f = {.direction = POLICY_INBOUND,
				 .message = POLICY_RESPONSE,
				 .method = (uint8_t)facts_method(s->method),
				 .peer = &d->peer,
				 .stored = &b->stored,
				 .now_ns = p->now_ns};
	struct policy_verdict *v = &p->pass_again->verdict;

	if (!p->view || d->peer.revoked || d->side != b->kin.side || d->secure != b->kin.secure)
		return false;
	if (d->side == LINK_INTERNAL)
		return proxy_self_trusts(p, d);
	policy_decide(p->view, &f, v, NULL);
	return v->action == POLICY_ACCEPT && policy_eku_fits(v->eku, d->peer.eku, !d->outgoing);
}

/* ---- the way ---- */

/* Nobody makes us call others as often as he likes. NULL: it is enough for this second. */
static struct proxy_returns *allowed(struct proxy *p, uint64_t who)
{
	struct proxy_returns *of = &p->returns[who % PROXY_RETURNS];

	if (of->who != who || p->now_ms - of->since_ms >= 1000)
		*of = (struct proxy_returns){.who = who, .since_ms = p->now_ms};
	if (p->now_ms - p->returns_ms >= 1000) {
		p->returns_ms = p->now_ms;
		p->returns_n = 0;
	}
	return of->n < OF_SENDER && p->returns_n < OF_ALL ? of : NULL;
}

/* the conn that is being opened, now or already */
static uint32_t open_one(struct proxy *p, struct next_hop *h, uint64_t who)
{
	struct proxy_returns *of;
	uint32_t conn;

	if (h->opening)
		return next_hop_open(p, h);
	of = allowed(p, who);
	conn = of ? next_hop_open(p, h) : PROXY_NONE;
	if (conn != PROXY_NONE) {
		of->n++;
		p->returns_n++;
	}
	return conn;
}

static bool try_one(struct proxy *p, struct server_half *s, const struct policy_target *t)
{
	const struct returning *b = returning(p, s);
	struct next_hop_want want = {
		.target = t, .identity = b->kin.identity, .side = b->kin.side, .tls_profile = b->tls_profile};
	struct next_hop *h;
	uint32_t conn;

	if (t->insecure == b->kin.secure)
		return false;
	if (want.side == LINK_INTERNAL)
		want.tls_profile = p->view->box->internal_tls_profile;
	else if (!want.tls_profile)
		want.tls_profile = p->view->box->external_tls_profile;
	h = next_hop_get(p, &want);
	if (!h)
		return false;
	conn = next_hop_pick(p, h, UINT32_MAX);
	if (conn == PROXY_NONE)
		conn = open_one(p, h, b->kin.hash);
	if (conn == PROXY_NONE || proxy_conn_at(p, conn)->servers_n >= HALVES)
		return false;
	if (proxy_conn_at(p, conn)->state == PROXY_CONN_UP && !proves(p, s, proxy_conn_at(p, conn)))
		return false;
	server_half_to(p, s, conn);
	PROXY_COUNT(p, returned);
	if (proxy_conn_at(p, conn)->state == PROXY_CONN_UP)
		server_half_returned(p, s);
	return true;
}

/* Fills r->targets; what is not known yet is asked for, so that it is there when the first one has failed. */
static void targets(struct proxy *p, const struct server_half *s, struct proxy_passing *r,
		    const struct returning *b)
{
	struct policy_target *t = &r->targets[0];

	r->c = proxy_conn_at(p, s->conn);
	proxy_targets_back(p, r, b->kin.side == LINK_EXTERNAL ? &b->stored : NULL,
			   (struct policy_name){b->text, b->own_len}, b->partner, b->kin.identity);
	for (unsigned i = 0; i < r->shortfall.asks; i++)
		proxy_ask(p, b->kin.side == LINK_EXTERNAL ? b->kin.hash : 0, &r->shortfall.ask[i]);
	if (r->targets_n == PROXY_TARGETS)
		r->targets_n--;
	memmove(t + 1, t, r->targets_n * sizeof(*t));
	memset(t, 0, sizeof(*t));
	memcpy(t->ip, b->ip.b, sizeof(t->ip));
	t->port = b->port;
	t->insecure = !b->kin.secure;
	if (b->shown) {
		t->name_len = (uint8_t)b->stored.identity.len;
		memcpy(t->name, b->stored.identity.ptr, t->name_len);
	}
	r->targets_n++;
}

static bool next(struct proxy *p, struct server_half *s)
{
	struct returning *b = returning(p, s);
	struct proxy_passing *r = p->pass_again;

	targets(p, s, r, b);
	for (unsigned i = 0; i < r->targets_n && b->tried_n < TRIES; i++) {
		uint64_t hash = proxy_target_hash(p, &r->targets[i]);
		bool before = false;

		for (unsigned k = 0; k < b->tried_n; k++)
			before |= b->tried[k] == hash;
		if (before)
			continue;
		b->tried[b->tried_n++] = hash;
		if (try_one(p, s, &r->targets[i]))
			return true;
	}
	return false;
}

bool proxy_return_begin(struct proxy *p, struct server_half *s)
{
	if (s->state != SERVER_SENT || s->silent || !p->view)
		return false;
	return (s->back != PROXY_BUF_NONE || learn(p, s)) && next(p, s);
}

bool proxy_return_parked(struct proxy *p, struct server_half *s)
{
	struct refusal r;

	server_half_unwait(p, s);
	if (!proxy_return_begin(p, s))
		return false;
	proxy_refusal_init(p, &r, s->external ? LINK_EXTERNAL : LINK_INTERNAL,
			   proxy_conn_at(p, s->conn)->identity, NULL);
	r.reason = POLICY_REASON_SENDER_LOST;
	r.retry_after_s = PROXY_RETRY_S;
	server_half_refuse(p, s, &r);
	return true;
}

void proxy_return_up(struct proxy *p, uint32_t conn)
{
	struct proxy_conn *d = proxy_conn_at(p, conn);
	uint32_t i = d->servers, after;
	bool stranger = false;

	for (; i != PROXY_NONE; i = after) {
		struct server_half *s = server_at(p, i);

		after = s->of_conn.next;
		if (s->back == PROXY_BUF_NONE)
			continue;
		if (proves(p, s, d)) {
			server_half_returned(p, s);
			continue;
		}
		stranger = true;
		if (!next(p, s))
			server_half_lost(p, s);
	}
	/* called for nothing else, and it is somebody else */
	if (stranger && d->servers == PROXY_NONE && hop_at(p, d->hop)->waiting == PROXY_NONE)
		next_hop_mismatch(p, hop_at(p, d->hop), conn);
}
