/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/net/net_rig.h"

#include <arpa/inet.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "dataplane/wire/arp.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/eth.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ip6.h"
#include "dataplane/wire/ndp.h"
#include "dataplane/wire/tcp_header.h"

const uint8_t rig_mac[RIG_PORTS][6] = {{2, 0, 0, 0, 0, 0xa0}, {2, 0, 0, 0, 0, 0xa1}};
const uint8_t rig_peer[6] = {2, 0, 0, 0, 0, 0xb0};

/* of the process: EAL can be started once only */
static struct rte_mempool *pool;
static struct rte_ring *tx[RIG_PORTS][RIG_CORES_MAX];
static uint16_t ports[RIG_PORTS];

static void fail(const char *what)
{
	fprintf(stderr, "rig: %s\n", what);
	abort();
}

static void port_begin(unsigned i)
{
	struct rte_eth_conf conf = {0};
	struct rte_ring *rx[RIG_CORES_MAX];
	char name[32];
	int port;

	for (unsigned q = 0; q < RIG_CORES_MAX; q++) {
		snprintf(name, sizeof(name), "tx%u_%u", i, q);
		tx[i][q] = rte_ring_create(name, 1024, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
		snprintf(name, sizeof(name), "rx%u_%u", i, q);
		rx[q] = rte_ring_create(name, 64, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	}
	snprintf(name, sizeof(name), "rig%u", i);
	port = rte_eth_from_rings(name, rx, RIG_CORES_MAX, tx[i], RIG_CORES_MAX, 0);
	if (port < 0)
		fail("no ring port");
	ports[i] = (uint16_t)port;
	if (rte_eth_dev_configure(ports[i], RIG_CORES_MAX, RIG_CORES_MAX, &conf) != 0)
		fail("configure");
	for (uint16_t q = 0; q < RIG_CORES_MAX; q++)
		if (rte_eth_rx_queue_setup(ports[i], q, 64, 0, NULL, pool) != 0 ||
		    rte_eth_tx_queue_setup(ports[i], q, 64, 0, NULL) != 0)
			fail("queue");
	if (rte_eth_dev_start(ports[i]) != 0)
		fail("start");
}

void rig_begin(void)
{
	char *argv[] = {(char *)"rig",
			(char *)"--no-huge",
			(char *)"--no-shconf",
			(char *)"--no-pci",
			(char *)"--no-telemetry",
			(char *)"-m",
			(char *)"128",
			(char *)"-l",
			(char *)"0",
			(char *)"--log-level",
			(char *)"lib.eal:error",
			NULL};
	cpu_set_t before;
	char cpu[16];

	/* EAL pins the thread to the first lcore; tests share a machine, so the pin is taken off again */
	sched_getaffinity(0, sizeof(before), &before);
	for (unsigned i = 0; i < CPU_SETSIZE; i++) {
		if (CPU_ISSET(i, &before)) {
			snprintf(cpu, sizeof(cpu), "%u", i);
			argv[8] = cpu;
			break;
		}
	}
	if (rte_eal_init(11, argv) < 0) {
		printf("EAL does not start here: %s\n", rte_strerror(rte_errno));
		exit(77);
	}
	sched_setaffinity(0, sizeof(before), &before);
	pool = rte_pktmbuf_pool_create("rig", 8191, 64, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (pool == NULL)
		fail("no pool");
	for (unsigned i = 0; i < RIG_PORTS; i++)
		port_begin(i);
}

struct base_addr rig_addr(const char *text)
{
	uint8_t b[16];

	if (inet_pton(AF_INET, text, b) == 1)
		return base_addr_v4(b);
	if (inet_pton(AF_INET6, text, b) == 1)
		return base_addr_v6(b);
	fail("address");
	abort();
}

static void address_add(struct net_port_config *p, const char *text, uint8_t len)
{
	p->addresses[p->n_addresses].addr = rig_addr(text);
	p->addresses[p->n_addresses++].len = len;
}

void rig_default(struct rig *rig, unsigned n_cores)
{
	struct net_shared_config *c = &rig->config;

	memset(rig, 0, sizeof(*rig));
	rig->n_cores = n_cores;
	c->n_cores = n_cores;
	c->n_ports = RIG_PORTS;
	c->seed = 7;
	for (unsigned i = 0; i < NET_RSS_KEY_LEN; i++)
		c->rss_key[i] = (uint8_t)(i * 37 + 11);
	for (unsigned i = 0; i < RIG_PORTS; i++) {
		c->ports[i].dpdk_port = ports[i];
		c->ports[i].side = i == 0 ? NET_EXTERNAL : NET_INTERNAL;
		memcpy(c->ports[i].mac, rig_mac[i], 6);
		c->ports[i].tx_queues = RIG_CORES_MAX;
	}
	address_add(&c->ports[0], "198.51.100.2", 24);
	address_add(&c->ports[0], "2001:db8:1::2", 64);
	address_add(&c->ports[1], "203.0.113.2", 24);
	address_add(&c->ports[1], "2001:db8:2::2", 64);
	c->ports[0].has_gateway4 = true;
	c->ports[0].gateway4 = rig_addr("198.51.100.1");
	c->ports[0].has_gateway6 = true;
	c->ports[0].gateway6 = rig_addr("2001:db8:1::1");
	rig->now_ns = 1000 * RIG_SECOND;
}

struct up_ctx {
	struct rig *rig;
	unsigned core;
};
static struct up_ctx contexts[RIG_CORES_MAX];

static void up_input(void *ctx, struct net_packet *packets, unsigned n, uint64_t now_ns)
{
	struct up_ctx *c = ctx;

	(void)now_ns;
	if (n > NET_BURST)
		fail("a burst is too long");
	for (unsigned i = 0; i < n; i++) {
		struct rig_up *up = &c->rig->up[c->rig->n_up % RIG_UP_MAX];
		struct rte_mbuf *m = packets[i].m;
		const void *p;

		rte_mbuf_sanity_check(m, 1);
		up->src = packets[i].src;
		up->dst = packets[i].dst;
		up->ecn = packets[i].ecn;
		up->hop_limit = packets[i].hop_limit;
		up->port = packets[i].port;
		up->core = (uint8_t)c->core;
		up->len = (uint16_t)m->pkt_len;
		p = rte_pktmbuf_read(m, 0, m->pkt_len < 128 ? m->pkt_len : 128, up->bytes);
		if (p == NULL)
			fail("a segment has less bytes than it says");
		if (p != up->bytes)
			memcpy(up->bytes, p, m->pkt_len < 128 ? m->pkt_len : 128);
		c->rig->n_up++;
		rte_pktmbuf_free(m);
	}
}

static bool up_error(void *ctx, const struct net_icmp_error *error, uint64_t now_ns)
{
	struct up_ctx *c = ctx;

	(void)now_ns;
	c->rig->n_errors++;
	c->rig->error = *error;
	c->rig->error_core = c->core;
	return c->rig->error_answer;
}

static const struct net_l4_ops up_ops = {.input = up_input, .icmp_error = up_error};

void rig_start(struct rig *rig)
{
	const char *why = NULL;

	rig->shared = net_shared_create(&rig->config, &why);
	if (rig->shared == NULL)
		fail(why);
	for (unsigned i = 0; i < rig->n_cores; i++) {
		contexts[i].rig = rig;
		contexts[i].core = i;
		rig->nets[i] = net_create(rig->shared, i, pool, &up_ops, &contexts[i], &rig->stats[i]);
		if (rig->nets[i] == NULL)
			fail("net_create");
	}
}

void rig_stop(struct rig *rig)
{
	const char *wrong;

	rig_turn(rig);
	rig_drain(rig);
	wrong = rig_books(rig);
	if (wrong != NULL)
		fail(wrong);
	for (unsigned i = 0; i < rig->n_cores; i++)
		net_destroy(rig->nets[i]);
	net_shared_destroy(rig->shared);
	if (rig_buffers() != 0)
		fail("buffers are lost");
}

unsigned rig_buffers(void)
{
	return rte_mempool_in_use_count(pool);
}

static struct rte_mbuf *chain_make(const uint8_t *bytes, size_t len, size_t cut)
{
	struct rte_mbuf *head = NULL;
	struct rte_mbuf **at = &head;

	do {
		struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
		size_t part = len < cut ? len : cut;

		if (m == NULL)
			fail("the pool is empty");
		memcpy(rte_pktmbuf_append(m, (uint16_t)part), bytes, part);
		*at = m;
		at = &m->next;
		if (m != head) {
			head->nb_segs++;
			head->pkt_len += (uint32_t)part;
		}
		bytes += part;
		len -= part;
	} while (len > 0);
	return head;
}

struct rte_mbuf *rig_buffer(const void *bytes, size_t len)
{
	return chain_make(bytes, len, 2000);
}

struct rte_mbuf *rig_buffer_cut(const void *bytes, size_t len, size_t cut)
{
	return chain_make(bytes, len, cut);
}

void rig_push_cut(struct rig *rig, unsigned core, unsigned port, const void *frame, size_t len, size_t cut)
{
	struct rte_mbuf *m = chain_make(frame, len, cut);

	net_input(rig->nets[core], port, &m, 1, rig->now_ns);
}

void rig_push(struct rig *rig, unsigned core, unsigned port, const void *frame, size_t len)
{
	rig_push_cut(rig, core, port, frame, len, 2000);
}

void rig_turn(struct rig *rig)
{
	unsigned moved;

	for (unsigned i = 0; i < rig->n_cores; i++)
		net_timers(rig->nets[i], rig->now_ns);
	do {
		moved = 0;
		for (unsigned i = 0; i < rig->n_cores; i++)
			net_flush(rig->nets[i], rig->now_ns);
		for (unsigned i = 0; i < rig->n_cores; i++)
			moved += net_steered(rig->nets[i], rig->now_ns);
		for (unsigned i = 0; i < rig->n_cores; i++)
			net_timers(rig->nets[i], rig->now_ns);
	} while (moved > 0);
	for (unsigned i = 0; i < rig->n_cores; i++)
		net_flush(rig->nets[i], rig->now_ns);
}

void rig_advance(struct rig *rig, uint64_t ns)
{
	uint64_t end = rig->now_ns + ns;

	while (rig->now_ns < end) {
		rig->now_ns = end - rig->now_ns > 10000000 ? rig->now_ns + 10000000 : end;
		rig_turn(rig);
	}
}

size_t rig_pull(struct rig *rig, unsigned port, uint8_t frame[RIG_FRAME_MAX])
{
	(void)rig;
	for (unsigned q = 0; q < RIG_CORES_MAX; q++) {
		struct rte_mbuf *m;
		const void *p;
		size_t len;

		if (rte_ring_sc_dequeue(tx[port][q], (void **)&m) != 0)
			continue;
		rte_mbuf_sanity_check(m, 1);
		len = m->pkt_len;
		p = rte_pktmbuf_read(m, 0, m->pkt_len, frame);
		if (p != frame)
			memcpy(frame, p, len);
		rte_pktmbuf_free(m);
		return len;
	}
	return 0;
}

unsigned rig_drain(struct rig *rig)
{
	uint8_t frame[RIG_FRAME_MAX];
	unsigned n = 0;

	for (unsigned port = 0; port < RIG_PORTS; port++)
		while (rig_pull(rig, port, frame) > 0)
			n++;
	return n;
}

uint64_t rig_counter(const struct rig *rig, enum net_counter counter)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < rig->n_cores; i++)
		sum += rig->stats[i].counters[counter];
	return sum;
}

uint64_t rig_drop(const struct rig *rig, enum net_drop drop)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < rig->n_cores; i++)
		sum += rig->stats[i].drops[drop];
	return sum;
}

