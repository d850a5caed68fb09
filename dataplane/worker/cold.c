/* SPDX-License-Identifier: BSD-3-Clause */
/* The cold thread: all that may block, and nothing that a frame waits for. */
#include "dataplane/worker/box.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "dataplane/base/log.h"
#include "drivers/capture.h"

enum {
	TICKS_A_SECOND = 1000 / WATCHDOG_TICK_MS,
	CAPTURE_WAIT_MS = 10,
};

static const char *const link_names[] = {
	[NET_LINK_UP] = "up", [NET_LINK_DOWN] = "down", [NET_LINK_LOST] = "lost"};

void box_link_set(struct box *b, unsigned port, enum net_link link)
{
	struct box_port *p = &b->ports[port];

	if (p->link == link)
		return;
	if (link != NET_LINK_UP && p->counters) /* not while it only begins */
		p->downs++;
	p->link = link;
	net_link_set(b->shared, port, link);
	if (p->counters) {
		p->counters[BOX_PORT_link] = link;
		p->counters[BOX_PORT_downs] = p->downs;
	}
	if (p->counters || link != NET_LINK_DOWN)
		base_log(link == NET_LINK_UP ? BASE_LOG_NOTICE : BASE_LOG_WARNING, p->port.config.name,
			 "link is %s%s", link_names[link],
			 link == NET_LINK_LOST
				 ? ": its interface is gone, and a new one of that name is another one"
				 : "");
}

/* a side that has ports and has lost all of them cannot come back in this process */
static bool side_is_lost(const struct box *b, enum net_side side)
{
	unsigned have = 0, lost = 0;

	for (unsigned i = 0; i < b->n_ports; i++) {
		have += b->ports[i].side == side;
		lost += b->ports[i].side == side && b->ports[i].link == NET_LINK_LOST;
	}
	return have && have == lost;
}

static void on_link(void *ctx, unsigned watch, enum linkwatch_state state)
{
	static const enum net_link links[] = {[LINKWATCH_UP] = NET_LINK_UP,
					      [LINKWATCH_DOWN] = NET_LINK_DOWN,
					      [LINKWATCH_LOST] = NET_LINK_LOST};
	struct box *b = ctx;

	for (unsigned i = 0; i < b->n_ports; i++)
		if (b->ports[i].watch == (int)watch)
			box_link_set(b, i, links[state]);
	for (unsigned side = NET_EXTERNAL; side <= NET_INTERNAL; side++) {
		if (!side_is_lost(b, side) || b->exit_code)
			continue;
		base_log(BASE_LOG_CRITICAL, "box",
			 "the %s side has lost its last port: ending, to be started again",
			 side == NET_EXTERNAL ? "external" : "internal");
		b->exit_code = BOX_EXIT_PORTS_LOST;
		atomic_store(&b->stop, true);
	}
}

/* devices without a kernel interface know their link themselves */
static void links_poll(struct box *b)
{
	struct rte_eth_link link;

	for (unsigned i = 0; i < b->n_ports; i++)
		if (b->ports[i].watch < 0 && rte_eth_link_get_nowait(b->ports[i].port.id, &link) == 0)
			box_link_set(b, i, link.link_status ? NET_LINK_UP : NET_LINK_DOWN);
}

/* What the kernel says of a worker's thread. False: it does not say. One that has not come to say who it is
 * wants to run. */
static bool thread_look(const struct box *b, unsigned i, bool *runnable, uint64_t *cpu_ms)
{
	int tid = atomic_load(&b->workers[i].tid), fd;
	char path[64], text[512];
	unsigned long long user, system;
	const char *p;
	ssize_t n;
	char state;

	if (tid == 0) {
		*runnable = true;
		*cpu_ms = 0;
		return true;
	}
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = 0;
	/* a name may hold anything, even ")" */
	p = strrchr(text, ')');
	if (!p ||
	    sscanf(p, ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &state, &user, &system) != 3)
		return false;
	*runnable = state == 'R';
	*cpu_ms = (user + system) * 1000 / b->ticks_a_second;
	return true;
}

static void watch_workers(struct box *b)
{
	for (unsigned i = 0; i < b->n_running; i++) {
		struct watchdog *w = &b->watchdogs[i];
		bool hung = watchdog_tick(w, report_read(&b->workers[i].report)), runnable;
		uint64_t cpu_ms;

		if (w->silent == 1 && thread_look(b, i, &runnable, &cpu_ms))
			w->cpu_ms = cpu_ms;
		if (!hung)
			continue;
		if (thread_look(b, i, &runnable, &cpu_ms) && watchdog_starved(w, runnable, cpu_ms)) {
			if (w->silent % WATCHDOG_TICKS == 0)
				base_log(BASE_LOG_WARNING, "watchdog",
					 "worker %u wants to run and gets no CPU: the machine is overloaded",
					 i);
			continue;
		}
		if (watchdog_woke(w, report_read(&b->workers[i].report)))
			continue;
		base_log(BASE_LOG_CRITICAL, "watchdog", "worker %u has been silent for two seconds: aborting",
			 i);
		abort();
	}
}

