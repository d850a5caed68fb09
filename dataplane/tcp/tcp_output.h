/* SPDX-License-Identifier: BSD-3-Clause */
/* What leaves: emit.c makes segments, output.c decides which. */
#ifndef DATAPLANE_TCP_OUTPUT_H
#define DATAPLANE_TCP_OUTPUT_H

#include "dataplane/tcp/conn.h"

enum {
	TCP_TX_ROOM =
		NET_HEADROOM + TCP_HEADER_LEN + TCP_OPTIONS_MAX, /* in front of a payload sent in place */
	TCP_TOS_ECT0 = 2,
};

/* ---- emit.c ---- */

/* A connection's segment around `m` (payload only, room in front, taken); `space_left`: bytes that SACK
 * blocks may take. Notes what the acknowledgement in it settles. */
void tcp_emit(struct tcp_stack *st, struct tcp_conn *c, struct rte_mbuf *m, uint32_t seq, uint8_t flags,
	      uint32_t space_left, uint8_t tos);
/* an mbuf with nothing but room for headers; NULL is counted */
struct rte_mbuf *tcp_emit_alloc(struct tcp_stack *st);
void tcp_emit_ack(struct tcp_stack *st, struct tcp_conn *c);
/* an ACK whose first SACK block says what came twice (RFC 2883) */
void tcp_emit_dsack(struct tcp_stack *st, struct tcp_conn *c, uint32_t start, uint32_t end);
/* at most one per connection and half second (RFC 5961 section 7): a limit shared between connections could
 * be watched by a third party */
void tcp_emit_challenge(struct tcp_stack *st, struct tcp_conn *c);
/* SYN or SYN-ACK, by state */
void tcp_emit_syn(struct tcp_stack *st, struct tcp_conn *c);
/* a FIN without data, for a connection without an active block; also its retransmission */
void tcp_emit_fin(struct tcp_stack *st, struct tcp_conn *c);
/* an old byte's number, to make the peer say where it is: keep-alive */
void tcp_emit_probe(struct tcp_stack *st, struct tcp_conn *c);
/* RST of an open connection */
void tcp_output_reset(struct tcp_stack *st, struct tcp_conn *c);
/* RST for a segment that has no connection (RFC 9293 3.10.7.1), within the rate limit */
void tcp_emit_reset_for(struct tcp_stack *st, const struct net_packet *p, const struct tcp_segment *s);
/* a segment of no connection at all: cookies, resets */
void tcp_emit_raw(struct tcp_stack *st, const struct base_addr *local, const struct base_addr *remote,
		  const struct tcp_segment *s);
/* MSS that we announce to `remote` */
uint16_t tcp_emit_mss(struct tcp_stack *st, const struct base_addr *local, const struct base_addr *remote);

/* ---- output.c ---- */

/* Sends what windows allow: lost segments first, then new ones, a FIN, and at least an ACK if one is due. */
void tcp_output(struct tcp_stack *st, struct tcp_conn *c);
/* Queues one mbuf's bytes [off, off+len); the reference is the queue's. The caller has checked for room. */
void tcp_output_queue(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a, struct rte_mbuf *m,
		      uint16_t off, uint32_t len);
/* sends entry `i` again, whatever the windows say; false: no buffer */
bool tcp_output_again(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a, uint32_t i);
/* sends the next unsent entry whatever cwnd says, if the peer's window takes it (limited transmit, TLP);
 * false: not */
bool tcp_output_next(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a);
/* one byte beyond a closed window (RFC 9293 3.8.6.1) */
void tcp_output_window_probe(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a);
void tcp_sent_free(struct tcp_stack *st, struct tcp_conn *c, struct tcp_sent *s);

/* ---- train.c ---- */

/* entries [first, first + n) of the ring that leave as one chain */
struct tcp_train {
	uint32_t first, n, bytes;
	bool on, full; /* the port cuts; the last one that joined was of full size */
};

/* May this entry, which is the next one, leave with those before it? */
bool tcp_train_joins(struct tcp_conn *c, const struct tcp_train *t, const struct tcp_sent *s);
void tcp_train_join(struct tcp_conn *c, struct tcp_train *t, const struct tcp_sent *s, uint32_t index);
/* Sends them, two or more; false: no buffer, nothing was sent. */
bool tcp_train_leave(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a, struct tcp_train *t);

static inline uint32_t tcp_truesize(const struct rte_mbuf *m)
{
	return m->buf_len + (uint32_t)sizeof(*m);
}

#endif
