/* SPDX-License-Identifier: BSD-3-Clause */
/* edge_ring DIR CERTS PARTNERS owned|steered|thread: the whole box of DIR/box.conf (net, TCP, TLS, proxy,
 * policy of a control daemon that runs beside it) over ring ports, with our generator on their other ends.
 * Serves a line "message N", "call N" or "answer N" of standard input with "ok N TICKS": so many exchanges,
 * all answered, in so many busy ticks of the box's workers.
 *
 * owned: a frame arrives on the core that owns its flow, as a NIC's hash would bring it. steered: all frames
 * arrive on core 0, which hands on what is another's. In both, workers and generator take turns on one core.
 * thread: the worker runs its own loop on its own core, for a profile of it alone. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "bench/edge/edge_generator.h"
#include "bench/harness/bench.h"
#include "dataplane/wire/eth.h"
#include "dataplane/worker/box.h"
#include "dataplane/worker/edge.h"
#include "dataplane/worker/edge_core.h"

enum { WINDOW = 64, CONNECTS = 16, QUIET = 200000, BURST = 64 };

static struct {
	struct boot_config config;
	struct box box;
	struct edge_setup edge;
	struct generator generator;
	struct rte_ring *to[GENERATOR_PORTS][BOOT_WORKERS_MAX], *from[GENERATOR_PORTS][BOOT_WORKERS_MAX];
	struct rte_ring *gen_to[GENERATOR_PORTS], *gen_from[GENERATOR_PORTS];
	struct base_clock clock;
	uint64_t ticks, cold_ns, sync_ns;
	bool steered, thread;
	pid_t control;
	unsigned next;
} r;

static void die(const char *what)
{
	struct generator *g = &r.generator;

	fprintf(stderr, "edge_ring: %s%s%s (%u of %u partners are up, %llu of %llu exchanges done)\n%s\n",
		what, g->wrong ? ": " : "", g->wrong ? g->wrong : "", g->up, g->n,
		(unsigned long long)g->done, (unsigned long long)g->begun, g->last);
	if (r.control > 0)
		kill(r.control, SIGTERM);
	exit(2);
}

/* ---- the wire ---- */

/* the core that owns the flow of a frame for the box */
static unsigned owner(struct rte_mbuf *m)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	struct base_addr src, dst;

	if (r.steered || r.box.n_workers == 1 || p[12] != 8 || p[13] != 0 || p[23] != 6)
		return 0;
	src = base_addr_v4(p + 26);
	dst = base_addr_v4(p + 30);
	return net_owner(r.box.shared, &src, &dst, (uint16_t)(p[34] << 8 | p[35]),
			 (uint16_t)(p[36] << 8 | p[37]));
}

/* A NIC writes what comes into a buffer of the receiver's. Over rings the sender may still hold it, to send
 * it again; the receiver would copy it, which is the wire's to do. NULL: no buffer, the frame is lost. */
static struct rte_mbuf *arriving(struct rte_mbuf *m)
{
	struct rte_mbuf *copy;

	if (rte_mbuf_refcnt_read(m) == 1)
		return m;
	copy = rte_pktmbuf_copy(m, m->pool, 0, UINT32_MAX);
	rte_pktmbuf_free(m);
	return copy;
}

static void carry(void)
{
	struct rte_mbuf *m[BURST];
	unsigned n;

	for (unsigned p = 0; p < GENERATOR_PORTS; p++) {
		while ((n = rte_ring_dequeue_burst(r.gen_from[p], (void **)m, BURST, NULL)))
			for (unsigned i = 0; i < n; i++) {
				struct rte_mbuf *in = arriving(m[i]);

				if (in && rte_ring_enqueue(r.to[p][owner(in)], in))
					rte_pktmbuf_free(in);
			}
		for (unsigned q = 0; q < r.box.n_workers; q++)
			while ((n = rte_ring_dequeue_burst(r.from[p][q], (void **)m, BURST, NULL)))
				for (unsigned i = rte_ring_enqueue_burst(r.gen_to[p], (void **)m, n, NULL);
				     i < n; i++)
					rte_pktmbuf_free(m[i]);
	}
}

