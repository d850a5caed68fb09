/* SPDX-License-Identifier: BSD-3-Clause */
/* What the cold thread and one worker hand each other, by pointer, between two bursts. Nobody waits: a worker
 * looks once a turn, the cold thread once a beat. */
#ifndef DATAPLANE_WORKER_EDGE_MAIL_H
#define DATAPLANE_WORKER_EDGE_MAIL_H

#include <stdatomic.h>
#include <stdbool.h>

#include "config/exchange/area.h"
#include "config/exchange/command.h"
#include "config/exchange/probe.h"
#include "config/policy/reader.h"
#include "dataplane/tcp/tcp.h"
#include "dataplane/tls/tls.h"
#include "dataplane/tls/tls_world.h"

enum { EDGE_LISTENERS = TCP_LISTENERS_MAX, EDGE_PLACES = TLS_IDENTITIES_MAX, EDGE_ORDERS = 8 };

/* A segment that is attached to, with a reader for each worker and, behind them, the cold thread's. */
struct edge_policy {
	struct segment segment;
	struct policy_memo *memos; /* of the workers' readers */
	struct policy_reader readers[];
};

/* Control's rings as we see them: where our consumers' places are. */
struct edge_exchange {
	struct exchange_area control;
};

struct edge_listen {
	struct base_addr ip;
	uint16_t port;
	uint8_t side;		   /* enum policy_side */
	bool plain;		   /* TCP without TLS, inside */
	uint8_t identity, profile; /* places in the world; a plain one may have none (UINT8_MAX) */
	uint32_t identity_id;	   /* policy_identity.id */
};

/* one place of the world's identities or profiles */
struct edge_place {
	uint32_t id; /* in the policy; 0: not in use */
	uint8_t side;
	uint8_t profile;   /* of an identity: the place of the profile that it uses by itself */
	uint16_t subjects; /* of a profile: names that peers must have one of, 0: any */
	struct policy_name *subject;
	struct tls_lists *lists; /* of a profile; NULL: none */
};

/* All that a worker needs of one generation's certificates, listeners and keys. Read-only for the worker. */
struct edge_config {
	struct tls_world *world; /* NULL once the worker's core has it */
	struct tls_ticket_keys tickets;
	bool has_tickets;
	uint8_t route[3][POLICY_ROUTE_KEY_LEN]; /* next, current, previous; all zero: not there */
	unsigned n_listens;
	struct edge_listen listens[EDGE_LISTENERS];
	struct edge_place identities[TLS_IDENTITIES_MAX];
	struct edge_place profiles[TLS_PROFILES_MAX];
	uint8_t trust[TLS_PROFILES_MAX][32]; /* SHA-256 of each profile's anchors; all zero: it has none */
	char *names;			     /* what the subjects point into */
};

void edge_config_free(struct edge_config *c);

struct edge_mail {
	/* written by the cold thread, looked at by the worker */
	_Alignas(64) _Atomic(struct edge_policy *) policy;
	_Atomic(struct edge_exchange *) exchange;
	_Atomic(struct edge_config *) offered; /* taken by exchange with NULL, by either */
	_Atomic(struct tls_keylog *) keylog;   /* NULL: none */
	_Atomic(uint32_t) served; /* policy generation whose certificates and listeners were offered last */
	/* written by the worker: what it uses now, and what it gives back */
	_Alignas(64) _Atomic(struct edge_policy *) policy_used;
	_Atomic(struct edge_exchange *) exchange_used;
	_Atomic(struct edge_config *) returned;
	_Atomic(struct tls_world *) retired;
	_Atomic(struct tls_keylog *) keylog_used;
	/* what control wants done, in order: each index is how many there ever were */
	_Alignas(64) _Atomic uint32_t orders_in; /* the cold thread's */
	struct exchange_command orders[EDGE_ORDERS];
	_Alignas(64) _Atomic uint32_t orders_out; /* the worker's */
	/* the same for probes, of which one waits; the first worker's alone */
	_Atomic uint32_t probes_out; /* the worker's */
	_Alignas(64) _Atomic uint32_t probes_in;
	struct exchange_probe probe;
};

#endif
