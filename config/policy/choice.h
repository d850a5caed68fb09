/* SPDX-License-Identifier: BSD-3-Clause */
/* From a way (verdict.route) to the addresses to try, in order: lower priority first, RFC 2782 weights within
 * one priority, every address of a target before the next target (RFC 3263 section 4.3), less specific
 * patterns after all of the more specific one. The targets are whole copies: they outlive the burst. */
#ifndef CONFIG_POLICY_CHOICE_H
#define CONFIG_POLICY_CHOICE_H

#include <stdbool.h>
#include <stdint.h>

#include "config/policy/facts.h"
#include "config/policy/verdict.h"
#include "config/policy/view.h"

struct policy_target {
	uint8_t ip[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint16_t port;
	uint16_t priority;
	uint16_t weight;
	uint8_t tier;  /* 0 = the most specific pattern */
	bool insecure; /* no TLS */
	uint8_t name_len;
	char name[POLICY_NAME_MAX + 1]; /* what the certificate must name; empty for a hop by address */
};

/* why there are fewer targets than the route has hops */
struct policy_shortfall {
	uint16_t looped; /* the hop is where the message came from */
	uint16_t other; /* not the one that ms-edge-route asks for, or not one that the identity mode takes */
	uint16_t unresolved;	   /* has no address */
	uint16_t down;		   /* out of service or blocked */
	uint16_t unknown;	   /* waits for `ask` */
	uint16_t stale;		   /* serves past its TTL, `ask` should be asked again */
	struct policy_name failed; /* a host without address; valid as long as the generation */
	struct policy_ask ask[POLICY_ASKS];
	uint8_t asks;
};

/* Fills out[0..max) in the order to try and returns how many; with out NULL, how many there are (at least one
 * is exact, the number is not). `from` is the peer that the message came from: its own names are no next hop;
 * NULL = nobody. `random` is 64 random bits, used up by this call. */
unsigned policy_targets(const struct policy_view *view, const struct policy_route *route,
			const struct policy_peer *from, uint64_t now_ns, uint64_t random,
			struct policy_target *out, unsigned max, struct policy_shortfall *shortfall);

/* hops of a route set, or targets of an answer with all its parts */
#define POLICY_ORDER_MAX 104u

/* Orders n ≤ POLICY_ORDER_MAX items by RFC 2782: order[i] = index of the i-th to try. priority and weight are
 * those of the items. */
void policy_order(const uint16_t *priority, const uint16_t *weight, unsigned n, uint64_t random,
		  uint8_t *order);

/* Is this the next hop that was expected: does the certificate of the peer to which we connected name it (or
 * what the verdict's EXPECT flags allow instead)? `pins` is the partner record for EXPECT_PIN, else NULL. */
bool policy_target_is(const struct policy_target *target, const struct policy_route *route,
		      uint16_t verdict_flags, const struct policy_peer *peer,
		      const struct policy_partner *pins);

/* Does a route of `domain` (of its partner's record, or a pattern) say now that this next hop goes without
 * TLS? By its host, or by its address where the route names that. */
bool policy_hop_is_insecure(const struct policy_view *view, struct policy_name domain,
			    const struct policy_partner *partner, struct policy_name host,
			    const uint8_t ip[16], uint16_t port);
/* any route at all: it is looked through whole */
bool policy_any_hop_is_insecure(const struct policy_view *view, struct policy_name host, const uint8_t ip[16],
				uint16_t port);

/* what a set of hops is good for */
enum policy_set_state {
	POLICY_SET_EMPTY,
	POLICY_SET_USABLE,  /* at least one hop is in service */
	POLICY_SET_DOWN,    /* none is */
	POLICY_SET_BLOCKED, /* the operator blocked every hop */
};

/* *less_specific: a shorter pattern may be tried after this one */
enum policy_set_state policy_set_state(const struct policy_route_set *set, bool *less_specific);

#endif
