/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to proxy/: limits of discovered partners (§1.5) at the one place where requests pass. */
#ifndef DATAPLANE_PROXY_PROXY_LIMIT_H
#define DATAPLANE_PROXY_PROXY_LIMIT_H

#include "dataplane/proxy/proxy_message.h"

/* 0 or -errno. Cold. */
int proxy_limit_open(struct proxy *p);
void proxy_limit_close(struct proxy *p);

/* An accepted request that starts something: true: it may pass. False: it is parked, or answered. */
bool proxy_limit_pass(struct proxy *p, struct proxy_passing *r);
/* s is held by a limit no more */
void proxy_limit_release(struct proxy *p, struct server_half *s);
/* a final answer went up to a request that was counted */
void proxy_limit_final(struct proxy *p, const struct server_half *s, unsigned status);
/* once a second */
void proxy_limit_tick(struct proxy *p);

#endif
