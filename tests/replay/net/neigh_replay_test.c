/* SPDX-License-Identifier: BSD-3-Clause */
/* The neighbour machine by script: a clock, questions that it asks, answers that we give. RFC 826, RFC 1122
 * section 2.3.2, RFC 4861 section 7.3, and the rule that nobody changes an entry unasked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/net/neigh.h"

#define MS     UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)

static const uint8_t mac_a[6] = {2, 0, 0, 0, 0, 0xa};
static const uint8_t mac_b[6] = {2, 0, 0, 0, 0, 0xb};

static struct neigh_table table;
static struct neigh neigh;
static uint64_t now;
static struct {
	unsigned broadcasts, unicasts;
	uint8_t last[6];
} asked;

static bool mute; /* we have no address to ask from */

static bool solicit(void *ctx, unsigned port, const struct base_addr *addr, const uint8_t *mac)
{
	(void)ctx;
	(void)port;
	(void)addr;
	if (mute)
		return false;
	if (mac == NULL) {
		asked.broadcasts++;
	} else {
		asked.unicasts++;
		memcpy(asked.last, mac, 6);
	}
	return true;
}

static const struct neigh_ops ops = {.solicit = solicit};

static struct base_addr host(unsigned n)
{
	uint8_t b[4] = {198, (uint8_t)(51 + (n >> 16)), (uint8_t)(n >> 8), (uint8_t)n};

	return base_addr_v4(b);
}

static int setup(void **state)
{
	static const uint64_t key[2] = {0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9};

	(void)state;
	neigh_table_init(&table, key);
	neigh_init(&neigh, &table, &ops, NULL, 42);
	memset(&asked, 0, sizeof(asked));
	mute = false;
	now = 5000 * SECOND;
	return 0;
}

static void advance(uint64_t ns)
{
	for (uint64_t end = now + ns; now < end;) {
		now = end - now > 50 * MS ? now + 50 * MS : end;
		neigh_timers(&neigh, now);
	}
}

static enum neigh_public look(const struct base_addr *a, uint8_t mac[6])
{
	enum neigh_public state;

	return neigh_table_find(&table, 0, a, &state, mac) == NEIGH_NONE ? NEIGH_FREE : state;
}

static void expect(const struct base_addr *a, enum neigh_public state, const uint8_t *mac)
{
	uint8_t got[6];

	assert_int_equal(look(a, got), state);
	if (mac != NULL)
		assert_memory_equal(got, mac, 6);
}

static void known(const struct base_addr *a)
{
	neigh_resolve(&neigh, 0, a, now);
	assert_int_equal(neigh_answer(&neigh, 0, a, mac_a, now), NEIGH_ANSWER_TAKEN);
	expect(a, NEIGH_USABLE, mac_a);
	advance(3 * SECOND); /* past the hold */
	memset(&asked, 0, sizeof(asked));
}

static void keep_used(const struct base_addr *a)
{
	enum neigh_public state;
	uint8_t mac[6];
	int slot = neigh_table_find(&table, 0, a, &state, mac);

	assert_int_not_equal(slot, NEIGH_NONE);
	neigh_table_touch(&table, slot, (uint32_t)(now / SECOND));
}

/* RFC 4861 section 7.2.2: three questions a second apart, then it has failed; RFC 1122 2.3.2.1: never faster
 */
static void silence(void **state)
{
	struct base_addr a = host(9);

	(void)state;
	neigh_resolve(&neigh, 0, &a, now);
	assert_int_equal(asked.broadcasts, 1);
	expect(&a, NEIGH_UNRESOLVED, NULL);
	for (unsigned i = 0; i < 100; i++)
		neigh_resolve(&neigh, 0, &a, now);
	assert_int_equal(asked.broadcasts, 1);
	advance(999 * MS);
	assert_int_equal(asked.broadcasts, 1);
	advance(1 * MS);
	assert_int_equal(asked.broadcasts, 2);
	advance(SECOND);
	assert_int_equal(asked.broadcasts, 3);
	advance(SECOND);
	assert_int_equal(asked.broadcasts, 3);
	expect(&a, NEIGH_FAILED, NULL);
	assert_int_equal(neigh.events.failed, 1);
	neigh_resolve(&neigh, 0, &a, now); /* too soon */
	assert_int_equal(asked.broadcasts, 3);
	advance(SECOND);
	neigh_resolve(&neigh, 0, &a, now);
	assert_int_equal(asked.broadcasts, 4);
	assert_int_equal(neigh_answer(&neigh, 0, &a, mac_b, now), NEIGH_ANSWER_TAKEN);
	expect(&a, NEIGH_USABLE, mac_b);
}

static void failed_is_forgotten(void **state)
{
	struct base_addr a = host(9);

	(void)state;
	neigh_resolve(&neigh, 0, &a, now);
	advance(3 * SECOND + NEIGH_FORGET_NS);
	expect(&a, NEIGH_FREE, NULL);
	assert_int_equal(neigh.n_unresolved, 0);
}

