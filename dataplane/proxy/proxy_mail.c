/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/proxy/proxy_mail.h"

#include <errno.h>
#include <sys/mman.h>

#include "dataplane/proxy/proxy_conn.h"
#include "dataplane/proxy/proxy_limit.h"

enum {
	MAIL_HEAD = 4096,     /* struct proxy_mail itself */
	RING_BYTES = 4 << 20, /* of one pair of cores, touched as it is used */
	TURN = 64,	      /* messages of one core in one turn */
	CANCELS = 512,	      /* that we ask others about in a second */
};

enum mail_kind {
	MAIL_OPEN,
	MAIL_REQUEST,
	MAIL_CLOSED,
	MAIL_OUT,
	MAIL_CLOSE,
	MAIL_LIMIT_ASK,
	MAIL_LIMIT_ANSWER,
	MAIL_CANCEL, /* is this INVITE yours? Then it is cancelled; each of the three with its key and the
			bytes */
	MAIL_CANCELLED,
	MAIL_NOT_MINE,
};

struct mail_open {
	uint64_t conn; /* at its own core */
	struct link_facts facts;
	uint8_t pin, pin_len, revoked;
	uint16_t names_len; /* of what follows: pin domain, then names, each behind its length */
};

struct mail_to {
	uint64_t conn; /* at its own core */
	uint8_t bytes[];
};

struct mail_limit_ask {
	struct proxy_half who;
	struct limit_question question;
};

struct mail_limit_answer {
	struct proxy_half who;
	struct limit_answer answer;
};

/* ---- cold ---- */

struct proxy_mail *proxy_mail_create(unsigned cores)
{
	size_t rings = (size_t)cores * cores,
	       heads = (rings * sizeof(struct mail_ring) + 4095) & ~(size_t)4095;
	size_t all = MAIL_HEAD + heads + rings * RING_BYTES + sizeof(struct moved);
	struct proxy_mail *m;
	uint8_t *bytes;

	if (!cores || cores > PROXY_CORES_MAX)
		return NULL;
	bytes = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (bytes == MAP_FAILED)
		return NULL;
	m = (struct proxy_mail *)(void *)bytes;
	m->cores = cores;
	m->bytes = all;
	bytes += MAIL_HEAD;
	m->ring = (struct mail_ring *)(void *)bytes;
	m->moved = (struct moved *)(void *)(bytes + heads + rings * RING_BYTES);
	for (size_t i = 0; i < rings; i++)
		mail_ring_init(&m->ring[i], bytes + heads + i * RING_BYTES, RING_BYTES);
	return m;
}

void proxy_mail_destroy(struct proxy_mail *m)
{
	if (!m)
		return;
	munmap(m, m->bytes);
}

void proxy_mail_attach(struct proxy *p, struct proxy_mail *mail)
{
	p->mail = mail;
	/* the same secret from all of them */
	if (!moved_is(mail->moved))
		moved_begin(mail->moved, p->keys.branch);
	proxy_moved_attach(p, mail->moved);
	proxy_limit_cores(p);
}

/* ---- where does it belong? ---- */

static struct mail_ring *ring_to(const struct proxy *p, unsigned core)
{
	return &p->mail->ring[p->core * p->cores + core];
}

/* Of `n` cores that have connections to a next hop, from `first` on: this one, if it is among them, else one
 * that the sender chooses for good, so that the requests of one peer keep their order. */
static unsigned owner(const struct proxy *p, uint64_t hop, unsigned n, uint64_t who)
{
	unsigned first = (unsigned)(hop % p->cores), mine = (p->core + p->cores - first) % p->cores;

	return mine < n ? p->core : (first + (unsigned)(who % n)) % p->cores;
}

/* it only waited to be admitted: nobody has heard of it yet */
static bool untried(const struct server_half *s)
{
	return s->state == SERVER_WAIT && (s->wait == SERVER_WAIT_LIMIT || s->wait == SERVER_WAIT_DNS) &&
	       !s->tried && !s->cancelled;
}