uint64_t rig_output_drop(const struct rig *rig, enum net_output_drop drop)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < rig->n_cores; i++)
		sum += rig->stats[i].output_drops[drop];
	return sum;
}

const char *rig_books(const struct rig *rig)
{
	static char text[160];
	uint64_t out = 0;
	uint64_t in = 0;

	for (unsigned i = 0; i < rig->n_cores; i++) {
		const uint64_t *c = rig->stats[i].counters;
		uint64_t ended = c[NET_COUNTER_delivered] + c[NET_COUNTER_answered] +
				 c[NET_COUNTER_consumed] + c[NET_COUNTER_steered_out];

		for (unsigned d = 0; d < NET_DROPS; d++)
			ended += rig->stats[i].drops[d];
		if (c[NET_COUNTER_frames_in] + c[NET_COUNTER_steered_in] != ended) {
			snprintf(text, sizeof(text), "core %u: %lu + %lu frames came, %lu ended", i,
				 c[NET_COUNTER_frames_in], c[NET_COUNTER_steered_in], ended);
			return text;
		}
		out += c[NET_COUNTER_steered_out];
		in += c[NET_COUNTER_steered_in];
	}
	if (out != in) {
		snprintf(text, sizeof(text), "%lu frames steered out, %lu in", out, in);
		return text;
	}
	return NULL;
}

