/* SPDX-License-Identifier: BSD-3-Clause */
/* The whole dataplane process: what is opened at start, in order, and closed at the end, in reverse; and the
 * cold thread's life between. One box a process, on the main thread. */
#ifndef DATAPLANE_WORKER_BOX_H
#define DATAPLANE_WORKER_BOX_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "config/exchange/counters.h"
#include "config/schema/boot.h"
#include "dataplane/worker/notify.h"
#include "dataplane/worker/watchdog.h"
#include "dataplane/worker/worker.h"
#include "drivers/linkwatch.h"
#include "drivers/port.h"

struct capture;
struct fault;

enum {
	BOX_EXIT_OK = 0,
	BOX_EXIT_FAILED = 1,
	BOX_EXIT_PORTS_LOST = 75, /* EX_TEMPFAIL: every port of a side is lost, start me again */
};

struct box_port {
	struct driver_port port;
	struct capture *capture;
	struct fault *fault;
	enum net_side side;
	enum net_link link;
	int watch; /* in linkwatch; -1: the device itself is asked */
	uint64_t downs;
	uint64_t *counters;
};

enum box_port_counter {
#define X(name, kind, help) BOX_PORT_##name,
#include "dataplane/worker/port_counter.def"
#undef X
	BOX_PORT_COUNTERS
};

struct box {
	struct boot_config config;
	const struct worker_app *app;
	void *app_setup;
	int run_dir, lock;
	gid_t gid; /* of `user`; (gid_t)-1: it stays who it is */
	uid_t uid; /* who it will be */
	bool eal, prepared;
	struct driver_pools pools;
	struct box_port ports[BOOT_PORTS_MAX];
	unsigned n_ports;
	struct net_shared *shared;
	struct counters counters;
	uint64_t *process_counters;
	uint64_t tls_taken, tls_refused; /* for them, of the application's cold half */
	struct worker *workers;
	struct watchdog watchdogs[BOOT_WORKERS_MAX];
	uint64_t ticks_a_second; /* of the kernel's accounts */
	unsigned n_workers;	 /* whose net is there */
	unsigned n_running;
	struct linkwatch watch;
	struct notify notify;
	int epoll, signals, ticks, beats; /* beats: of the application's cold part */
	uint64_t tick, notified_ns;
	bool ready;
	atomic_bool stop;
	int exit_code;
};

/* Opens everything and drops all rights; says on stderr what failed. `config` is copied; `app` may be NULL.
 * Signals SIGTERM, SIGINT and SIGHUP must be blocked already. 0 or -errno; box_close() is due in both cases.
 */
int box_open(struct box *b, const struct boot_config *config, const struct worker_app *app, void *app_setup);
/* Runs workers and the cold thread until a signal or until a side has lost all of its ports. Returns the exit
 * code. */
int box_run(struct box *b);
void box_close(struct box *b);

/* Which CPUs the workers get: cpus[i] for worker i. `cold`: those that the cold thread may use; none of a
 * worker's, unless there are no others. 0 or -errno with a line in `why`. */
int box_cpus(const struct boot_config *config, unsigned *cpus, unsigned *cold, unsigned *n_cold, char *why,
	     size_t why_size);

/* ---- between the files of box ---- */

/* Makes the counters file and hands out its parts. 0 or -errno. */
int box_counters_open(struct box *b);
/* Once a second: what devices, captures and pools count. */
void box_counters_update(struct box *b);
/* Asks the kernel for the links of all its interfaces, and takes what it answers: so that workers begin with
 * links as they are. 0 or -errno. */
int box_links_read(struct box *b);
/* Writes the new state of one port where it is read, and says so. */
void box_link_set(struct box *b, unsigned port, enum net_link link);

#endif