static uint64_t busy(void)
{
	uint64_t sum = r.ticks;

	for (unsigned i = 0; r.thread && i < r.box.n_workers; i++)
		sum += *(volatile uint64_t *)&r.box.workers[i].counters[WORKER_COUNTER_busy_ticks];
	return sum;
}

/* messages that one worker handed to another behind TLS */
static uint64_t crossed(void)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < r.box.n_workers; i++)
		sum += proxy_stats_get(r.edge.edges[i]->proxy)->counters[PROXY_COUNTER_crossed];
	return sum;
}

/* What is measured, in a function of its own: the generator has a worker as well, and a tool that counts
 * instructions is told where to begin. */
static __attribute__((noinline)) void box_turn(void)
{
	for (unsigned i = 0; !r.thread && i < r.box.n_workers; i++) {
		uint64_t begin = __rdtsc(), end;
		unsigned work = worker_turn(&r.box.workers[i], base_clock_at(&r.clock, begin));

		end = __rdtsc();
		if (work)
			r.ticks += end - begin;
	}
}

/* one turn of everybody */
static void turn(void)
{
	uint64_t now_ns;

	box_turn();
	carry();
	generator_turn(&r.generator);
	carry();
	now_ns = base_clock_at(&r.clock, __rdtsc());
	if (now_ns >= r.cold_ns) {
		r.cold_ns = now_ns + WORKER_COLD_MS * 1000000ull;
		edge_app.cold(&r.edge, &r.box, now_ns);
	}
	if (now_ns >= r.sync_ns) {
		r.sync_ns = now_ns + BASE_CLOCK_SYNC_NS;
		base_clock_sync(&r.clock);
	}
	if (r.generator.wrong)
		die("wrong");
}

static void until(const uint64_t *value, uint64_t least, const char *what)
{
	uint64_t end = base_clock_kernel() + 20000000000ull;

	for (unsigned k = 1; *value < least; k++) {
		turn();
		if (k % 1024 == 0 && base_clock_kernel() > end)
			die(what);
	}
}

/* ---- life ---- */

static pid_t spawn(char *const argv[])
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execv(argv[0], argv);
		_exit(127);
	}
	return pid;
}

static uint64_t listeners(void)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < r.box.n_workers; i++)
		if (r.box.workers[i].edge_stats[EDGE_COUNTER_listeners] < least)
			least = r.box.workers[i].edge_stats[EDGE_COUNTER_listeners];
	return least;
}

static void wires(void)
{
	for (unsigned p = 0; p < GENERATOR_PORTS; p++) {
		for (unsigned q = 0; q < r.box.n_workers; q++) {
			r.to[p][q] = driver_ring_to(&r.box.ports[p].port, q);
			r.from[p][q] = driver_ring_from(&r.box.ports[p].port, q);
			if (!r.to[p][q] || !r.from[p][q])
				die("a port is no ring with a queue for each worker");
		}
		r.gen_to[p] = driver_ring_to(&r.generator.ports[p], 0);
		r.gen_from[p] = driver_ring_from(&r.generator.ports[p], 0);
	}
}

