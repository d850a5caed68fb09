/* SPDX-License-Identifier: BSD-3-Clause */
/* The loop of one core: burst in, net, timers, application, burst out, quiescent report. A worker owns its
 * struct; the cold thread reads `report`, `done` and the counters, and nothing else. */
#ifndef DATAPLANE_WORKER_WORKER_H
#define DATAPLANE_WORKER_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/schema/boot.h"
#include "dataplane/base/clock.h"
#include "dataplane/net/net.h"
#include "dataplane/worker/idle.h"
#include "dataplane/worker/report.h"

struct box;
struct rte_mempool;
struct worker;

enum { WORKER_BURST = 32, WORKER_QUEUES_MAX = 64, WORKER_COLD_MS = 10 };

enum worker_counter {
#define X(name, help) WORKER_COUNTER_##name,
#include "dataplane/worker/worker_counter.def"
#undef X
	WORKER_COUNTERS
};

struct worker_metric {
	const char *name, *help;
};

extern const struct worker_metric worker_counter_info[WORKER_COUNTERS];

/* What stands on top of net: one instance a worker, and a part of the cold thread. What is not called cold
 * runs on the worker. All but `open`, `close` and `l4` may be NULL. */
struct worker_app {
	/* cold, once for the box, before the first `open`: the run-dir and net's shared part are there. 0 or
	 * -errno; `finish` is due in both cases */
	int (*prepare)(void *setup, struct box *box);
	/* cold, every WORKER_COLD_MS; for the first time when all workers are open, none runs, and no right
	 * was dropped */
	void (*cold)(void *setup, struct box *box, uint64_t now_ns);
	/* cold, once, after the last `close` */
	void (*finish)(void *setup, struct box *box);
	/* cold, before the worker runs; `w->net` is not there yet. NULL: errno */
	void *(*open)(void *setup, struct worker *w);
	/* cold, before the worker runs, when `w->net` is there. 0 or -errno */
	int (*begin)(void *app, struct worker *w);
	/* once a turn, before its frames are looked at */
	void (*burst)(void *app, uint64_t now_ns);
	/* once a turn, before output is flushed; how much was done */
	unsigned (*turn)(void *app, uint64_t now_ns);
	/* around each sleep: nothing that is shared may be held in it */
	void (*sleep)(void *app);
	void (*wake)(void *app);
	/* cold, after the worker ended and before its net is destroyed */
	void (*close)(void *app);
	struct net_l4_ops l4;
};

/* An application that refuses nothing and takes nothing: every segment is counted and freed. */
extern const struct worker_app worker_app_none;

struct worker_queue {
	uint16_t device, queue;
	uint8_t port; /* index in net */
};

struct worker {
	struct report report;
	/* written by the worker */
	_Alignas(64) struct net *net;
	uint64_t *counters;				/* WORKER_COUNTERS words, in the counters file */
	uint64_t *tcp_stats;				/* a struct tcp_stats, likewise; NULL: none */
	uint64_t *tls_stats, *edge_stats, *proxy_stats; /* of the edge (edge.h); NULL: none */
	const struct worker_app *app;
	void *app_state;
	_Atomic int tid; /* of its thread, once it runs */
	struct idle idle;
	enum boot_seccomp seccomp;
	struct base_clock clock;
	uint64_t sync_ns; /* when the clock is compared again */
	unsigned core;
	bool shared_core; /* another worker runs on this physical core */
	unsigned n_queues;
	struct worker_queue queues[WORKER_QUEUES_MAX];
	const struct net_shared *shared;
	struct rte_mempool *pool;
	unsigned reserve_mbufs; /* of the pool, which held data may not touch; 0: half of it */
	/* written by others */
	_Alignas(64) const atomic_bool *stop;
	atomic_bool done;
};

/* One turn at the time `now_ns`: how many frames, timers and ring items it handled. Tests and benches call it
 * themselves. */
unsigned worker_turn(struct worker *w, uint64_t now_ns);
/* Turns until *w->stop; the argument is a struct worker. For rte_eal_remote_launch(). */
int worker_run(void *worker);

#endif
