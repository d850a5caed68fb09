/* SPDX-License-Identifier: BSD-3-Clause */
/* SHA-256 (FIPS 180-4), for revisions' hashes; keys and certificates are none of its business. */
#ifndef CONTROLPLANE_STORE_SHA256_H
#define CONTROLPLANE_STORE_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct sha256 {
	uint32_t h[8];
	uint64_t n;
	uint8_t block[64];
};

void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *data, size_t n);
void sha256_done(struct sha256 *s, uint8_t out[32]);
/* 64 lower-case hex digits and a NUL */
void sha256_hex(const uint8_t digest[32], char out[65]);

#endif
