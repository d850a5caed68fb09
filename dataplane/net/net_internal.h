/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of net/ share. Nobody else includes this but their tests. */
#ifndef DATAPLANE_NET_NET_INTERNAL_H
#define DATAPLANE_NET_NET_INTERNAL_H

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "dataplane/base/rng.h"
#include "dataplane/net/gcra.h"
#include "dataplane/net/neigh.h"
#include "dataplane/net/neigh_request.h"
#include "dataplane/net/neigh_table.h"
#include "dataplane/net/net.h"
#include "dataplane/net/own_address.h"
#include "dataplane/net/path_mtu.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ip6.h"

enum {
	NET_NEIGH_CORE = 0, /* runs the neighbour machine and the own addresses */
	NET_TXQ = 256,	    /* frames that wait for net_flush, per port */
	NET_STEER_BURST = 32,
	NET_SUM_SHORT = 128, /* bytes up to which no vector is worth its while */
	NET_AHEAD = 8,	     /* frames whose data is asked for ahead of use */
	NET_NEXT_HOPS = 256, /* cache of one core; a power of two */
	NET_WAITS = 32,	     /* neighbours that one core waits for */
	NET_WAIT_FRAMES =
		64, /* for one of them: a gateway may have the first segments of many flows to carry */
	NET_WAIT_BYTES = 98304,
	NET_WAIT_TOTAL = 512, /* for all of them: a sender of forged sources cannot hold more of the pool */
	NET_PREFIX_BUCKETS = 1024,
	NET_OWN_MAX = NET_ADDRESSES_MAX + 1,
	NET_HEADERS_MIN =
		128, /* of a chained frame, in its first buffer: everything up to TCP's options, usually */
};

#define NET_WAIT_NS	  UINT64_C(4000000000) /* three questions and a bit */
#define NET_WAIT_CHECK_NS UINT64_C(100000000)
#define NET_TICK_NS	  UINT64_C(10000000) /* of what is looked at now and then on the neighbour core */

struct net_own {
	struct base_addr addr;
	uint8_t prefix_len;
	_Atomic uint8_t state; /* enum net_address_state; written by the neighbour core */
};

/* Constant after create but for the atomics. */
struct net_port {
	uint16_t dpdk_port;
	uint16_t vlan, tx_queues;
	uint8_t mac[6];
	uint8_t side;
	bool hash_is_ours, accept_ra, has_gateway4, has_gateway6;
	uint8_t n_own4, n_own; /* IPv4 first */
	struct net_own own[NET_OWN_MAX];
	uint64_t tx_offloads;
	struct base_addr gateway4, gateway6;
	_Atomic uint8_t link; /* enum net_link; written by the cold thread */
	_Atomic uint16_t mtu; /* written by the neighbour core when a router advertises less */
	uint16_t mtu_configured;
	_Atomic uint64_t router; /* low half of the learned router's link-local address; 0: none */
};

struct net_shared {
	unsigned n_cores, n_ports;
	bool careful;
	wire_sum_fn sum;
	uint64_t seed;
	uint64_t key[2]; /* of hashes that are no secret to us */
	struct gcra_rate echo_total, echo_prefix, error_total, error_prefix, neigh_total;
	struct net_port ports[NET_PORTS_MAX];
	struct neigh_table *neighbours;
	struct neigh_request_ring *requests[NET_CORES_MAX];   /* core → neighbour core */
	struct rte_ring *steer[NET_CORES_MAX][NET_CORES_MAX]; /* [from][to], single producer and consumer */
	uint8_t reta[NET_RETA_LEN];
	/* Toeplitz by nibbles: the hash of a string is the exclusive or of one word per nibble */
	uint32_t toeplitz[72][16];
};

struct next_hop {
	struct base_addr dst;
	uint32_t generation; /* of the neighbour table when this was read; 0: empty */
	int32_t slot;
	uint32_t touched_s, verified_s;
	uint8_t mac[6];
	uint8_t port;
	struct base_addr hop;
};

struct net_wait {
	struct base_addr hop;
	uint64_t deadline;
	uint32_t bytes;
	uint8_t port, n;
	struct rte_mbuf *frames[NET_WAIT_FRAMES]; /* at their IP header, oldest first */
};

