/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/box.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_mempool.h>

#include "dataplane/tcp/tcp.h"
#include "dataplane/worker/edge.h"
#include "drivers/capture.h"
#include "drivers/fault.h"

_Static_assert(sizeof(struct net_stats) == 8 * (NET_COUNTERS + NET_DROPS + NET_OUTPUT_DROPS),
	       "net's counters are an array of words in the file");

enum {
	NET_ROWS = NET_COUNTERS + NET_DROPS + NET_OUTPUT_DROPS,
	TCP_GAUGES = 7,
	TCP_ROWS = TCP_COUNTERS + TCP_DROPS + TCP_GAUGES,
	TLS_GAUGES = 4,
	PROXY_GAUGES = 5,
	TLS_NAMED = TLS_COUNTERS + TLS_ENDS + TLS_VERDICTS,
};

_Static_assert(sizeof(struct tls_stats) == 8 * (TLS_NAMED + TLS_GAUGES), "and those of tls");

_Static_assert(sizeof(struct tcp_stats) == 8 * TCP_ROWS, "and so are those of tcp");
_Static_assert(sizeof(struct proxy_stats) == 8 * (PROXY_COUNTERS + PROXY_DROPS + PROXY_GAUGES),
	       "and those of the proxy");

static const struct counters_metric tcp_gauges[TCP_GAUGES] = {
	{"connections", "connections that exist", COUNTERS_GAUGE},
	{"half_open_now", "of those, in SYN-RECEIVED", COUNTERS_GAUGE},
	{"time_wait_now", "of those, in TIME-WAIT", COUNTERS_GAUGE},
	{"active_now", "of those, with data queued or in flight", COUNTERS_GAUGE},
	{"reassembling_now", "of those, with a hole in what was received", COUNTERS_GAUGE},
	{"held_bytes", "buffers that received and unacknowledged data holds", COUNTERS_GAUGE},
	{"held_peak", "the most of them at one time", COUNTERS_GAUGE},
};

static const struct counters_metric tls_gauges[TLS_GAUGES + EDGE_TLS_ARENA] = {
	{"sessions", "sessions that exist", COUNTERS_GAUGE},
	{"ssl_objects", "of those, with an object of libssl", COUNTERS_GAUGE},
	{"handshakes", "of those, with an unfinished handshake", COUNTERS_GAUGE},
	{"peers", "certificates of peers that are remembered", COUNTERS_GAUGE},
	{"arena_bytes", "memory of libssl and libcrypto, taken less given back by this worker",
	 COUNTERS_GAUGE},
	{"arena_peak", "the most of it at one time", COUNTERS_GAUGE},
	{"arena_allocations", "allocations of libssl and libcrypto", COUNTERS_SUM},
	{"arena_reallocations", "of those that grew", COUNTERS_SUM},
	{"arena_frees", "and those that were given back", COUNTERS_SUM},
};

static const struct counters_metric edge_rows[EDGE_COUNTERS] = {
#define X(name, kind, help) {#name, help, COUNTERS_##kind},
#include "dataplane/worker/edge_counter.def"
#undef X
};

enum process_counter {
	PROCESS_heartbeat,
	PROCESS_mbufs,
	PROCESS_mbufs_free,
	PROCESS_tls_taken,
	PROCESS_tls_refused,
	PROCESS_ROWS,
};

static const struct counters_metric process_rows[PROCESS_ROWS] = {
	{"heartbeat", "the cold thread's last tick", COUNTERS_TIME},
	{"mbufs", "packet buffers", COUNTERS_GAUGE},
	{"mbufs_free", "packet buffers that nobody holds", COUNTERS_GAUGE},
	{"tls_taken", "sets of certificates, keys, lists and profiles that came into use", COUNTERS_SUM},
	{"tls_refused", "and those that could not be used: what was in use before stayed, an event says why",
	 COUNTERS_SUM},
};

static const struct counters_metric port_rows[BOX_PORT_COUNTERS] = {
#define X(name, kind, help) {#name, help, COUNTERS_##kind},
#include "dataplane/worker/port_counter.def"
#undef X
};

