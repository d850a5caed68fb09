/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of a conn, from what the edge tells. */
#include <stdio.h>

#include "dataplane/base/address_text.h"
#include "dataplane/proxy/client_half.h"
#include "dataplane/proxy/next_hop.h"
#include "dataplane/proxy/proxy_conn.h"
#include "dataplane/proxy/proxy_event.h"
#include "dataplane/proxy/proxy_mail.h"
#include "dataplane/proxy/proxy_self.h"
#include "dataplane/proxy/proxy_share.h"
#include "dataplane/proxy/proxy_timers.h"
#include "dataplane/proxy/server_half.h"

struct proxy_conn *proxy_conn_of(struct proxy *p, uint64_t conn)
{
	uint32_t index = (uint32_t)conn;
	struct proxy_conn *c;

	if (index >= p->conn_pool.touched)
		return NULL;
	c = proxy_conn_at(p, index);
	return c->gen == (uint32_t)(conn >> 32) ? c : NULL;
}

void proxy_link_warm(struct proxy *p, uint64_t conn, unsigned step)
{
	const struct proxy_conn *c = proxy_conn_at(p, (uint32_t)conn);

	if (step == 0) {
		for (size_t at = 0; at < sizeof(*c); at += 64)
			__builtin_prefetch((const uint8_t *)c + at, 1);
		return;
	}
	c = proxy_conn_up(p, (uint32_t)conn, (uint32_t)(conn >> 32));
	if (!c)
		return;
	proxy_conn_near(p, c);
	proxy_tables_warm(p, c->noted);
	if (c->peer.names_n)
		__builtin_prefetch(c->peer.names[0].ptr);
}

struct proxy_conn *proxy_conn_up(struct proxy *p, uint32_t index, uint32_t gen)
{
	struct proxy_conn *c = proxy_conn_of(p, (uint64_t)gen << 32 | index);

	return c && c->state == PROXY_CONN_UP ? c : NULL;
}

static uint64_t conn_number(const struct proxy *p, const struct proxy_conn *c)
{
	return (uint64_t)c->gen << 32 | base_pool_index(&p->conn_pool, c);
}

static struct proxy_conn *conn_new(struct proxy *p)
{
	uint32_t i = base_pool_get(&p->conn_pool), gen;
	struct proxy_conn *c;

	if (i == BASE_POOL_NONE) {
		PROXY_COUNT(p, overload);
		return NULL;
	}
	c = proxy_conn_at(p, i);
	gen = c->gen ? c->gen : 1;
	memset(c, 0, sizeof(*c));
	c->gen = gen;
	c->in = c->out_head = c->out_tail = c->names_buf = c->pin_buf = c->domains_buf = PROXY_BUF_NONE;
	c->servers = c->clients = c->hop = PROXY_NONE;
	c->used_ms = p->now_ms;
	wheel_link_init(&c->timer);
	p->stats.conns++;
	return c;
}

static void conn_free(struct proxy *p, struct proxy_conn *c)
{
	uint32_t i = base_pool_index(&p->conn_pool, c);

	wheel_disarm(&p->conn_wheel, i);
	proxy_kin_remove(p, c);
	proxy_conn_unhold(p, c);
	proxy_out_free(p, c);
	proxy_share_buf_put(p, c, c->in);
	proxy_buf_put(&p->bufs, c->names_buf);
	proxy_buf_put(&p->bufs, c->pin_buf);
	proxy_buf_put(&p->bufs, c->domains_buf);
	c->state = PROXY_CONN_FREE;
	c->gen = c->gen == UINT32_MAX ? 1 : c->gen + 1;
	base_pool_put(&p->conn_pool, i);
	p->stats.conns--;
}

/* N as decide() reads it: a few names inside of the conn, more in a buffer */
static bool conn_names(struct proxy *p, struct proxy_conn *c, unsigned n)
{
	struct policy_name *names = c->names;

	if (n > POLICY_PEER_NAMES)
		n = POLICY_PEER_NAMES;
	if (n > PROXY_NAMES_INLINE) {
		c->names_buf = proxy_buf_get(&p->bufs, n * (uint32_t)sizeof(*names));
		if (c->names_buf == PROXY_BUF_NONE)
			return false;
		names = (struct policy_name *)(void *)proxy_buf_at(&p->bufs, c->names_buf);
	}
	for (unsigned i = 0; i < n; i++)
		names[i] = p->link->peer_name(p->ctx, c->id, i);
	c->peer.names = names;
	c->peer.names_n = (uint16_t)n;
	return true;
}