struct net_txq {
	unsigned n;
	uint32_t stuck_s; /* since when the device takes nothing; 0: it does */
	struct rte_mbuf *frames[NET_TXQ];
};

struct net_stage {
	unsigned n;
	struct rte_mbuf *frames[NET_STEER_BURST];
};

/* The neighbour core's own part. */
struct net_neigh {
	struct neigh machine;
	struct own_address own[NET_PORTS_MAX][NET_OWN_MAX];
	uint8_t nonce[6]; /* RFC 7527 */
	uint8_t link_seen[NET_PORTS_MAX];
	uint64_t next_tick;
	uint64_t answers_full_at;
	uint64_t router_until[NET_PORTS_MAX];
	uint64_t solicit_at[NET_PORTS_MAX];
	uint8_t solicits[NET_PORTS_MAX];
};

struct net {
	struct net_shared *shared;
	unsigned core;
	uint32_t now_s;
	uint64_t output_dropped; /* all reasons: tells net_ip_output whether its frame is gone */
	struct net_stats *stats;
	const struct net_l4_ops *ops;
	void *ctx;
	struct rte_mempool *pool;
	struct net_neigh *neigh; /* NULL on other cores */
	struct base_rng rng;
	unsigned n_up, n_dead, n_waits, n_waiting;
	uint32_t wait_generation;
	uint64_t wait_check, failed_asked;
	uint64_t echo_full_at, error_full_at;
	struct net_packet up[NET_BURST];
	struct rte_mbuf *dead[NET_BURST];
	struct next_hop next_hops[NET_NEXT_HOPS];
	struct net_txq txq[NET_PORTS_MAX];
	struct net_stage stage[NET_CORES_MAX];
	struct net_wait waits[NET_WAITS];
	struct path_mtu paths;
	uint64_t echo_buckets[NET_PREFIX_BUCKETS], error_buckets[NET_PREFIX_BUCKETS];
	struct net_stats own_stats;
};

/* Where a frame went. Zero and above: enum net_drop, counted and freed by whoever asked. */
enum {
	NET_DELIVERED = -1,
	NET_ANSWERED = -2,
	NET_CONSUMED = -3, /* freed by whoever asked */
	NET_STEERED = -4,
	NET_ANSWERED_APART = -5, /* with another buffer: this one is freed by whoever asked */
	NET_ERROR_SENT = 0x100,	 /* or-ed to a drop: its buffer left as an ICMP error */
};

/* What steered frames are; they begin at their network header, m->l3_len is set, with ND l2_len too. */
enum net_steer_kind {
	NET_STEER_TCP4,
	NET_STEER_TCP6,
	NET_STEER_ERROR4,
	NET_STEER_ERROR6,
	NET_STEER_ARP,
	NET_STEER_ND,
	NET_STEER_TX, /* a whole frame, for the transmit queue of the receiver */
};

/* Headers and the first bytes behind them: of a ping, all that is summed. */
static inline void net_frame_prefetch(struct rte_mbuf *m)
{
	const char *data = rte_pktmbuf_mtod(m, const char *);

	rte_prefetch0(data);
	rte_prefetch0(data + RTE_CACHE_LINE_SIZE);
}

/* Frames come out of another core's cache or the device's, and two lines each of buffer and data are used:
 * they are asked for well before. The buffers' own lines for the whole burst, since a burst is small; */
static inline void net_burst_prefetch(struct rte_mbuf **frames, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		rte_mbuf_prefetch_part1(frames[i]);
		rte_mbuf_prefetch_part2(frames[i]);
	}
	for (unsigned i = 0; i < n && i < NET_AHEAD; i++)
		net_frame_prefetch(frames[i]);
}

/* the data of a few frames behind the i-th. */
static inline void net_ahead_prefetch(struct rte_mbuf **frames, unsigned n, unsigned i)
{
	if (i + NET_AHEAD < n)
		net_frame_prefetch(frames[i + NET_AHEAD]);
}

static inline void net_count(struct net *net, enum net_counter counter)
{
	net->stats->counters[counter]++;
}

static inline void net_output_drop(struct net *net, struct rte_mbuf *m, enum net_output_drop why)
{
	net->stats->output_drops[why]++;
	net->output_dropped++;
	rte_pktmbuf_free(m);
}

