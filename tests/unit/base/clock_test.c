/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dataplane/base/clock.h"
#include "dataplane/base/rng.h"

static void it_agrees_with_the_kernel(void **state)
{
	struct base_clock c;
	uint64_t before, ours, after;

	base_clock_init(&c);
	before = base_clock_kernel();
	ours = base_clock_at(&c, __rdtsc());
	after = base_clock_kernel();
	/* a millisecond of slack: this machine may be busy */
	assert_true(ours + 1000000 > before && ours < after + 1000000);
}

/* a TSC of 2.3 GHz under a kernel clock that drifts and jitters */
static void it_never_runs_backwards(void **state)
{
	struct base_clock c = {.tsc0 = 1000, .ns0 = 5000, .tsc_first = 1000, .ns_first = 5000};
	struct base_rng r;
	uint64_t tsc = 1000, last = 0;
	double true_ns = 5000;

	base_rng_seed(&r, 3);
	c.slope = (uint64_t)((1.0 / 2.31) * 4294967296.0); /* learned badly */
	for (unsigned second = 0; second < 1000; second++) {
		uint64_t ns;

		for (unsigned step = 0; step < 10; step++) {
			tsc += 230000000;
			true_ns += 230000000 / 2.3;
			ns = base_clock_at(&c, tsc);
			assert_true(ns >= last);
			last = ns;
		}
		base_clock_learn(&c, tsc, (uint64_t)true_ns + base_rng_below(&r, 20000));
		ns = base_clock_at(&c, tsc);
		assert_true(ns >= last);
		last = ns;
		if (second > 10)
			assert_true(llabs((long long)last - (long long)true_ns) < 60000);
	}
}

static void a_jump_ahead_is_taken_at_once(void **state)
{
	struct base_clock c = {.tsc0 = 0, .ns0 = 1000, .tsc_first = 0, .ns_first = 1000};

	c.slope = UINT64_C(1) << 32;
	/* a suspended machine: the kernel's clock went on */
	base_clock_learn(&c, 1000000, 5000000000u);
	assert_true(base_clock_at(&c, 1000000) == 5000000000u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_agrees_with_the_kernel),
		cmocka_unit_test(it_never_runs_backwards),
		cmocka_unit_test(a_jump_ahead_is_taken_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
