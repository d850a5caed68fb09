/* SPDX-License-Identifier: BSD-3-Clause */
/* The application of the dataplane: the proxy on TLS on TCP, as control published it. The
 * cold thread attaches the policy segment, reads secrets and builds contexts (policy_cold.c, world_cold.c);
 * workers take them by pointer (edge_mail.h). Without control it goes on with what the files say; without a
 * policy it listens to nothing. */
#ifndef DATAPLANE_WORKER_EDGE_H
#define DATAPLANE_WORKER_EDGE_H

#include "config/exchange/event.h"
#include "config/exchange/question.h"
#include "config/schema/boot.h"
#include "dataplane/proxy/proxy.h"
#include "dataplane/tls/tls_tcp.h"
#include "dataplane/worker/edge_mail.h"
#include "dataplane/worker/keylog_file.h"
#include "dataplane/worker/policy_cold.h"
#include "dataplane/worker/ring_cold.h"
#include "dataplane/worker/worker_tcp.h"
#include "dataplane/worker/world_cold.h"

enum edge_counter {
#define X(name, kind, help) EDGE_COUNTER_##name,
#include "dataplane/worker/edge_counter.def"
#undef X
	EDGE_COUNTERS
};

/* what the counters file has of TLS: struct tls_stats, then the arena; of the proxy: struct proxy_stats */
enum {
	EDGE_TLS_ARENA = 5,
	EDGE_TLS_ROWS = sizeof(struct tls_stats) / 8 + EDGE_TLS_ARENA,
	EDGE_PROXY_ROWS = sizeof(struct proxy_stats) / 8
};

struct edge;

/* One for the box; belongs to the cold thread. */
struct edge_setup {
	struct worker_tcp_setup tcp;
	struct tls_core_config tls;
	struct proxy_config proxy;
	uint8_t branch_key[32]; /* one for all workers */
	unsigned n_workers;
	struct proxy_mail *proxy_mail; /* NULL: there is one worker */
	struct moved *moved;	       /* in a file; NULL: there can be none */
	struct exchange_tables tables;
	struct edge *edges[BOOT_WORKERS_MAX];
	struct edge_mail mails[BOOT_WORKERS_MAX];
	struct policy_cold policy;
	struct world_cold world;
	struct ring_cold rings;
	struct keylog_file keylog;
};

/* Defaults, and secrets from the kernel's generator. 0 or -errno. */
int edge_setup_init(struct edge_setup *setup, const struct boot_config *config);

extern const struct worker_app edge_app;

#endif
