/* SPDX-License-Identifier: BSD-3-Clause */
/* Ethernet II with at most one IEEE 802.1Q tag. Pure. */
#ifndef DATAPLANE_WIRE_ETH_H
#define DATAPLANE_WIRE_ETH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/wire/bytes.h"

enum {
	WIRE_ETH_LEN = 14,
	WIRE_ETH_TAG_LEN = 4,
	WIRE_ETH_MIN = 60, /* without FCS */
	WIRE_ETH_TYPE_MIN = 0x600,
	WIRE_ETH_IP4 = 0x0800,
	WIRE_ETH_ARP = 0x0806,
	WIRE_ETH_VLAN = 0x8100,
	WIRE_ETH_QINQ = 0x88a8,
	WIRE_ETH_IP6 = 0x86dd,
};

enum {
	WIRE_ETH_SHORT = -1,
	WIRE_ETH_TAGS = -2, /* a second tag */
};

struct wire_eth {
	uint16_t type;
	uint16_t vlan; /* identifier, 0: untagged or priority-tagged */
	bool tagged;
};

static inline bool wire_mac_is_group(const uint8_t mac[6])
{
	return mac[0] & 1;
}

static inline bool wire_mac_equal(const uint8_t a[6], const uint8_t b[6])
{
	uint32_t x, y;
	uint16_t v, w;

	memcpy(&x, a, 4);
	memcpy(&y, b, 4);
	memcpy(&v, a + 4, 2);
	memcpy(&w, b + 4, 2);
	return ((x ^ y) | (uint32_t)(v ^ w)) == 0;
}

static inline bool wire_mac_is_broadcast(const uint8_t mac[6])
{
	return (mac[0] & mac[1] & mac[2] & mac[3] & mac[4] & mac[5]) == 0xff;
}

static inline bool wire_mac_is_zero(const uint8_t mac[6])
{
	return (mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5]) == 0;
}

/* >0: offset of the payload. Destination is at bytes 0…5, source at 6…11. */
static inline int wire_eth_parse(const uint8_t *frame, size_t len, struct wire_eth *eth)
{
	if (len < WIRE_ETH_LEN)
		return WIRE_ETH_SHORT;
	eth->type = wire_get16(frame + 12);
	eth->vlan = 0;
	eth->tagged = false;
	if (eth->type != WIRE_ETH_VLAN)
		return eth->type == WIRE_ETH_QINQ ? WIRE_ETH_TAGS : WIRE_ETH_LEN;
	if (len < WIRE_ETH_LEN + WIRE_ETH_TAG_LEN)
		return WIRE_ETH_SHORT;
	eth->vlan = wire_get16(frame + 14) & 0xfff;
	eth->type = wire_get16(frame + 16);
	eth->tagged = true;
	if (eth->type == WIRE_ETH_VLAN || eth->type == WIRE_ETH_QINQ)
		return WIRE_ETH_TAGS;
	return WIRE_ETH_LEN + WIRE_ETH_TAG_LEN;
}

/* Bytes that wire_eth_emit writes. */
static inline unsigned wire_eth_size(uint16_t vlan)
{
	return vlan != 0 ? WIRE_ETH_LEN + WIRE_ETH_TAG_LEN : WIRE_ETH_LEN;
}

static inline void wire_eth_emit(uint8_t *out, const uint8_t dst[6], const uint8_t src[6], uint16_t vlan,
				 uint16_t type)
{
	memcpy(out, dst, 6);
	memcpy(out + 6, src, 6);
	out += 12;
	if (vlan != 0) {
		wire_put16(out, WIRE_ETH_VLAN);
		wire_put16(out + 2, vlan);
		out += 4;
	}
	wire_put16(out, type);
}

#endif
