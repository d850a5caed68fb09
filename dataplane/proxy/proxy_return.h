/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to proxy/: the way back to a sender whose connection has ended and who has no other one (RFC 3261
 * section 18.2.2): a connection to him is opened; who answers there must be the one whom the transaction
 * knows. */
#ifndef DATAPLANE_PROXY_PROXY_RETURN_H
#define DATAPLANE_PROXY_PROXY_RETURN_H

#include "dataplane/proxy/proxy_state.h"

/* The conn of s is ending, and s was sent on. True: s is on the list of a conn that is up and proven, or that
 * is being opened; its answers are held until then. False: there is no way, or no other one. */
bool proxy_return_begin(struct proxy *p, struct server_half *s);
/* a conn of ours is ready: who waits for it to answer over it */
void proxy_return_up(struct proxy *p, uint32_t conn);
/* s waits for one */
bool proxy_return_pending(const struct proxy *p, const struct server_half *s);
/* a conn that its sender, who was known when the way back was looked for, has opened himself since */
struct proxy_conn *proxy_return_kin(struct proxy *p, const struct server_half *s);
/* who sent s, when a way back was looked for; NULL: none was */
const struct limit_key *proxy_return_who(const struct proxy *p, const struct server_half *s);
void proxy_return_free(struct proxy *p, struct server_half *s);

/* The conn of s, which waits, is gone. It had not gone on yet, and does not any more: who called may have
 * given up by now. But he hears of it, as of every other answer (section 18.2.2), if there is a way to him.
 * False: nobody is told, and it waits no longer. */
bool proxy_return_parked(struct proxy *p, struct server_half *s);

#endif
