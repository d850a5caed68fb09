/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/proxy/next_hop.h"

#include "dataplane/proxy/proxy_conn.h"
#include "dataplane/proxy/proxy_return.h"
#include "dataplane/proxy/proxy_self.h"
#include "dataplane/proxy/proxy_sweep.h"
#include "dataplane/proxy/proxy_timers.h"
#include "dataplane/proxy/server_half.h"

enum {
	BUSY = 8,	  /* unanswered requests on the best conn before another one is opened */
	EVICT_LOOK = 8,	  /* hops that are looked at for one that nobody needs */
	HOPS_LOOK = 1024, /* in one turn, for conns that are stuck */
};

/* what makes two wants one hop; padding is zero */
struct hop_key {
	uint8_t ip[16];
	uint32_t identity;
	uint16_t port;
	uint8_t side, tls_profile, insecure, name_len;
	char name[POLICY_NAME_MAX + 1];
};

static uint32_t key_of(const struct next_hop_want *w, struct hop_key *k)
{
	const struct policy_target *t = w->target;

	memset(k, 0, offsetof(struct hop_key, name));
	memcpy(k->ip, t->ip, sizeof(k->ip));
	k->identity = w->identity;
	k->port = t->port;
	k->side = w->side;
	k->tls_profile = w->tls_profile;
	k->insecure = t->insecure;
	k->name_len = t->name_len;
	memcpy(k->name, t->name, t->name_len);
	return (uint32_t)offsetof(struct hop_key, name) + k->name_len;
}

static bool same(const struct next_hop *h, const struct hop_key *k)
{
	return memcmp(h->ip.b, k->ip, 16) == 0 && h->port == k->port && h->identity == k->identity &&
	       h->side == k->side && h->tls_profile == k->tls_profile && h->insecure == k->insecure &&
	       h->name_len == k->name_len && memcmp(h->name, k->name, k->name_len) == 0;
}

static void unindex(struct proxy *p, struct next_hop *h)
{
	uint32_t *at = &p->hop_index[h->key & p->hop_mask];

	while (hop_at(p, *at) != h)
		at = &hop_at(p, *at)->chain;
	*at = h->chain;
}

static bool idle(const struct next_hop *h)
{
	return h->used && h->n == 0 && h->waiting == PROXY_NONE;
}

/* The one of a few that nobody needs and that was not used for the longest time makes room. */
static bool evict(struct proxy *p)
{
	struct next_hop *oldest = NULL;
	uint32_t i = base_rng_below(&p->rng, p->hop_pool.capacity);

	for (unsigned n = 0; n < EVICT_LOOK; n++) {
		struct next_hop *h = hop_at(p, (i + n) % p->hop_pool.capacity);

		if (idle(h) && (!oldest || h->used_ns < oldest->used_ns))
			oldest = h;
	}
	if (!oldest)
		return false;
	unindex(p, oldest);
	oldest->used = false;
	base_pool_put(&p->hop_pool, base_pool_index(&p->hop_pool, oldest));
	return true;
}

struct next_hop *next_hop_get(struct proxy *p, const struct next_hop_want *want)
{
	struct hop_key k;
	uint64_t key = siphash13(&p->table_key, &k, key_of(want, &k));
	uint32_t *head = &p->hop_index[key & p->hop_mask], i;
	struct next_hop *h;

	for (i = *head; i != PROXY_NONE; i = hop_at(p, i)->chain) {
		h = hop_at(p, i);
		if (h->key == key && same(h, &k)) {
			h->used_ns = p->now_ns;
			return h;
		}
	}
	i = base_pool_get(&p->hop_pool);
	if (i == BASE_POOL_NONE && evict(p))
		i = base_pool_get(&p->hop_pool);
	if (i == BASE_POOL_NONE) {
		PROXY_COUNT(p, overload);
		return NULL;
	}
	h = hop_at(p, i);
	memset(h, 0, sizeof(*h));
	h->used = true;
	h->key = key;
	h->used_ns = p->now_ns;
	h->waiting = PROXY_NONE;
	memcpy(h->ip.b, k.ip, 16);
	h->port = k.port;
	h->identity = k.identity;
	h->side = k.side;
	h->tls_profile = k.tls_profile;
	h->insecure = k.insecure;
	h->name_len = k.name_len;
	memcpy(h->name, k.name, k.name_len);
	h->chain = *head;
	*head = i;
	return h;
}

static unsigned wanted(const struct proxy *p)
{
	unsigned n = p->view && p->view->box->connections_per_partner ? p->view->box->connections_per_partner
								      : p->config.per_hop;

	n = n < 1 ? 1 : n > PROXY_HOP_CONNS ? PROXY_HOP_CONNS : n;
	/* the number holds for the whole box */
	return (n + p->cores - 1) / p->cores;
}

