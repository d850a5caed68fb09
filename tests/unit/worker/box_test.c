/* SPDX-License-Identifier: BSD-3-Clause */
/* A whole dataplane on ring ports, with its system call filter in kill mode: ARP and ping go in, answers come
 * out. One process for each number of workers, since DPDK starts once in a process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "bench/wire/echo_peer.h"
#include "config/exchange/counters.h"
#include "dataplane/worker/box.h"

/* AHEAD: so many wait for their answer at most, or a box that gets no CPU for a while would lose some */
enum { REQUESTS = 2000, ROUNDS_MAX = 60000, AHEAD = 256 };

struct wire {
	struct box *box;
	struct box_port *port;
	struct echo_peer peer;
	unsigned sent, answered, wrong, arp_told;
	atomic_bool begin;
};

struct outcome {
	unsigned answered[2], wrong[2], arp_told[2];
};

static void frame_send(struct wire *w, unsigned q, const uint8_t *bytes, unsigned len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(w->box->workers[0].pool);

	if (!m)
		return;
	m->data_len = (uint16_t)len;
	m->pkt_len = len;
	memcpy(rte_pktmbuf_mtod(m, void *), bytes, len);
	if (rte_ring_enqueue(driver_ring_to(&w->port->port, q), m) < 0)
		rte_pktmbuf_free(m);
}

static void frame_take(struct wire *w, unsigned q, struct rte_mbuf *m)
{
	uint8_t bytes[ECHO_PEER_FRAME];
	uint16_t seq;

	switch (echo_peer_judge(&w->peer, rte_pktmbuf_mtod(m, uint8_t *), rte_pktmbuf_data_len(m), &seq)) {
	case ECHO_PEER_REPLY:
		w->answered++;
		break;
	case ECHO_PEER_WRONG:
		w->wrong++;
		break;
	case ECHO_PEER_ARP_TELL:
		w->arp_told++;
		break;
	case ECHO_PEER_ARP_ASK:
		echo_peer_arp_reply(&w->peer, bytes);
		frame_send(w, q, bytes, ECHO_PEER_ARP);
		break;
	case ECHO_PEER_OTHER:
		break;
	}
	rte_pktmbuf_free(m);
}

/* one round of a wire: up to eight requests over its queues, whatever came back */
static void wire_round(struct wire *w)
{
	unsigned queues = w->port->port.rx_queues;
	uint8_t bytes[ECHO_PEER_FRAME];
	struct rte_mbuf *m;

	if (w->arp_told == 0) {
		echo_peer_arp_request(&w->peer, bytes);
		frame_send(w, 0, bytes, ECHO_PEER_ARP);
	}
	/* one ping alone until it is answered: what waits for a neighbour is bounded, and a flood would lose
	 * some */
	if (w->arp_told && w->sent == 0) {
		echo_peer_request(&w->peer, (uint16_t)w->sent++, bytes);
		frame_send(w, 0, bytes, ECHO_PEER_FRAME);
	}
	for (unsigned i = 0; w->answered && i < 8 && w->sent < REQUESTS && w->sent < w->answered + AHEAD;
	     i++, w->sent++) {
		echo_peer_request(&w->peer, (uint16_t)w->sent, bytes);
		frame_send(w, w->sent % queues, bytes, ECHO_PEER_FRAME);
	}
	for (unsigned q = 0; q < queues; q++)
		while (rte_ring_dequeue(driver_ring_from(&w->port->port, q), (void **)&m) == 0)
			frame_take(w, q, m);
}

/* A thread that exists before the filter does, and lives under it. */
static void *wires_run(void *arg)
{
	struct wire *w = arg;
	const struct timespec pause = {.tv_nsec = 500000};

	while (!atomic_load(&w[0].begin))
		nanosleep(&pause, NULL);
	for (unsigned round = 0; round < ROUNDS_MAX; round++) {
		wire_round(&w[0]);
		wire_round(&w[1]);
		if (w[0].answered >= REQUESTS && w[1].answered >= REQUESTS)
			break;
		nanosleep(&pause, NULL);
	}
	atomic_store(&w[0].box->stop, true);
	return NULL;
}

static void peer_set(struct wire *w, struct box *box, unsigned port)
{
	const uint8_t mac[6] = {0x02, 0, 0, 0, 1, (uint8_t)port}, ip[4] = {198, 18, (uint8_t)(port + 1), 1},
		      box_ip[4] = {198, 18, (uint8_t)(port + 1), 2};

	w->box = box;
	w->port = &box->ports[port];
	w->peer.id = (uint16_t)(0x5350 + port);
	memcpy(w->peer.mac, mac, 6);
	memcpy(w->peer.box_mac, w->port->port.mac, 6);
	memcpy(w->peer.ip, ip, 4);
	memcpy(w->peer.box_ip, box_ip, 4);
}

static void complain(void *ctx, unsigned line, unsigned column, const char *text)
{
	fprintf(stderr, "%u:%u: %s\n", line, column, text);
}

