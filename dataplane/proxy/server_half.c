/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/proxy/server_half.h"

#include <stdio.h>

#include "dataplane/proxy/client_half.h"
#include "dataplane/proxy/next_hop.h"
#include "dataplane/proxy/proxy_conn.h"
#include "dataplane/proxy/proxy_event.h"
#include "dataplane/proxy/proxy_limit.h"
#include "dataplane/proxy/proxy_return.h"
#include "dataplane/proxy/proxy_share.h"
#include "dataplane/proxy/proxy_timers.h"

enum {
	MOVES = 3,     /* who closes one conn after the other does not have us carry his requests about */
	RETURNS = 256, /* of one conn that has ended: those for which a way back is looked for */
};

/* ---- life ---- */

struct proxy_half server_half_name(const struct proxy *p, const struct server_half *s)
{
	return (struct proxy_half){base_pool_index(&p->server_pool, s), s->gen};
}

struct server_half *server_half_of(struct proxy *p, struct proxy_half name)
{
	struct server_half *s;

	if (name.slot >= p->server_pool.touched)
		return NULL;
	s = server_at(p, name.slot);
	return s->gen == name.gen ? s : NULL;
}

static void index_add(struct proxy *p, struct server_half *s, uint64_t key)
{
	uint32_t *head = &p->server_index[key & p->server_mask];

	s->key = key;
	s->chain = *head;
	*head = base_pool_index(&p->server_pool, s);
	s->keyed = true;
}

static void index_remove(struct proxy *p, struct server_half *s)
{
	uint32_t *at = &p->server_index[s->key & p->server_mask];

	if (!s->keyed)
		return;
	while (server_at(p, *at) != s)
		at = &server_at(p, *at)->chain;
	*at = s->chain;
	s->keyed = false;
}

struct server_half *server_half_find(struct proxy *p, uint64_t key)
{
	for (uint32_t i = p->server_index[key & p->server_mask]; i != PROXY_NONE; i = server_at(p, i)->chain)
		if (server_at(p, i)->key == key)
			return server_at(p, i);
	return NULL;
}

static void conn_add(struct proxy *p, struct server_half *s)
{
	struct proxy_conn *c = proxy_conn_at(p, s->conn);
	uint32_t i = base_pool_index(&p->server_pool, s);

	s->of_conn = (struct proxy_member){c->servers, PROXY_NONE};
	if (c->servers != PROXY_NONE)
		server_at(p, c->servers)->of_conn.prev = i;
	c->servers = i;
	c->servers_n++;
}

static void conn_remove(struct proxy *p, struct server_half *s)
{
	if (s->conn == PROXY_NONE)
		return;
	if (s->of_conn.prev != PROXY_NONE)
		server_at(p, s->of_conn.prev)->of_conn.next = s->of_conn.next;
	else
		proxy_conn_at(p, s->conn)->servers = s->of_conn.next;
	if (s->of_conn.next != PROXY_NONE)
		server_at(p, s->of_conn.next)->of_conn.prev = s->of_conn.prev;
	proxy_conn_at(p, s->conn)->servers_n--;
	s->conn = PROXY_NONE;
}

struct server_half *server_half_new(struct proxy *p, uint32_t conn, const struct sip_msg *m, uint64_t key,
				    uint8_t method)
{
	struct proxy_conn *c = proxy_conn_at(p, conn);
	struct server_half *s;
	uint32_t b, i, gen;

	/* no stranger uses up what all need */
	if (c->side == LINK_EXTERNAL && c->servers_n >= p->config.transactions / PROXY_SHARE)
		return NULL;
	if (!proxy_share_take(p, c, PROXY_SHARE_SERVERS, 1))
		return NULL;
	b = proxy_share_buf_get(p, c, m->len);
	i = b == PROXY_BUF_NONE ? BASE_POOL_NONE : base_pool_get(&p->server_pool);
	if (i == BASE_POOL_NONE) {
		proxy_share_buf_put(p, c, b);
		proxy_share_give(p, c, PROXY_SHARE_SERVERS, 1);
		return NULL;
	}
	s = server_at(p, i);
	gen = s->gen ? s->gen : 1;
	memset(s, 0, sizeof(*s));
	s->gen = gen;
	memcpy(proxy_buf_at(&p->bufs, b), m->buf, m->len);
	s->request = b;
	s->request_len = m->len;
	s->best = s->back = PROXY_BUF_NONE;
	s->client.slot = s->hop = PROXY_NONE;
	s->method = method;
	s->external = c->side == LINK_EXTERNAL;
	s->silent = method == SIP_METHOD_ACK || method == SIP_METHOD_BENOTIFY;
	s->conn = conn;
	s->conn_gen = c->gen;
	s->began_ns = p->now_ns;
	s->seed = base_rng_next(&p->rng);
	s->state = SERVER_SENT;
	wheel_link_init(&s->timer);
	conn_add(p, s);
	if (key)
		index_add(p, s, key);
	p->stats.servers++;
	PROXY_COUNT(p, transactions);
	return s;
}