static unsigned rows_take(struct counters_metric *to, char (*names)[COUNTERS_NAME_MAX], const char *prefix,
			  const struct net_metric *from, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		snprintf(names[i], COUNTERS_NAME_MAX, "%s%s", prefix, from[i].name);
		to[i] = (struct counters_metric){names[i], from[i].help, COUNTERS_SUM};
	}
	return n;
}

static void tls_rows_take(struct counters_metric *to, char (*names)[COUNTERS_NAME_MAX])
{
	static const struct {
		const char *prefix;
		const struct tls_metric *from;
		unsigned n;
	} parts[] = {
		{"", tls_counter_info, TLS_COUNTERS},
		{"end.", tls_end_info, TLS_ENDS},
		{"verdict.", tls_verdict_info, TLS_VERDICTS},
	};
	unsigned n = 0;

	for (unsigned p = 0; p < sizeof(parts) / sizeof(parts[0]); p++)
		for (unsigned i = 0; i < parts[p].n; i++, n++) {
			snprintf(names[n], COUNTERS_NAME_MAX, "%s%s", parts[p].prefix, parts[p].from[i].name);
			to[n] = (struct counters_metric){names[n], parts[p].from[i].help, COUNTERS_SUM};
		}
	memcpy(to + n, tls_gauges, sizeof(tls_gauges));
}

static const struct counters_metric proxy_gauges[PROXY_GAUGES] = {
	{"conns", "links that the proxy knows of", COUNTERS_GAUGE},
	{"servers", "server transactions", COUNTERS_GAUGE},
	{"clients", "client transactions", COUNTERS_GAUGE},
	{"parked_now", "requests that wait", COUNTERS_GAUGE},
	{"buffers", "buffers in use", COUNTERS_GAUGE},
};

static void proxy_rows_take(struct counters_metric *to, char (*names)[COUNTERS_NAME_MAX])
{
	unsigned n = 0;

	for (; n < PROXY_COUNTERS; n++)
		to[n] = (struct counters_metric){proxy_counter_info[n].name, proxy_counter_info[n].help,
						 COUNTERS_SUM};
	for (unsigned i = 0; i < PROXY_DROPS; i++, n++) {
		snprintf(names[i], COUNTERS_NAME_MAX, "drop.%s", proxy_drop_info[i].name);
		to[n] = (struct counters_metric){names[i], proxy_drop_info[i].help, COUNTERS_SUM};
	}
	memcpy(to + n, proxy_gauges, sizeof(proxy_gauges));
}

int box_counters_open(struct box *b)
{
	char names[NET_ROWS][COUNTERS_NAME_MAX], numbers[BOOT_WORKERS_MAX][8];
	char tcp_names[TCP_COUNTERS + TCP_DROPS][COUNTERS_NAME_MAX];
	struct counters_metric net_rows[NET_ROWS], worker_rows[WORKER_COUNTERS], tcp_rows[TCP_ROWS];
	char tls_names[TLS_NAMED][COUNTERS_NAME_MAX];
	struct counters_metric tls_rows[EDGE_TLS_ROWS], proxy_rows[EDGE_PROXY_ROWS];
	char proxy_names[PROXY_DROPS][COUNTERS_NAME_MAX];
	const char *cores[BOOT_WORKERS_MAX], *ports[BOOT_PORTS_MAX], *process[] = {"process"};
	unsigned n = 0;
	int rc;

	for (unsigned i = 0; i < b->config.workers; i++) {
		snprintf(numbers[i], sizeof(numbers[i]), "%u", i);
		cores[i] = numbers[i];
	}
	for (unsigned i = 0; i < b->n_ports; i++)
		ports[i] = b->ports[i].port.config.name;
	for (unsigned i = 0; i < WORKER_COUNTERS; i++)
		worker_rows[i] = (struct counters_metric){worker_counter_info[i].name,
							  worker_counter_info[i].help, COUNTERS_SUM};
	n += rows_take(net_rows + n, names + n, "", net_counter_info, NET_COUNTERS);
	n += rows_take(net_rows + n, names + n, "drop.", net_drop_info, NET_DROPS);
	n += rows_take(net_rows + n, names + n, "output_drop.", net_output_drop_info, NET_OUTPUT_DROPS);
	rows_take(tcp_rows, tcp_names, "", tcp_counter_info, TCP_COUNTERS);
	rows_take(tcp_rows + TCP_COUNTERS, tcp_names + TCP_COUNTERS, "drop.", tcp_drop_info, TCP_DROPS);
	memcpy(tcp_rows + TCP_COUNTERS + TCP_DROPS, tcp_gauges, sizeof(tcp_gauges));
	tls_rows_take(tls_rows, tls_names);
	proxy_rows_take(proxy_rows, proxy_names);

	const struct counters_spec specs[] = {
		{"process", process_rows, PROCESS_ROWS, 1, process},
		{"worker", worker_rows, WORKER_COUNTERS, b->config.workers, cores},
		{"net", net_rows, n, b->config.workers, cores},
		{"tcp", tcp_rows, TCP_ROWS, b->config.workers, cores},
		{"tls", tls_rows, EDGE_TLS_ROWS, b->config.workers, cores},
		{"proxy", proxy_rows, EDGE_PROXY_ROWS, b->config.workers, cores},
		{"edge", edge_rows, EDGE_COUNTERS, b->config.workers, cores},
		{"port", port_rows, BOX_PORT_COUNTERS, b->n_ports, ports},
	};

	rc = counters_create(&b->counters, b->run_dir, specs, sizeof(specs) / sizeof(specs[0]),
			     base_clock_kernel());
	if (rc)
		return rc;
	b->process_counters = counters_values(&b->counters, "process", 0);
	for (unsigned i = 0; i < b->n_ports; i++)
		b->ports[i].counters = counters_values(&b->counters, "port", i);
	return 0;
}

