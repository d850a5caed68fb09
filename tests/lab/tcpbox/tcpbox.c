/* SPDX-License-Identifier: BSD-3-Clause */
/* The dataplane with a few plain TCP services instead of SIP: what the lab's kernel sockets talk to.
 *   7001 sink    reads to the end, answers with SHA-256 and number of bytes, closes
 *   7002 source  reads "BYTES SEED\n", sends that many bytes of that stream, closes
 *   7003 call    reads "ADDRESS PORT source|sink BYTES SEED\n", does the same as a client, answers with
 * SHA-256 or the answer of the sink, closes 7004 echo    7005 hold: never consumes */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "config/schema/boot.h"
#include "dataplane/base/pool.h"
#include "dataplane/worker/box.h"
#include "dataplane/worker/worker_tcp.h"
#include "tests/lab/tcpbox/lab_stream.h"

enum role { ROLE_SINK, ROLE_SOURCE, ROLE_CALL, ROLE_ECHO, ROLE_HOLD, ROLE_OUT_SINK, ROLE_OUT_SOURCE, ROLES };

struct app;

struct service {
	struct app *app;
	enum role role;
};

struct app {
	struct worker_tcp tcp;
	struct base_pool talks; /* a worker may not call malloc: its filter kills for what that may do */
	struct service services[ROLES];
};

/* one connection */
struct talk {
	struct app *app;
	enum role role;
	uint64_t id;
	struct talk *other; /* the connection that asked for this one, or the one that it asked for */
	struct sha256 digest;
	struct lab_stream bytes;
	uint64_t to_send;
	bool started, done, eof;
	char line[128];
	unsigned line_len;
};

static struct talk *talk_new(struct app *a)
{
	uint32_t i = base_pool_get(&a->talks);
	struct talk *t = i == BASE_POOL_NONE ? NULL : base_pool_at(&a->talks, i);

	if (t) {
		memset(t, 0, sizeof(*t));
		t->app = a;
	}
	return t;
}

static void talk_free(struct talk *t)
{
	struct app *a = t->app;

	base_pool_put(&a->talks, base_pool_index(&a->talks, t));
}

static void send_text(struct talk *t, const char *text)
{
	struct rte_mbuf *m = tcp_alloc(t->app->tcp.stack);
	size_t n = strlen(text);

	if (!m)
		return;
	memcpy(rte_pktmbuf_append(m, (uint16_t)n), text, n);
	if (tcp_send(t->app->tcp.stack, t->id, m))
		rte_pktmbuf_free(m);
}

static void pump(struct talk *t)
{
	struct tcp_stack *st = t->app->tcp.stack;

	while (t->to_send) {
		uint16_t mss = tcp_mss(st, t->id);
		struct rte_mbuf *m = tcp_alloc(st);
		uint64_t n = t->to_send < mss ? t->to_send : mss;
		struct lab_stream keep = t->bytes;

		if (!m) {
			tcp_deadline(st, t->id, base_clock_kernel() + 1000000);
			return;
		}
		lab_stream_fill(&t->bytes, rte_pktmbuf_append(m, (uint16_t)n), n);
		if (tcp_send(st, t->id, m)) {
			rte_pktmbuf_free(m);
			t->bytes = keep;
			return;
		}
		t->to_send -= n;
	}
	if (!t->done) {
		t->done = true;
		tcp_shutdown(st, t->id);
	}
}

static const struct tcp_ops ops;

static void call_out(struct talk *t, const char *address, unsigned port, const char *what, uint64_t bytes,
		     uint64_t seed)
{
	struct net_tuple f = {.remote_port = (uint16_t)port};
	struct talk *o = talk_new(t->app);
	uint8_t raw[16];

	if (inet_pton(AF_INET, address, raw) == 1)
		f.remote = base_addr_v4(raw);
	else if (inet_pton(AF_INET6, address, raw) == 1)
		f.remote = base_addr_v6(raw);
	if (!o || net_source_for(t->app->tcp.worker->shared, NET_EXTERNAL, &f.remote, &f.local)) {
		if (o)
			talk_free(o);
		send_text(t, "no route\n");
		tcp_close(t->app->tcp.stack, t->id);
		return;
	}
	*o = (struct talk){
		.app = t->app, .role = strcmp(what, "sink") ? ROLE_OUT_SOURCE : ROLE_OUT_SINK, .other = t};
	sha256_init(&o->digest);
	lab_stream_init(&o->bytes, seed);
	o->to_send = bytes;
	snprintf(o->line, sizeof(o->line), "%llu %llu\n", (unsigned long long)bytes,
		 (unsigned long long)seed);
	if (tcp_connect(t->app->tcp.stack, &f, &ops, o, &o->id)) {
		talk_free(o);
		send_text(t, "no connection\n");
		tcp_close(t->app->tcp.stack, t->id);
		return;
	}
	t->other = o;
}

