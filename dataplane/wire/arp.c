/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/wire/arp.h"

#include "dataplane/wire/eth.h"

/* hardware ethernet, protocol IPv4, lengths 6 and 4 */
static const uint8_t arp_fixed[6] = {0, 1, 8, 0, 6, 4};

int wire_arp_parse(const uint8_t *p, size_t len, struct wire_arp *arp)
{
	if (len < WIRE_ARP_LEN)
		return WIRE_ARP_SHORT;
	if (memcmp(p, arp_fixed, sizeof(arp_fixed)) != 0)
		return WIRE_ARP_BAD;
	arp->op = wire_get16(p + 6);
	memcpy(arp->sender_mac, p + 8, 6);
	memcpy(arp->sender_ip, p + 14, 4);
	memcpy(arp->target_mac, p + 18, 6);
	memcpy(arp->target_ip, p + 24, 4);
	if (arp->op != WIRE_ARP_REQUEST && arp->op != WIRE_ARP_REPLY)
		return WIRE_ARP_BAD;
	if (wire_mac_is_group(arp->sender_mac) || wire_mac_is_zero(arp->sender_mac))
		return WIRE_ARP_BAD;
	return WIRE_ARP_LEN;
}

void wire_arp_emit(uint8_t *out, const struct wire_arp *arp)
{
	memcpy(out, arp_fixed, sizeof(arp_fixed));
	wire_put16(out + 6, arp->op);
	memcpy(out + 8, arp->sender_mac, 6);
	memcpy(out + 14, arp->sender_ip, 4);
	memcpy(out + 18, arp->target_mac, 6);
	memcpy(out + 24, arp->target_ip, 4);
}