/* the same out of mail, which does not last: the texts are kept behind the names */
static bool conn_names_copy(struct proxy *p, struct proxy_conn *c, unsigned n, const char *text, uint32_t len)
{
	struct policy_name *names;
	uint32_t at = 0;
	char *kept;

	if (n == 0)
		return true;
	c->names_buf = proxy_buf_get(&p->bufs, n * (uint32_t)sizeof(*names) + len);
	if (c->names_buf == PROXY_BUF_NONE)
		return false;
	names = (struct policy_name *)(void *)proxy_buf_at(&p->bufs, c->names_buf);
	kept = (char *)(names + n);
	memcpy(kept, text, len);
	for (unsigned i = 0; i < n && at < len; i++) {
		names[i] = (struct policy_name){kept + at + 1, (uint8_t)kept[at]};
		at += names[i].len + 1;
	}
	c->peer.names = names;
	c->peer.names_n = (uint16_t)n;
	return true;
}

void proxy_address_text(const struct base_addr *a, char out[PROXY_ADDRESS_TEXT])
{
	unsigned n;

	if (base_addr_is_v4(a)) {
		out[base_ip4_put(out, a->b + 12)] = '\0';
		return;
	}
	out[0] = '[';
	n = 1 + base_ip6_put(out + 1, a->b);
	out[n] = ']';
	out[n + 1] = '\0';
}

/* nobody shows a certificate there: it is known by what was called, or by where it called from */
static bool conn_names_plain(struct proxy *p, struct proxy_conn *c)
{
	char text[1 + POLICY_NAME_MAX + 1];
	char address[PROXY_ADDRESS_TEXT];
	struct policy_name name = {"", 0};

	if (c->hop != PROXY_NONE)
		name = (struct policy_name){hop_at(p, c->hop)->name, hop_at(p, c->hop)->name_len};
	if (!name.len) {
		proxy_address_text(&c->remote, address);
		name = policy_name_of(address);
	}
	text[0] = (char)name.len;
	memcpy(text + 1, name.ptr, name.len);
	return conn_names_copy(p, c, 1, text, name.len + 1);
}

static void conn_facts(struct proxy *p, struct proxy_conn *c, const struct link_facts *f)
{
	c->side = f->side;
	c->secure = f->secure;
	c->identity = f->identity;
	c->local = f->local;
	c->remote = f->remote;
	c->local_port = f->local_port;
	c->remote_port = f->remote_port;
	c->peer.certificate = f->certificate;
	c->peer.pinned_only = f->pinned_only && !f->certificate;
	c->plain_in = !f->secure && !f->outgoing;
	c->peer.insecure = !f->secure && (f->outgoing || f->side == LINK_INTERNAL);
	c->peer.eku = f->eku;
	c->peer.has_spki = f->has_spki;
	memcpy(c->peer.spki, f->spki, sizeof(c->peer.spki));
	memcpy(c->who.spki, f->spki, sizeof(c->who.spki));
	memcpy(c->who.issuer_serial, f->issuer_serial, sizeof(c->who.issuer_serial));
	/* who shows no key is told apart by his address */
	if (!f->has_spki)
		memcpy(c->who.spki, f->remote.b, sizeof(f->remote.b));
	c->who_hash = siphash24(&p->table_key, &c->who, sizeof(c->who));
	proxy_address_text(&f->local, c->local_text);
}

/* one event a connection, with what protects it */
static void tell_up(struct proxy *p, const struct proxy_conn *c, const struct link_facts *f)
{
	char text[EXCHANGE_EVENT_TEXT];

	snprintf(text, sizeof(text), "%s, %s%s", f->outgoing ? "opened" : "accepted",
		 f->suite    ? f->suite
		 : f->secure ? "TLS"
			     : "without TLS",
		 c->peer.pinned_only ? ", known by its pinned key alone" : "");
	proxy_event_conn(p, c, EXCHANGE_EVENT_PEER_UP, text);
}

uint64_t proxy_link_accepted(struct proxy *p, uint64_t id, const struct link_facts *facts)
{
	struct proxy_conn *c = conn_new(p);

	if (!c)
		return 0;
	c->id = id;
	conn_facts(p, c, facts);
	if (!(facts->secure ? conn_names(p, c, facts->names_n) : conn_names_plain(p, c)))
		goto refused;
	/* without TLS: inside, and from an address that is named */
	if (!facts->secure && !proxy_self_trusts(p, c)) {
		PROXY_COUNT(p, links_refused_source);
		proxy_event_source(p, c);
		goto refused;
	}
	c->state = PROXY_CONN_UP;
	proxy_kin_add(p, c);
	PROXY_COUNT(p, links_accepted);
	tell_up(p, c, facts);
	return conn_number(p, c);
refused:
	conn_free(p, c);
	return 0;
}

