/* SPDX-License-Identifier: BSD-3-Clause */
/* The state of connections and of a core's stack: private to dataplane/tcp. An idle connection is one
 * `tcp_conn` of three cache lines, a table entry, and nothing else; `tcp_active` exists while something is
 * queued or unacknowledged, `tcp_reasm` while there is a hole in what was received. */
#ifndef DATAPLANE_TCP_CONN_H
#define DATAPLANE_TCP_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "dataplane/base/pool.h"
#include "dataplane/base/wheel.h"
#include "dataplane/tcp/account.h"
#include "dataplane/tcp/header.h"
#include "dataplane/tcp/seq.h"
#include "dataplane/tcp/tcp_table.h"
#include "dataplane/tcp/tcp.h"

/* Two clocks are cut from now_ns by shifts: "us" is 1024 ns, a timer tick 262 us; TSval counts 1.05 ms. */
enum {
	TCP_US_SHIFT = 10,
	TCP_TICK_SHIFT = 18,
	TCP_TS_SHIFT = 20,
	TCP_TICK_US_SHIFT = TCP_TICK_SHIFT - TCP_US_SHIFT,
};

enum tcp_flag {
	TCP_F_TS = 1 << 0,
	TCP_F_SACK = 1 << 1,
	TCP_F_ECN = 1 << 2,
	TCP_F_ACTIVE_OPEN = 1 << 3,
	TCP_F_FIN_QUEUED = 1 << 4, /* the upper layer has shut down */
	TCP_F_FIN_SENT = 1 << 5,   /* snd_nxt is behind our FIN */
	TCP_F_CLOSED = 1 << 6,	   /* the upper layer wants no more data */
	TCP_F_DETACHED = 1 << 7,   /* no upper layer: half-open, TIME-WAIT, ended */
	TCP_F_READY = 1 << 8,	   /* on the ready list */
	TCP_F_DEAD = 1 << 9,	   /* freed when the ready list reaches it */
	TCP_F_OUTPUT = 1 << 10,	   /* look whether there is something to send */
	TCP_F_ACK_NOW = 1 << 11,
	TCP_F_WANT_WRITE = 1 << 12,
	TCP_F_ECE = 1 << 13,	   /* CE seen, echo until CWR (RFC 3168 6.1.3) */
	TCP_F_CWR = 1 << 14,	   /* window reduced for ECE, say so on the next data */
	TCP_F_PROBING = 1 << 15,   /* a zero-window probe of one byte is out */
	TCP_F_KEEPALIVE = 1 << 16, /* probes are out */
	TCP_F_BLACKHOLE = 1 << 17, /* mss was lowered because full segments vanished */
	TCP_F_HAS_RTT = 1 << 18,
	TCP_F_WS = 1 << 19, /* window scaling: offered, then agreed */
	TCP_F_EV_ACCEPT = 1 << 20,
	TCP_F_EV_CONNECTED = 1 << 21,
	TCP_F_EV_READ = 1 << 22,
	TCP_F_EV_EOF = 1 << 23,
	TCP_F_EV_WRITE = 1 << 24,
	TCP_F_EV_DEADLINE = 1 << 25,
	TCP_F_EV_END = 1 << 26,
	TCP_F_IN_TABLE = 1 << 27,
	TCP_F_HALF_OPEN = 1 << 28, /* counted in half_open */
	TCP_F_SYN_RETRIED = 1 << 29,
	TCP_F_HELD = 1 << 30, /* due_idle is for bytes that wait to be consumed or completed */
};

/* what due_rtx is for */
enum tcp_timer_kind { TCP_TIMER_NONE, TCP_TIMER_RTO, TCP_TIMER_TLP, TCP_TIMER_REO, TCP_TIMER_PERSIST };

struct tcp_conn {
	/* line 0: what a segment is matched and sequenced by. `remote` first: the pool's free link overlays
	 * it. */
	struct base_addr remote, local;
	uint16_t remote_port, local_port;
	uint32_t hash;
	uint32_t generation; /* kept while the slot is free */
	uint8_t state;	     /* enum tcp_state */
	uint8_t app;	     /* index into stack->apps */
	uint8_t scales;	     /* snd | rcv << 4 */
	uint8_t timer_kind;
	uint32_t flags;
	uint32_t rcv_nxt;
	uint32_t snd_una, snd_nxt;

