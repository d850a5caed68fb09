/* SPDX-License-Identifier: BSD-3-Clause */
/* The federation proxy of one worker: admission by decide(), transactions, forwarding, connections to next
 * hops. A state machine over links (link.h): no I/O, no clock, no allocation after create. Time, policy and
 * randomness come in; bytes, questions and events go out through the two tables of functions. One thread, but
 * where "cold" is said.
 *
 * A turn of the worker:
 *   proxy_begin(now, wall, view)   the policy is pinned by the caller until proxy_end()
 *   events of links                from the edge
 *   proxy_turn()                   timers, parked messages, messages of other workers
 *   proxy_end()                    nothing of the view is held any more
 */
#ifndef DATAPLANE_PROXY_PROXY_H
#define DATAPLANE_PROXY_PROXY_H

#include "config/exchange/exchange_table.h"
#include "config/exchange/question.h"
#include "config/policy/view.h"
#include "config/policy/watch.h"
#include "dataplane/proxy/link.h"

struct proxy;
struct proxy_mail;
struct exchange_event;

enum { PROXY_CORES_MAX = 64 };

enum proxy_counter {
#define X(name, help) PROXY_COUNTER_##name,
#include "dataplane/proxy/proxy_counter.def"
#undef X
	PROXY_COUNTERS
};

enum proxy_drop {
#define X(name, help) PROXY_DROP_##name,
#include "dataplane/proxy/proxy_drop.def"
#undef X
	PROXY_DROPS
};

struct proxy_metric {
	const char *name, *help;
};
extern const struct proxy_metric proxy_counter_info[PROXY_COUNTERS];
extern const struct proxy_metric proxy_drop_info[PROXY_DROPS];

/* Out of the proxy, besides bytes. Each may be NULL. */
struct proxy_ops {
	/* Asks control; the answer comes as a fact of the policy. False: no room now (it is asked again). */
	bool (*ask)(void *ctx, const struct exchange_question *question);
	/* tells control what happened; lost when there is no room */
	void (*event)(void *ctx, const struct exchange_event *event);
	/* A watch entry (limits of discovered partners) as it is now, for control to keep and publish. */
	void (*watch)(void *ctx, const struct policy_watch *watch);
	/* What control kept of this peer from before a restart; NULL: nothing. Good until proxy_end(). */
	const struct policy_watch *(*watched)(void *ctx, const uint8_t key[POLICY_WATCH_KEY_LEN]);
};

/* Address space is taken at create, memory as it is used. */
struct proxy_config {
	uint32_t conns;	       /* links in all */
	uint32_t transactions; /* of each half */
	uint32_t parked;       /* requests that wait for DNS, a connection or a limit */
	uint32_t parked_bytes;
	uint32_t parked_ms;  /* how long for DNS */
	uint32_t connect_ms; /* how long a request waits for TCP and TLS of one next hop */
	uint32_t open_ms;    /* and how long that goes on, for who comes later */
	uint32_t per_hop;    /* connections per (identity, next hop, expected name), 1–4 */
	uint32_t head_max, headers_max, body_max;
	uint32_t out_bytes; /* queued output of one link; beyond it the link ends */
	uint32_t buffers_2k, buffers_16k, buffers_128k, buffers_1m;
	uint32_t back_off_ms;	    /* a next hop that failed is not tried so long, if there is another */
	uint32_t refusals_close_ms; /* a link that so long brought nothing but refusals is closed */
	uint32_t idle_close_ms;	    /* an outgoing link without traffic is closed */
	uint32_t timer_c_ms;	    /* RFC 3261 section 16.6 item 11 */
	uint32_t limit_peers, limit_sets; /* limited peers that are remembered; those with many URIs */
	uint32_t health_ms;		  /* between two OPTIONS to an internal next hop, 0: none */
};

void proxy_config_default(struct proxy_config *config);
/* Memory of one transaction, both halves, beside the buffers that it has while it is under way. */
uint32_t proxy_transaction_bytes(void);

/* Keys that all workers share: of signed routes ({next, current, previous}, 64 bytes each; all zero: not
 * there), and one drawn at start for branches, tags and tables. Copied. */
struct proxy_keys {
	uint8_t route[3][64];
	uint8_t branch[32];
};

