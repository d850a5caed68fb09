/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* keeps the order that cmocka.h wants */
#include <cmocka.h>

#include "dataplane/base/rng.h"
#include "dataplane/proxy/backoff.h"

#define S UINT64_C(1000000000)

static const struct siphash_key key = {3, 4};
static struct backoff b;
static uint8_t ip[16];

static void addr(unsigned n)
{
	memset(ip, 0, sizeof(ip));
	memcpy(ip, &n, sizeof(n));
}

/* 1 s, then twice as long each time, at most 60 s; one failure counts once */
static void doubling(void **state)
{
	uint64_t now = 100 * S, want = S;

	backoff_init(&b, &key, 0, 0);
	addr(1);
	assert_int_equal(backoff_state(&b, ip, 5061, 7, now), BACKOFF_GOOD);
	for (unsigned i = 0; i < 12; i++) {
		backoff_failed(&b, ip, 5061, 7, 0, 0, now);
		backoff_failed(&b, ip, 5061, 7, 0, 0, now + want / 2);
		assert_int_equal(backoff_state(&b, ip, 5061, 7, now + want - 1), BACKOFF_WAIT);
		assert_int_equal(backoff_state(&b, ip, 5061, 7, now + want), BACKOFF_PROBE);
		now += want;
		want = want * 2 < 60 * S ? want * 2 : 60 * S;
	}
	/* another port, another face of ours */
	assert_int_equal(backoff_state(&b, ip, 5062, 7, now), BACKOFF_GOOD);
	assert_int_equal(backoff_state(&b, ip, 5061, 8, now), BACKOFF_GOOD);
	backoff_worked(&b, ip, 5061, 7);
	assert_int_equal(backoff_state(&b, ip, 5061, 7, now), BACKOFF_GOOD);
	/* spread by a quarter at most */
	backoff_failed(&b, ip, 5061, 7, 0, UINT64_MAX, now);
	assert_int_equal(backoff_state(&b, ip, 5061, 7, now + S * 74 / 100), BACKOFF_WAIT);
	assert_int_equal(backoff_state(&b, ip, 5061, 7, now + S * 76 / 100), BACKOFF_PROBE);
	/* Retry-After counts, within reason */
	backoff_worked(&b, ip, 5061, 7);
	backoff_failed(&b, ip, 5061, 7, 20, 0, now);
	assert_int_equal(backoff_state(&b, ip, 5061, 7, now + 20 * S - 1), BACKOFF_WAIT);
	backoff_worked(&b, ip, 5061, 7);
	backoff_failed(&b, ip, 5061, 7, 1000000, 0, now);
	assert_int_equal(backoff_state(&b, ip, 5061, 7, now + 300 * S), BACKOFF_PROBE);
}

/* who answers when his pause is over begins anew; an answer within it may be older than the failure */
static void answered(void **state)
{
	uint64_t now = 100 * S;

	backoff_init(&b, &key, 1000, 60000);
	addr(1);
	backoff_answered(&b, ip, 1, 1, now); /* not known: nothing to do */
	assert_int_equal(b.known, 0);
	backoff_failed(&b, ip, 1, 1, 0, 0, now);
	assert_int_equal(b.known, 1);
	backoff_answered(&b, ip, 1, 1, now + S - 1);
	assert_int_equal(backoff_state(&b, ip, 1, 1, now + S - 1), BACKOFF_WAIT);
	backoff_answered(&b, ip, 1, 2, now + S);
	assert_int_equal(backoff_state(&b, ip, 1, 1, now + S), BACKOFF_PROBE);
	backoff_answered(&b, ip, 1, 1, now + S);
	assert_int_equal(backoff_state(&b, ip, 1, 1, now + S), BACKOFF_GOOD);
	assert_int_equal(b.known, 0);
	/* not the second in a row */
	backoff_failed(&b, ip, 1, 1, 0, 0, now + 2 * S);
	assert_int_equal(backoff_state(&b, ip, 1, 1, now + 3 * S), BACKOFF_PROBE);
}

static void given(struct policy_target *t, unsigned n)
{
	memset(t, 0, sizeof(*t) * n);
	for (unsigned i = 0; i < n; i++) {
		addr(i + 1);
		memcpy(t[i].ip, ip, 16);
		t[i].port = 5061;
	}
}

static void order(void **state)
{
	struct policy_target t[6];
	uint64_t now = 100 * S;

	backoff_init(&b, &key, 0, 0);
	given(t, 6);
	assert_int_equal(backoff_order(&b, t, 6, 1, now), 6);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(t[i].ip[0], i + 1);
	addr(1);
	backoff_failed(&b, ip, 5061, 1, 0, 0, now);
	addr(4);
	backoff_failed(&b, ip, 5061, 1, 0, 0, now - S / 2);
	addr(2);
	backoff_failed(&b, ip, 5061, 1, 0, 0, now - S * 2);
	assert_int_equal(backoff_order(&b, t, 6, 1, now), 4);
	/* 2 may be tried again; 4 is back before 1 */
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(t[i].ip[0], "\2\3\5\6\4\1"[i]);
	/* all failed: there is still one to try, the one that is back first */
	given(t, 3);
	for (unsigned i = 1; i <= 3; i++) {
		addr(i);
		backoff_worked(&b, ip, 5061, 1);
		backoff_failed(&b, ip, 5061, 1, 0, 0, now - i);
	}
	assert_int_equal(backoff_order(&b, t, 3, 1, now), 0);
	assert_int_equal(t[0].ip[0], 3);
	assert_int_equal(backoff_order(&b, t, 0, 1, now), 0);
}

/* many more failures than places: the newest are known, nothing else breaks */
static void full(void **state)
{
	unsigned known = 0;

	backoff_init(&b, &key, 0, 0);
	for (unsigned i = 1; i <= 10000; i++) {
		addr(i);
		backoff_failed(&b, ip, 5061, 1, 0, 0, 100 * S + i);
		assert_int_equal(backoff_state(&b, ip, 5061, 1, 100 * S + i), BACKOFF_WAIT);
	}
	for (unsigned i = 1; i <= 10000; i++) {
		addr(i);
		known += backoff_state(&b, ip, 5061, 1, 100 * S) != BACKOFF_GOOD;
	}
	assert_int_equal(known, BACKOFF_SLOTS);
	assert_int_equal(b.known, BACKOFF_SLOTS);
	for (unsigned i = 9990; i <= 10000; i++) {
		addr(i);
		assert_int_equal(backoff_state(&b, ip, 5061, 1, 100 * S), BACKOFF_WAIT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doubling),
		cmocka_unit_test(answered),
		cmocka_unit_test(order),
		cmocka_unit_test(full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
