/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/proxy/client_half.h"

#include "dataplane/proxy/proxy_conn.h"
#include "dataplane/proxy/proxy_sweep.h"
#include "dataplane/proxy/proxy_timers.h"
#include "dataplane/proxy/server_half.h"
#include "dataplane/sip/sip_build.h"

struct proxy_half client_half_name(const struct proxy *p, const struct client_half *k)
{
	return (struct proxy_half){base_pool_index(&p->client_pool, k), k->gen};
}

struct client_half *client_half_of(struct proxy *p, struct proxy_half name)
{
	struct client_half *k;

	if (name.slot >= p->client_pool.touched)
		return NULL;
	k = client_at(p, name.slot);
	return k->gen == name.gen ? k : NULL;
}

static void conn_add(struct proxy *p, struct client_half *k)
{
	struct proxy_conn *c = proxy_conn_at(p, k->conn);
	uint32_t i = base_pool_index(&p->client_pool, k);

	k->of_conn = (struct proxy_member){c->clients, PROXY_NONE};
	if (c->clients != PROXY_NONE)
		client_at(p, c->clients)->of_conn.prev = i;
	c->clients = i;
	c->clients_n++;
}

static void conn_remove(struct proxy *p, struct client_half *k)
{
	struct proxy_conn *c = proxy_conn_at(p, k->conn);

	if (k->of_conn.prev != PROXY_NONE)
		client_at(p, k->of_conn.prev)->of_conn.next = k->of_conn.next;
	else
		c->clients = k->of_conn.next;
	if (k->of_conn.next != PROXY_NONE)
		client_at(p, k->of_conn.next)->of_conn.prev = k->of_conn.prev;
	c->clients_n--;
}

static uint32_t names_len(const struct client_half *k)
{
	return (uint32_t)k->domain_len + k->identity_len;
}

static bool names_inline(const struct client_half *k)
{
	return names_len(k) <= sizeof(k->names);
}

/* names that are too long for the half itself lie in front of what is kept of the request */
static char *names_at(const struct proxy *p, const struct client_half *k)
{
	return names_inline(k) ? (char *)(uintptr_t)k->names : (char *)proxy_buf_at(&p->bufs, k->buf);
}

static bool store(struct proxy *p, struct client_half *k, const struct policy_stored *s)
{
	char *at;

	if (s->domain.len > POLICY_NAME_MAX || s->identity.len > POLICY_NAME_MAX)
		return false;
	k->stored = true;
	k->stored_type = s->type;
	k->stored_by_key = s->by_key;
	k->stored_discovered = s->discovered;
	memcpy(k->stored_spki, s->spki, sizeof(k->stored_spki));
	k->domain_len = (uint8_t)s->domain.len;
	k->identity_len = (uint8_t)s->identity.len;
	if (!names_inline(k)) {
		k->buf = proxy_buf_get(&p->bufs, names_len(k));
		if (k->buf == PROXY_BUF_NONE)
			return false;
	}
	at = names_at(p, k);
	if (s->domain.len)
		memcpy(at, s->domain.ptr, s->domain.len);
	if (s->identity.len)
		memcpy(at + s->domain.len, s->identity.ptr, s->identity.len);
	return true;
}

bool client_half_stored(const struct proxy *p, const struct client_half *k, struct policy_stored *out)
{
	const char *at;

	if (!k->stored)
		return false;
	at = names_at(p, k);
	*out = (struct policy_stored){.type = k->stored_type,
				      .by_key = k->stored_by_key,
				      .discovered = k->stored_discovered,
				      .domain = {at, k->domain_len},
				      .identity = {at + k->domain_len, k->identity_len}};
	memcpy(out->spki, k->stored_spki, sizeof(out->spki));
	return true;
}

