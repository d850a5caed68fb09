/* SPDX-License-Identifier: BSD-3-Clause */
/* Received data: the in-order queue that the upper layer reads from, and the ranges behind holes (RFC
 * 9293 3.10.7.4, RFC 2018). Every buffer is charged; small pieces are moved out of large buffers. */
#ifndef DATAPLANE_TCP_REASM_H
#define DATAPLANE_TCP_REASM_H

#include "dataplane/tcp/conn.h"

/* The text and FIN of an acceptable segment; takes s->m. False: the connection has ended. */
bool tcp_rx_input(struct tcp_stack *st, struct tcp_conn *c, struct tcp_segment *s);
/* The window field for the next segment, unscaled form already shifted; moves rcv_adv, never backwards. */
uint16_t tcp_rx_window(struct tcp_stack *st, struct tcp_conn *c);
/* up to `max` SACK blocks, most recent first; how many */
unsigned tcp_rx_sack_blocks(struct tcp_stack *st, struct tcp_conn *c, struct tcp_block *blocks, unsigned max);
/* After the upper layer looked: what it left is made small and gets its deadline. */
void tcp_rx_settle(struct tcp_stack *st, struct tcp_conn *c);
/* gives back `len` bytes from the front */
void tcp_rx_consume(struct tcp_stack *st, struct tcp_conn *c, uint32_t len);
/* everything that was received and not consumed */
void tcp_rx_free(struct tcp_stack *st, struct tcp_conn *c);

#endif