static void port_update(struct box_port *p)
{
	uint64_t *c = p->counters;
	struct rte_eth_stats s;

	c[BOX_PORT_link] = p->link;
	c[BOX_PORT_downs] = p->downs;
	c[BOX_PORT_rx_queues] = p->port.rx_queues;
	c[BOX_PORT_tx_queues] = p->port.tx_queues;
	if (rte_eth_stats_get(p->port.id, &s) == 0) {
		c[BOX_PORT_rx_frames] = s.ipackets;
		c[BOX_PORT_tx_frames] = s.opackets;
		c[BOX_PORT_rx_bytes] = s.ibytes;
		c[BOX_PORT_tx_bytes] = s.obytes;
		c[BOX_PORT_rx_missed] = s.imissed;
		c[BOX_PORT_rx_errors] = s.ierrors;
		c[BOX_PORT_rx_no_mbuf] = s.rx_nombuf;
		c[BOX_PORT_tx_errors] = s.oerrors;
	}
	if (p->capture) {
		struct capture_counts n = capture_counts_get(p->capture);

		c[BOX_PORT_capture_written] = n.written;
		c[BOX_PORT_capture_lost] = n.lost;
	}
	if (p->fault) {
		struct fault_counts n = fault_counts_get(p->fault);

		c[BOX_PORT_fault_dropped] = n.dropped;
		c[BOX_PORT_fault_duplicated] = n.duplicated;
		c[BOX_PORT_fault_reordered] = n.reordered;
		c[BOX_PORT_fault_corrupted] = n.corrupted;
		c[BOX_PORT_fault_delayed] = n.delayed;
		c[BOX_PORT_fault_overflowed] = n.overflowed;
	}
}

void box_counters_update(struct box *b)
{
	uint64_t total = 0, free = 0;

	if (!b->counters.super)
		return;
	b->process_counters[PROCESS_heartbeat] = base_clock_kernel();
	for (unsigned i = 0; i < b->pools.n; i++) {
		total += b->pools.pools[i].pool->size;
		free += rte_mempool_avail_count(b->pools.pools[i].pool);
	}
	b->process_counters[PROCESS_mbufs] = total;
	b->process_counters[PROCESS_mbufs_free] = free;
	b->process_counters[PROCESS_tls_taken] = b->tls_taken;
	b->process_counters[PROCESS_tls_refused] = b->tls_refused;
	for (unsigned i = 0; i < b->n_ports; i++)
		port_update(&b->ports[i]);
}