struct client_half *client_half_new(struct proxy *p, uint32_t conn, uint8_t method,
				    const struct policy_stored *stored)
{
	uint32_t i = base_pool_get(&p->client_pool), gen;
	struct client_half *k;

	if (i == BASE_POOL_NONE)
		return NULL;
	k = client_at(p, i);
	gen = k->gen ? k->gen : 1;
	memset(k, 0, sizeof(*k));
	k->gen = gen;
	k->buf = PROXY_BUF_NONE;
	k->server.slot = PROXY_NONE;
	k->method = method;
	k->state = CLIENT_CALLING;
	k->conn = conn;
	k->conn_gen = proxy_conn_at(p, conn)->gen;
	wheel_link_init(&k->timer);
	conn_add(p, k);
	p->stats.clients++;
	if (stored && !store(p, k, stored)) {
		client_half_free(p, k);
		return NULL;
	}
	return k;
}

void client_half_free(struct proxy *p, struct client_half *k)
{
	uint32_t i = base_pool_index(&p->client_pool, k);

	wheel_disarm(&p->client_wheel, i);
	conn_remove(p, k);
	proxy_buf_put(&p->bufs, k->buf);
	k->state = CLIENT_FREE;
	k->gen = k->gen == UINT32_MAX ? 1 : k->gen + 1;
	base_pool_put(&p->client_pool, i);
	p->stats.clients--;
}

bool client_half_keep(struct proxy *p, struct client_half *k, const struct iovec *iov, int n,
		      uint32_t head_len)
{
	uint32_t names = names_inline(k) ? 0 : names_len(k), b, left = head_len;
	uint8_t *to;

	b = proxy_buf_get(&p->bufs, names + head_len);
	if (b == PROXY_BUF_NONE)
		return false;
	to = proxy_buf_at(&p->bufs, b);
	if (names)
		memcpy(to, proxy_buf_at(&p->bufs, k->buf), names);
	to += names;
	for (int i = 0; i < n && left; i++) {
		uint32_t part = iov[i].iov_len < left ? (uint32_t)iov[i].iov_len : left;

		memcpy(to, iov[i].iov_base, part);
		to += part;
		left -= part;
	}
	proxy_buf_put(&p->bufs, k->buf);
	k->buf = b;
	k->head_at = names;
	k->head_len = head_len;
	return true;
}

/* A call that was answered is neither cancelled nor refused any more, but its half stays for 32 s: 2 kB each
 * would be most of what a core needs for a call, and new memory for every one. */
static void unkeep(struct proxy *p, struct client_half *k)
{
	k->head_len = 0;
	if (!names_inline(k))
		return;
	proxy_buf_put(&p->bufs, k->buf);
	k->buf = PROXY_BUF_NONE;
}

static void arm(struct proxy *p, struct client_half *k, uint32_t in_ms)
{
	wheel_arm(&p->client_wheel, base_pool_index(&p->client_pool, k), p->now_ms + in_ms);
}

void client_half_sent(struct proxy *p, struct client_half *k)
{
	arm(p, k, PROXY_TIMER_64T1);
}

/* the INVITE as it left, indexed; false: nothing was kept */
static bool kept(struct proxy *p, const struct client_half *k)
{
	const uint8_t *head;

	if (!k->head_len)
		return false;
	head = proxy_buf_at(&p->bufs, k->buf) + k->head_at;
	return sip_msg_index(p->again, p->kernel, &p->limits, head, k->head_len) == SIP_REASON_OK;
}

/* section 17.1.1.3: the ACK of a refusal goes where the INVITE went */
static void send_ack(struct proxy *p, const struct client_half *k, const struct sip_msg *response)
{
	struct proxy_conn *c = proxy_conn_up(p, k->conn, k->conn_gen);
	int n;

	if (!c || !kept(p, k))
		return;
	n = sip_build_ack(p->again, response, (char *)p->flat, p->flat_size);
	if (n > 0 && proxy_out_flat(p, c, p->flat, (uint32_t)n))
		PROXY_COUNT(p, requests_out);
}

static void send_cancel(struct proxy *p, struct client_half *k)
{
	struct proxy_conn *c = proxy_conn_up(p, k->conn, k->conn_gen);
	int n;

	k->cancel = false;
	k->sent_cancel = true;
	/* section 9.1: an INVITE that nobody answers even so is over after 64 × T1 */
	arm(p, k, PROXY_TIMER_64T1);
	if (!c || !kept(p, k))
		return;
	n = sip_build_cancel(p->again, (char *)p->flat, p->flat_size);
	if (n > 0 && proxy_out_flat(p, c, p->flat, (uint32_t)n))
		PROXY_COUNT(p, requests_out);
}

