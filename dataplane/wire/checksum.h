/* SPDX-License-Identifier: BSD-3-Clause */
/* The Internet checksum (RFC 1071) and its incremental update (RFC 1624). Pure.
 *
 * A sum is the one's-complement sum of 16-bit words as they lie in memory: by RFC 1071 section 2 (B) the byte
 * order does not matter as long as the result is stored the way the words were loaded. Sums are 32-bit and
 * folded late. */
#ifndef DATAPLANE_WIRE_CHECKSUM_H
#define DATAPLANE_WIRE_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Sum of len bytes of which the first has an even offset; the result is below 2^17. */
typedef uint32_t (*wire_sum_fn)(const void *data, size_t len);

struct wire_sum_kernel {
	const char *name;
	wire_sum_fn sum;
	bool (*runs_here)(void);
};

/* Best first, scalar last; ends with a name of NULL. */
extern const struct wire_sum_kernel wire_sum_kernels[];

/* The named kernel, or the best one with NULL; NULL when there is no such name or it does not run on this
 * CPU. */
const struct wire_sum_kernel *wire_sum_pick(const char *name);

static inline uint16_t wire_sum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* For what follows an odd number of bytes (a chained buffer). */
static inline uint32_t wire_sum_odd(uint32_t sum)
{
	return __builtin_bswap16(wire_sum_fold(sum));
}

/* Sum of two sums, with the carry brought round. */
static inline uint64_t wire_sum_add(uint64_t sum, uint64_t more)
{
	sum += more;
	return sum + (sum < more);
}

/* Where a call, or bringing a vector together, would cost more than the work: any length, meant for headers
 * and pings. Eight bytes are added at a time, which is right in one's complement (RFC 1071 section 2 (C)).
 * The result is below 2^33, so that a caller may go on adding. */
static inline uint64_t wire_sum_short(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t sum = 0, v = 0;
	uint32_t w;

	for (; len >= 8; len -= 8, p += 8) {
		memcpy(&v, p, 8);
		sum = wire_sum_add(sum, v);
	}
	if (len & 4) {
		memcpy(&w, p, 4);
		sum = wire_sum_add(sum, w);
		p += 4;
	}
	if (len & 2) {
		uint16_t h;

		memcpy(&h, p, 2);
		sum = wire_sum_add(sum, h);
		p += 2;
	}
	if (len & 1)
		sum = wire_sum_add(sum, *p);
	return (sum & 0xffffffff) + (sum >> 32);
}

/* RFC 2460 section 8.1, RFC 9293 section 3.1: pseudo header; addresses 4 or 16 bytes each, len in host order
 */
static inline uint64_t wire_sum_pseudo(const void *src, const void *dst, size_t addr_len, uint8_t proto,
				       uint32_t len)
{
	return wire_sum_short(src, addr_len) + wire_sum_short(dst, addr_len) + __builtin_bswap32(len) +
	       __builtin_bswap32(proto);
}

/* RFC 1624 equation 3: HC' = ~(~HC + ~m + m'); words as they lie in memory */
static inline uint16_t wire_checksum_update16(uint16_t checksum, uint16_t old_word, uint16_t new_word)
{
	return (uint16_t)~wire_sum_fold((uint64_t)(uint16_t)~checksum + (uint16_t)~old_word + new_word);
}

static inline uint16_t wire_checksum_update32(uint16_t checksum, uint32_t old_word, uint32_t new_word)
{
	return (uint16_t)~wire_sum_fold((uint64_t)(uint16_t)~checksum + (uint32_t)~old_word + new_word);
}

#endif
