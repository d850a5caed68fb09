/* SPDX-License-Identifier: BSD-3-Clause */
/* The pure parts of the loop: idle ladder, watchdog, quiescent report. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/worker/idle.h"
#include "dataplane/worker/report.h"
#include "dataplane/worker/watchdog.h"

static void the_ladder_goes_from_spinning_to_200_microseconds(void **state)
{
	struct idle i = {.poll = false};
	uint32_t last = 0, ns = 0;
	uint64_t slept = 0;
	unsigned n;

	for (n = 0; n < IDLE_SPINS; n++)
		assert_int_equal(idle_next(&i, false), 0);
	assert_int_equal(idle_next(&i, false), 20000);
	for (n = 0; n < 1000; n++) {
		ns = idle_next(&i, false);
		assert_true(ns >= last && ns >= 20000 && ns <= 200000);
		last = ns;
		slept += ns;
	}
	assert_int_equal(ns, 200000);
	assert_true(slept > 900u * 200000u); /* it stays at the last rung */
}

static void work_wakes_at_once(void **state)
{
	struct idle i = {.poll = false};

	for (unsigned n = 0; n < 5000; n++)
		idle_next(&i, false);
	assert_int_equal(idle_next(&i, true), 0);
	for (unsigned n = 0; n < IDLE_SPINS; n++)
		assert_int_equal(idle_next(&i, false), 0);
	assert_int_equal(idle_next(&i, false), 20000);
}

static void polling_never_sleeps(void **state)
{
	struct idle i = {.poll = true};

	for (unsigned n = 0; n < 100000; n++)
		assert_int_equal(idle_next(&i, false), 0);
}

static void a_silent_worker_is_found_after_two_seconds(void **state)
{
	struct watchdog w = {.last = 0};

	assert_false(watchdog_tick(&w, 2));
	for (unsigned t = 1; t < WATCHDOG_TICKS; t++)
		assert_false(watchdog_tick(&w, 2));
	assert_true(watchdog_tick(&w, 2));
	/* who wants to run and gets no CPU is starved; who had a second of it, or waits for something, hangs
	 */
	w.cpu_ms = 5000;
	assert_true(watchdog_starved(&w, true, 5999));
	assert_false(watchdog_starved(&w, true, 6000));
	assert_false(watchdog_starved(&w, false, 5000));
	assert_int_equal(WATCHDOG_TICKS * WATCHDOG_TICK_MS, 2000);
}

/* its heartbeat came between the two looks of a cold thread that was held up itself */
static void who_woke_while_he_was_looked_at_lives(void **state)
{
	struct watchdog w = {.last = 0};

	for (unsigned t = 0; t <= WATCHDOG_TICKS; t++)
		watchdog_tick(&w, 7);
	assert_true(watchdog_tick(&w, 7));
	assert_false(watchdog_starved(&w, false, 0));
	assert_false(watchdog_woke(&w, 7));
	assert_true(watchdog_woke(&w, 8));
}

static void who_is_to_end_has_two_seconds_of_cpu(void **state)
{
	struct watchdog w = {.cpu_ms = 500};

	/* starved for a minute, then at work */
	for (unsigned t = 0; t < 600; t++)
		assert_false(watchdog_endless(&w, true, 500));
	assert_false(watchdog_endless(&w, true, 2499));
	/* at work for ever */
	for (unsigned t = 1; t < WATCHDOG_TICKS; t++)
		assert_false(watchdog_endless(&w, true, 2500 + t));
	assert_true(watchdog_endless(&w, true, 4500));
	/* waiting for ever */
	w = (struct watchdog){.cpu_ms = 500};
	for (unsigned t = 1; t < WATCHDOG_TICKS; t++)
		assert_false(watchdog_endless(&w, false, 500));
	assert_true(watchdog_endless(&w, false, 500));
}

static void one_sign_of_life_is_enough(void **state)
{
	struct watchdog w = {.last = 0};

	for (uint64_t beat = 1; beat < 100; beat++) {
		for (unsigned t = 0; t < WATCHDOG_TICKS - 1; t++)
			assert_false(watchdog_tick(&w, beat));
		assert_false(watchdog_tick(&w, beat + 1));
	}
}

static void a_report_frees_what_was_taken_away_before_it(void **state)
{
	struct report r = {.word = 0};
	uint64_t before = report_read(&r);

	assert_false(report_passed(before, report_read(&r)));
	report_turn(&r);
	assert_true(report_passed(before, report_read(&r)));

	/* a sleeper holds nothing: no need to wait for it */
	report_sleep(&r);
	before = report_read(&r);
	assert_true(report_passed(before, report_read(&r)));
	report_wake(&r);
	before = report_read(&r);
	assert_false(report_passed(before, report_read(&r)));
	/* falling asleep is a report as well */
	report_sleep(&r);
	assert_true(report_passed(before, report_read(&r)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_ladder_goes_from_spinning_to_200_microseconds),
		cmocka_unit_test(work_wakes_at_once),
		cmocka_unit_test(polling_never_sleeps),
		cmocka_unit_test(a_silent_worker_is_found_after_two_seconds),
		cmocka_unit_test(who_woke_while_he_was_looked_at_lives),
		cmocka_unit_test(who_is_to_end_has_two_seconds_of_cpu),
		cmocka_unit_test(one_sign_of_life_is_enough),
		cmocka_unit_test(a_report_frees_what_was_taken_away_before_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