static bool usable(const struct proxy_conn *c)
{
	return c->state == PROXY_CONN_UP && !c->eof && !c->stuck && !c->peer.revoked;
}

/* False: there are as many as there may be. Those that are of no use any more do not count, and when they
 * have all places, one of them is no longer ours to remember. One that is stuck does not count either, but
 * what it carries may go on: it has its place. */
static bool place_for_one(struct proxy *p, struct next_hop *h)
{
	unsigned n = 0, useless = PROXY_HOP_PLACES;

	for (unsigned i = 0; i < h->n; i++) {
		const struct proxy_conn *c = proxy_conn_at(p, h->conns[i]);

		if (usable(c))
			n++;
		else if (!c->stuck || c->eof || c->peer.revoked)
			useless = i;
	}
	if (n >= wanted(p))
		return false;
	if (h->n == PROXY_HOP_PLACES) {
		struct proxy_conn *c;

		if (useless == PROXY_HOP_PLACES)
			return false;
		c = proxy_conn_at(p, h->conns[useless]);

		h->conns[useless] = h->conns[--h->n];
		c->hop = PROXY_NONE;
		proxy_conn_close(p, c, "another one has its place");
	}
	return true;
}

static uint32_t age_of(const struct proxy *p, const struct proxy_conn *c)
{
	return p->now_ms - c->used_ms;
}

/* of those that are being opened the newest; PROXY_NONE: there is none */
static uint32_t newest(const struct proxy *p, const struct next_hop *h)
{
	uint32_t best = PROXY_NONE;

	for (unsigned i = 0; i < h->n; i++) {
		const struct proxy_conn *c = proxy_conn_at(p, h->conns[i]);

		if (c->state == PROXY_CONN_OPENING &&
		    (best == PROXY_NONE || age_of(p, c) < age_of(p, proxy_conn_at(p, best))))
			best = h->conns[i];
	}
	return best;
}

/* Has one been opening for longer than this? */
static bool overdue(const struct proxy *p, const struct next_hop *h, uint32_t ms)
{
	for (unsigned i = 0; i < h->n; i++) {
		const struct proxy_conn *c = proxy_conn_at(p, h->conns[i]);

		if (c->state == PROXY_CONN_OPENING && age_of(p, c) >= ms)
			return true;
	}
	return false;
}

/* A conn that is late asks again after ever longer pauses, and would learn only then that its next hop has
 * come back. So another one is begun beside it, not often. */
static bool stale(const struct proxy *p, const struct next_hop *h)
{
	return h->n < PROXY_HOP_PLACES && overdue(p, h, p->config.connect_ms) &&
	       age_of(p, proxy_conn_at(p, newest(p, h))) >= PROXY_AGAIN_MS;
}

/* one has come to be: those that are late are of no use */
static void drop_late(struct proxy *p, struct next_hop *h)
{
	for (unsigned i = h->n; i-- > 0;) {
		struct proxy_conn *c = proxy_conn_at(p, h->conns[i]);

		if (c->state != PROXY_CONN_OPENING || age_of(p, c) < p->config.connect_ms)
			continue;
		h->conns[i] = h->conns[--h->n];
		c->hop = PROXY_NONE;
		proxy_conn_abort(p, c, "another one came to be");
	}
}

static bool open_one(struct proxy *p, struct next_hop *h, uint32_t due_ms)
{
	struct link_connect to = {.side = h->side,
				  .tls_profile = h->tls_profile,
				  .insecure = h->insecure,
				  .identity = h->identity,
				  .ip = h->ip,
				  .port = h->port,
				  .sni = {h->name, h->name_len}};
	uint32_t c;

	if (h->opening && !stale(p, h))
		return true;
	/* no storm on what failed a moment ago */
	if (h->failed_ns && p->now_ns - h->failed_ns < PROXY_TRY_MS * UINT64_C(1000000))
		return false;
	if (!place_for_one(p, h)) {
		h->failure = POLICY_REASON_OVERLOAD;
		return false;
	}
	c = proxy_conn_open(p, &to, base_pool_index(&p->hop_pool, h), due_ms);
	if (c == PROXY_NONE) {
		PROXY_COUNT(p, links_failed);
		h->failed_ns = p->now_ns;
		h->failure = POLICY_REASON_OVERLOAD;
		return false;
	}
	h->opening = true;
	h->conns[h->n++] = c;
	return true;
}

uint32_t next_hop_open(struct proxy *p, struct next_hop *h)
{
	if (!open_one(p, h, p->config.connect_ms))
		return PROXY_NONE;
	return newest(p, h);
}

