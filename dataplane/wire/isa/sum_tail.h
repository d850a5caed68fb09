/* SPDX-License-Identifier: BSD-3-Clause */
/* What every sum kernel ends with. Everything here is static: each kernel is compiled for its own instruction
 * set, and a shared copy of one could be linked for all. */
#ifndef DATAPLANE_WIRE_ISA_SUM_TAIL_H
#define DATAPLANE_WIRE_ISA_SUM_TAIL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t sum_tail(const uint8_t *p, size_t len)
{
	uint64_t sum = 0;
	uint64_t q;
	uint32_t w;
	uint16_t h;

	for (; len >= 8; len -= 8, p += 8) {
		memcpy(&q, p, 8);
		sum += (q & 0xffffffff) + (q >> 32);
	}
	if (len & 4) {
		memcpy(&w, p, 4);
		sum += w;
		p += 4;
	}
	if (len & 2) {
		memcpy(&h, p, 2);
		sum += h;
		p += 2;
	}
	if (len & 1)
		sum += *p; /* RFC 1071: padded with a zero byte behind it; little endian */
	return sum;
}

static inline uint32_t sum_end(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + ((sum >> 16) & 0xffff) + (sum >> 32);
	return (uint32_t)((sum & 0xffff) + (sum >> 16));
}

#endif
