/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/proxy/client_half.h"
#include "dataplane/proxy/next_hop.h"
#include "dataplane/proxy/proxy_conn.h"
#include "dataplane/proxy/proxy_limit.h"
#include "dataplane/proxy/proxy_mail.h"
#include "dataplane/proxy/proxy_self.h"
#include "dataplane/proxy/proxy_sweep.h"
#include "dataplane/proxy/proxy_tables.h"
#include "dataplane/proxy/server_half.h"

void proxy_begin(struct proxy *p, uint64_t now_ns, uint64_t wall_ns, const struct policy_view *view)
{
	p->now_ns = now_ns;
	p->now_ms = (uint32_t)(now_ns / 1000000);
	p->wall_ns = wall_ns;
	p->wall_s = (int64_t)(wall_ns / UINT64_C(1000000000));
	p->view = view;
	p->candidate = NULL;
	if (!p->started) {
		p->started = true;
		wheel_init(&p->conn_wheel, &proxy_conn_at(p, 0)->timer, p->conn_pool.stride, p->now_ms);
		wheel_init(&p->server_wheel, &server_at(p, 0)->timer, p->server_pool.stride, p->now_ms);
		wheel_init(&p->client_wheel, &client_at(p, 0)->timer, p->client_pool.stride, p->now_ms);
	}
	proxy_self_refresh(p);
}

unsigned proxy_turn(struct proxy *p)
{
	unsigned n = proxy_mail_turn(p) + proxy_conn_turn(p);
	uint32_t i;

	if ((int32_t)(p->now_ms - p->second_ms) >= 0) {
		p->second_ms = p->now_ms + 1000;
		proxy_limit_tick(p);
		proxy_sweep_second(p);
		proxy_alive_second(p);
	}
	next_hop_look(p);
	proxy_sweep_turn(p);
	proxy_tables_turn(p);

	while ((i = wheel_pop(&p->client_wheel, p->now_ms)) != WHEEL_NONE) {
		client_half_timer(p, i);
		n++;
	}
	while ((i = wheel_pop(&p->conn_wheel, p->now_ms)) != WHEEL_NONE) {
		proxy_conn_timer(p, i);
		n++;
	}
	/* last: what failed above is tried elsewhere in this turn */
	while ((i = wheel_pop(&p->server_wheel, p->now_ms)) != WHEEL_NONE) {
		server_half_timer(p, i);
		n++;
	}
	return n;
}

void proxy_end(struct proxy *p)
{
	p->view = NULL;
	p->candidate = NULL;
}

const struct proxy_stats *proxy_stats_get(struct proxy *p)
{
	p->stats.buffers = p->bufs.used;
	return &p->stats;
}
