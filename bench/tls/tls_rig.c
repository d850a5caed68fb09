/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/tls/tls_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jemalloc/jemalloc.h>
#include <openssl/err.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "dataplane/tcp/header.h"
#include "dataplane/wire/checksum.h"
#include "tests/unit/tls/kit.h"

/* what every rig of this process is on: DPDK gives a port back only when the process ends */
static struct {
	struct bench *bench;
	const struct tls_world_spec *world;
	SSL_CTX *client, *anonymous;
	struct driver_pools pools;
	struct driver_port port;
	struct net_shared *shared;
	struct load_client *clients;
} base;

enum { CLIENTS = 131072 };

/* ---- the application: an echo ---- */

static void on_ready(void *user, uint64_t id)
{
	struct rig *r = user;

	r->ready++;
	r->last_id = id;
}

static uint32_t on_data(void *user, uint64_t id, uint8_t *plain, uint32_t len)
{
	struct rig *r = user;
	int64_t n = tls_send(r->tls.core, id, plain, len);

	r->echoed += n > 0 ? (uint64_t)n : 0;
	return n > 0 ? (uint32_t)n : 0;
}

static void on_closed(void *user, uint64_t id, enum tls_end end)
{
	((struct rig *)user)->closed++;
}

static const struct tls_ops ops = {.ready = on_ready, .data = on_data, .closed = on_closed};

static void *on_accept(void *ctx, uint64_t id, const struct net_tuple *tuple)
{
	return ctx;
}

/* ---- the worker ---- */

static void *app_open(void *setup, struct worker *w)
{
	return setup;
}

static void app_input(void *ctx, struct net_packet *packets, unsigned n, uint64_t now_ns)
{
	tcp_input(((struct rig *)ctx)->tcp.stack, packets, n, now_ns);
}

static bool app_error(void *ctx, const struct net_icmp_error *error, uint64_t now_ns)
{
	return tcp_icmp_error(((struct rig *)ctx)->tcp.stack, error, now_ns);
}

static unsigned app_turn(void *ctx, uint64_t now_ns)
{
	struct rig *r = ctx;
	unsigned done = tcp_timers(r->tcp.stack, now_ns, 256);

	done += tls_turn(r->tls.core);
	return done + tcp_flush(r->tcp.stack, now_ns);
}

static void app_close(void *ctx)
{
}

static const struct worker_app app = {
	.open = app_open, .turn = app_turn, .close = app_close, .l4 = {app_input, app_error}};

static int ticket_came(SSL *ssl, SSL_SESSION *session)
{
	struct rig *r = SSL_get_app_data(ssl);

	SSL_SESSION_free(r->ticket);
	r->ticket = session;
	return 1;
}

static void keep_tickets(SSL_CTX *c)
{
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
	SSL_CTX_sess_set_new_cb(c, ticket_came);
}

