/* SPDX-License-Identifier: BSD-3-Clause */
/* The dataplane with an echo over TLS instead of SIP: what the lab's openssl, GnuTLS and stunnel talk to.
 *   5061 echo, profile modern, client certificate mandatory    5062 the same, profile compat
 *   5063 echo, profile modern, clients may be anonymous        5064 source: 1 MB, then close_notify
 * A line "DIAL ADDRESS PORT [compat]" on an echo port makes the box connect there as a client, say "ping" and
 * answer with the first data that comes back, or with why not. Certificates: $TLSBOX_CA/{ca.crt,…}; see main.
 * $TLSBOX_OWN=0 keeps libssl's record path. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "config/schema/boot.h"
#include "dataplane/base/pool.h"
#include "dataplane/tls/tls_tcp.h"
#include "dataplane/tls/tls_world.h"
#include "dataplane/worker/box.h"
#include "dataplane/worker/worker_tcp.h"

enum { PROFILE_MODERN, PROFILE_COMPAT, PROFILE_ANONYMOUS, PROFILES };
enum { SOURCE_BYTES = 1000000 };

struct setup {
	struct worker_tcp_setup tcp;
	struct tls_world_spec world;
	struct tls_ticket_keys keys;
	bool own;
};

struct app;

struct service {
	struct tls_tcp_listener listener;
	struct app *app;
	bool source;
};

struct app {
	struct worker_tcp tcp;
	struct tls_tcp tls;
	struct tls_arena arena;
	struct base_pool talks;
	struct service services[4];
};

struct talk {
	struct app *app;
	uint64_t id;
	bool source, caller, answered;
	uint64_t asker; /* session that asked for this call */
	uint32_t to_send;
	uint32_t pending, sent; /* echo that did not fit */
	uint8_t buffer[4096];
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

static void reply(struct app *a, uint64_t id, const char *text)
{
	tls_send(a->tls.core, id, text, strlen(text));
}

static const struct tls_ops ops;

static void call(struct talk *t, const char *line)
{
	struct app *a = t->app;
	struct net_tuple f = {0};
	struct tls_client_params p = {0};
	char address[64], how[16] = "";
	unsigned port;
	struct talk *o;
	uint8_t raw[16];
	int err = -EINVAL;

	if (sscanf(line, "DIAL %63s %u %15s", address, &port, how) < 2)
		return;
	if (inet_pton(AF_INET, address, raw) == 1)
		f.remote = base_addr_v4(raw);
	else if (inet_pton(AF_INET6, address, raw) == 1)
		f.remote = base_addr_v6(raw);
	f.remote_port = (uint16_t)port;
	p.profile = strcmp(how, "compat") ? PROFILE_MODERN : PROFILE_COMPAT;
	p.sni = p.expect = policy_name_of("sip.fabrikam.test");
	o = talk_new(a);
	if (o && net_source_for(a->tcp.worker->shared, NET_EXTERNAL, &f.remote, &f.local) == 0) {
		o->caller = true;
		o->asker = t->id;
		err = tls_tcp_connect(&a->tls, &f, &p, &ops, o, &o->id);
	}
	if (err) {
		reply(a, t->id, "no connection\n");
		if (o)
			base_pool_put(&a->talks, base_pool_index(&a->talks, o));
	}
}

static void pump(struct talk *t)
{
	static const char block[4000];

	while (t->to_send) {
		uint32_t n = t->to_send < sizeof(block) ? t->to_send : (uint32_t)sizeof(block);
		int64_t sent = tls_send(t->app->tls.core, t->id, block, n);

		if (sent <= 0)
			return;
		t->to_send -= (uint32_t)sent;
		if (t->to_send == 0)
			tls_close(t->app->tls.core, t->id);
	}
}

static void on_ready(void *user, uint64_t id)
{
	struct talk *t = user;

	if (t->caller)
		reply(t->app, id, "ping\n");
	if (t->source) {
		t->to_send = SOURCE_BYTES;
		pump(t);
	}
}

