/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/daemon/web.h"
#include "controlplane/daemon/gather.h"
#include "controlplane/daemon/web_client.h"
#include "controlplane/observe/metrics.h"
#include "controlplane/observe/status_page.h"
#include "controlplane/resolve/resolve.h"

#include <errno.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	RETRY_S = 10,
	LIFE_S = 10, /* of a connection */
	ENDPOINTS_MAX = 16,
	KEPT_MS = 200, /* whoever asks faster gets what was made for the one before */
};

struct web {
	struct web_clients clients;
	struct evconnlistener *listener[ENDPOINTS_MAX];
	struct schema_text where; /* the endpoints, a line each, as they are listened on */
	struct web_kept {
		struct schema_text body;
		uint64_t at_ns;
	} metrics, page;
	unsigned partners;
	bool incomplete;
	unsigned waited;
};

static int make(struct control *c, struct web_kept *kept, bool page)
{
	struct gather *g = gather_make(c, c->web->partners);
	int failed = g ? 0 : -ENOMEM;

	schema_text_reset(&kept->body);
	kept->at_ns = 0;
	if (!failed)
		failed = page ? status_page_print(&g->facts, (int64_t)time(NULL), &kept->body)
			      : metrics_print(&g->facts, &kept->body);
	gather_free(g);
	if (!failed)
		kept->at_ns = resolve_now();
	return failed;
}

static int page_at(void *ctx, const char *path, struct web_page *out)
{
	struct control *c = ctx;
	bool page = strcmp(path, "/") == 0;
	struct web_kept *kept = page ? &c->web->page : &c->web->metrics;

	if (!page && strcmp(path, "/metrics"))
		return 404;
	if ((!kept->at_ns || resolve_now() - kept->at_ns >= KEPT_MS * 1000000ull) && make(c, kept, page))
		return 500;
	*out = (struct web_page){page ? "text/html; charset=utf-8"
				      : "text/plain; version=0.0.4; charset=utf-8",
				 kept->body.p, kept->body.n};
	return 200;
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *from, int n, void *arg)
{
	web_client_open(arg, fd);
}

/* "127.0.0.1:9105", "[::1]:9105" */
static int listen_on(struct web *w, const char *endpoint, struct evconnlistener **out)
{
	struct sockaddr_storage at;
	int n = sizeof(at);

	if (evutil_parse_sockaddr_port(endpoint, (struct sockaddr *)&at, &n))
		return -EINVAL;
	*out = evconnlistener_new_bind(w->clients.base, on_accept, &w->clients,
				       LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
				       WEB_CLIENTS_MAX, (struct sockaddr *)&at, n);
	return *out ? 0 : -errno;
}

static void listen_all(struct control *c)
{
	struct web *w = c->web;
	unsigned n = 0;

	w->incomplete = false;
	w->waited = 0;
	for (const char *p = w->where.p; p && *p; p += strcspn(p, "\n"), p += *p == '\n') {
		char endpoint[128];
		int r;

		snprintf(endpoint, sizeof(endpoint), "%.*s", (int)strcspn(p, "\n"), p);
		r = n < ENDPOINTS_MAX ? listen_on(w, endpoint, &w->listener[n]) : -ENOSPC;
		if (!r) {
			n++;
			control_log("info", "observe", "metrics and status page on http://%s/", endpoint);
			continue;
		}
		control_log("error", "observe", "%s cannot be listened on: %s; tried again", endpoint,
			    r == -ENOSPC ? "no room for so many" : strerror(-r));
		w->incomplete = true;
	}
}

static void stop(struct web *w)
{
	for (unsigned i = 0; i < ENDPOINTS_MAX; i++) {
		if (w->listener[i])
			evconnlistener_free(w->listener[i]);
		w->listener[i] = NULL;
	}
	web_clients_end(&w->clients);
	w->incomplete = false;
}

void web_settle(struct control *c)
{
	const struct schema_noun *noun = schema_noun_named("observe");
	int field = schema_field_named(noun, "metrics-listen");
	struct schema_object o = {0};
	struct schema_text body = {0}, where = {0};

	if (!c->web)
		c->web = calloc(1, sizeof(*c->web));
	if (!c->web)
		return;
	c->web->clients.base = c->base;
	c->web->clients.page = page_at;
	c->web->clients.ctx = c;
	c->web->clients.life = (struct timeval){LIFE_S, 0};
	schema_object_reset(&o, noun, "");
	if (c->store->ops->get(c->store, schema_noun_index(noun), "", &body) == 1 &&
	    schema_object_load(&o, noun, "", body.p ? body.p : "", body.n))
		schema_object_reset(&o, noun, "");
	c->web->partners = (unsigned)schema_object_number(&o, "metrics-peers");
	for (unsigned i = 0; i < o.n; i++)
		if (o.item[i].field == (unsigned)field)
			schema_text_printf(&where, "%s\n", schema_object_value(&o, &o.item[i]));
	if (strcmp(where.n ? where.p : "", c->web->where.n ? c->web->where.p : "")) {
		schema_text_fini(&c->web->where);
		c->web->where = where;
		where = (struct schema_text){0};
		stop(c->web);
		if (c->web->where.n)
			listen_all(c);
	}
	schema_text_fini(&where);
	schema_text_fini(&body);
	schema_object_fini(&o);
}

void web_retry(struct control *c)
{
	struct web *w = c->web;

	if (!w || !w->incomplete || ++w->waited < RETRY_S)
		return;
	stop(w);
	listen_all(c);
}

void web_close(struct control *c)
{
	if (!c->web)
		return;
	stop(c->web);
	schema_text_fini(&c->web->where);
	schema_text_fini(&c->web->metrics.body);
	schema_text_fini(&c->web->page.body);
	free(c->web);
	c->web = NULL;
}
