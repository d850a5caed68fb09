/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/fault_plan.h"

static void specifications_are_read(void **state)
{
	struct fault_spec s;
	char why[128];

	assert_int_equal(fault_spec_parse(&s, "drop=0.5,dup=1,reorder=0.25,corrupt=0,delay=5ms,seed=7", why,
					  sizeof(why)),
			 0);
	assert_int_equal(s.drop, UINT32_C(1) << 31);
	assert_int_equal(s.dup, UINT32_MAX);
	assert_int_equal(s.reorder, UINT32_C(1) << 30);
	assert_int_equal(s.corrupt, 0);
	assert_int_equal(s.delay_ns, 5000000);
	assert_int_equal(s.seed, 7);
	assert_true(s.rx && s.tx);
	assert_int_equal(fault_spec_parse(&s, "delay=20us,dir=rx", why, sizeof(why)), 0);
	assert_int_equal(s.delay_ns, 20000);
	assert_true(s.rx && !s.tx);
}

static void nonsense_is_refused(void **state)
{
	static const char *const cases[] = {"drop",	 "drop=",      "drop=2",     "drop=-0.1",
					    "drop=nan",	 "drop=0.1x",  "delay=5",    "delay=5m",
					    "delay=11s", "delay=-1ms", "seed=x",     "seed=-1",
					    "dir=left",	 "burst=0.1",  "drop=0.1,=", "delay=infs"};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fault_spec s;
		char why[128] = "";

		if (fault_spec_parse(&s, cases[i], why, sizeof(why)) == 0 || !*why)
			fail_msg("'%s' was taken", cases[i]);
	}
}

static void the_same_seed_means_the_same_fate(void **state)
{
	struct fault_spec s;
	struct base_rng a, b, c;
	char why[128];
	unsigned differ = 0, drops = 0, dups = 0;

	assert_int_equal(fault_spec_parse(&s, "drop=0.1,dup=0.2,reorder=0.3,corrupt=0.4", why, sizeof(why)),
			 0);
	base_rng_seed(&a, 7);
	base_rng_seed(&b, 7);
	base_rng_seed(&c, 8);
	for (unsigned i = 0; i < 100000; i++) {
		struct fault_fate x = fault_decide(&s, &a), y = fault_decide(&s, &b),
				  z = fault_decide(&s, &c);

		assert_true(x.drop == y.drop && x.dup == y.dup && x.reorder == y.reorder &&
			    x.corrupt == y.corrupt && x.where == y.where);
		differ += x.drop != z.drop;
		drops += x.drop;
		dups += x.dup;
	}
	assert_true(differ > 10000);
	assert_in_range(drops, 9500, 10500);
	assert_in_range(dups, 19300, 20700);
}

static void one_setting_does_not_move_another(void **state)
{
	struct fault_spec with, without;
	struct base_rng a, b;
	char why[128];

	assert_int_equal(fault_spec_parse(&with, "drop=0.1,corrupt=0.5", why, sizeof(why)), 0);
	assert_int_equal(fault_spec_parse(&without, "drop=0.1", why, sizeof(why)), 0);
	base_rng_seed(&a, 1);
	base_rng_seed(&b, 1);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(fault_decide(&with, &a).drop, fault_decide(&without, &b).drop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(specifications_are_read),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(the_same_seed_means_the_same_fate),
		cmocka_unit_test(one_setting_does_not_move_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
