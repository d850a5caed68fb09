/* SPDX-License-Identifier: BSD-3-Clause */
/* What is known of a discovered partner under limits (§1.5), as both planes store and show it: the payload of
 * a POLICY_FACT_WATCH fact and of the event that made it. Plain, fixed layout, no pointers. */
#ifndef CONFIG_POLICY_WATCH_H
#define CONFIG_POLICY_WATCH_H

#include <stdint.h>

enum {
	POLICY_WATCH_KEY_LEN = 64, /* SHA-256 of the SubjectPublicKeyInfo, then of issuer and serial */
	POLICY_WATCH_DOMAINS = 256,
	POLICY_WATCH_KNOWN = 632,
};

enum {
	EXCHANGE_WATCH = 3,		  /* the kind of the message in the ring of events */
	POLICY_WATCH_KEEP_S = 30 * 86400, /* how long control keeps the fact */
};

enum policy_watch_why {
	POLICY_WATCH_URIS = 1,	     /* tried more of our URIs than its class allows: new ones are refused */
	POLICY_WATCH_MANY = 2,	     /* as many as the class wants to be told of (uri_warn) */
	POLICY_WATCH_SUSPICIOUS = 4, /* its requests fail too often: the lower rate holds */
	POLICY_WATCH_RATE = 8,	     /* was over its rate */
};

struct policy_watch {
	uint8_t key[POLICY_WATCH_KEY_LEN];
	uint8_t why; /* enum policy_watch_why */
	uint8_t limit_class;
	uint16_t domains_len;		    /* of domains[] */
	uint32_t uris;			    /* distinct ones so far */
	uint32_t uris_refused;		    /* new ones beyond the limit */
	uint32_t over;			    /* requests answered 503 for the rate */
	uint32_t good, bad;		    /* finals in the window that made it suspicious */
	int64_t since_s;		    /* of the first URI; seconds of the epoch */
	int64_t why_s;			    /* when the newest reason came */
	uint64_t sample[4];		    /* hashes of URIs that were refused last, to compare logs by */
	char domains[POLICY_WATCH_DOMAINS]; /* domains that it used, NUL behind each, newest first */
	/* A Bloom filter of the URIs that were counted: after a reboot they are no new ones, and at most one
	 * in ten of the others is taken for one of them. */
	uint8_t known[POLICY_WATCH_KNOWN];
};

_Static_assert(sizeof(struct policy_watch) == 1024, "abi");

#endif
