/* SPDX-License-Identifier: BSD-3-Clause */
/* TLS 1.2 and 1.3 of one core, over byte streams (wire.h), both roles. libssl does handshakes; afterwards a
 * session moves to our own record path when its suite allows (record.h), else libssl keeps it.
 *
 * One `struct tls_core` per worker, touched by that worker alone, except where "cold" is said. A session is
 * named by an id (slot and generation); calls with an id that outlived its session return -ENOTCONN or do
 * nothing. Time: tls_core_clock() at the beginning of each turn; handshakes run in tls_turn() only, at most
 * `handshake_steps` calls into libssl a turn, so a flood of them cannot delay established sessions.
 *
 * The wire's owner calls tls_stream_*() for what happens below; `data` and the other events come from inside
 * of these and of tls_turn(), tls_resume() and tls_stream_deadline(), never from inside of other API calls.
 */
#ifndef DATAPLANE_TLS_TLS_H
#define DATAPLANE_TLS_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/policy/name.h"
#include "dataplane/base/addr.h"
#include "dataplane/tls/memory.h"
#include "dataplane/tls/wire.h"

struct tls_core;
struct tls_world;
struct tls_peer;
struct tls_keylog;
struct tls_probe;

enum tls_end {
#define X(name, help) TLS_END_##name,
#include "dataplane/tls/tls_end.def"
#undef X
	TLS_ENDS
};

enum tls_counter {
#define X(name, help) TLS_COUNTER_##name,
#include "dataplane/tls/tls_counter.def"
#undef X
	TLS_COUNTERS
};

enum tls_verdict {
#define X(name, help) TLS_VERDICT_##name,
#include "dataplane/tls/tls_verdict.def"
#undef X
	TLS_VERDICTS
};

struct tls_metric {
	const char *name, *help;
};
extern const struct tls_metric tls_end_info[TLS_ENDS];
extern const struct tls_metric tls_counter_info[TLS_COUNTERS];
extern const struct tls_metric tls_verdict_info[TLS_VERDICTS];

/* ---- upward ---- */

/* NULL members are skipped. `closed` is the last event and comes exactly once. */
struct tls_ops {
	/* the handshake is done and the peer verified as the profile asks */
	void (*ready)(void *user, uint64_t id);
	/* Plaintext, where it was decrypted, writable, valid until the handler returns. Returns how many
	 * bytes were taken; fewer than `len` pauses the session until tls_resume(), and the window closes. */
	uint32_t (*data)(void *user, uint64_t id, uint8_t *plain, uint32_t len);
	/* after tls_send() took less than it was given */
	void (*writable)(void *user, uint64_t id);
	/* the peer said close_notify: it will send no more; we still may */
	void (*eof)(void *user, uint64_t id);
	void (*closed)(void *user, uint64_t id, enum tls_end end);
	/* The handshake has failed, and not because the upper layer ended it: nothing more comes but
	 * `closed`, which waits for the stream. tls_info_get() knows why. */
	void (*failed)(void *user, uint64_t id, enum tls_end end);
	/* `data` comes soon: call for memory, as in struct tcp_ops. Steps 0 to TLS_WARM_STEPS - 1. */
	void (*warm)(void *user, unsigned step);
};
enum { TLS_WARM_STEPS = 3 };

/* ---- core ---- */

struct tls_core_config {
	uint32_t sessions;	    /* pool size; memory is touched as it is used */
	uint32_t handshakes;	    /* sessions that may own an SSL object at one time; 0: sessions */
	uint32_t open_handshakes;   /* unfinished handshakes at one time; 0: handshakes */
	uint32_t prefix_handshakes; /* of those, from one source prefix (/24, /56); 0: a quarter */
	uint32_t handshake_steps;   /* calls into libssl in one turn */
	uint32_t handshake_ms;	    /* a handshake takes no longer */
	uint32_t close_ms;	    /* how long the peer may take to follow our close */
	uint32_t take_over_ms;	    /* client: wait for tickets, counted from the first data */
	uint32_t peers;		    /* records of verified chains; those in use are never evicted */
	uint32_t client_sessions;   /* tickets of next hops that are kept */
	uint32_t cached_keys;	    /* expanded keys, 1 kB each */
	bool own_records;	    /* false: libssl keeps every session */
	bool evp;		    /* our record path through libcrypto instead of ipsec-mb */
	bool libcrypto_x25519;	    /* its arithmetic instead of ours (x25519.h) */
};

