/* SPDX-License-Identifier: BSD-3-Clause */
/* What both ends of the TCP lab agree on: a stream of bytes that follows from a seed, and SHA-256 (FIPS
 * 180-4) over it. */
#ifndef TESTS_LAB_TCPBOX_STREAM_DIGEST_H
#define TESTS_LAB_TCPBOX_STREAM_DIGEST_H

#include <stddef.h>
#include <stdint.h>

struct stream_digest {
	uint32_t h[8];
	uint64_t bytes;
	uint8_t block[64];
};

void stream_digest_init(struct stream_digest *d);
void stream_digest_add(struct stream_digest *d, const void *data, size_t len);
/* 64 hexadecimal digits and a zero */
void stream_digest_end(struct stream_digest *d, char hex[65]);

struct stream_bytes {
	uint64_t x;
	unsigned left;
	uint64_t word;
};

void stream_bytes_init(struct stream_bytes *s, uint64_t seed);
void stream_bytes_fill(struct stream_bytes *s, void *to, size_t len);

#endif
