/* SPDX-License-Identifier: BSD-3-Clause */
/* host of RFC 3261 section 25.1 (with RFC 5954 for IPv6), and the one form in which names are compared. */
#ifndef DATAPLANE_SIP_SIP_HOST_H
#define DATAPLANE_SIP_SIP_HOST_H

#include "dataplane/sip/sip_msg.h"

enum sip_host_kind { SIP_HOST_NONE, SIP_HOST_NAME, SIP_HOST_IP4, SIP_HOST_IP6 };

enum { SIP_HOST_NAME_MAX = 253 };

struct sip_host {
	struct sip_view text; /* as written; IPv6 with its brackets where it has them */
	uint8_t kind;
};

/* Host at pos, not beyond `end`: behind it; 0: none there or malformed. Strict: LDH labels of at most 63
 * bytes, the last one begins with a letter; four decimal octets without leading zeros; IPv6 in brackets. A
 * '%', '_' or a byte above 0x7f is refused, so a name has one reading (U-labels never get this far). */
uint32_t sip_host_parse(const struct sip_msg *m, uint32_t pos, uint32_t end, struct sip_host *out);

/* Dotted quad or RFC 4291 text (no brackets, no zone) at the start of p[0, len): its length, 0: none. The
 * address goes to out when that is not NULL: 4 or 16 bytes in network order. */
uint32_t sip_ip4_parse(const uint8_t *p, uint32_t len, uint8_t out[4]);
uint32_t sip_ip6_parse(const uint8_t *p, uint32_t len, uint8_t out[16]);

/* Address of a host that is one: 4, 16, or 0 when it is a name. */
unsigned sip_host_address(const struct sip_msg *m, const struct sip_host *h, uint8_t out[16]);

/* Canonical name: lower case, no trailing dot, into out[SIP_HOST_NAME_MAX + 1] with a NUL. Returns its
 * length; 0: not a name (an address), or too long. */
unsigned sip_host_canon(const struct sip_msg *m, const struct sip_host *h, char *out);

/* the same host: names without case and trailing dot, addresses by value (RFC 5118 section 4.9 makes no
 * IPv4-mapped address equal to its IPv4 form) */
bool sip_host_equal(const struct sip_msg *ma, const struct sip_host *a, const struct sip_msg *mb,
		    const struct sip_host *b);

#endif