void server_half_to(struct proxy *p, struct server_half *s, uint32_t conn)
{
	const struct proxy_conn *c = proxy_conn_at(p, s->conn);

	proxy_limit_release(p, s);
	/* who is at the other end of a conn that is only being opened cannot be known */
	if (!s->unshared && c->who_hash != proxy_conn_at(p, conn)->who_hash) {
		proxy_share_give(p, c, PROXY_SHARE_SERVERS, 1);
		proxy_share_buf_leave(p, c, s->request);
		s->unshared = true;
	}
	conn_remove(p, s);
	s->conn = conn;
	s->conn_gen = proxy_conn_at(p, conn)->gen;
	conn_add(p, s);
}

/* Its conn is no more: it goes on over another one of the same peer, as far as that one has room. */
static struct proxy_conn *move(struct proxy *p, struct server_half *s)
{
	struct proxy_conn *c = proxy_conn_at(p, s->conn), *d;
	bool waits = s->state == SERVER_WAIT, limited = s->limited;

	d = s->back != PROXY_BUF_NONE ? proxy_return_kin(p, s) : proxy_kin_of(p, c, false);
	if (!d || s->moves == MOVES ||
	    (d->side == LINK_EXTERNAL && (d->servers_n >= p->config.transactions / PROXY_SHARE ||
					  (waits && d->parked_n >= p->config.parked / PROXY_SHARE))))
		return NULL;
	if (limited && !proxy_limit_room(d))
		return NULL;
	server_half_to(p, s, base_pool_index(&p->conn_pool, d));
	if (waits) {
		c->parked_n--;
		d->parked_n++;
	}
	if (limited) {
		s->limited = true;
		d->limited_n++;
	}
	s->moves++;
	PROXY_COUNT(p, moved);
	return d;
}

/* the conn for its answers */
static struct proxy_conn *upstream(struct proxy *p, struct server_half *s)
{
	struct proxy_conn *c = proxy_conn_up(p, s->conn, s->conn_gen);

	return c ? c : move(p, s);
}

static void drop_request(struct proxy *p, struct server_half *s)
{
	if (s->unshared)
		proxy_buf_put(&p->bufs, s->request);
	else
		proxy_share_buf_put(p, proxy_conn_at(p, s->conn), s->request);
	proxy_buf_put(&p->bufs, s->best);
	s->request = s->best = PROXY_BUF_NONE;
	s->held = 0;
	proxy_return_free(p, s);
}

void server_half_free(struct proxy *p, struct server_half *s)
{
	struct client_half *k = client_half_of(p, s->client);
	uint32_t i = base_pool_index(&p->server_pool, s);
	struct proxy_conn *c = proxy_conn_up(p, s->conn, s->conn_gen);

	if (k)
		k->lone = true;
	server_half_unwait(p, s);
	proxy_limit_release(p, s);
	wheel_disarm(&p->server_wheel, i);
	index_remove(p, s);
	drop_request(p, s);
	if (!s->unshared)
		proxy_share_give(p, proxy_conn_at(p, s->conn), PROXY_SHARE_SERVERS, 1);
	conn_remove(p, s);
	s->state = SERVER_FREE;
	s->gen = s->gen == UINT32_MAX ? 1 : s->gen + 1;
	base_pool_put(&p->server_pool, i);
	p->stats.servers--;
	/* its sender said that he will send no more, and has all that he can get */
	if (c && c->eof && c->servers == PROXY_NONE && !c->shadows)
		proxy_conn_close(p, c, "its peer sends no more, and has its answers");
}

/* ---- waiting ---- */