int box_links_read(struct box *b)
{
	int rc = linkwatch_dump(&b->watch);

	return rc ? rc : linkwatch_read(&b->watch, on_link, b);
}

/* An address whose port is up is in use, or known to be somebody else's: a question that comes before that is
 * lost, and whoever asked repeats it a second later. */
static bool addresses_settled(const struct box *b)
{
	enum net_address_state state;
	struct net_prefix prefix;

	for (unsigned port = 0; port < b->n_ports; port++)
		for (unsigned i = 0; b->ports[port].link == NET_LINK_UP &&
				     net_address_get(b->shared, port, i, &prefix, &state) == 0;
		     i++)
			if (state == NET_ADDRESS_TENTATIVE)
				return false;
	return true;
}

static void become_ready(struct box *b)
{
	for (unsigned i = 0; i < b->n_workers; i++)
		if (report_read(&b->workers[i].report) == 0)
			return;
	if (!addresses_settled(b))
		return;
	if (renameat(b->run_dir, "ready.new", b->run_dir, "ready") < 0)
		base_log(BASE_LOG_WARNING, "box", "ready file cannot be shown (%s)", strerror(errno));
	b->ready = true;
	notify_send(&b->notify, "READY=1");
	base_log(BASE_LOG_NOTICE, "box", "ready");
}

static void on_tick(struct box *b)
{
	uint64_t passed;

	if (read(b->ticks, &passed, sizeof(passed)) < 0)
		return;
	watch_workers(b);
	links_poll(b);
	if (b->tick++ % TICKS_A_SECOND == 0)
		box_counters_update(b);
	if (b->notify.watchdog_ns && base_clock_kernel() - b->notified_ns >= b->notify.watchdog_ns / 2) {
		b->notified_ns = base_clock_kernel();
		notify_send(&b->notify, "WATCHDOG=1");
	}
}

static void on_beat(struct box *b)
{
	uint64_t passed;

	if (read(b->beats, &passed, sizeof(passed)) > 0)
		b->app->cold(b->app_setup, b, base_clock_kernel());
}

static void on_signal(struct box *b)
{
	struct signalfd_siginfo si;

	while (read(b->signals, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGHUP)
			continue; /* a terminal that goes away is no reason to end a service */
		base_log(BASE_LOG_NOTICE, "box", "ending at signal %u", si.ssi_signo);
		atomic_store(&b->stop, true);
	}
}

static bool captures_drain(struct box *b)
{
	bool any = false;

	for (unsigned i = 0; i < b->n_ports; i++) {
		if (!b->ports[i].capture)
			continue;
		any = true;
		capture_drain(b->ports[i].capture);
	}
	return any;
}

static void worker_end(struct box *b, unsigned i)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	struct watchdog w = {.silent = 0};
	uint64_t cpu_ms = 0;
	bool runnable;

	if (thread_look(b, i, &runnable, &cpu_ms))
		w.cpu_ms = cpu_ms;
	for (unsigned ms = 1; !atomic_load(&b->workers[i].done); ms++) {
		nanosleep(&pause, NULL);
		if (ms % WATCHDOG_TICK_MS)
			continue;
		runnable = thread_look(b, i, &runnable, &cpu_ms) && runnable;
		if (watchdog_endless(&w, runnable, cpu_ms) && !atomic_load(&b->workers[i].done)) {
			base_log(BASE_LOG_CRITICAL, "box", "worker %u does not end: aborting", i);
			abort();
		}
	}
}

static void workers_end(struct box *b)
{
	atomic_store(&b->stop, true);
	for (unsigned i = 0; i < b->n_running; i++)
		worker_end(b, i);
	rte_eal_mp_wait_lcore();
}

int box_run(struct box *b)
{
	while (b->n_running < b->n_workers &&
	       rte_eal_remote_launch(worker_run, &b->workers[b->n_running], b->n_running + 1) == 0)
		b->n_running++;
	if (b->n_running < b->n_workers) {
		base_log(BASE_LOG_ERROR, "box", "worker %u does not start", b->n_running);
		b->exit_code = BOX_EXIT_FAILED;
		atomic_store(&b->stop, true);
	}
	while (!atomic_load(&b->stop)) {
		struct epoll_event events[8];
		int wait = captures_drain(b) ? CAPTURE_WAIT_MS : -1;
		int n = epoll_wait(b->epoll, events, 8, b->ready ? wait : CAPTURE_WAIT_MS);

		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == b->signals)
				on_signal(b);
			else if (events[i].data.fd == b->ticks)
				on_tick(b);
			else if (events[i].data.fd == b->beats)
				on_beat(b);
			else
				linkwatch_read(&b->watch, on_link, b);
		}
		if (!b->ready && !atomic_load(&b->stop))
			become_ready(b);
	}
	notify_send(&b->notify, "STOPPING=1");
	workers_end(b);
	return b->exit_code;
}
