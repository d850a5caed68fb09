/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP on a worker: a stack whose segments go through the worker's net. What stands above it gives its own
 * `turn` and calls these from its worker_app. */
#ifndef DATAPLANE_WORKER_WORKER_TCP_H
#define DATAPLANE_WORKER_WORKER_TCP_H

#include "dataplane/tcp/tcp.h"
#include "dataplane/worker/worker.h"

/* One for all workers of a box. */
struct worker_tcp_setup {
	struct tcp_config config; /* of each core; core_bytes 0: the core's share of the packet buffers behind
				     the reserve */
	struct tcp_secrets secrets;
	unsigned n_workers;
	unsigned tx_mbufs, compact_mbufs; /* of each core; 0: 4095 and 16383 */
};

struct worker_tcp {
	struct tcp_stack *stack;
	struct worker *worker;
	struct rte_mempool *tx, *compact;
};

/* Defaults, and secrets from the kernel's generator. 0 or -errno. */
int worker_tcp_setup_init(struct worker_tcp_setup *setup, unsigned n_workers);
/* Cold, in worker_app.open(). 0 or -errno. */
int worker_tcp_open(struct worker_tcp *t, struct worker *w, const struct worker_tcp_setup *setup);
/* Cold, in worker_app.close(): while the worker's net is still there. */
void worker_tcp_close(struct worker_tcp *t);
/* Once a turn, in worker_app.turn(): timers and what API calls left to send; how much was done. */
static inline unsigned worker_tcp_turn(struct worker_tcp *t, uint64_t now_ns)
{
	return tcp_timers(t->stack, now_ns, 256) + tcp_flush(t->stack, now_ns);
}

#endif
