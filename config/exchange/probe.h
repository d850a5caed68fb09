/* SPDX-License-Identifier: BSD-3-Clause */
/* What control asks of the dataplane before anybody relies on a partner: shake hands with this address as you
 * would for a message, and say what came of it. No SIP is sent. Fixed size; strings are counted. Either side
 * copies before it looks, and ignores what it does not know. */
#ifndef CONFIG_EXCHANGE_PROBE_H
#define CONFIG_EXCHANGE_PROBE_H

#include <stdint.h>

enum {
	EXCHANGE_PROBE = 6,  /* down, on control's ring 0 */
	EXCHANGE_PROBED = 7, /* up, on a worker's ring of events, or the cold thread's */
};

enum {
	EXCHANGE_PROBE_NAME = 254,
	EXCHANGE_PROBE_HANDSHAKES = 24, /* at most, for one address */
	EXCHANGE_PROBE_MS = 10000,	/* and no longer than this */
};

struct exchange_probe {
	uint64_t id; /* comes back with each answer; not 0 */
	uint8_t address[16];
	uint32_t identity; /* policy_identity.id; 0: the first */
	uint16_t port;
	uint8_t tls_profile; /* policy_tls_profile.id; 0: the identity's */
	uint8_t sni_len;     /* 0: none */
	char sni[EXCHANGE_PROBE_NAME];
	uint8_t reserved[2];
};

/* Numbers are layout: append, never renumber. */
enum exchange_probed_what {
	EXCHANGE_PROBED_NOTHING,
	EXCHANGE_PROBED_FIRST, /* the handshake as a message would have it; comes first */
	EXCHANGE_PROBED_SUITE, /* another suite that the peer takes as well */
	EXCHANGE_PROBED_END,   /* nothing follows; state: are these suites all of them? */
};

enum exchange_probed_state {
	EXCHANGE_PROBED_OK,	     /* of the first: it came up; of the end: all suites were found */
	EXCHANGE_PROBED_BUSY,	     /* another probe runs, or there is no room: nothing was tried */
	EXCHANGE_PROBED_UNREACHABLE, /* no connection */
	EXCHANGE_PROBED_SILENT,	     /* a connection, and no handshake in time */
	EXCHANGE_PROBED_FAILED,	     /* the handshake failed */
	EXCHANGE_PROBED_REFUSED,     /* it was ours to end: the peer's certificate; verdict says why */
	EXCHANGE_PROBED_CUT,	     /* of the end: time was over, or the peer did not answer any more */
};

/* What is not known is 0 or empty. */
struct exchange_probed {
	uint64_t id;
	uint8_t what, state;
	uint8_t alert;	 /* that ended it, sent or received */
	uint8_t eku;	 /* of the peer's certificate, enum policy_eku_bit */
	uint8_t pinned;	 /* the key is all that was proven */
	uint8_t has_key; /* a certificate was shown: spki and names are what it says */
	uint16_t version;
	uint16_t handshakes; /* so far */
	uint8_t suite_len, group_len, signature_len, verdict_len, text_len, names_n;
	uint8_t spki[32];
	char suite[48];
	char group[24];
	char signature[32];
	char verdict[16]; /* of the certificate, "good" */
	char text[160];	  /* why not, for people */
	uint16_t names_len;
	char names[582]; /* each behind its length; as many as there is room for */
};

_Static_assert(sizeof(struct exchange_probe) == 288, "one message of the command ring");
_Static_assert(sizeof(struct exchange_probed) == 920, "one message of the event ring");

#endif