struct proxy_conn *proxy_conn_shadow(struct proxy *p, const struct link_facts *facts, const char *names,
				     uint32_t names_len)
{
	struct proxy_conn *c = conn_new(p);

	if (!c)
		return NULL;
	conn_facts(p, c, facts);
	if (!conn_names_copy(p, c, facts->names_n, names, names_len)) {
		conn_free(p, c);
		return NULL;
	}
	c->outgoing = false;
	c->state = PROXY_CONN_UP;
	proxy_kin_add(p, c);
	return c;
}

uint32_t proxy_conn_open(struct proxy *p, const struct link_connect *to, uint32_t hop, uint32_t due_ms)
{
	struct proxy_conn *c = conn_new(p);
	uint32_t i;

	if (!c)
		return PROXY_NONE;
	i = base_pool_index(&p->conn_pool, c);
	c->state = PROXY_CONN_OPENING;
	c->outgoing = true;
	c->side = to->side;
	c->hop = hop;
	c->remote = to->ip;
	c->remote_port = to->port;
	c->identity = to->identity;
	if (p->link->connect(p->ctx, to, conn_number(p, c), &c->id) < 0) {
		conn_free(p, c);
		return PROXY_NONE;
	}
	wheel_arm(&p->conn_wheel, i, p->now_ms + due_ms);
	PROXY_COUNT(p, links_opened);
	return i;
}

void proxy_link_up(struct proxy *p, uint64_t conn, const struct link_facts *facts)
{
	struct proxy_conn *c = proxy_conn_of(p, conn);

	if (!c || c->state != PROXY_CONN_OPENING)
		return;
	wheel_disarm(&p->conn_wheel, base_pool_index(&p->conn_pool, c));
	conn_facts(p, c, facts);
	if (!(facts->secure ? conn_names(p, c, facts->names_n) : conn_names_plain(p, c))) {
		proxy_conn_abort(p, c, "no room for its names");
		return;
	}
	c->state = PROXY_CONN_UP;
	proxy_kin_add(p, c);
	tell_up(p, c, facts);
	next_hop_up(p, base_pool_index(&p->conn_pool, c));
}

/* The halves that used it, here and on other cores, are told in this turn, not when the peer has closed it
 * too: nothing is read from it any more, and nothing sent. From the timer, for the caller may stand in the
 * middle of one of them. */
static void conn_ends(struct proxy *p, struct proxy_conn *c, const char *cause)
{
	c->state = PROXY_CONN_ENDING;
	c->cause = cause;
	wheel_arm(&p->conn_wheel, base_pool_index(&p->conn_pool, c), p->now_ms);
}

void proxy_conn_close(struct proxy *p, struct proxy_conn *c, const char *cause)
{
	if (c->state == PROXY_CONN_FREE || c->state == PROXY_CONN_ENDING)
		return;
	proxy_out_flush(p, c);
	/* an abort inside of the flush has done it already */
	if (c->state == PROXY_CONN_ENDING)
		return;
	conn_ends(p, c, cause);
	if (c->shadow)
		proxy_mail_close(p, c);
	else
		p->link->close(p->ctx, c->id);
}

void proxy_conn_abort(struct proxy *p, struct proxy_conn *c, const char *cause)
{
	if (c->state == PROXY_CONN_FREE || c->state == PROXY_CONN_ENDING)
		return;
	conn_ends(p, c, cause);
	if (c->shadow)
		proxy_mail_close(p, c);
	else
		p->link->abort(p->ctx, c->id);
}

void proxy_link_writable(struct proxy *p, uint64_t conn)
{
	struct proxy_conn *c = proxy_conn_of(p, conn);

	if (c && c->state == PROXY_CONN_UP)
		proxy_out_flush(p, c);
}

void proxy_link_eof(struct proxy *p, uint64_t conn)
{
	struct proxy_conn *c = proxy_conn_of(p, conn);

	if (!c || c->state != PROXY_CONN_UP)
		return;
	c->eof = true;
	/* who waits for answers gets them; nobody can be asked any more over a link that we opened */
	if (c->outgoing || (c->servers == PROXY_NONE && !c->shadows))
		proxy_conn_close(p, c, "its peer sends no more");
}

/* ours if we ended it, else what the layer below knows */
static const char *cause_of(const struct proxy_conn *c, enum link_end end, const char *why)
{
	if (c->cause)
		return c->cause;
	if (why)
		return why;
	return end == LINK_END_CLOSED ? "its peer closed it" : "it was cut off";
}

