/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/wire/steer_cost.h"

#include <math.h>
#include <string.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "bench/harness/bench.h"
#include "bench/harness/busy.h"
#include "bench/wire/flow_frame.h"
#include "dataplane/base/rng.h"

enum { FLOWS = 64, BURST = 8, TURNS_MAX = 50000000 };

struct flows {
	struct flow_ends ends[FLOWS];
};

static unsigned owner(const struct wire_rig *r, const struct flow_ends *e)
{
	struct base_addr src = base_addr_v4(e->ip), dst = base_addr_v4(e->box_ip);

	return net_owner(r->shared, &src, &dst, e->port, e->box_port);
}

static struct flow_ends ends_new(const struct wire_rig *r, uint16_t port)
{
	struct flow_ends e = {.port = port, .box_port = 5061};

	memcpy(e.mac, r->wire.peer.mac, 6);
	memcpy(e.box_mac, r->wire.peer.box_mac, 6);
	memcpy(e.ip, r->wire.peer.ip, 4);
	memcpy(e.box_ip, r->wire.peer.box_ip, 4);
	return e;
}

static void flows_find(const struct wire_rig *r, struct flows *f)
{
	uint16_t port = 1024;

	for (unsigned n = 0; n < FLOWS;) {
		f->ends[n] = ends_new(r, port++);
		n += owner(r, &f->ends[n]) == 1;
	}
}

static struct rte_mbuf *segment_new(struct wire_rig *r, const struct flow_ends *e)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(r->wire.pool);

	if (!m)
		return NULL;
	m->data_len = FLOW_FRAME_LEN;
	m->pkt_len = FLOW_FRAME_LEN;
	flow_frame_write(e, rte_pktmbuf_mtod(m, uint8_t *));
	return m;
}

static bool segment_send(struct wire_rig *r, const struct flow_ends *e, unsigned queue)
{
	struct rte_mbuf *m = segment_new(r, e);

	return m && rte_ring_enqueue(driver_ring_to(&r->port, queue), m) == 0;
}

/* As a device hands them over: all at once. One by one, each would be a turn of its own. */
static bool burst_send(struct wire_rig *r, const struct flow_ends *ends, unsigned queue)
{
	struct rte_mbuf *burst[BURST];

	for (unsigned i = 0; i < BURST; i++) {
		burst[i] = segment_new(r, &ends[i]);
		if (!burst[i])
			return false;
	}
	return rte_ring_enqueue_bulk(driver_ring_to(&r->port, queue), (void **)burst, BURST, NULL) == BURST;
}

double steer_sample(struct wire_rig *r, bool wrong, unsigned n)
{
	uint64_t *other = r->counters[0], *own = r->counters[1];
	uint64_t before = other[WORKER_COUNTER_busy_ticks], tsc = bench_tsc();
	struct bench_busy busy = {.ticks = 0};
	struct flows flows;
	bool lost = false;

	flows_find(r, &flows);
	wire_rig_launch(r, 0);
	for (unsigned sent = 0; sent < n && !lost; sent += BURST) {
		uint64_t until = own[WORKER_COUNTER_no_transport] + BURST;
		unsigned turns = 0;

		lost = !burst_send(r, &flows.ends[sent % FLOWS], !wrong);
		while (own[WORKER_COUNTER_no_transport] < until && !lost) {
			uint64_t begin = bench_tsc();
			unsigned items = worker_turn(&r->workers[1], begin - tsc);

			bench_busy_turn(&busy, begin, bench_tsc(), items, 0);
			lost = ++turns == TURNS_MAX;
		}
	}
	wire_rig_halt(r);
	if (lost)
		return NAN;
	return (double)(busy.ticks + (wrong ? other[WORKER_COUNTER_busy_ticks] - before : 0)) / n;
}

double steer_share_random(struct wire_rig *r, unsigned n)
{
	struct base_rng rng;
	uint64_t before = 0, after = 0, now = 0;

	base_rng_seed(&rng, 1);
	for (unsigned i = 0; i < 2; i++)
		before += net_stats_get(r->workers[i].net)->counters[NET_COUNTER_steered_out];
	for (unsigned i = 0; i < n; i++) {
		struct flow_ends e = ends_new(r, (uint16_t)(1024 + base_rng_below(&rng, 60000)));

		if (!segment_send(r, &e, base_rng_below(&rng, 2)))
			return NAN;
		for (unsigned w = 0; w < 4; w++)
			worker_turn(&r->workers[w % 2], now += 1000);
	}
	for (unsigned i = 0; i < 2; i++)
		after += net_stats_get(r->workers[i].net)->counters[NET_COUNTER_steered_out];
	return (double)(after - before) / n;
}
