/* SPDX-License-Identifier: BSD-3-Clause */
/* Which header fields cross and which do not (federation.md section 1.6), as edits. Names are found in every
 * spelling: any case, compact, folded, white space before the colon, as often as they come. Fields that RFC
 * 8224 signs (From, To, Date, Call-ID, CSeq, Contact, body, Identity) are never touched. Pure. */
#ifndef DATAPLANE_PROXY_HEADER_RULES_H
#define DATAPLANE_PROXY_HEADER_RULES_H

#include "config/policy/facts.h"
#include "config/policy/verdict.h"
#include "dataplane/sip/sip_edit.h"

/* Our own field, from our inner servers only: what the sender's home says of his rights. It only tightens:
 *   Sallyport-Rights: federation, no-public, no-outside
 */
#define HEADER_RIGHTS "Sallyport-Rights"

struct header_rules {
	struct policy_name edge; /* our public FQDN: ms-ep-fqdn, source */
	bool diagnostics_out;	 /* the box lets ms-diagnostics and Reason of ours toward partners */
	uint8_t arrived;	 /* enum policy_direction of the side where it arrived */
	bool leaves_external;	 /* it leaves over the external side (outbound, or a clearing house) */
	const struct policy_verdict *verdict; /* accepting */
	struct policy_name peer; /* a name of the peer on the external side, for 1034; may be empty */
	/* requests: Max-Forwards as it came (sip_core); responses: not looked at */
	int32_t max_forwards;
};

/* All edits of one message but Via, Record-Route, Route and what the stream needs. Request or response, as
 * e->m is. 0, or what sip_edit_*() say (-ENOSPC: the message cannot be forwarded: 513 or, a response, 502).
 */
int header_rules_apply(struct sip_edit *e, const struct header_rules *r);

/* ms-edge-proxy-message-trust without CRLF: length or -ENOSPC. verdict NULL: made by the edge itself. */
int header_rules_trust_line(struct policy_name edge, const struct policy_verdict *v, char *out,
			    uint32_t size);

/* What the fields say, read strictly: */
/* Sallyport-Rights of a message from inside; anything from outside is not looked at by the caller */
struct policy_rights header_rights(const struct sip_msg *m);
/* ms-asserted-verification-level: verified only when every copy says so */
enum policy_mark header_mark(const struct sip_msg *m);
/* ms-split-domain-info: one copy, ms-traffic-type=SplitIntra */
enum policy_split header_split(const struct sip_msg *m);

#endif
