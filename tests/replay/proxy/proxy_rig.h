/* SPDX-License-Identifier: BSD-3-Clause */
/* A proxy over scripted links: what peers send and what becomes of connects is said by the test, what the
 * proxy sends is looked at by the test, and time stands still until it is told to go on. The policy is a
 * world of tests/unit/policy. */
#ifndef TESTS_REPLAY_PROXY_PROXY_RIG_H
#define TESTS_REPLAY_PROXY_PROXY_RIG_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "config/exchange/event.h"
#include "dataplane/proxy/proxy.h"
#include "tests/unit/policy/world.h"

enum { RIG_CORES = 4, RIG_LINKS = 64, RIG_OUT = 2 << 20, RIG_EVENTS = 64, RIG_ASKS = 64, RIG_CHUNK = 1400 };

enum rig_link_state { RIG_FREE, RIG_OPENING, RIG_UP, RIG_CLOSED };

struct rig_link {
	uint8_t state;
	bool ours; /* the proxy opened it */
	uint8_t core;
	bool said_close, said_abort;
	bool resume;
	uint64_t conn;
	struct link_connect to; /* what it asked for */
	char sni[POLICY_NAME_MAX + 1];
	struct link_facts facts;
	char names[8][POLICY_NAME_MAX + 1];
	uint8_t *out;
	uint32_t out_len, out_at; /* what the test has looked at */
	unsigned pings;		  /* CRLFs between messages, as far as was looked */
	uint32_t room;		  /* what it takes before it says: no more */
	uint32_t stuck_ms;	  /* for how long it has taken nothing */
	uint8_t *held;		  /* given by the test, not yet taken */
	uint32_t held_len;
};

struct rig_core {
	struct rig *rig;
	unsigned core;
};

struct rig {
	struct world world;
	struct proxy *proxy; /* the first */
	struct proxy *proxies[RIG_CORES];
	struct rig_core ctx[RIG_CORES];
	struct proxy_mail *mail;
	unsigned cores, accept_at; /* the core at which the next peer arrives */
	unsigned asleep;	   /* bits of cores that take no turn */
	uint64_t now_ns;
	bool no_policy;
	const struct policy_view *candidate; /* tried beside the world, of the test */
	bool refuse_connect;
	bool slow_close; /* what the proxy closes in order stays in that state */
	uint8_t key;	 /* of the next peers: 0: as their names say */
	bool key_alone;	 /* that is all that they prove */
	uint8_t eku;	 /* of the next peers: 0: both usages */
	unsigned links_n;
	struct rig_link link[RIG_LINKS];
	unsigned asks_n;
	struct exchange_question asks[RIG_ASKS];
	struct policy_watch watch; /* the last one that was told */
	struct policy_watch kept;  /* what control kept */
	unsigned events_n;
	struct exchange_event events[RIG_EVENTS];
	char text[RIG_OUT];
};

/* world_base with what is added; config NULL: small pools */
struct rig *rig_open(const char *world, const struct proxy_config *config);
/* the same on so many cores */
struct rig *rig_open_cores(const char *world, unsigned cores);
/* fails the test when something is left that should have ended */
void rig_close(struct rig *r);
/* statements for the world, and a new generation */
void rig_world(struct rig *r, const char *text);

/* A peer connects: names with ',' between them. Returns its link. */
unsigned rig_partner(struct rig *r, const char *names);
unsigned rig_inner(struct rig *r, const char *names);
/* the pool of ours.com, as if the operator had said `insecure tcp` of that domain */
void rig_pool_insecure(struct rig *r);
/* The box listens inside without TLS, at 10.0.0.2:5060, for this prefix (NULL: for next hops alone). */
void rig_listen_plain(struct rig *r, const char *prefix, unsigned bits);
/* somebody connects without TLS: his link, or RIG_REFUSED */
enum { RIG_REFUSED = 0xffffffff };
unsigned rig_plain(struct rig *r, uint8_t side, const char *address, uint16_t port);
/* the latest link that the proxy began to open and that nobody has seen; fails when there is none */
unsigned rig_opened(struct rig *r);
/* from now on the link takes so many bytes */
void rig_room(struct rig *r, unsigned link, uint32_t room);
/* none was begun */
void rig_none_opened(struct rig *r);
void rig_up(struct rig *r, unsigned link, const char *names);
/* the peer sends no more */
void rig_eof(struct rig *r, unsigned link);
/* what it began to open, and begins then, is refused: how many */
unsigned rig_nobody(struct rig *r);
/* it ends, or never comes to be */
void rig_end(struct rig *r, unsigned link, enum link_end end);

/* Sends text: each '\n' becomes CRLF, and "Content-Length: *" gets its number. */
void rig_send(struct rig *r, unsigned link, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* as it is, cut into pieces of `cut` bytes (0: whole) */
void rig_bytes(struct rig *r, unsigned link, const void *bytes, uint32_t len, uint32_t cut);
/* time passes, in steps of at most 10 ms */
void rig_wait(struct rig *r, unsigned ms);

/* The next message that the proxy sent on this link, with '\n' for CRLF; fails when there is none. Good until
 * the next call. */
const char *rig_got(struct rig *r, unsigned link);
/* nothing is there */
void rig_quiet(struct rig *r, unsigned link);
/* value of the nth (from 0) field of this name in a text of rig_got(), "" when there is none; good until the
 * next but three */
const char *rig_field(const char *message, const char *name, unsigned nth);
unsigned rig_fields(const char *message, const char *name);
/* the first line is "SIP/2.0 status …" / "METHOD …" */
void rig_is_status(const char *message, unsigned status);
void rig_is_request(const char *message, const char *method);
/* A response to a request that the proxy sent (text of rig_got()): its Vias, From, To with `tag`, Call-ID,
 * CSeq and Record-Routes, then `lines`, with Content-Length 0. */
void rig_answer(struct rig *r, unsigned link, const char *request, unsigned status, const char *tag,
		const char *lines);

/* the newest event of this kind; NULL: none */
const struct exchange_event *rig_event(const struct rig *r, enum exchange_event_kind kind);
uint64_t rig_count(const struct rig *r, enum proxy_counter which);
uint64_t rig_drop(const struct rig *r, enum proxy_drop which);

/* ---- messages ---- */

/* a request that starts something, without a body; lines end with '\n' */
#define RIG_REQUEST(method, from, to, branch, lines) \
	method " sip:" to " SIP/2.0\n"               \
	       "Via: SIP/2.0/TLS " branch "\n"       \
	       "Max-Forwards: 70\n"                  \
	       "From: <sip:" from ">;tag=f1\n"       \
	       "To: <sip:" to ">\n"                  \
	       "Call-ID: call-1\n"                   \
	       "CSeq: 1 " method "\n" lines "Content-Length: *\n\n"

#endif
