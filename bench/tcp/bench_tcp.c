/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP on one core over ring ports: how many connections a second, what an answered request costs, how much it
 * moves, what an idle connection weighs. The worker's own turn is what is timed; the clients run between
 * turns on the same thread, so their time does not count and their cache misses are ours. The kernel's epoll
 * echo runs beside it. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_ring.h>

#include "bench/harness/bench.h"
#include "bench/harness/heap_count.h"
#include "bench/tcp/kernel_echo.h"
#include "bench/tcp/tcp_box.h"
#include "dataplane/base/rng.h"
#include "dataplane/tcp/header.h"
#include "drivers/eal.h"

enum { PAIRS = 41 };

static void must(const struct bench *b, struct tcp_box *r, bool good, const char *what)
{
	if (!good || r->load.wrong)
		bench_wrong(
			b,
			"%s (%llu wrong, %llu SYN-ACKs, %llu FINs, %llu resets; %llu accepted, %llu closed)",
			what, (unsigned long long)r->load.wrong, (unsigned long long)r->load.syn_acks,
			(unsigned long long)r->load.fins, (unsigned long long)r->load.resets,
			(unsigned long long)r->accepted, (unsigned long long)r->closed);
}

/* clients [first, first + n) connect */
static void open_many(struct tcp_box *r, uint32_t first, uint32_t n)
{
	for (uint32_t k = 0; k < n; k += LOAD_BURST) {
		uint32_t m = n - k < LOAD_BURST ? n - k : LOAD_BURST;

		for (uint32_t i = 0; i < m; i++)
			load_send(&r->load, first + k + i, TCP_SYN, NULL, 0);
		load_flush(&r->load);
		tcp_box_settle(r);
		for (uint32_t i = 0; i < m; i++)
			load_send(&r->load, first + k + i, TCP_ACK, NULL, 0);
		load_flush(&r->load);
		tcp_box_settle(r);
	}
}

static void close_many(struct tcp_box *r, uint32_t first, uint32_t n)
{
	for (uint32_t k = 0; k < n; k += LOAD_BURST) {
		uint32_t m = n - k < LOAD_BURST ? n - k : LOAD_BURST;

		for (uint32_t i = 0; i < m; i++)
			load_send(&r->load, first + k + i, TCP_FIN | TCP_ACK, NULL, 0);
		load_flush(&r->load);
		tcp_box_settle(r);
		for (uint32_t i = 0; i < m; i++)
			load_send(&r->load, first + k + i, TCP_ACK, NULL, 0);
		load_flush(&r->load);
		tcp_box_settle(r);
	}
}

/* Has this thread kept its core since the last call? A sample with somebody else's time slice in it is worth
 * nothing; after many tries it is taken all the same. */
static bool calm(unsigned *tries)
{
	static long before;
	struct rusage u;
	long now;

	getrusage(RUSAGE_THREAD, &u);
	now = u.ru_nivcsw + u.ru_nvcsw;
	if (now == before || ++*tries > 4 * PAIRS) {
		before = now;
		return true;
	}
	before = now;
	return false;
}

/* ---- the questions ---- */

static void accept_close(struct bench *b, struct tcp_box *r)
{
	enum { N = 1024 };
	struct bench_series s = {.n = 0};
	uint32_t first = 0;
	unsigned tries = 0;

	r->load.box_port = TCP_BOX_CLOSE;
	for (unsigned k = 0; k <= PAIRS;) {
		uint64_t syn_acks = r->load.syn_acks, fins = r->load.fins, closed = r->closed;

		r->busy = 0;
		open_many(r, first, N);
		close_many(r, first, N);
		must(b, r,
		     r->load.syn_acks - syn_acks == N && r->load.fins - fins == N && r->closed - closed == N,
		     "connections are missing");
		first = (first + N) % 1000000;
		if (!calm(&tries))
			continue;
		if (k++)
			bench_series_add(&s, bench_tsc_hz() / ((double)r->busy / N));
	}
	bench_emit(b, &(struct bench_line){.metric = "accept_close_per_s",
					   .unit = "1/s",
					   .peer = "ours",
					   .ports = "ring",
					   .value = bench_median(&s),
					   .min = bench_min(&s),
					   .ratio = NAN,
					   .goal_is = BENCH_AT_LEAST,
					   .goal = 1e6,
					   .samples = s.n});
}

