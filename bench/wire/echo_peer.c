/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/wire/echo_peer.h"

#include <stdbool.h>
#include <string.h>

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint16_t sum(const uint8_t *p, unsigned n)
{
	uint32_t s = 0;

	for (unsigned i = 0; i + 1 < n; i += 2)
		s += get16(p + i);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

/* differs from frame to frame, so that an answer to another request is a wrong one */
static uint8_t payload_byte(uint16_t seq, unsigned i)
{
	return (uint8_t)(seq * 31u + i * 7u + (seq >> 8));
}

void echo_peer_request(const struct echo_peer *p, uint16_t seq, uint8_t *f)
{
	uint8_t *ip = f + 14, *icmp = f + 34;

	memcpy(f, p->box_mac, 6);
	memcpy(f + 6, p->mac, 6);
	put16(f + 12, 0x0800);
	memset(ip, 0, 20);
	ip[0] = 0x45;
	put16(ip + 2, ECHO_PEER_FRAME - 14);
	put16(ip + 4, seq);
	ip[6] = 0x40; /* do not fragment */
	ip[8] = 64;
	ip[9] = 1;
	memcpy(ip + 12, p->ip, 4);
	memcpy(ip + 16, p->box_ip, 4);
	put16(ip + 10, sum(ip, 20));
	icmp[0] = 8;
	icmp[1] = 0;
	put16(icmp + 2, 0);
	put16(icmp + 4, p->id);
	put16(icmp + 6, seq);
	for (unsigned i = 0; i < ECHO_PEER_PAYLOAD; i++)
		icmp[8 + i] = payload_byte(seq, i);
	put16(icmp + 2, sum(icmp, 8 + ECHO_PEER_PAYLOAD));
}

static void arp(const struct echo_peer *p, uint8_t *f, uint16_t op, const uint8_t *to)
{
	static const uint8_t head[6] = {0, 1, 8, 0, 6, 4};

	memset(f, 0, ECHO_PEER_ARP);
	memcpy(f, to, 6);
	memcpy(f + 6, p->mac, 6);
	put16(f + 12, 0x0806);
	memcpy(f + 14, head, 6);
	put16(f + 20, op);
	memcpy(f + 22, p->mac, 6);
	memcpy(f + 28, p->ip, 4);
	if (op == 2)
		memcpy(f + 32, p->box_mac, 6);
	memcpy(f + 38, p->box_ip, 4);
}

void echo_peer_arp_request(const struct echo_peer *p, uint8_t *frame)
{
	static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

	arp(p, frame, 1, all);
}

void echo_peer_arp_reply(const struct echo_peer *p, uint8_t *frame)
{
	arp(p, frame, 2, p->box_mac);
}

static enum echo_peer_verdict judge_arp(const struct echo_peer *p, const uint8_t *f, unsigned len)
{
	if (len < 42 || memcmp(f + 38, p->ip, 4) != 0)
		return ECHO_PEER_OTHER;
	if (get16(f + 20) == 1)
		return ECHO_PEER_ARP_ASK;
	if (get16(f + 20) != 2)
		return ECHO_PEER_OTHER;
	/* RFC 826: the answer is about the address that was asked for, and goes to whoever asked */
	if (memcmp(f, p->mac, 6) != 0 || memcmp(f + 22, p->box_mac, 6) != 0 ||
	    memcmp(f + 28, p->box_ip, 4) != 0 || memcmp(f + 32, p->mac, 6) != 0)
		return ECHO_PEER_WRONG;
	return ECHO_PEER_ARP_TELL;
}

enum echo_peer_verdict echo_peer_judge(const struct echo_peer *p, const uint8_t *f, unsigned len,
				       uint16_t *seq)
{
	const uint8_t *ip = f + 14, *icmp = f + 34;
	bool right;

	if (len >= 14 && get16(f + 12) == 0x0806)
		return judge_arp(p, f, len);
	if (len < 34 || get16(f + 12) != 0x0800 || ip[9] != 1 || icmp[0] != 0)
		return ECHO_PEER_OTHER;
	if (len < ECHO_PEER_FRAME)
		return ECHO_PEER_WRONG;
	*seq = get16(icmp + 6);
	right = memcmp(f, p->mac, 6) == 0 && memcmp(f + 6, p->box_mac, 6) == 0 && ip[0] == 0x45 &&
		get16(ip + 2) == ECHO_PEER_FRAME - 14 && ip[8] > 0 && memcmp(ip + 12, p->box_ip, 4) == 0 &&
		memcmp(ip + 16, p->ip, 4) == 0 && sum(ip, 20) == 0 && icmp[1] == 0 &&
		get16(icmp + 4) == p->id && sum(icmp, 8 + ECHO_PEER_PAYLOAD) == 0;
	for (unsigned i = 0; right && i < ECHO_PEER_PAYLOAD; i++)
		right = icmp[8 + i] == payload_byte(*seq, i);
	return right ? ECHO_PEER_REPLY : ECHO_PEER_WRONG;
}
