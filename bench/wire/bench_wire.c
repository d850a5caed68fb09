/* SPDX-License-Identifier: BSD-3-Clause */
/* What a ping costs us and testpmd's icmpecho engine over the same kind of port and the same traffic, what
 * steering a frame to its owner costs, and how often devices put a flow on a core that does not own it. */
#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_lcore.h>

#include "bench/harness/bench.h"
#include "bench/wire/kernel_ports.h"
#include "bench/wire/steer_cost.h"
#include "bench/wire/testpmd_peer.h"
#include "bench/wire/wire_rig.h"

/* short samples: on a busy machine most of them are then free of somebody else's time slice */
enum { PAIRS = 41, REQUESTS = 2400, WARM = 2400, SEGMENTS = 2400, FLOWS_RANDOM = 4000 };

static double echo_sample(struct wire_rig *r, unsigned n)
{
	uint64_t *c = r->counters[0], ticks, frames;
	int rc;

	wire_rig_launch(r, 0);
	ticks = c[WORKER_COUNTER_busy_ticks];
	frames = c[WORKER_COUNTER_rx_frames];
	rc = echo_wire_run(&r->wire, n);
	wire_rig_halt(r);
	return rc ? NAN
		  : (double)(c[WORKER_COUNTER_busy_ticks] - ticks) /
			       (double)(c[WORKER_COUNTER_rx_frames] - frames);
}

static void bursts_print(const struct wire_rig *r)
{
	static const struct {
		enum worker_counter counter;
		const char *name;
	} bins[] = {{WORKER_COUNTER_burst_1, "1"},     {WORKER_COUNTER_burst_2, "2"},
		    {WORKER_COUNTER_burst_4, "3-4"},   {WORKER_COUNTER_burst_8, "5-8"},
		    {WORKER_COUNTER_burst_16, "9-16"}, {WORKER_COUNTER_burst_32, "17-32"}};

	fprintf(stderr, "wire: bursts by size:");
	for (unsigned i = 0; i < sizeof(bins) / sizeof(bins[0]); i++)
		fprintf(stderr, " %s: %llu", bins[i].name,
			(unsigned long long)r->counters[0][bins[i].counter]);
	fputc('\n', stderr);
}

/* A time slice that somebody else took inside of a turn is in its ticks. */
static bool is_quiet(const struct bench_series *s)
{
	return bench_median(s) <= 1.25 * bench_min(s);
}

/* The median of the pairs. On a machine that is not quiet it says how two processes were met by a third one,
 * in either direction: there the minima are compared, and it is said. */
static double echo_ratio(const struct bench *b, const struct bench_series *ours,
			 const struct bench_series *theirs)
{
	if (is_quiet(ours) && is_quiet(theirs))
		return bench_pair_ratio(ours, theirs);
	bench_progress(
		b, "the machine is not quiet (medians far above minima): the ratio is that of the minima");
	return bench_min(ours) / bench_min(theirs);
}

static void echo_bench(struct bench *b, struct testpmd_peer *peer, const char *no_peer)
{
	static struct bench_series ours, theirs;
	static struct wire_rig r;
	struct bench_line line = {
		.metric = "icmp_echo_ticks", .unit = "ticks/frame", .ports = "ring", .ratio = NAN};

	if (wire_rig_open(&r, 0, 1))
		exit(2);
	if (isnan(echo_sample(&r, WARM)) || (!no_peer && isnan(testpmd_sample(peer, WARM))))
		bench_wrong(b, "a ping was answered wrong or not at all (ours: %llu right, %llu wrong)",
			    (unsigned long long)r.wire.answered, (unsigned long long)r.wire.wrong);
	for (unsigned i = 0; i < PAIRS; i++) {
		double us = echo_sample(&r, REQUESTS), them = no_peer ? NAN : testpmd_sample(peer, REQUESTS);

		if (isnan(us) || (!no_peer && isnan(them)))
			bench_wrong(b, "a ping was answered wrong or not at all, in pair %u (%s)", i,
				    isnan(us) ? "ours" : "testpmd");
		bench_series_add(&ours, us);
		if (!no_peer)
			bench_series_add(&theirs, them);
	}
	if (r.wire.answered != WARM + PAIRS * REQUESTS)
		bench_wrong(b, "%llu pings were answered", (unsigned long long)r.wire.answered);
	line.peer = "ours";
	line.value = bench_median(&ours);
	line.min = bench_min(&ours);
	line.samples = ours.n;
	if (!no_peer)
		line.ratio = echo_ratio(b, &ours, &theirs);
	if (!no_peer) {
		line.goal_is = BENCH_AT_MOST;
		line.goal = 1.3;
		line.goal_on_ratio = true;
	}
	bench_emit(b, &line);
	if (no_peer) {
		bench_progress(b, "no peer: %s", no_peer);
	} else {
		line = (struct bench_line){.metric = "icmp_echo_ticks",
					   .unit = "ticks/frame",
					   .ports = "ring",
					   .peer = "testpmd",
					   .value = bench_median(&theirs),
					   .min = bench_min(&theirs),
					   .ratio = NAN,
					   .samples = theirs.n};
		bench_emit(b, &line);
	}
	bursts_print(&r);
	wire_rig_close(&r);
}

