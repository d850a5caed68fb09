/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP of one core: RFC 9293 and its companions (README.md has the table). No I/O inside: segments, API calls
 * and the clock go in, segments leave through one op and events through another.
 *
 * One `struct tcp_stack` per worker, first argument everywhere, touched by that worker alone. Time is
 * CLOCK_MONOTONIC nanoseconds. A connection is named by an id (generation and slot): an id that outlived its
 * connection is recognised and every call with it returns -ENOTCONN or does nothing.
 *
 * How a turn of the worker goes: tcp_input() for each burst, tcp_timers(), work of upper layers, tcp_flush().
 * Events are delivered from inside of these three, never from inside of an API call, so upper layers need not
 * be re-entrant. What an event handler sends carries the acknowledgement of what it consumed.
 *
 * How bytes go up: the `readable` event says that there is something; tcp_peek() shows it where it lies,
 * tcp_consume() gives it back. What is not consumed by the end of the event stays charged to connection,
 * source prefix and core and closes the window; small leftovers are moved into compact buffers, so views are
 * valid only until the handler returns, but the bytes (also bytes that the upper layer has rewritten in
 * place, such as decrypted ones) stay.
 *
 * How bytes go down: fill mbufs from any pool (tcp_alloc() gives one that fits), leave TCP_HEADROOM in front,
 * at most TCP_MBUF_PAYLOAD_MAX in one mbuf, and hand the chain to tcp_send(). The stack owns it from then on,
 * sends straight from it and frees it when it is acknowledged. One mbuf of at most tcp_mss() bytes becomes
 * one segment without copy. */
#ifndef DATAPLANE_TCP_TCP_H
#define DATAPLANE_TCP_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/base/addr.h"
#include "dataplane/base/rng.h"
#include "dataplane/base/siphash.h"
#include "dataplane/net/net.h"

struct rte_mbuf;
struct rte_mempool;
struct tcp_stack;

enum {
	TCP_HEADROOM = 128, /* what tcp_send() wants free in front of the payload: link, IP and TCP headers */
	TCP_MBUF_PAYLOAD_MAX = 65280,
	TCP_LISTENERS_MAX = 32,
	TCP_MSS_MIN = 536, /* RFC 9293 3.7.1; a peer that says less is held to this (tiny-MSS attacks) */
	TCP_ID_NONE = 0,
	TCP_WARM_STEPS = 4,
};

/* ---- events ---- */

/* why a connection is gone */
enum tcp_end {
	TCP_END_CLOSED,	     /* both directions ended in order */
	TCP_END_RESET,	     /* RST from the peer */
	TCP_END_REFUSED,     /* RST answered our SYN */
	TCP_END_TIMEOUT,     /* no answer: retransmissions, keep-alives or the handshake gave up */
	TCP_END_STALLED,     /* the peer did not read, or what it sent stayed unfinished, for too long */
	TCP_END_UNREACHABLE, /* ICMP said so while connecting */
	TCP_END_DATA_LOST,   /* data arrived after tcp_close(): RST sent (RFC 9293 3.10.4) */
	TCP_END_ABORTED,     /* tcp_abort() */
	TCP_END_LIMIT,	     /* buffers were needed elsewhere */
	TCP_ENDS
};

/* All run on the stack's core. `user` is what accept returned or tcp_connect() was given. Any call of this
 * header is allowed inside; `closed` is the last event of a connection and comes exactly once after accept or
 * tcp_connect(), whoever ended it. NULL members are skipped. */
