/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/tcp/tcp_box.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "dataplane/wire/checksum.h"

/* ---- the applications ---- */

static void *on_accept(void *ctx, uint64_t id, const struct net_tuple *tuple)
{
	struct tcp_box *r = ctx;

	r->accepted++;
	if (tuple->local_port == TCP_BOX_SOURCE)
		r->source_left = 0;
	return r;
}

static void on_closed(void *user, uint64_t id, enum tcp_end end)
{
	((struct tcp_box *)user)->closed++;
}

static void close_on_eof(void *user, uint64_t id)
{
	struct tcp_box *r = user;

	tcp_close(r->tcp.stack, id);
}

static void echo_readable(void *user, uint64_t id)
{
	struct tcp_box *r = user;
	struct tcp_view v[8];
	unsigned n = tcp_peek(r->tcp.stack, id, v, 8);
	uint32_t took = 0;

	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *m = tcp_alloc(r->tcp.stack);

		if (!m)
			break;
		memcpy(rte_pktmbuf_append(m, (uint16_t)v[i].len), v[i].data, v[i].len);
		if (tcp_send(r->tcp.stack, id, m)) {
			rte_pktmbuf_free(m);
			break;
		}
		took += v[i].len;
	}
	tcp_consume(r->tcp.stack, id, took);
}

static void sink_readable(void *user, uint64_t id)
{
	struct tcp_box *r = user;
	struct tcp_view v[64];
	unsigned n;

	while ((n = tcp_peek(r->tcp.stack, id, v, 64))) {
		uint32_t took = 0;

		for (unsigned i = 0; i < n; i++) {
			if (v[i].data[0] != load_byte(0))
				abort();
			took += v[i].len;
		}
		r->sunk += took;
		tcp_consume(r->tcp.stack, id, took);
	}
}

static void source_writable(void *user, uint64_t id)
{
	struct tcp_box *r = user;

	while (r->source_left) {
		struct rte_mbuf *m = tcp_alloc(r->tcp.stack);

		if (!m)
			return;
		/* the bytes are there from the last time: what filling costs is not TCP's */
		rte_pktmbuf_append(m, LOAD_MSS);
		if (tcp_send(r->tcp.stack, id, m)) {
			rte_pktmbuf_free(m);
			return;
		}
		r->source_left--;
	}
}

static void source_readable(void *user, uint64_t id)
{
	struct tcp_box *r = user;

	r->source_left += 3000; /* each byte asks for so many segments */
	tcp_consume(r->tcp.stack, id, 1);
	source_writable(user, id);
}

static const struct tcp_ops close_ops = {.accept = on_accept, .eof = close_on_eof, .closed = on_closed};
static const struct tcp_ops echo_ops = {
	.accept = on_accept, .readable = echo_readable, .eof = close_on_eof, .closed = on_closed};
static const struct tcp_ops sink_ops = {
	.accept = on_accept, .readable = sink_readable, .eof = close_on_eof, .closed = on_closed};
static const struct tcp_ops source_ops = {.accept = on_accept,
					  .readable = source_readable,
					  .writable = source_writable,
					  .eof = close_on_eof,
					  .closed = on_closed};

/* ---- the worker ---- */

static void *app_open(void *setup, struct worker *w)
{
	return setup;
}

static void app_input(void *ctx, struct net_packet *packets, unsigned n, uint64_t now_ns)
{
	tcp_input(((struct tcp_box *)ctx)->tcp.stack, packets, n, now_ns);
}

static bool app_error(void *ctx, const struct net_icmp_error *error, uint64_t now_ns)
{
	return tcp_icmp_error(((struct tcp_box *)ctx)->tcp.stack, error, now_ns);
}

static unsigned app_turn(void *ctx, uint64_t now_ns)
{
	return worker_tcp_turn(&((struct tcp_box *)ctx)->tcp, now_ns);
}

static void app_close(void *ctx)
{
}

static const struct worker_app app = {
	.open = app_open, .turn = app_turn, .close = app_close, .l4 = {app_input, app_error}};

