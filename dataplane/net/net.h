/* SPDX-License-Identifier: BSD-3-Clause */
/* The IP host of one worker: ethernet and IP in and out, neighbours, ICMP, path MTU, and which core owns a
 * flow.
 *
 * One `struct net` per worker, touched by that worker only; one `struct net_shared` per process, made by the
 * cold thread before the workers start. What cores tell each other goes by single-producer rings and by the
 * published neighbour table; nothing here locks, waits or makes a syscall after the create functions. Time is
 * an argument: nanoseconds of CLOCK_MONOTONIC. Addresses are in network order, port numbers in host order.
 *
 * Queue rule: queue q of a port belongs to core q. A core beyond a port's queues receives what the others
 * steer to it, and its frames leave through core (core % tx_queues). */
#ifndef DATAPLANE_NET_NET_H
#define DATAPLANE_NET_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/base/addr.h"

struct rte_mbuf;
struct rte_mempool;
struct net;
struct net_shared;

enum {
	NET_PORTS_MAX = 16,
	NET_CORES_MAX = 64,
	NET_ADDRESSES_MAX = 32, /* per port, as configured */
	NET_NAME_MAX = 32,
	NET_RSS_KEY_LEN = 40,
	NET_RETA_LEN = 128,
	NET_BURST = 64,	   /* more than this a call of net_input is cut into several */
	NET_HEADROOM = 64, /* ethernet + tag + IPv6: what L4 leaves before its header */
	NET_PORT_ANY = -1,
};

enum net_side { NET_EXTERNAL, NET_INTERNAL };

/* As the cold thread sees a port; DOWN discards output by name, LOST as well and for ever. */
enum net_link { NET_LINK_UP, NET_LINK_DOWN, NET_LINK_LOST };

/* Of one own address: TENTATIVE answers nothing, DUPLICATE is given up (RFC 5227, RFC 4862). */
enum net_address_state { NET_ADDRESS_TENTATIVE, NET_ADDRESS_READY, NET_ADDRESS_DUPLICATE };

struct net_prefix {
	struct base_addr addr;
	uint8_t len; /* of the family: 0…32 or 0…128 */
};

struct net_port_config {
	uint16_t dpdk_port;
	char name[NET_NAME_MAX];
	enum net_side side;
	uint8_t mac[6];
	uint16_t mtu;	      /* of IP; 0: 1500 */
	uint16_t vlan;	      /* 0: untagged (a priority tag is accepted) */
	uint16_t tx_queues;   /* ≥ 1 */
	uint64_t tx_offloads; /* RTE_ETH_TX_OFFLOAD_* that were enabled at configure; 0: all in software */
	bool hash_is_ours;    /* the NIC runs our key and table: its RSS hash is used for ownership */
	bool accept_ra;	      /* learn the IPv6 default router and MTU */
	bool has_gateway4, has_gateway6;
	struct base_addr gateway4, gateway6;
	unsigned n_addresses; /* a link-local one is added by itself when there is any IPv6 address */
	struct net_prefix addresses[NET_ADDRESSES_MAX];
};

/* Token buckets, per second: a total is split among the workers (no share below a prefix's rate), a
 * prefix's rate holds on each; a burst is a
 * tenth of a second's worth. 0: the default of README.md, UINT32_MAX: no limit. */
struct net_limits {
	uint32_t echo_total, echo_prefix;   /* answers to ping; a prefix is /24 or /56 */
	uint32_t error_total, error_prefix; /* ICMP errors that we send */
	uint32_t neigh_total;		    /* ARP and NDP answers */
};

struct net_shared_config {
	unsigned n_cores, n_ports;
	struct net_port_config ports[NET_PORTS_MAX];
	uint8_t rss_key[NET_RSS_KEY_LEN]; /* random per start, net_rss_key_fits(); give the same to NICs */
	uint64_t seed;			  /* random per start: table keys, jitter, identifiers */
	struct net_limits limits;
	unsigned steer_slots;	/* of each ring between two cores, 0: 512 */
	bool careful_addresses; /* wait for address probes before use; otherwise addresses answer while they
				   are probed (RFC 4429) so that a restart serves at once */
};

/* Cold, before workers: NULL with errno set (EINVAL: `why` says what; ENOMEM). */
struct net_shared *net_shared_create(const struct net_shared_config *config, const char **why);
/* Cold, after the workers ended. */
void net_shared_destroy(struct net_shared *shared);
/* hash value & 127 → core, for NICs; constant after create */
const uint8_t *net_shared_reta(const struct net_shared *shared);

/* Cold thread, any time. */
void net_link_set(struct net_shared *shared, unsigned port, enum net_link link);
/* Any thread. */
enum net_link net_link_get(const struct net_shared *shared, unsigned port);
/* Any thread: state of the i-th own address of a port (IPv4, then IPv6, then the link-local one).
 * 0, or -ENOENT behind the last one. */
int net_address_get(const struct net_shared *shared, unsigned port, unsigned i, struct net_prefix *prefix,
		    enum net_address_state *state);

/* Pure: whether each core finds a local port for every destination, among any 8,192 ports that begin at a
 * multiple of as many. One random key in some dozens does not: with it some cores could not call some next
 * hops until the next start. */
bool net_rss_key_fits(const uint8_t key[NET_RSS_KEY_LEN]);

/* Pure: the core that owns the TCP flow whose frames reach us with this source and destination (as received:
 * src is remote, dst ours). Whoever opens a connection looks for a local port with owner(remote, local,
 * remote_port, local_port) == own core. */
unsigned net_owner(const struct net_shared *shared, const struct base_addr *src, const struct base_addr *dst,
		   uint16_t sport, uint16_t dport);

/* ---- upward ---- */

