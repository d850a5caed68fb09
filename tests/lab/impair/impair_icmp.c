/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/lab/impair/impair_icmp.h"

#include <string.h>

enum { ETH = 14, IP4 = 20, IP6 = 40, ICMP = 8 };

static uint32_t sum_of(const uint8_t *p, uint32_t len, uint32_t sum)
{
	for (uint32_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	if (len & 1)
		sum += (uint32_t)p[len - 1] << 8;
	return sum;
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put_sum(uint8_t *p, uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	put16(p, ~sum & 0xffff);
}

static void turn_ethernet(const uint8_t *frame, uint8_t *out)
{
	memcpy(out, frame + 6, 6);
	memcpy(out + 6, frame, 6);
	memcpy(out + 12, frame + 12, 2);
}

static uint32_t answer4(const struct impair_spec *s, const uint8_t *frame, uint32_t len, uint8_t *out)
{
	const uint8_t *ip = frame + ETH;
	uint8_t *o = out + ETH, *icmp = o + IP4;
	uint32_t quoted = len - ETH < 548 ? len - ETH : 548;

	if (len < ETH + IP4 || !s->icmp4 || !(ip[6] & 0x40))
		return 0;
	memset(o, 0, IP4 + ICMP);
	o[0] = 0x45;
	put16(o + 2, IP4 + ICMP + quoted);
	o[8] = 64;
	o[9] = 1;
	memcpy(o + 12, &s->from4, 4);
	memcpy(o + 16, ip + 12, 4);
	put_sum(o + 10, sum_of(o, IP4, 0));
	icmp[0] = 3; /* destination unreachable */
	icmp[1] = 4; /* fragmentation needed and DF set */
	put16(icmp + 6, s->mtu);
	memcpy(icmp + ICMP, ip, quoted);
	put_sum(icmp + 2, sum_of(icmp, ICMP + quoted, 0));
	return ETH + IP4 + ICMP + quoted;
}

static uint32_t answer6(const struct impair_spec *s, const uint8_t *frame, uint32_t len, uint8_t *out)
{
	const uint8_t *ip = frame + ETH;
	uint8_t *o = out + ETH, *icmp = o + IP6;
	uint32_t room = 1280 - IP6 - ICMP, quoted = len - ETH < room ? len - ETH : room;

	if (len < ETH + IP6 || !s->icmp6)
		return 0;
	memset(o, 0, IP6 + ICMP);
	o[0] = 0x60;
	put16(o + 4, ICMP + quoted);
	o[6] = 58;
	o[7] = 64;
	memcpy(o + 8, &s->from6, 16);
	memcpy(o + 24, ip + 8, 16);
	icmp[0] = 2; /* packet too big */
	put16(icmp + 6, s->mtu);
	memcpy(icmp + ICMP, ip, quoted);
	put_sum(icmp + 2, sum_of(icmp, ICMP + quoted, sum_of(o + 8, 32, ICMP + quoted + 58)));
	return ETH + IP6 + ICMP + quoted;
}

uint32_t impair_icmp_too_big(const struct impair_spec *s, const uint8_t *frame, uint32_t len,
			     uint8_t out[IMPAIR_ICMP_MAX])
{
	uint32_t type;

	if (len < ETH)
		return 0;
	type = (uint32_t)frame[12] << 8 | frame[13];
	turn_ethernet(frame, out);
	if (type == 0x0800)
		return answer4(s, frame, len, out);
	if (type == 0x86dd)
		return answer6(s, frame, len, out);
	return 0;
}