bool server_half_wait(struct proxy *p, struct server_half *s, enum server_wait why, uint32_t in_ms)
{
	struct proxy_conn *c = proxy_conn_at(p, s->conn);

	if (s->state != SERVER_WAIT) {
		if (c->side == LINK_EXTERNAL && c->parked_n >= p->config.parked / PROXY_SHARE)
			return false;
		if (p->stats.parked >= p->config.parked ||
		    s->request_len > p->config.parked_bytes - p->parked_bytes)
			return false;
		if (!proxy_share_take(p, c, PROXY_SHARE_PARKED, 1))
			return false;
		if (!proxy_share_take(p, c, PROXY_SHARE_PARKED_BYTES, s->request_len)) {
			proxy_share_give(p, c, PROXY_SHARE_PARKED, 1);
			return false;
		}
		p->stats.parked++;
		c->parked_n++;
		p->parked_bytes += s->request_len;
		PROXY_COUNT(p, parked);
	}
	s->state = SERVER_WAIT;
	s->wait = (uint8_t)why;
	wheel_arm(&p->server_wheel, base_pool_index(&p->server_pool, s), p->now_ms + in_ms);
	return true;
}

void server_half_unwait(struct proxy *p, struct server_half *s)
{
	struct proxy_conn *c;

	if (s->hop != PROXY_NONE)
		next_hop_unwait(p, s);
	if (s->state != SERVER_WAIT)
		return;
	c = proxy_conn_at(p, s->conn);
	p->stats.parked--;
	c->parked_n--;
	p->parked_bytes -= s->request_len;
	proxy_share_give(p, c, PROXY_SHARE_PARKED, 1);
	proxy_share_give(p, c, PROXY_SHARE_PARKED_BYTES, s->request_len);
	s->state = SERVER_SENT;
	s->wait = SERVER_WAIT_NOTHING;
	wheel_disarm(&p->server_wheel, base_pool_index(&p->server_pool, s));
}

void server_half_wake(struct proxy *p, struct server_half *s)
{
	wheel_arm(&p->server_wheel, base_pool_index(&p->server_pool, s), p->now_ms);
}

/* ---- upward ---- */

/* the answer is on its way: what becomes of the half (RFC 3261 section 17.2, timers J and I are 0 on a
 * reliable transport) */
static void answered(struct proxy *p, struct server_half *s, unsigned status)
{
	uint32_t i = base_pool_index(&p->server_pool, s);

	s->status = (uint16_t)status;
	if (status < 200) {
		s->provisional |= status > 100;
		return;
	}
	if (s->counted) {
		proxy_limit_final(p, s, status);
		s->counted = 0;
	}
	if (s->method != SIP_METHOD_INVITE) {
		server_half_free(p, s);
		return;
	}
	server_half_unwait(p, s);
	drop_request(p, s);
	/* timers H and L */
	s->state = status < 300 ? SERVER_ACCEPTED : SERVER_COMPLETED;
	wheel_arm(&p->server_wheel, i, p->now_ms + PROXY_TIMER_64T1);
}

static void keep(struct proxy *p, struct server_half *s, const uint8_t *bytes, uint32_t len)
{
	proxy_buf_put(&p->bufs, s->best);
	s->best = proxy_buf_get(&p->bufs, len);
	s->best_len = len;
	if (s->best != PROXY_BUF_NONE)
		memcpy(proxy_buf_at(&p->bufs, s->best), bytes, len);
}

/* A conn to its sender is being opened: the newest answer waits for it, and none behind a final one. */
static void hold(struct proxy *p, struct server_half *s, unsigned status, const uint8_t *bytes, uint32_t len)
{
	if (s->held >= 200) {
		PROXY_DROPPED(p, late_response);
		return;
	}
	keep(p, s, bytes, len);
	s->provisional |= status > 100 && status < 200;
	s->held = s->best != PROXY_BUF_NONE ? (uint16_t)status : 0;
	if (s->held)
		return;
	PROXY_DROPPED(p, no_room);
	if (status >= 200)
		server_half_free(p, s);
}