/* Nobody creates an entry by answering unasked. */
static void unasked_creates_nothing(void **state)
{
	struct base_addr a = host(9);

	(void)state;
	assert_int_equal(neigh_answer(&neigh, 0, &a, mac_b, now), NEIGH_ANSWER_UNASKED);
	neigh_claim(&neigh, 0, &a, mac_b, now);
	expect(&a, NEIGH_FREE, NULL);
	assert_int_equal(asked.broadcasts + asked.unicasts, 0);
}

/* Poisoning: a forged answer or announcement makes us ask the station that we know; it answers, nothing
 * changes. */
static void poison_is_refused(void **state)
{
	struct base_addr a = host(9);

	(void)state;
	known(&a);
	assert_int_equal(neigh_answer(&neigh, 0, &a, mac_b, now), NEIGH_ANSWER_UNASKED);
	expect(&a, NEIGH_USABLE, mac_a);
	assert_int_equal(asked.unicasts, 1);
	assert_memory_equal(asked.last, mac_a, 6);
	/* the forger answers in the name of the one who was asked */
	assert_int_equal(neigh_answer(&neigh, 0, &a, mac_b, now), NEIGH_ANSWER_UNASKED);
	expect(&a, NEIGH_USABLE, mac_a);
	assert_int_equal(neigh_answer(&neigh, 0, &a, mac_a, now), NEIGH_ANSWER_TAKEN);
	expect(&a, NEIGH_USABLE, mac_a);
	assert_int_equal(asked.broadcasts, 0);
	/* and cannot make us ask all the time */
	for (unsigned i = 0; i < 1000; i++) {
		neigh_claim(&neigh, 0, &a, mac_b, now);
		advance(1 * MS);
		(void)neigh_answer(&neigh, 0, &a, mac_a, now);
	}
	assert_in_range(asked.unicasts, 1, 3);
}

/* A neighbour that moved is found after its old station kept silent: within a few seconds. */
static void moved(void **state)
{
	struct base_addr a = host(9);
	uint64_t began;

	(void)state;
	known(&a);
	began = now;
	neigh_verify(&neigh, 0, &a, now);
	while (asked.broadcasts == 0) {
		expect(&a, NEIGH_USABLE, mac_a); /* used until somebody else has answered */
		advance(10 * MS);
	}
	assert_true(now - began <= 3 * SECOND);
	assert_int_equal(asked.unicasts, NEIGH_UNICASTS);
	assert_int_equal(neigh_answer(&neigh, 0, &a, mac_b, now), NEIGH_ANSWER_MOVED);
	expect(&a, NEIGH_USABLE, mac_b);
}

/* RFC 4861 section 7.2.5: an answer without a station can confirm, not teach. */
static void answer_without_station(void **state)
{
	struct base_addr a = host(9);

	(void)state;
	neigh_resolve(&neigh, 0, &a, now);
	assert_int_equal(neigh_answer(&neigh, 0, &a, NULL, now), NEIGH_ANSWER_UNASKED);
	expect(&a, NEIGH_UNRESOLVED, NULL);
	assert_int_equal(neigh_answer(&neigh, 0, &a, mac_a, now), NEIGH_ANSWER_TAKEN);
	advance(3 * SECOND);
	neigh_verify(&neigh, 0, &a, now);
	assert_int_equal(neigh_answer(&neigh, 0, &a, NULL, now), NEIGH_ANSWER_TAKEN);
	expect(&a, NEIGH_USABLE, mac_a);
}

/* RFC 4861 section 7.3.3: what is used is verified by unicast before anybody loses a frame; what is not is
 * dropped. */
static void ageing(void **state)
{
	struct base_addr used = host(9);
	struct base_addr idle = host(10);
	uint64_t end;

	(void)state;
	known(&used);
	neigh_resolve(&neigh, 0, &idle, now);
	(void)neigh_answer(&neigh, 0, &idle, mac_b, now);
	memset(&asked, 0, sizeof(asked));
	for (end = now + 300 * SECOND; now < end;) {
		advance(100 * MS);
		keep_used(&used);
		expect(&used, NEIGH_USABLE, mac_a);
		(void)neigh_answer(&neigh, 0, &used, mac_a, now);
		if (now < end - 200 * SECOND)
			(void)neigh_answer(&neigh, 0, &idle, mac_b, now);
	}
	assert_in_range(asked.unicasts, 6, 22 + 8);
	expect(&idle, NEIGH_FREE, NULL);
}

/* A next hop from the configuration is kept without traffic, and asked for again while it is silent. */
static void pinned(void **state)
{
	struct base_addr a = host(1);

	(void)state;
	neigh_pin(&neigh, 0, &a, now);
	assert_int_equal(asked.broadcasts, 1);
	advance(60 * SECOND);
	assert_in_range(asked.broadcasts, 18, 24);
	neigh_resolve(&neigh, 0, &a, now);
	while (neigh_answer(&neigh, 0, &a, mac_a, now) != NEIGH_ANSWER_TAKEN)
		advance(100 * MS);
	memset(&asked, 0, sizeof(asked));
	for (unsigned i = 0; i < 6000; i++) {
		advance(50 * MS);
		(void)neigh_answer(&neigh, 0, &a, mac_a, now);
		expect(&a, NEIGH_USABLE, mac_a);
	}
	assert_in_range(asked.unicasts, 6, 22);
	assert_int_equal(asked.broadcasts, 0);
}

