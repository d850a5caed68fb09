/* SPDX-License-Identifier: BSD-3-Clause */
/* Header fields and methods by number: a perfect hash over the bytes of the name and its length. */
#ifndef DATAPLANE_SIP_SIP_HEADER_H
#define DATAPLANE_SIP_SIP_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sip_header_id {
#define X(id, name, compact, once) SIP_HDR_##id,
#include "dataplane/sip/sip_header.def"
#undef X
	SIP_HDR_COUNT
};

enum sip_method {
#define X(id, name) SIP_METHOD_##id,
#include "dataplane/sip/sip_method.def"
#undef X
	SIP_METHOD_COUNT
};

struct sip_header_info {
	const char *name; /* long form as we write it; "" for SIP_HDR_OTHER */
	uint8_t name_len;
	char compact; /* 0: none */
	bool once;    /* a second one is an error */
};

extern const struct sip_header_info sip_header_infos[SIP_HDR_COUNT];
extern const char *const sip_method_texts[SIP_METHOD_COUNT];

/* any case, long or compact form; reads name[0, len) only. SIP_HDR_OTHER: not one that we know. */
enum sip_header_id sip_header_lookup(const char *name, size_t len);
/* methods are case-sensitive (RFC 3261 section 7.1) */
enum sip_method sip_method_lookup(const char *name, size_t len);

#endif