/* A response that is ready to be sent: a whole message. s is gone afterwards when that ends it. */
static void server_half_answer(struct proxy *p, struct server_half *s, unsigned status, const uint8_t *bytes,
			       uint32_t len)
{
	struct proxy_conn *c;

	if (s->silent) {
		if (status >= 200)
			server_half_free(p, s);
		return;
	}
	c = upstream(p, s);
	if (!c && proxy_return_pending(p, s)) {
		hold(p, s, status, bytes, len);
		return;
	}
	if (!c || !proxy_out_flat(p, c, bytes, len)) {
		PROXY_DROPPED(p, response_no_link);
	} else {
		PROXY_COUNT(p, responses_out);
	}
	answered(p, s, status);
}

void server_half_returned(struct proxy *p, struct server_half *s)
{
	uint32_t best = s->best;
	unsigned status = s->held;

	if (!status)
		return;
	s->best = PROXY_BUF_NONE;
	s->held = 0;
	server_half_answer(p, s, status, proxy_buf_at(&p->bufs, best), s->best_len);
	proxy_buf_put(&p->bufs, best);
}

static void refuse(struct proxy *p, struct server_half *s, const struct sip_msg *m, struct refusal *r)
{
	const struct proxy_conn *c = proxy_conn_up(p, s->conn, s->conn_gen);
	unsigned status = refusal_status(r);
	int n;

	if (s->silent)
		PROXY_DROPPED(p, ack_no_link);
	if (c)
		proxy_conn_warm(p, c, 2);
	n = s->silent ? 0 : refusal_build(m, r, (char *)p->flat, p->flat_size);
	if (c)
		proxy_conn_warm(p, c, 3);
	if (status >= 300)
		proxy_event_refused(p, c, m, r, status);
	if (n > 0)
		server_half_answer(p, s, status, p->flat, (uint32_t)n);
	else if (status >= 200)
		server_half_free(p, s);
}

void server_half_refuse(struct proxy *p, struct server_half *s, struct refusal *r)
{
	if (s->request == PROXY_BUF_NONE)
		return;
	if (sip_msg_index(p->again, p->kernel, &p->limits, proxy_buf_at(&p->bufs, s->request),
			  s->request_len) != SIP_REASON_OK) {
		server_half_free(p, s);
		return;
	}
	refuse(p, s, p->again, r);
}

static void status_init(struct proxy *p, const struct server_half *s, unsigned status, struct refusal *r)
{
	const struct proxy_conn *c = proxy_conn_at(p, s->conn); /* which may be on its way yet */

	proxy_refusal_init(p, r, s->external ? LINK_EXTERNAL : LINK_INTERNAL, c ? c->identity : 0, c);
	r->status = status;
}

void server_half_status(struct proxy *p, struct server_half *s, unsigned status)
{
	struct refusal r;

	status_init(p, s, status, &r);
	server_half_refuse(p, s, &r);
}

void server_half_trying(struct proxy *p, struct server_half *s, const struct sip_msg *m)
{
	struct refusal r;

	status_init(p, s, 100, &r);
	refuse(p, s, m, &r);
}

/* ---- from the client half ---- */

/* section 16.7 item 6: what a next hop could not do for want of room is not said of the whole domain */
static void answer_503_as_500(struct proxy *p, struct server_half *s, const uint8_t *bytes, uint32_t len)
{
	static const char line[] = "SIP/2.0 500 Server Internal Error";
	const uint8_t *end = memchr(bytes, '\r', len);
	uint32_t skip = end ? (uint32_t)(end - bytes) : 0, n = sizeof(line) - 1 + len - skip;

	if (n > p->flat_size || !skip) {
		server_half_status(p, s, 500);
		return;
	}
	memmove(p->flat + sizeof(line) - 1, bytes + skip, len - skip);
	memcpy(p->flat, line, sizeof(line) - 1);
	server_half_answer(p, s, 500, p->flat, n);
}

void server_half_answered(struct proxy *p, struct server_half *s, const struct client_answer *a)
{
	if (s->state == SERVER_COMPLETED || s->held >= 200 ||
	    (s->state == SERVER_ACCEPTED && a->status >= 300) ||
	    (a->status < 200 && s->state != SERVER_SENT)) {
		PROXY_DROPPED(p, late_response);
		return;
	}
	if (a->status == 503 && s->state == SERVER_SENT && !s->cancelled && !s->provisional) {
		/* it goes up when nobody else has a better one */
		keep(p, s, a->bytes, a->len);
		server_half_failed(p, s, POLICY_REASON_NEXT_HOP_BUSY, true);
		return;
	}
	if (a->status == 503)
		answer_503_as_500(p, s, a->bytes, a->len);
	else
		server_half_answer(p, s, a->status, a->bytes, a->len);
}

