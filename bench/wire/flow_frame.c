/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/wire/flow_frame.h"

#include <string.h>

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint16_t sum(const uint8_t *p, unsigned n, uint32_t s)
{
	for (unsigned i = 0; i + 1 < n; i += 2)
		s += (uint32_t)(p[i] << 8 | p[i + 1]);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

void flow_frame_write(const struct flow_ends *e, uint8_t *f)
{
	uint8_t *ip = f + 14, *tcp = f + 34;

	memset(f, 0, FLOW_FRAME_LEN);
	memcpy(f, e->box_mac, 6);
	memcpy(f + 6, e->mac, 6);
	put16(f + 12, 0x0800);
	ip[0] = 0x45;
	put16(ip + 2, 40);
	ip[6] = 0x40;
	ip[8] = 64;
	ip[9] = 6;
	memcpy(ip + 12, e->ip, 4);
	memcpy(ip + 16, e->box_ip, 4);
	put16(ip + 10, sum(ip, 20, 0));
	put16(tcp, e->port);
	put16(tcp + 2, e->box_port);
	tcp[12] = 5 << 4;
	tcp[13] = 2;
	put16(tcp + 14, 65535);
	/* the pseudo header: addresses, protocol, length */
	put16(tcp + 16, sum(ip + 12, 28, 6 + 20));
}