/* Cold. `core` is this worker's number among `cores`, which goes into branches. NULL with errno. */
struct proxy *proxy_create(const struct proxy_config *config, const struct proxy_keys *keys, unsigned core,
			   unsigned cores, const struct link_ops *link, const struct proxy_ops *ops,
			   void *ctx, uint64_t seed);
/* Cold, when no worker uses it. Links are not told. */
void proxy_destroy(struct proxy *p);
/* What the proxies of one box share. Cold; it outlives them. A box with one worker needs none. */
struct proxy_mail *proxy_mail_create(unsigned cores);
void proxy_mail_destroy(struct proxy_mail *mail);
/* Cold, before the first turn. All workers attach to the same one, or none does. */
void proxy_mail_attach(struct proxy *p, struct proxy_mail *mail);
/* Where Contacts of ours moved in the middle of a dialog (moved.h). Without one in common, a box with one
 * worker has its own and others forget. Cold, before the first turn; it outlives the proxies of the box, and
 * where its memory outlives the process, a restart forgets nothing. */
struct moved;
void proxy_moved_attach(struct proxy *p, struct moved *moved);
/* On the worker, between two turns: rotation. */
void proxy_keys_set(struct proxy *p, const struct proxy_keys *keys);

/* `now_ns` CLOCK_MONOTONIC, `wall_ns` CLOCK_REALTIME. view NULL: no policy, everything is refused. */
void proxy_begin(struct proxy *p, uint64_t now_ns, uint64_t wall_ns, const struct policy_view *view);
/* After proxy_begin(), and as long pinned: a candidate that judges each new request too. What it would do
 * otherwise is counted and told, and nothing else changes. */
void proxy_shadow(struct proxy *p, const struct policy_view *candidate);
/* how much was done */
unsigned proxy_turn(struct proxy *p);
void proxy_end(struct proxy *p);

/* ---- events of links: between proxy_begin() and proxy_end() ---- */

/* A peer has connected and is ready. Its conn, or 0: refused, the edge closes. */
uint64_t proxy_link_accepted(struct proxy *p, uint64_t id, const struct link_facts *facts);
/* one that we opened is ready */
void proxy_link_up(struct proxy *p, uint64_t conn, const struct link_facts *facts);
/* Plaintext, writable, not kept. How many bytes were taken; fewer than len: read no more until resume(). */
uint32_t proxy_link_data(struct proxy *p, uint64_t conn, uint8_t *bytes, uint32_t len);
/* Bytes come soon: calls for the memory that they will need, and waits for none. Steps 0 and 1, with other
 * work between them. */
void proxy_link_warm(struct proxy *p, uint64_t conn, unsigned step);
void proxy_link_writable(struct proxy *p, uint64_t conn);
/* the peer sends no more; we still may */
void proxy_link_eof(struct proxy *p, uint64_t conn);
/* the last one, exactly once for each link that was accepted or whose connect() returned 0; `why`: what the
 * layer below knows of the cause; NULL: nothing */
void proxy_link_closed(struct proxy *p, uint64_t conn, enum link_end end, const char *why);
/* its certificate was revoked since: messages are refused from now on */
void proxy_link_revoked(struct proxy *p, uint64_t conn);

/* On the worker, between two turns: an operator's word that all is forgiven; of every peer when the key is
 * all zero. False: its home is not this core, or it is not known. Of each that is forgiven control is told an
 * entry with a key and nothing else. */
bool proxy_watch_reset(struct proxy *p, const uint8_t key[POLICY_WATCH_KEY_LEN]);

enum { PROXY_TABLES = 4 };

/* What `show` prints: tables peers, transactions, partners, limits of the tables file
 * (config/exchange/exchange_table.h), for so many workers. Fills out, returns PROXY_TABLES. Cold. */
unsigned proxy_tables_specs(struct exchange_table_spec out[PROXY_TABLES], unsigned cores);
/* Cold, before the first turn: the proxy writes its rows, a few a turn, all within a second or so. `tables`
 * must outlive it. */
void proxy_tables_attach(struct proxy *p, const struct exchange_tables *tables);

struct proxy_stats {
	uint64_t counters[PROXY_COUNTERS];
	uint64_t drops[PROXY_DROPS];
	uint64_t conns, servers, clients, parked, buffers; /* now */
};
const struct proxy_stats *proxy_stats_get(struct proxy *p);

#endif
