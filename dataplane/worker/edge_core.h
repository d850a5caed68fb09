/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of the edge, for its files: one worker's. */
#ifndef DATAPLANE_WORKER_EDGE_CORE_H
#define DATAPLANE_WORKER_EDGE_CORE_H

#include "dataplane/base/pool.h"
#include "dataplane/proxy/proxy.h"
#include "dataplane/worker/edge.h"
#include "dataplane/worker/edge_probe.h"

enum {
	EDGE_LINGER_S = 180, /* longer than a half-open connection lives */
	EDGE_LISTENER_SLOTS = 2 * EDGE_LISTENERS,
};

/* Half-open connections know their listener: the slot of one that is gone is not given away before the last
 * of them can have become a connection. */
struct edge_listener {
	struct tls_tcp_listener tls; /* its profile and identity are those of the connections to come */
	struct edge *edge;
	struct base_addr ip;
	uint16_t port;
	uint8_t side;
	bool plain; /* TCP without TLS; `tls` has no part in it then */
	bool on;
	uint32_t identity_id; /* policy_identity.id, of a plain one */
	uint64_t free_ns;     /* when the slot may be used again */
};

struct edge {
	struct worker *worker;
	struct edge_setup *setup;
	struct edge_mail *mail;
	struct worker_tcp tcp;
	struct tls_tcp tls;
	struct tls_arena arena;
	bool arena_there;
	/* the policy, as of this burst */
	struct edge_policy *policy;
	struct policy_reader *reader;
	const struct policy_view *view; /* NULL: there is none */
	struct edge_exchange *exchange;
	struct ring_producer questions, events;
	struct edge_config *config; /* NULL: none yet */
	struct tls_keylog *keylog;  /* NULL, unless an operator looks at one peer */
	struct proxy *proxy;
	struct base_pool links;
	uint32_t sweep_at;	/* the next link that is looked at for revocation; BASE_POOL_NONE: all were */
	uint32_t resume_head;	/* links that the proxy wants more of */
	uint32_t reserved_room; /* of the buffer between reserve and commit */
	/* handshakes that failed: this second, and those that were not told */
	uint64_t failed_ns;
	uint64_t chain_id; /* of the chain that control was told of last */
	uint32_t failed, failed_untold;
	struct edge_listener listeners[EDGE_LISTENER_SLOTS];
	uint64_t now_ns, wall_ns; /* CLOCK_REALTIME of now_ns */
	uint64_t wall_sync_ns, stats_ns;
	struct edge_probe probe;
	uint64_t *counters; /* EDGE_COUNTERS words */
	uint64_t no_counters[EDGE_COUNTERS];
};

/* takes what the configuration says: listens to what is new, leaves what is gone */
void edge_listen_follow(struct edge *e);

/* tells control; lost when there is no room */
static inline void edge_tell(struct edge *e, const struct exchange_event *event)
{
	ring_produce(&e->events, EXCHANGE_EVENT, event, sizeof(*event));
}

#endif