void tls_core_config_default(struct tls_core_config *config);

/* Cold, before the core's worker runs. `wire` and `arena` must outlive it; `seed` keys the tables, from the
 * kernel's generator. NULL with errno. */
struct tls_core *tls_core_create(const struct tls_core_config *config, const struct tls_wire *wire,
				 void *wire_ctx, struct tls_arena *arena, uint64_t seed);
/* Cold, when no worker uses it: sessions vanish without a word. */
void tls_core_destroy(struct tls_core *core);

/* Beginning of a turn. CLOCK_MONOTONIC, and the seconds of the epoch (certificates are dated in these). */
void tls_core_clock(struct tls_core *core, uint64_t now_ns, int64_t wall_s);
/* Runs handshakes within the budget; true: work is left, do not sleep. */
bool tls_turn(struct tls_core *core);

/* Replaces contexts: new handshakes use `world` (made for this core by tls_world_create()). */
void tls_core_world(struct tls_core *core, struct tls_world *world);
/* A replaced world that no session needs any more, for the cold side to destroy; NULL: none. */
struct tls_world *tls_core_retired(struct tls_core *core);

/* Secrets of new sessions with one peer are written into it (keylog.h); NULL: no longer. Between two turns.
 */
void tls_core_keylog(struct tls_core *core, struct tls_keylog *keylog);

/* Does anybody pin this key? Asked when a chain ends in no anchor of the profile, and again at each use of
 * what was found then; in turns of the core. NULL: nobody does. */
typedef bool (*tls_pinned_fn)(void *ctx, unsigned profile, const uint8_t spki[32]);
void tls_core_pins(struct tls_core *core, tls_pinned_fn fn, void *ctx);

/* A chain was verified in full, up to an anchor of the profile, and one of its certificates names a
 * revocation list: DER of its certificates, the peer's first, the anchor left out; valid during the call, in
 * turns of the core. Also of one that is refused for nothing but a list that is missing or outdated; never of
 * one that was refused for anything else, that only its key speaks for, or whose profile asks for no lists.
 * The same one not more than once a minute. False: there is no room; it is verified again, and told, before
 * long. */
typedef bool (*tls_chain_told_fn)(void *ctx, unsigned profile, const uint8_t *der, size_t len);
void tls_core_tells(struct tls_core *core, tls_chain_told_fn fn, void *ctx);

struct tls_ticket_key {
	uint8_t name[16], aes[32], mac[32];
};
/* Equal on all cores, so that a ticket of one resumes on another. A key that is all zero is not there. New
 * tickets use `current`; `next` and `previous` are accepted. */
struct tls_ticket_keys {
	struct tls_ticket_key next, current, previous;
};
void tls_core_ticket_keys(struct tls_core *core, const struct tls_ticket_keys *keys);

struct tls_stats {
	uint64_t counters[TLS_COUNTERS];
	uint64_t ends[TLS_ENDS];
	uint64_t verdicts[TLS_VERDICTS];
	uint64_t sessions, ssl_objects, handshakes, peers; /* now */
};
const struct tls_stats *tls_stats_get(struct tls_core *core);

/* ---- sessions ---- */

enum { TLS_ID_NONE = 0, TLS_EXPECT_MAX = 253 };

struct tls_server_params {
	unsigned profile;  /* index in the world */
	unsigned identity; /* when SNI names none of ours */
	struct base_addr remote;
};

