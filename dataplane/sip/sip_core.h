/* SPDX-License-Identifier: BSD-3-Clause */
/* What a proxy reads of every message, in one go: the verdict of RFC 3261 section 16.3 and typed views of all
 * that routes. */
#ifndef DATAPLANE_SIP_SIP_CORE_H
#define DATAPLANE_SIP_SIP_CORE_H

#include "dataplane/sip/sip_nameaddr.h"
#include "dataplane/sip/sip_value.h"

enum { SIP_CORE_NO_MAX_FORWARDS = -1 };

struct sip_core {
	struct sip_uri uri; /* requests */
	struct sip_via via; /* topmost */
	struct sip_nameaddr from, to;
	struct sip_nameaddr route;	  /* topmost, when n_routes */
	struct sip_nameaddr record_route; /* topmost, when n_record_routes */
	struct sip_nameaddr contact;	  /* first, when n_contacts */
	struct sip_cseq cseq;
	struct sip_view call_id;
	int32_t max_forwards; /* or SIP_CORE_NO_MAX_FORWARDS */
	uint16_t n_vias, n_routes, n_record_routes, n_contacts;
};

/* Reads start line, Request-URI and host, every Via, Route, Record-Route and Contact, From, To, Call-ID,
 * CSeq, Max-Forwards of an indexed message. The first thing that is wrong is the verdict; views read before
 * it are good.
 */
enum sip_reason sip_core_read(const struct sip_msg *m, struct sip_core *core);

#endif
