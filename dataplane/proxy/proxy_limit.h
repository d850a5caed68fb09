/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to proxy/: limits of discovered partners (§1.5) at the one place where requests pass. */
#ifndef DATAPLANE_PROXY_PROXY_LIMIT_H
#define DATAPLANE_PROXY_PROXY_LIMIT_H

#include "dataplane/proxy/proxy_message.h"

/* 0 or -errno. Cold. */
int proxy_limit_open(struct proxy *p);
void proxy_limit_close(struct proxy *p);

/* There are other cores, reached by mail: peers have one home among them. Cold. */
void proxy_limit_cores(struct proxy *p);

/* An accepted request that starts something: true: it may pass. False: it is parked, or answered. */
bool proxy_limit_pass(struct proxy *p, struct proxy_passing *r);
/* It passed and stays on this core: its final answer is to be counted. False: no room, it is answered. */
bool proxy_limit_count(struct proxy *p, struct proxy_passing *r);
/* A question or report of another core about a peer whose home is here; `who` is what waits there. */
void proxy_limit_asked(struct proxy *p, unsigned core, const struct limit_question *q, struct proxy_half who);
void proxy_limit_answered(struct proxy *p, const struct limit_answer *a, struct proxy_half who);
/* s is held by a limit no more */
void proxy_limit_release(struct proxy *p, struct server_half *s);
/* a final answer went up to a request that was counted */
void proxy_limit_final(struct proxy *p, const struct server_half *s, unsigned status);
/* once a second */
void proxy_limit_tick(struct proxy *p);

/* A request that was refused with this status counts toward suspicion, and if by the rules, its address as
 * one that was tried, where its class of limits is known from the verdict or from what its conn carried
 * before. */
void proxy_limit_refused(struct proxy *p, const struct proxy_passing *r, unsigned status, bool judged);

/* may a limit hold one more request of c? */
bool proxy_limit_room(const struct proxy_conn *c);

#endif
