/* SPDX-License-Identifier: BSD-3-Clause */
/* Limits of discovered partners (§1.5), per peer over the whole box. A peer has a home core (hash of its key)
 * that owns bucket, ratio and URI set: struct limit_table. Every other core asks the home with struct
 * limit_question and spends what struct limit_answer grants: struct limit_lease. Both are plain and go over
 * rings. Figures are the class's and may change from call to call; class NULL: no limits.
 *
 * The table is one flat block without pointers: in memory that outlives the process (a file of the
 * dataplane's own) limit_table_open() finds it again with every URI that was counted. After a reboot the
 * watch facts restore counts and reasons.
 *
 * Pure: no clock, no I/O, no allocation. One thread per table, one per lease. */
#ifndef DATAPLANE_PROXY_LIMIT_PEER_H
#define DATAPLANE_PROXY_LIMIT_PEER_H

#include "config/policy/limit.h"
#include "config/policy/watch.h"
#include "dataplane/base/siphash.h"

/* who the peer is: SHA-256 of the SubjectPublicKeyInfo and of issuer and serial */
struct limit_key {
	uint8_t spki[32];
	uint8_t issuer_serial[32];
};

_Static_assert(sizeof(struct limit_key) == POLICY_WATCH_KEY_LEN, "the same in the watch facts");

/* the core that owns this peer */
unsigned limit_home(const struct siphash_key *key, const struct limit_key *peer, unsigned cores);

/* Hash of a local URI (canonical user and domain), the same on every core and after every start: what a watch
 * fact remembers is told by it. So its key is no secret; who made two of his addresses collide would count
 * one for two. Never 0. */
uint64_t limit_uri(struct policy_name user, struct policy_name domain);

/* ---- what passes between cores ---- */

enum limit_verdict {
	LIMIT_PASS,
	LIMIT_PAUSE,	 /* hold it, read no new requests of this peer until `until_ns`, ask again */
	LIMIT_RATE,	 /* 503 with Retry-After: POLICY_REASON_RATE */
	LIMIT_ENUMERATE, /* 403: POLICY_REASON_ENUMERATION */
	LIMIT_ASK,	 /* lease only: the home must be asked */
};

struct limit_question {
	struct limit_key peer;
	uint64_t uri;		/* 0: none */
	uint64_t held_since_ns; /* when this request was held first, 0: just read */
	uint32_t want;		/* tokens that the asker may spend later, besides the one for this request */
	uint32_t good, bad;	/* finals since the last question or report */
	uint8_t limit_class;	/* policy_limit_class.id */
	uint8_t request;	/* 0: a report only, which gets no answer */
	char domain[POLICY_NAME_MAX + 1]; /* From domain, for the watch list; "" none */
};

struct limit_answer {
	struct limit_key peer;
	uint64_t uri;
	uint64_t until_ns;   /* LIMIT_PAUSE */
	uint64_t expires_ns; /* of the tokens */
	uint32_t tokens;
	uint32_t retry_after_s;
	uint8_t verdict;   /* enum limit_verdict, never ASK */
	uint8_t uri_known; /* may be remembered by the lease */
};

/* ---- home ---- */

enum limit_event_kind {
	LIMIT_EVENT_NONE,
	LIMIT_EVENT_MANY,    /* uri_warn reached, and again every uri_warn after */
	LIMIT_EVENT_WATCHED, /* uri_max reached */
	LIMIT_EVENT_SUSPICIOUS,
	LIMIT_EVENT_CALM,     /* suspicion ended */
	LIMIT_EVENT_OVER,     /* over its rate, the first time in a minute */
	LIMIT_EVENT_FORGOTTEN /* a peer with something to remember lost its place: the table is too small */
};

/* what happened, for control to store and publish again: the whole watch entry */
struct limit_event {
	uint8_t kind; /* enum limit_event_kind */
	struct policy_watch watch;
};

struct limit_table; /* flat; the caller's memory */

struct limit_size {
	uint32_t peers; /* at most so many are remembered */
	uint32_t sets;	/* so many of them with more than LIMIT_FEW_URIS */
};

enum { LIMIT_FEW_URIS = 16 };

size_t limit_table_bytes(struct limit_size size);

/* `mem`: zeroed, or what an earlier table left there since the system was booted (its times are of
 * CLOCK_MONOTONIC); aligned to 64. Returns the table; *kept: it was found
 * sound, of this size and of this key, and keeps what it knew. `key` hashes peers: to keep a table
 * over a restart it must be the same. */
