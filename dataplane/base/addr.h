/* SPDX-License-Identifier: BSD-3-Clause */
/* An IP address of either family in one form: IPv4 lives in ::ffff:0:0/96 (RFC 4291 section 2.5.5.2), so that
 * tables, tuples and hashes have one key size and no family branch. Bytes are in network order. */
#ifndef DATAPLANE_BASE_ADDR_H
#define DATAPLANE_BASE_ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct base_addr {
	union {
		uint8_t b[16];
		uint32_t w[4];
		uint64_t q[2];
	};
};

static inline struct base_addr base_addr_v4(const void *four_bytes)
{
	struct base_addr a;
	uint32_t v;

	memcpy(&v, four_bytes, 4);
	/* whole words (bytes in memory: 0, 0, 0xff, 0xff, the address): pieces would have to leave the store
	 * buffer before they could be read back together */
	a.q[0] = 0;
	a.q[1] = (uint64_t)v << 32 | 0xffff0000u;
	return a;
}

static inline struct base_addr base_addr_v6(const void *sixteen_bytes)
{
	struct base_addr a;

	memcpy(a.b, sixteen_bytes, 16);
	return a;
}

static inline bool base_addr_is_v4(const struct base_addr *a)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(a->b, mapped, sizeof(mapped)) == 0;
}

static inline bool base_addr_equal(const struct base_addr *a, const struct base_addr *b)
{
	return ((a->q[0] ^ b->q[0]) | (a->q[1] ^ b->q[1])) == 0;
}

#endif
