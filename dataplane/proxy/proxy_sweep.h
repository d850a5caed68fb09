/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to proxy/: what is done now and then: connections that policy no longer admits, health of inner
 * next hops, keep-alive, alarms. */
#ifndef DATAPLANE_PROXY_PROXY_SWEEP_H
#define DATAPLANE_PROXY_PROXY_SWEEP_H

#include "dataplane/proxy/proxy_state.h"

/* each turn, a slice; the rest within a second */
void proxy_sweep_turn(struct proxy *p);
void proxy_sweep_second(struct proxy *p);

/* the conn carried a message of this partner's domain */
void proxy_sweep_domain(struct proxy *p, struct proxy_conn *c, struct policy_name domain);

/* ---- proxy_alive.c ---- */

/* of an outgoing conn; ms until it wants to be asked again */
uint32_t proxy_alive_timer(struct proxy *p, struct proxy_conn *c);
void proxy_alive_pong(struct proxy *p, struct proxy_conn *c);
/* OPTIONS to an inner next hop: status 0: no answer in time */
void proxy_alive_answer(struct proxy *p, uint32_t conn, unsigned status);
void proxy_alive_second(struct proxy *p);

#endif