unsigned proxy_mail_core(const struct proxy *p, const struct proxy_passing *r)
{
	const struct policy_target *t = &r->targets[0];
	unsigned n = p->view->box->connections_per_partner ? p->view->box->connections_per_partner
							   : p->config.per_hop;
	struct {
		uint8_t ip[16];
		uint32_t identity;
		uint16_t port, side;
	} key;

	if (!p->mail || r->c->shadow || (r->s && !untried(r->s)))
		return p->core;
	if (n >= p->cores || !r->targets_n)
		return p->core;
	memset(&key, 0, sizeof(key));
	memcpy(key.ip, t->ip, sizeof(key.ip));
	key.identity = proxy_identity(r);
	key.port = t->port;
	key.side = proxy_leaves(r);
	return owner(p, siphash13(&p->table_key, &key, sizeof(key)), n ? n : 1, r->c->who_hash);
}

/* ---- from the conn's core ---- */

static uint64_t conn_name(const struct proxy *p, const struct proxy_conn *c)
{
	return (uint64_t)c->gen << 32 | base_pool_index(&p->conn_pool, c);
}

static uint32_t put_name(uint8_t *to, struct policy_name name)
{
	to[0] = (uint8_t)name.len;
	memcpy(to + 1, name.ptr, name.len);
	return name.len + 1;
}

static bool open_shadow(struct proxy *p, struct proxy_conn *c, unsigned core)
{
	struct mail_ring *r = ring_to(p, core);
	uint32_t len = (uint32_t)sizeof(struct mail_open) + c->peer.pin_domain.len, at = 0;
	struct mail_open *m;
	uint8_t *names;

	for (unsigned i = 0; i < c->peer.names_n; i++)
		len += c->peer.names[i].len + 1;
	m = (struct mail_open *)(void *)mail_ring_room(r, len);
	if (!m)
		return false;
	memset(m, 0, sizeof(*m));
	m->conn = conn_name(p, c);
	m->facts = (struct link_facts){.side = c->side,
				       .outgoing = c->outgoing,
				       .secure = c->secure,
				       .certificate = c->peer.certificate,
				       .pinned_only = c->peer.pinned_only,
				       .has_spki = c->peer.has_spki,
				       .eku = c->peer.eku,
				       .names_n = c->peer.names_n,
				       .identity = c->identity,
				       .local = c->local,
				       .remote = c->remote,
				       .local_port = c->local_port,
				       .remote_port = c->remote_port};
	memcpy(m->facts.spki, c->peer.spki, sizeof(m->facts.spki));
	memcpy(m->facts.issuer_serial, c->who.issuer_serial, sizeof(m->facts.issuer_serial));
	m->pin = c->peer.pin;
	m->pin_len = (uint8_t)c->peer.pin_domain.len;
	m->revoked = c->peer.revoked;
	names = (uint8_t *)(m + 1);
	if (m->pin_len)
		memcpy(names, c->peer.pin_domain.ptr, m->pin_len);
	at = m->pin_len;
	for (unsigned i = 0; i < c->peer.names_n; i++)
		at += put_name(names + at, c->peer.names[i]);
	m->names_len = (uint16_t)at;
	mail_ring_push(r, MAIL_OPEN, (uint16_t)p->core, len);
	c->shadows |= UINT64_C(1) << core;
	return true;
}

static bool send_bytes(struct proxy *p, unsigned core, enum mail_kind kind, uint64_t conn,
		       const struct iovec *iov, int n, uint32_t len)
{
	struct mail_ring *r = ring_to(p, core);
	struct mail_to *m = (struct mail_to *)(void *)mail_ring_room(r, (uint32_t)sizeof(*m) + len);
	uint8_t *to;

	if (!m)
		return false;
	m->conn = conn;
	to = m->bytes;
	for (int i = 0; i < n; i++) {
		memcpy(to, iov[i].iov_base, iov[i].iov_len);
		to += iov[i].iov_len;
	}
	mail_ring_push(r, (uint16_t)kind, (uint16_t)p->core, (uint32_t)sizeof(*m) + len);
	return true;
}