void server_half_failed(struct proxy *p, struct server_half *s, unsigned reason, bool again)
{
	s->client.slot = PROXY_NONE;
	if (s->state != SERVER_SENT)
		return;
	if (reason)
		s->reason = (uint16_t)reason;
	if (s->cancelled) {
		server_half_status(p, s, 487);
		return;
	}
	/* one whose sender is being looked for is not carried any further */
	if (again && !s->provisional && s->back == PROXY_BUF_NONE &&
	    server_half_wait(p, s, SERVER_WAIT_NOTHING, 0))
		return;
	server_half_give_up(p, s);
}

void server_half_give_up(struct proxy *p, struct server_half *s)
{
	struct refusal r;
	struct proxy_conn *c = proxy_conn_up(p, s->conn, s->conn_gen);

	if (s->best != PROXY_BUF_NONE && !s->held) {
		uint32_t best = s->best;

		s->best = PROXY_BUF_NONE;
		answer_503_as_500(p, s, proxy_buf_at(&p->bufs, best), s->best_len);
		proxy_buf_put(&p->bufs, best);
		return;
	}
	proxy_refusal_init(p, &r, s->external ? LINK_EXTERNAL : LINK_INTERNAL, c ? c->identity : 0, c);
	r.reason = s->reason ? s->reason : POLICY_REASON_NO_ROUTE;
	if (r.reason == POLICY_REASON_OVERLOAD) {
		PROXY_COUNT(p, overload);
		r.retry_after_s = PROXY_RETRY_S;
	}
	server_half_refuse(p, s, &r);
}

void server_half_timeout(struct proxy *p, struct server_half *s)
{
	s->client.slot = PROXY_NONE;
	if (s->state != SERVER_SENT)
		return;
	/* RFC 4320 section 4.2: no 408 for what is not an INVITE; it would come too late for everybody */
	if (s->method != SIP_METHOD_INVITE) {
		server_half_free(p, s);
	} else if (s->cancelled) {
		server_half_status(p, s, 487);
	} else {
		s->reason = POLICY_REASON_TIMEOUT;
		server_half_give_up(p, s);
	}
}

void server_half_cancel(struct proxy *p, struct server_half *s)
{
	struct client_half *k = client_half_of(p, s->client);

	if (s->state == SERVER_COMPLETED || s->state == SERVER_ACCEPTED)
		return;
	s->cancelled = true;
	if (k) {
		client_half_cancel(p, k);
		return;
	}
	server_half_unwait(p, s);
	server_half_status(p, s, 487);
}

void server_half_lost(struct proxy *p, struct server_half *s)
{
	struct client_half *k = client_half_of(p, s->client);

	if (s->state == SERVER_WAIT || s->state == SERVER_SENT)
		PROXY_COUNT(p, lost_upstream);
	if (s->held)
		PROXY_DROPPED(p, response_no_return);
	if (k && s->method == SIP_METHOD_INVITE && s->state == SERVER_SENT)
		client_half_cancel(p, k);
	server_half_free(p, s);
}

/* The answers go over another conn of who waits for them, or over one that is opened to him; when there is no
 * way, what rings downstream stops ringing (RFC 3261 section 16.9 says nothing of it; a call that its caller
 * cannot see is of no use). */
void server_half_conn_lost(struct proxy *p, uint32_t conn)
{
	const struct proxy_conn *c = proxy_conn_at(p, conn);
	unsigned returns = 0;

	while (c->servers != PROXY_NONE) {
		struct server_half *s = server_at(p, c->servers);

		if (move(p, s))
			continue;
		if (returns++ >= RETURNS ||
		    !(s->state == SERVER_WAIT ? proxy_return_parked(p, s) : proxy_return_begin(p, s)))
			server_half_lost(p, s);
	}
}

void server_half_timer(struct proxy *p, uint32_t index)
{
	struct server_half *s = server_at(p, index);

	switch (s->state) {
	case SERVER_WAIT:
		proxy_forward_again(p, s);
		break;
	case SERVER_COMPLETED: /* H: the ACK did not come */
	case SERVER_ACCEPTED:  /* L */
		server_half_free(p, s);
		break;
	default:
		break;
	}
}