/* A link that comes back has everything behind it verified. */
static void link_flap(void **state)
{
	struct base_addr a = host(9);
	struct base_addr b = host(10);

	(void)state;
	known(&a);
	neigh_resolve(&neigh, 0, &b, now);
	advance(4 * SECOND);
	expect(&b, NEIGH_FAILED, NULL);
	memset(&asked, 0, sizeof(asked));
	neigh_link_up(&neigh, 0, now);
	assert_int_equal(asked.unicasts, 1);
	assert_int_equal(asked.broadcasts, 1);
	neigh_link_up(&neigh, 1, now); /* another port's entries are not meant */
	assert_int_equal(asked.unicasts + asked.broadcasts, 2);
}

/* A scan of a large subnet fills neither the table with what it wants nor drives out those who are known. */
static void scan_is_bounded(void **state)
{
	struct base_addr friends[100];
	unsigned kept = 0;
	uint8_t mac[6];

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		friends[i] = host(i);
		neigh_resolve(&neigh, 0, &friends[i], now);
		(void)neigh_answer(&neigh, 0, &friends[i], mac_a, now);
	}
	for (unsigned i = 0; i < 100000; i++) {
		struct base_addr a = host(1000 + i);

		neigh_resolve(&neigh, 0, &a, now);
	}
	assert_true(neigh.n_unresolved <= NEIGH_UNRESOLVED_MAX);
	for (unsigned i = 0; i < 100; i++)
		kept += look(&friends[i], mac) == NEIGH_USABLE;
	assert_int_equal(kept, 100);
	advance(200 * SECOND);
	assert_int_equal(neigh.n_unresolved, 0);
}

/* Same address, two links: two neighbours. */
static void ports_are_apart(void **state)
{
	struct base_addr a = host(9);
	enum neigh_public s;
	uint8_t mac[6];

	(void)state;
	neigh_resolve(&neigh, 0, &a, now);
	neigh_resolve(&neigh, 1, &a, now);
	assert_int_equal(neigh_answer(&neigh, 1, &a, mac_b, now), NEIGH_ANSWER_TAKEN);
	expect(&a, NEIGH_UNRESOLVED, NULL);
	assert_int_not_equal(neigh_table_find(&table, 1, &a, &s, mac), NEIGH_NONE);
	assert_int_equal(s, NEIGH_USABLE);
}

/* While our own address is contested nothing can be asked: who was not asked has not kept silent, and whoever
 * speaks meanwhile answers nothing. */
static void mute_believes_nobody(void **state)
{
	struct base_addr a = host(9), b = host(10);
	uint8_t mac[6];

	(void)state;
	known(&a);
	mute = true;
	neigh_resolve(&neigh, 0, &b, now);
	for (unsigned i = 0; i < 100; i++) {
		neigh_claim(&neigh, 0, &a, mac_b, now);
		assert_int_equal(neigh_answer(&neigh, 0, &a, mac_b, now), NEIGH_ANSWER_UNASKED);
		assert_int_equal(neigh_answer(&neigh, 0, &b, mac_b, now), NEIGH_ANSWER_UNASKED);
		advance(100 * MS);
		expect(&a, NEIGH_USABLE, mac_a);
	}
	assert_int_not_equal(look(&b, mac), NEIGH_USABLE);
	assert_int_equal(asked.unicasts + asked.broadcasts, 0);
	mute = false;
	advance(600 * MS);
	assert_int_equal(asked.unicasts, 1);
	assert_memory_equal(asked.last, mac_a, 6);
	assert_int_equal(neigh_answer(&neigh, 0, &a, mac_b, now), NEIGH_ANSWER_UNASKED);
	assert_int_equal(neigh_answer(&neigh, 0, &a, mac_a, now), NEIGH_ANSWER_TAKEN);
	/* and when there is an address it ends as ever */
	neigh_claim(&neigh, 0, &a, mac_b, now + 3 * SECOND);
	advance(8 * SECOND);
	expect(&a, NEIGH_FAILED, NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(silence, setup),
		cmocka_unit_test_setup(failed_is_forgotten, setup),
		cmocka_unit_test_setup(unasked_creates_nothing, setup),
		cmocka_unit_test_setup(poison_is_refused, setup),
		cmocka_unit_test_setup(mute_believes_nobody, setup),
		cmocka_unit_test_setup(moved, setup),
		cmocka_unit_test_setup(answer_without_station, setup),
		cmocka_unit_test_setup(ageing, setup),
		cmocka_unit_test_setup(pinned, setup),
		cmocka_unit_test_setup(link_flap, setup),
		cmocka_unit_test_setup(scan_is_bounded, setup),
		cmocka_unit_test_setup(ports_are_apart, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