static void echo(struct bench *b, struct tcp_box *r)
{
	enum { N = 32, ROUNDS = 60, BYTES = KERNEL_ECHO_BYTES };
	static struct bench_series ours, theirs;
	struct kernel_echo *k = kernel_echo_start();
	uint8_t request[BYTES];
	unsigned tries = 0;
	uint64_t heap;

	for (unsigned i = 0; i < BYTES; i++)
		request[i] = load_byte(i);
	r->load.box_port = TCP_BOX_ECHO;
	open_many(r, 0, N);
	if (!k || kernel_echo_run(k, ROUNDS) < 0)
		bench_wrong(b, "the kernel's echo failed");
	heap = 0;
	for (unsigned p = 0; p <= PAIRS;) {
		uint64_t bytes = r->load.data_bytes, before = heap_count();
		unsigned any = 0;
		double ns;

		calm(&any);
		r->busy = 0;
		for (unsigned round = 0; round < ROUNDS; round++) {
			for (unsigned i = 0; i < N; i++)
				load_send(&r->load, i, TCP_ACK | TCP_PSH, request, BYTES);
			load_flush(&r->load);
			tcp_box_settle(r);
		}
		must(b, r, r->load.data_bytes - bytes == (uint64_t)N * ROUNDS * BYTES, "answers are missing");
		if (p)
			heap += heap_count() - before;
		if (!calm(&tries))
			continue;
		ns = kernel_echo_run(k, ROUNDS);
		if (ns < 0)
			bench_wrong(b, "the kernel's echo failed");
		if (p++) {
			bench_series_add(&ours, (double)r->busy / (N * ROUNDS));
			bench_series_add(&theirs, ns * bench_tsc_hz() / 1e9);
		}
	}
	close_many(r, 0, N);
	kernel_echo_stop(k);
	bench_emit(b, &(struct bench_line){.metric = "echo_600B_ticks",
					   .unit = "ticks/request",
					   .peer = "kernel epoll",
					   .ports = "loopback",
					   .value = bench_median(&theirs),
					   .min = bench_min(&theirs),
					   .ratio = NAN,
					   .samples = theirs.n});
	bench_emit(b, &(struct bench_line){.metric = "echo_600B_ticks",
					   .unit = "ticks/request",
					   .peer = "ours",
					   .ports = "ring",
					   .value = bench_median(&ours),
					   .min = bench_min(&ours),
					   .ratio = bench_pair_ratio(&theirs, &ours),
					   .goal_is = BENCH_AT_LEAST,
					   .goal = 12,
					   .goal_on_ratio = true,
					   .samples = ours.n});
	bench_emit(b, &(struct bench_line){.metric = "heap_allocations",
					   .unit = "in steady state",
					   .peer = "ours",
					   .ports = "ring",
					   .value = (double)heap,
					   .min = (double)heap,
					   .ratio = NAN,
					   .goal_is = BENCH_AT_MOST,
					   .goal = 0,
					   .samples = ours.n});
}

