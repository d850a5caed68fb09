/* SPDX-License-Identifier: BSD-3-Clause */
/* Limits of one discovered partner (§1.5): message rate, suspicion by its failures, how many of our URIs it
 * tried. Pure: time comes in. One owner, the peer's home core; other cores spend leases taken here. The class
 * (figures) is the policy's and may change from call to call. */
#ifndef CONFIG_POLICY_LIMIT_H
#define CONFIG_POLICY_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "config/policy/record.h"

/* §1.5 as written: 20/s burst 40, 1/s once suspicious, 50 finals in 60 s of which half fail, out after 600 s
 * below 20 %, 1,000 URIs (told from 100 on) for 30 days, pause 2 s, Retry-After 5 */
void policy_limit_defaults(struct policy_limit_class *out);

/* ---- rate ---- */

struct policy_bucket {
	uint64_t at_ns; /* when `level` was right */
	uint64_t level; /* billionths of a message */
	bool started;
};

enum policy_take {
	POLICY_TAKE_PASS,
	POLICY_TAKE_PAUSE, /* hold the message, read no more, ask again at *until_ns */
	POLICY_TAKE_OVER,  /* held long enough: 503 with Retry-After */
};

/* One new request. held_since_ns is when this message was held first, 0 = it was just read. Requests in
 * dialogs and responses are not asked about. A rate of 0 means no limit. */
enum policy_take policy_bucket_take(struct policy_bucket *bucket, const struct policy_limit_class *class,
				    bool suspicious, uint64_t held_since_ns, uint64_t now_ns,
				    uint64_t *until_ns);

/* Up to `want` messages at once, for another core to spend. Returns how many. */
uint32_t policy_bucket_lease(struct policy_bucket *bucket, const struct policy_limit_class *class,
			     bool suspicious, uint32_t want, uint64_t now_ns);

/* ---- suspicion ---- */

#define POLICY_RATIO_SLOTS 6u

struct policy_ratio {
	struct {
		uint32_t good, bad;
	} slot[POLICY_RATIO_SLOTS];
	uint64_t slot_start_ns;
	uint64_t calm_since_ns;		    /* since when below the leave ratio; 0 = is not */
	uint64_t since_ns;		    /* since when suspicious */
	uint32_t entered_good, entered_bad; /* the sample that made it suspicious */
	uint8_t head;
	bool suspicious;
};

/* 403, 404, 480 and 604: what guessing yields */
bool policy_ratio_failure(unsigned status);

/* n final responses with this status to requests of the peer. Returns true when suspicion began or ended. */
bool policy_ratio_add(struct policy_ratio *ratio, const struct policy_limit_class *class, unsigned status,
		      uint32_t n, uint64_t now_ns);

/* Lets time pass; true when suspicion ended by that. */
bool policy_ratio_tick(struct policy_ratio *ratio, const struct policy_limit_class *class, uint64_t now_ns);

/* ---- URIs tried ---- */

#define POLICY_URI_SLOTS 2048u /* a power of two, at most half full */
#define POLICY_URI_MAX	 1024u /* what a class may ask for at most */

struct policy_uris {
	uint64_t since_ns; /* of the first one; 0 = empty */
	uint32_t n;
	uint32_t refused; /* new ones beyond the limit */
	bool watched;	  /* the limit was reached; stays until reset */
	uint64_t slot[POLICY_URI_SLOTS];
};

enum policy_uri {
	POLICY_URI_KNOWN,
	POLICY_URI_NEW,
	POLICY_URI_WARN,    /* new, and now as many as the class wants to be told of */
	POLICY_URI_WATCHED, /* new, and beyond the limit for the first time: 403, tell the operator */
	POLICY_URI_REFUSED, /* new, and beyond the limit: 403 */
};

/* A local URI, valid or not, was addressed. `hash` is a keyed 64-bit hash of it (0 is taken as 1). */
enum policy_uri policy_uris_touch(struct policy_uris *uris, const struct policy_limit_class *class,
				  uint64_t hash, uint64_t now_ns);

/* by the operator */
void policy_uris_reset(struct policy_uris *uris);

#endif
