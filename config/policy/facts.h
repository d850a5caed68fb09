/* SPDX-License-Identifier: BSD-3-Clause */
/* What decide() is told about a message and about the connection that it came on. Domains are canonical
 * (name.h) or empty when they are not names; user parts are lower-case and unescaped. */
#ifndef CONFIG_POLICY_FACTS_H
#define CONFIG_POLICY_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "config/policy/name.h"
#include "config/policy/record.h"
#include "config/policy/verdict.h"

enum policy_direction {
	POLICY_INBOUND,	 /* came over the external side */
	POLICY_OUTBOUND, /* came over the internal side */
};

enum policy_message {
	POLICY_REQUEST,	  /* starts something: no To tag */
	POLICY_IN_DIALOG, /* has a To tag */
	POLICY_RESPONSE,
};

enum policy_method {
	POLICY_METHOD_OTHER,
	POLICY_METHOD_INVITE,
	POLICY_METHOD_ACK,
	POLICY_METHOD_BYE,
	POLICY_METHOD_CANCEL,
	POLICY_METHOD_MESSAGE,
	POLICY_METHOD_SUBSCRIBE,
	POLICY_METHOD_NOTIFY,
	POLICY_METHOD_BENOTIFY,
	POLICY_METHOD_OPTIONS,
	POLICY_METHOD_INFO,
	POLICY_METHOD_REFER,
	POLICY_METHOD_UPDATE,
	POLICY_METHOD_PRACK,
	POLICY_METHOD_REGISTER,
	POLICY_METHOD_PUBLISH,
	POLICY_METHOD_SERVICE,
	POLICY_METHODS
};

enum policy_route_state {
	POLICY_ROUTE_NONE,    /* no Route is left after ours was popped, and ours was not there */
	POLICY_ROUTE_OURS,    /* ours, signature good; facts.stored says what it holds */
	POLICY_ROUTE_STALE,   /* ours, signature bad or out of date */
	POLICY_ROUTE_FOREIGN, /* not ours, or not of this connection */
	POLICY_ROUTE_EDGE,    /* ;ms-edge-route: facts.edge_route names the next hop */
};

enum policy_split {
	POLICY_SPLIT_ABSENT,
	POLICY_SPLIT_GOOD,
	POLICY_SPLIT_WRONG,
};

/* extended key usages that the certificate has */
enum policy_eku_bit {
	POLICY_EKU_CLIENT = 1,
	POLICY_EKU_SERVER = 2,
	POLICY_EKU_SIP_DOMAIN = 4, /* id-kp-sipDomain, RFC 5924 */
	POLICY_EKU_ANY_USAGE = 8,
	POLICY_EKU_ABSENT = 16, /* no extension at all: unrestricted (RFC 5280 section 4.2.1.12) */
};

#define POLICY_PEER_NAMES 64u

/* An authenticated peer; made once per connection by whoever finished the handshake. */
struct policy_peer {
	const struct policy_name *names; /* N: SAN dNSName and sip: URI hosts, else the CN; lower-case */
	uint16_t names_n;		 /* those above POLICY_PEER_NAMES are not looked at */
	uint8_t eku;			 /* enum policy_eku_bit */
	uint8_t pin;	  /* enum policy_source: what the connection carries, 0 = not yet pinned */
	bool certificate; /* chain, dates and possession of the key were proven */
	/* Possession of the key alone was proven, and somebody pins it. Whatever else the certificate says
	 * its holder wrote himself: names_n is 0. Good for `identity-check pinned` and nothing else. */
	bool pinned_only;
	bool insecure; /* without TLS: a next hop that we called and of which the operator said so; `names` is
			* what was called */
	bool revoked;  /* re-read per message */
	bool trusted_internal; /* in the list of inner servers */
	bool has_spki;
	uint8_t spki[POLICY_SPKI_LEN];
	struct policy_name pin_domain; /* the domain whose message pinned it */
};

/* what our signed Record-Route, or the transaction of a response, says of the other side */
struct policy_stored {
	uint8_t type;	 /* enum policy_partner_type */
	bool by_key;	 /* `spki` is the identity, not `identity` */
	bool discovered; /* admitted because discovery was on */
	uint8_t spki[POLICY_SPKI_LEN];
	struct policy_name domain;   /* D as judged then */
	struct policy_name identity; /* the name in N that matched then */
};

struct policy_facts {
	uint8_t direction;
	uint8_t message;
	uint8_t method;	   /* of a response: its CSeq method */
	uint8_t service;   /* enum policy_service bits that it needs, 0 = cannot be told */
	uint8_t route;	   /* enum policy_route_state */
	uint8_t mark;	   /* enum policy_mark: what the peer says of its sender */
	uint8_t split;	   /* enum policy_split */
	uint8_t pais;	   /* how many of pai[] */
	bool shared_hop;   /* marked as having crossed the shared address space */
	bool ruri_strange; /* in a dialog: the R-URI's host is not the one that our end named there */
	struct policy_rights inner; /* bits from our internal server: they only tighten */
	struct policy_name from_user, from_domain;
	struct policy_name to_user, to_domain;
	struct policy_name ruri_user, ruri_domain;
	struct policy_name pai[2]; /* domains of the asserted identities that have one */
	struct policy_name edge_route;
	const struct policy_peer *peer;	    /* never NULL */
	const struct policy_stored *stored; /* NULL when there is none */
	uint64_t now_ns;		    /* CLOCK_MONOTONIC */
};

/* Does this certificate's key usage fit `mode`, for a peer that connected to us (client) or that we connected
 * to? */
bool policy_eku_fits(enum policy_eku_mode mode, unsigned eku_bits, bool peer_is_client);

#endif