static void obey(struct talk *t)
{
	char address[64], what[16];
	unsigned port;
	unsigned long long bytes, seed;

	t->started = true;
	if (t->role == ROLE_SOURCE && sscanf(t->line, "%llu %llu", &bytes, &seed) == 2) {
		lab_stream_init(&t->bytes, seed);
		t->to_send = bytes;
		pump(t);
	} else if (t->role == ROLE_CALL &&
		   sscanf(t->line, "%63s %u %15s %llu %llu", address, &port, what, &bytes, &seed) == 5) {
		call_out(t, address, port, what, bytes, seed);
	} else {
		tcp_abort(t->app->tcp.stack, t->id);
	}
}

static void take_line(struct talk *t, const uint8_t *p, uint32_t n)
{
	for (; n && !t->started; n--, p++) {
		if (*p == '\n')
			obey(t);
		else if (t->line_len + 1 < sizeof(t->line))
			t->line[t->line_len++] = (char)*p;
	}
}

/* How many bytes went back; fewer than n: the stack has no room, and `writable` will come. */
static uint32_t echo(struct talk *t, const uint8_t *p, uint32_t n)
{
	uint32_t done = 0;

	while (done < n) {
		struct rte_mbuf *m = tcp_alloc(t->app->tcp.stack);
		uint32_t k = n - done < 1400 ? n - done : 1400;

		if (!m)
			break;
		memcpy(rte_pktmbuf_append(m, (uint16_t)k), p + done, k);
		if (tcp_send(t->app->tcp.stack, t->id, m)) {
			rte_pktmbuf_free(m);
			break;
		}
		done += k;
	}
	return done;
}

/* Echoes what waits and consumes just that; closes behind the last byte once the peer has ended. */
static void echo_waiting(struct talk *t)
{
	struct tcp_stack *st = t->app->tcp.stack;
	struct tcp_view v;

	while (tcp_peek(st, t->id, &v, 1)) {
		uint32_t done = echo(t, v.data, v.len);

		tcp_consume(st, t->id, done);
		if (done < v.len)
			return;
	}
	if (t->eof)
		tcp_close(st, t->id);
}

static void on_readable(void *user, uint64_t id)
{
	struct talk *t = user;
	struct tcp_stack *st = t->app->tcp.stack;
	struct tcp_view v[16];
	unsigned n;

	if (t->role == ROLE_HOLD)
		return;
	if (t->role == ROLE_ECHO) {
		echo_waiting(t);
		return;
	}
	while ((n = tcp_peek(st, id, v, 16))) {
		uint32_t took = 0;

		for (unsigned i = 0; i < n; i++) {
			took += v[i].len;
			if (t->role == ROLE_SINK || t->role == ROLE_OUT_SOURCE) {
				sha256_add(&t->digest, v[i].data, v[i].len);
			} else if (t->role == ROLE_OUT_SINK) {
				for (uint32_t k = 0; k < v[i].len && t->line_len + 1 < sizeof(t->line); k++)
					t->line[t->line_len++] = (char)v[i].data[k];
			} else {
				take_line(t, v[i].data, v[i].len);
			}
		}
		tcp_consume(st, id, took);
	}
}

static void on_eof(void *user, uint64_t id)
{
	struct talk *t = user;
	struct tcp_stack *st = t->app->tcp.stack;
	char text[128], hex[65];

	switch (t->role) {
	case ROLE_SINK:
		snprintf(text, sizeof(text), "%llu\n", (unsigned long long)t->digest.n);
		lab_stream_hex(&t->digest, hex);
		send_text(t, hex);
		send_text(t, " ");
		send_text(t, text);
		tcp_close(st, id);
		break;
	case ROLE_OUT_SOURCE:
		lab_stream_hex(&t->digest, t->line);
		strcat(t->line, "\n");
		/* fall through */
	case ROLE_OUT_SINK:
		t->line[t->line_len < sizeof(t->line) ? (t->role == ROLE_OUT_SINK ? t->line_len : 65) : 127] =
			0;
		if (t->other) {
			t->other->other = NULL;
			send_text(t->other, t->line);
			tcp_close(st, t->other->id);
			t->other = NULL;
		}
		tcp_close(st, id);
		break;
	case ROLE_ECHO:
		t->eof = true;
		echo_waiting(t);
		break;
	case ROLE_HOLD:
		tcp_close(st, id);
		break;
	default:
		break; /* they close when they have sent */
	}
}

