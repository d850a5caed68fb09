/* SPDX-License-Identifier: BSD-3-Clause */
/* Fetches the revocation lists that trust stores name, and those that were learned for them (crl_learn.h),
 * and keeps them in STORE/crl; what is new there the shelf takes up as it does a file that changed. Never on
 * the path of a handshake. Loop thread; lists are judged in a thread beside it. */
#ifndef CONTROLPLANE_DAEMON_CRL_FETCH_H
#define CONTROLPLANE_DAEMON_CRL_FETCH_H

#include "controlplane/daemon/control.h"
#include "controlplane/secret/shelf.h"

enum {
	CRL_FETCH_MAX = 1280,	  /* URLs of all trust stores */
	CRL_FETCH_LEARNED = 1024, /* of these, such that nobody has configured */
	CRL_FETCH_AT_ONCE = 4,
	CRL_FETCH_S = 60,
	CRL_FETCH_REDIRECTS = 3,
	CRL_FETCH_BYTES = 64 << 20,
};

/* what is known of a URL, for those who show it */
struct crl_fetch_state {
	int64_t came, next_try; /* seconds since the epoch, 0: never, not known */
	const char *error;	/* of the last try; empty: it went well, or there was none */
	unsigned failures;
	bool under_way;
};

struct crl_fetch_totals {
	uint64_t came, same, failed; /* tries, since the daemon began */
	unsigned urls, outdated;     /* now */
	unsigned learned;	     /* of the URLs, those that nobody has configured */
};

/* 0 or -errno */
int crl_fetch_open(struct control *c);
/* the shelf that counts is another one: what it names is fetched from now on, what it does not is forgotten
 */
void crl_fetch_sync(struct control *c, const struct shelf *shelf);
/* everything anew, now */
void crl_fetch_now(struct control *c);
bool crl_fetch_state(const struct control *c, const char *url, struct crl_fetch_state *out);
void crl_fetch_totals(const struct control *c, struct crl_fetch_totals *out);
/* is a list being judged? That cannot be told to stop. */
bool crl_fetch_works(const struct control *c);
/* after resolve_close(): nobody answers any more */
void crl_fetch_close(struct control *c);

#endif
