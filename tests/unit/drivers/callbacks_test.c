/* SPDX-License-Identifier: BSD-3-Clause */
/* Fault injection and capture as they hang on a port made of rings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "drivers/capture.h"
#include "drivers/eal.h"
#include "drivers/fault.h"
#include "drivers/port.h"

enum { FRAMES = 20000, FRAME_LEN = 64 };

struct fixture {
	struct driver_pools pools;
	struct driver_port port;
	struct rte_mempool *pool;
};

static int group_set_up(void **state)
{
	static const unsigned cpu[] = {0};
	char dir[] = "/tmp/callbacks-test.XXXXXX", why[256] = "";
	struct driver_eal_config eal = {.program = "callbacks_test",
					.runtime_dir = mkdtemp(dir),
					.memory = 128,
					.transparent = true,
					.cold_cpus = cpu,
					.n_cold_cpus = 1};

	if (driver_eal_start(&eal, why, sizeof(why))) {
		fprintf(stderr, "%s\n", why);
		return -1;
	}
	return rmdir(dir); /* fails when DPDK left something there */
}

/* without hugepages: what DPDK gives out lies in pages of ours alone, which the kernel may join, and what it
 * had written before is still there */
static void pages(void **state)
{
	uint8_t *m = rte_zmalloc("pages", 4 << 20, 0);
	struct rte_malloc_socket_stats heap;
	unsigned long long begin, end, inode;
	unsigned found = 0;
	char line[512];
	FILE *maps;

	assert_non_null(m);
	memset(m, 1, 4 << 20);
	maps = fopen("/proc/self/maps", "r");
	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%llx-%llx %*s %*s %*s %llu", &begin, &end, &inode) != 3 ||
		    (uintptr_t)m < begin || (uintptr_t)m >= end)
			continue;
		found++;
		assert_null(strstr(line, "rw-s"));
		assert_int_equal(inode, 0);
		assert_true(end - begin >= 128 << 20);
	}
	fclose(maps);
	assert_int_equal(found, 1);
	assert_int_equal(rte_malloc_validate(m, NULL), 0);
	assert_int_equal(rte_malloc_get_socket_stats(0, &heap), 0);
	assert_int_equal(heap.heap_totalsz_bytes, 128 << 20);
	rte_free(m);
}

static int set_up(void **state)
{
	static unsigned index; /* a port's rings and device keep their names until the process ends */
	struct fixture *f = calloc(1, sizeof(*f));
	struct driver_port_config c = {.name = "r", .index = index++, .workers = 1};
	char why[256] = "";

	f->pools = (struct driver_pools){.mbufs = 8191, .data_room = 2048};
	driver_devargs_parse(&c.device, "ring:", why, sizeof(why));
	if (driver_port_probe(&f->port, &c, why, sizeof(why)) ||
	    driver_port_start(&f->port, &f->pools, NULL, NULL, why, sizeof(why))) {
		fprintf(stderr, "%s\n", why);
		return -1;
	}
	f->pool = f->pools.pools[0].pool;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	unsigned out = rte_mempool_in_use_count(f->pool);

	driver_port_stop(&f->port);
	rte_mempool_free(f->pool);
	free(f);
	return out ? -1 : 0; /* every frame came back */
}

static struct rte_mbuf *frame_new(struct fixture *f, uint32_t number)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(f->pool);

	assert_non_null(m);
	m->data_len = FRAME_LEN;
	m->pkt_len = FRAME_LEN;
	memset(rte_pktmbuf_mtod(m, void *), 0x55, FRAME_LEN);
	memcpy(rte_pktmbuf_mtod(m, void *), &number, 4);
	return m;
}

static struct fault *attach(struct fixture *f, const char *words)
{
	struct fault_spec spec;
	char why[128];
	struct fault *fault;

	assert_int_equal(fault_spec_parse(&spec, words, why, sizeof(why)), 0);
	fault = fault_attach(&f->port, &spec);
	assert_non_null(fault);
	return fault;
}