void client_half_cancel(struct proxy *p, struct client_half *k)
{
	if (k->method != SIP_METHOD_INVITE || k->sent_cancel || k->state == CLIENT_ACCEPTED)
		return;
	if (k->state == CLIENT_PROCEEDING)
		send_cancel(p, k);
	else
		k->cancel = true;
}

static enum client_event take_invite(struct proxy *p, struct client_half *k, const struct sip_msg *m,
				     bool *ended)
{
	bool again;

	if (m->status < 200) {
		if (k->state == CLIENT_ACCEPTED)
			return CLIENT_STOP;
		/* section 16.7 item 2: timer C begins again with each provisional, but not with a 100 */
		again = m->status > 100 || k->state == CLIENT_CALLING;
		k->state = CLIENT_PROCEEDING;
		if (k->cancel)
			send_cancel(p, k);
		else if (!k->sent_cancel && again)
			arm(p, k, p->config.timer_c_ms);
		return m->status == 100 ? CLIENT_STOP : CLIENT_PASS;
	}
	if (m->status < 300) {
		/* RFC 6026: all of the 2xx that forking downstream yields go up */
		if (k->state != CLIENT_ACCEPTED) {
			k->state = CLIENT_ACCEPTED;
			unkeep(p, k);
			arm(p, k, PROXY_TIMER_64T1); /* M */
		}
		return CLIENT_PASS;
	}
	if (k->state == CLIENT_ACCEPTED) {
		PROXY_DROPPED(p, late_response);
		return CLIENT_STOP;
	}
	send_ack(p, k, m);
	*ended = true; /* timer D is 0 */
	return CLIENT_PASS;
}

enum client_event client_half_take(struct proxy *p, struct client_half *k, const struct sip_msg *m,
				   bool *ended)
{
	*ended = false;
	if (k->method == SIP_METHOD_INVITE)
		return take_invite(p, k, m, ended);
	if (m->status < 200) {
		/* RFC 4320 section 4.1: none but 100 to what is not an INVITE; timer F goes on */
		k->state = CLIENT_PROCEEDING;
		return CLIENT_STOP;
	}
	*ended = true; /* timer K is 0 */
	return CLIENT_PASS;
}

void client_half_conn_lost(struct proxy *p, uint32_t conn)
{
	struct proxy_conn *c = proxy_conn_at(p, conn);

	while (c->clients != PROXY_NONE) {
		struct client_half *k = client_at(p, c->clients);
		struct server_half *s = k->lone ? NULL : server_half_of(p, k->server);
		bool unanswered = k->state == CLIENT_CALLING;

		if (k->state != CLIENT_ACCEPTED && !k->health)
			PROXY_COUNT(p, lost_downstream);
		else
			s = NULL;
		client_half_free(p, k);
		if (s)
			server_half_failed(p, s, POLICY_REASON_NEXT_HOP_LOST, unanswered);
	}
}

void client_half_timer(struct proxy *p, uint32_t index)
{
	struct client_half *k = client_at(p, index);
	struct server_half *s = k->lone ? NULL : server_half_of(p, k->server);

	if (k->health) {
		uint32_t conn = k->conn;

		client_half_free(p, k);
		proxy_alive_answer(p, conn, 0);
		return;
	}
	switch (k->state) {
	case CLIENT_ACCEPTED: /* M */
		client_half_free(p, k);
		return;
	case CLIENT_PROCEEDING:
		if (k->method == SIP_METHOD_INVITE && !k->sent_cancel) {
			/* C: nobody picked up */
			PROXY_COUNT(p, timer_c);
			send_cancel(p, k);
			return;
		}
		break;
	default: /* B, F */
		PROXY_COUNT(p, timer_b);
		break;
	}
	client_half_free(p, k);
	if (s)
		server_half_timeout(p, s);
}