static void share_emit(struct bench *b, const char *ports, double share, unsigned samples)
{
	struct bench_line line = {.metric = "owner_disagrees",
				  .unit = "of 1",
				  .peer = "ours",
				  .ports = ports,
				  .value = share,
				  .min = share,
				  .ratio = NAN,
				  .samples = samples};

	bench_emit(b, &line);
}

static void steer_bench(struct bench *b)
{
	static struct bench_series steered, straight, cost;
	static struct wire_rig r;
	struct bench_line line = {.metric = "steer_ticks",
				  .unit = "ticks/frame",
				  .peer = "ours",
				  .ports = "ring",
				  .ratio = NAN};
	double share;

	if (wire_rig_open(&r, 1, 2))
		exit(2);
	steer_sample(&r, true, WARM);
	steer_sample(&r, false, WARM);
	for (unsigned i = 0; i < PAIRS; i++) {
		double wrong = steer_sample(&r, true, SEGMENTS), right = steer_sample(&r, false, SEGMENTS);

		if (isnan(wrong) || isnan(right))
			bench_wrong(b, "a segment did not reach its owner");
		bench_series_add(&steered, wrong);
		bench_series_add(&straight, right);
		bench_series_add(&cost, wrong - right);
	}
	line.value = bench_median(&cost);
	/* the least of the differences would be that of the luckiest and the unluckiest sample */
	line.min = bench_min(&steered) - bench_min(&straight);
	line.samples = cost.n;
	bench_emit(b, &line);
	share = steer_share_random(&r, FLOWS_RANDOM);
	if (isnan(share))
		bench_wrong(b, "a segment did not reach its owner");
	share_emit(b, "ring, memif: the peer chooses", share, FLOWS_RANDOM);
	wire_rig_close(&r);
}

static void kernel_bench(struct bench *b)
{
	static const struct {
		enum kernel_port port;
		const char *name;
	} kinds[] = {{KERNEL_PORT_AF_PACKET, "af_packet over veth"}, {KERNEL_PORT_TAP, "tap"}};

	for (unsigned i = 0; i < 2; i++) {
		char why[256] = "";
		double share = kernel_ports_share(kinds[i].port, FLOWS_RANDOM, why, sizeof(why));

		if (isnan(share))
			bench_progress(b, "%s: not measured: %s", kinds[i].name, why);
		else
			share_emit(b, kinds[i].name, share, FLOWS_RANDOM);
	}
}

/* no part named: all of them */
static bool wanted(int argc, char **argv, const char *part)
{
	for (int i = 1; i < argc && argv[i]; i++)
		if (strcmp(argv[i], part) == 0)
			return true;
	return argc < 2 || !argv[1];
}

int main(int argc, char **argv)
{
	struct testpmd_peer peer;
	const char *no_peer = NULL;
	unsigned cpu[2] = {0, 0}, n = 0;
	cpu_set_t set;
	struct bench b;

	bench_init(&b, "wire", argc, argv);
	sched_getaffinity(0, sizeof(set), &set);
	for (unsigned i = 0; i < CPU_SETSIZE && n < 2; i++)
		if (CPU_ISSET(i, &set))
			cpu[n++] = i;
	if (n < 2) {
		fprintf(stderr, "wire: two CPUs are needed, one for each end of the wire\n");
		return 77;
	}
	bench_progress(&b, "%u pairs, some ten seconds", (unsigned)PAIRS);
	if (wanted(argc, argv, "ports"))
		kernel_bench(&b); /* starts processes of its own, so it comes before DPDK is here */
	if (wanted(argc, argv, "echo") && testpmd_start(&peer, cpu[1], cpu[0], &no_peer) == 0)
		no_peer = NULL;
	if (wire_rig_start(cpu[0], cpu[1]))
		return 2;
	if (wanted(argc, argv, "echo")) {
		echo_bench(&b, &peer, no_peer);
		testpmd_stop(&peer);
	}
	if (wanted(argc, argv, "steer"))
		steer_bench(&b);
	return bench_fini(&b);
}