struct tcp_ops {
	/* A peer's connection is established. Returns the user pointer; NULL refuses (RST). */
	void *(*accept)(void *listener_ctx, uint64_t id, const struct net_tuple *tuple);
	void (*connected)(void *user, uint64_t id);
	/* In-order bytes wait: peek and consume what you can. Comes again only when more arrived. */
	void (*readable)(void *user, uint64_t id);
	/* After a tcp_send() was refused with -EAGAIN: there is room again. */
	void (*writable)(void *user, uint64_t id);
	/* The peer will send no more; everything before is readable. We may still send. */
	void (*eof)(void *user, uint64_t id);
	/* The time given to tcp_deadline() has come. */
	void (*deadline)(void *user, uint64_t id);
	void (*closed)(void *user, uint64_t id, enum tcp_end end);
	/* `readable` comes soon: call for the memory that it will need, and wait for none of it. `step`
	 * counts from 0 to TCP_WARM_STEPS - 1; those of other connections lie between two of this one, so
	 * that what one called for is there in the next. Nothing may change, and nothing of this header be
	 * called. */
	void (*warm)(void *user, unsigned step);
};

/* ---- configuration ---- */

enum tcp_congestion { TCP_CUBIC, TCP_NEWRENO };

/* Equal on all cores of a box: a cookie made by one is good on another. From the kernel's generator, per
 * start. */
struct tcp_secrets {
	struct siphash_key table, isn, cookie;
	uint32_t timestamp_offset;
};

struct tcp_config {
	uint32_t connections; /* pool size; memory is touched as it is used */
	uint32_t active; /* connections that have data in flight at one time; 0: connections / 4, ≥ 1024 */
	uint32_t bulk;	 /* of those, how many may have more than 32 segments in flight; 0: active / 16 */
	uint32_t reassemblies;	     /* connections with out-of-order data at one time; 0: active / 4 */
	uint32_t half_open;	     /* SYN-RECEIVED connections; cookies from three quarters on */
	uint32_t time_wait;	     /* the oldest is evicted beyond this; 0: connections / 4 */
	uint32_t prefix_connections; /* per source prefix (/24, /56); 0: connections / 4 */
	uint32_t rcv_buffer;	     /* bytes: the widest window that we offer */
	uint32_t snd_buffer;	     /* bytes queued and unacknowledged, per connection */
	uint64_t prefix_bytes;	     /* buffers held for one source prefix */
	uint64_t core_bytes; /* buffers held by this core: pool size less the reserve that receiving needs */
	bool cookies, sack, timestamps, window_scale, ecn, nagle;
	enum tcp_congestion congestion;
	uint32_t rto_initial_ms, rto_min_ms, rto_max_ms;
	uint32_t syn_retries, synack_retries;
	uint32_t
		user_timeout_ms; /* unacknowledged data this old ends the connection (R2 of RFC 9293 3.8.3) */
	uint32_t persist_timeout_ms; /* a window that stays closed this long ends it; 0: never */
	uint32_t held_timeout_ms; /* so do bytes that the upper layer cannot consume: an unfinished message */
	uint32_t delayed_ack_ms;
	uint32_t keepalive_idle_ms, keepalive_interval_ms, keepalive_probes; /* idle 0: off */
	uint32_t time_wait_ms, fin_wait_ms;
	uint32_t rst_per_s;	     /* RSTs to unknown peers */
	uint32_t blackhole_raise_ms; /* after this long a path whose MTU we guessed is tried in full again */
	uint16_t port_first, port_last; /* ours when connecting (RFC 6056) */
};

/* sane values for a box of one core */
void tcp_config_default(struct tcp_config *config);

/* What the stack needs from below. `ctx` is the env's. */
struct tcp_env {
	void *ctx;
	/* Takes one segment: data begins at the TCP header, checksum field zero; its reference count may be
	 * 2, since the stack keeps what is not acknowledged: the payload must not be written to, the room in
	 * front may. */
	void (*output)(void *ctx, struct rte_mbuf *m, const struct base_addr *src,
		       const struct base_addr *dst, uint8_t tos, uint64_t now_ns);
	/* largest datagram known to fit, 0: unknown */
	uint16_t (*path_mtu)(void *ctx, const struct base_addr *src, const struct base_addr *dst,
			     uint64_t now_ns);
	/* Does the device behind `src` cut large segments (TSO)? Then output() gets chains with m->tso_segsz
	 * set, and of the chained buffers too the payload must not be written to. NULL: no. */
	bool (*tso)(void *ctx, const struct base_addr *src);
	/* would this core get the answers of this flow? NULL: always */
	bool (*owns)(void *ctx, const struct net_tuple *tuple);
	struct rte_mempool
		*tx_pool; /* for segments without payload and for copies: data room ≥ headroom + MTU */
	struct rte_mempool
		*compact_pool; /* small leftovers: data room of some hundred bytes; NULL: no compaction */
};