/* what comes out of the port for frames 0…n-1 that arrive: their numbers, in order */
static unsigned receive(struct fixture *f, unsigned n, uint32_t *numbers, unsigned max)
{
	struct rte_ring *to = driver_ring_to(&f->port, 0);
	struct rte_mbuf *burst[32];
	unsigned sent = 0, got = 0, quiet = 0;
	const struct timespec ms = {.tv_nsec = 1000000};

	while (quiet < 10) {
		for (unsigned i = 0; i < 8 && sent < n; i++, sent++)
			assert_int_equal(rte_ring_enqueue(to, frame_new(f, sent)), 0);
		unsigned k = rte_eth_rx_burst(f->port.id, 0, burst, 32);

		for (unsigned i = 0; i < k; i++) {
			assert_true(got < max);
			memcpy(&numbers[got++], rte_pktmbuf_mtod(burst[i], void *), 4);
			rte_pktmbuf_free(burst[i]);
		}
		if (k == 0 && sent == n) {
			quiet++;
			nanosleep(&ms, NULL);
		}
	}
	return got;
}

static void drops_and_copies_are_counted_and_repeat(void **state)
{
	static uint32_t a[2 * FRAMES], b[2 * FRAMES];
	struct fixture *f = *state;
	struct fault_counts first, second;
	struct fault *fault = attach(f, "drop=0.1,dup=0.1,seed=3");
	unsigned n = receive(f, FRAMES, a, 2 * FRAMES);

	first = fault_counts_get(fault);
	fault_detach(fault);
	assert_in_range(first.dropped, FRAMES / 12, FRAMES / 8);
	assert_in_range(first.duplicated, FRAMES / 13, FRAMES / 9);
	assert_int_equal(n, FRAMES - first.dropped + first.duplicated);

	fault = attach(f, "drop=0.1,dup=0.1,seed=3");
	assert_int_equal(receive(f, FRAMES, b, 2 * FRAMES), n);
	second = fault_counts_get(fault);
	fault_detach(fault);
	assert_int_equal(second.dropped, first.dropped);
	assert_memory_equal(a, b, n * sizeof(a[0]));
}

static void overtaken_frames_arrive_all_the_same(void **state)
{
	static uint32_t a[FRAMES];
	static uint8_t seen[FRAMES];
	struct fixture *f = *state;
	struct fault *fault = attach(f, "reorder=0.05,seed=4");
	unsigned n = receive(f, FRAMES, a, FRAMES), inversions = 0;

	assert_int_equal(n + fault_counts_get(fault).overflowed, FRAMES);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(seen[a[i]]++, 0);
		inversions += i && a[i] < a[i - 1];
	}
	assert_true(inversions > 0);
	fault_detach(fault);
}

static void a_delay_holds_frames_back(void **state)
{
	struct fixture *f = *state;
	struct fault *fault = attach(f, "delay=20ms,seed=5,dir=rx");
	const struct timespec wait = {.tv_nsec = 25000000};
	struct rte_mbuf *m;

	assert_int_equal(rte_ring_enqueue(driver_ring_to(&f->port, 0), frame_new(f, 1)), 0);
	assert_int_equal(rte_eth_rx_burst(f->port.id, 0, &m, 1), 0);
	nanosleep(&wait, NULL);
	assert_int_equal(rte_eth_rx_burst(f->port.id, 0, &m, 1), 1);
	rte_pktmbuf_free(m);
	/* what is held at the end is given back (tear_down counts) */
	assert_int_equal(rte_ring_enqueue(driver_ring_to(&f->port, 0), frame_new(f, 1)), 0);
	assert_int_equal(rte_eth_rx_burst(f->port.id, 0, &m, 1), 0);
	fault_detach(fault);
}

static void corruption_flips_one_bit_of_a_private_copy(void **state)
{
	struct fixture *f = *state;
	struct fault *fault = attach(f, "corrupt=1,dir=tx,seed=6");
	struct rte_mbuf *m = frame_new(f, 7), *burst[1] = {m}, *out = NULL;
	unsigned bits = 0;

	rte_mbuf_refcnt_update(m, 1); /* the sender keeps it, as TCP does for a retransmission */
	assert_int_equal(rte_eth_tx_burst(f->port.id, 0, burst, 1), 1);
	assert_int_equal(rte_ring_dequeue(driver_ring_from(&f->port, 0), (void **)&out), 0);
	for (unsigned i = 0; i < FRAME_LEN; i++)
		bits += (unsigned)__builtin_popcount(rte_pktmbuf_mtod(out, uint8_t *)[i] ^ (i >= 4   ? 0x55
											    : i == 0 ? 7
												     : 0));
	assert_int_equal(bits, 1);
	assert_ptr_not_equal(out, m);
	for (unsigned i = 4; i < FRAME_LEN; i++)
		assert_int_equal(rte_pktmbuf_mtod(m, uint8_t *)[i], 0x55);
	rte_pktmbuf_free(out);
	rte_pktmbuf_free(m);
	fault_detach(fault);
}

