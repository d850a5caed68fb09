/* SPDX-License-Identifier: BSD-3-Clause */
/* One GET over plain HTTP into a file: what comes is data of whoever answers, and judged by others. Loop
 * thread; blocks never. */
#ifndef CONTROLPLANE_DAEMON_CRL_HTTP_H
#define CONTROLPLANE_DAEMON_CRL_HTTP_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "controlplane/resolve/cache.h"

enum { CRL_HTTP_WHY = 256, CRL_HTTP_MARK = 128 };

struct crl_http_limits {
	uint64_t bytes;	    /* of the body */
	unsigned seconds;   /* for all of it, redirects and names too */
	unsigned redirects; /* each to http alone */
};

/* NULL: this address may be asked, else why not; IPv4 as ::ffff:a.b.c.d */
typedef const char *(*crl_http_refuses_fn)(void *ctx, const uint8_t a[16]);
/* the addresses of a name, as resolve_ask() gives them; negative: it will not, and `done` is not called */
typedef int (*crl_http_resolve_fn)(void *ctx, const char *name, cache_done_fn done, void *done_ctx);

enum crl_http_end { CRL_HTTP_FAILED, CRL_HTTP_CAME, CRL_HTTP_SAME };

struct crl_http {
	struct event_base *base;
	struct crl_http_limits limits;
	crl_http_resolve_fn resolve;
	void *resolve_ctx;
	/* An operator said what to fetch: that may be anywhere, and where it is at an address that `refuses`
	 * would not let pass, so may be what it redirects to. Otherwise redirects lead to addresses that it
	 * lets pass. When nobody has said so, it is these alone, and port 80. */
	bool configured;
	crl_http_refuses_fn refuses;
	int fd; /* where the body goes; the caller's */
	/* of the answer that came last, to ask whether there is another one; kept by the caller */
	char etag[CRL_HTTP_MARK], modified[CRL_HTTP_MARK];
	/* called once, from the loop; the same object may be started again from it */
	void (*done)(void *ctx, enum crl_http_end end, const char *why);
	void *ctx;
	/* its own */
	struct evhttp_connection *conn;
	struct event *timer, *next;
	char url[512], host[256], why[CRL_HTTP_WHY], new_etag[CRL_HTTP_MARK], new_modified[CRL_HTTP_MARK];
	uint8_t addr[8][16];
	unsigned addrs, at, hops;
	uint64_t got;
	bool busy, resolving, answered, over;
	bool inner; /* the configured server is at an address of ours */
	int code;
};

/* `h` is all zero but for what the caller sets. 0 or -errno; `done` is not called then. */
int crl_http_start(struct crl_http *h, const char *url);
/* Ends it without a word. Nobody may answer a question that it asked any more. */
void crl_http_fini(struct crl_http *h);
/* host and port of a URL; false: it is none that is fetched */
bool crl_http_host(const char *url, char host[256], uint16_t *port);

#endif