static inline uint64_t net_mix(const struct net_shared *shared, uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)(a ^ shared->key[0]) * (b ^ shared->key[1]);

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static inline uint16_t net_mtu(const struct net_port *port)
{
	/* relaxed: a number on its own */
	return atomic_load_explicit(&port->mtu, memory_order_relaxed);
}

static inline bool net_own_ready(const struct net_own *own)
{
	return atomic_load_explicit(&own->state, memory_order_relaxed) == NET_ADDRESS_READY;
}

/* The own address of a port that equals addr, in any state; NULL: none. */
static inline const struct net_own *net_own4(const struct net_port *port, uint32_t addr_as_it_lies)
{
	for (unsigned i = 0; i < port->n_own4; i++)
		if (port->own[i].addr.w[3] == addr_as_it_lies)
			return &port->own[i];
	return NULL;
}

static inline const struct net_own *net_own6(const struct net_port *port, const struct base_addr *addr)
{
	for (unsigned i = port->n_own4; i < port->n_own; i++)
		if (base_addr_equal(&port->own[i].addr, addr))
			return &port->own[i];
	return NULL;
}

/* Sum of len bytes of a chain from offset. */
static inline uint32_t net_mbuf_sum(const struct net_shared *shared, const struct rte_mbuf *m,
				    uint32_t offset, uint32_t len)
{
	uint64_t sum = 0;
	bool odd = false;

	if (likely(offset + len <= m->data_len)) {
		const uint8_t *p = rte_pktmbuf_mtod_offset(m, const uint8_t *, offset);

		return len <= NET_SUM_SHORT ? wire_sum_fold(wire_sum_short(p, len)) : shared->sum(p, len);
	}
	for (; m != NULL && len > 0; m = m->next) {
		uint32_t part;

		if (offset >= m->data_len) {
			offset -= m->data_len;
			continue;
		}
		part = m->data_len - offset < len ? m->data_len - offset : len;
		if (odd)
			sum += wire_sum_odd(
				shared->sum(rte_pktmbuf_mtod_offset(m, const uint8_t *, offset), part));
		else
			sum += shared->sum(rte_pktmbuf_mtod_offset(m, const uint8_t *, offset), part);
		odd ^= part & 1;
		len -= part;
		offset = 0;
	}
	return wire_sum_fold(sum);
}

/* owner.c: for net_shared_create */
void net_owner_init(struct net_shared *shared, const uint8_t key[NET_RSS_KEY_LEN]);

/* tcp_input.c */
int net_tcp_input(struct net *net, unsigned port, struct rte_mbuf *m, bool v4, unsigned l3_len);
/* On the owner. The frame begins at its network header. */
int net_tcp_local(struct net *net, unsigned port, struct rte_mbuf *m, bool v4, unsigned l3_len);

/* ip4_input.c, ip6_input.c: the frame begins at its network header; for IPv6 (NDP looks at it later, perhaps
 * on another core) m->l2_len bytes before that is ethernet */
int net_ip4_input(struct net *net, unsigned port, struct rte_mbuf *m, const uint8_t *eth_source,
		  bool l2_group, uint64_t now_ns);
int net_ip6_input(struct net *net, unsigned port, struct rte_mbuf *m, bool l2_group, uint64_t now_ns);
/* arp_input.c, nd_input.c: on the neighbour core */
int net_arp_input(struct net *net, unsigned port, struct rte_mbuf *m, uint64_t now_ns);
int net_nd_input(struct net *net, unsigned port, struct rte_mbuf *m, unsigned l3_len, uint64_t now_ns);

/* icmp_input.c: dst is ready and ours, or a group that we joined */
int net_icmp4_input(struct net *net, unsigned port, struct rte_mbuf *m, uint64_t now_ns);
int net_icmp6_input(struct net *net, unsigned port, struct rte_mbuf *m, const struct wire_ip6 *ip6,
		    bool group, uint64_t now_ns);
/* On the owner. */
int net_icmp_error_local(struct net *net, unsigned port, struct rte_mbuf *m, bool v4, unsigned l3_len,
			 uint64_t now_ns);

/* icmp_error.c: answer the datagram at m with an error, in its own buffer, when the rules and the rate allow.
 * Returns `why`, with NET_ERROR_SENT when the buffer is gone. */
