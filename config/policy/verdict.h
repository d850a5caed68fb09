/* SPDX-License-Identifier: BSD-3-Clause */
/* What decide() says, and the trace of how it came to it. Names in a verdict point into the facts or into the
 * pinned generation: whoever keeps a verdict longer than the burst copies them. */
#ifndef CONFIG_POLICY_VERDICT_H
#define CONFIG_POLICY_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/policy/name.h"
#include "config/policy/record.h"

enum policy_reason {
#define X(name, id, status, ms, text) POLICY_REASON_##name,
#include "config/policy/reason.def"
#undef X
	POLICY_REASONS
};

enum policy_rule {
#define X(name, section, text) POLICY_RULE_##name,
#include "config/policy/rule.def"
#undef X
	POLICY_RULES
};

struct policy_reason_info {
	const char *name;
	uint16_t id;	 /* our own diagnostic id */
	uint16_t status; /* SIP status */
	uint16_t ms_id;	 /* ms-diagnostics id, 0 = none */
	const char *ms_text;
	const char *text;
};

struct policy_rule_info {
	const char *name;
	const char *section;
	const char *text;
};

/* never NULL, whatever the number */
const struct policy_reason_info *policy_reason_info(unsigned reason);
const struct policy_rule_info *policy_rule_info(unsigned rule);
/* reason text of an ms-diagnostics id; "" when it is none that we speak */
const char *policy_ms_text(unsigned ms_id);

enum policy_action {
	POLICY_ACCEPT,
	POLICY_REFUSE, /* answer with the reason's status */
	POLICY_DROP,   /* refuse what must not be answered: ACK, BENOTIFY, a response */
	POLICY_ASK,    /* park the message, ask for verdict.ask[], decide again */
};

/* Numbers go into signed routes and into the segment's facts: append, never renumber. */
enum policy_partner_type {
	POLICY_TYPE_NONE = 0,
	POLICY_TYPE_DIRECT,	/* Allowed Partner Server, or a partner known by peer-name or static route */
	POLICY_TYPE_ALLOWED,	/* Allowed Partner Domain */
	POLICY_TYPE_DISCOVERED, /* Discovered Partner Domain */
	POLICY_TYPE_HOSTING,
	POLICY_TYPE_PUBLIC,
	POLICY_TYPE_CLEARING, /* through the partner's via-domain */
	POLICY_TYPE_SHARED,   /* our own domain, at the provider that shares the address space */
	POLICY_TYPE_DEFAULT,  /* through DefaultRouteFqdn */
	POLICY_TYPES
};

/* ms-source-type, and what a connection is pinned to: source × network */
enum policy_source {
	POLICY_SOURCE_NONE = 0,
	POLICY_SOURCE_DIRECT,	  /* DirectPartner */
	POLICY_SOURCE_AUTO,	  /* AutoFederation */
	POLICY_SOURCE_AUTHORIZED, /* AuthorizedServer */
	POLICY_SOURCE_PUBLIC,	  /* AuthorizedServer, ms-source-network=publiccloud */
};

/* the words of the header, never NULL */
const char *policy_source_type_text(unsigned source);
const char *policy_source_network_text(unsigned source);

enum policy_mark {
	POLICY_MARK_NONE = 0,
	POLICY_MARK_VERIFIED,
	POLICY_MARK_UNVERIFIED,
};

enum policy_verdict_flag {
	POLICY_VERDICT_KEEP_PAI = 1,
	POLICY_VERDICT_KEEP_SPLIT = 2,	  /* ms-split-domain-info stays */
	POLICY_VERDICT_MARK_OUTGOING = 4, /* add ms-asserted-verification-level */
	POLICY_VERDICT_REFRESH = 8,   /* accepted on an answer past its TTL: ask[] says what to ask again */
	POLICY_VERDICT_REPIN = 16,    /* the connection's type is verdict.source from now on */
	POLICY_VERDICT_BY_KEY = 32,   /* the peer was known by its key, not by a name */
	POLICY_VERDICT_EXTERNAL = 64, /* inbound, and goes out again: clearing house */
	POLICY_VERDICT_SHARED_HOP = 128,    /* crosses the shared address space: mark it */
	POLICY_VERDICT_CERT_WILDCARD = 256, /* the next hop's certificate may use a wildcard */
	POLICY_VERDICT_MONITOR = 512,
	POLICY_VERDICT_EXPECT_DOMAIN = 1024, /* the next hop's certificate may name route.domain instead */
	POLICY_VERDICT_EXPECT_ONLY_DOMAIN = 2048, /* and must */
	POLICY_VERDICT_DISCOVERED = 8192, /* goes signed into our routes: only discovery admitted it */
	POLICY_VERDICT_EXPECT_PIN = 4096, /* the next hop is known by the partner's pinned keys alone */
};

