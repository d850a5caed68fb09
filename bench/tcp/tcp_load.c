/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/tcp/tcp_load.h"

#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "dataplane/tcp/header.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/eth.h"
#include "dataplane/wire/ip4.h"

enum { ETH = 14, IP = 20, FIRST_PORT = 1024 };

static const uint8_t gateway_mac[6] = {2, 0, 0, 0, 0, 1};

static uint16_t tcp_sum(const struct load *l, const uint8_t *ip, const uint8_t *tcp, uint32_t len)
{
	return wire_sum_fold(wire_sum_pseudo(ip + 12, ip + 16, 4, 6, len) + l->sum->sum(tcp, len));
}

static void client_ip(uint32_t i, uint8_t ip[4])
{
	uint32_t a = 0x0a000001 + i / LOAD_PORTS;

	ip[0] = (uint8_t)(a >> 24);
	ip[1] = (uint8_t)(a >> 16);
	ip[2] = (uint8_t)(a >> 8);
	ip[3] = (uint8_t)a;
}

uint8_t load_byte(uint32_t at)
{
	return (uint8_t)(at * 31 + (at >> 7));
}

static struct rte_mbuf *frame(struct load *l, uint32_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(l->pool);

	if (!m)
		abort();
	m->data_len = (uint16_t)len;
	m->pkt_len = len;
	return m;
}

static void put(struct load *l, struct rte_mbuf *m)
{
	l->burst[l->n_burst++] = m;
	if (l->n_burst == LOAD_BURST)
		load_flush(l);
}

void load_flush(struct load *l)
{
	if (l->n_burst && rte_ring_enqueue_bulk(l->to, (void **)l->burst, l->n_burst, NULL) != l->n_burst)
		abort();
	l->n_burst = 0;
}

void load_send(struct load *l, uint32_t i, uint8_t flags, const void *data, uint32_t len)
{
	struct load_client *c = &l->clients[i];
	struct tcp_segment s = {.sport = (uint16_t)(FIRST_PORT + i % LOAD_PORTS),
				.dport = l->box_port,
				.seq = c->seq,
				.ack = (flags & TCP_ACK) ? c->rcv : 0,
				.window = 65535,
				.flags = flags};
	unsigned hl;
	struct rte_mbuf *m;
	uint8_t *p, ip[4];
	uint16_t sum;

	s.opt.has_ts = true;
	s.opt.ts_val = ++l->ts >> 4;
	s.opt.ts_ecr = c->ts_ecr;
	if (flags & TCP_SYN) {
		s.opt.has_mss = s.opt.has_sack_ok = s.opt.has_scale = true;
		s.opt.mss = 1460;
		s.opt.scale = 7;
	}
	hl = tcp_header_len(&s.opt);
	m = frame(l, ETH + IP + hl + len);
	p = rte_pktmbuf_mtod(m, uint8_t *);
	wire_eth_emit(p, l->box_mac, gateway_mac, 0, WIRE_ETH_IP4);
	client_ip(i, ip);
	wire_ip4_emit(p + ETH, 0, (uint16_t)(IP + hl + len), 0, true, 64, 6, ip, l->box_ip);
	tcp_header_write(p + ETH + IP, &s, hl);
	if (len)
		memcpy(p + ETH + IP + hl, data, len);
	sum = (uint16_t)~tcp_sum(l, p + ETH, p + ETH + IP, hl + len);
	memcpy(p + ETH + IP + 16, &sum, 2);
	c->seq += len + !!(flags & TCP_SYN) + !!(flags & TCP_FIN);
	put(l, m);
}

static void arp(struct load *l, const uint8_t *p)
{
	struct rte_mbuf *m;
	uint8_t *q;

	/* who has 198.18.1.1? */
	if (p[21] != 1 || memcmp(p + 38, "\xc6\x12\x01\x01", 4))
		return;
	m = frame(l, 60);
	q = rte_pktmbuf_mtod(m, uint8_t *);
	memset(q, 0, 60);
	memcpy(q, p + 6, 6);
	memcpy(q + 6, gateway_mac, 6);
	memcpy(q + 12, p + 12, 8);
	q[21] = 2;
	memcpy(q + 22, gateway_mac, 6);
	memcpy(q + 28, p + 38, 4);
	memcpy(q + 32, p + 22, 10);
	put(l, m);
}

static void judge(struct load *l, const uint8_t *p, uint32_t frame_len)
{
	struct tcp_segment s;
	uint32_t total = (uint32_t)p[ETH + 2] << 8 | p[ETH + 3], i;
	struct load_client *c;
	const uint8_t *tcp = p + ETH + IP;
	bool right = true;

	if (total + ETH > frame_len || tcp_sum(l, p + ETH, tcp, total - IP) != 0xffff ||
	    tcp_header_parse(&s, tcp, total - IP, total - IP) != TCP_HEADER_OK) {
		l->wrong++;
		return;
	}
	i = ((uint32_t)p[ETH + 18] << 8 | p[ETH + 19]) - 1;
	i = i * LOAD_PORTS + s.dport - FIRST_PORT;
	if (i >= l->n_clients) {
		l->wrong++;
		return;
	}
	c = &l->clients[i];
	c->ts_ecr = s.opt.ts_val;
	if (s.flags & TCP_RST) {
		l->resets++;
		return;
	}
	if (s.flags & TCP_SYN) {
		l->syn_acks++;
		c->rcv = s.seq + 1;
		right = s.ack == c->seq && (s.flags & TCP_ACK);
	} else if (l->data && s.len && (int32_t)(s.seq + s.len - c->rcv) <= 0) {
		/* once more: this process had to wait for its core for longer than a retransmission timer */
		load_send(l, i, TCP_ACK, NULL, 0);
	} else {
		right = s.seq == c->rcv && (int32_t)(c->seq - s.ack) >= 0;
		if (l->data && s.len && right)
			l->data(l->ctx, i, tcp + s.header_len, s.len);
		for (uint32_t k = 0; !l->data && k < s.len && right; k += s.len > 600 ? 97 : 1)
			right = tcp[s.header_len + k] == load_byte(k);
		c->rcv += s.len + !!(s.flags & TCP_FIN);
		l->fins += !!(s.flags & TCP_FIN);
		l->acks += s.len == 0;
		l->data_bytes += s.len;
		l->data_segments += s.len != 0;
		if (l->ack_data && s.len && ++l->unacked % 2 == 0)
			load_send(l, i, TCP_ACK, NULL, 0);
	}
	l->wrong += !right;
}

unsigned load_take(struct load *l)
{
	struct rte_mbuf *m[LOAD_BURST];
	unsigned n = rte_ring_dequeue_burst(l->from, (void **)m, LOAD_BURST, NULL);

	for (unsigned k = 0; k < n; k++) {
		const uint8_t *p = rte_pktmbuf_mtod(m[k], const uint8_t *);

		l->frames++;
		if (p[12] == 8 && p[13] == 6)
			arp(l, p);
		else if (p[12] == 8 && p[13] == 0)
			judge(l, p, m[k]->pkt_len);
		rte_pktmbuf_free(m[k]);
	}
	return n;
}
