/* SPDX-License-Identifier: BSD-3-Clause */
/* ARP for IPv4 over ethernet: RFC 826, and the probe and announcement of RFC 5227. Pure. */
#ifndef DATAPLANE_WIRE_ARP_H
#define DATAPLANE_WIRE_ARP_H

#include <stddef.h>
#include <stdint.h>

#include "dataplane/wire/bytes.h"

enum {
	WIRE_ARP_LEN = 28,
	WIRE_ARP_REQUEST = 1,
	WIRE_ARP_REPLY = 2,
};

enum {
	WIRE_ARP_SHORT = -1,
	WIRE_ARP_BAD = -2, /* other hardware, protocol, lengths or operation; a group or zero sender */
};

struct wire_arp {
	uint16_t op;
	uint8_t sender_mac[6], target_mac[6];
	uint8_t sender_ip[4], target_ip[4];
};

/* >0: WIRE_ARP_LEN; padding behind it is ignored. */
int wire_arp_parse(const uint8_t *p, size_t len, struct wire_arp *arp);
/* Writes WIRE_ARP_LEN bytes. */
void wire_arp_emit(uint8_t *out, const struct wire_arp *arp);

#endif