/* Cold. NULL with errno set. `env` is copied; `rng_seed` from the kernel's generator. */
struct tcp_stack *tcp_stack_create(const struct tcp_config *config, const struct tcp_env *env,
				   const struct tcp_secrets *secrets, uint64_t rng_seed, uint64_t now_ns);
/* Cold: frees everything without a word to peers or upper layers. */
void tcp_stack_destroy(struct tcp_stack *st);

/* ---- the worker's turn ---- */

/* Has the signature of net_l4_ops.input: takes every mbuf, delivers events before it returns. */
void tcp_input(void *stack, struct net_packet *packets, unsigned n, uint64_t now_ns);
/* Has the signature of net_l4_ops.icmp_error: false when no connection has this segment outstanding. */
bool tcp_icmp_error(void *stack, const struct net_icmp_error *error, uint64_t now_ns);
/* Runs what is due, at most `budget` connections; how many ran. */
unsigned tcp_timers(struct tcp_stack *st, uint64_t now_ns, unsigned budget);
/* Sends what API calls since the last turn left to send, and delivers their events. How many connections. */
unsigned tcp_flush(struct tcp_stack *st, uint64_t now_ns);
/* nanoseconds until tcp_timers() may have something to do (a lower bound); UINT64_MAX: nothing */
uint64_t tcp_idle_ns(const struct tcp_stack *st, uint64_t now_ns);

/* ---- API upward ---- */

/* `local` NULL: every own address. 0, -EADDRINUSE, -ENOSPC. The ops must outlive the stack. */
int tcp_listen(struct tcp_stack *st, const struct base_addr *local, uint16_t port, const struct tcp_ops *ops,
	       void *ctx);
/* established connections live on */
void tcp_unlisten(struct tcp_stack *st, const struct base_addr *local, uint16_t port);

/* Opens a connection; local_port 0: a random free one whose answers this core gets. The SYN leaves with the
 * next tcp_flush(). 0 and *id, or -EADDRINUSE, -EADDRNOTAVAIL, -ENOBUFS. */
int tcp_connect(struct tcp_stack *st, const struct net_tuple *tuple, const struct tcp_ops *ops, void *user,
		uint64_t *id);

/* one contiguous piece of received data; writable by the upper layer */
struct tcp_view {
	uint8_t *data;
	uint32_t len;
};

/* Fills up to `max` views with in-order data from the first byte not consumed; how many. */
unsigned tcp_peek(struct tcp_stack *st, uint64_t id, struct tcp_view *views, unsigned max);
/* bytes that tcp_peek() could show */
uint32_t tcp_readable(struct tcp_stack *st, uint64_t id);
/* Gives back the first `len` bytes (clamped to what there is) and opens the window. */
void tcp_consume(struct tcp_stack *st, uint64_t id, uint32_t len);
/* Copies the first bytes out (not consuming): for headers that straddle buffers. How many were copied. */
uint32_t tcp_copy(struct tcp_stack *st, uint64_t id, uint32_t offset, void *to, uint32_t len);

/* An empty mbuf with TCP_HEADROOM, from the stack's own pool; NULL: none left. */
struct rte_mbuf *tcp_alloc(struct tcp_stack *st);
/* Queues the chain `m`. On 0 it is the stack's; on -EAGAIN (no room: `writable` will come), -ENOTCONN, -EPIPE
 * (we have shut down), -EINVAL it remains the caller's. More than tcp_room() is accepted whole if there is
 * any room. */
int tcp_send(struct tcp_stack *st, uint64_t id, struct rte_mbuf *m);
/* Would tcp_send() take one more of tcp_alloc()'s buffers? 0: no, as after its -EAGAIN, or the connection is
 * no more; else tcp_room(). For who writes into the buffer only when it will be taken. */
