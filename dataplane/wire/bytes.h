/* SPDX-License-Identifier: BSD-3-Clause */
/* Network byte order at any alignment. */
#ifndef DATAPLANE_WIRE_BYTES_H
#define DATAPLANE_WIRE_BYTES_H

#include <stdint.h>
#include <string.h>

static inline uint16_t wire_get16(const void *p)
{
	uint16_t v;

	memcpy(&v, p, 2);
	return __builtin_bswap16(v);
}

static inline uint32_t wire_get32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return __builtin_bswap32(v);
}

static inline void wire_put16(void *p, uint16_t v)
{
	v = __builtin_bswap16(v);
	memcpy(p, &v, 2);
}

static inline void wire_put32(void *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, 4);
}

#endif