/* A TCP segment for one of our addresses. `m` belongs to the receiver; its data begins at the TCP header and
 * ends with the datagram (no padding). The first mbuf holds at least the 20 fixed bytes of the header and its
 * options if they are as long as the data offset says; only jumbo datagrams come chained. The checksum is
 * right. */
struct net_packet {
	struct rte_mbuf *m;
	struct base_addr src, dst;
	uint8_t ecn; /* two bits, RFC 3168 */
	uint8_t hop_limit;
	uint8_t port;
};

struct net_tuple {
	struct base_addr local, remote;
	uint16_t local_port, remote_port;
};

enum net_error {
	NET_ERROR_UNREACHABLE, /* soft: net, host, admin, source route, hop limit, parameter: RFC 1122 4.2.3.9
				*/
	NET_ERROR_REFUSED, /* port or protocol unreachable: hard by the RFC, soft by RFC 5461 when established
			    */
	NET_ERROR_TOO_BIG, /* RFC 1191, RFC 8201: mtu is what the router said, floored at the family's minimum
			    */
};

struct net_icmp_error {
	struct net_tuple tuple;
	enum net_error kind;
	uint32_t seq; /* of the segment that the error is about: RFC 5927 */
	uint16_t mtu; /* of IP, with TOO_BIG */
};

struct net_l4_ops {
	/* At most NET_BURST packets, all owned by this core. Takes every mbuf. */
	void (*input)(void *ctx, struct net_packet *packets, unsigned n, uint64_t now_ns);
	/* True when the flow exists and seq is outstanding: only then is the path MTU learned. Runs on the
	 * owner. */
	bool (*icmp_error)(void *ctx, const struct net_icmp_error *error, uint64_t now_ns);
};

/* ---- what is counted ---- */

struct net_metric {
	const char *name, *help;
};

/* Where one arriving frame ends: exactly one of counter delivered/answered/consumed/steered_out or one drop.
 */
enum net_drop {
#define X(name, help) NET_DROP_##name,
#include "dataplane/net/net_drop.def"
#undef X
	NET_DROPS
};

/* Where one of our own frames ends that is not sent. */
enum net_output_drop {
#define X(name, help) NET_OUTPUT_DROP_##name,
#include "dataplane/net/net_output_drop.def"
#undef X
	NET_OUTPUT_DROPS
};

enum net_counter {
#define X(name, help) NET_COUNTER_##name,
#include "dataplane/net/net_counter.def"
#undef X
	NET_COUNTERS
};

extern const struct net_metric net_drop_info[NET_DROPS];
extern const struct net_metric net_output_drop_info[NET_OUTPUT_DROPS];
extern const struct net_metric net_counter_info[NET_COUNTERS];

/* Written by one worker alone, with plain 64-bit stores; others may read at any time. */
struct net_stats {
	uint64_t counters[NET_COUNTERS];
	uint64_t drops[NET_DROPS];
	uint64_t output_drops[NET_OUTPUT_DROPS];
};

/* ---- one worker ---- */

/* Cold, before the worker runs. `pool` gives the mbufs of ARP, NDP and probes; `ops` and `ctx` outlive the
 * net; `stats` is where to count (a shared file may hold it; NULL: an own place). NULL with errno set. */
struct net *net_create(struct net_shared *shared, unsigned core, struct rte_mempool *pool,
		       const struct net_l4_ops *ops, void *ctx, struct net_stats *stats);
/* Cold, after the worker ended: frees what is queued. */
void net_destroy(struct net *net);
const struct net_stats *net_stats_get(const struct net *net);

/* The rest is for the worker of `net` only. */

/* Takes n received frames of port `port` (index in net_shared_config). */
void net_input(struct net *net, unsigned port, struct rte_mbuf **frames, unsigned n, uint64_t now_ns);
/* Takes what other cores sent here; how many frames and messages there were. */
unsigned net_steered(struct net *net, uint64_t now_ns);
/* Call once per turn: cheap when nothing is due. How many timers ran. */
unsigned net_timers(struct net *net, uint64_t now_ns);
/* Sends what is queued (frames and steered ones); how many left. */
unsigned net_flush(struct net *net, uint64_t now_ns);

enum net_output {
	NET_OUTPUT_QUEUED,  /* leaves with the next net_flush, or waits for its neighbour's answer */
	NET_OUTPUT_DROPPED, /* counted by name in output_drops; the mbuf is gone */
};

/* Takes `m`, whose data is an L4 header and payload (chained as it likes, headroom ≥ NET_HEADROOM, refcnt of
 * the first mbuf 1), and sends it as one datagram from `src`, which must be an own address. For TCP the
 * checksum field is filled here. `tos`: DSCP and ECN bits. `port`: NET_PORT_ANY takes the port that has
 * `src`. Datagrams over the port's MTU are dropped unless m->tso_segsz is set and net_tso() says yes. */
enum net_output net_ip_output(struct net *net, struct rte_mbuf *m, const struct base_addr *src,
			      const struct base_addr *dst, uint8_t proto, uint8_t tos, int port,
			      uint64_t now_ns);

/* Largest datagram that fits the path as far as we know; 0: `src` is not ours. */
uint16_t net_path_mtu(const struct net *net, const struct base_addr *src, const struct base_addr *dst,
		      uint64_t now_ns);
/* The port that has `src` as a ready own address; -1: none. */
int net_port_of(const struct net_shared *shared, const struct base_addr *src);
/* Does the port cut large TCP segments itself? */
bool net_tso(const struct net_shared *shared, unsigned port);
enum net_side net_port_side(const struct net_shared *shared, unsigned port);
/* An own address on the port that can speak to dst: the longest common on-link prefix first. 0 or -ENOENT. */
int net_source_for(const struct net_shared *shared, enum net_side side, const struct base_addr *dst,
		   struct base_addr *src);

#endif
