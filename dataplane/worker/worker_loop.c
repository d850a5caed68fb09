/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/worker.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_pause.h>

#include "dataplane/base/log.h"
#include "dataplane/worker/seccomp.h"

#define X(name, help) {#name, help},
const struct worker_metric worker_counter_info[WORKER_COUNTERS] = {
#include "dataplane/worker/worker_counter.def"
};
#undef X

static void *none_open(void *setup, struct worker *w)
{
	return w;
}

static void none_close(void *app)
{
}

static void none_input(void *ctx, struct net_packet *packets, unsigned n, uint64_t now_ns)
{
	struct worker *w = ctx;

	for (unsigned i = 0; i < n; i++)
		rte_pktmbuf_free(packets[i].m);
	w->counters[WORKER_COUNTER_no_transport] += n;
}

static bool none_icmp_error(void *ctx, const struct net_icmp_error *error, uint64_t now_ns)
{
	return false;
}

const struct worker_app worker_app_none = {
	.open = none_open,
	.close = none_close,
	.l4 = {.input = none_input, .icmp_error = none_icmp_error},
};

static void burst_count(uint64_t *counters, unsigned n)
{
	static const uint8_t bin[WORKER_BURST + 1] = {[3] = 2,	     [4] = 2,	     [2] = 1,
						      [5 ... 8] = 3, [9 ... 16] = 4, [17 ... 32] = 5};

	counters[WORKER_COUNTER_rx_frames] += n;
	counters[WORKER_COUNTER_rx_bursts]++;
	counters[WORKER_COUNTER_burst_1 + bin[n]]++;
}

unsigned worker_turn(struct worker *w, uint64_t now_ns)
{
	struct rte_mbuf *frames[WORKER_BURST];
	unsigned work = 0;

	if (w->app->burst)
		w->app->burst(w->app_state, now_ns);
	for (unsigned i = 0; i < w->n_queues; i++) {
		const struct worker_queue *q = &w->queues[i];
		unsigned n = rte_eth_rx_burst(q->device, q->queue, frames, WORKER_BURST);

		if (n == 0)
			continue;
		burst_count(w->counters, n);
		net_input(w->net, q->port, frames, n, now_ns);
		work += n;
	}
	work += net_steered(w->net, now_ns);
	work += net_timers(w->net, now_ns);
	if (w->app->turn)
		work += w->app->turn(w->app_state, now_ns);
	work += net_flush(w->net, now_ns);
	return work;
}

/* once a second */
static void upkeep(struct worker *w, uint64_t now_ns)
{
	unsigned kept = 0;

	w->sync_ns = now_ns + BASE_CLOCK_SYNC_NS;
	base_clock_sync(&w->clock);
	/* the device under a lost port is a corpse: it is not polled again */
	for (unsigned i = 0; i < w->n_queues; i++)
		if (net_link_get(w->shared, w->queues[i].port) != NET_LINK_LOST)
			w->queues[kept++] = w->queues[i];
	w->n_queues = kept;
}

int worker_run(void *worker)
{
	struct worker *w = worker;
	uint64_t *counters = w->counters;
	uint64_t tsc;

	/* the kernel's slack of 50 µs is more than the first rungs of the ladder */
	atomic_store_explicit(&w->tid, gettid(), memory_order_relaxed);
	prctl(PR_SET_TIMERSLACK, 1000ul, 0ul, 0ul, 0ul);
	if (seccomp_worker(w->seccomp)) {
		base_log(BASE_LOG_CRITICAL, "box", "worker %u cannot give up its rights: aborting", w->core);
		abort();
	}
	base_clock_init(&w->clock);
	tsc = __rdtsc();
	while (!atomic_load_explicit(w->stop, memory_order_relaxed)) {
		uint64_t now_ns = base_clock_at(&w->clock, tsc), end;
		unsigned work = worker_turn(w, now_ns);
		uint32_t sleep_ns;

		if (now_ns >= w->sync_ns)
			upkeep(w, now_ns);
		counters[WORKER_COUNTER_turns]++;
		report_turn(&w->report);
		end = __rdtsc();
		if (work) {
			counters[WORKER_COUNTER_busy_turns]++;
			counters[WORKER_COUNTER_busy_ticks] += end - tsc;
		} else {
			counters[WORKER_COUNTER_idle_ticks] += end - tsc;
		}
		tsc = end;
		sleep_ns = idle_next(&w->idle, work);
		if (sleep_ns) {
			struct timespec t = {.tv_nsec = sleep_ns};

			counters[WORKER_COUNTER_sleeps]++;
			if (w->app->sleep)
				w->app->sleep(w->app_state);
			report_sleep(&w->report);
			clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
			report_wake(&w->report);
			if (w->app->wake)
				w->app->wake(w->app_state);
			tsc = __rdtsc();
		} else if (!work) {
			rte_pause();
			/* polling workers on one core would starve each other for whole time slices */
			if (w->shared_core)
				sched_yield();
		}
	}
	atomic_store_explicit(&w->done, true, memory_order_release);
	return 0;
}
