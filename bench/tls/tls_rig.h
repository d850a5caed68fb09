/* SPDX-License-Identifier: BSD-3-Clause */
/* A worker with TCP and TLS on a ring port, and scripted TLS clients (libssl over memory) on the other end of
 * the ring. The worker's own turns are what is timed; clients run between them on the same thread. */
#ifndef BENCH_TLS_TLS_RIG_H
#define BENCH_TLS_TLS_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "bench/harness/bench.h"
#include "bench/tcp/tcp_load.h"
#include "dataplane/tls/tls_tcp.h"
#include "dataplane/tls/tls_world.h"
#include "dataplane/worker/worker_tcp.h"
#include "drivers/port.h"

enum { RIG_MUTUAL = 5061, RIG_SERVER_ONLY = 5062 };

struct rig {
	struct bench *bench;
	struct driver_pools pools;
	struct driver_port port;
	struct net_shared *shared;
	struct worker worker;
	uint64_t counters[WORKER_COUNTERS];
	struct worker_tcp tcp;
	struct worker_tcp_setup setup;
	struct tls_arena arena;
	struct tls_tcp tls;
	struct tls_tcp_listener listeners[2];
	struct load load;
	uint64_t busy;	 /* ticks of turns that had work */
	uint64_t heap;	 /* bytes that turns allocated, by any allocator of the process */
	bool count_heap; /* costs a call a turn */
	uint64_t ready, closed, echoed;
	struct tls_info last;
	uint64_t last_id;
	/* the client that talks now */
	SSL *ssl;
	uint32_t talking;
	SSL_SESSION *ticket; /* the newest that came */
};

/* Once in a process; then one rig after the other. Profile 0 of the world is that of RIG_MUTUAL, where
 * `client` calls, 1 that of RIG_SERVER_ONLY, where `anonymous` does. */
void rig_init(struct bench *b, const struct tls_world_spec *world, SSL_CTX *client, SSL_CTX *anonymous);
/* `own` records or libssl's; X25519 by our arithmetic or by libcrypto's */
void rig_open(struct rig *r, uint32_t sessions, bool own, bool own_x25519);
void rig_close(struct rig *r);
/* Client i connects and shakes hands, offering `resume` unless that is NULL. Whatever was not as asked is
 * bench_wrong(). The client's TLS state stays in r->ssl until the next one or rig_hang_up(). */
void rig_shake(struct rig *r, uint32_t i, uint16_t port, SSL_SESSION *resume);
/* the client's TLS state goes; its connection stays open */
void rig_forget(struct rig *r);
/* and its connection goes too, by RST */
void rig_hang_up(struct rig *r);
/* the client says `len` bytes and reads the same back */
void rig_echo(struct rig *r, const void *bytes, int len);

#endif
