/* SPDX-License-Identifier: BSD-3-Clause */
/* §1.5, by a clock that the test turns. */
#include <stdlib.h>

#include "config/policy/limit.h"
#include "tests/unit/policy/row.h"

#define SECOND UINT64_C(1000000000)

static struct policy_limit_class class_defaults(void)
{
	struct policy_limit_class c;

	policy_limit_defaults(&c);
	return c;
}

static void test_rate(void **state)
{
	struct policy_limit_class c = class_defaults();
	struct policy_bucket b = {0};
	uint64_t now = 5 * SECOND, until = 0;

	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(policy_bucket_take(&b, &c, false, 0, now, &until), POLICY_TAKE_PASS);
	/* the 41st is held until there is room again, 1/20 s */
	assert_int_equal(policy_bucket_take(&b, &c, false, 0, now, &until), POLICY_TAKE_PAUSE);
	assert_int_equal(until, now + SECOND / 20);
	assert_int_equal(policy_bucket_take(&b, &c, false, now, until, &until), POLICY_TAKE_PASS);
	/* 20/s in the long run */
	now = until;
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(policy_bucket_take(&b, &c, false, 0, now + SECOND, &until),
				 POLICY_TAKE_PASS);
	assert_int_equal(policy_bucket_take(&b, &c, false, 0, now + SECOND, &until), POLICY_TAKE_PAUSE);
	/* years of silence fill it to the burst and no further */
	now += 400 * 86400 * SECOND;
	assert_int_equal(policy_bucket_lease(&b, &c, false, 1000, now), 40);
	assert_int_equal(policy_bucket_lease(&b, &c, false, 1000, now), 0);
}

static void test_pause_then_503(void **state)
{
	struct policy_limit_class c = class_defaults();
	struct policy_bucket b = {0};
	uint64_t now = SECOND, until;

	/* nothing passes any more: held for 2 s, then 503 */
	c.suspicious_rate = 0;
	policy_bucket_lease(&b, &c, false, 40, now);
	assert_int_equal(policy_bucket_take(&b, &c, true, 0, now, &until), POLICY_TAKE_PAUSE);
	assert_int_equal(until, now + 2 * SECOND);
	assert_int_equal(policy_bucket_take(&b, &c, true, now, until - 1, &until), POLICY_TAKE_PAUSE);
	assert_int_equal(policy_bucket_take(&b, &c, true, now, until, &until), POLICY_TAKE_OVER);
}

static void test_suspicious_rate(void **state)
{
	struct policy_limit_class c = class_defaults();
	struct policy_bucket b = {0};
	uint64_t now = SECOND, until, held;

	/* a full bucket shrinks to one second's worth at once */
	assert_int_equal(policy_bucket_lease(&b, &c, false, 1, now), 1);
	assert_int_equal(policy_bucket_take(&b, &c, true, 0, now, &until), POLICY_TAKE_PASS);
	held = now;
	assert_int_equal(policy_bucket_take(&b, &c, true, held, now, &until), POLICY_TAKE_PAUSE);
	assert_int_equal(until, now + SECOND);
	/* others were served in the meantime: held for 2 s in all, then 503 */
	assert_int_equal(policy_bucket_take(&b, &c, true, 0, now + SECOND, &until), POLICY_TAKE_PASS);
	assert_int_equal(policy_bucket_take(&b, &c, true, held, now + SECOND, &until), POLICY_TAKE_PAUSE);
	assert_int_equal(until, now + 2 * SECOND);
	assert_int_equal(policy_bucket_take(&b, &c, true, 0, now + 2 * SECOND, &until), POLICY_TAKE_PASS);
	assert_int_equal(policy_bucket_take(&b, &c, true, held, now + 2 * SECOND, &until), POLICY_TAKE_OVER);
	/* the clock does not run backwards, and if it did nothing would break */
	assert_int_equal(policy_bucket_take(&b, &c, true, held, now, &until), POLICY_TAKE_PAUSE);
	/* no rate, no limit */
	c.rate = 0;
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(policy_bucket_take(&b, &c, false, 0, now, &until), POLICY_TAKE_PASS);
}

