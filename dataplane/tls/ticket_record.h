/* SPDX-License-Identifier: BSD-3-Clause */
/* What a ticket says of its peer, besides the secret: under which identity and profile it was made, and what
 * was verified, whole, so that a core that never met this peer, or a process that has just begun, need not
 * ask for its certificates again. The bytes are trusted because the ticket is sealed under our key, and read
 * as if they were not. Pure. */
#ifndef DATAPLANE_TLS_TICKET_RECORD_H
#define DATAPLANE_TLS_TICKET_RECORD_H

#include <stddef.h>

#include "dataplane/tls/chains.h"

enum {
	TLS_TICKET_NAMES_MAX = TLS_PEER_TEXT, /* bytes of names; a ticket without room has none */
	TLS_TICKET_DATA_MAX = 80 + 24 + 3 * TLS_HASH_LEN + 8 + TLS_PEER_NAMES + TLS_TICKET_NAMES_MAX,
};

enum tls_ticket_chain {
	TLS_TICKET_NOBODY, /* no certificate was asked for */
	TLS_TICKET_KEY,	   /* the chain's key alone */
	TLS_TICKET_WHOLE,  /* the record with it */
};

struct tls_ticket_claim {
	uint8_t chain;		       /* enum tls_ticket_chain */
	uint8_t key[TLS_HASH_LEN];     /* in the table of chains */
	uint8_t context[TLS_HASH_LEN]; /* identity and profile, trust and lists included */
	int64_t verified_at;	       /* seconds of the epoch */
};

/* `chain` NULL: nobody. `whole`: with the record where it fits. How many bytes. */
size_t tls_ticket_data_put(uint8_t out[TLS_TICKET_DATA_MAX], const uint8_t context[TLS_HASH_LEN],
			   const struct tls_chain *chain, bool whole);
/* False: not of our making. `record` is set when the claim is whole: key, dates and peer, nothing else. */
bool tls_ticket_data_get(const uint8_t *data, size_t len, struct tls_ticket_claim *claim,
			 struct tls_chain *record);

#endif
