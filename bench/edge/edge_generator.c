/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/edge/edge_generator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_mbuf.h>

#include "dataplane/tls/tls_world.h"

enum { CORE = 60 /* of its pools' names alone */, TIMERS = 256 };

/* ---- what is said ---- */

static void emit(void *ctx, const char *bytes, size_t len)
{
	struct generator_conn *c = ctx;

	if (tls_send(c->generator->tls.core, c->id, bytes, len) != (int64_t)len)
		c->generator->wrong = "the generator's connection takes no more";
}

static void keep(struct generator *g, const char *why, const uint8_t *plain, uint32_t len)
{
	if (g->wrong)
		return;
	g->wrong = why;
	snprintf(g->last, sizeof(g->last), "%.*s", (int)len, (const char *)plain);
}

static uint32_t on_data(void *user, uint64_t id, uint8_t *plain, uint32_t len)
{
	struct generator_conn *c = user;
	struct generator *g = c->generator;
	const char *why = "";
	int verdict;

	if (c->partner) {
		verdict = script_partner_take(&c->script, plain, len, emit, c, &why);
		g->done += verdict > 0;
	} else {
		verdict = script_pool_take(&c->in, plain, len, emit, c, &g->pooled, &why);
	}
	if (verdict < 0)
		keep(g, why, plain, len);
	return len;
}

static void on_ready(void *user, uint64_t id)
{
	struct generator_conn *c = user;

	c->up = true;
	c->generator->up += c->partner;
}

static void on_eof(void *user, uint64_t id)
{
	struct generator_conn *c = user;

	tls_close(c->generator->tls.core, id);
}

static void on_closed(void *user, uint64_t id, enum tls_end end)
{
	struct generator_conn *c = user;

	c->up = c->used = false;
	if (c->partner) {
		c->generator->lost++;
		keep(c->generator, "a partner's connection ended", (const uint8_t *)tls_end_info[end].name,
		     (uint32_t)strlen(tls_end_info[end].name));
	}
}

static const struct tls_ops ops = {.ready = on_ready, .data = on_data, .eof = on_eof, .closed = on_closed};

static void *on_accept(void *ctx, uint64_t id, const struct net_tuple *tuple)
{
	struct generator *g = ctx;

	for (unsigned i = 0; i < GENERATOR_POOL_CONNS; i++) {
		struct generator_conn *c = &g->pool[i];

		if (!c->used) {
			*c = (struct generator_conn){.generator = g, .id = id, .used = true};
			return c;
		}
	}
	return NULL;
}

void generator_begin(struct generator *g, unsigned i, enum script_kind kind)
{
	g->begun++;
	script_partner_begin(&g->partners[i].script, kind, emit, &g->partners[i]);
}

/* ---- the worker ---- */

static void app_burst(void *ctx, uint64_t now_ns)
{
	struct generator *g = ctx;

	tls_core_clock(g->tls.core, now_ns, time(NULL));
}

static void app_input(void *ctx, struct net_packet *packets, unsigned n, uint64_t now_ns)
{
	tcp_input(((struct generator *)ctx)->tcp.stack, packets, n, now_ns);
}

static bool app_error(void *ctx, const struct net_icmp_error *error, uint64_t now_ns)
{
	return tcp_icmp_error(((struct generator *)ctx)->tcp.stack, error, now_ns);
}

static unsigned app_turn(void *ctx, uint64_t now_ns)
{
	struct generator *g = ctx;
	unsigned done = tcp_timers(g->tcp.stack, now_ns, TIMERS);

	done += tls_turn(g->tls.core);
	return done + tcp_flush(g->tcp.stack, now_ns);
}

static const struct worker_app app = {.burst = app_burst, .turn = app_turn, .l4 = {app_input, app_error}};

void generator_turn(struct generator *g)
{
	uint64_t now_ns = base_clock_kernel();

	worker_turn(&g->worker, now_ns);
}

/* ---- set up ---- */

static struct tls_blob file(const char *dir, const char *name, const char *end)
{
	char path[320], *text = calloc(1, 8192);
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s.%s", dir, name, end);
	f = fopen(path, "r");
	n = f && text ? fread(text, 1, 8191, f) : 0;
	if (f)
		fclose(f);
	return (struct tls_blob){text, n};
}

int generator_world(struct generator *g, unsigned first, unsigned count)
{
	static struct tls_identity_spec ids[GENERATOR_WORLD + 1];
	struct tls_profile_spec profile = tls_profile_modern;
	struct tls_world_spec spec = {.identities = ids,
				      .n_identities = count + 1,
				      .profiles = &profile,
				      .n_profiles = 1,
				      .wall_s = time(NULL)};
	struct tls_world *world;
	char why[256], name[16];

	memset(ids, 0, sizeof(ids));
	profile.trust = file(g->dir, "ca", "pem");
	profile.revocation = TLS_REVOCATION_OFF;
	for (unsigned i = 0; i <= count; i++) {
		struct tls_pair pair;

		snprintf(name, sizeof(name), "%u", first + i - 1);
		pair = (struct tls_pair){
			file(g->dir, i ? name : "pool", "pem"), file(g->dir, i ? name : "pool", "key"), {0}};
		ids[i].name = strdup(name);
		ids[i].server[0] = ids[i].client[0] = pair;
	}
	world = tls_world_create(g->tls.core, &spec, why, sizeof(why));
	for (unsigned i = 0; i <= count; i++) {
		free((char *)(uintptr_t)ids[i].name);
		free((void *)(uintptr_t)ids[i].server[0].chain.bytes);
		free((void *)(uintptr_t)ids[i].server[0].key.bytes);
	}
	free((void *)(uintptr_t)profile.trust.bytes);
	if (!world) {
		fprintf(stderr, "edge_ring: %s\n", why);
		return -1;
	}
	tls_core_world(g->tls.core, world);
	while ((world = tls_core_retired(g->tls.core)))
		tls_world_destroy(world);
	return 0;
}