void rig_init(struct bench *b, const struct tls_world_spec *world, SSL_CTX *client, SSL_CTX *anonymous)
{
	static const uint8_t own[4] = {198, 18, 1, 2}, gateway[4] = {198, 18, 1, 1};
	struct net_shared_config *c = calloc(1, sizeof(*c));
	struct driver_port_config d = {.name = "bench", .workers = 1};
	char why[512] = "";
	const char *text = why;

	base.bench = b;
	base.world = world;
	base.client = client;
	base.anonymous = anonymous;
	keep_tickets(client);
	keep_tickets(anonymous);
	base.pools = (struct driver_pools){.mbufs = 16383, .data_room = 2048};
	driver_devargs_parse(&d.device, "ring:", why, sizeof(why));
	if (!c || driver_port_probe(&base.port, &d, why, sizeof(why)) ||
	    driver_port_start(&base.port, &base.pools, NULL, NULL, why, sizeof(why)))
		bench_wrong(b, "no ring port: %s", why);
	c->n_cores = c->n_ports = 1;
	c->seed = 1;
	c->limits = (struct net_limits){UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
	c->ports[0] = (struct net_port_config){.dpdk_port = base.port.id,
					       .name = "bench",
					       .mtu = 1500,
					       .tx_queues = 1,
					       .has_gateway4 = true,
					       .gateway4 = base_addr_v4(gateway),
					       .n_addresses = 1,
					       .addresses = {{base_addr_v4(own), 24}}};
	memcpy(c->ports[0].mac, base.port.mac, 6);
	base.shared = net_shared_create(c, &text);
	free(c);
	if (!base.shared)
		bench_wrong(b, "no net: %s", text);
	/* touched now, so that it is no part of what sessions weigh */
	base.clients = malloc(CLIENTS * sizeof(*base.clients));
	if (!base.clients)
		bench_wrong(b, "no memory");
	memset(base.clients, 1, CLIENTS * sizeof(*base.clients));
}

static void client_data(void *ctx, uint32_t i, const uint8_t *bytes, uint32_t len)
{
	struct rig *r = ctx;

	if (!r->ssl || i != r->talking)
		bench_wrong(r->bench, "bytes for a client that nobody plays");
	BIO_write(SSL_get_rbio(r->ssl), bytes, (int)len);
}

void rig_open(struct rig *r, uint32_t sessions, bool own, bool own_x25519)
{
	static const uint16_t ports[2] = {RIG_MUTUAL, RIG_SERVER_ONLY};
	struct tls_core_config config;
	struct tls_world *world;
	struct worker *w = &r->worker;
	char why[256];

	memset(r, 0, sizeof(*r));
	r->bench = base.bench;
	*w = (struct worker){.shared = base.shared,
			     .app = &app,
			     .app_state = r,
			     .counters = r->counters,
			     .pool = driver_pool_get(&base.pools, base.port.socket),
			     .n_queues = 1,
			     .queues = {{.device = base.port.id}}};
	base_clock_init(&w->clock);
	w->net = net_create(base.shared, 0, w->pool, &app.l4, r, NULL);
	worker_tcp_setup_init(&r->setup, 1);
	r->setup.config.connections = r->setup.config.prefix_connections = sessions + 64;
	r->setup.config.keepalive_idle_ms = 7200000;
	if (!w->net || worker_tcp_open(&r->tcp, w, &r->setup) || tls_arena_init(&r->arena))
		bench_wrong(r->bench, "no worker");
	tls_core_config_default(&config);
	config.sessions = sessions + 64;
	config.handshakes = own ? 1024 : sessions + 64;
	config.open_handshakes = config.prefix_handshakes = 1024;
	config.own_records = own;
	config.libcrypto_x25519 = !own_x25519;
	r->tls.stack = r->tcp.stack;
	r->tls.core = tls_core_create(&config, &tls_tcp_wire, &r->tls, &r->arena, 1);
	world = r->tls.core ? tls_world_create(r->tls.core, base.world, why, sizeof(why)) : NULL;
	if (!world)
		bench_wrong(r->bench, "no contexts: %s", r->tls.core ? why : "no core");
	tls_core_world(r->tls.core, world);
	for (unsigned i = 0; i < 2; i++) {
		r->listeners[i] = (struct tls_tcp_listener){
			.tls = &r->tls, .profile = i, .ops = &ops, .accept = on_accept, .ctx = r};
		tls_tcp_listen(&r->listeners[i], NULL, ports[i]);
	}
	r->load = (struct load){.to = driver_ring_to(&base.port, 0),
				.from = driver_ring_from(&base.port, 0),
				.pool = w->pool,
				.sum = wire_sum_pick(NULL),
				.box_ip = {198, 18, 1, 2},
				.clients = base.clients,
				.n_clients = CLIENTS,
				.data = client_data,
				.ctx = r};
	memcpy(r->load.box_mac, base.port.mac, 6);
}

void rig_close(struct rig *r)
{
	rig_forget(r);
	SSL_SESSION_free(r->ticket);
	tls_core_destroy(r->tls.core);
	worker_tcp_close(&r->tcp);
	net_destroy(r->worker.net);
	tls_arena_use(NULL);
	tls_arena_fini(&r->arena);
}

/* ---- turns ---- */

static uint64_t allocated(void)
{
	uint64_t n = 0;
	size_t len = sizeof(n);

	mallctl("thread.allocated", &n, &len, NULL, 0);
	return n;
}

/* what the client has to say goes onto the ring, in segments */
static bool client_speaks(struct rig *r)
{
	uint8_t bytes[LOAD_MSS];
	bool any = false;
	int n;

	while (r->ssl && (n = BIO_read(SSL_get_wbio(r->ssl), bytes, sizeof(bytes))) > 0) {
		load_send(&r->load, r->talking, TCP_ACK | TCP_PSH, bytes, (uint32_t)n);
		any = true;
	}
	load_flush(&r->load);
	return any;
}

/* turns until nothing happens any more */
static void settle(struct rig *r)
{
	for (unsigned quiet = 0; quiet < 2;) {
		uint64_t heap = 0, begin, end;
		unsigned work, took;

		tls_core_clock(r->tls.core, base_clock_at(&r->worker.clock, bench_tsc()), time(NULL));
		if (r->count_heap)
			heap = allocated();
		begin = bench_tsc();
		work = worker_turn(&r->worker, base_clock_at(&r->worker.clock, begin));
		end = bench_tsc();
		if (r->count_heap)
			r->heap += allocated() - heap;
		if (work)
			r->busy += end - begin;
		tls_arena_use(NULL);
		took = load_take(&r->load);
		load_flush(&r->load);
		quiet = work || took ? 0 : quiet + 1;
	}
	if (r->load.wrong)
		bench_wrong(r->bench, "the wire showed %llu wrong frames", (unsigned long long)r->load.wrong);
}

void rig_shake(struct rig *r, uint32_t i, uint16_t port, SSL_SESSION *resume)
{
	uint64_t ready = r->ready;
	uint8_t nothing;
	int done = 0;

	rig_forget(r);
	r->load.box_port = port;
	r->talking = i;
	r->load.clients[i] = (struct load_client){.seq = i * 7919};
	r->ssl = SSL_new(port == RIG_MUTUAL ? base.client : base.anonymous);
	SSL_set_app_data(r->ssl, r);
	SSL_set_bio(r->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_connect_state(r->ssl);
	if (resume)
		SSL_set_session(r->ssl, resume);
	load_send(&r->load, i, TCP_SYN, NULL, 0);
	load_flush(&r->load);
	settle(r);
	load_send(&r->load, i, TCP_ACK, NULL, 0);
	for (unsigned round = 0; round < 8 && !(done == 1 && r->ready != ready); round++) {
		ERR_clear_error();
		done = SSL_do_handshake(r->ssl);
		client_speaks(r);
		settle(r);
	}
	/* the ticket, and its acknowledgement */
	SSL_read(r->ssl, &nothing, 0);
	SSL_peek(r->ssl, &nothing, 1);
	load_send(&r->load, i, TCP_ACK, NULL, 0);
	load_flush(&r->load);
	settle(r);
	if (done != 1 || r->ready != ready + 1 || !tls_info_get(r->tls.core, r->last_id, &r->last))
		bench_wrong(r->bench, "handshake of client %u failed", i);
	if (r->last.resumed != (resume != NULL) || SSL_session_reused(r->ssl) != (resume != NULL))
		bench_wrong(r->bench, "not the handshake that was asked for");
}

void rig_forget(struct rig *r)
{
	if (!r->ssl)
		return;
	SSL_set_shutdown(r->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(r->ssl);
	r->ssl = NULL;
}

void rig_hang_up(struct rig *r)
{
	uint64_t closed = r->closed;

	load_send(&r->load, r->talking, TCP_RST | TCP_ACK, NULL, 0);
	load_flush(&r->load);
	settle(r);
	rig_forget(r);
	if (r->closed != closed + 1)
		bench_wrong(r->bench, "a session outlived its connection");
}

void rig_echo(struct rig *r, const void *bytes, int len)
{
	uint8_t back[16384];
	int n = 0;

	if (SSL_write(r->ssl, bytes, len) != len)
		bench_wrong(r->bench, "a client could not write");
	client_speaks(r);
	settle(r);
	while (n < len) {
		int got = SSL_read(r->ssl, back + n, len - n);

		if (got <= 0)
			break;
		n += got;
	}
	if (n != len || memcmp(back, bytes, (size_t)len))
		bench_wrong(r->bench, "not what was sent came back");
}