static uint32_t on_data(void *user, uint64_t id, uint8_t *plain, uint32_t len)
{
	struct talk *t = user;
	struct tls_info info;
	char line[512];
	int64_t sent;

	if (t->caller) {
		if (t->answered)
			return len;
		t->answered = true;
		tls_info_get(t->app->tls.core, id, &info);
		snprintf(line, sizeof(line), "answer %.*s suite %s resumed %d\n", len < 200 ? (int)len : 200,
			 (const char *)plain, info.suite_name, info.resumed);
		reply(t->app, t->asker, line);
		tls_close(t->app->tls.core, id);
		return len;
	}
	if (len > 5 && len < 128 && memcmp(plain, "DIAL ", 5) == 0) {
		snprintf(line, sizeof(line), "%.*s", (int)len, (const char *)plain);
		call(t, line);
		return len;
	}
	sent = tls_send(t->app->tls.core, id, plain, len);
	return sent > 0 ? (uint32_t)sent : 0;
}

static void on_writable(void *user, uint64_t id)
{
	struct talk *t = user;

	pump(t);
	tls_resume(t->app->tls.core, id);
}

static void on_eof(void *user, uint64_t id)
{
	struct talk *t = user;

	tls_close(t->app->tls.core, id);
}

static void on_closed(void *user, uint64_t id, enum tls_end end)
{
	struct talk *t = user;
	struct app *a = t->app;
	struct tls_info info;
	char line[160];

	if (t->caller && !t->answered) {
		tls_info_get(a->tls.core, id, &info);
		snprintf(line, sizeof(line), "failed %s verdict %s alert %u\n", tls_end_info[end].name,
			 tls_verdict_info[info.verdict].name, info.alert);
		reply(a, t->asker, line);
	}
	base_pool_put(&a->talks, base_pool_index(&a->talks, t));
}

static const struct tls_ops ops = {
	.ready = on_ready, .data = on_data, .writable = on_writable, .eof = on_eof, .closed = on_closed};

static void *on_accept(void *ctx, uint64_t id, const struct net_tuple *tuple)
{
	struct service *s = ctx;
	struct talk *t = talk_new(s->app);

	if (t) {
		t->id = id;
		t->source = s->source;
	}
	return t;
}

/* ---- the worker's side ---- */

static int app_begin_tls(struct app *a, struct worker *w, const struct setup *setup)
{
	static const struct {
		uint16_t port;
		uint8_t profile;
		bool source;
	} ports[4] = {{5061, PROFILE_MODERN, false},
		      {5062, PROFILE_COMPAT, false},
		      {5063, PROFILE_ANONYMOUS, false},
		      {5064, PROFILE_ANONYMOUS, true}};
	struct tls_core_config config;
	struct tls_world *world;
	char why[256];
	uint64_t seed;
	int err;

	err = tls_arena_init(&a->arena);
	if (err)
		return err;
	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		return -EIO;
	tls_core_config_default(&config);
	config.sessions = 20000;
	config.prefix_handshakes = config.open_handshakes;
	config.own_records = setup->own;
	a->tls.core = tls_core_create(&config, &tls_tcp_wire, &a->tls, &a->arena, seed);
	if (!a->tls.core)
		return -errno;
	a->tls.stack = a->tcp.stack;
	world = tls_world_create(a->tls.core, &setup->world, why, sizeof(why));
	if (!world) {
		fprintf(stderr, "error: tlsbox: %s\n", why);
		return -EINVAL;
	}
	tls_core_world(a->tls.core, world);
	tls_core_ticket_keys(a->tls.core, &setup->keys);
	for (unsigned i = 0; i < 4 && !err; i++) {
		struct service *s = &a->services[i];

		s->app = a;
		s->source = ports[i].source;
		s->listener = (struct tls_tcp_listener){.tls = &a->tls,
							.profile = ports[i].profile,
							.ops = &ops,
							.accept = on_accept,
							.ctx = s};
		err = tls_tcp_listen(&s->listener, NULL, ports[i].port);
	}
	return err;
}

