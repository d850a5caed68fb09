/* SPDX-License-Identifier: BSD-3-Clause */
/* Something that an operator may want to know, as the dataplane tells it to control: one message of a ring.
 * Fixed size; strings are counted, not terminated. Control copies it before it looks at it, prints what is
 * printable of it, keeps the last ones and writes them to the journal. */
#ifndef CONFIG_EXCHANGE_EVENT_H
#define CONFIG_EXCHANGE_EVENT_H

#include <stdint.h>
#include <string.h>

enum { EXCHANGE_EVENT = 2 }; /* the kind of the message in its ring */

/* Numbers are layout: append, never renumber. X(name, what `show events` calls it, default level) */
#define EXCHANGE_EVENT_KINDS(X)                                                                              \
	X(NONE, "other", 6)                                                                                  \
	X(REFUSED, "refused", 5)	       /* a request was refused: reason, rule, status, partner */    \
	X(UNKNOWN_DOMAIN, "unknown-domain", 4) /* the rate of requests of unknown domains is alarming */     \
	X(PEER_UP, "peer-up", 6)	       /* an authenticated connection */                             \
	X(PEER_DOWN, "peer-down", 6)                                                                         \
	X(TLS_FAILED, "tls-failed", 4)	 /* a handshake that did not end well; text says why */              \
	X(CUT, "cut", 5)		 /* a connection was closed because policy no longer admits it */    \
	X(LIMIT, "limit", 5)		 /* a peer is over its rate */                                       \
	X(SUSPICIOUS, "suspicious", 4)	 /* a peer got the low rate */                                       \
	X(CALM, "calm", 5)		 /* and lost it */                                                   \
	X(WATCH, "watch", 4)		 /* a peer is on the watch list; count: URIs */                      \
	X(DNS_FAILED, "dns-failed", 4)	 /* a partner could not be resolved in time */                       \
	X(UNREACHABLE, "unreachable", 4) /* no target of a next hop answers */                               \
	X(FORGED, "forged", 4)		 /* a response from somebody who was not asked, a bad signature */   \
	X(TRANSACTION, "transaction", 6) /* the end of a transaction: status */                              \
	X(POLICY, "policy", 5)		 /* a generation or its secrets were taken, or could not be */       \
	X(OVERLOAD, "overload", 4)	 /* work was refused for want of something; text says of what */     \
	X(LINK, "link", 4)		 /* a port came or went */                                           \
	/* the candidate would have decided otherwise: reason, status: what was done; text: what it would */ \
	X(SHADOW, "shadow", 6)                                                                               \
	X(CERTIFICATE, "certificate", 4) /* files of certificates, keys or lists: refused (text says why),   \
					    well again, renewed */

enum exchange_event_kind {
#define X(name, word, level) EXCHANGE_EVENT_##name,
	EXCHANGE_EVENT_KINDS(X)
#undef X
		EXCHANGE_EVENT_KINDS_N
};

#define EXCHANGE_EVENT_DOMAIN 254u
#define EXCHANGE_EVENT_PEER   130u
#define EXCHANGE_EVENT_TEXT   160u

struct exchange_event {
	uint64_t wall_ns;    /* CLOCK_REALTIME */
	uint64_t peer;	     /* hash of the peer's key, 0: none */
	uint64_t call_id;    /* hash of the Call-ID, 0: none */
	uint8_t address[16]; /* the peer's; IPv4 as ::ffff:a.b.c.d; all zero: none */
	uint16_t port;
	uint16_t status; /* SIP, 0: none */
	uint16_t ms_id;	 /* ms-diagnostics, 0: none */
	uint16_t worker; /* counted from 0; 0xffff: the cold thread */
	uint32_t count;	 /* so many alike since the last that was told; 0 and 1: this one */
	uint8_t kind;	 /* enum exchange_event_kind */
	uint8_t level;	 /* 3 error, 4 warning, 5 notice, 6 info; 0: that of the kind */
	uint8_t side;	 /* enum policy_side, 0: neither */
	uint8_t reason;	 /* enum policy_reason, 0: none */
	uint8_t rule;	 /* enum policy_rule, 0: none */
	uint8_t domain_len;
	uint8_t peer_len;
	uint8_t text_len;
	uint32_t reserved;
	char domain[EXCHANGE_EVENT_DOMAIN];  /* the partner's */
	char peer_name[EXCHANGE_EVENT_PEER]; /* what the peer proved to be, shortened */
	char text[EXCHANGE_EVENT_TEXT];
};

_Static_assert(sizeof(struct exchange_event) == 608, "one message of the event ring");

/* what a string of another one takes of a field of an event; returns the length that it got */
static inline uint8_t exchange_event_put(char *to, uint32_t cap, const char *from, uint32_t len)
{
	uint32_t n = len < cap ? len : cap;

	if (n)
		memcpy(to, from, n);
	return (uint8_t)n;
}

#endif