uint32_t next_hop_pick(struct proxy *p, struct next_hop *h, uint32_t queued_max)
{
	struct proxy_conn *best = NULL;
	unsigned live = 0;

	for (unsigned i = 0; i < h->n; i++) {
		struct proxy_conn *c = proxy_conn_at(p, h->conns[i]);

		live += c->state != PROXY_CONN_ENDING;
		if (usable(c) && c->out_bytes <= queued_max && (!best || c->clients_n < best->clients_n))
			best = c;
	}
	if (!best)
		return PROXY_NONE;
	if (best->clients_n >= BUSY && live < wanted(p))
		open_one(p, h, p->config.open_ms);
	return base_pool_index(&p->conn_pool, best);
}

static unsigned silence_of(const struct next_hop *h)
{
	return h->side == LINK_INTERNAL ? POLICY_REASON_INSIDE_CONNECT : POLICY_REASON_CONNECT;
}

bool next_hop_wait(struct proxy *p, struct next_hop *h, struct server_half *s, uint32_t in_ms)
{
	uint32_t i = base_pool_index(&p->server_pool, s);

	if (s->hop != PROXY_NONE)
		next_hop_unwait(p, s);
	if (!open_one(p, h, p->config.open_ms)) {
		s->reason = h->failure;
		return false;
	}
	/* It takes longer than anybody waits: who comes now hears so at once, but for who comes with a new
	 * try and has nowhere else to go. */
	if (overdue(p, h, p->config.connect_ms)) {
		uint32_t age = age_of(p, proxy_conn_at(p, newest(p, h)));

		if (in_ms < p->config.connect_ms || age >= PROXY_FRESH_MS) {
			s->reason = (uint16_t)silence_of(h);
			return false;
		}
		in_ms = PROXY_FRESH_MS - age;
	}
	if (!server_half_wait(p, s, SERVER_WAIT_LINK, in_ms)) {
		s->reason = POLICY_REASON_OVERLOAD;
		return false;
	}
	s->hop = base_pool_index(&p->hop_pool, h);
	s->of_hop = (struct proxy_member){h->waiting, PROXY_NONE};
	if (h->waiting != PROXY_NONE)
		server_at(p, h->waiting)->of_hop.prev = i;
	h->waiting = i;
	return true;
}

void next_hop_unwait(struct proxy *p, struct server_half *s)
{
	if (s->of_hop.prev != PROXY_NONE)
		server_at(p, s->of_hop.prev)->of_hop.next = s->of_hop.next;
	else
		hop_at(p, s->hop)->waiting = s->of_hop.next;
	if (s->of_hop.next != PROXY_NONE)
		server_at(p, s->of_hop.next)->of_hop.prev = s->of_hop.prev;
	s->hop = PROXY_NONE;
}

/* everybody who waits goes on in this turn; reason 0: the conn is there */
static void wake_all(struct proxy *p, struct next_hop *h, unsigned reason)
{
	while (h->waiting != PROXY_NONE) {
		struct server_half *s = server_at(p, h->waiting);

		next_hop_unwait(p, s);
		if (reason)
			s->reason = (uint16_t)reason;
		s->link_failed = reason != 0;
		server_half_wake(p, s);
	}
}

void next_hop_up(struct proxy *p, uint32_t conn)
{
	struct proxy_conn *c = proxy_conn_at(p, conn);
	struct next_hop *h = hop_at(p, c->hop);

	drop_late(p, h);
	h->opening = newest(p, h) != PROXY_NONE;
	PROXY_COUNT(p, links_up);
	c->was_up = true;
	h->failed_ns = 0;
	backoff_worked(&p->backoff, h->ip.b, h->port, h->identity);
	wheel_arm(&p->conn_wheel, conn, p->now_ms + proxy_alive_timer(p, c));
	proxy_return_up(p, conn);
	wake_all(p, h, 0);
}

void next_hop_mismatch(struct proxy *p, struct next_hop *h, uint32_t conn)
{
	struct proxy_conn *c = proxy_conn_at(p, conn);

	/* what it carries for others goes on */
	if (c->carried)
		return;
	PROXY_COUNT(p, links_mismatch);
	h->failed_ns = p->now_ns;
	h->failure = POLICY_REASON_NEXT_HOP_NAME;
	proxy_conn_close(p, c, "its certificate names somebody else");
}

static unsigned reason_of(const struct next_hop *h, enum link_end end)
{
	switch (end) {
	case LINK_END_TLS:
	case LINK_END_CERTIFICATE:
		return POLICY_REASON_TLS;
	case LINK_END_LOCAL:
		return POLICY_REASON_OVERLOAD;
	default:
		return silence_of(h);
	}
}

