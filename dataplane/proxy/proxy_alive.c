/* SPDX-License-Identifier: BSD-3-Clause */
/* Does the other end live? CRLF pings on what we opened (RFC 5626 section 3.5.1), as long as the peer answers
 * them; OPTIONS to inner next hops, so that a dead one is known before a message meets it. */
#include <stdio.h>

#include "dataplane/proxy/client_half.h"
#include "dataplane/proxy/next_hop.h"
#include "dataplane/proxy/proxy_conn.h"
#include "dataplane/proxy/proxy_self.h"
#include "dataplane/proxy/proxy_sweep.h"
#include "dataplane/sip/sip_build.h"

enum {
	PING_MIN_MS = 95000,
	PING_MAX_MS = 120000,
	PONG_MS = 10000,
	HEALTH_ANSWER_MS = 4000,
	HOPS_LOOK = 1024,
	IGNORED_MAX = 3,
};

uint32_t proxy_alive_timer(struct proxy *p, struct proxy_conn *c)
{
	if (c->ping == PROXY_PING_SENT) {
		/* who never answered one may not know what it is */
		if (c->pongs) {
			PROXY_COUNT(p, pings_lost);
			proxy_conn_abort(p, c, "it did not answer a ping");
			return 0;
		}
		c->ping = PROXY_PING_NEVER;
	}
	if (c->ping == PROXY_PING_NEVER)
		return PING_MAX_MS;
	if (c->ping == PROXY_PING_DUE && c->out_head == PROXY_BUF_NONE &&
	    proxy_out_flat(p, c, "\r\n\r\n", 4)) {
		c->ping = PROXY_PING_SENT;
		return PONG_MS;
	}
	c->ping = PROXY_PING_DUE;
	return PING_MIN_MS + base_rng_below(&p->rng, PING_MAX_MS - PING_MIN_MS);
}

void proxy_alive_pong(struct proxy *p, struct proxy_conn *c)
{
	if (c->ping != PROXY_PING_SENT)
		return;
	/* it is no half of a ping of the peer's */
	c->frame.crlf = false;
	c->ping = PROXY_PING_DUE;
	c->pongs = true;
	wheel_arm(&p->conn_wheel, base_pool_index(&p->conn_pool, c),
		  p->now_ms + PING_MIN_MS + base_rng_below(&p->rng, PING_MAX_MS - PING_MIN_MS));
}

static void send_options(struct proxy *p, struct next_hop *h, uint32_t conn)
{
	struct proxy_conn *c = proxy_conn_at(p, conn);
	struct proxy_face face = proxy_self_face(p, c->side, h->identity, c);
	struct client_half *k = client_half_new(p, conn, SIP_METHOD_OPTIONS, NULL);
	struct via_branch b = {.core = (uint8_t)p->core, .flags = VIA_BRANCH_PING};
	char host[PROXY_ADDRESS_TEXT], uri[400], via[700], from[400], call_id[64];
	struct proxy_half name;
	struct sip_ping ping;
	int n;

	if (!k)
		return;
	k->health = k->lone = true;
	name = client_half_name(p, k);
	b.slot = name.slot;
	b.generation = name.gen;
	proxy_address_text(&h->ip, host);
	snprintf(uri, sizeof(uri), "sip:%s:%u;transport=%s", h->name_len ? h->name : host, h->port,
		 h->insecure ? "tcp" : "tls");
	snprintf(from, sizeof(from), "<sip:%.*s>;tag=%08x", (int)face.host.len, face.host.ptr,
		 (unsigned)base_rng_next(&p->rng));
	snprintf(call_id, sizeof(call_id), "%016llx%08x", (unsigned long long)base_rng_next(&p->rng),
		 name.slot);
	n = via_line(&p->via_key, &b, face.host, face.port, c->secure, false, via, sizeof(via));
	ping = (struct sip_ping){
		.uri = uri, .via = via + strlen("Via: "), .from = from, .call_id = call_id, .cseq = 1};
	if (n > 0) {
		via[(size_t)n < sizeof(via) ? (size_t)n : sizeof(via) - 1] = '\0';
		n = sip_build_options(&ping, (char *)p->flat, p->flat_size);
	}
	if (n <= 0 || !proxy_out_flat(p, c, p->flat, (uint32_t)n)) {
		client_half_free(p, k);
		return;
	}
	PROXY_COUNT(p, health_sent);
	wheel_arm(&p->client_wheel, name.slot, p->now_ms + HEALTH_ANSWER_MS);
}

void proxy_alive_answer(struct proxy *p, uint32_t conn, unsigned status)
{
	struct proxy_conn *c = proxy_conn_at(p, conn);
	struct next_hop *h = c->hop != PROXY_NONE ? hop_at(p, c->hop) : NULL;

	if (!h)
		return;
	h->answers |= status != 0;
	/* any answer but "too much to do" says that it lives */
	if (status && status != 503) {
		backoff_worked(&p->backoff, h->ip.b, h->port, h->identity);
		return;
	}
	PROXY_COUNT(p, health_failed);
	/* who never answered one may not know what it is */
	if (!h->answers) {
		h->ignored++;
		return;
	}
	backoff_failed(&p->backoff, h->ip.b, h->port, h->identity, 0, base_rng_next(&p->rng), p->now_ns);
	if (!status)
		proxy_conn_abort(p, c, "it did not answer OPTIONS");
}

void proxy_alive_second(struct proxy *p)
{
	uint64_t every = p->config.health_ms * UINT64_C(1000000);
	uint32_t n = p->hop_pool.touched < HOPS_LOOK ? p->hop_pool.touched : HOPS_LOOK;

	if (!every)
		return;
	for (uint32_t i = 0; i < n; i++) {
		struct next_hop *h = hop_at(p, i);
		uint32_t conn;

		if (!h->used || h->side != LINK_INTERNAL || !h->others || h->ignored >= IGNORED_MAX ||
		    p->now_ns - h->health_ns < every)
			continue;
		/* one that nobody has asked for in a while is not kept alive for its own sake */
		if (p->now_ns - h->used_ns > 60 * every)
			continue;
		conn = next_hop_pick(p, h, UINT32_MAX);
		/* traffic says as much */
		if (conn != PROXY_NONE && p->now_ms - proxy_conn_at(p, conn)->used_ms < p->config.health_ms)
			continue;
		h->health_ns = p->now_ns;
		if (conn == PROXY_NONE)
			next_hop_probe(p, h);
		else
			send_options(p, h, conn);
	}
}