	/* line 1 */
	uint32_t rcv_adv; /* right edge of the window that we offered */
	uint32_t snd_wnd, snd_wl1, snd_wl2;
	uint32_t ts_recent;
	uint32_t last_rx_tick; /* when the peer was last heard: keep-alive, PAWS age, restart after idle */
	uint32_t ready_next;
	uint32_t last_ack_sent;	     /* RFC 7323 4.3 */
	uint32_t srtt_us, rttvar_us; /* srtt << 3, rttvar << 2 as in RFC 6298 with integer shifts */
	uint16_t mss, mss_max;	     /* payload bytes, options already taken off */
	uint16_t cwnd_kept,
		ssthresh_kept; /* in segments, while there is no active block; 0xffff: unlimited */
	uint32_t active;       /* index or BASE_POOL_NONE */
	uint32_t reasm;	       /* likewise */
	uint32_t held;	       /* in-order bytes that the upper layer has not consumed */

	uint16_t max_wnd; /* largest window seen, unscaled (MAX.SND.WND of RFC 5961) */
	uint8_t retries;
	uint8_t unacked_segs; /* data segments since our last ACK */

	/* line 2: timers, upper layer, what was received; an ACK alone does not come here */
	struct wheel_link timer;		       /* one for all: armed for the earliest of the dues */
	uint32_t due_rtx, due_ack, due_idle, due_user; /* ticks, 0: not set */
	void *user;
	union {
		struct {
			struct rte_mbuf *rx_head, *rx_tail;
		};
		struct { /* in TIME-WAIT: the queue of those, oldest first */
			uint32_t tw_next, tw_prev;
		};
	};
	uint32_t prefix : 24;	    /* index of the source prefix' account */
	uint32_t blackhole_age : 8; /* when mss was lowered, in 69 s */
	uint16_t challenged;	    /* when the last challenge ACK went out, in 67 ms */
	uint8_t end;		    /* enum tcp_end once it has ended */
	uint8_t probes;		    /* keep-alives unanswered; with TCP_F_HELD: times that a hole was given */
};

_Static_assert(sizeof(struct tcp_conn) == 192, "an idle connection is three cache lines");

enum tcp_sent_flag {
	TCP_SENT_SACKED = 1,
	TCP_SENT_LOST = 2,
	TCP_SENT_REXMIT = 4, /* a retransmission is in flight */
	TCP_SENT_EVER = 8,   /* was retransmitted once: no RTT sample (Karn) */
	TCP_SENT_FIN = 16,
	TCP_SENT_PUSH = 32,
};

/* one queued or sent piece of the stream: a part of one mbuf */
struct tcp_sent {
	struct rte_mbuf *m; /* NULL: a FIN alone */
	uint32_t seq;
	uint32_t xmit_us;
	uint16_t len;
	uint16_t off; /* of the payload in the buffer */
	uint8_t flags;
	uint8_t xmits; /* saturating */
};

enum { TCP_RING_SMALL = 32, TCP_RING_BIG = 512 };

enum tcp_ca_state { TCP_CA_OPEN, TCP_CA_RECOVERY, TCP_CA_LOSS };

struct tcp_active {
	struct tcp_sent *ring;
	uint32_t head, next, tail; /* free running: [head, next) is sent, [next, tail) waits */
	uint32_t mask;
	uint32_t big; /* index of the big ring or BASE_POOL_NONE */

	uint32_t queued; /* payload bytes in [head, tail) */
	uint32_t cwnd, ssthresh;
	uint32_t sacked, lost,
		rexmit; /* sequence space: SACKed; lost and not SACKed; retransmissions in flight */
	uint32_t sacked_segs;
	uint32_t recover; /* snd_nxt at the begin of the recovery */
	uint32_t prr_delivered, prr_out, prr_base;
	uint8_t ca_state, dupacks, frto;
	bool cwnd_limited, reo_seen, tlp_out, tlp_rexmit, rtt_seen, undo_ok, ecn_reduced, round_dsack;
	uint32_t rexmit_ts;    /* TSval of the first retransmission: Eifel (RFC 3522) */
	uint32_t rexmit_high;  /* behind everything that was sent again since then */
	uint32_t undo_rexmits; /* retransmissions not yet reported by DSACK */
	uint32_t undo_cwnd, undo_ssthresh;
	uint32_t first_rto_tick; /* when the peer fell silent; 0: it has not */

