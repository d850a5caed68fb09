/* SPDX-License-Identifier: BSD-3-Clause */
/* Typed views of the header fields that are no addresses: numbers, tokens and lists of them. Each reads one
 * field and is strict: the whole value is what the grammar says, or the answer is false. */
#ifndef DATAPLANE_SIP_SIP_VALUE_H
#define DATAPLANE_SIP_SIP_VALUE_H

#include "dataplane/sip/sip_via.h"

struct sip_cseq {
	uint32_t number;
	struct sip_view method_text;
	uint8_t method; /* enum sip_method */
};

/* CSeq = 1*DIGIT LWS Method; the number is below 2^31 (RFC 3261 section 8.1.1.5) */
bool sip_cseq_read(const struct sip_msg *m, const struct sip_header *h, struct sip_cseq *out);

struct sip_rack {
	uint32_t response, cseq;
	struct sip_view method_text;
	uint8_t method;
};

/* RAck = response-num LWS CSeq-num LWS Method (RFC 3262 section 7.2) */
bool sip_rack_read(const struct sip_msg *m, const struct sip_header *h, struct sip_rack *out);

/* callid = word [ "@" word ] */
bool sip_call_id_read(const struct sip_msg *m, const struct sip_header *h, struct sip_view *out);

/* A field that is one number (Max-Forwards, RSeq, Min-Expires …): false: not a number, or above max. */
bool sip_number_read(const struct sip_msg *m, const struct sip_header *h, uint64_t max, uint32_t *out);

/* Expires: a number above 2^32 - 1 counts as 2^32 - 1 (RFC 3261 section 20.19 gives the range; RFC 4475
 * section 3.1.2.4 allows to cut it) */
bool sip_expires_read(const struct sip_msg *m, const struct sip_header *h, uint32_t *out);

/* Retry-After = delta-seconds [ comment ] *( SEMI retry-param ): the number, which is below 2^32 */
bool sip_retry_after_read(const struct sip_msg *m, const struct sip_header *h, uint32_t *seconds);

/* Require, Proxy-Require, Supported, Unsupported, Allow, Allow-Events: one token after the other.
 * 1: one in *out; 0: no more; -1: malformed. An empty Supported, Allow or Allow-Events is legal and holds
 * none. */
int sip_token_next(const struct sip_msg *m, enum sip_header_id id, struct sip_iter *it, struct sip_view *out);

/* token *( SEMI generic-param ): Event, Subscription-State, and one value of Reason; parameters by
 * sip_param_find()
 */
struct sip_tagged {
	struct sip_view token;
	struct sip_view params; /* from the first ';'; len 0: none */
};

bool sip_tagged_read(const struct sip_msg *m, const struct sip_header *h, struct sip_tagged *out);
int sip_tagged_next(const struct sip_msg *m, struct sip_iter *it, struct sip_tagged *out);

/* Content-Type = type "/" subtype *( SEMI name "=" value ) */
struct sip_media_type {
	struct sip_view type, subtype, params;
};

bool sip_media_type_read(const struct sip_msg *m, const struct sip_header *h, struct sip_media_type *out);

/* Identity = signed-identity-digest *( SEMI params ) of RFC 8224, or the quoted form of RFC 4474 */
struct sip_identity {
	struct sip_view digest; /* base64url pieces with dots, or the quoted string */
	struct sip_view info;	/* URI in info=<…>, without the brackets */
	struct sip_view params;
};

bool sip_identity_read(const struct sip_msg *m, const struct sip_header *h, struct sip_identity *out);

/* Parameter of this name (lower case) in `params` as the typed views above and struct sip_nameaddr give it.
 * The value comes with its quotes. */
bool sip_param_find(const struct sip_msg *m, struct sip_view params, const char *name,
		    struct sip_view *value);

/* is this view that text, without case? */
bool sip_view_is(const struct sip_msg *m, struct sip_view v, const char *text);

#endif
