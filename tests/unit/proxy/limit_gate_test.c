/* SPDX-License-Identifier: BSD-3-Clause */
/* Several cores with rings between them, on which everything takes its time: what the box lets pass of one
 * peer is what one bucket and one set allow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* keeps the order that cmocka.h wants */
#include <cmocka.h>

#include "dataplane/base/rng.h"
#include "dataplane/proxy/limit_gate.h"

#define US   UINT64_C(1000)
#define S    UINT64_C(1000000000)
#define WALL INT64_C(1700000000)

enum { CORES = 4, RING = 4096 };

static const struct siphash_key key = {5, 6};
static struct policy_limit_class class;
static struct limit_gate *gate[CORES];
static void *memory[CORES];
static uint64_t now;
static struct limit_event event;
static unsigned events[16];

/* what is on its way: questions to a core, answers back to the one that asked */
struct passage {
	uint64_t due_ns;
	unsigned from, to;
	bool back;
	struct limit_question q;
	struct limit_answer a;
};

static struct passage ring[RING];
static unsigned head, tail, passed, paused, over, enumerated;

static struct limit_key peer_of(unsigned n)
{
	struct limit_key k = {{0}, {0}};

	memcpy(k.spki, &n, sizeof(n));
	return k;
}

static void setup(void)
{
	struct limit_size size = {64, 64};
	bool kept;

	policy_limit_defaults(&class);
	class.id = 3;
	for (unsigned i = 0; i < CORES; i++) {
		free(memory[i]);
		free(gate[i]);
		memory[i] = aligned_alloc(64, limit_table_bytes(size));
		gate[i] = malloc(sizeof(*gate[i]));
		assert_true(memory[i] && gate[i]);
		memset(memory[i], 0, limit_table_bytes(size));
		limit_gate_init(gate[i], limit_table_open(memory[i], size, &key, &kept), &key, i, CORES);
	}
	now = 1000 * S;
	head = tail = passed = paused = over = enumerated = 0;
	memset(events, 0, sizeof(events));
}

static void note(enum limit_verdict v)
{
	passed += v == LIMIT_PASS;
	paused += v == LIMIT_PAUSE;
	over += v == LIMIT_RATE;
	enumerated += v == LIMIT_ENUMERATE;
}

static void send(struct passage p)
{
	p.due_ns = now + 50 * US;
	assert_true(head - tail < RING);
	ring[head++ % RING] = p;
}

static void deliver(void)
{
	for (; tail != head && ring[tail % RING].due_ns <= now; tail++) {
		struct passage p = ring[tail % RING];

		if (p.back) {
			limit_gate_answer(gate[p.to], &p.a, now);
			note(p.a.verdict);
			continue;
		}
		limit_gate_asked(gate[p.to], &p.q, &class, now, WALL, &p.a, &event);
		events[event.kind]++;
		if (p.q.request)
			send((struct passage){.from = p.to, .to = p.from, .back = true, .a = p.a});
	}
}

/* there and back */
static void settle(void)
{
	for (unsigned i = 0; i < 3; i++, now += S)
		deliver();
	assert_int_equal(head, tail);
}

static void request(unsigned core, unsigned peer, uint64_t uri, uint64_t held)
{
	struct passage p = {.from = core};
	enum limit_verdict v;

	p.q.peer = peer_of(peer);
	p.q.uri = uri;
	p.q.held_since_ns = held;
	p.q.limit_class = 3;
	v = limit_gate_take(gate[core], &p.q, &class, now, WALL, &p.to, &p.a, &event);
	events[event.kind]++;
	if (v == LIMIT_ASK)
		send(p);
	else
		note(v);
}

static void reports(void)
{
	for (unsigned i = 0; i < CORES; i++) {
		struct passage p = {.from = i};
		uint32_t at = 0;

		while (limit_gate_report(gate[i], &at, now, &p.q, &p.to))
			send(p);
	}
}