void proxy_link_closed(struct proxy *p, uint64_t conn, enum link_end end, const char *why)
{
	struct proxy_conn *c = proxy_conn_of(p, conn);
	uint32_t i;

	if (!c || c->state == PROXY_CONN_FREE)
		return;
	i = base_pool_index(&p->conn_pool, c);
	if (c->was_up || !c->outgoing)
		proxy_event_conn(p, c, EXCHANGE_EVENT_PEER_DOWN, cause_of(c, end, why));
	c->state = PROXY_CONN_ENDING;
	/* first nobody finds it any more, then those who used it are told */
	if (c->hop != PROXY_NONE)
		next_hop_closed(p, i, end);
	proxy_conn_gone(p, c);
}

/* those who used it are told, once */
static void conn_lost(struct proxy *p, struct proxy_conn *c)
{
	uint32_t i = base_pool_index(&p->conn_pool, c);

	proxy_kin_remove(p, c);
	if (!c->shadow)
		proxy_mail_closed(p, c);
	client_half_conn_lost(p, i);
	server_half_conn_lost(p, i);
}

void proxy_conn_gone(struct proxy *p, struct proxy_conn *c)
{
	c->state = PROXY_CONN_ENDING;
	if (c->shadow)
		proxy_mail_shadow_gone(p, c);
	conn_lost(p, c);
	conn_free(p, c);
}

void proxy_link_revoked(struct proxy *p, uint64_t conn)
{
	struct proxy_conn *c = proxy_conn_of(p, conn);

	if (c)
		c->peer.revoked = true;
}

void proxy_conn_used(struct proxy *p, struct proxy_conn *c)
{
	c->refused_since_ns = 0;
}

void proxy_conn_refused(struct proxy *p, struct proxy_conn *c)
{
	if (!c->refused_since_ns)
		c->refused_since_ns = p->now_ns;
	else if (c->side == LINK_EXTERNAL && p->config.refusals_close_ms &&
		 p->now_ns - c->refused_since_ns >= p->config.refusals_close_ms * UINT64_C(1000000)) {
		PROXY_COUNT(p, links_closed_refusals);
		proxy_conn_close(p, c, "nothing but refusals");
	}
}

void proxy_conn_pin(struct proxy *p, struct proxy_conn *c, uint8_t source, struct policy_name domain)
{
	char *text;

	if (c->pin_buf == PROXY_BUF_NONE)
		c->pin_buf = proxy_buf_get(&p->bufs, POLICY_NAME_MAX + 1);
	if (c->pin_buf == PROXY_BUF_NONE || domain.len > POLICY_NAME_MAX)
		return;
	text = (char *)proxy_buf_at(&p->bufs, c->pin_buf);
	memmove(text, domain.ptr, domain.len);
	c->peer.pin = source;
	c->peer.pin_domain = (struct policy_name){text, domain.len};
}

/* outgoing conns have their timer anyway */
static void watch(struct proxy *p, struct proxy_conn *c)
{
	if (!wheel_is_armed(&c->timer))
		wheel_arm(&p->conn_wheel, base_pool_index(&p->conn_pool, c), p->now_ms + PROXY_STALL_MS);
}

void proxy_conn_partial(struct proxy *p, struct proxy_conn *c)
{
	c->partial_ms = p->now_ms;
	watch(p, c);
}

void proxy_conn_owes(struct proxy *p, struct proxy_conn *c)
{
	c->out_ms = p->now_ms;
	watch(p, c);
}

/* true: it was cut off for one of the two */
static bool proxy_conn_stalled(struct proxy *p, struct proxy_conn *c)
{
	const char *cause;

	if (c->out_head != PROXY_BUF_NONE && p->now_ms - c->out_ms >= PROXY_STALL_MS) {
		PROXY_COUNT(p, links_closed_slow);
		cause = "it does not read what it is sent";
	} else if (c->in != PROXY_BUF_NONE && p->now_ms - c->partial_ms >= PROXY_STALL_MS) {
		PROXY_COUNT(p, links_closed_stalled);
		cause = "it began a message and did not go on";
	} else {
		if (!c->outgoing && (c->out_head != PROXY_BUF_NONE || c->in != PROXY_BUF_NONE))
			watch(p, c);
		return false;
	}
	proxy_conn_abort(p, c, cause);
	return true;
}

void proxy_conn_timer(struct proxy *p, uint32_t index)
{
	struct proxy_conn *c = proxy_conn_at(p, index);

	if (c->state == PROXY_CONN_ENDING) {
		conn_lost(p, c);
		return;
	}
	if (c->state == PROXY_CONN_OPENING) {
		c->late = true;
		proxy_conn_abort(p, c, "it did not come to be in time");
		return;
	}
	if (c->state == PROXY_CONN_UP && proxy_conn_stalled(p, c))
		return;
	if (c->state == PROXY_CONN_UP && c->outgoing)
		next_hop_timer(p, index);
}
