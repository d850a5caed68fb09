/* SPDX-License-Identifier: BSD-3-Clause */
/* The generator itself: repeatable, in bounds, and not accidentally all alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/lab/flood/flood_frame.h"

static void start(struct flood_gen *g, uint64_t seed)
{
	static const uint8_t MAC[6] = {2, 0, 0, 0, 0, 1};

	*g = (struct flood_gen){.to4 = {198, 18, 1, 2}, .net4 = {198, 18, 1, 0}};
	memcpy(g->to_mac, MAC, 6);
	g->to6[0] = g->net6[0] = 0x20;
	base_rng_seed(&g->rng, seed);
}

static void every_kind_is_in_bounds_and_repeats(void **state)
{
	struct flood_gen a, b;
	/* exact sizes on the heap: ASan sees one byte too many */
	uint8_t *fa = malloc(FLOOD_FRAME_MAX), *fb = malloc(FLOOD_FRAME_MAX);

	start(&a, 7);
	start(&b, 7);
	for (unsigned i = 0; i < 2000 * FLOOD_KINDS; i++) {
		enum flood_kind kind = i % FLOOD_KINDS;
		uint32_t la = flood_frame_make(&a, kind, fa), lb = flood_frame_make(&b, kind, fb);

		assert_in_range(la, FLOOD_FRAME_MIN, FLOOD_FRAME_MAX);
		assert_int_equal(la, lb);
		assert_memory_equal(fa, fb, la);
		/* or the kernel would keep it for itself */
		if (fa[12] == 0x81 && fa[13] == 0)
			assert_in_range(la, 64, FLOOD_FRAME_MAX);
		if (fa[12] == 0x08 && fa[13] == 0 && la >= 34 && fa[14] == 0x45)
			assert_int_equal((fa[20] & 0x3f) | fa[21], 0);
	}
	free(fa);
	free(fb);
}

static void seeds_differ(void **state)
{
	struct flood_gen a, b;
	uint8_t fa[FLOOD_FRAME_MAX], fb[FLOOD_FRAME_MAX];
	unsigned same = 0;

	start(&a, 1);
	start(&b, 2);
	for (unsigned i = 0; i < FLOOD_KINDS; i++) {
		uint32_t la = flood_frame_make(&a, i, fa), lb = flood_frame_make(&b, i, fb);

		same += la == lb && memcmp(fa, fb, la) == 0;
	}
	assert_int_equal(same, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_is_in_bounds_and_repeats),
		cmocka_unit_test(seeds_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