static void test_suspicion(void **state)
{
	struct policy_limit_class c = class_defaults();
	struct policy_ratio r = {0};
	uint64_t now = SECOND;

	assert_true(policy_ratio_failure(403) && policy_ratio_failure(404) && policy_ratio_failure(480) &&
		    policy_ratio_failure(604));
	assert_false(policy_ratio_failure(486) || policy_ratio_failure(200) || policy_ratio_failure(503));
	/* half of 49 is not enough, half of 50 is */
	policy_ratio_add(&r, &c, 200, 25, now);
	policy_ratio_add(&r, &c, 404, 24, now);
	assert_false(r.suspicious);
	assert_true(policy_ratio_add(&r, &c, 404, 1, now));
	assert_true(r.suspicious);
	assert_int_equal(r.entered_good, 25);
	assert_int_equal(r.entered_bad, 25);
	/* below 20 % for 600 s, and not a moment less */
	for (unsigned s = 60; s < 660; s += 5) {
		policy_ratio_add(&r, &c, 200, 9, now + s * SECOND);
		policy_ratio_add(&r, &c, 404, 1, now + s * SECOND);
		assert_true(r.suspicious);
	}
	assert_true(policy_ratio_tick(&r, &c, now + 720 * SECOND) || !r.suspicious);
	assert_false(r.suspicious);
	/* one relapse starts the ten minutes again */
	memset(&r, 0, sizeof(r));
	policy_ratio_add(&r, &c, 404, 50, now);
	assert_true(r.suspicious);
	policy_ratio_tick(&r, &c, now + 70 * SECOND);
	policy_ratio_add(&r, &c, 404, 1, now + 600 * SECOND);
	assert_false(policy_ratio_tick(&r, &c, now + 700 * SECOND));
	assert_true(r.suspicious);
	assert_false(policy_ratio_tick(&r, &c, now + 1260 * SECOND));
	assert_true(policy_ratio_tick(&r, &c, now + 1310 * SECOND));
	/* failures spread thinner than the window are forgotten */
	memset(&r, 0, sizeof(r));
	for (unsigned i = 0; i < 200; i++)
		policy_ratio_add(&r, &c, 404, 1, now + i * 2 * SECOND);
	assert_false(r.suspicious);
}

static void test_uris(void **state)
{
	struct policy_limit_class c = class_defaults();
	struct policy_uris *u = calloc(1, sizeof(*u));
	uint64_t now = SECOND;
	unsigned warned = 0;

	assert_non_null(u);
	for (uint64_t i = 0; i < 1000; i++) {
		/* the worst hashes: all fall on one slot */
		enum policy_uri got = policy_uris_touch(u, &c, i << 32, now);

		assert_true(got == POLICY_URI_NEW || got == POLICY_URI_WARN);
		warned += got == POLICY_URI_WARN;
		assert_int_equal(policy_uris_touch(u, &c, i << 32, now), POLICY_URI_KNOWN);
	}
	assert_int_equal(warned, 1);
	assert_int_equal(u->n, 1000);
	assert_int_equal(policy_uris_touch(u, &c, 7777, now), POLICY_URI_WATCHED);
	assert_int_equal(policy_uris_touch(u, &c, 7777, now), POLICY_URI_REFUSED);
	/* old ones go on */
	assert_int_equal(policy_uris_touch(u, &c, 5ull << 32, now), POLICY_URI_KNOWN);
	/* a higher limit by commit takes effect at once; no class gets more than the table holds */
	c.uri_max = 5000;
	for (uint64_t i = 1; i < 30; i++)
		policy_uris_touch(u, &c, (1ull << 60) + i, now);
	assert_int_equal(u->n, POLICY_URI_MAX);
	/* 30 days, or the operator */
	assert_int_equal(policy_uris_touch(u, &c, 9, now + 30ull * 86400 * SECOND), POLICY_URI_NEW);
	assert_int_equal(u->n, 1);
	/* a core whose clock reading is a moment behind ends nothing */
	assert_int_equal(policy_uris_touch(u, &c, 9, now), POLICY_URI_KNOWN);
	policy_uris_reset(u);
	assert_int_equal(u->n, 0);
	c.uri_max = 0;
	assert_int_equal(policy_uris_touch(u, &c, 9, now), POLICY_URI_KNOWN);
	free(u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_pause_then_503),
		cmocka_unit_test(test_suspicious_rate),
		cmocka_unit_test(test_suspicion),
		cmocka_unit_test(test_uris),
	};

	return cmocka_run_group_tests_name("policy limit", tests, NULL, NULL);
}