int net_icmp4_error_send(struct net *net, unsigned port, struct rte_mbuf *m, uint8_t type, uint8_t code,
			 enum net_drop why, uint64_t now_ns);
int net_icmp6_error_send(struct net *net, unsigned port, struct rte_mbuf *m, uint8_t type, uint8_t code,
			 uint32_t pointer, bool to_group_too, enum net_drop why, uint64_t now_ns);
/* icmp_input.c: a token of the total and one of src's prefix, or none of either. */
bool net_prefix_token(struct net *net, uint64_t *total, const struct gcra_rate *total_rate, uint64_t *buckets,
		      const struct gcra_rate *prefix_rate, const struct base_addr *src, uint64_t now_ns,
		      bool *total_is_empty);

/* net_next_hop.c */
enum next_hop_result { NEXT_HOP_READY, NEXT_HOP_WAIT, NEXT_HOP_FAILED, NEXT_HOP_NO_ROUTE };
/* READY: *found is set. WAIT and FAILED: *hop is whom we need. */
enum next_hop_result next_hop_find(struct net *net, unsigned port, const struct base_addr *dst,
				   const struct next_hop **found, struct base_addr *hop);
/* A frame of src came from station mac: when the cache knows better, the neighbour core is told. */
void next_hop_seen(struct net *net, unsigned port, const struct base_addr *src, const uint8_t *mac,
		   uint64_t now_ns);
/* To the neighbour core, directly or by ring. */
void net_neigh_ask(struct net *net, enum neigh_ask ask, unsigned port, const struct base_addr *addr,
		   uint64_t now_ns);
bool net_prefix_match(const struct net_own *own, const struct base_addr *addr);

/* wait.c */
void net_wait_add(struct net *net, unsigned port, const struct base_addr *hop, struct rte_mbuf *m,
		  uint64_t now_ns);
unsigned net_wait_check(struct net *net, uint64_t now_ns);

/* transmit.c: a frame at its network header, whole, for this station; the queue is left with net_flush */
void net_transmit(struct net *net, unsigned port, struct rte_mbuf *m, const uint8_t mac[6], uint16_t type);
/* A whole frame into this core's queue. */
void net_transmit_queue(struct net *net, unsigned port, struct rte_mbuf *m);
unsigned net_transmit_flush(struct net *net);

/* net_output.c: an address to speak from on this port; 0 or -ENOENT */
int net_source_on(const struct net_port *port, const struct base_addr *dst, struct base_addr *src);
/* A whole datagram of ours, towards dst. */
void net_send(struct net *net, unsigned port, struct rte_mbuf *m, const struct base_addr *dst,
	      uint64_t now_ns);

/* steer.c */
int net_steer(struct net *net, unsigned to, struct rte_mbuf *m, enum net_steer_kind kind, unsigned port);
/* Our own output, through the queue of another core. */
void net_steer_tx(struct net *net, unsigned to, struct rte_mbuf *m, unsigned port);
void net_steer_flush(struct net *net);

/* net_input.c: books one frame's end, and sends what was collected upward */
void net_settle(struct net *net, struct rte_mbuf *m, int verdict);
void net_deliver(struct net *net, uint64_t now_ns);

/* own_addresses.c: on the neighbour core */
int net_neigh_start(struct net *net);
unsigned net_neigh_timers(struct net *net, uint64_t now_ns);
/* Another station speaks for the address. */
void net_own_conflict(struct net *net, unsigned port, const struct net_own *own, uint64_t now_ns);
void net_router_learned(struct net *net, unsigned port, const struct base_addr *router, uint16_t lifetime_s,
			uint32_t mtu, uint64_t now_ns);

/* neigh_send.c */
void net_arp_send(struct net *net, unsigned port, uint16_t op, const uint8_t sender_ip[4],
		  const uint8_t target_ip[4], const uint8_t *target_mac);
bool net_ns_send(struct net *net, unsigned port, const struct base_addr *target, const uint8_t *mac,
		 bool probe);
void net_na_send(struct net *net, unsigned port, const struct base_addr *target, const struct base_addr *dst,
		 const uint8_t *mac, uint8_t flags);
void net_rs_send(struct net *net, unsigned port);
bool net_solicit(void *ctx, unsigned port, const struct base_addr *addr, const uint8_t *mac);

#endif
