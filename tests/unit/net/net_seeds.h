/* SPDX-License-Identifier: BSD-3-Clause */
/* One good frame of every kind that the net looks into: where mutation and fuzzing start. */
#ifndef TESTS_UNIT_NET_NET_SEEDS_H
#define TESTS_UNIT_NET_NET_SEEDS_H

#include <stddef.h>
#include <stdint.h>

enum { SEEDS_MAX = 64, SEED_LEN_MAX = 1514 };

struct seed {
	const char *name;
	size_t len;
	uint8_t bytes[SEED_LEN_MAX];
};

/* Fills seeds; how many. */
unsigned seeds_make(struct seed seeds[SEEDS_MAX]);

/* Makes whatever checksums the headers at hand ask for right again: IPv4 header, ICMP, TCP. Best effort on
 * any bytes.
 */
void seed_checksums_fix(uint8_t *frame, size_t len);

#endif
