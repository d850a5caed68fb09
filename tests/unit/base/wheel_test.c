/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dataplane/base/pool.h"
#include "dataplane/base/rng.h"
#include "dataplane/base/wheel.h"

struct object {
	uint64_t before;
	struct wheel_link link;
	uint32_t fired, due;
};

enum { N = 2000 };

static struct object objects[N];

static void start(struct wheel *w, uint32_t tick)
{
	wheel_init(w, &objects[0].link, sizeof(objects[0]), tick);
	for (unsigned i = 0; i < N; i++) {
		wheel_link_init(&objects[i].link);
		objects[i].fired = 0;
	}
}

/* every timer fires once, at its tick, however far it lies and wherever the clock wraps */
static void fires_in_time(void **state)
{
	static const uint32_t spans[] = {1, 200, 256, 5000, 65536, 100000, 20000000, 1u << 30};
	static const uint32_t starts[] = {0, 255, 0xffffff00, 0x7ffffff0, 0xfffeffff};
	struct wheel w;
	struct base_rng r;

	(void)state;
	base_rng_seed(&r, 1);
	for (unsigned s = 0; s < 8; s++) {
		for (unsigned k = 0; k < 5; k++) {
			uint32_t now = starts[k], left = N;

			start(&w, now);
			for (unsigned i = 0; i < N; i++) {
				objects[i].due = now + 1 + base_rng_below(&r, spans[s]);
				wheel_arm(&w, i, objects[i].due);
			}
			while (left) {
				uint32_t idle = wheel_idle(&w, now), i;

				assert_true(idle != UINT32_MAX);
				now += idle ? idle : 1;
				while ((i = wheel_pop(&w, now)) != WHEEL_NONE) {
					assert_int_equal(objects[i].fired++, 0);
					assert_true((int32_t)(now - objects[i].due) >= 0);
					/* the idle time is a lower bound, so nothing fires late */
					assert_int_equal(now, objects[i].due);
					left--;
				}
			}
			assert_int_equal(wheel_idle(&w, now), UINT32_MAX);
		}
	}
}

/* arm, re-arm and disarm at random against a plain model */
static void model(void **state)
{
	struct wheel w;
	struct base_rng r;
	uint32_t now = 0xfffffe00;
	static bool armed[N];

	(void)state;
	base_rng_seed(&r, 2);
	start(&w, now);
	for (unsigned step = 0; step < 20000; step++) {
		uint32_t i = base_rng_below(&r, N), popped;

		switch (base_rng_below(&r, 4)) {
		case 0:
		case 1:
			objects[i].due = now + base_rng_below(&r, 1u << base_rng_below(&r, 20));
			wheel_arm(&w, i, objects[i].due);
			armed[i] = true;
			break;
		case 2:
			wheel_disarm(&w, i);
			armed[i] = false;
			break;
		default:
			now += base_rng_below(&r, 1u << base_rng_below(&r, 12));
			while ((popped = wheel_pop(&w, now)) != WHEEL_NONE) {
				assert_true(armed[popped]);
				assert_true((int32_t)(now - objects[popped].due) >= 0);
				armed[popped] = false;
			}
			for (unsigned k = 0; k < N; k++)
				assert_false(armed[k] && (int32_t)(now - objects[k].due) >= 0);
		}
		assert_int_equal(wheel_is_armed(&objects[i].link), armed[i]);
	}
}

static void pool(void **state)
{
	struct base_pool p;
	uint32_t a, b;

	(void)state;
	assert_int_equal(base_pool_init(&p, 3, 100, 8), 0);
	assert_int_equal(p.stride, 112);
	a = base_pool_get(&p);
	b = base_pool_get(&p);
	assert_int_equal(a, 0);
	assert_int_equal(b, 1);
	assert_int_equal(base_pool_index(&p, base_pool_at(&p, b)), b);
	((uint32_t *)base_pool_at(&p, a))[1] = 77;
	base_pool_put(&p, a);
	assert_int_equal(((uint32_t *)base_pool_at(&p, a))[1], 77);
	assert_int_equal(base_pool_get(&p), a);
	assert_int_equal(base_pool_get(&p), 2);
	assert_int_equal(base_pool_get(&p), BASE_POOL_NONE);
	assert_int_equal(p.used, 3);
	assert_int_equal(p.touched, 3);
	base_pool_fini(&p);
	assert_true(base_pool_init(&p, 0, 100, 8) < 0);
	assert_true(base_pool_init(&p, 10, 2, 2) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(fires_in_time), cmocka_unit_test(model),
					   cmocka_unit_test(pool)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
