/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/wire/icmp.h"

#include "dataplane/wire/ip4.h"
#include "dataplane/wire/ip6.h"

/* both families quote at least 8 bytes behind the IP header: ports and sequence number of TCP */
enum { QUOTED_L4 = 8 };

static int tcp_quoted(const uint8_t *p, struct wire_icmp_error *error)
{
	error->proto = WIRE_PROTO_TCP;
	error->sport = wire_get16(p);
	error->dport = wire_get16(p + 2);
	error->seq = wire_get32(p + 4);
	return 1;
}

static int meaning4(const uint8_t *p, struct wire_icmp_error *error)
{
	switch (p[0]) {
	case WIRE_ICMP4_UNREACHABLE:
		if (p[1] == WIRE_ICMP4_CODE_TOO_BIG) {
			error->meaning = WIRE_ICMP_MEANS_TOO_BIG;
			error->mtu = wire_get16(p + 6);
		} else if (p[1] == WIRE_ICMP4_CODE_PORT || p[1] == WIRE_ICMP4_CODE_PROTO) {
			error->meaning = WIRE_ICMP_MEANS_REFUSED;
		}
		return p[1] <= 15 ? 0 : WIRE_ICMP_TYPE;
	case WIRE_ICMP4_TIME:
	case WIRE_ICMP4_PARAMETER:
		return 0;
	default: /* RFC 6633: quench is dead; redirects are not for a host with static next hops */
		return WIRE_ICMP_TYPE;
	}
}

int wire_icmp4_error_parse(const uint8_t *p, size_t len, struct wire_icmp_error *error)
{
	const uint8_t *q = p + WIRE_ICMP_LEN;
	int rc;

	if (len < WIRE_ICMP_LEN)
		return WIRE_ICMP_SHORT;
	error->meaning = WIRE_ICMP_MEANS_UNREACHABLE;
	error->mtu = 0;
	rc = meaning4(p, error);
	if (rc < 0)
		return rc;
	if (len < WIRE_ICMP_LEN + WIRE_IP4_LEN + QUOTED_L4)
		return WIRE_ICMP_SHORT;
	/* we send no options and no fragments; a router may have changed TTL, TOS and checksum, so these are
	 * not looked at */
	if (q[0] != 0x45 || (wire_get16(q + 6) & 0x3fff) != 0 || q[9] != WIRE_PROTO_TCP)
		return WIRE_ICMP_EMBEDDED;
	error->quoted_len = wire_get16(q + 2);
	error->src = q + 12;
	error->dst = q + 16;
	return tcp_quoted(q + WIRE_IP4_LEN, error);
}

static int meaning6(const uint8_t *p, struct wire_icmp_error *error)
{
	switch (p[0]) {
	case WIRE_ICMP6_UNREACHABLE:
		if (p[1] == WIRE_ICMP6_CODE_PORT)
			error->meaning = WIRE_ICMP_MEANS_REFUSED;
		return 0;
	case WIRE_ICMP6_TOO_BIG:
		error->meaning = WIRE_ICMP_MEANS_TOO_BIG;
		error->mtu = wire_get32(p + 4);
		return 0;
	case WIRE_ICMP6_PARAMETER:
		if (p[1] == WIRE_ICMP6_CODE_HEADER)
			error->meaning = WIRE_ICMP_MEANS_REFUSED;
		return 0;
	case WIRE_ICMP6_TIME:
		return 0;
	default:
		return WIRE_ICMP_TYPE;
	}
}

int wire_icmp6_error_parse(const uint8_t *p, size_t len, struct wire_icmp_error *error)
{
	const uint8_t *q = p + WIRE_ICMP_LEN;
	int rc;

	if (len < WIRE_ICMP_LEN)
		return WIRE_ICMP_SHORT;
	error->meaning = WIRE_ICMP_MEANS_UNREACHABLE;
	error->mtu = 0;
	rc = meaning6(p, error);
	if (rc < 0)
		return rc;
	if (len < WIRE_ICMP_LEN + WIRE_IP6_LEN + QUOTED_L4)
		return WIRE_ICMP_SHORT;
	/* we send no extension headers */
	if ((q[0] >> 4) != 6 || q[6] != WIRE_PROTO_TCP)
		return WIRE_ICMP_EMBEDDED;
	error->quoted_len = (uint16_t)(wire_get16(q + 4) + WIRE_IP6_LEN);
	error->src = q + 8;
	error->dst = q + 24;
	return tcp_quoted(q + WIRE_IP6_LEN, error);
}

uint16_t wire_icmp4_plateau(uint16_t quoted_len)
{
	static const uint16_t plateaus[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296};

	for (unsigned i = 0; i < sizeof(plateaus) / sizeof(plateaus[0]); i++)
		if (plateaus[i] < quoted_len)
			return plateaus[i];
	return 68;
}
