/* SPDX-License-Identifier: BSD-3-Clause */
/* Initial sequence numbers (RFC 6528) and SYN cookies. Pure functions of secrets, tuple and time. */
#ifndef DATAPLANE_TCP_ISN_H
#define DATAPLANE_TCP_ISN_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/addr.h"
#include "dataplane/base/siphash.h"
#include "dataplane/net/net.h"

uint32_t tcp_isn(const struct siphash_key *key, const struct net_tuple *t, uint64_t now_ns);

/* A cookie is an ISN of which 28 bits are a keyed hash of the tuple, the peer's ISN, a slot of 69 s and the
 * MSS class; it is good in its slot and the one after. */
uint32_t tcp_cookie_make(const struct siphash_key *key, const struct net_tuple *t, uint32_t peer_isn,
			 uint16_t mss, uint64_t now_ns);
/* One hash. The MSS class on success, else 0. */
uint16_t tcp_cookie_check(const struct siphash_key *key, const struct net_tuple *t, uint32_t peer_isn,
			  uint32_t cookie, uint64_t now_ns);

/* What of the SYN's options survives in the low six bits of the SYN-ACK's TSval, and comes back in TSecr. */
enum { TCP_COOKIE_TS_BITS = 6, TCP_COOKIE_NO_SCALE = 15 };

struct tcp_cookie_options {
	uint8_t scale; /* TCP_COOKIE_NO_SCALE: none */
	bool sack, ecn;
};

/* not above `ts`, so that later timestamps are not older (RFC 7323) */
uint32_t tcp_cookie_ts(uint32_t ts, const struct tcp_cookie_options *o);
struct tcp_cookie_options tcp_cookie_ts_options(uint32_t ts_ecr);

#endif
