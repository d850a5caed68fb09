/* SPDX-License-Identifier: BSD-3-Clause */
/* name-addr and addr-spec with their parameters: From, To, Contact, Route, Record-Route, P-Asserted-Identity
 * and what else is made of them (RFC 3261 section 20). */
#ifndef DATAPLANE_SIP_SIP_NAMEADDR_H
#define DATAPLANE_SIP_SIP_NAMEADDR_H

#include "dataplane/sip/sip_via.h"

enum sip_nameaddr_flags {
	SIP_NA_BRACKETS = 1,
	SIP_NA_TAG = 2,
	SIP_NA_Q = 4,
	SIP_NA_EXPIRES = 8,
	SIP_NA_STAR = 16,   /* Contact: * */
	SIP_NA_PARAMS = 32, /* at least one */
};

struct sip_nameaddr {
	struct sip_view all;	 /* without the white space around it */
	struct sip_view display; /* with its quotes; len 0: none */
	struct sip_uri uri;
	struct sip_view params; /* from the first ';' to the end of the value; len 0: none */
	struct sip_view tag, expires;
	uint16_t flags;
	uint16_t header; /* index of its field */
};

/* Route, Record-Route, Path, Service-Route: name-addr only. P-Asserted-Identity and its kin: no parameters.
 * 1: a value; 0: no more; -1: malformed. */
int sip_nameaddr_next(const struct sip_msg *m, enum sip_header_id id, struct sip_iter *it,
		      struct sip_nameaddr *out);

/* From, To, Refer-To, Referred-By, Reply-To: exactly one value in exactly this field. false: malformed. */
bool sip_nameaddr_one(const struct sip_msg *m, const struct sip_header *h, struct sip_nameaddr *out);

#endif