int generator_connect(struct generator *g, unsigned i, unsigned first)
{
	static const uint8_t from[4] = {198, 18, 1, 10}, to[4] = {198, 18, 1, 2};
	const struct net_tuple tuple = {
		.local = base_addr_v4(from), .remote = base_addr_v4(to), .remote_port = 5061};
	const struct tls_client_params p = {.identity = i - first + 1,
					    .sni = policy_name_of("sip.contoso.test")};
	struct generator_conn *c = &g->partners[i];

	c->generator = g;
	c->partner = true;
	script_partner_init(&c->script, i);
	return tls_tcp_connect(&g->tls, &tuple, &p, &ops, c, &c->id);
}

static int ports(struct generator *g, struct driver_pools *pools, struct net_shared_config *c)
{
	static const uint8_t addresses[GENERATOR_PORTS][4] = {{198, 18, 1, 10}, {198, 18, 2, 10}};
	char why[512] = "";

	for (unsigned i = 0; i < GENERATOR_PORTS; i++) {
		struct driver_port_config d = {
			.index = 8 + i, .workers = 1, .mac = {2, 0, 0, 0, 9, (uint8_t)i}, .has_mac = true};

		snprintf(d.name, sizeof(d.name), "gen%u", i);
		driver_devargs_parse(&d.device, "ring:", why, sizeof(why));
		if (driver_port_probe(&g->ports[i], &d, why, sizeof(why)) ||
		    driver_port_start(&g->ports[i], pools, NULL, NULL, why, sizeof(why))) {
			fprintf(stderr, "edge_ring: %s\n", why);
			return -1;
		}
		c->ports[i] = (struct net_port_config){.dpdk_port = g->ports[i].id,
						       .side = i ? NET_INTERNAL : NET_EXTERNAL,
						       .mtu = 1500,
						       .tx_queues = 1,
						       .n_addresses = 1,
						       .addresses = {{base_addr_v4(addresses[i]), 24}}};
		snprintf(c->ports[i].name, sizeof(c->ports[i].name), "gen%u", i);
		memcpy(c->ports[i].mac, g->ports[i].mac, 6);
		g->worker.queues[i] = (struct worker_queue){.device = g->ports[i].id, .port = (uint8_t)i};
	}
	return 0;
}

static int stack(struct generator *g)
{
	struct tls_core_config tls;
	struct worker *w = &g->worker;

	w->core = CORE;
	if (worker_tcp_setup_init(&g->setup, 1))
		return -1;
	g->setup.tx_mbufs = 8191;
	g->setup.config.keepalive_idle_ms = 7200000;
	if (worker_tcp_open(&g->tcp, w, &g->setup) || tls_arena_init(&g->arena))
		return -1;
	w->core = 0;
	tls_core_config_default(&tls);
	tls.sessions = g->n + GENERATOR_POOL_CONNS + 64;
	tls.prefix_handshakes = tls.open_handshakes = g->n;
	tls.handshake_steps = 64;
	g->tls.core = tls_core_create(&tls, &tls_tcp_wire, &g->tls, &g->arena, 11);
	g->tls.stack = g->tcp.stack;
	if (!g->tls.core)
		return -1;
	g->listener = (struct tls_tcp_listener){.tls = &g->tls, .ops = &ops, .accept = on_accept, .ctx = g};
	return tls_tcp_listen(&g->listener, NULL, 5061);
}

int generator_open(struct generator *g, struct driver_pools *pools, const char *dir, unsigned n)
{
	struct net_shared_config *c = calloc(1, sizeof(*c));
	const char *why = "no memory";
	struct worker *w = &g->worker;

	memset(g, 0, sizeof(*g));
	g->dir = dir;
	g->n = n;
	g->partners = calloc(n, sizeof(*g->partners));
	if (!c || !g->partners || ports(g, pools, c))
		return -1;
	c->n_cores = 1;
	c->n_ports = GENERATOR_PORTS;
	c->seed = 3;
	c->limits = (struct net_limits){UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
	g->shared = net_shared_create(c, &why);
	free(c);
	if (!g->shared) {
		fprintf(stderr, "edge_ring: %s\n", why);
		return -1;
	}
	w->shared = g->shared;
	w->app = &app;
	w->app_state = g;
	w->counters = g->counters;
	w->pool = driver_pool_get(pools, g->ports[0].socket);
	w->n_queues = GENERATOR_PORTS;
	if (stack(g)) {
		fprintf(stderr, "edge_ring: the generator has no TCP or TLS\n");
		return -1;
	}
	w->net = net_create(g->shared, 0, w->pool, &app.l4, g, NULL);
	return w->net ? 0 : -1;
}