static struct proxy_crossed *crossed_at(struct proxy *p, uint64_t key)
{
	return &p->crossed[key % PROXY_CROSSED];
}

static bool cross(struct proxy *p, struct proxy_conn *c, unsigned core, const struct sip_msg *m)
{
	struct iovec v = {(void *)(uintptr_t)m->buf, m->len};

	if (!(c->shadows >> core & 1) && !open_shadow(p, c, core))
		return false;
	if (!send_bytes(p, core, MAIL_REQUEST, conn_name(p, c), &v, 1, m->len))
		return false;
	PROXY_COUNT(p, crossed);
	return true;
}

bool proxy_mail_request(struct proxy *p, struct proxy_conn *c, unsigned core, const struct sip_msg *m,
			uint64_t key)
{
	if (!cross(p, c, core, m))
		return false;
	if (m->method == SIP_METHOD_INVITE)
		*crossed_at(p, key) = (struct proxy_crossed){key, core};
	return true;
}

bool proxy_mail_follow(struct proxy *p, struct proxy_conn *c, const struct sip_msg *m, uint64_t key)
{
	const struct proxy_crossed *k = crossed_at(p, key);

	return p->mail && !c->shadow && k->key == key && k->core != p->core && cross(p, c, k->core, m);
}

static bool send_cancel(struct proxy *p, unsigned core, enum mail_kind kind, uint64_t conn, uint64_t key,
			const void *bytes, uint32_t len)
{
	struct iovec v[2] = {{&key, sizeof(key)}, {(void *)(uintptr_t)bytes, len}};

	return send_bytes(p, core, kind, conn, v, 2, (uint32_t)sizeof(key) + len);
}

/* One core after the other, from this one on; false: that was the last one. */
static bool ask_next(struct proxy *p, uint64_t conn, unsigned core, uint64_t key, const void *bytes,
		     uint32_t len)
{
	core = (core + 1) % p->cores;
	return core != p->core && send_cancel(p, core, MAIL_CANCEL, conn, key, bytes, len);
}

bool proxy_mail_cancel(struct proxy *p, struct proxy_conn *c, const struct sip_msg *m, uint64_t key)
{
	if (!p->mail || c->shadow)
		return false;
	if (p->now_ms - p->cancels_ms >= 1000) {
		p->cancels_ms = p->now_ms;
		p->cancels_n = 0;
	}
	if (p->cancels_n >= CANCELS || !ask_next(p, conn_name(p, c), p->core, key, m->buf, m->len))
		return false;
	p->cancels_n++;
	return true;
}

/* Word of an end must arrive: what a full ring does not take is said again next turn. */
static void say_end(struct proxy *p, unsigned core, enum mail_kind kind, uint64_t conn)
{
	if (send_bytes(p, core, kind, conn, NULL, 0, 0))
		return;
	if (p->unsaid_n < PROXY_UNSAID)
		p->unsaid[p->unsaid_n++] = (struct proxy_unsaid){conn, (uint8_t)core, (uint8_t)kind};
	else
		PROXY_DROPPED(p, mail_full);
}

static void say_again(struct proxy *p)
{
	while (p->unsaid_n) {
		const struct proxy_unsaid *u = &p->unsaid[p->unsaid_n - 1];

		if (!send_bytes(p, u->core, (enum mail_kind)u->kind, u->conn, NULL, 0, 0))
			return;
		p->unsaid_n--;
	}
}

void proxy_mail_closed(struct proxy *p, struct proxy_conn *c)
{
	struct proxy_conn *kin = c->shadows ? proxy_kin_of(p, c, true) : NULL;

	for (unsigned i = 0; c->shadows && i < p->cores; i++) {
		if (!(c->shadows >> i & 1))
			continue;
		/* what still waits there for answers finds where they may go before it hears of the end */
		if (kin && !(kin->shadows >> i & 1) && !open_shadow(p, kin, i))
			PROXY_DROPPED(p, mail_full);
		say_end(p, i, MAIL_CLOSED, conn_name(p, c));
	}
	c->shadows = 0;
}