size_t rig_eth(uint8_t *out, const uint8_t *dst, const uint8_t *src, uint16_t type)
{
	wire_eth_emit(out, dst, src, 0, type);
	return WIRE_ETH_LEN;
}

size_t rig_ip4(uint8_t *out, const uint8_t *mac, const char *src, const char *dst, uint8_t proto,
	       const void *payload, size_t len)
{
	struct base_addr s = rig_addr(src);
	struct base_addr d = rig_addr(dst);
	size_t at = rig_eth(out, mac, rig_peer, WIRE_ETH_IP4);

	wire_ip4_emit(out + at, 0, (uint16_t)(WIRE_IP4_LEN + len), 77, true, 61, proto, &s.w[3], &d.w[3]);
	memmove(out + at + WIRE_IP4_LEN, payload, len);
	return at + WIRE_IP4_LEN + len;
}

size_t rig_ip6(uint8_t *out, const uint8_t *mac, const char *src, const char *dst, uint8_t next,
	       uint8_t hop_limit, const void *payload, size_t len)
{
	struct base_addr s = rig_addr(src);
	struct base_addr d = rig_addr(dst);
	size_t at = rig_eth(out, mac, rig_peer, WIRE_ETH_IP6);

	wire_ip6_emit(out + at, 0, (uint16_t)len, next, hop_limit, s.b, d.b);
	memmove(out + at + WIRE_IP6_LEN, payload, len);
	return at + WIRE_IP6_LEN + len;
}

