/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/conn.h"

#include <errno.h>
#include <stdlib.h>

#include "dataplane/tcp/reasm.h"

const struct net_metric tcp_counter_info[TCP_COUNTERS] = {
#define X(name, help) [TCP_COUNTER_##name] = {#name, help},
#include "dataplane/tcp/tcp_counter.def"
#undef X
};

const struct net_metric tcp_drop_info[TCP_DROPS] = {
#define X(name, help) [TCP_DROP_##name] = {#name, help},
#include "dataplane/tcp/tcp_drop.def"
#undef X
};

void tcp_config_default(struct tcp_config *c)
{
	*c = (struct tcp_config){
		.connections = 1 << 17,
		.half_open = 4096,
		.rcv_buffer = 1 << 20,
		.snd_buffer = 1 << 20,
		.prefix_bytes = 64ull << 20,
		.core_bytes = 256ull << 20,
		.cookies = true,
		.sack = true,
		.timestamps = true,
		.window_scale = true,
		.ecn = false,
		.nagle = false,
		.congestion = TCP_CUBIC,
		.rto_initial_ms = 1000,
		.rto_min_ms = 200,
		.rto_max_ms = 60000,
		.syn_retries = 7,
		.synack_retries = 4,
		.user_timeout_ms = 120000,
		.persist_timeout_ms = 120000,
		.held_timeout_ms = 30000,
		.delayed_ack_ms = 20,
		.keepalive_idle_ms = 300000,
		.keepalive_interval_ms = 15000,
		.keepalive_probes = 5,
		.time_wait_ms = 60000,
		.fin_wait_ms = 60000,
		.rst_per_s = 1000,
		.blackhole_raise_ms = 600000,
		.port_first = 16384,
		.port_last = 65535,
	};
}

static uint32_t or_default(uint32_t value, uint32_t otherwise, uint32_t least)
{
	uint32_t v = value ? value : otherwise;

	return v < least ? least : v;
}

static int check(struct tcp_config *c)
{
	if (c->connections == 0 || c->connections > 1u << 24 || c->rcv_buffer < 4096 ||
	    c->rcv_buffer > 1u << 30 || c->snd_buffer < 4096 || c->half_open == 0 || c->port_first == 0 ||
	    c->port_first > c->port_last || c->rto_min_ms == 0 || c->rto_max_ms < c->rto_min_ms ||
	    c->rto_initial_ms == 0)
		return -EINVAL;
	c->active = or_default(c->active, c->connections / 4, c->active ? 1 : 1024);
	c->bulk = or_default(c->bulk, c->active / 16, 1);
	c->reassemblies = or_default(c->reassemblies, c->active / 4, 1);
	c->time_wait = or_default(c->time_wait, c->connections / 4, 1);
	c->prefix_connections = or_default(c->prefix_connections, c->connections / 4, 1);
	return 0;
}

struct tcp_stack *tcp_stack_create(const struct tcp_config *config, const struct tcp_env *env,
				   const struct tcp_secrets *secrets, uint64_t rng_seed, uint64_t now_ns)
{
	/* layers: cold, before the worker runs */
	struct tcp_stack *st = calloc(1, sizeof(*st));
	int err;

	if (!st)
		return NULL;
	st->config = *config;
	st->env = *env;
	st->secrets = *secrets;
	st->stats = &st->own_stats;
	st->ready_head = st->ready_tail = st->tw_head = st->tw_tail = BASE_POOL_NONE;
	base_rng_seed(&st->rng, rng_seed);
	tcp_stack_clock(st, now_ns);
	st->rst_bucket.last_ns = now_ns;
	st->rst_bucket.tokens_milli = config->rst_per_s * 1000;
	err = check(&st->config);
	if (err == 0)
		err = tcp_table_init(&st->table, st->config.connections);
	if (err == 0)
		err = base_pool_init(&st->conns, st->config.connections, sizeof(struct tcp_conn), 64);
	if (err == 0)
		err = base_pool_init(&st->actives, st->config.active, sizeof(struct tcp_active), 4);
	if (err == 0)
		err = base_pool_init(&st->rings, st->config.bulk, TCP_RING_BIG * sizeof(struct tcp_sent), 4);
	if (err == 0)
		err = base_pool_init(&st->reasms, st->config.reassemblies, sizeof(struct tcp_reasm), 4);
	if (err == 0)
		err = tcp_account_init(&st->account,
				       st->config.connections < 65536 ? st->config.connections : 65536,
				       &st->secrets.table);
	if (err) {
		tcp_stack_destroy(st);
		errno = -err;
		return NULL;
	}
	while (st->rcv_scale < TCP_SCALE_MAX && st->config.rcv_buffer >> st->rcv_scale > 65535)
		st->rcv_scale++;
	st->account.bytes_max = st->config.core_bytes;
	st->account.prefix_bytes_max = st->config.prefix_bytes;
	st->account.prefix_connections_max = st->config.prefix_connections;
	wheel_init(&st->wheel, st->conns.base + offsetof(struct tcp_conn, timer), st->conns.stride, st->tick);
	return st;
}

void tcp_stack_destroy(struct tcp_stack *st)
{
	if (!st)
		return;
	for (uint32_t i = 0; st->conns.base && i < st->conns.touched; i++) {
		struct tcp_conn *c = tcp_conn_at(st, i);

		if (!(c->flags & TCP_F_IN_TABLE))
			continue;
		if (c->state != TCP_TIME_WAIT || !(c->flags & TCP_F_DETACHED))
			tcp_rx_free(st, c);
		tcp_active_put(st, c);
	}
	tcp_account_fini(&st->account);
	base_pool_fini(&st->reasms);
	base_pool_fini(&st->rings);
	base_pool_fini(&st->actives);
	base_pool_fini(&st->conns);
	tcp_table_fini(&st->table);
	free(st);
}

const struct tcp_stats *tcp_stats_get(const struct tcp_stack *st)
{
	return st->stats;
}

void tcp_stats_place(struct tcp_stack *st, struct tcp_stats *to)
{
	memset(to, 0, sizeof(*to));
	to->connections = st->stats->connections;
	to->half_open = st->stats->half_open;
	to->in_time_wait = st->stats->in_time_wait;
	to->active = st->stats->active;
	to->reassemblies = st->stats->reassemblies;
	st->stats = to;
}