	/* RFC 8985 */
	uint32_t rack_xmit_us, rack_end, rack_rtt_us, rack_fack, rack_min_rtt_us;
	uint32_t rack_reo_mult, rack_reo_persist, rack_round_end;
	uint32_t tlp_end;
	uint32_t ecn_recover;

	/* RFC 9438; windows in segments */
	float cubic_w_max, cubic_k, cubic_origin, cubic_w_est;
	uint32_t cubic_epoch_us;
	bool cubic_epoch;
	uint32_t ack_credit; /* NewReno: bytes acknowledged since the last growth */
	uint32_t round_start_us;

	/* what is in flight is mostly one entry: in one line */
	_Alignas(64) struct tcp_sent small_ring[TCP_RING_SMALL];
};

enum { TCP_RANGES_MAX = 64 };

/* data behind a hole: [start, end) in a chain of mbufs */
struct tcp_range {
	uint32_t start, end;
	struct rte_mbuf *head, *tail;
};

struct tcp_reasm {
	uint32_t n;
	uint32_t recent[3]; /* a byte of the ranges that grew last: first SACK blocks (RFC 2018 section 4) */
	uint32_t fin_seq;
	bool has_fin;				/* a FIN waits at fin_seq */
	struct tcp_range range[TCP_RANGES_MAX]; /* by sequence number */
};

struct tcp_app {
	const struct tcp_ops *ops;
	void *ctx;
};

struct tcp_listener {
	bool used, any;
	struct base_addr local;
	uint16_t port;
	uint8_t app;
};

struct tcp_bucket { /* of tokens */
	uint64_t last_ns;
	uint32_t tokens_milli;
};

enum { TCP_APPS_MAX = 64 };

struct tcp_stack {
	/* read by every segment */
	struct tcp_stats *stats;
	uint64_t now; /* ns, set by every entry point of the turn */
	uint32_t us, tick, ts;
	struct tcp_table table;
	struct base_pool conns, actives, rings, reasms;
	struct wheel wheel;
	uint32_t ready_head, ready_tail;
	struct tcp_env env;
	struct tcp_secrets secrets;
	struct tcp_config config;
	struct base_rng rng;

	struct tcp_account account;
	struct tcp_app apps[TCP_APPS_MAX];
	unsigned n_apps;
	struct tcp_listener listeners[TCP_LISTENERS_MAX];
	unsigned n_listeners;
	uint32_t tw_head, tw_tail;
	uint64_t cookie_until; /* cookies are accepted until then */
	struct tcp_bucket rst_bucket;
	uint8_t rcv_scale;
	struct tcp_stats own_stats;
};

/* ---- small helpers that every file needs ---- */

#define TCP_COUNT(st, name)   ((st)->stats->counters[TCP_COUNTER_##name]++)
#define TCP_ADD(st, name, n)  ((st)->stats->counters[TCP_COUNTER_##name] += (n))
#define TCP_DISCARD(st, name) ((st)->stats->drops[TCP_DROP_##name]++)

static inline struct tcp_conn *tcp_conn_at(struct tcp_stack *st, uint32_t i)
{
	return base_pool_at(&st->conns, i);
}

static inline uint32_t tcp_conn_index(struct tcp_stack *st, const struct tcp_conn *c)
{
	return (uint32_t)(((const uint8_t *)c - st->conns.base) / sizeof(*c));
}

static inline uint64_t tcp_conn_id(struct tcp_stack *st, const struct tcp_conn *c)
{
	return (uint64_t)c->generation << 32 | tcp_conn_index(st, c);
}

static inline struct tcp_active *tcp_active_of(struct tcp_stack *st, const struct tcp_conn *c)
{
	return c->active == BASE_POOL_NONE ? NULL : base_pool_at(&st->actives, c->active);
}

static inline struct tcp_reasm *tcp_reasm_of(struct tcp_stack *st, const struct tcp_conn *c)
{
	return c->reasm == BASE_POOL_NONE ? NULL : base_pool_at(&st->reasms, c->reasm);
}

