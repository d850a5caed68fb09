/* SPDX-License-Identifier: BSD-3-Clause */
/* A chain of certificates that the dataplane has verified up to an anchor of a trust store, told to control
 * for the revocation lists that its certificates name. It comes in parts, one message each, in order, on the
 * ring of events of the worker that verified it. Control copies before it looks, believes nothing of it
 * (it verifies the chain by itself), and forgets one whose parts do not all come. */
#ifndef CONFIG_EXCHANGE_CHAIN_H
#define CONFIG_EXCHANGE_CHAIN_H

#include <stdint.h>

enum {
	EXCHANGE_CHAIN = 8, /* up, on a worker's ring of events */
	EXCHANGE_CHAIN_DATA = 968,
	EXCHANGE_CHAIN_MAX = 12288, /* of all parts together; longer ones are not told */
};

struct exchange_chain {
	uint8_t trust[32]; /* SHA-256 of the file of anchors, by which it has its name */
	uint64_t id;	   /* the same in all parts; the next chain's is another one */
	uint32_t bytes;	   /* of all parts */
	uint32_t at;	   /* where these belong */
	uint16_t len;
	uint8_t reserved[6];
	uint8_t data[EXCHANGE_CHAIN_DATA]; /* DER, the peer's certificate first, the anchor left out */
};

_Static_assert(sizeof(struct exchange_chain) == 1024, "one message of the event ring");

#endif
