/* SPDX-License-Identifier: BSD-3-Clause */
/* The ring between two cores: wrapping, full, and two threads. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <sched.h>

#include <cmocka.h>

#include "dataplane/base/rng.h"
#include "dataplane/proxy/mail_ring.h"

/* MANY: as many as the machine gives in ten seconds, LEAST in any case */
enum { SIZE = 4096, MANY = 200000, LEAST = 20000 };

static atomic_bool enough;

static _Alignas(64) uint8_t bytes[SIZE];
static struct mail_ring ring;

static uint32_t length_of(uint32_t n)
{
	return (n * 2654435761u >> 7) % 700;
}

static bool put(uint32_t n)
{
	uint32_t len = length_of(n);
	uint8_t *to = mail_ring_room(&ring, len);

	if (!to)
		return false;
	memset(to, (int)(n & 0xff), len);
	mail_ring_push(&ring, (uint16_t)(n & 7), (uint16_t)(n & 3), len);
	return true;
}

/* number of damaged messages; *got: there was one */
static unsigned take(uint32_t n, bool *got)
{
	struct mail_head h;
	const uint8_t *data = mail_ring_peek(&ring, &h);
	unsigned bad = 0;

	*got = data != NULL;
	if (!data)
		return 0;
	bad += h.len != length_of(n) || h.kind != (n & 7) || h.from != (n & 3) || ((uintptr_t)data & 7);
	for (uint32_t i = 0; !bad && i < h.len; i++)
		bad += data[i] != (n & 0xff);
	mail_ring_pop(&ring);
	return bad;
}

static void test_fill(void **state)
{
	uint32_t in = 0, out = 0;
	bool got;

	mail_ring_init(&ring, bytes, SIZE);
	assert_true(mail_ring_empty(&ring));
	assert_null(mail_ring_room(&ring, SIZE / 2 + 1));
	for (unsigned round = 0; round < 500; round++) {
		while (put(in))
			in++;
		assert_true(in - out >= 4);
		for (unsigned i = 0; i < 1 + round % 7 && out < in; i++) {
			assert_int_equal(take(out, &got), 0);
			assert_true(got);
			out++;
		}
	}
	while (out < in)
		assert_int_equal(take(out++, &got), 0);
	take(out, &got);
	assert_false(got);
	assert_true(mail_ring_empty(&ring));
}

static void *produce(void *arg)
{
	for (uint32_t n = 0; n < MANY;) {
		if (put(n))
			n++;
		else if (atomic_load(&enough))
			break;
		else
			sched_yield();
	}
	return arg;
}

static void test_threads(void **state)
{
	struct timespec from, now;
	unsigned bad = 0;
	pthread_t t;
	bool got;

	clock_gettime(CLOCK_MONOTONIC, &from);
	mail_ring_init(&ring, bytes, SIZE);
	assert_int_equal(pthread_create(&t, NULL, produce, NULL), 0);
	for (uint32_t n = 0; n < MANY;) {
		bad += take(n, &got);
		if (!got) {
			sched_yield();
			continue;
		}
		if (++n < LEAST || n % 1024)
			continue;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - from.tv_sec > 10)
			break;
	}
	atomic_store(&enough, true);
	pthread_join(t, NULL);
	assert_int_equal(bad, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_fill), cmocka_unit_test(test_threads)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