static void dropped_output_is_a_frame_that_nobody_takes(void **state)
{
	struct fixture *f = *state;
	struct fault *fault = attach(f, "drop=0.5,dir=tx,seed=8");
	struct rte_mbuf *burst[32], *out[64];
	unsigned gone = 0;

	for (uint32_t i = 0; i < 32; i++)
		burst[i] = frame_new(f, i);
	/* all of it counts as sent: a caller tries again what was not */
	assert_int_equal(rte_eth_tx_burst(f->port.id, 0, burst, 32), 32);
	assert_int_equal(rte_ring_dequeue_burst(driver_ring_from(&f->port, 0), (void **)out, 64, NULL), 32);
	for (unsigned i = 0; i < 32; i++) {
		const uint8_t *p = rte_pktmbuf_mtod(out[i], const uint8_t *);

		if (p[12] == 0x88 && p[13] == 0xb5)
			gone++;
		else
			assert_int_equal(p[20], 0x55);
	}
	assert_int_equal(gone, fault_counts_get(fault).dropped);
	assert_in_range(gone, 5, 27);
	rte_pktmbuf_free_bulk(out, 32);
	fault_detach(fault);
}

static void a_capture_holds_both_directions(void **state)
{
	struct fixture *f = *state;
	char path[] = "/tmp/capture-test.XXXXXX";
	struct capture *c;
	uint32_t number, head[6], record[4];
	struct rte_mbuf *m;
	FILE *file;

	close(mkstemp(path));
	c = capture_attach(&f->port, path);
	assert_non_null(c);
	assert_int_equal(receive(f, 1, &number, 1), 1);
	m = frame_new(f, 77);
	assert_int_equal(rte_eth_tx_burst(f->port.id, 0, &m, 1), 1);
	assert_int_equal(rte_ring_dequeue(driver_ring_from(&f->port, 0), (void **)&m), 0);
	rte_pktmbuf_free(m);
	assert_int_equal(capture_drain(c), 2);
	assert_int_equal(capture_counts_get(c).written, 2);
	assert_int_equal(capture_counts_get(c).lost, 0);
	/* nobody drains: frames pass, copies are lost and counted */
	for (unsigned i = 0; i < 3000; i++) {
		m = frame_new(f, i);
		assert_int_equal(rte_eth_tx_burst(f->port.id, 0, &m, 1), 1);
		assert_int_equal(rte_ring_dequeue(driver_ring_from(&f->port, 0), (void **)&m), 0);
		rte_pktmbuf_free(m);
	}
	assert_true(capture_counts_get(c).lost > 1500);
	capture_detach(c);

	file = fopen(path, "r");
	assert_int_equal(fread(head, sizeof(head), 1, file), 1);
	assert_int_equal(head[0], 0xa1b23c4d);
	assert_int_equal(head[5], 1);
	for (unsigned i = 0; i < 2; i++) {
		char data[FRAME_LEN];

		assert_int_equal(fread(record, sizeof(record), 1, file), 1);
		assert_true(record[1] < 1000000000u);
		assert_int_equal(record[2], FRAME_LEN);
		assert_int_equal(record[3], FRAME_LEN);
		assert_int_equal(fread(data, FRAME_LEN, 1, file), 1);
		memcpy(&number, data, 4);
		assert_int_equal(number, i ? 77 : 0);
	}
	fclose(file);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages),
		cmocka_unit_test_setup_teardown(drops_and_copies_are_counted_and_repeat, set_up, tear_down),
		cmocka_unit_test_setup_teardown(overtaken_frames_arrive_all_the_same, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_delay_holds_frames_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(corruption_flips_one_bit_of_a_private_copy, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(dropped_output_is_a_frame_that_nobody_takes, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_capture_holds_both_directions, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, group_set_up, NULL);
}
