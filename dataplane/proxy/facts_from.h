/* SPDX-License-Identifier: BSD-3-Clause */
/* From a message that sip_validate() took, and its connection, to what decide() wants to know. Each fact has
 * one reading: what comes twice was refused before; what may come more than once (asserted identities, marks)
 * counts against the sender when the copies differ. Pure. */
#ifndef DATAPLANE_PROXY_FACTS_FROM_H
#define DATAPLANE_PROXY_FACTS_FROM_H

#include "config/policy/facts.h"
#include "dataplane/proxy/route_sign.h"
#include "dataplane/sip/sip_core.h"

enum {
	FACTS_USER_MAX = 320, /* a longer one has no record: scopes above the user decide */
	FACTS_SLACK = 8,      /* texts are copied in words */
	FACTS_USER_ROOM = FACTS_USER_MAX + FACTS_SLACK,
	FACTS_NAME_ROOM = POLICY_NAME_MAX + FACTS_SLACK,
};

struct facts_in {
	const struct sip_msg *m;
	const struct sip_core *core;
	uint8_t direction;		    /* enum policy_direction */
	const struct policy_peer *peer;	    /* never NULL */
	const struct route_found *route;    /* requests; NULL: as if there were no Route */
	const struct policy_stored *stored; /* responses: what the transaction holds */
	bool shared_hop;		    /* requests: via_scan() */
	uint64_t now_ns;
};

/* `facts` points into text, into the route and into what `in` pointed at. */
struct facts_from {
	struct policy_facts facts;
	char domain[5][FACTS_NAME_ROOM]; /* From, To, Request-URI, two asserted identities */
	char user[3][FACTS_USER_ROOM];	 /* From, To, Request-URI */
};

/* POLICY_REASON_ACCEPTED: ask decide(). Otherwise the request is refused (a response dropped) with this
 * reason before any rule is asked: remote call control, for one, crosses in neither direction. */
enum policy_reason facts_from_message(const struct facts_in *in, struct facts_from *out);

/* enum policy_method of a number of sip's */
enum policy_method facts_method(enum sip_method method);

/* Which services (enum policy_service bits) a request asks for: MESSAGE and chat sessions are IM, presence
 * events are presence, other INVITEs are calls; 0: none that can be told. An offer that cannot be read counts
 * as a call: nothing slips through a closed service by being unreadable. */
uint8_t facts_service(const struct sip_msg *m, enum sip_method method);

/* Content-Type (or a part's, in a multipart) is application/csta+xml */
bool facts_is_rcc(const struct sip_msg *m);

#endif
