/* SPDX-License-Identifier: BSD-3-Clause */
/* Neighbour discovery messages: RFC 4861, with the nonce of RFC 7527. Pure. Checksum, source and destination
 * addresses are the caller's to judge; everything inside of the message is judged here. */
#ifndef DATAPLANE_WIRE_NDP_H
#define DATAPLANE_WIRE_NDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/wire/bytes.h"

enum {
	WIRE_NDP_RS = 133,
	WIRE_NDP_RA = 134,
	WIRE_NDP_NS = 135,
	WIRE_NDP_NA = 136,
	WIRE_NDP_REDIRECT = 137,
	WIRE_NDP_HOP_LIMIT = 255,
	WIRE_NDP_NS_LEN = 24, /* without options */
	WIRE_NDP_RA_LEN = 16,
	WIRE_NDP_RS_LEN = 8,
	WIRE_NDP_LLADDR_LEN = 8,
	WIRE_NDP_NONCE_LEN = 8,
	WIRE_NDP_OPTIONS_MAX = 32,
	/* flags of an advertisement */
	WIRE_NDP_ROUTER = 0x80,
	WIRE_NDP_SOLICITED = 0x40,
	WIRE_NDP_OVERRIDE = 0x20,
};

enum {
	WIRE_NDP_SHORT = -1,
	WIRE_NDP_BAD = -2, /* code, option length, group target, or too many options */
};

struct wire_ndp {
	uint8_t type;
	uint8_t flags;	       /* NA */
	uint8_t target[16];    /* NS and NA */
	uint16_t lifetime;     /* RA: seconds as default router */
	uint32_t mtu;	       /* RA: 0 when absent */
	uint8_t source_mac[6]; /* option 1, if has_source_mac */
	uint8_t target_mac[6]; /* option 2, if has_target_mac */
	uint8_t nonce[6];      /* RFC 7527, if has_nonce */
	bool has_source_mac, has_target_mac, has_nonce;
};

/* RS, RA, NS or NA at p, len bytes (type already looked at by the caller). >0: read. */
int wire_ndp_parse(const uint8_t *p, size_t len, struct wire_ndp *ndp);

/* Each writes a message with checksum zero and returns its length. mac or nonce NULL: without the option. */
unsigned wire_ndp_ns_emit(uint8_t *out, const uint8_t target[16], const uint8_t *mac, const uint8_t *nonce);
unsigned wire_ndp_na_emit(uint8_t *out, const uint8_t target[16], uint8_t flags, const uint8_t *mac);
unsigned wire_ndp_rs_emit(uint8_t *out, const uint8_t *mac);

#endif
