/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages of our own: responses to a request, OPTIONS to see whether a peer lives, and the two requests that
 * are made from an INVITE hop by hop: CANCEL and the ACK for a refusal. All write into the caller's buffer
 * and return the length, or -ENOSPC, or -EINVAL when the message at hand lacks a field that must be copied.
 */
#ifndef DATAPLANE_SIP_SIP_BUILD_H
#define DATAPLANE_SIP_SIP_BUILD_H

#include "dataplane/sip/sip_core.h"

struct sip_response {
	unsigned status;
	const struct sip_core *core; /* of the request, when it was read well; NULL: it is read as needed */
	const char *phrase;	     /* NULL: that of RFC 3261 section 21 */
	const char *to_tag;	     /* put on To when it has none and status is above 100; NULL: none */
	/* The source of the request, for the topmost Via (RFC 3261 section 18.2.1, RFC 3581 section 4): what
	 * the peer wrote as received, or as the value of an rport, gives way to it. NULL, 0: as it came. */
	const char *received;
	unsigned rport;		  /* for a Via that has an rport */
	bool record_route;	  /* copy Record-Route: responses that set a dialog up (section 12.1.1) */
	const char *const *lines; /* more header fields, without CRLF */
	unsigned lines_n;
};

/* Section 8.2.6: Via, From, To, Call-ID and CSeq as they stand in the request, Timestamp for a 100, then
 * `lines`, Content-Length: 0. The request need only be indexed: refusals of malformed messages are built here
 * too. */
int sip_build_response(const struct sip_msg *request, const struct sip_response *r, char *out, uint32_t size);

struct sip_ping {
	const char *uri;  /* Request-URI and To */
	const char *via;  /* value of Via, branch included */
	const char *from; /* value of From, tag included */
	const char *call_id;
	uint32_t cseq;
	const char *const *lines; /* more header fields, without CRLF */
	unsigned lines_n;
};

/* OPTIONS, Max-Forwards 70 */
int sip_build_options(const struct sip_ping *p, char *out, uint32_t size);

/* Both from the INVITE as it left us (indexed): same Request-URI, topmost Via alone, Route, Call-ID, From and
 * the number of CSeq (sections 9.1 and 17.1.1.3). The ACK's To is that of the response. */
int sip_build_cancel(const struct sip_msg *invite, char *out, uint32_t size);
int sip_build_ack(const struct sip_msg *invite, const struct sip_msg *response, char *out, uint32_t size);

#endif