/* ---- limits ---- */

static bool send_flat(struct proxy *p, unsigned core, enum mail_kind kind, const void *data, uint32_t len)
{
	uint8_t *to = mail_ring_room(ring_to(p, core), len);

	if (!to)
		return false;
	memcpy(to, data, len);
	mail_ring_push(ring_to(p, core), (uint16_t)kind, (uint16_t)p->core, len);
	return true;
}

bool proxy_mail_limit_room(struct proxy *p, unsigned core)
{
	return mail_ring_room(ring_to(p, core), sizeof(struct mail_limit_ask)) != NULL;
}

bool proxy_mail_limit_ask(struct proxy *p, unsigned core, const struct limit_question *q,
			  struct proxy_half who)
{
	const struct mail_limit_ask m = {who, *q};

	return send_flat(p, core, MAIL_LIMIT_ASK, &m, sizeof(m));
}

bool proxy_mail_limit_answer(struct proxy *p, unsigned core, const struct limit_answer *a,
			     struct proxy_half who)
{
	const struct mail_limit_answer m = {who, *a};

	return send_flat(p, core, MAIL_LIMIT_ANSWER, &m, sizeof(m));
}

/* ---- from the shadow's core ---- */

int proxy_mail_out(struct proxy *p, struct proxy_conn *shadow, const struct iovec *iov, int n, uint32_t len)
{
	return send_bytes(p, shadow->shadow_core, MAIL_OUT, shadow->id, iov, n, len) ? 0 : -EAGAIN;
}

void proxy_mail_close(struct proxy *p, struct proxy_conn *shadow)
{
	say_end(p, shadow->shadow_core, MAIL_CLOSE, shadow->id);
}

/* ---- what came ---- */

static uint32_t *bucket(struct proxy *p, unsigned core, uint64_t conn)
{
	return &p->shadow_index[(conn * 31 + core) % PROXY_SHADOWS];
}

static struct proxy_conn *shadow_of(struct proxy *p, unsigned core, uint64_t conn)
{
	for (uint32_t i = *bucket(p, core, conn); i != PROXY_NONE; i = proxy_conn_at(p, i)->shadow_chain) {
		struct proxy_conn *c = proxy_conn_at(p, i);

		if (c->shadow_core == core && c->id == conn)
			return c;
	}
	return NULL;
}

void proxy_mail_shadow_gone(struct proxy *p, struct proxy_conn *shadow)
{
	uint32_t *at = bucket(p, shadow->shadow_core, shadow->id);

	while (proxy_conn_at(p, *at) != shadow)
		at = &proxy_conn_at(p, *at)->shadow_chain;
	*at = shadow->shadow_chain;
}

static void take_open(struct proxy *p, unsigned core, const struct mail_open *m)
{
	const char *names = (const char *)(m + 1);
	struct proxy_conn *c;
	uint32_t *head;

	if (shadow_of(p, core, m->conn))
		return;
	c = proxy_conn_shadow(p, &m->facts, names + m->pin_len, m->names_len - m->pin_len);
	if (!c)
		return;
	c->shadow = true;
	c->shadow_core = (uint8_t)core;
	c->id = m->conn;
	c->peer.revoked = m->revoked;
	if (m->pin)
		proxy_conn_pin(p, c, m->pin, (struct policy_name){names, m->pin_len});
	head = bucket(p, core, m->conn);
	c->shadow_chain = *head;
	*head = base_pool_index(&p->conn_pool, c);
}

