/* SPDX-License-Identifier: BSD-3-Clause */
/* How connections come about: LISTEN, SYN-SENT, SYN cookies (RFC 9293 3.10.7.2, 3.10.7.3; RFC 4987). */
#ifndef DATAPLANE_TCP_HANDSHAKE_H
#define DATAPLANE_TCP_HANDSHAKE_H

#include "dataplane/tcp/conn.h"

/* A segment that belongs to no connection; the mbuf remains the caller's. `iss_floor`, if not 0: our ISN must
 * lie behind it (a TIME-WAIT connection is being taken over). Returns the connection that a cookie has just
 * opened, to which the segment is then given like any other, or NULL. */
struct tcp_conn *tcp_listen_input(struct tcp_stack *st, const struct net_packet *p,
				  const struct tcp_segment *s, uint32_t hash, uint32_t iss_floor);
/* The mbuf remains the caller's. */
void tcp_syn_sent_input(struct tcp_stack *st, struct tcp_conn *c, const struct net_packet *p,
			const struct tcp_segment *s);
/* a connection in SYN-SENT whose SYN leaves when the ready list runs */
void tcp_handshake_connect(struct tcp_stack *st, struct tcp_conn *c);

#endif
