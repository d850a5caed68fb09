/* SPDX-License-Identifier: BSD-3-Clause */
/* What an honest router says about a packet that does not fit: RFC 792/1191 for IPv4, RFC 4443 section 3.2
 * for IPv6. */
#ifndef TESTS_LAB_IMPAIR_IMPAIR_ICMP_H
#define TESTS_LAB_IMPAIR_IMPAIR_ICMP_H

#include "tests/lab/impair/impair_spec.h"

enum { IMPAIR_ICMP_MAX = 1280 + 18 };

/* the answer to `frame`, to be sent back where it came from; its length, or 0 when there is none to give (not
 * IP, no DF, no address to speak from) */
uint32_t impair_icmp_too_big(const struct impair_spec *s, const uint8_t *frame, uint32_t len,
			     uint8_t out[IMPAIR_ICMP_MAX]);

#endif