static void bulk(struct bench *b, struct tcp_box *r)
{
	enum { SEGMENTS = 3000, BURST = 30 };
	static struct bench_series in, out;
	uint8_t data[LOAD_MSS];
	unsigned tries = 0;
	const struct tcp_stats *x = tcp_stats_get(r->tcp.stack);
	uint64_t copies = x->counters[TCP_COUNTER_compacted];

	for (unsigned i = 0; i < LOAD_MSS; i++)
		data[i] = load_byte(i);
	/* buffers of the source hold the pattern already */
	{
		struct rte_mbuf *m[4095];
		unsigned n = 0;

		while (n < 4095 && (m[n] = rte_pktmbuf_alloc(r->tcp.tx))) {
			memcpy(rte_pktmbuf_mtod(m[n], uint8_t *), data, LOAD_MSS);
			n++;
		}
		while (n)
			rte_pktmbuf_free(m[--n]);
	}
	r->load.box_port = TCP_BOX_SINK;
	open_many(r, 0, 1);
	for (unsigned p = 0; p <= PAIRS;) {
		uint64_t sunk = r->sunk;

		r->busy = 0;
		for (unsigned k = 0; k < SEGMENTS; k += BURST) {
			for (unsigned i = 0; i < BURST && k + i < SEGMENTS; i++)
				load_send(&r->load, 0, TCP_ACK, data, LOAD_MSS);
			load_flush(&r->load);
			tcp_box_settle(r);
		}
		must(b, r, r->sunk - sunk == (uint64_t)SEGMENTS * LOAD_MSS, "bytes are missing");
		if (!calm(&tries))
			continue;
		if (p++)
			bench_series_add(&in, (double)SEGMENTS * LOAD_MSS * 8 /
						      ((double)r->busy / bench_tsc_hz()) / 1e9);
	}
	close_many(r, 0, 1);
	if (x->counters[TCP_COUNTER_compacted] != copies)
		bench_wrong(b, "full-sized segments were copied");
	r->load.box_port = TCP_BOX_SOURCE;
	r->load.ack_data = true;
	open_many(r, 1, 1);
	tries = 0;
	for (unsigned p = 0; p <= PAIRS;) {
		uint64_t bytes = r->load.data_bytes, want;

		r->busy = 0;
		load_send(&r->load, 1, TCP_ACK | TCP_PSH, data, 1);
		load_flush(&r->load);
		tcp_box_settle(r);
		load_send(&r->load, 1, TCP_ACK, NULL, 0);
		load_flush(&r->load);
		tcp_box_settle(r);
		want = 3000ull * LOAD_MSS;
		must(b, r, r->load.data_bytes - bytes == want, "bytes from the source are missing");
		if (!calm(&tries))
			continue;
		if (p++)
			bench_series_add(&out, (double)want * 8 / ((double)r->busy / bench_tsc_hz()) / 1e9);
	}
	r->load.ack_data = false;
	close_many(r, 1, 1);
	bench_emit(b, &(struct bench_line){.metric = "bulk_gbit_per_core",
					   .unit = "Gbit/s in",
					   .peer = "ours",
					   .ports = "ring",
					   .value = bench_median(&in),
					   .min = bench_min(&in),
					   .ratio = NAN,
					   .goal_is = BENCH_AT_LEAST,
					   .goal = 25,
					   .samples = in.n});
	bench_emit(b, &(struct bench_line){.metric = "bulk_out_gbit_per_core",
					   .unit = "Gbit/s out",
					   .peer = "ours",
					   .ports = "ring",
					   .value = bench_median(&out),
					   .min = bench_min(&out),
					   .ratio = NAN,
					   .goal_is = BENCH_AT_LEAST,
					   .goal = 25,
					   .samples = out.n});
}

static double memory_now(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	double sum = 0, kb;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmRSS: %lf", &kb) == 1 || sscanf(line, "HugetlbPages: %lf", &kb) == 1)
			sum += kb * 1024;
	if (f)
		fclose(f);
	return sum;
}

/* ticks for a segment of a random connection among the first n */
static double lookup(struct bench *b, struct tcp_box *r, struct base_rng *g, uint32_t n)
{
	enum { SEGMENTS = 32 * 100 };
	uint64_t in = tcp_stats_get(r->tcp.stack)->counters[TCP_COUNTER_segments_in];

	r->busy = 0;
	for (unsigned k = 0; k < SEGMENTS; k += LOAD_BURST) {
		for (unsigned i = 0; i < LOAD_BURST; i++)
			load_send(&r->load, base_rng_below(g, n), TCP_ACK, NULL, 0);
		load_flush(&r->load);
		tcp_box_settle(r);
	}
	must(b, r, tcp_stats_get(r->tcp.stack)->counters[TCP_COUNTER_segments_in] - in == SEGMENTS,
	     "segments are missing");
	return (double)r->busy / SEGMENTS;
}

