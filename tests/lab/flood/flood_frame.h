/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames that no honest station sends, drawn from a seed: every kind of malformation below TCP, over good
 * headers otherwise, so that each reaches the check that it is meant for. Pure: the same seed gives the same
 * frames. */
#ifndef TESTS_LAB_FLOOD_FLOOD_FRAME_H
#define TESTS_LAB_FLOOD_FLOOD_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/rng.h"

enum flood_kind {
#define X(name) FLOOD_##name,
#include "tests/lab/flood/flood_kind.def"
#undef X
	FLOOD_KINDS
};

extern const char *const flood_kind_names[FLOOD_KINDS];

/* ETH + 1500 */
enum { FLOOD_FRAME_MIN = 14, FLOOD_FRAME_MAX = 1514 };

struct flood_gen {
	struct base_rng rng;
	uint8_t to_mac[6]; /* the box */
	uint8_t to4[4], to6[16];
	uint8_t net4[4], net6[16]; /* an on-link neighbour; its last byte varies */
	bool fragments;		   /* IPv4 fragments too: not where a kernel in between puts them together */
};

/* FLOOD_FRAME_MIN … FLOOD_FRAME_MAX bytes into `out`; returns the length */
uint32_t flood_frame_make(struct flood_gen *g, enum flood_kind kind, uint8_t out[FLOOD_FRAME_MAX]);

#endif
