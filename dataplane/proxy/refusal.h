/* SPDX-License-Identifier: BSD-3-Clause */
/* Answers of our own: a verdict of decide(), of the parser or of the proxy itself as a complete response.
 * Toward the inside it always tells why (ms-diagnostics, Reason with our diagnostic id, the trust header of
 * EdgeProxyGenerated); toward partners only when the box says so. Repeats of a request get the same To tag
 * (RFC 3261 section 8.2.7). Pure. */
#ifndef DATAPLANE_PROXY_REFUSAL_H
#define DATAPLANE_PROXY_REFUSAL_H

#include "config/policy/facts.h"
#include "config/policy/verdict.h"
#include "dataplane/base/siphash.h"
#include "dataplane/sip/sip_build.h"
#include "dataplane/sip/sip_validate.h"

struct refusal {
	uint8_t side;		     /* enum policy_direction: where the request came from */
	bool diagnostics_out;	     /* switch of the box */
	struct policy_name edge;     /* our FQDN on that side: source */
	struct siphash_key tag_key;  /* of this start or of the pool */
	const struct sip_core *core; /* of the request, when it was read well; NULL: what is needed of it is
				      * read */
	const char *received;	     /* ";received=" of the topmost Via; NULL: none */
	/* Why. The first that is set counts: */
	unsigned sip_reason;		      /* enum sip_reason, not OK */
	const struct policy_verdict *verdict; /* refusing */
	unsigned reason;		      /* enum policy_reason: the proxy's own; 0 with `status` alone */
	unsigned status; /* overrides the reason's; alone: a plain answer (100, 200, 481 …) */
	unsigned ms_id;	 /* overrides the reason's ms-diagnostics id; 0: the reason's */
	unsigned detail; /* number for 1047: WinsockFailureCode; 0: none */
	struct policy_name domain, peer; /* without a verdict: partner's domain and next hop, may be empty */
	uint32_t retry_after_s;		 /* 503 and others: Retry-After; 0: none */
	const struct sip_validate_rules *rules; /* for Unsupported of 420; may be NULL */
};

enum { REFUSAL_MAX = 64 * 1024 + 2048 };

/* The response to `request`, which need only be indexed. Its length; 0: must not be answered (ACK, BENOTIFY,
 * a response); -ENOSPC, or -EINVAL when there is no Via to answer to. 200 answers OPTIONS to the box, with
 * Allow, Accept and Supported. */
int refusal_build(const struct sip_msg *request, const struct refusal *r, char *out, uint32_t size);

/* status that refusal_build() will use */
unsigned refusal_status(const struct refusal *r);

/* The tag of all our answers to this request: 16 characters and a NUL. From the topmost branch, Call-ID, From
 * tag and CSeq number. `core` as in struct refusal: it changes nothing but the cost. */
void refusal_tag(const struct siphash_key *key, const struct sip_msg *request, const struct sip_core *core,
		 char out[17]);

/* Reason value of ours, SIP;cause=…;text="…";sallyport=…: length, 0: none */
uint32_t refusal_reason_write(const struct refusal *r, char *out, uint32_t size);
/* ms-diagnostics value: length, 0: none */
uint32_t refusal_diagnostics_write(const struct refusal *r, char *out, uint32_t size);

#endif