struct tls_client_params {
	unsigned profile, identity;
	struct base_addr remote;
	uint16_t remote_port;
	struct policy_name sni;	   /* len 0: none */
	struct policy_name expect; /* the certificate must name it; len 0: policy judges the names later */
	bool wildcard;		   /* *.contoso.com may stand for one label */
	bool later;		   /* the stream is not up yet: begin at tls_stream_writable() */
	struct tls_probe *probe;   /* NULL: a session as any (tls_probe.h) */
};

/* The stream is up. 0 and *id, or -ENFILE, -EBUSY (handshakes), -EMFILE (prefix), -ENOENT (no such identity
 * or profile, or its slot is empty), -ENOMEM, -ENODATA (a probe that has nothing to offer). Nothing is sent
 * before tls_turn(). `ops` must outlive it. */
int tls_accept(struct tls_core *core, uint64_t stream, const struct tls_server_params *params,
	       const struct tls_ops *ops, void *user, uint64_t *id);
int tls_connect(struct tls_core *core, uint64_t stream, const struct tls_client_params *params,
		const struct tls_ops *ops, void *user, uint64_t *id);

/* events of the stream */
void tls_stream_readable(struct tls_core *core, uint64_t id);
void tls_stream_writable(struct tls_core *core, uint64_t id);
void tls_stream_eof(struct tls_core *core, uint64_t id);
void tls_stream_deadline(struct tls_core *core, uint64_t id);
/* the last one; `end`: TLS_END_closed when the stream ended in order */
void tls_stream_closed(struct tls_core *core, uint64_t id, enum tls_end end);

/* Seals and queues. Returns how many bytes were taken (fewer: `writable` comes), or -ENOTCONN, -EPIPE (closed
 * by us), -EAGAIN (handshake not finished), -ENOBUFS (libssl's path alone: the session will not recover). */
int64_t tls_send(struct tls_core *core, uint64_t id, const void *data, size_t len);

/* Sending without a copy: fill out->data (at most out->room bytes, one record), then tls_commit() with how
 * many, 0 to give it back. On libssl's path it is copied there. When tls_commit() fails the bytes are gone;
 * after -EAGAIN and -ENOBUFS `writable` comes. */
struct tls_out {
	struct tls_buffer buffer;
	uint8_t *data;
	uint32_t room;
};
/* Output is to come: calls for memory that it will need and waits for none. Steps 0 to TLS_WARM_STEPS - 1,
 * with other work between two of them. */
void tls_warm(struct tls_core *core, uint64_t id, unsigned step);
/* Will a commit be taken whole or not at all? So it is on our own record path; libssl may take a part. */
bool tls_commits_whole(struct tls_core *core, uint64_t id);
int tls_reserve(struct tls_core *core, uint64_t id, struct tls_out *out);
int tls_commit(struct tls_core *core, uint64_t id, struct tls_out *out, uint32_t len);

/* the upper layer can take data again */
void tls_resume(struct tls_core *core, uint64_t id);
/* close_notify, and nothing more is wanted */
void tls_close(struct tls_core *core, uint64_t id);
void tls_abort(struct tls_core *core, uint64_t id);
/* TLS 1.3: new keys for what we send, `request`: the peer's too. 0, -ENOTSUP, -EAGAIN, -ENOTCONN. */
int tls_key_update(struct tls_core *core, uint64_t id, bool request);

/* What was verified of the peer; NULL: nothing. Shared by all sessions of this certificate; valid as long as
 * the session. */
const struct tls_peer *tls_peer_get(struct tls_core *core, uint64_t id);

struct tls_info {
	bool server, open, v13, resumed, own_records, chain_cached;
	bool begun; /* the stream came up: what failed since is no matter of reaching the peer */
	uint16_t suite;
	const char *suite_name;
	const char *own_records_why_not; /* NULL when on it */
	uint16_t identity, profile;
	enum tls_verdict verdict;
	int x509_error, depth; /* of libcrypto, when the verdict is bad */
	bool crl_soft;	       /* revocation could not be checked and the profile says go on */
	uint8_t alert;	       /* that ended it, sent or received */
};
/* Also inside of `closed`. False: a dead id. */
bool tls_info_get(struct tls_core *core, uint64_t id, struct tls_info *info);

#endif
