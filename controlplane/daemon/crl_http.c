/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/daemon/crl_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { HEADERS_MAX = 16384, CONNECT_S = 10 };

static void over(struct crl_http *h, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What comes next is done from the loop: a connection may not go while it calls us. The first reason stays.
 */
static void over(struct crl_http *h, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	if (!h->over)
		vsnprintf(h->why, sizeof(h->why), format, ap);
	va_end(ap);
	/* a part of it may be the server's word, and it is shown on terminals */
	for (char *c = h->why; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	h->over = true;
	event_active(h->next, EV_TIMEOUT, 0);
}

static struct evhttp_uri *take_url(const char *url)
{
	struct evhttp_uri *u = strlen(url) < 512 ? evhttp_uri_parse(url) : NULL;
	const char *scheme = u ? evhttp_uri_get_scheme(u) : NULL, *host = u ? evhttp_uri_get_host(u) : NULL;

	if (scheme && strcasecmp(scheme, "http") == 0 && host && *host && strlen(host) < 256 &&
	    !evhttp_uri_get_userinfo(u))
		return u;
	if (u)
		evhttp_uri_free(u);
	return NULL;
}

static uint16_t port_of(const struct evhttp_uri *u)
{
	int port = evhttp_uri_get_port(u);

	return port > 0 && port < 65536 ? (uint16_t)port : 80;
}

bool crl_http_host(const char *url, char host[256], uint16_t *port)
{
	struct evhttp_uri *u = take_url(url);

	if (!u)
		return false;
	snprintf(host, 256, "%s", evhttp_uri_get_host(u));
	*port = port_of(u);
	evhttp_uri_free(u);
	return true;
}

/* ---- the body ---- */

static void on_piece(struct evhttp_request *req, void *arg)
{
	struct crl_http *h = arg;
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	size_t n = evbuffer_get_length(in);

	/* of an answer that is no list, or too long, nothing is kept */
	if (h->over || evhttp_request_get_response_code(req) != 200)
		return;
	h->got += n;
	if (h->got > h->limits.bytes) {
		over(h, "what it sends is larger than %llu bytes", (unsigned long long)h->limits.bytes);
		return;
	}
	while (evbuffer_get_length(in)) {
		int wrote = evbuffer_write(in, h->fd);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0) {
			over(h, "it cannot be written down: %s", strerror(wrote < 0 ? errno : EIO));
			return;
		}
	}
}

static void on_error(enum evhttp_request_error error, void *arg)
{
	static const char *const words[] = {"it takes too long",
					    "it closes the connection early",
					    "its header makes no sense",
					    "the connection broke",
					    "it was ended",
					    "what it sends is too large"};
	struct crl_http *h = arg;

	if (h->busy && !h->over)
		snprintf(h->why, sizeof(h->why), "%s", words[(unsigned)error < 6 ? error : 3]);
}

static void keep_mark(char out[CRL_HTTP_MARK], const struct evkeyvalq *in, const char *name)
{
	const char *v = evhttp_find_header(in, name);

	/* one that was cut would never be the same */
	snprintf(out, CRL_HTTP_MARK, "%s", v && strlen(v) < CRL_HTTP_MARK ? v : "");
}

static void redirect(struct crl_http *h, struct evhttp_request *req)
{
	const char *to = evhttp_find_header(evhttp_request_get_input_headers(req), "Location");
	struct evhttp_uri *u = to ? take_url(to) : NULL;

	if (!to)
		over(h, "it answers %d and says not where", h->code);
	else if (h->hops >= h->limits.redirects)
		over(h, "more than %u redirects", h->limits.redirects);
	else if (to[0] == '/' && to[1] != '/' && strlen(h->host) + strlen(to) + 16 < sizeof(h->url)) {
		/* on the same host (RFC 9110 section 10.2.2) */
		char *path = strpbrk(h->url + 7, "/?#");
		size_t n = path ? (size_t)(path - h->url) : strlen(h->url);

		snprintf(h->url + n, sizeof(h->url) - n, "%s", to);
		h->hops++;
	} else if (!u) {
		over(h, "it leads away from http, to %.120s", to);
	} else {
		snprintf(h->url, sizeof(h->url), "%s", to);
		h->hops++;
	}
	if (u)
		evhttp_uri_free(u);
}

static void on_answer(struct evhttp_request *req, void *arg)
{
	struct crl_http *h = arg;

	h->answered = true;
	h->code = req ? evhttp_request_get_response_code(req) : 0;
	if (h->over)
		return;
	if (h->code == 200) {
		const struct evkeyvalq *in = evhttp_request_get_input_headers(req);
		const char *length = evhttp_find_header(in, "Content-Length");

		keep_mark(h->new_etag, in, "ETag");
		keep_mark(h->new_modified, in, "Last-Modified");
		/* a connection that ended early ends the body too */
		if (length && strtoull(length, NULL, 10) != h->got)
			over(h, "it closes the connection early");
	} else if (h->code == 301 || h->code == 302 || h->code == 303 || h->code == 307 || h->code == 308) {
		redirect(h, req);
	} else if (h->code && h->code != 304) {
		over(h, "it answers %d", h->code);
	}
	event_active(h->next, EV_TIMEOUT, 0);
}

/* ---- the connection ---- */

static void drop_connection(struct crl_http *h)
{
	if (h->conn)
		evhttp_connection_free(h->conn);
	h->conn = NULL;
}

/* the next address of the host; nothing of an answer has come yet */
static void try_address(struct crl_http *h)
{
	struct evhttp_uri *u = take_url(h->url);
	const char *path = u ? evhttp_uri_get_path(u) : NULL, *query = u ? evhttp_uri_get_query(u) : NULL;
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	char text[INET6_ADDRSTRLEN], target[1024], host[300];
	const uint8_t *a = h->addr[h->at++];
	struct evhttp_request *req = NULL;
	struct evkeyvalq *out;
	const char *refused = h->refuses(h->resolve_ctx, a);
	bool v6;

	h->answered = false;
	h->got = 0;
	h->why[0] = '\0';
	if (!u || lseek(h->fd, 0, SEEK_SET) || ftruncate(h->fd, 0)) {
		over(h, "it cannot be written down: %s", strerror(errno));
		goto done;
	}
	if (memcmp(a, mapped, sizeof(mapped)) == 0)
		inet_ntop(AF_INET, a + 12, text, sizeof(text));
	else
		inet_ntop(AF_INET6, a, text, sizeof(text));
	if (h->configured && !h->hops)
		h->inner = refused != NULL;
	else if (refused && !h->inner) {
		over(h, "%s is %s, and not asked for what nobody has configured", text, refused);
		goto done;
	}
	h->conn = evhttp_connection_base_new(h->base, NULL, text, port_of(u));
	req = h->conn ? evhttp_request_new(on_answer, h) : NULL;
	if (!req) {
		over(h, "out of memory");
		goto done;
	}
	evhttp_connection_set_timeout(h->conn,
				      (int)(h->limits.seconds < CONNECT_S ? h->limits.seconds : CONNECT_S));
	evhttp_connection_set_max_headers_size(h->conn, HEADERS_MAX);
	evhttp_connection_set_max_body_size(h->conn, (ev_ssize_t)h->limits.bytes);
	evhttp_request_set_chunked_cb(req, on_piece);
	evhttp_request_set_error_cb(req, on_error);
	out = evhttp_request_get_output_headers(req);
	v6 = strchr(h->host, ':') && h->host[0] != '[';
	snprintf(host, sizeof(host), port_of(u) == 80 ? "%s%s%s" : "%s%s%s:%u", v6 ? "[" : "", h->host,
		 v6 ? "]" : "", port_of(u));
	evhttp_add_header(out, "Host", host);
	evhttp_add_header(out, "Accept", "application/pkix-crl, */*");
	evhttp_add_header(out, "Connection", "close");
	if (h->etag[0])
		evhttp_add_header(out, "If-None-Match", h->etag);
	if (h->modified[0])
		evhttp_add_header(out, "If-Modified-Since", h->modified);
	snprintf(target, sizeof(target), "%s%s%s", path && *path ? path : "/", query ? "?" : "",
		 query ? query : "");
	/* no way to this address: perhaps to the next one */
	if (evhttp_make_request(h->conn, req, EVHTTP_REQ_GET, target)) {
		h->answered = true;
		h->code = 0;
		event_active(h->next, EV_TIMEOUT, 0);
	}
done:
	if (u)
		evhttp_uri_free(u);
}

static void on_name(void *ctx, const struct policy_dns *answer)
{
	struct crl_http *h = ctx;

	h->resolving = false;
	if (!h->busy)
		return;
	for (unsigned i = 0; answer && answer->state == POLICY_DNS_OK && i < policy_dns_count(answer); i++)
		for (unsigned j = 0; h->addrs < sizeof(h->addr) / sizeof(h->addr[0]); j++) {
			const uint8_t *a = policy_dns_target_addr(answer, i, j);

			if (!a)
				break;
			memcpy(h->addr[h->addrs++], a, 16);
		}
	if (!h->addrs)
		over(h, "the DNS has no address for %s that may be used", h->host);
	event_active(h->next, EV_TIMEOUT, 0);
}

/* the host of h->url: is it an address? */
static void begin(struct crl_http *h)
{
	uint8_t *a = h->addr[0];
	char host[256];
	uint16_t port;
	size_t n;

	h->addrs = h->at = 0;
	if (!crl_http_host(h->url, host, &port)) {
		over(h, "its URL cannot be read");
		return;
	}
	if (!h->configured && port != 80) {
		over(h, "port %u is not asked for what nobody has configured", port);
		return;
	}
	n = strlen(host);
	if (host[0] == '[' && n > 2) { /* libevent keeps the brackets */
		memmove(host, host + 1, n);
		host[n - 2] = '\0';
	}
	snprintf(h->host, sizeof(h->host), "%s", host);
	memset(a, 0, 16);
	a[10] = a[11] = 0xff;
	if (inet_pton(AF_INET, host, a + 12) == 1 || inet_pton(AF_INET6, host, a) == 1) {
		h->addrs = 1;
		event_active(h->next, EV_TIMEOUT, 0);
		return;
	}
	h->resolving = true;
	if (h->resolve(h->resolve_ctx, host, on_name, h)) {
		h->resolving = false;
		over(h, "the DNS cannot be asked for %s", host);
	}
}

static void finish(struct crl_http *h, enum crl_http_end end)
{
	event_del(h->timer);
	event_del(h->next);
	h->busy = false;
	h->done(h->ctx, end, h->why);
}

static void on_next(int fd, short what, void *arg)
{
	struct crl_http *h = arg;
	bool silent = h->conn && h->answered && !h->code;

	if (!h->busy)
		return;
	/* pieces that came before its reason: the answer is not over yet */
	if (!h->over && h->conn && !h->answered)
		return;
	drop_connection(h);
	if (h->over) {
		/* who answers late finds nobody: on_name() looks at `busy` */
		finish(h, CRL_HTTP_FAILED);
	} else if (h->answered && h->code == 200) {
		memcpy(h->etag, h->new_etag, sizeof(h->etag));
		memcpy(h->modified, h->new_modified, sizeof(h->modified));
		finish(h, CRL_HTTP_CAME);
	} else if (h->answered && h->code == 304) {
		finish(h, CRL_HTTP_SAME);
	} else if (silent && h->at >= h->addrs) {
		if (!h->why[0])
			snprintf(h->why, sizeof(h->why), "it cannot be reached");
		finish(h, CRL_HTTP_FAILED);
	} else if (h->answered && !silent) {
		h->answered = false;
		h->code = 0;
		begin(h);
	} else if (!h->resolving) {
		try_address(h);
	}
}

static void on_time(int fd, short what, void *arg)
{
	struct crl_http *h = arg;

	over(h, "it is not done within %u s", h->limits.seconds);
}

int crl_http_start(struct crl_http *h, const char *url)
{
	struct timeval in = {.tv_sec = h->limits.seconds};

	/* a name that is still asked for would be taken for the new one's */
	if (h->busy || h->resolving)
		return -EBUSY;
	if (!h->timer)
		h->timer = event_new(h->base, -1, 0, on_time, h);
	if (!h->next)
		h->next = event_new(h->base, -1, 0, on_next, h);
	if (!h->timer || !h->next)
		return -ENOMEM;
	snprintf(h->url, sizeof(h->url), "%s", url);
	h->hops = 0;
	h->got = 0;
	h->code = 0;
	h->why[0] = '\0';
	h->over = h->answered = h->inner = false;
	h->busy = true;
	event_add(h->timer, &in);
	begin(h);
	return 0;
}

void crl_http_fini(struct crl_http *h)
{
	h->busy = false;
	drop_connection(h);
	if (h->timer)
		event_free(h->timer);
	if (h->next)
		event_free(h->next);
	h->timer = h->next = NULL;
}
