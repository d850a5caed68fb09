/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sip/sip_header.h"

#include "dataplane/sip/sip_names.h"

const struct sip_header_info sip_header_infos[SIP_HDR_COUNT] = {
#define X(id, name, compact, once) {name, sizeof(name) - 1, compact[0], once},
#include "dataplane/sip/sip_header.def"
#undef X
};

const char *const sip_method_texts[SIP_METHOD_COUNT] = {
#define X(id, name) name,
#include "dataplane/sip/sip_method.def"
#undef X
};

const uint64_t sip_masks[9] = {
	0,
	UINT64_C(0xff),
	UINT64_C(0xffff),
	UINT64_C(0xffffff),
	UINT64_C(0xffffffff),
	UINT64_C(0xffffffffff),
	UINT64_C(0xffffffffffff),
	UINT64_C(0xffffffffffffff),
	UINT64_C(0xffffffffffffffff),
};

const struct sip_name_row sip_header_rows[] = {SIP_HEADER_NAMES};
const uint8_t sip_header_slots[1 << SIP_HEADER_HASH_BITS] = {SIP_HEADER_SLOTS};

const struct sip_name_row sip_method_rows[] = {SIP_METHOD_NAMES};
const uint8_t sip_method_slots[1 << SIP_METHOD_HASH_BITS] = {SIP_METHOD_SLOTS};

enum sip_header_id sip_header_lookup(const char *name, size_t len)
{
	uint8_t line[2 + 32 + 2] = "\r\n";

	if (len == 0 || len > 32)
		return SIP_HDR_OTHER;
	memcpy(line + 2, name, len);
	line[2 + len] = ':';
	return sip_header_find(line + 2, (uint32_t)len);
}

enum sip_method sip_method_lookup(const char *name, size_t len)
{
	return len == 0 || len > 16 ? SIP_METHOD_OTHER
				    : sip_method_find((const uint8_t *)name, (uint32_t)len, (uint32_t)len);
}
