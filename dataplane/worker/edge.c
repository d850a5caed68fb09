/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/edge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "config/policy/fact.h"
#include "dataplane/worker/box.h"
#include "dataplane/base/log.h"
#include "dataplane/worker/edge_link.h"
#include "dataplane/worker/edge_memory.h"
#include "dataplane/worker/moved_file.h"

enum {
	STATS_NS = 10000000,
	SECOND_NS = 1000000000,
	TIMERS = 256,
	SESSIONS_A_MIB = 512, /* of memory: what is taken is taken as it is used */
	SESSIONS_MAX = 1 << 20,
	CACHED_KEYS = 16384, /* 1 kB each, two of a busy connection; few sets then have more than they hold */
};

/* ---- the worker's turn ---- */

static void take_policy(struct edge *e, struct edge_policy *next)
{
	if (e->reader)
		policy_reader_sleep(e->reader);
	e->policy = next;
	e->reader = &next->readers[e->worker->core];
	e->view = policy_reader_wake(e->reader);
	e->counters[EDGE_COUNTER_policies]++;
	/* release: nothing of the one before is looked at any more */
	atomic_store_explicit(&e->mail->policy_used, next, memory_order_release);
}

static void bind_rings(struct edge *e, struct edge_exchange *next)
{
	ring_cold_producer(&e->setup->rings, &e->questions, e->worker->core, false, next);
	ring_cold_producer(&e->setup->rings, &e->events, e->worker->core, true, next);
	e->exchange = next;
	/* release: the places in the one before are not looked at any more */
	atomic_store_explicit(&e->mail->exchange_used, next, memory_order_release);
}

static void take_config(struct edge *e)
{
	struct edge_config *next, *before = e->config;
	struct proxy_keys keys;

	/* there is room for what is given back */
	if (atomic_load_explicit(&e->mail->returned, memory_order_relaxed))
		return;
	/* acquire: it is complete */
	next = atomic_exchange_explicit(&e->mail->offered, NULL, memory_order_acquire);
	if (!next)
		return;
	tls_core_world(e->tls.core, next->world);
	next->world = NULL;
	if (next->has_tickets)
		tls_core_ticket_keys(e->tls.core, &next->tickets);
	e->config = next;
	memcpy(keys.route, next->route, sizeof(keys.route));
	memcpy(keys.branch, e->setup->branch_key, sizeof(keys.branch));
	proxy_keys_set(e->proxy, &keys);
	explicit_bzero(&keys, sizeof(keys));
	edge_listen_follow(e);
	e->sweep_at = 0;
	e->counters[EDGE_COUNTER_configs]++;
	/* release: not looked at any more */
	atomic_store_explicit(&e->mail->returned, before, memory_order_release);
}

/* Between two turns. A command that is not known is of a newer control: nothing to be done. */
static void take_orders(struct edge *e)
{
	/* acquire: what is in them */
	uint32_t in = atomic_load_explicit(&e->mail->orders_in, memory_order_acquire);
	uint32_t out = atomic_load_explicit(&e->mail->orders_out, memory_order_relaxed);

	for (; out != in; out++) {
		const struct exchange_command *c = &e->mail->orders[out % EDGE_ORDERS];

		if (c->verb == EXCHANGE_VERB_WATCH_RESET)
			proxy_watch_reset(e->proxy, c->key);
	}
	/* release: they may be written over */
	atomic_store_explicit(&e->mail->orders_out, out, memory_order_release);
}

static void take_probe(struct edge *e)
{
	/* acquire: what is in it */
	uint32_t in = atomic_load_explicit(&e->mail->probes_in, memory_order_acquire);
	struct exchange_probe asked = e->mail->probe;

	/* release: it may be written over */
	atomic_store_explicit(&e->mail->probes_out, in, memory_order_release);
	edge_probe_begin(e, &asked);
}

static void take_keylog(struct edge *e, struct tls_keylog *next)
{
	tls_core_keylog(e->tls.core, next);
	e->keylog = next;
	/* release: nothing is written into the one before any more */
	atomic_store_explicit(&e->mail->keylog_used, next, memory_order_release);
}

static int64_t wall_s(const struct edge *e)
{
	return (int64_t)(e->wall_ns / SECOND_NS);
}