static void on_writable(void *user, uint64_t id)
{
	struct talk *t = user;

	(void)id;
	if (t->role == ROLE_SOURCE || t->role == ROLE_OUT_SINK)
		pump(t);
	else if (t->role == ROLE_ECHO)
		echo_waiting(t);
}

static void on_connected(void *user, uint64_t id)
{
	struct talk *t = user;

	(void)id;
	if (t->role == ROLE_OUT_SINK) {
		t->line_len = 0;
		pump(t);
	} else {
		send_text(t, t->line);
	}
}

static void on_closed(void *user, uint64_t id, enum tcp_end end)
{
	static const char *const names[TCP_ENDS] = {"closed",	 "reset",   "refused",
						    "timeout",	 "stalled", "unreachable",
						    "data-lost", "aborted", "limit"};
	struct talk *t = user;

	(void)id;
	if (t->other) {
		t->other->other = NULL;
		if (t->role >= ROLE_OUT_SINK) {
			char text[64];

			snprintf(text, sizeof(text), "failed: %s\n", names[end]);
			send_text(t->other, text);
			tcp_close(t->app->tcp.stack, t->other->id);
		}
	}
	talk_free(t);
}

static void *on_accept(void *ctx, uint64_t id, const struct net_tuple *tuple)
{
	struct service *s = ctx;
	struct talk *t = talk_new(s->app);

	(void)tuple;
	if (!t)
		return NULL;
	t->app = s->app;
	t->role = s->role;
	t->id = id;
	sha256_init(&t->digest);
	return t;
}

static const struct tcp_ops ops = {.accept = on_accept,
				   .connected = on_connected,
				   .readable = on_readable,
				   .writable = on_writable,
				   .eof = on_eof,
				   .deadline = on_writable,
				   .closed = on_closed};

/* ---- the worker's side ---- */

static void *app_open(void *setup, struct worker *w)
{
	struct app *a = calloc(1, sizeof(*a));
	int rc;

	if (!a)
		return NULL;
	rc = base_pool_init(&a->talks, 65536, sizeof(struct talk), 4);
	if (!rc)
		rc = worker_tcp_open(&a->tcp, w, setup);
	for (unsigned i = ROLE_SINK; !rc && i <= ROLE_HOLD; i++) {
		a->services[i] = (struct service){a, (enum role)i};
		rc = tcp_listen(a->tcp.stack, NULL, (uint16_t)(7001 + i), &ops, &a->services[i]);
	}
	if (rc) {
		free(a);
		errno = -rc;
		return NULL;
	}
	return a;
}

static void app_input(void *ctx, struct net_packet *packets, unsigned n, uint64_t now_ns)
{
	struct app *a = ctx;

	tcp_input(a->tcp.stack, packets, n, now_ns);
}

static bool app_icmp_error(void *ctx, const struct net_icmp_error *error, uint64_t now_ns)
{
	struct app *a = ctx;

	return tcp_icmp_error(a->tcp.stack, error, now_ns);
}

static unsigned app_turn(void *ctx, uint64_t now_ns)
{
	struct app *a = ctx;

	return worker_tcp_turn(&a->tcp, now_ns);
}

static void app_close(void *ctx)
{
	struct app *a = ctx;

	worker_tcp_close(&a->tcp);
	base_pool_fini(&a->talks);
	free(a);
}

static uint32_t number(const char *name, uint32_t otherwise)
{
	const char *v = getenv(name);

	return v ? (uint32_t)strtoul(v, NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
	static const struct worker_app app = {
		.open = app_open, .turn = app_turn, .close = app_close, .l4 = {app_input, app_icmp_error}};
	static struct worker_tcp_setup setup;
	static struct boot_config config;
	static struct box box;
	sigset_t set;
	int code = BOX_EXIT_FAILED;

	if (argc != 3 || strcmp(argv[1], "--config") || boot_load(&config, argv[2]))
		return BOX_EXIT_FAILED;
	if (worker_tcp_setup_init(&setup, config.workers))
		return BOX_EXIT_FAILED;
	setup.config.half_open = number("TCPBOX_HALF_OPEN", setup.config.half_open);
	setup.config.connections = number("TCPBOX_CONNECTIONS", setup.config.connections);
	setup.config.prefix_connections = number("TCPBOX_PREFIX_CONNECTIONS", setup.config.connections);
	setup.config.held_timeout_ms = number("TCPBOX_HELD_MS", setup.config.held_timeout_ms);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (box_open(&box, &config, &app, &setup) == 0)
		code = box_run(&box);
	box_close(&box);
	return code;
}