static inline struct tcp_sent *tcp_sent_at(const struct tcp_active *a, uint32_t i)
{
	return &a->ring[i & a->mask];
}

static inline uint32_t tcp_sent_space(const struct tcp_sent *s)
{
	return s->len + ((s->flags & TCP_SENT_FIN) ? 1u : 0u);
}

static inline uint32_t tcp_sent_end(const struct tcp_sent *s)
{
	return s->seq + tcp_sent_space(s);
}

static inline unsigned tcp_snd_scale(const struct tcp_conn *c)
{
	return c->scales & 15;
}

static inline unsigned tcp_rcv_scale(const struct tcp_conn *c)
{
	return c->scales >> 4;
}

static inline uint32_t tcp_ticks_ms(uint32_t ms)
{
	return (uint32_t)(((uint64_t)ms * 1000000u) >> TCP_TICK_SHIFT) + 1;
}

static inline uint32_t tcp_us_ms(uint32_t ms)
{
	return (uint32_t)(((uint64_t)ms * 1000000u) >> TCP_US_SHIFT);
}

static inline void tcp_stack_clock(struct tcp_stack *st, uint64_t now_ns)
{
	st->now = now_ns;
	st->us = (uint32_t)(now_ns >> TCP_US_SHIFT);
	st->tick = (uint32_t)(now_ns >> TCP_TICK_SHIFT);
	st->ts = (uint32_t)(now_ns >> TCP_TS_SHIFT);
}

/* sequence space in the network by RFC 6675's pipe */
static inline uint32_t tcp_pipe(const struct tcp_conn *c, const struct tcp_active *a)
{
	uint32_t flight = c->snd_nxt - c->snd_una, out = a->sacked + a->lost;

	/* without SACK `sacked` is a guess from duplicate ACKs and may be too high */
	return (flight > out ? flight - out : 0) + a->rexmit;
}

static inline bool tcp_is_synchronized(const struct tcp_conn *c)
{
	return c->state >= TCP_ESTABLISHED;
}

static inline const struct tcp_app *tcp_app_of(struct tcp_stack *st, const struct tcp_conn *c)
{
	return &st->apps[c->app];
}

/* ---- conn.c: life and death ---- */

/* keyed hash of the tuple as it arrives */
uint32_t tcp_conn_hash(const struct tcp_stack *st, const struct base_addr *remote,
		       const struct base_addr *local, uint16_t remote_port, uint16_t local_port);
struct tcp_conn *tcp_conn_find(struct tcp_stack *st, uint32_t hash, const struct base_addr *remote,
			       const struct base_addr *local, uint16_t remote_port, uint16_t local_port);
/* NULL when pool, table or prefix is full (counted); state CLOSED, in the table, detached */
struct tcp_conn *tcp_conn_new(struct tcp_stack *st, uint32_t hash, const struct base_addr *remote,
			      const struct base_addr *local, uint16_t remote_port, uint16_t local_port);
/* Out of the table and of every timer, buffers freed; if an upper layer is attached, its `closed` follows. */
void tcp_conn_end(struct tcp_stack *st, struct tcp_conn *c, enum tcp_end end);
/* 2 MSL; the upper layer is told that the connection is gone */
void tcp_conn_time_wait(struct tcp_stack *st, struct tcp_conn *c);
void tcp_conn_ready(struct tcp_stack *st, struct tcp_conn *c);
/* delivers events and sends, until the ready list is empty; how many connections */
unsigned tcp_conn_run_ready(struct tcp_stack *st);
/* an attached connection by id, NULL: dead */
struct tcp_conn *tcp_conn_by_id(struct tcp_stack *st, uint64_t id);
void tcp_conn_establish(struct tcp_stack *st, struct tcp_conn *c);

/* The active block, made when there is none; NULL: no memory for it. */
struct tcp_active *tcp_active_get(struct tcp_stack *st, struct tcp_conn *c);
/* keeps cwnd and ssthresh, frees what is queued */
void tcp_active_put(struct tcp_stack *st, struct tcp_conn *c);
/* the ring of 512 instead of that of 32; false: it has it, or none is left */
bool tcp_active_grow(struct tcp_stack *st, struct tcp_active *a);
/* room for one more entry, growing into a big ring if there is one */
bool tcp_active_room(struct tcp_stack *st, struct tcp_active *a);

#endif
