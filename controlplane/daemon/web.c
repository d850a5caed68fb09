/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/daemon/web.h"
#include "controlplane/daemon/gather.h"
#include "controlplane/observe/metrics.h"
#include "controlplane/observe/status_page.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	HEADERS_MAX = 8192,
	SILENCE_S = 5, /* whoever says nothing, or does not read, is let go */
	RETRY_S = 10,
};

struct web {
	struct evhttp *http;
	struct schema_text where; /* the endpoints, a line each, as they are listened on */
	unsigned partners;
	bool incomplete;
	unsigned waited;
};

static void headers(struct evhttp_request *r, const char *type)
{
	struct evkeyvalq *h = evhttp_request_get_output_headers(r);

	evhttp_add_header(h, "Content-Type", type);
	evhttp_add_header(h, "Cache-Control", "no-store");
	evhttp_add_header(h, "X-Content-Type-Options", "nosniff");
	evhttp_add_header(h, "X-Frame-Options", "DENY");
	evhttp_add_header(h, "Referrer-Policy", "no-referrer");
	evhttp_add_header(h, "Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
	/* nobody holds a connection open between two looks */
	evhttp_add_header(h, "Connection", "close");
}

static void answer(struct evhttp_request *r, struct control *c, bool page)
{
	struct gather *g = gather_make(c, c->web->partners);
	struct evbuffer *body = evbuffer_new();
	struct schema_text t = {0};
	int failed = !g || !body;

	if (!failed)
		failed = page ? status_page_print(&g->facts, (int64_t)time(NULL), &t)
			      : metrics_print(&g->facts, &t);
	if (!failed && evhttp_request_get_command(r) == EVHTTP_REQ_HEAD) {
		char length[24];

		/* no body (RFC 9110 section 9.3.2), which the library would send; its length as for GET */
		snprintf(length, sizeof(length), "%zu", t.n);
		evhttp_add_header(evhttp_request_get_output_headers(r), "Content-Length", length);
	} else {
		failed = failed || evbuffer_add(body, t.p, t.n);
	}
	headers(r, page ? "text/html; charset=utf-8" : "text/plain; version=0.0.4; charset=utf-8");
	if (failed)
		evhttp_send_error(r, HTTP_INTERNAL, NULL);
	else
		evhttp_send_reply(r, HTTP_OK, "OK", body);
	if (body)
		evbuffer_free(body);
	schema_text_fini(&t);
	gather_free(g);
}

static void on_metrics(struct evhttp_request *r, void *arg)
{
	answer(r, arg, false);
}

static void on_page(struct evhttp_request *r, void *arg)
{
	answer(r, arg, true);
}

static void on_else(struct evhttp_request *r, void *arg)
{
	if (evhttp_request_get_command(r) == EVHTTP_REQ_HEAD)
		evhttp_send_reply(r, HTTP_NOTFOUND, "Not Found", NULL);
	else
		evhttp_send_error(r, HTTP_NOTFOUND, NULL);
}

/* "127.0.0.1:9105", "[::1]:9105" */
static int listen_on(struct web *w, const char *endpoint)
{
	const char *colon = strrchr(endpoint, ':');
	bool six = *endpoint == '[';
	char host[64];

	snprintf(host, sizeof(host), "%.*s", (int)(colon - endpoint) - (six ? 2 : 0), endpoint + six);
	return evhttp_bind_socket(w->http, host, (uint16_t)strtoul(colon + 1, NULL, 10));
}

static void listen_all(struct control *c)
{
	struct web *w = c->web;

	w->http = evhttp_new(c->base);
	w->incomplete = w->http == NULL;
	w->waited = 0;
	if (!w->http)
		return;
	evhttp_set_allowed_methods(w->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_max_headers_size(w->http, HEADERS_MAX);
	evhttp_set_max_body_size(w->http, 0);
	evhttp_set_timeout(w->http, SILENCE_S);
	evhttp_set_cb(w->http, "/metrics", on_metrics, c);
	evhttp_set_cb(w->http, "/", on_page, c);
	evhttp_set_gencb(w->http, on_else, c);
	for (const char *p = w->where.p; p && *p; p += strcspn(p, "\n"), p += *p == '\n') {
		char endpoint[128];

		snprintf(endpoint, sizeof(endpoint), "%.*s", (int)strcspn(p, "\n"), p);
		if (listen_on(w, endpoint) == 0) {
			control_log("info", "observe", "metrics and status page on http://%s/", endpoint);
			continue;
		}
		control_log("error", "observe", "%s cannot be listened on: %s; tried again", endpoint,
			    strerror(errno));
		w->incomplete = true;
	}
}

static void stop(struct web *w)
{
	if (w->http)
		evhttp_free(w->http);
	w->http = NULL;
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
	free(c->web);
	c->web = NULL;
}