void tcp_box_open(struct tcp_box *r, uint32_t connections)
{
	static const uint8_t own[4] = {198, 18, 1, 2}, gateway[4] = {198, 18, 1, 1};
	struct net_shared_config *c = calloc(1, sizeof(*c));
	struct driver_port_config d = {.name = "bench", .workers = 1};
	struct worker *w = &r->worker;
	char why[512] = "";
	const char *text = why;

	r->pools = (struct driver_pools){.mbufs = 16383, .data_room = 2048};
	driver_devargs_parse(&d.device, "ring:", why, sizeof(why));
	if (driver_port_probe(&r->port, &d, why, sizeof(why)) ||
	    driver_port_start(&r->port, &r->pools, NULL, NULL, why, sizeof(why)))
		goto fail;
	c->n_cores = c->n_ports = 1;
	c->seed = 1;
	c->limits = (struct net_limits){UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
	c->ports[0] = (struct net_port_config){.dpdk_port = r->port.id,
					       .name = "bench",
					       .mtu = 1500,
					       .tx_queues = 1,
					       .has_gateway4 = true,
					       .gateway4 = base_addr_v4(gateway),
					       .n_addresses = 1,
					       .addresses = {{base_addr_v4(own), 24}}};
	memcpy(c->ports[0].mac, r->port.mac, 6);
	r->shared = net_shared_create(c, &text);
	free(c);
	if (!r->shared)
		goto fail;
	*w = (struct worker){.shared = r->shared,
			     .app = &app,
			     .app_state = r,
			     .counters = r->counters,
			     .pool = driver_pool_get(&r->pools, r->port.socket),
			     .n_queues = 1,
			     .queues = {{.device = r->port.id}}};
	base_clock_init(&w->clock);
	w->net = net_create(r->shared, 0, w->pool, &app.l4, r, NULL);
	worker_tcp_setup_init(&r->setup, 1);
	r->setup.config.connections = connections;
	r->setup.config.prefix_connections = connections;
	r->setup.config.half_open = 8192;
	r->setup.config.keepalive_idle_ms = 7200000;
	if (!w->net || worker_tcp_open(&r->tcp, w, &r->setup))
		goto fail;
	tcp_listen(r->tcp.stack, NULL, TCP_BOX_CLOSE, &close_ops, r);
	tcp_listen(r->tcp.stack, NULL, TCP_BOX_HOLD, &close_ops, r);
	tcp_listen(r->tcp.stack, NULL, TCP_BOX_ECHO, &echo_ops, r);
	tcp_listen(r->tcp.stack, NULL, TCP_BOX_SINK, &sink_ops, r);
	tcp_listen(r->tcp.stack, NULL, TCP_BOX_SOURCE, &source_ops, r);
	r->load = (struct load){.to = driver_ring_to(&r->port, 0),
				.from = driver_ring_from(&r->port, 0),
				.pool = w->pool,
				.sum = wire_sum_pick(NULL),
				.box_ip = {198, 18, 1, 2},
				.n_clients = 1100000};
	memcpy(r->load.box_mac, r->port.mac, 6);
	r->load.clients = calloc(r->load.n_clients, sizeof(*r->load.clients));
	/* touched now, so that it is no part of what connections weigh */
	memset(r->load.clients, 1, r->load.n_clients * sizeof(*r->load.clients));
	return;
fail:
	fprintf(stderr, "bench_tcp: %s\n", text);
	exit(2);
}

void tcp_box_settle(struct tcp_box *r)
{
	unsigned quiet = 0;

	while (quiet < 2) {
		uint64_t begin = __rdtsc(), now = base_clock_at(&r->worker.clock, begin), end;
		unsigned work = worker_turn(&r->worker, now), took;

		end = __rdtsc();
		if (work)
			r->busy += end - begin;
		took = load_take(&r->load);
		load_flush(&r->load);
		quiet = work || took ? 0 : quiet + 1;
	}
}