uint32_t tcp_ask(struct tcp_stack *st, uint64_t id);
/* tcp_send() comes soon: calls for the connection's memory and waits for none */
void tcp_warm(struct tcp_stack *st, uint64_t id);
/* bytes that tcp_send() would take now without reaching the limit */
uint32_t tcp_room(struct tcp_stack *st, uint64_t id);
/* bytes queued and not yet acknowledged */
uint32_t tcp_unacked(struct tcp_stack *st, uint64_t id);
/* For how many ms the peer has taken nothing: since what was sent timed out first, or the window closed; 0:
 * it takes, or has nothing to take. */
uint32_t tcp_stuck_ms(struct tcp_stack *st, uint64_t id);
/* payload bytes of a full segment now */
uint16_t tcp_mss(struct tcp_stack *st, uint64_t id);

/* FIN behind what is queued; reading goes on. 0, -ENOTCONN. */
int tcp_shutdown(struct tcp_stack *st, uint64_t id);
/* FIN behind what is queued, and nothing more is wanted: unread or later data makes a RST of it. `closed`
 * follows when the connection is gone (entering TIME-WAIT counts as gone). */
void tcp_close(struct tcp_stack *st, uint64_t id);
/* RST at once; `closed` follows in the next flush. */
void tcp_abort(struct tcp_stack *st, uint64_t id);
/* One deadline per connection for the upper layer's own use; 0 takes it back. Granularity 0.3 ms. */
void tcp_deadline(struct tcp_stack *st, uint64_t id, uint64_t at_ns);
/* the user pointer, NULL for a dead id */
void *tcp_user(struct tcp_stack *st, uint64_t id);
bool tcp_tuple(struct tcp_stack *st, uint64_t id, struct net_tuple *tuple);

/* ---- what is seen from outside ---- */

enum tcp_counter {
#define X(name, help) TCP_COUNTER_##name,
#include "dataplane/tcp/tcp_counter.def"
#undef X
	TCP_COUNTERS
};

enum tcp_drop {
#define X(name, help) TCP_DROP_##name,
#include "dataplane/tcp/tcp_drop.def"
#undef X
	TCP_DROPS
};

extern const struct net_metric tcp_counter_info[TCP_COUNTERS];
extern const struct net_metric tcp_drop_info[TCP_DROPS];

/* Written by the stack's core alone with plain 64-bit stores; others may read at any time. */
struct tcp_stats {
	uint64_t counters[TCP_COUNTERS];
	uint64_t drops[TCP_DROPS];
	uint64_t connections, half_open, in_time_wait, active, reassemblies; /* now */
	uint64_t held_bytes, held_peak;
};

const struct tcp_stats *tcp_stats_get(const struct tcp_stack *st);
/* Counts into `to` from now on (a shared file may hold it); it is zeroed first. */
void tcp_stats_place(struct tcp_stack *st, struct tcp_stats *to);

enum tcp_state {
	TCP_CLOSED,
	TCP_LISTEN,
	TCP_SYN_SENT,
	TCP_SYN_RECEIVED,
	TCP_ESTABLISHED,
	TCP_FIN_WAIT_1,
	TCP_FIN_WAIT_2,
	TCP_CLOSE_WAIT,
	TCP_CLOSING,
	TCP_LAST_ACK,
	TCP_TIME_WAIT,
	TCP_STATES
};

/* for show, tests and decisions that are not hot; all zero for a dead id */
struct tcp_info {
	enum tcp_state state;
	uint32_t snd_una, snd_nxt, snd_wnd, rcv_nxt, rcv_wnd;
	uint32_t cwnd, ssthresh, in_flight;
	uint32_t srtt_us, rttvar_us, rto_us;
	uint16_t mss;
	uint8_t snd_scale, rcv_scale;
	bool sack, timestamps, ecn, recovering;
};

struct tcp_info tcp_info(struct tcp_stack *st, uint64_t id);

#endif
