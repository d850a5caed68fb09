/* SPDX-License-Identifier: BSD-3-Clause */
/* Path MTU: what ICMP says (RFC 1191, 8201, judged by RFC 5927), and what vanishing segments say (in the
 * spirit of RFC 4821). */
#ifndef DATAPLANE_TCP_PMTU_H
#define DATAPLANE_TCP_PMTU_H

#include "dataplane/tcp/conn.h"

/* payload bytes that the peer's MSS and the path allow; sets mss and mss_max. `peer_mss` 0: the default of
 * RFC 9293 */
void tcp_pmtu_init(struct tcp_stack *st, struct tcp_conn *c, uint16_t peer_mss);
/* the same full segment has timed out repeatedly: perhaps a router eats it */
void tcp_pmtu_blackhole(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a);
/* before new data after a pause: a guess that has aged is given up */
void tcp_pmtu_age(struct tcp_stack *st, struct tcp_conn *c);

#endif