size_t rig_arp(uint8_t *out, const uint8_t *eth_dst, uint16_t op, const uint8_t *sha, const char *spa,
	       const uint8_t *tha, const char *tpa)
{
	struct base_addr s = rig_addr(spa);
	struct base_addr t = rig_addr(tpa);
	struct wire_arp arp = {.op = op};
	size_t at = rig_eth(out, eth_dst, sha, WIRE_ETH_ARP);

	memcpy(arp.sender_mac, sha, 6);
	memcpy(arp.sender_ip, &s.w[3], 4);
	if (tha != NULL)
		memcpy(arp.target_mac, tha, 6);
	memcpy(arp.target_ip, &t.w[3], 4);
	wire_arp_emit(out + at, &arp);
	return at + WIRE_ARP_LEN;
}

size_t rig_icmp4(uint8_t *out, const char *src, const char *dst, uint8_t type, uint8_t code, const void *rest,
		 size_t len)
{
	static uint8_t icmp[RIG_FRAME_MAX];
	const struct wire_sum_kernel *k = wire_sum_pick("scalar");
	uint16_t sum;

	icmp[0] = type;
	icmp[1] = code;
	icmp[2] = 0;
	icmp[3] = 0;
	memcpy(icmp + 4, rest, len);
	sum = (uint16_t)~wire_sum_fold(k->sum(icmp, 4 + len));
	memcpy(icmp + 2, &sum, 2);
	return rig_ip4(out, rig_mac[0], src, dst, WIRE_PROTO_ICMP4, icmp, 4 + len);
}

