/* SPDX-License-Identifier: BSD-3-Clause */
/* Thousands of transfers over bad paths: every byte arrives, in order, once, and both ends close. A failure
 * names its seed; `sim_test SEED` runs that one again. */
#include "tests/replay/tcp/tcp_sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double pick(struct base_rng *r, const double *from, unsigned n)
{
	return from[base_rng_below(r, n)];
}

static struct sim_result one(const struct eal_rig *e, uint64_t seed, bool say)
{
	static const double losses[] = {0, 0, 0.01, 0.05, 0.1, 0.3}, small[] = {0, 0, 0.01, 0.1};
	static const uint32_t writes[] = {1, 100, 700, 1460, 5000, 20000},
			      sizes[] = {0, 1, 500, 5000, 60000, 150000};
	struct base_rng r;
	struct sim_path path[2] = {0};
	struct sim_app app[2] = {0};
	struct tcp_config c[2];
	struct sim_result x;

	base_rng_seed(&r, seed);
	for (int i = 0; i < 2; i++) {
		path[i].loss = pick(&r, losses, 6);
		path[i].dup = pick(&r, small, 4);
		path[i].reorder = pick(&r, small, 4);
		path[i].corrupt = pick(&r, small, 4);
		path[i].ce = pick(&r, small, 4);
		path[i].delay_us = base_rng_below(&r, 20000);
		path[i].jitter_us = base_rng_below(&r, 4) ? 0 : 1 + base_rng_below(&r, 5000);
		path[i].rate_bps = base_rng_below(&r, 3) ? 0 : 1000000 + base_rng_below(&r, 100000000);
		path[i].queue = 20 + base_rng_below(&r, 100);
		path[i].mtu = base_rng_below(&r, 8) ? 0 : (uint16_t)(1300 + base_rng_below(&r, 200));
		if (base_rng_below(&r, 8) == 0) {
			path[i].hole_from = base_rng_below(&r, 300000000);
			path[i].hole_to = path[i].hole_from + base_rng_below(&r, 2000000000);
		}
		app[i].to_send = sizes[base_rng_below(&r, 6)];
		app[i].write_max = writes[base_rng_below(&r, 6)];
		if (app[i].write_max < 100 && app[i].to_send > 2000)
			app[i].to_send = 2000;
		app[i].slow_reader = base_rng_below(&r, 8) == 0;
		app[i].half_close = base_rng_below(&r, 2);
		tcp_config_default(&c[i]);
		c[i].connections = 64;
		c[i].active = 64;
		c[i].sack = base_rng_below(&r, 4);
		c[i].timestamps = base_rng_below(&r, 4);
		c[i].window_scale = base_rng_below(&r, 4);
		c[i].ecn = base_rng_below(&r, 2);
		c[i].nagle = base_rng_below(&r, 4) == 0;
		c[i].congestion = base_rng_below(&r, 2) ? TCP_CUBIC : TCP_NEWRENO;
		c[i].rcv_buffer = base_rng_below(&r, 4) ? 1u << (14 + base_rng_below(&r, 7)) : 4096;
		c[i].snd_buffer = 1u << (13 + base_rng_below(&r, 8));
		c[i].held_timeout_ms = 120000;
		c[i].user_timeout_ms = 3600000;
		c[i].rto_max_ms = 4000;
		c[i].synack_retries = 30;
		c[i].syn_retries = 30;
	}
	for (int i = 0; i < 2; i++)
		app[i].tso = base_rng_below(&r, 2);
	/* somebody has to be first */
	app[0].half_close |= !app[1].half_close;
	x = sim_run(e, seed, path, app, c, base_rng_below(&r, 2), 3600ull * 1000000000);
	if (say)
		for (int i = 0; i < 2; i++)
			printf("side %d: loss %.2f dup %.2f reorder %.2f corrupt %.2f delay %u us jitter %u "
			       "rate %lu queue %u mtu %u; "
			       "%u bytes of <= %u%s%s; sack %d ts %d ws %d ecn %d nagle %d cc %d rcv %u snd "
			       "%u\n",
			       i, path[i].loss, path[i].dup, path[i].reorder, path[i].corrupt,
			       path[i].delay_us, path[i].jitter_us, (unsigned long)path[i].rate_bps,
			       path[i].queue, path[i].mtu, app[i].to_send, app[i].write_max,
			       app[i].slow_reader ? " slow"
			       : app[i].tso	  ? " tso"
						  : "",
			       app[i].half_close ? " half" : "", c[i].sack, c[i].timestamps,
			       c[i].window_scale, c[i].ecn, c[i].nagle, c[i].congestion, c[i].rcv_buffer,
			       c[i].snd_buffer);
	return x;
}

int main(int argc, char **argv)
{
	struct eal_rig e;
	const char *runs = getenv("SALLYPORT_SIM_RUNS"), *longer = getenv("SALLYPORT_TEST_LONG");
	unsigned n = runs ? (unsigned)atoi(runs) : longer ? 20000 : 2000, failed = 0;
	double limit =
		longer || runs
			? 1e9
			: 12; /* seconds for all of them; as many as say something are run in any case */
	const unsigned least = 200;
	struct timespec t0, t1;
	uint64_t segments = 0, rexmit = 0, rto = 0, spurious = 0, trains = 0;
	unsigned k;

	eal_rig_start(&e, argv[0], 8191, 8191, 4095);
	if (argc > 1) {
		struct sim_result x = one(&e, strtoull(argv[1], NULL, 0), true);

		printf("%s %s; %.3f s virtual, %lu segments, %lu again, %lu timeouts\n",
		       x.ok ? "good" : "BAD", x.why, (double)x.ns / 1e9, (unsigned long)x.segments,
		       (unsigned long)x.rexmit, (unsigned long)x.rto);
		return !x.ok;
	}
	clock_gettime(CLOCK_MONOTONIC, &t0);
	for (k = 1; k <= n && failed < 20; k++) {
		struct sim_result x = one(&e, k, false);

		segments += x.segments;
		rexmit += x.rexmit;
		rto += x.rto;
		spurious += x.spurious;
		trains += x.trains;
		if (!x.ok) {
			printf("seed %u: %s\n", k, x.why);
			failed++;
		}
		clock_gettime(CLOCK_MONOTONIC, &t1);
		if ((double)(t1.tv_sec - t0.tv_sec) + (double)(t1.tv_nsec - t0.tv_nsec) / 1e9 > limit &&
		    k >= least) {
			k++;
			break;
		}
	}
	printf("%u runs, %u failed; %lu segments, %lu sent again, %lu timeouts, %lu found spurious, %lu "
	       "chains cut\n",
	       k - 1, failed, (unsigned long)segments, (unsigned long)rexmit, (unsigned long)rto,
	       (unsigned long)spurious, (unsigned long)trains);
	if (!trains && k > least) {
		printf("no chain was ever made\n");
		return 1;
	}
	return failed != 0;
}
