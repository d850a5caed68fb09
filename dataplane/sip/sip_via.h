/* SPDX-License-Identifier: BSD-3-Clause */
/* Via (RFC 3261 section 20.42) with rport (RFC 3581) and alias (RFC 5923). */
#ifndef DATAPLANE_SIP_SIP_VIA_H
#define DATAPLANE_SIP_SIP_VIA_H

#include "dataplane/sip/sip_uri.h"

enum sip_via_flags {
	SIP_VIA_BRANCH = 1,
	SIP_VIA_COOKIE = 2, /* the branch begins with z9hG4bK, in any case: unique over all transactions */
	SIP_VIA_RECEIVED = 4,
	SIP_VIA_RPORT = 8,
	SIP_VIA_MADDR = 16,
	SIP_VIA_TTL = 32,
	SIP_VIA_ALIAS = 64,
	SIP_VIA_VERSION = 128, /* not SIP/2.0 */
};

/* Walks the values of all header fields of one id, in the order of the message. */
struct sip_iter {
	uint16_t header; /* index + 1 of the field; 0: at the end */
	uint32_t pos;	 /* of the next value in it; 0: the field's first */
};

static inline struct sip_iter sip_iter_start(const struct sip_msg *m, enum sip_header_id id)
{
	return (struct sip_iter){m->first[id], 0};
}

struct sip_via {
	struct sip_view all; /* without the white space around it */
	struct sip_host host;
	struct sip_view branch, received, maddr;
	uint16_t port;	/* 0: none */
	uint16_t rport; /* 0: present without value, or absent */
	uint16_t flags;
	uint16_t header; /* index of its field */
	uint8_t transport;
	struct sip_view transport_text;
};

/* 1: a value in *out; 0: no more; -1: malformed. A parameter that we know, twice, is malformed. */
int sip_via_next(const struct sip_msg *m, struct sip_iter *it, struct sip_via *out);

/* All of them, the topmost in *top: their number; -1: one is malformed. */
int sip_via_read(const struct sip_msg *m, struct sip_via *top);

/* Where the rport of a Via that has one stands: the offset behind its name, and its value (len 0: none). 0:
 * it has none. */
uint32_t sip_via_rport(const struct sip_msg *m, const struct sip_via *via, struct sip_view *value);

#endif