/* the child: exit status 0 when the outcome was written */
static int dataplane(const char *dir, unsigned workers, int to)
{
	static struct boot_config config;
	static struct box box;
	static struct wire wires[2];
	struct outcome outcome;
	char text[1024];
	pthread_t thread;
	sigset_t set;
	int code;

	snprintf(text, sizeof(text),
		 "set dataplane run-dir %s\nset dataplane workers %u\nset dataplane memory 128\n"
		 "set dataplane mbufs 8191\nset port e side external\nset port e device ring:\n"
		 "set port e address 198.18.1.2/24\nset port i side internal\nset port i device ring:\n"
		 "set port i address 198.18.2.2/24\n",
		 dir, workers);
	if (boot_parse(&config, text, strlen(text), complain, NULL))
		return 2;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (pthread_create(&thread, NULL, wires_run, wires))
		return 2;
	if (box_open(&box, &config, NULL, NULL))
		_exit(3); /* the thread still waits */
	peer_set(&wires[0], &box, 0);
	peer_set(&wires[1], &box, 1);
	atomic_store(&wires[0].begin, true);
	code = box_run(&box);
	pthread_join(thread, NULL);
	for (unsigned i = 0; i < 2; i++) {
		outcome.answered[i] = wires[i].answered;
		outcome.wrong[i] = wires[i].wrong;
		outcome.arp_told[i] = wires[i].arp_told;
	}
	box_close(&box);
	if (write(to, &outcome, sizeof(outcome)) != (ssize_t)sizeof(outcome))
		return 4;
	return code;
}

static uint64_t counter(const struct counters_view *v, const char *table, const char *row)
{
	for (unsigned i = 0; i < v->super->n_tables; i++) {
		const struct counters_table *t = &v->super->tables[i];

		for (unsigned r = 0; strcmp(t->name, table) == 0 && r < t->n_rows; r++) {
			uint64_t sum = 0;

			if (strcmp(counters_view_row(v, t, r)->name, row) != 0)
				continue;
			for (unsigned n = 0; n < t->n_instances; n++)
				sum += counters_view_value(v, t, n, r);
			return sum;
		}
	}
	fail_msg("no counter %s.%s", table, row);
	return 0;
}

static void pings_are_answered_by(unsigned workers)
{
	char dir[] = "/tmp/box-test.XXXXXX", file[64];
	static const char *const left[] = {"counters", "lock"};
	struct outcome o = {.wrong = {0}};
	struct counters_view v;
	const char *why;
	int fds[2], status;
	pid_t pid;

	assert_non_null(mkdtemp(dir));
	assert_int_equal(pipe(fds), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(fds[0]);
		exit(dataplane(dir, workers, fds[1]));
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &o, sizeof(o)), sizeof(o));
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(o.answered[i], REQUESTS);
		assert_int_equal(o.wrong[i], 0);
		assert_true(o.arp_told[i] >= 1);
	}
	/* counters outlive their process, and agree with what the wire saw */
	assert_int_equal(counters_read(&v, dir, &why), 0);
	assert_false(v.alive);
	assert_true(v.super->stopped_ns > v.super->started_ns);
	assert_int_equal(counter(&v, "net", "echo_answered"), 2 * REQUESTS);
	assert_int_equal(counter(&v, "net", "frames_in"), counter(&v, "worker", "rx_frames"));
	assert_true(counter(&v, "worker", "busy_ticks") > 0);
	assert_int_equal(counter(&v, "process", "mbufs_free"), counter(&v, "process", "mbufs"));
	counters_view_free(&v);
	for (unsigned i = 0; i < 2; i++) {
		snprintf(file, sizeof(file), "%s/%s", dir, left[i]);
		assert_int_equal(unlink(file), 0);
	}
	assert_int_equal(rmdir(dir), 0); /* nothing else stays */
}

static void pings_are_answered_by_one_worker(void **state)
{
	pings_are_answered_by(1);
}

static void pings_are_answered_by_two_workers(void **state)
{
	pings_are_answered_by(2);
}

static void pings_are_answered_by_four_workers(void **state)
{
	pings_are_answered_by(4);
}

/* the cold thread runs where no worker does, as long as there is such a place */
static void cold_keeps_away(void **state)
{
	unsigned cpus[BOOT_WORKERS_MAX], cold[BOOT_WORKERS_MAX], n, all;
	struct boot_config config = {.workers = 1};
	char why[200];
	cpu_set_t set;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	all = (unsigned)CPU_COUNT(&set);
	for (; config.workers <= all && config.workers <= BOOT_WORKERS_MAX; config.workers++) {
		unsigned shared = 0;

		assert_int_equal(box_cpus(&config, cpus, cold, &n, why, sizeof(why)), 0);
		for (unsigned i = 0; i < n; i++)
			for (unsigned k = 0; k < config.workers; k++)
				shared += cold[i] == cpus[k];
		assert_int_equal(n, config.workers < all ? all - config.workers : all);
		assert_int_equal(shared, config.workers < all ? 0 : all);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cold_keeps_away),
		cmocka_unit_test(pings_are_answered_by_one_worker),
		cmocka_unit_test(pings_are_answered_by_two_workers),
		cmocka_unit_test(pings_are_answered_by_four_workers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
