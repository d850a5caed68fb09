/* SPDX-License-Identifier: BSD-3-Clause */
/* What both ends of the TCP lab agree on: a stream of bytes that follows from a seed, and how its SHA-256 is
 * written. */
#ifndef TESTS_LAB_TCPBOX_LAB_STREAM_H
#define TESTS_LAB_TCPBOX_LAB_STREAM_H

#include "controlplane/store/sha256.h"

struct lab_stream {
	uint64_t x;
	unsigned left;
	uint64_t word;
};

void lab_stream_init(struct lab_stream *s, uint64_t seed);
void lab_stream_fill(struct lab_stream *s, void *to, size_t len);
/* ends the digest: 64 hexadecimal digits and a zero */
void lab_stream_hex(struct sha256 *digest, char hex[65]);

#endif