static void clock_set(struct edge *e, uint64_t now_ns)
{
	if (now_ns >= e->wall_sync_ns) {
		struct timespec t;

		clock_gettime(CLOCK_REALTIME, &t);
		e->wall_ns = (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
		e->wall_sync_ns = now_ns + SECOND_NS;
	} else {
		e->wall_ns += now_ns - e->now_ns;
	}
	e->now_ns = now_ns;
	tls_core_clock(e->tls.core, now_ns, wall_s(e));
}

static void edge_burst(void *app, uint64_t now_ns)
{
	struct edge *e = app;
	/* acquire: what is behind them is set up */
	struct edge_policy *policy = atomic_load_explicit(&e->mail->policy, memory_order_acquire);
	struct edge_exchange *exchange = atomic_load_explicit(&e->mail->exchange, memory_order_acquire);
	struct tls_keylog *keylog = atomic_load_explicit(&e->mail->keylog, memory_order_acquire);

	clock_set(e, now_ns);
	if (policy != e->policy)
		take_policy(e, policy);
	else if (e->reader)
		e->view = policy_reader_burst(e->reader);
	if (exchange != e->exchange)
		bind_rings(e, exchange);
	if (keylog != e->keylog)
		take_keylog(e, keylog);
	if (atomic_load_explicit(&e->mail->offered, memory_order_relaxed))
		take_config(e);
	if (atomic_load_explicit(&e->mail->orders_in, memory_order_relaxed) !=
	    atomic_load_explicit(&e->mail->orders_out, memory_order_relaxed))
		take_orders(e);
	if (atomic_load_explicit(&e->mail->probes_in, memory_order_relaxed) !=
	    atomic_load_explicit(&e->mail->probes_out, memory_order_relaxed))
		take_probe(e);
	proxy_begin(e->proxy, now_ns, e->wall_ns, e->view);
	if (e->view)
		proxy_shadow(e->proxy, policy_reader_shadow(e->reader));
}

static void edge_sleep(void *app)
{
	struct edge *e = app;

	e->view = NULL;
	if (e->reader)
		policy_reader_sleep(e->reader);
}

static void edge_wake(void *app)
{
	struct edge *e = app;

	if (e->reader)
		e->view = policy_reader_wake(e->reader);
}

static void count(struct edge *e)
{
	const struct tls_arena *a = &e->arena;
	uint64_t *to = e->worker->tls_stats;
	uint32_t served;

	e->stats_ns = e->now_ns + STATS_NS;
	if (!atomic_load_explicit(&e->mail->retired, memory_order_relaxed))
		/* release: no session of this core needs it any more */
		atomic_store_explicit(&e->mail->retired, tls_core_retired(e->tls.core), memory_order_release);
	/* acquire: what was offered for it is seen, and if it is no longer there it was taken */
	served = atomic_load_explicit(&e->mail->served, memory_order_acquire);
	if (!atomic_load_explicit(&e->mail->offered, memory_order_relaxed))
		e->counters[EDGE_COUNTER_served] = served;
	if (e->reader) {
		e->counters[EDGE_COUNTER_generation] = e->view ? e->view->generation : 0;
		e->counters[EDGE_COUNTER_damaged] = e->reader->damaged;
	}
	if (e->worker->proxy_stats)
		memcpy(e->worker->proxy_stats, proxy_stats_get(e->proxy), sizeof(struct proxy_stats));
	if (!to)
		return;
	memcpy(to, tls_stats_get(e->tls.core), sizeof(struct tls_stats));
	to += sizeof(struct tls_stats) / 8;
	to[0] = (uint64_t)a->bytes;
	to[1] = (uint64_t)a->peak;
	to[2] = a->allocations;
	to[3] = a->reallocations;
	to[4] = a->frees;
}

static unsigned edge_turn(void *app, uint64_t now_ns)
{
	struct edge *e = app;
	unsigned done = tcp_timers(e->tcp.stack, now_ns, TIMERS);

	done += tls_turn(e->tls.core);
	done += edge_link_turn(e);
	edge_secure_sweep(e);
	edge_probe_turn(e);
	done += proxy_turn(e->proxy);
	done += tcp_flush(e->tcp.stack, now_ns);
	proxy_end(e->proxy);
	if (now_ns >= e->stats_ns)
		count(e);
	return done;
}

static void edge_input(void *app, struct net_packet *packets, unsigned n, uint64_t now_ns)
{
	struct edge *e = app;

	tcp_input(e->tcp.stack, packets, n, now_ns);
}

static bool edge_icmp_error(void *app, const struct net_icmp_error *error, uint64_t now_ns)
{
	struct edge *e = app;

	return tcp_icmp_error(e->tcp.stack, error, now_ns);
}

/* ---- cold ---- */

int edge_setup_init(struct edge_setup *s, const struct boot_config *config)
{
	uint32_t sessions = config->memory * SESSIONS_A_MIB;

	memset(s, 0, sizeof(*s));
	s->n_workers = config->workers;
	keylog_file_init(&s->keylog, -1, 0);
	tls_core_config_default(&s->tls);
	s->tls.sessions = sessions < SESSIONS_MAX ? sessions : SESSIONS_MAX;
	/* a key that is not at hand is derived again for each record, which costs more than all else of it */
	s->tls.cached_keys = CACHED_KEYS;
	s->tls.libcrypto_x25519 = config->x25519 == BOOT_X25519_LIBCRYPTO;
	proxy_config_default(&s->proxy);
	s->proxy.transactions = edge_transactions(edge_memory(), config->workers, proxy_transaction_bytes());
	base_log(BASE_LOG_INFO, "edge", "room for %u transactions a worker", s->proxy.transactions);
	if (getrandom(s->branch_key, sizeof(s->branch_key), 0) != (ssize_t)sizeof(s->branch_key))
		return -EIO;
	return worker_tcp_setup_init(&s->tcp, config->workers);
}

static int edge_prepare(void *setup, struct box *b)
{
	struct edge_setup *s = setup;
	struct exchange_table_spec tables[PROXY_TABLES];
	int rc;

	policy_cold_init(&s->policy, b->config.run_dir, s->n_workers);
	world_cold_init(&s->world, b->run_dir);
	keylog_file_init(&s->keylog, b->run_dir, s->n_workers);
	keylog_file_folder(&s->keylog, b->config.keylog_folder, b->uid);
	rc = ring_cold_open(&s->rings, b->config.run_dir, s->n_workers, b->gid);
	if (rc)
		return rc;
	if (s->n_workers > 1) {
		s->proxy_mail = proxy_mail_create(s->n_workers);
		if (!s->proxy_mail)
			return -ENOMEM;
	}
	s->moved = moved_file_open(b->run_dir, *b->config.user ? b->uid : (uid_t)-1);
	return exchange_tables_create(&s->tables, b->run_dir, tables,
				      proxy_tables_specs(tables, s->n_workers));
}

/* What control wants done is told to all workers: each knows what is its own. Who still has old orders is
 * waited for, so that none of them misses one. */
static void give_orders(struct edge_setup *s)
{
	struct exchange_command c;

	for (;;) {
		for (unsigned i = 0; i < s->n_workers; i++) {
			struct edge_mail *m = &s->mails[i];

			/* acquire: the worker is done with what it counted */
			if (atomic_load_explicit(&m->orders_in, memory_order_relaxed) -
				    atomic_load_explicit(&m->orders_out, memory_order_acquire) ==
			    EDGE_ORDERS)
				return;
		}
		if (!ring_cold_command(&s->rings, &c))
			return;
		for (unsigned i = 0; i < s->n_workers; i++) {
			struct edge_mail *m = &s->mails[i];
			uint32_t in = atomic_load_explicit(&m->orders_in, memory_order_relaxed);

			m->orders[in % EDGE_ORDERS] = c;
			/* release: it is complete */
			atomic_store_explicit(&m->orders_in, in + 1, memory_order_release);
		}
	}
}

static void give_probe(struct edge_setup *s, const struct exchange_probe *asked)
{
	struct edge_mail *m = &s->mails[0];
	uint32_t in = atomic_load_explicit(&m->probes_in, memory_order_relaxed);

	/* acquire: the worker has copied the one before */
	if (in != atomic_load_explicit(&m->probes_out, memory_order_acquire)) {
		ring_cold_probe_busy(&s->rings, asked->id);
		return;
	}
	m->probe = *asked;
	/* release: it is complete */
	atomic_store_explicit(&m->probes_in, in + 1, memory_order_release);
}

static void edge_cold(void *setup, struct box *b, uint64_t now_ns)
{
	struct edge_setup *s = setup;
	struct exchange_keylog keylog;
	struct exchange_probe probe;

	ring_cold_tick(&s->rings, s->mails, now_ns);
	give_orders(s);
	if (ring_cold_keylog(&s->rings, &keylog))
		keylog_file_ask(&s->keylog, &keylog);
	if (ring_cold_probe(&s->rings, &probe))
		give_probe(s, &probe);
	keylog_file_tick(&s->keylog, s->mails, &s->rings, now_ns);
	policy_cold_tick(&s->policy, s->mails, now_ns);
	world_cold_tick(s, now_ns);
	b->tls_taken = s->world.made;
	b->tls_refused = s->world.refusals;
}

static void edge_finish(void *setup, struct box *b)
{
	struct edge_setup *s = setup;

	keylog_file_fini(&s->keylog);
	policy_cold_fini(&s->policy);
	ring_cold_close(&s->rings);
	exchange_tables_close(&s->tables);
	proxy_mail_destroy(s->proxy_mail);
	s->proxy_mail = NULL;
	moved_file_close(s->moved);
	s->moved = NULL;
}

static void edge_close(void *app)
{
	struct edge *e = app;

	if (e->reader)
		policy_reader_sleep(e->reader);
	world_cold_drain(e->mail);
	edge_config_free(e->config);
	if (e->proxy)
		proxy_destroy(e->proxy);
	if (e->links.base)
		base_pool_fini(&e->links);
	tls_core_destroy(e->tls.core);
	if (e->tcp.stack)
		worker_tcp_close(&e->tcp);
	if (e->arena_there)
		tls_arena_fini(&e->arena);
	e->setup->edges[e->worker->core] = NULL;
	free(e);
}

static int open_tls(struct edge *e)
{
	uint64_t seed;
	int err = tls_arena_init(&e->arena);

	if (err)
		return err;
	e->arena_there = true;
	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		return -EIO;
	e->tls.core = tls_core_create(&e->setup->tls, &tls_tcp_wire, &e->tls, &e->arena, seed);
	if (!e->tls.core)
		return -errno;
	e->tls.stack = e->tcp.stack;
	tls_core_pins(e->tls.core, edge_secure_pinned, e);
	tls_core_tells(e->tls.core, edge_chain_tell, e);
	return 0;
}

static bool ask(void *ctx, const struct exchange_question *question)
{
	struct edge *e = ctx;

	return ring_produce(&e->questions, EXCHANGE_QUESTION, question, sizeof(*question)) == RING_OK;
}

static void tell(void *ctx, const struct exchange_event *event)
{
	edge_tell(ctx, event);
}

static void watch(void *ctx, const struct policy_watch *entry)
{
	struct edge *e = ctx;

	ring_produce(&e->events, EXCHANGE_WATCH, entry, sizeof(*entry));
}

static const struct policy_watch *watched(void *ctx, const uint8_t key[POLICY_WATCH_KEY_LEN])
{
	struct edge *e = ctx;

	/* pinned with the view of this burst */
	return e->reader && e->view
		       ? policy_fact_get(e->reader->seg, POLICY_FACT_WATCH, key, POLICY_WATCH_KEY_LEN)
		       : NULL;
}

static int open_proxy(struct edge *e)
{
	static const struct proxy_ops ops = {.ask = ask, .event = tell, .watch = watch, .watched = watched};
	struct edge_setup *s = e->setup;
	struct proxy_keys keys = {0};
	uint64_t seed;
	int err = base_pool_init(&e->links, s->tls.sessions, sizeof(struct edge_link), 8);

	if (err)
		return err;
	e->resume_head = e->sweep_at = BASE_POOL_NONE;
	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		return -EIO;
	memcpy(keys.branch, s->branch_key, sizeof(keys.branch));
	e->proxy = proxy_create(&s->proxy, &keys, e->worker->core, s->n_workers, &edge_links, &ops, e, seed);
	if (!e->proxy)
		return -errno;
	if (s->proxy_mail)
		proxy_mail_attach(e->proxy, s->proxy_mail);
	if (s->moved)
		proxy_moved_attach(e->proxy, s->moved);
	if (s->tables.super)
		proxy_tables_attach(e->proxy, &s->tables);
	return 0;
}

static void *edge_open(void *setup, struct worker *w)
{
	struct edge_setup *s = setup;
	struct edge *e = calloc(1, sizeof(*e));
	int err;

	if (!e)
		return NULL;
	e->worker = w;
	e->setup = s;
	e->mail = &s->mails[w->core];
	e->counters = w->edge_stats ? w->edge_stats : e->no_counters;
	s->edges[w->core] = e;
	bind_rings(e, NULL);
	err = worker_tcp_open(&e->tcp, w, &s->tcp);
	if (!err)
		err = open_tls(e);
	if (!err)
		err = open_proxy(e);
	if (err) {
		edge_close(e);
		errno = -err;
		return NULL;
	}
	return e;
}

const struct worker_app edge_app = {
	.prepare = edge_prepare,
	.cold = edge_cold,
	.finish = edge_finish,
	.open = edge_open,
	.close = edge_close,
	.burst = edge_burst,
	.turn = edge_turn,
	.sleep = edge_sleep,
	.wake = edge_wake,
	.l4 = {.input = edge_input, .icmp_error = edge_icmp_error},
};