/* 5 % above at most, and the peer gets nearly what is his, for every home */
static void rate(void **state)
{
	struct base_rng r;

	base_rng_seed(&r, 1);
	for (unsigned peer = 0; peer < 8; peer++) {
		double may;
		uint64_t step;

		setup();
		class.rate = peer % 2 ? 20 : 500;
		class.burst = 2 * class.rate;
		step = S / (class.rate * 3);
		may = (double)class.rate * 60 + class.burst;
		for (; now < 1060 * S; now += step) {
			request(base_rng_below(&r, CORES), peer, 1 + base_rng_below(&r, 5), 0);
			deliver();
		}
		if (passed > may * 1.05 || passed < may * 0.88)
			fail_msg("rate %u: %u passed, %.0f may", class.rate, passed, may);
	}
}

/* the set is exact over all cores */
static void uris(void **state)
{
	struct base_rng r;

	setup();
	class.rate = 50000;
	class.burst = 100000;
	base_rng_seed(&r, 2);
	for (unsigned i = 0; i < 100000; i++, now += 40 * US) {
		request(base_rng_below(&r, CORES), 9, 1 + base_rng_below(&r, 1100), 0);
		deliver();
	}
	settle();
	assert_int_equal(passed + enumerated, 100000);
	assert_true(enumerated > 0);
	assert_int_equal(events[LIMIT_EVENT_WATCHED], 1);
	assert_int_equal(events[LIMIT_EVENT_MANY], 10);
	for (unsigned i = 0; i < CORES; i++) {
		struct policy_watch w;
		uint32_t at = 0;

		if (limit_table_next(gate[i]->home, &at, false, &w))
			assert_int_equal(w.uris, 1000);
	}
}

/* failures seen on every core make one ratio; suspicion holds everywhere */
static void suspicion(void **state)
{
	struct limit_key p = peer_of(3);
	unsigned before;

	setup();
	for (unsigned i = 0; i < CORES; i++)
		request(i, 3, 1, 0);
	now += S;
	deliver();
	for (unsigned i = 0; i < 56; i++) {
		limit_gate_final(gate[i % CORES], &p, &class, 3, 404, now, WALL, &event);
		events[event.kind]++;
	}
	assert_int_equal(events[LIMIT_EVENT_SUSPICIOUS], 0);
	now += S;
	reports();
	now += S;
	deliver();
	assert_int_equal(events[LIMIT_EVENT_SUSPICIOUS], 1);
	now += 10 * S;
	before = passed;
	for (uint64_t end = now + 20 * S; now < end; now += S / 50) {
		request((unsigned)(now / (S / 50) % CORES), 3, 1, 0);
		deliver();
	}
	assert_in_range(passed - before, 19, 22);
}

/* more peers than slots: nothing breaks, what is lost is counted */
static void many(void **state)
{
	setup();
	for (unsigned i = 0; i < 20000; i++, now += 100 * US) {
		struct limit_key p = peer_of(i);

		request(i % CORES, i, 1, 0);
		deliver();
		limit_gate_final(gate[i % CORES], &p, &class, 3, 200, now, WALL, &event);
	}
	assert_true(gate[0]->unreported > 0);
	settle();
	assert_int_equal(passed, 20000);
}

/* alone, everything is at home; without a class nothing is asked */
static void alone(void **state)
{
	struct limit_question q = {.peer = peer_of(1), .limit_class = 3};
	struct limit_answer a;
	unsigned to;

	setup();
	gate[0]->cores = 1;
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(limit_gate_take(gate[0], &q, &class, now, WALL, &to, &a, &event),
				 LIMIT_PASS);
	assert_int_equal(limit_gate_take(gate[0], &q, &class, now, WALL, &to, &a, &event), LIMIT_PAUSE);
	assert_true(a.until_ns > now);
	assert_int_equal(gate[0]->asked, 0);
	assert_int_equal(limit_gate_take(gate[1], &q, NULL, now, WALL, &to, &a, &event), LIMIT_PASS);
}

static int close_all(void **state)
{
	for (unsigned i = 0; i < CORES; i++) {
		free(memory[i]);
		free(gate[i]);
	}
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rate), cmocka_unit_test(uris),	 cmocka_unit_test(suspicion),
		cmocka_unit_test(many), cmocka_unit_test(alone),
	};

	return cmocka_run_group_tests(tests, NULL, close_all);
}