size_t rig_icmp6(uint8_t *out, const uint8_t *mac, const char *src, const char *dst, uint8_t hop_limit,
		 uint8_t type, uint8_t code, const void *rest, size_t len)
{
	static uint8_t icmp[RIG_FRAME_MAX];
	const struct wire_sum_kernel *k = wire_sum_pick("scalar");
	struct base_addr s = rig_addr(src);
	struct base_addr d = rig_addr(dst);
	uint16_t sum;

	icmp[0] = type;
	icmp[1] = code;
	icmp[2] = 0;
	icmp[3] = 0;
	memcpy(icmp + 4, rest, len);
	sum = (uint16_t)~wire_sum_fold(wire_sum_pseudo(s.b, d.b, 16, WIRE_PROTO_ICMP6, (uint32_t)(4 + len)) +
				       k->sum(icmp, 4 + len));
	memcpy(icmp + 2, &sum, 2);
	return rig_ip6(out, mac, src, dst, WIRE_PROTO_ICMP6, hop_limit, icmp, 4 + len);
}

size_t rig_tcp(uint8_t *out, const char *src, const char *dst, uint16_t sport, uint16_t dport, size_t len)
{
	static uint8_t segment[RIG_FRAME_MAX];
	const struct wire_sum_kernel *k = wire_sum_pick("scalar");
	struct wire_tcp tcp = {.sport = sport,
			       .dport = dport,
			       .seq = 0x01020304,
			       .flags = WIRE_TCP_ACK,
			       .window = 1000,
			       .header_len = WIRE_TCP_LEN};
	struct base_addr s = rig_addr(src);
	struct base_addr d = rig_addr(dst);
	bool v4 = base_addr_is_v4(&s);
	uint32_t total = (uint32_t)(WIRE_TCP_LEN + len);
	uint64_t sum;
	uint16_t word;

	wire_tcp_emit(segment, &tcp);
	for (size_t i = 0; i < len; i++)
		segment[WIRE_TCP_LEN + i] = (uint8_t)(i * 7);
	sum = v4 ? wire_sum_pseudo(&s.w[3], &d.w[3], 4, WIRE_PROTO_TCP, total)
		 : wire_sum_pseudo(s.b, d.b, 16, WIRE_PROTO_TCP, total);
	word = (uint16_t)~wire_sum_fold(sum + k->sum(segment, total));
	memcpy(segment + 16, &word, 2);
	if (v4)
		return rig_ip4(out, rig_mac[0], src, dst, WIRE_PROTO_TCP, segment, total);
	return rig_ip6(out, rig_mac[0], src, dst, WIRE_PROTO_TCP, 64, segment, total);
}

static bool answer_one(struct rig *rig, unsigned port, const uint8_t *f, size_t len)
{
	uint8_t out[128];
	uint8_t rest[28] = {0};
	char src[64];
	char dst[64];

	if (len >= 42 && wire_get16(f + 12) == WIRE_ETH_ARP && wire_get16(f + 20) == WIRE_ARP_REQUEST &&
	    memcmp(f + 28, f + 38, 4) != 0 && wire_get32(f + 28) != 0) {
		inet_ntop(AF_INET, f + 38, src, sizeof(src));
		inet_ntop(AF_INET, f + 28, dst, sizeof(dst));
		rig_push(rig, 0, port, out,
			 rig_arp(out, rig_mac[port], WIRE_ARP_REPLY, rig_peer, src, rig_mac[port], dst));
		return true;
	}
	if (len >= 78 && wire_get16(f + 12) == WIRE_ETH_IP6 && f[54] == WIRE_NDP_NS && (f[22] | f[23]) != 0) {
		inet_ntop(AF_INET6, f + 62, src, sizeof(src));
		inet_ntop(AF_INET6, f + 22, dst, sizeof(dst));
		rest[0] = WIRE_NDP_SOLICITED | WIRE_NDP_OVERRIDE;
		memcpy(rest + 4, f + 62, 16);
		rest[20] = 2;
		rest[21] = 1;
		memcpy(rest + 22, rig_peer, 6);
		rig_push(rig, 0, port, out,
			 rig_icmp6(out, rig_mac[port], src, dst, 255, WIRE_NDP_NA, 0, rest, sizeof(rest)));
		return true;
	}
	return false;
}

unsigned rig_answer(struct rig *rig, unsigned port)
{
	uint8_t frame[RIG_FRAME_MAX];
	unsigned n = 0;
	size_t len;

	while ((len = rig_pull(rig, port, frame)) > 0)
		n += answer_one(rig, port, frame, len);
	rig_turn(rig);
	return n;
}