static void app_close(void *ctx)
{
	struct app *a = ctx;

	tls_core_destroy(a->tls.core);
	worker_tcp_close(&a->tcp);
	base_pool_fini(&a->talks);
	free(a);
}

static void *app_open(void *ctx, struct worker *w)
{
	const struct setup *setup = ctx;
	struct app *a = calloc(1, sizeof(*a));
	int rc;

	if (!a)
		return NULL;
	rc = base_pool_init(&a->talks, 20000, sizeof(struct talk), 4);
	if (!rc)
		rc = worker_tcp_open(&a->tcp, w, &setup->tcp);
	if (!rc)
		rc = app_begin_tls(a, w, setup);
	if (rc) {
		errno = -rc;
		return NULL;
	}
	return a;
}

static void app_input(void *ctx, struct net_packet *packets, unsigned n, uint64_t now_ns)
{
	struct app *a = ctx;

	tls_core_clock(a->tls.core, now_ns, time(NULL));
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
	unsigned done;

	tls_core_clock(a->tls.core, now_ns, time(NULL));
	done = tcp_timers(a->tcp.stack, now_ns, 256);
	done += tls_turn(a->tls.core);
	return done + tcp_flush(a->tcp.stack, now_ns);
}

/* ---- certificates ---- */

static struct tls_blob file(const char *dir, const char *name)
{
	char path[512];
	char *bytes = calloc(1, 65536);
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	if (!f || !bytes) {
		fprintf(stderr, "error: tlsbox: %s cannot be read\n", path);
		exit(1);
	}
	bytes[fread(bytes, 1, 65535, f)] = 0;
	fclose(f);
	return (struct tls_blob){bytes, strlen(bytes)};
}

int main(int argc, char **argv)
{
	static const struct worker_app app = {
		.open = app_open, .turn = app_turn, .close = app_close, .l4 = {app_input, app_icmp_error}};
	static struct tls_identity_spec identity;
	static struct tls_profile_spec profiles[PROFILES];
	static struct setup setup;
	static struct boot_config config;
	static struct box box;
	const char *dir = getenv("TLSBOX_CA"), *own = getenv("TLSBOX_OWN");
	sigset_t set;
	int code = BOX_EXIT_FAILED;

	if (tls_memory_init() || argc != 3 || strcmp(argv[1], "--config") || !dir ||
	    boot_load(&config, argv[2]))
		return BOX_EXIT_FAILED;
	if (worker_tcp_setup_init(&setup.tcp, config.workers) ||
	    getrandom(&setup.keys.current, sizeof(setup.keys.current), 0) < 0)
		return BOX_EXIT_FAILED;
	setup.own = !own || strcmp(own, "0");
	identity = (struct tls_identity_spec){
		.name = "edge",
		.server = {{file(dir, "us.pem"), file(dir, "us.key"), {0}},
			   {file(dir, "us-rsa.pem"), file(dir, "us-rsa.key"), {0}}},
		.client = {{file(dir, "us.pem"), file(dir, "us.key"), {0}},
			   {file(dir, "us-rsa.pem"), file(dir, "us-rsa.key"), {0}}},
	};
	profiles[PROFILE_MODERN] = profiles[PROFILE_ANONYMOUS] = tls_profile_modern;
	profiles[PROFILE_ANONYMOUS].name = "anonymous";
	profiles[PROFILE_ANONYMOUS].anonymous = true;
	profiles[PROFILE_COMPAT] = tls_profile_compat;
	for (unsigned i = 0; i < PROFILES; i++)
		profiles[i].trust = file(dir, "ca.crt");
	setup.world = (struct tls_world_spec){.identities = &identity,
					      .n_identities = 1,
					      .profiles = profiles,
					      .n_profiles = PROFILES,
					      .wall_s = time(NULL)};
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