struct limit_table *limit_table_open(void *mem, struct limit_size size, const struct siphash_key *key,
				     bool *kept);

/* One new request of the peer, or a report. The answer is filled when q->request. wall_s: seconds of the
 * epoch, for what is shown. */
void limit_table_ask(struct limit_table *t, const struct limit_question *q,
		     const struct policy_limit_class *class, uint64_t now_ns, int64_t wall_s,
		     struct limit_answer *answer, struct limit_event *event);

/* Final responses to requests of the peer, where the home core itself sent them. */
void limit_table_final(struct limit_table *t, const struct limit_key *peer,
		       const struct policy_limit_class *class, unsigned status, uint64_t now_ns,
		       int64_t wall_s, struct limit_event *event);

/* Lets time pass for the next few peers (suspicion ends by calm, URI sets expire): call it now and then until
 * it returns false. *at starts at 0. `class_of` gives the figures by id. */
typedef const struct policy_limit_class *(*limit_class_fn)(void *ctx, uint8_t limit_class);
bool limit_table_tick(struct limit_table *t, uint32_t *at, limit_class_fn class_of, void *ctx,
		      uint64_t now_ns, int64_t wall_s, struct limit_event *event);

/* From a watch fact, after a reboot or when cores changed: what the table knows itself is never lowered. */
void limit_table_restore(struct limit_table *t, const struct policy_watch *watch, uint64_t now_ns,
			 int64_t wall_s);
/* by the operator, or because the domain is allowed now: all three limits begin anew. false: not known. */
bool limit_table_reset(struct limit_table *t, const struct limit_key *peer);

/* of every peer; each that had a reason is told: its entry as it is now, with a key and nothing else */
typedef void (*limit_forgiven_fn)(void *ctx, const struct policy_watch *watch);
void limit_table_reset_all(struct limit_table *t, limit_forgiven_fn forgiven, void *ctx);
bool limit_table_knows(const struct limit_table *t, const struct limit_key *peer);
/* was this URI counted for it? */
bool limit_table_knows_uri(const struct limit_table *t, const struct limit_key *peer, uint64_t uri);

/* Walks peers (watched_only: those with a reason): *at starts at 0; false: no more. */
bool limit_table_next(const struct limit_table *t, uint32_t *at, bool watched_only, struct policy_watch *out);

struct limit_counts {
	uint64_t peers, sets; /* now */
	uint64_t passed, paused, rate, enumerated;
	uint64_t forgotten, no_set; /* peers that lost their place; new URIs refused for want of a set */
};
struct limit_counts limit_table_counts(const struct limit_table *t);

/* ---- the other cores ---- */

enum { LIMIT_LEASE_URIS = 32 };

/* One per (core, peer), where the connection lives; all zero is empty. */
struct limit_lease {
	uint64_t expires_ns;
	uint64_t reported_ns; /* since when finals wait to be sent; 0: none do */
	uint64_t known_ns;    /* since when uri[] is filled: not for ever, the home may have forgotten */
	uint32_t tokens;
	uint32_t good, bad;		/* finals not yet reported */
	uint64_t uri[LIMIT_LEASE_URIS]; /* known to the home */
};

/* One new request: PASS spends a token; ASK: fill a question with limit_lease_question() and wait. */
enum limit_verdict limit_lease_take(struct limit_lease *l, const struct policy_limit_class *class,
				    uint64_t uri, uint64_t now_ns);
/* Does the lease remember that the home knows this URI? */
bool limit_lease_knows(const struct limit_lease *l, uint64_t uri, uint64_t now_ns);
/* fills uri, want, good, bad, class and request of q (not peer, held_since_ns, domain) and takes the finals
 * out of the lease */
void limit_lease_question(struct limit_lease *l, const struct policy_limit_class *class, uint64_t uri,
			  uint64_t now_ns, struct limit_question *q);
void limit_lease_answer(struct limit_lease *l, const struct limit_answer *a, uint64_t now_ns);
/* a final response to a request of the peer */
void limit_lease_final(struct limit_lease *l, unsigned status, uint64_t now_ns);
/* Are finals due to be reported (64 of them, or the oldest a second old)? Then q is a report, of which
 * the caller fills peer. */
bool limit_lease_report(struct limit_lease *l, const struct policy_limit_class *class, uint64_t now_ns,
			struct limit_question *q);

#endif