static void take_request(struct proxy *p, unsigned core, const struct mail_to *m, uint32_t len)
{
	struct proxy_conn *c = shadow_of(p, core, m->conn);

	if (!c || c->state != PROXY_CONN_UP ||
	    sip_msg_index(p->msg, p->kernel, &p->limits, m->bytes, len) != SIP_REASON_OK) {
		PROXY_DROPPED(p, handle_gone);
		return;
	}
	p->msg->body_len = len - p->msg->head_len;
	proxy_request_in(p, base_pool_index(&p->conn_pool, c), p->msg);
}

static void take_cancel(struct proxy *p, const struct mail_head *h, const struct mail_to *m, uint32_t len)
{
	const uint8_t *bytes = m->bytes + sizeof(uint64_t);
	struct proxy_conn *c;
	uint64_t key;

	len -= (uint32_t)sizeof(key);
	memcpy(&key, m->bytes, sizeof(key));
	if (h->kind == MAIL_CANCEL) {
		if (!send_cancel(p, h->from, proxy_cancel_key(p, key) ? MAIL_CANCELLED : MAIL_NOT_MINE,
				 m->conn, key, bytes, len))
			PROXY_DROPPED(p, mail_full);
		return;
	}
	if (h->kind == MAIL_NOT_MINE && ask_next(p, m->conn, h->from, key, bytes, len))
		return;
	c = proxy_conn_of(p, m->conn);
	if (!c || c->state != PROXY_CONN_UP ||
	    sip_msg_index(p->msg, p->kernel, &p->limits, bytes, len) != SIP_REASON_OK) {
		PROXY_DROPPED(p, response_no_link);
		return;
	}
	p->msg->body_len = len - p->msg->head_len;
	proxy_cancel_answer(p, c, p->msg, h->kind == MAIL_CANCELLED);
}

static void take_one(struct proxy *p, const struct mail_head *h, const uint8_t *data)
{
	const struct mail_to *to = (const struct mail_to *)(const void *)data;
	const struct mail_limit_ask *ask = (const struct mail_limit_ask *)(const void *)data;
	const struct mail_limit_answer *answer = (const struct mail_limit_answer *)(const void *)data;
	struct proxy_conn *c;

	switch ((enum mail_kind)h->kind) {
	case MAIL_OPEN:
		take_open(p, h->from, (const struct mail_open *)(const void *)data);
		break;
	case MAIL_REQUEST:
		take_request(p, h->from, to, h->len - (uint32_t)sizeof(*to));
		break;
	case MAIL_CLOSED:
		c = shadow_of(p, h->from, to->conn);
		if (c)
			proxy_conn_gone(p, c);
		break;
	case MAIL_OUT:
		c = proxy_conn_of(p, to->conn);
		if (!c || !proxy_out_flat(p, c, to->bytes, h->len - (uint32_t)sizeof(*to)))
			PROXY_DROPPED(p, response_no_link);
		break;
	case MAIL_CLOSE:
		c = proxy_conn_of(p, to->conn);
		if (c)
			proxy_conn_close(p, c, NULL);
		break;
	case MAIL_LIMIT_ASK:
		proxy_limit_asked(p, h->from, &ask->question, ask->who);
		break;
	case MAIL_CANCEL:
	case MAIL_CANCELLED:
	case MAIL_NOT_MINE:
		take_cancel(p, h, to, h->len - (uint32_t)sizeof(*to));
		break;
	case MAIL_LIMIT_ANSWER:
		proxy_limit_answered(p, &answer->answer, answer->who);
		break;
	}
}

unsigned proxy_mail_turn(struct proxy *p)
{
	unsigned n = 0;

	if (!p->mail)
		return 0;
	say_again(p);
	for (unsigned from = 0; from < p->cores; from++) {
		struct mail_ring *r = &p->mail->ring[from * p->cores + p->core];
		struct mail_head h;
		const uint8_t *data;

		for (unsigned i = 0; i < TURN && from != p->core && (data = mail_ring_peek(r, &h)); i++) {
			take_one(p, &h, data);
			mail_ring_pop(r);
			n++;
		}
	}
	return n;
}
