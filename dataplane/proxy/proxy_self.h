/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to proxy/: who we are by the present generation: names and addresses of ours, copied when the
 * generation changes. */
#ifndef DATAPLANE_PROXY_PROXY_SELF_H
#define DATAPLANE_PROXY_PROXY_SELF_H

#include "dataplane/proxy/proxy_state.h"

enum { PROXY_SELF_MAX = 64, PROXY_SELF_TEXT = PROXY_SELF_MAX * 64 };

struct proxy_self_listener {
	uint32_t identity;
	struct base_addr ip;
	uint16_t port;
	uint8_t side; /* enum policy_side */
	bool any;     /* on every address */
	bool plain;   /* TCP without TLS */
	char host[PROXY_ADDRESS_TEXT];
};

struct proxy_self {
	const struct policy_view *view;
	uint32_t generation;
	bool known;
	unsigned names_n, listeners_n, addrs_n;
	uint32_t identity[PROXY_SELF_MAX]; /* of names[] */
	struct policy_name names[PROXY_SELF_MAX];
	struct base_addr addrs[PROXY_SELF_MAX];
	struct proxy_self_listener listener[PROXY_SELF_MAX];
	uint32_t used;
	char text[PROXY_SELF_TEXT];
};

/* at the beginning of a turn */
void proxy_self_refresh(struct proxy *p);

struct proxy_face {
	struct policy_name host;
	uint16_t port;
	bool plain; /* who calls there speaks TCP without TLS */
};
/* how others find us: this identity on this side; `c`, if any, is a conn of that side, whose local address
 * serves where policy names none */
struct proxy_face proxy_self_face(const struct proxy *p, uint8_t side, uint32_t identity,
				  const struct proxy_conn *c);
void proxy_self_route(const struct proxy *p, const struct proxy_conn *c, struct route_self *out);
/* does this host, as it stands in a message that came on c, name the box? */
bool proxy_self_is(const struct proxy *p, const struct proxy_conn *c, const struct sip_msg *m,
		   const struct sip_host *host);
/* is the peer of an internal conn one of our servers, by this generation? */
bool proxy_self_trusts(struct proxy *p, struct proxy_conn *c);

#endif
