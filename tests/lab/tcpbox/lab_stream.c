/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/lab/tcpbox/lab_stream.h"

void lab_stream_init(struct lab_stream *s, uint64_t seed)
{
	s->x = seed * 0x9e3779b97f4a7c15u + 1;
	s->left = 0;
}

void lab_stream_fill(struct lab_stream *s, void *to, size_t len)
{
	uint8_t *p = to;

	while (len--) {
		if (!s->left) {
			s->x ^= s->x << 13;
			s->x ^= s->x >> 7;
			s->x ^= s->x << 17;
			s->word = s->x * 0x2545f4914f6cdd1du;
			s->left = 8;
		}
		*p++ = (uint8_t)s->word;
		s->word >>= 8;
		s->left--;
	}
}

void lab_stream_hex(struct sha256 *digest, char hex[65])
{
	uint8_t d[32];

	sha256_done(digest, d);
	sha256_hex(d, hex);
}
