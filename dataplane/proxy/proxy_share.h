/* SPDX-License-Identifier: BSD-3-Clause */
/* What one peer outside may use of what all need, over all of its conns on this core. While half of a thing
 * is free anybody may have it; beyond, only who has less than an eighth. So the greediest stranger leaves
 * half to the others, and the pool of a quiet box is not cut into pieces that nobody uses. Peers are told
 * apart by a keyed hash of who they are: two that share a place share a share. */
#ifndef DATAPLANE_PROXY_PROXY_SHARE_H
#define DATAPLANE_PROXY_PROXY_SHARE_H

#include "dataplane/proxy/proxy_state.h"

enum { PROXY_SHARE = 8 }; /* the part of one */

/* Takes n of kind (enum proxy_share_kind) for the peer of c; false: it has had its share. Give back what was
 * taken, over any conn of the same peer. Nothing is counted for the inside. */
bool proxy_share_take(struct proxy *p, const struct proxy_conn *c, unsigned kind, uint32_t n);
void proxy_share_give(struct proxy *p, const struct proxy_conn *c, unsigned kind, uint32_t n);

/* A buffer for what c sent. PROXY_BUF_NONE: none left, or none for this peer. */
uint32_t proxy_share_buf_get(struct proxy *p, const struct proxy_conn *c, uint32_t size);
void proxy_share_buf_put(struct proxy *p, const struct proxy_conn *c, uint32_t handle);

#endif