static void idle(struct bench *b, struct tcp_box *r)
{
	enum { FEW = 1000, MANY = 1000000 };
	static struct bench_series few, many, cold;
	struct base_rng g;
	double before, after, weight;
	uint64_t held_before, held_after;
	unsigned tries = 0;

	base_rng_seed(&g, 9);
	r->load.box_port = TCP_BOX_HOLD;
	open_many(r, 0, FEW);
	before = memory_now();
	held_before = rte_mempool_in_use_count(r->tcp.tx) + rte_mempool_in_use_count(r->tcp.compact);
	for (unsigned p = 0; p <= PAIRS;) {
		double t = lookup(b, r, &g, FEW);

		if (!calm(&tries))
			continue;
		if (p++)
			bench_series_add(&few, t);
	}
	bench_progress(b, "opening a million connections");
	open_many(r, FEW, MANY - FEW);
	after = memory_now();
	held_after = rte_mempool_in_use_count(r->tcp.tx) + rte_mempool_in_use_count(r->tcp.compact);
	must(b, r, tcp_stats_get(r->tcp.stack)->connections >= MANY && held_after <= held_before + 64,
	     "not all are open");
	tries = 0;
	for (unsigned p = 0; p <= PAIRS;) {
		/* the same few among a million, and any of the million */
		double t = lookup(b, r, &g, FEW), u = lookup(b, r, &g, MANY);

		if (!calm(&tries))
			continue;
		if (p++) {
			bench_series_add(&many, t);
			bench_series_add(&cold, u);
		}
	}
	weight = (after - before) / (MANY - FEW);
	bench_emit(b, &(struct bench_line){.metric = "idle_conn_bytes",
					   .unit = "bytes",
					   .peer = "ours",
					   .ports = "ring",
					   .value = weight,
					   .min = weight,
					   .ratio = NAN,
					   .goal_is = BENCH_AT_MOST,
					   .goal = 256,
					   .samples = 1});
	bench_emit(b, &(struct bench_line){.metric = "lookup_ticks_1k",
					   .unit = "ticks/segment",
					   .peer = "ours",
					   .ports = "ring",
					   .value = bench_median(&few),
					   .min = bench_min(&few),
					   .ratio = NAN,
					   .samples = few.n});
	bench_emit(b, &(struct bench_line){.metric = "lookup_ticks_1k_of_1M",
					   .unit = "ticks/segment",
					   .peer = "ours",
					   .ports = "ring",
					   .value = bench_median(&many),
					   .min = bench_min(&many),
					   .ratio = bench_pair_ratio(&many, &few),
					   .goal_is = BENCH_AT_MOST,
					   .goal = 1.1,
					   .goal_on_ratio = true,
					   .samples = many.n});
	bench_emit(b, &(struct bench_line){.metric = "lookup_ticks_1M",
					   .unit = "ticks/segment",
					   .peer = "ours",
					   .ports = "ring",
					   .value = bench_median(&cold),
					   .min = bench_min(&cold),
					   .ratio = bench_pair_ratio(&cold, &few),
					   .goal_is = BENCH_AT_MOST,
					   .goal = 1.1,
					   .goal_on_ratio = true,
					   .samples = cold.n});
}

int main(int argc, char **argv)
{
	static struct tcp_box r;
	struct bench b;
	unsigned cpu = (unsigned)sched_getcpu(), *cpus = &cpu;
	char dir[] = "/tmp/bench-tcp-eal.XXXXXX", why[512] = "no directory in /tmp";
	struct driver_eal_config eal = {.program = "bench_tcp",
					.runtime_dir = mkdtemp(dir),
					.memory = 256,
					.cold_cpus = cpus,
					.n_cold_cpus = 1,
					.worker_cpus = cpus,
					.n_workers = 1};
	int first = bench_init(&b, "tcp", argc, argv);
	const char *only = argv[first];

	if (!eal.runtime_dir || driver_eal_start(&eal, why, sizeof(why))) {
		fprintf(stderr, "bench_tcp: %s\n", why);
		return 2;
	}
	rmdir(dir);
	tcp_box_open(&r, 1 << 20);
	tcp_box_settle(&r);
	/* the gateway is known before anything is measured */
	r.load.box_port = TCP_BOX_CLOSE;
	open_many(&r, 1000000, 1);
	close_many(&r, 1000000, 1);
	must(&b, &r, r.closed == 1, "the first connection failed");
	if (!only || strcmp(only, "accept") == 0)
		accept_close(&b, &r);
	if (!only || strcmp(only, "echo") == 0)
		echo(&b, &r);
	if (!only || strcmp(only, "bulk") == 0)
		bulk(&b, &r);
	if (!only || strcmp(only, "idle") == 0)
		idle(&b, &r);
	return bench_fini(&b);
}
