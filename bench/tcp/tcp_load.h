/* SPDX-License-Identifier: BSD-3-Clause */
/* The other end of the TCP bench: many scripted clients on a ring, with MSS, SACK, timestamps and window
 * scale like real ones. It checks every checksum, sequence number and payload byte that comes back, and
 * counts for itself. */
#ifndef BENCH_TCP_TCP_LOAD_H
#define BENCH_TCP_TCP_LOAD_H

#include <stdbool.h>
#include <stdint.h>

struct rte_mbuf;
struct rte_mempool;
struct rte_ring;
struct wire_sum_kernel;

enum { LOAD_BURST = 32, LOAD_PORTS = 60000, LOAD_MSS = 1448 };

struct load_client {
	uint32_t seq, rcv; /* next byte to send, next byte expected */
	uint32_t ts_ecr;
};

struct load {
	struct rte_ring *to, *from;
	struct rte_mempool *pool;
	const struct wire_sum_kernel *sum;
	uint8_t box_mac[6];
	uint8_t box_ip[4];
	uint16_t box_port;
	struct load_client *clients;
	uint32_t n_clients;
	uint32_t ts;
	struct rte_mbuf *burst[LOAD_BURST];
	unsigned n_burst;
	/* counted here, from what the wire showed */
	uint64_t frames, wrong, syn_acks, fins, resets, acks, data_bytes, data_segments;
	bool ack_data; /* acknowledge every second segment of received data */
	uint32_t unacked;
	/* takes the payload instead of its being compared with load_byte() */
	void (*data)(void *ctx, uint32_t i, const uint8_t *bytes, uint32_t len);
	void *ctx;
};

/* a segment of client i; `seq` and `ack` from its state; seq is moved on */
void load_send(struct load *l, uint32_t i, uint8_t flags, const void *data, uint32_t len);
/* puts what is collected onto the ring */
void load_flush(struct load *l);
/* takes and judges what the box sent; how many frames */
unsigned load_take(struct load *l);
uint8_t load_byte(uint32_t at);

#endif
