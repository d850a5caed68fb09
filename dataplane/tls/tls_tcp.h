/* SPDX-License-Identifier: BSD-3-Clause */
/* TLS sessions on TCP connections: binds a core to the stack of the same worker. The stack's ops are ours;
 * what stands above sees sessions alone. */
#ifndef DATAPLANE_TLS_TLS_TCP_H
#define DATAPLANE_TLS_TLS_TCP_H

#include "dataplane/tcp/tcp.h"
#include "dataplane/tls/tls.h"

/* the context of tls_tcp_wire: give it to tls_core_create(), then fill it */
struct tls_tcp {
	struct tls_core *core;
	struct tcp_stack *stack;
};

extern const struct tls_wire tls_tcp_wire;

/* Must live as long as the stack. */
struct tls_tcp_listener {
	struct tls_tcp *tls;
	unsigned profile, identity;
	const struct tls_ops *ops;
	/* A connection is up and its handshake begins. Returns the user pointer; NULL refuses (RST). */
	void *(*accept)(void *ctx, uint64_t id, const struct net_tuple *tuple);
	void *ctx;
};

/* 0 or what tcp_listen() says */
int tls_tcp_listen(struct tls_tcp_listener *listener, const struct base_addr *local, uint16_t port);
/* Connects and shakes hands; `ready` or `closed` follows. remote and remote_port of `params` are taken from
 * `tuple`. 0, or what tls_connect() and tcp_connect() say. */
int tls_tcp_connect(struct tls_tcp *t, const struct net_tuple *tuple, const struct tls_client_params *params,
		    const struct tls_ops *ops, void *user, uint64_t *id);

/* tcp_stuck_ms() of what is below a session; 0 also for one that is no more */
uint32_t tls_tcp_stuck_ms(struct tls_tcp *t, uint64_t id);

#endif
