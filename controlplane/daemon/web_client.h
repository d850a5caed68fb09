/* SPDX-License-Identifier: BSD-3-Clause */
/* Who reads over HTTP: one request, one answer, and the connection ends. Few at once and none for long, so
 * that nobody who asks, or only connects, costs the daemon its descriptors or its time. Loop thread. */
#ifndef CONTROLPLANE_DAEMON_WEB_CLIENT_H
#define CONTROLPLANE_DAEMON_WEB_CLIENT_H

#include <event2/event.h>
#include <stddef.h>

enum {
	WEB_CLIENTS_MAX = 64, /* one more sends away the one that came first */
	WEB_HEAD_MAX = 8192,  /* bytes of a request */
};

struct web_client;

struct web_page {
	const char *type, *body; /* good until the loop goes on */
	size_t n;
};

/* Whose clients they are. `page` gives what stands at `path` (without its query): 200, or 404, or 500. */
struct web_clients {
	struct event_base *base;
	int (*page)(void *ctx, const char *path, struct web_page *out);
	void *ctx;
	struct timeval life; /* of a connection, whatever it does meanwhile */
	struct web_client *newest, *oldest;
	unsigned n;
};

/* Takes an accepted, non-blocking connection; `fd` is its own from here on, whatever comes of it. */
void web_client_open(struct web_clients *all, int fd);
/* Ends them all. */
void web_clients_end(struct web_clients *all);

#endif
