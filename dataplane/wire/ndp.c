/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/wire/ndp.h"

#include "dataplane/wire/eth.h"

enum { OPTION_SOURCE_MAC = 1, OPTION_TARGET_MAC = 2, OPTION_MTU = 5, OPTION_NONCE = 14 };

static bool mac_option(const uint8_t *p, uint8_t mac[6])
{
	memcpy(mac, p + 2, 6);
	return !wire_mac_is_group(mac) && !wire_mac_is_zero(mac);
}

/* RFC 4861 section 4.6: lengths in units of 8, zero is an error that voids the message; unknown ones are
 * skipped */
static int options_parse(const uint8_t *p, size_t len, struct wire_ndp *ndp)
{
	for (unsigned n = 0; len > 0; n++) {
		size_t size;
		bool good = true;

		if (n == WIRE_NDP_OPTIONS_MAX || len < 8)
			return WIRE_NDP_BAD;
		size = (size_t)p[1] * 8;
		if (size == 0 || size > len)
			return WIRE_NDP_BAD;
		if (p[0] == OPTION_SOURCE_MAC && size == WIRE_NDP_LLADDR_LEN) {
			good = mac_option(p, ndp->source_mac);
			ndp->has_source_mac = true;
		} else if (p[0] == OPTION_TARGET_MAC && size == WIRE_NDP_LLADDR_LEN) {
			good = mac_option(p, ndp->target_mac);
			ndp->has_target_mac = true;
		} else if (p[0] == OPTION_MTU && size == 8) {
			ndp->mtu = wire_get32(p + 4);
		} else if (p[0] == OPTION_NONCE && size == WIRE_NDP_NONCE_LEN) {
			memcpy(ndp->nonce, p + 2, 6);
			ndp->has_nonce = true;
		}
		if (!good)
			return WIRE_NDP_BAD;
		p += size;
		len -= size;
	}
	return 1;
}

int wire_ndp_parse(const uint8_t *p, size_t len, struct wire_ndp *ndp)
{
	size_t fixed = len >= 1 && p[0] == WIRE_NDP_RA	 ? WIRE_NDP_RA_LEN
		       : len >= 1 && p[0] == WIRE_NDP_RS ? WIRE_NDP_RS_LEN
							 : WIRE_NDP_NS_LEN;

	if (len < fixed)
		return WIRE_NDP_SHORT;
	memset(ndp, 0, sizeof(*ndp));
	ndp->type = p[0];
	if (p[1] != 0)
		return WIRE_NDP_BAD;
	if (ndp->type == WIRE_NDP_RA) {
		ndp->lifetime = wire_get16(p + 6);
	} else if (ndp->type == WIRE_NDP_NS || ndp->type == WIRE_NDP_NA) {
		ndp->flags = p[4];
		memcpy(ndp->target, p + 8, 16);
		if (ndp->target[0] == 0xff)
			return WIRE_NDP_BAD;
	} else if (ndp->type != WIRE_NDP_RS) {
		return WIRE_NDP_BAD;
	}
	return options_parse(p + fixed, len - fixed, ndp);
}

static unsigned option_emit(uint8_t *out, uint8_t type, const uint8_t *six)
{
	if (six == NULL)
		return 0;
	out[0] = type;
	out[1] = 1;
	memcpy(out + 2, six, 6);
	return 8;
}

static void target_emit(uint8_t *out, uint8_t type, uint8_t flags, const uint8_t target[16])
{
	memset(out, 0, 8);
	out[0] = type;
	out[4] = flags;
	memcpy(out + 8, target, 16);
}

unsigned wire_ndp_ns_emit(uint8_t *out, const uint8_t target[16], const uint8_t *mac, const uint8_t *nonce)
{
	unsigned len = WIRE_NDP_NS_LEN;

	target_emit(out, WIRE_NDP_NS, 0, target);
	len += option_emit(out + len, OPTION_SOURCE_MAC, mac);
	return len + option_emit(out + len, OPTION_NONCE, nonce);
}

unsigned wire_ndp_na_emit(uint8_t *out, const uint8_t target[16], uint8_t flags, const uint8_t *mac)
{
	target_emit(out, WIRE_NDP_NA, flags, target);
	return WIRE_NDP_NS_LEN + option_emit(out + WIRE_NDP_NS_LEN, OPTION_TARGET_MAC, mac);
}

unsigned wire_ndp_rs_emit(uint8_t *out, const uint8_t *mac)
{
	memset(out, 0, WIRE_NDP_RS_LEN);
	out[0] = WIRE_NDP_RS;
	return WIRE_NDP_RS_LEN + option_emit(out + WIRE_NDP_RS_LEN, OPTION_SOURCE_MAC, mac);
}
