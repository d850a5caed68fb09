/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to proxy/: the half of a transaction that faces the next hop (RFC 3261 section 17.1, RFC 6026). */
#ifndef DATAPLANE_PROXY_CLIENT_HALF_H
#define DATAPLANE_PROXY_CLIENT_HALF_H

#include <sys/uio.h>

#include "dataplane/proxy/proxy_state.h"

/* On the list of its conn; the Via that names it is still to be made. NULL: pools are used up. */
struct client_half *client_half_new(struct proxy *p, uint32_t conn, uint8_t method,
				    const struct policy_stored *stored);
void client_half_free(struct proxy *p, struct client_half *k);
/* by slot and generation; NULL: gone */
struct client_half *client_half_of(struct proxy *p, struct proxy_half name);
struct proxy_half client_half_name(const struct proxy *p, const struct client_half *k);
/* Keeps start line and header fields as they leave (the first head_len bytes): CANCEL and ACK are made of
 * them. False: no buffer. */
bool client_half_keep(struct proxy *p, struct client_half *k, const struct iovec *iov, int n,
		      uint32_t head_len);
/* it is on its way: timer B or F */
void client_half_sent(struct proxy *p, struct client_half *k);
/* what was stored of the partner; its names stay as long as the half */
bool client_half_stored(const struct proxy *p, const struct client_half *k, struct policy_stored *out);

enum client_event {
	CLIENT_PASS, /* the response goes up */
	CLIENT_STOP, /* it ends here */
};
/* A response with this status: state, timers, ACK. `m` is the response. *ended: the half is to be freed when
 * the response has been passed. */
enum client_event client_half_take(struct proxy *p, struct client_half *k, const struct sip_msg *m,
				   bool *ended);
/* Nobody wants the answer: CANCEL for an INVITE, now or as soon as it may be sent (section 9.1). */
void client_half_cancel(struct proxy *p, struct client_half *k);
void client_half_conn_lost(struct proxy *p, uint32_t conn);
void client_half_timer(struct proxy *p, uint32_t index);

#endif
