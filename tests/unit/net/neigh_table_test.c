/* SPDX-License-Identifier: BSD-3-Clause */
/* One writer and several readers on the published table, and on the request ring: no torn entry, nothing
 * lost, and no race that the thread sanitizer could find. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>
#include <sched.h>

#include <cmocka.h>

#include "dataplane/base/rng.h"
#include "dataplane/net/neigh_request.h"
#include "dataplane/net/neigh_table.h"

enum { READERS = 3, HOSTS = 64, ROUNDS = 200000, REQUESTS = 300000 };

static struct neigh_table table;
static struct neigh_request_ring ring;
static _Atomic int stop;
static const uint64_t key[2] = {0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9};

static struct base_addr host(unsigned n)
{
	uint8_t b[4] = {10, 1, (uint8_t)(n >> 8), (uint8_t)n};

	return base_addr_v4(b);
}

/* Every byte of a station is one number, and its last two name the host: a mix of two writes shows. */
static void mac_make(uint8_t mac[6], unsigned host_n, uint8_t v)
{
	memset(mac, v, 4);
	mac[4] = (uint8_t)host_n;
	mac[5] = (uint8_t)(host_n ^ v);
}

static void *reader(void *arg)
{
	struct base_rng rng;
	uintptr_t torn = 0;

	base_rng_seed(&rng, (uintptr_t)arg);
	while (atomic_load_explicit(&stop, memory_order_relaxed) == 0) {
		for (unsigned i = 0; i < 256; i++) {
			unsigned n = base_rng_below(&rng, HOSTS);
			struct base_addr a = host(n);
			enum neigh_public state;
			uint8_t want[6];
			uint8_t mac[6];
			int slot = neigh_table_find(&table, 3, &a, &state, mac);

			if (slot == NEIGH_NONE)
				continue;
			mac_make(want, n, mac[0]);
			torn += memcmp(mac, want, 6) != 0 || state != NEIGH_USABLE;
			neigh_table_touch(&table, slot, (uint32_t)i);
		}
	}
	return (void *)torn;
}

static void readers_see_whole_entries(void **state)
{
	pthread_t threads[READERS];
	struct base_rng rng;
	void *torn;

	(void)state;
	neigh_table_init(&table, key);
	base_rng_seed(&rng, 1);
	atomic_store(&stop, 0);
	for (uintptr_t i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, reader, (void *)(i + 1)), 0);
	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned n = base_rng_below(&rng, HOSTS);
		struct base_addr a = host(n);
		unsigned slot = neigh_table_bucket(&table, 3, &a) + n % NEIGH_WAYS;
		uint8_t mac[6];

		mac_make(mac, n, (uint8_t)base_rng_next(&rng));
		neigh_table_publish(&table, slot, 3, &a, i % 7 == 0 ? NEIGH_FREE : NEIGH_USABLE, mac);
	}
	atomic_store(&stop, 1);
	for (unsigned i = 0; i < READERS; i++) {
		assert_int_equal(pthread_join(threads[i], &torn), 0);
		assert_null(torn);
	}
	assert_int_equal(neigh_table_generation(&table), 1 + ROUNDS);
}

static void *producer(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < REQUESTS;) {
		struct neigh_request r = {.addr = host(i), .port = (uint8_t)i, .ask = (uint8_t)(i % 2)};

		memcpy(&r.addr.b[12], &i, 4);
		if (neigh_request_put(&ring, &r))
			i++;
		else
			sched_yield();
	}
	return NULL;
}

static void requests_arrive_in_order(void **state)
{
	struct neigh_request r;
	pthread_t thread;

	(void)state;
	assert_false(neigh_request_get(&ring, &r));
	assert_int_equal(pthread_create(&thread, NULL, producer, NULL), 0);
	for (unsigned i = 0; i < REQUESTS;) {
		if (!neigh_request_get(&ring, &r)) {
			sched_yield();
			continue;
		}
		assert_int_equal(r.addr.w[3], i);
		assert_int_equal(r.port, (uint8_t)i);
		i++;
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	for (unsigned i = 0; i < NEIGH_REQUESTS; i++)
		assert_true(neigh_request_put(&ring, &r));
	assert_false(neigh_request_put(&ring, &r));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(readers_see_whole_entries),
		cmocka_unit_test(requests_arrive_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