enum policy_way {
	POLICY_WAY_NONE = 0,
	POLICY_WAY_INSIDE, /* route.set: to the pool */
	POLICY_WAY_STATIC, /* route.set, then less specific ones of route.domain if it says so */
	POLICY_WAY_SERVER, /* route.host:route.port, by its addresses */
	POLICY_WAY_SRV,	   /* SRV of route.domain */
	POLICY_WAY_STORED, /* where the signed route of the dialog says */
};

struct policy_route {
	uint8_t way;
	uint8_t identity_check; /* which SRV targets count */
	uint16_t port;
	uint16_t nth; /* static: how many patterns of route.domain come before route.set; UINT16_MAX = not a
			 pattern */
	struct policy_name domain; /* whose route this is: D, or its clearing house */
	struct policy_name host;
	struct policy_name only; /* ms-edge-route: none but this target */
	const struct policy_route_set *set;
};

struct policy_ask {
	struct policy_name name;
	uint8_t kind; /* enum policy_dns_kind */
};

#define POLICY_ASKS 2u

struct policy_verdict {
	uint8_t action;	     /* enum policy_action */
	uint8_t reason;	     /* enum policy_reason */
	uint8_t rule;	     /* enum policy_rule: the one that decided */
	uint8_t type;	     /* enum policy_partner_type */
	uint8_t source;	     /* enum policy_source */
	uint8_t mark;	     /* enum policy_mark: what goes inside */
	uint8_t eku;	     /* enum policy_eku_mode, resolved */
	uint8_t limit_class; /* inbound, refused: that under which the sender would be, as far as it is known
			      */
	uint8_t tls_profile;
	uint8_t asks;
	uint16_t flags;		   /* enum policy_verdict_flag */
	uint32_t own_identity;	   /* the face of ours that this goes through */
	uint32_t partner;	   /* by which ops->partner() finds the record, 0 = none */
	uint32_t provider;	   /* id of the provider, 0 = none */
	struct policy_name domain; /* D, the partner's domain */
	struct policy_name
		identity; /* the peer's name that matched: goes signed into our routes. Refused: his first */
	struct policy_name detail; /* what the reason is about: an FQDN, or the domain */
	struct policy_route route;
	struct policy_ask ask[POLICY_ASKS];
	/* Entry and record of the partner, and what look-ups of its domain begin with (two lines): to be
	 * called for before its next message is judged, never to be read, since they may be gone by then. */
	const void *near[3];
	char text[POLICY_NAME_MAX +
		  1]; /* holds `detail` when it came out of a DNS answer; not to be read itself */
};

enum policy_outcome {
	POLICY_PASSED,
	POLICY_NO_MATCH, /* this way does not admit it; the next is tried */
	POLICY_REFUSED,
	POLICY_ASKED,
	POLICY_ACCEPTED,
};

struct policy_trace_line {
	uint8_t rule;
	uint8_t outcome;
	struct policy_name subject;
};

#define POLICY_TRACE_LINES 64u
#define POLICY_TRACE_TEXT  4096u

/* each rule as it was judged, in order; the last line is the verdict */
struct policy_trace {
	uint16_t n;
	uint16_t lost; /* lines that did not fit: the newest replaces the last */
	struct policy_trace_line line[POLICY_TRACE_LINES];
	uint16_t used; /* of text[]: names that came out of DNS answers */
	char text[POLICY_TRACE_TEXT];
};

const char *policy_outcome_text(unsigned outcome);

/* Would the two do different things to the message? (for a shadow policy) */
bool policy_verdict_differs(const struct policy_verdict *a, const struct policy_verdict *b);

/* Writes the value of an ms-diagnostics header for a refusal, as `source` (our FQDN). Returns its length; 0
 * when the reason has no ms id or when it does not fit. Not NUL-terminated. */
size_t policy_diagnostics_write(const struct policy_verdict *v, struct policy_name source, char *buf,
				size_t cap);

#endif
