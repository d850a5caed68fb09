/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to proxy/: the half of a transaction that faces who sent the request (RFC 3261 section 17.2, RFC
 * 6026). */
#ifndef DATAPLANE_PROXY_SERVER_HALF_H
#define DATAPLANE_PROXY_SERVER_HALF_H

#include "dataplane/proxy/proxy_state.h"

struct refusal;

/* A copy of the request, on the list of its conn; `key` 0: not to be found again. NULL: pools are used up. */
struct server_half *server_half_new(struct proxy *p, uint32_t conn, const struct sip_msg *m, uint64_t key,
				    uint8_t method);
void server_half_free(struct proxy *p, struct server_half *s);
struct server_half *server_half_find(struct proxy *p, uint64_t key);
/* by slot and generation; NULL: gone */
struct server_half *server_half_of(struct proxy *p, struct proxy_half name);
struct proxy_half server_half_name(const struct proxy *p, const struct server_half *s);

/* It waits: nothing is sent yet. False: there are as many that wait as may; the caller answers. */
bool server_half_wait(struct proxy *p, struct server_half *s, enum server_wait why, uint32_t in_ms);
/* it is looked at again in this turn */
void server_half_wake(struct proxy *p, struct server_half *s);
void server_half_unwait(struct proxy *p, struct server_half *s);

/* ---- what goes up ---- */

/* One of our own making. */
void server_half_refuse(struct proxy *p, struct server_half *s, struct refusal *r);
void server_half_status(struct proxy *p, struct server_half *s, unsigned status);
/* 100, while the request m is still at hand */
void server_half_trying(struct proxy *p, struct server_half *s, const struct sip_msg *m,
			const struct sip_core *core);

/* ---- what comes from the client half ---- */

struct client_answer {
	unsigned status;
	const uint8_t *bytes; /* edited, our Via gone */
	uint32_t len;
	uint32_t retry_after_s;
};
void server_half_answered(struct proxy *p, struct server_half *s, const struct client_answer *a);
/* the next hop failed before its final answer; `again`: another one may be tried */
void server_half_failed(struct proxy *p, struct server_half *s, unsigned reason, bool again);
/* no other next hop is left: the best answer that there is */
void server_half_give_up(struct proxy *p, struct server_half *s);
/* nobody answered in time */
void server_half_timeout(struct proxy *p, struct server_half *s);

/* ---- from proxy_return.c ---- */

/* its answers go over this conn from now on */
void server_half_to(struct proxy *p, struct server_half *s, uint32_t conn);
/* that conn is up, and its sender is there: what was held goes up */
void server_half_returned(struct proxy *p, struct server_half *s);
/* nobody is there to be answered: what rings downstream stops ringing */
void server_half_lost(struct proxy *p, struct server_half *s);

void server_half_cancel(struct proxy *p, struct server_half *s);
void server_half_conn_lost(struct proxy *p, uint32_t conn);
void server_half_timer(struct proxy *p, uint32_t index);

#endif
