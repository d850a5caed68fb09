/* SPDX-License-Identifier: BSD-3-Clause */
/* What a worker, or the dataplane's cold thread, tells control: for the log, `show`, alarms and accounts. Of
 * one size; a field that says nothing is zero. */
#ifndef CONFIG_EXCHANGE_EVENT_H
#define CONFIG_EXCHANGE_EVENT_H

#include <stdint.h>

enum { EXCHANGE_EVENT = 2 }; /* the kind of the message in its ring */

enum exchange_event_kind {
	EXCHANGE_EVENT_NONE,
#define X(name, help) EXCHANGE_EVENT_##name,
#include "config/exchange/event_kind.def"
#undef X
	EXCHANGE_EVENT_KINDS
};

struct exchange_event {
	uint64_t wall_ns; /* CLOCK_REALTIME */
	uint64_t call_id; /* hash of the Call-ID, equal in all events of a call */
	uint64_t duration_ns;
	uint64_t bytes_in, bytes_out;
	uint32_t identity;   /* policy_identity.id */
	uint32_t generation; /* of the policy by which it was judged */
	uint32_t count;	     /* of alike ones that this stands for, itself included */
	uint16_t kind;	     /* enum exchange_event_kind */
	uint16_t reason;     /* our stable id out of policy/reason.def */
	uint16_t rule;	     /* enum policy_rule + 1 */
	uint16_t status;     /* of SIP */
	uint16_t ms_id;	     /* of ms-diagnostics */
	uint16_t cipher;     /* IANA number of the suite */
	uint16_t port;	     /* of the peer */
	uint8_t side;	     /* enum policy_side */
	uint8_t outgoing;    /* we opened the connection */
	uint8_t method;	     /* enum policy_method */
	uint8_t type;	     /* enum policy_partner_type */
	uint8_t verdict, end, alert,
		tls; /* of TLS: enum tls_verdict, enum tls_end, alert, 12 or 13; 0 none */
	uint8_t resumed, name_len, domain_len, text_len;
	uint8_t ip[16]; /* of the peer, IPv4 as ::ffff:a.b.c.d */
	uint8_t spki[32];
	char name[64];	  /* the peer's first name in its certificate, cut */
	char domain[120]; /* the remote domain, cut */
	char text[156];	  /* for people, when the numbers do not say it all */
};

_Static_assert(sizeof(struct exchange_event) == 472, "one message of an event ring: raise EXCHANGE_VERSION");

#endif