/* the box, then control with the policy: as an operator starts them */
static void open_box(const char *dir, const char *certs, unsigned partners)
{
	char conf[300], store[300], run[300];
	char *control[] = {(char *)(uintptr_t)CONTROL_EXE,
			   (char *)(uintptr_t) "--store",
			   store,
			   (char *)(uintptr_t) "--run",
			   run,
			   NULL};
	char *apply[] = {(char *)(uintptr_t)APPLY_EXE, (char *)(uintptr_t)SHELL_EXE, run, conf, NULL};
	int status;
	pid_t pid;

	snprintf(conf, sizeof(conf), "%s/box.conf", dir);
	snprintf(store, sizeof(store), "%s/store", dir);
	if (boot_load(&r.config, conf) || edge_setup_init(&r.edge, &r.config))
		exit(2);
	snprintf(run, sizeof(run), "%s", r.config.run_dir);
	r.control = spawn(control);
	pid = spawn(apply);
	if (box_open(&r.box, &r.config, &edge_app, &r.edge))
		die("the box does not open");
	base_clock_init(&r.clock);
	if (generator_open(&r.generator, &r.box.pools, certs, partners) ||
	    generator_world(&r.generator, 0, partners < GENERATOR_WORLD ? partners : GENERATOR_WORLD))
		die("no generator");
	wires();
	for (unsigned i = 0; i < r.box.n_workers; i++)
		r.box.workers[i].idle.poll = true;
	for (unsigned i = 0; r.thread && i < r.box.n_workers; i++)
		rte_eal_remote_launch(worker_run, &r.box.workers[i], i + 1);
	while (waitpid(pid, &status, WNOHANG) == 0)
		turn();
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		die("the policy was not taken");
	for (uint64_t end = base_clock_kernel() + 20000000000ull; listeners() < 2;) {
		turn();
		if (base_clock_kernel() > end)
			die("the box does not listen");
	}
}

static void connect_all(void)
{
	struct generator *g = &r.generator;

	for (unsigned first = 0; first < g->n; first += GENERATOR_WORLD) {
		unsigned count = g->n - first < GENERATOR_WORLD ? g->n - first : GENERATOR_WORLD;

		if (first && generator_world(g, first, count))
			die("no certificates");
		for (unsigned i = 0; i < count; i++) {
			uint64_t end = base_clock_kernel() + 20000000000ull;

			if (generator_connect(g, first + i, first))
				die("a partner cannot connect");
			while ((i % CONNECTS == CONNECTS - 1 || i == count - 1) && g->up < first + i + 1) {
				turn();
				if (base_clock_kernel() > end)
					die("partners do not come up");
			}
		}
	}
}

/* ---- the work ---- */

/* how often this thread has lost its core */
static long switches(void)
{
	struct rusage u;

	getrusage(RUSAGE_THREAD, &u);
	return u.ru_nivcsw + u.ru_nvcsw;
}

/* A window with somebody else's time slice in it says nothing of us: the others stand for it. */
static void run(enum script_kind kind, unsigned n)
{
	struct generator *g = &r.generator;
	uint64_t across = crossed(), pooled = g->pooled, done = g->done, all = 0, calm = 0;
	unsigned calm_n = 0;

	for (unsigned k = 0; k < n; k += WINDOW) {
		unsigned m = n - k < WINDOW ? n - k : WINDOW;
		uint64_t before = busy();
		long lost = switches();

		for (unsigned i = 0; i < m; i++) {
			generator_begin(g, r.next, kind);
			r.next = (r.next + 1) % g->n;
		}
		until(&g->done, g->begun, "exchanges do not end");
		before = busy() - before;
		all += before;
		if (switches() == lost) {
			calm += before;
			calm_n += m;
		}
	}
	if (g->done - done != n || g->pooled - pooled != (uint64_t)script_infos[kind].pooled * n)
		die("requests were lost or doubled");
	if (calm_n >= n / 4 && !r.thread)
		all = calm * n / calm_n;
	printf("ok %u %llu %llu\n", n, (unsigned long long)all, (unsigned long long)(crossed() - across));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	char line[128], word[16];
	unsigned n;

	if (argc != 5 || tls_memory_init())
		return 2;
	setvbuf(stdin, NULL, _IONBF, 0);
	r.steered = strcmp(argv[4], "steered") == 0;
	r.thread = strcmp(argv[4], "thread") == 0;
	signal(SIGPIPE, SIG_IGN);
	open_box(argv[1], argv[2], (unsigned)atoi(argv[3]));
	connect_all();
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		while (poll(&in, 1, 1) == 0)
			turn();
		if (!fgets(line, sizeof(line), stdin))
			break;
		if (sscanf(line, "%15s %u", word, &n) != 2 || script_kind_of(word) == SCRIPT_KINDS)
			die("cannot read a line");
		run(script_kind_of(word), n);
	}
	kill(r.control, SIGTERM);
	waitpid(r.control, NULL, 0);
	/* the process ends: nothing of the box is needed */
	_exit(0);
}
