/* SPDX-License-Identifier: BSD-3-Clause */
/* A net without a NIC: two ports over rings, as many cores as wanted (all turned by this thread), a clock by
 * hand, and whatever left the ports to be pulled as bytes. For unit, replay and fuzz. */
#ifndef TESTS_UNIT_NET_NET_RIG_H
#define TESTS_UNIT_NET_NET_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/net/net.h"

enum {
	RIG_PORTS = 2,
	RIG_CORES_MAX = 4,
	RIG_FRAME_MAX = 9216,
	RIG_UP_MAX = 256,
};

#define RIG_SECOND UINT64_C(1000000000)

struct rig_up {
	struct base_addr src, dst;
	uint8_t ecn, hop_limit, port, core;
	uint16_t len;
	uint8_t bytes[128];
};

struct rig {
	struct net_shared_config config;
	struct net_shared *shared;
	struct net *nets[RIG_CORES_MAX];
	struct net_stats stats[RIG_CORES_MAX];
	unsigned n_cores;
	uint64_t now_ns;
	unsigned n_up; /* segments that went up, the first RIG_UP_MAX of them kept */
	struct rig_up up[RIG_UP_MAX];
	unsigned n_errors; /* ICMP errors that went up */
	struct net_icmp_error error;
	unsigned error_core;
	bool error_answer; /* what the upper layer says to them */
	unsigned room;	   /* data room of the buffers, 0: 2048 */
};

/* Once per process: EAL, pools, ports. Ends the process with 77 when EAL cannot run here. */
void rig_begin(void);

/* config: port 0 external 198.51.100.2/24 and 2001:db8:1::2/64, gateways .1 and ::1; port 1 internal
 * 203.0.113.2/24 and 2001:db8:2::2/64. Change it, then rig_start. */
void rig_default(struct rig *rig, unsigned n_cores);
/* 0, or ends the test. The clock is at 1000 s. */
void rig_start(struct rig *rig);
/* Checks the books of rig_books and that no buffer is lost. */
void rig_stop(struct rig *rig);

/* Gives a frame to a core, in one buffer or cut into buffers of `cut` bytes (0: one). */
void rig_push(struct rig *rig, unsigned core, unsigned port, const void *frame, size_t len);
void rig_push_cut(struct rig *rig, unsigned core, unsigned port, const void *frame, size_t len, size_t cut);
/* Steered, timers and flush on every core until nothing moves. */
void rig_turn(struct rig *rig);
/* Moves the clock in steps of at most 10 ms, with a turn each. */
void rig_advance(struct rig *rig, uint64_t ns);
/* Next frame that left the port, or 0. */
size_t rig_pull(struct rig *rig, unsigned port, uint8_t frame[RIG_FRAME_MAX]);
/* Throws away what left; how many frames. */
unsigned rig_drain(struct rig *rig);

uint64_t rig_counter(const struct rig *rig, enum net_counter counter);
uint64_t rig_drop(const struct rig *rig, enum net_drop drop);
uint64_t rig_output_drop(const struct rig *rig, enum net_output_drop drop);
/* frames in = delivered + answered + consumed + drops, and steered out = in; NULL, or what is wrong */
const char *rig_books(const struct rig *rig);
/* Buffers out of the pool. */
unsigned rig_buffers(void);
/* A buffer of len bytes with NET_HEADROOM in front. */
struct rte_mbuf *rig_buffer(const void *bytes, size_t len);
/* The same in pieces of at most `cut` bytes. */
struct rte_mbuf *rig_buffer_cut(const void *bytes, size_t len, size_t cut);

/* The port's own and a peer's station. */
extern const uint8_t rig_mac[RIG_PORTS][6];
extern const uint8_t rig_peer[6];

/* Frame builders: each returns the length. src and dst are text. */
size_t rig_eth(uint8_t *out, const uint8_t *dst, const uint8_t *src, uint16_t type);
size_t rig_ip4(uint8_t *out, const uint8_t *mac, const char *src, const char *dst, uint8_t proto,
	       const void *payload, size_t len);
size_t rig_ip6(uint8_t *out, const uint8_t *mac, const char *src, const char *dst, uint8_t next,
	       uint8_t hop_limit, const void *payload, size_t len);
size_t rig_arp(uint8_t *out, const uint8_t *eth_dst, uint16_t op, const uint8_t *sha, const char *spa,
	       const uint8_t *tha, const char *tpa);
/* ICMP message with its checksum; for IPv6 the pseudo header is that of src and dst */
size_t rig_icmp4(uint8_t *out, const char *src, const char *dst, uint8_t type, uint8_t code, const void *rest,
		 size_t len);
size_t rig_icmp6(uint8_t *out, const uint8_t *mac, const char *src, const char *dst, uint8_t hop_limit,
		 uint8_t type, uint8_t code, const void *rest, size_t len);
/* A TCP segment of `len` bytes of payload, checksum right. */
size_t rig_tcp(uint8_t *out, const char *src, const char *dst, uint16_t sport, uint16_t dport, size_t len);
/* Answers every ARP request and neighbour solicitation that left a port with rig_peer; other frames stay
 * away. How many answers. */
unsigned rig_answer(struct rig *rig, unsigned port);
struct base_addr rig_addr(const char *text);

#endif