void next_hop_closed(struct proxy *p, uint32_t conn, enum link_end end)
{
	struct proxy_conn *c = proxy_conn_at(p, conn);
	struct next_hop *h = hop_at(p, c->hop);
	bool young = !c->was_up;

	for (unsigned i = 0; i < h->n; i++) {
		if (h->conns[i] == conn) {
			h->conns[i] = h->conns[--h->n];
			break;
		}
	}
	c->hop = PROXY_NONE;
	if (!young)
		return;
	h->opening = newest(p, h) != PROXY_NONE;
	PROXY_COUNT(p, links_failed);
	/* one that is younger still may come to be */
	if (h->opening && c->late)
		return;
	h->failed_ns = p->now_ns;
	/* below, what we gave up is our own doing; it was the silence of the other end */
	h->failure = (uint16_t)reason_of(h, c->late ? LINK_END_UNREACHABLE : end);
	backoff_failed(&p->backoff, h->ip.b, h->port, h->identity, 0, base_rng_next(&p->rng), p->now_ns);
	wake_all(p, h, h->failure);
}

/* True: one that takes what it is sent is up. */
static bool look_at_conns(struct proxy *p, struct next_hop *h, bool *any)
{
	bool good = false;

	for (unsigned i = 0; i < h->n; i++) {
		struct proxy_conn *c = proxy_conn_at(p, h->conns[i]);
		bool was = c->stuck;

		if (c->state != PROXY_CONN_UP)
			continue;
		c->stuck = (c->clients != PROXY_NONE || c->out_head != PROXY_BUF_NONE ||
			    c->ping == PROXY_PING_SENT) &&
			   p->link->stuck(p->ctx, c->id) >= PROXY_STUCK_MS;
		if (c->stuck && !was)
			c->stuck_ms = p->now_ms;
		*any |= c->stuck;
		good |= usable(c);
	}
	return good;
}

/* Another conn does not come to be either: it is the next hop that is gone. Where there is no other one, and
 * a line that loses much may be all there is to it, the attempt has its whole time. */
static bool gone_since(const struct proxy *p, const struct next_hop *h, const struct proxy_conn *c)
{
	uint64_t since_ns = p->now_ns - (uint64_t)(p->now_ms - c->stuck_ms) * UINT64_C(1000000);

	return (h->others && overdue(p, h, PROXY_OTHER_HOP_MS)) ||
	       (h->failed_ns > since_ns && h->failure != POLICY_REASON_OVERLOAD);
}

static void look_at(struct proxy *p, struct next_hop *h)
{
	bool any = false, good = look_at_conns(p, h, &any);

	if (!any)
		return;
	if (!good)
		open_one(p, h, p->config.open_ms);
	for (unsigned i = 0; i < h->n; i++) {
		struct proxy_conn *c = proxy_conn_at(p, h->conns[i]);

		if (c->state != PROXY_CONN_UP || !c->stuck ||
		    (p->now_ms - c->stuck_ms < PROXY_STUCK_MAX_MS && (good || !gone_since(p, h, c))))
			continue;
		PROXY_COUNT(p, links_closed_stuck);
		backoff_failed(&p->backoff, h->ip.b, h->port, h->identity, 0, base_rng_next(&p->rng),
			       p->now_ns);
		proxy_conn_abort(p, c, "it takes nothing of what it is sent");
	}
}

void next_hop_look(struct proxy *p)
{
	uint32_t n = p->hop_pool.touched < HOPS_LOOK ? p->hop_pool.touched : HOPS_LOOK;

	if ((int32_t)(p->now_ms - p->stuck_due_ms) < 0 || !p->link->stuck)
		return;
	p->stuck_due_ms = p->now_ms + PROXY_STUCK_LOOK_MS;
	while (n--) {
		struct next_hop *h = hop_at(p, p->stuck_at++ % p->hop_pool.touched);

		if (h->used && h->n)
			look_at(p, h);
	}
}

void next_hop_probe(struct proxy *p, struct next_hop *h)
{
	if (h->n == 0)
		open_one(p, h, p->config.connect_ms);
}

/* An outgoing conn that carries nothing is closed after a while; RFC 5923 leaves it to both sides. */
void next_hop_timer(struct proxy *p, uint32_t conn)
{
	struct proxy_conn *c = proxy_conn_at(p, conn);
	uint32_t quiet = p->now_ms - c->used_ms, in_ms;

	if (p->config.idle_close_ms && c->clients == PROXY_NONE && c->servers == PROXY_NONE &&
	    quiet >= p->config.idle_close_ms) {
		PROXY_COUNT(p, links_closed_idle);
		proxy_conn_close(p, c, "nothing to carry");
		return;
	}
	in_ms = proxy_alive_timer(p, c);
	if (c->state == PROXY_CONN_UP)
		wheel_arm(&p->conn_wheel, conn, p->now_ms + in_ms);
}
