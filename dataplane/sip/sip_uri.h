/* SPDX-License-Identifier: BSD-3-Clause */
/* sip:, sips: and tel: URIs (RFC 3261 section 19.1, RFC 3966), and other absolute URIs as opaque text. */
#ifndef DATAPLANE_SIP_SIP_URI_H
#define DATAPLANE_SIP_SIP_URI_H

#include "dataplane/sip/sip_host.h"

enum sip_scheme { SIP_SCHEME_NONE, SIP_SCHEME_SIP, SIP_SCHEME_SIPS, SIP_SCHEME_TEL, SIP_SCHEME_OTHER };

enum sip_transport {
	SIP_TRANSPORT_NONE,
	SIP_TRANSPORT_UDP,
	SIP_TRANSPORT_TCP,
	SIP_TRANSPORT_TLS,
	SIP_TRANSPORT_SCTP,
	SIP_TRANSPORT_WS,
	SIP_TRANSPORT_WSS,
	SIP_TRANSPORT_OTHER,
};

enum sip_uri_flags {
	SIP_URI_HAS_USER = 1,
	SIP_URI_HAS_PASSWORD = 2,
	SIP_URI_HAS_PORT = 4,
	SIP_URI_LR = 8,
	SIP_URI_TRANSPORT = 16,
	SIP_URI_MADDR = 32,
	SIP_URI_TTL = 64,
	SIP_URI_USER_PARAM = 128,
	SIP_URI_METHOD_PARAM = 256,
	SIP_URI_GR = 512,
	SIP_URI_USER_PHONE = 1024,
	SIP_URI_HAS_HEADERS = 2048,
	SIP_URI_ESCAPED = 4096, /* a '%' somewhere */
};

/* where a URI stands decides where it ends */
enum sip_uri_place {
	SIP_URI_IN_LINE,     /* Request-Line, or a text of its own: at `end` */
	SIP_URI_IN_BRACKETS, /* <URI>: at the '>' */
	SIP_URI_BARE,	     /* addr-spec in a header field: before ';' ',' and white space; '?' is an error
			      * (section 20.10) */
};

struct sip_uri {
	struct sip_view all;
	struct sip_view user;	  /* as written, escapes too; tel: the number */
	struct sip_view password; /* RFC 3261 recommends against it; we only see it */
	struct sip_host host;	  /* sip and sips only */
	struct sip_view params;	  /* behind the first ';' up to '?' or the end */
	struct sip_view headers;  /* behind '?' */
	uint16_t port;		  /* with SIP_URI_HAS_PORT */
	uint16_t flags;
	uint8_t scheme;	   /* enum sip_scheme */
	uint8_t transport; /* enum sip_transport of the parameter */
};

/* URI at pos: behind it; 0: malformed. `end` bounds it (the value's end or that of the text). A parameter of
 * section 19.1.1 twice is malformed, also when one of the two is written with escapes. */
uint32_t sip_uri_parse(const struct sip_msg *m, uint32_t pos, uint32_t end, enum sip_uri_place place,
		       struct sip_uri *out);

/* One parameter of a URI. */
struct sip_uri_param {
	struct sip_view name, value;
	bool has_value;
};

/* Iterates u->params (or, with headers, u->headers as name and value): *at starts at 0. false: no more. */
bool sip_uri_param_next(const struct sip_msg *m, const struct sip_uri *u, uint32_t *at,
			struct sip_uri_param *out);
/* the parameter of this name (lower case, no escapes), whatever its case and escapes */
bool sip_uri_param_find(const struct sip_msg *m, const struct sip_uri *u, const char *name,
			struct sip_uri_param *out);

/* Writes a view with its escapes taken out, at most `size` bytes: the length, or -1: does not fit. */
int sip_uri_unescape(const struct sip_msg *m, struct sip_view v, uint8_t *out, uint32_t size);

/* RFC 3261 section 19.1.4; tel by RFC 3966 section 5; anything else byte by byte. A gr (RFC 5627) that
 * only one of the two has does not count, as the section has it of all but user, ttl, method, maddr and
 * transport: a public GRUU equals its AOR, and who must tell them apart looks at SIP_URI_GR. Cost grows with
 * the product of the numbers of parameters: for policy and tests, not for every message. */
bool sip_uri_equal(const struct sip_msg *ma, const struct sip_uri *a, const struct sip_msg *mb,
		   const struct sip_uri *b);

enum sip_transport sip_transport_of(const struct sip_msg *m, struct sip_view v);

#endif
