/* SPDX-License-Identifier: BSD-3-Clause */
/* One GET into a file, against a server in the same loop that does what a server must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <sys/mman.h>
#include <unistd.h>

#include "controlplane/daemon/crl_http.h"

static struct event_base *base;
static struct crl_http h;
static uint16_t port;
static const char *says; /* the answer; %u is the port */
static char asked[4096]; /* what was asked last */
static unsigned asked_n; /* how often */
static bool hangs;	 /* the connection stays open */
static enum crl_http_end ended;
static char why[CRL_HTTP_WHY];
static unsigned dones;

static void on_written(struct bufferevent *b, void *arg)
{
	if (!hangs)
		bufferevent_free(b);
}

static void on_gone(struct bufferevent *b, short what, void *arg)
{
	bufferevent_free(b);
}

/* what nobody may be led to */
static const char *loopback(void *ctx, const uint8_t a[16])
{
	return a[12] == 127 ? "a loopback address" : NULL;
}

static const char *everything(void *ctx, const uint8_t a[16])
{
	return "somebody's";
}

static const char *nothing(void *ctx, const uint8_t a[16])
{
	return NULL;
}

static bool unconfigured_from_now;
static crl_http_refuses_fn refuses_from_now; /* once the first request is here */

static void on_request(struct bufferevent *b, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(b);

	if (!evbuffer_search(in, "\r\n\r\n", 4, NULL).pos && evbuffer_get_length(in) < 4)
		return;
	asked[evbuffer_remove(in, asked, sizeof(asked) - 1)] = '\0';
	asked_n++;
	if (refuses_from_now)
		h.refuses = refuses_from_now;
	if (unconfigured_from_now)
		h.configured = false;
	bufferevent_setcb(b, on_request, on_written, on_gone, NULL);
	if (*says)
		evbuffer_add_printf(bufferevent_get_output(b), says,
				    port); /* NOLINT(clang-diagnostic-format-nonliteral) */
}

static void on_connect(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *a, int n, void *arg)
{
	struct bufferevent *b = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);

	bufferevent_setcb(b, on_request, NULL, on_gone, NULL);
	bufferevent_enable(b, EV_READ | EV_WRITE);
}

static void on_done(void *ctx, enum crl_http_end end, const char *text)
{
	ended = end;
	snprintf(why, sizeof(why), "%s", text);
	dones++;
	event_base_loopbreak(base);
}

/* "none.test" has no address, "late.test" is never answered, "many.test" has more of them than are tried, all
 * others are here, behind an address that is nowhere */
static int resolve(void *ctx, const char *name, cache_done_fn done, void *done_ctx)
{
	static struct policy_dns answer;

	if (strcmp(name, "late.test") == 0)
		return 0;
	memset(&answer, 0, sizeof(answer));
	answer.state = strcmp(name, "none.test") ? POLICY_DNS_OK : POLICY_DNS_UNKNOWN;
	answer.targets = 1;
	answer.target[0].addr_count = 2;
	for (unsigned i = 0; i < 2; i++) {
		memcpy(answer.addr[i], "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0", 15);
		answer.addr[i][15] = i ? 1 : 77;
	}
	if (strcmp(name, "many.test") == 0) {
		answer.targets = 4;
		for (unsigned i = 0; i < 4; i++) {
			answer.target[i].addr_first = (uint8_t)(4 * i);
			answer.target[i].addr_count = 4;
			for (unsigned k = 0; k < 4; k++)
				memcpy(answer.addr[4 * i + k], "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\x4d",
				       16);
		}
	}
	done(done_ctx, &answer);
	return 0;
}

static void get(const char *path, const char *answer, enum crl_http_end end, const char *text)
{
	char url[300];

	/* a whole URL, or a path of the server by its address */
	if (*path == '/')
		snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", port, path);
	else
		snprintf(url, sizeof(url), "http://%s", path);
	says = answer;
	dones = asked_n = 0;
	assert_int_equal(crl_http_start(&h, url), 0);
	event_base_dispatch(base);
	assert_int_equal(dones, 1);
	if (ended != end || (text && !strstr(why, text)))
		fail_msg("%s: ended %d, '%s'", path, (int)ended, why);
}

static void has(const char *want)
{
	char got[256] = "";

	assert_true(pread(h.fd, got, sizeof(got) - 1, 0) >= 0);
	assert_string_equal(got, want);
}

#define OK	"HTTP/1.1 200 OK\r\n"
#define TEXT_64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void all(void **state)
{
	char name[64];

	hangs = false;
	get("/x?y=1", OK "Content-Length: 4\r\nETag: \"v1\"\r\n\r\nlist", CRL_HTTP_CAME, NULL);
	has("list");
	assert_int_equal(strncmp(asked, "GET /x?y=1 HTTP/1.1\r\n", 21), 0);
	get("/x", "HTTP/1.1 304 Not Modified\r\n\r\n", CRL_HTTP_SAME, NULL);
	assert_non_null(strstr(asked, "If-None-Match: \"v1\""));
	/* without a length; in chunks; from an earlier time */
	get("/x", OK "\r\nuntil the end", CRL_HTTP_CAME, NULL);
	has("until the end");
	get("/x", OK "Transfer-Encoding: chunked\r\n\r\n4\r\nlist\r\n1\r\ns\r\n0\r\n\r\n", CRL_HTTP_CAME,
	    NULL);
	has("lists");
	get("/x", "HTTP/1.0 200 OK\r\n\r\nold", CRL_HTTP_CAME, NULL);
	/* by its name, at its second address */
	snprintf(name, sizeof(name), "crl.test:%u/x", port);
	get(name, OK "Content-Length: 4\r\n\r\nlist", CRL_HTTP_CAME, NULL);
	assert_non_null(strstr(asked, "Host: crl.test:"));
	get("none.test/x", "", CRL_HTTP_FAILED, "no address");
	get("127.0.0.77:1/x", "", CRL_HTTP_FAILED, NULL);
	get("/x", OK "Content-Length: 9\r\n\r\ncut", CRL_HTTP_FAILED, NULL);
	get("/x", OK "Content-Length: 99999\r\n\r\nx", CRL_HTTP_FAILED, "large");
	get("/x", OK "\r\n0123456789012345678901234567890123456789012345678901234567890123456789",
	    CRL_HTTP_FAILED, "large");
	get("/x", "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", CRL_HTTP_FAILED, "500");
	get("/x", "SIP/2.0 200 OK\r\n\r\n", CRL_HTTP_FAILED, NULL);
	get("/x", "HTTP/1.1 302 There\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", CRL_HTTP_FAILED,
	    "3 redirects");
	assert_int_equal(asked_n, 4);
	get("/x", "HTTP/1.1 302 There\r\nLocation: http://127.0.0.1:%u/y\r\nContent-Length: 0\r\n\r\n",
	    CRL_HTTP_FAILED, "3 redirects");
	assert_int_equal(asked_n, 4);
	get("/x", "HTTP/1.1 302 There\r\nLocation: https://127.0.0.1/y\r\nContent-Length: 0\r\n\r\n",
	    CRL_HTTP_FAILED, "away from http");
	get("/x", "HTTP/1.1 302 There\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
	    CRL_HTTP_FAILED, "away from http");
	get("/x", "HTTP/1.1 302 There\r\nContent-Length: 0\r\n\r\n", CRL_HTTP_FAILED, "says not where");
	/* what is shown on terminals does nothing there */
	get("/x", "HTTP/1.1 302 There\r\nLocation: ftp://\033[2J\177\377x\r\nContent-Length: 0\r\n\r\n",
	    CRL_HTTP_FAILED, "ftp://?[2J??x");
	hangs = true;
	get("/x", OK "Content-Length: 9\r\n\r\nslow", CRL_HTTP_FAILED, "within 1 s");
	get("/x", "", CRL_HTTP_FAILED, NULL);
	get("late.test/x", "", CRL_HTTP_FAILED, "within 1 s");
	/* that name is still asked for */
	assert_int_equal(crl_http_start(&h, "http://127.0.0.1/"), -16);
}

/* what is longer than there is room for is not taken in part */
static void too_long(void **state)
{
	static const char *const moved[] = {"301", "302", "303", "307", "308"};
	char text[400];

	crl_http_fini(&h);
	h = (struct crl_http){.base = h.base,
			      .limits = {.bytes = 64, .seconds = 1, .redirects = 3},
			      .resolve = resolve,
			      .done = on_done,
			      .fd = h.fd,
			      .configured = true,
			      .refuses = nothing};
	hangs = false;
	get("/x", OK "Content-Length: 4\r\nETag: \"" TEXT_64 TEXT_64 "\"\r\n\r\nlist", CRL_HTTP_CAME, NULL);
	get("/x", "HTTP/1.1 304 Not Modified\r\n\r\n", CRL_HTTP_SAME, NULL);
	assert_null(strstr(asked, "If-None-Match"));
	snprintf(text, sizeof(text), TEXT_64 "." TEXT_64 "." TEXT_64 "." TEXT_64 ":%u/x", port);
	get(text, OK "Content-Length: 4\r\n\r\nlist", CRL_HTTP_FAILED, "cannot be read");
	assert_int_equal(asked_n, 0);
	get("many.test:1/x", "", CRL_HTTP_FAILED, "cannot be reached");
	assert_int_equal(h.addrs, 8);
	/* neither a name nor a password, nor another host without a scheme */
	snprintf(text, sizeof(text), "me:secret@127.0.0.1:%u/x", port);
	get(text, OK "Content-Length: 4\r\n\r\nlist", CRL_HTTP_FAILED, "cannot be read");
	get("/x", "HTTP/1.1 302 There\r\nLocation: //127.0.0.1:%u/y\r\nContent-Length: 0\r\n\r\n",
	    CRL_HTTP_FAILED, "away from http");
	assert_int_equal(asked_n, 1);
	for (unsigned i = 0; i < sizeof(moved) / sizeof(moved[0]); i++) {
		snprintf(text, sizeof(text), "HTTP/1.1 %s There\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n",
			 moved[i]);
		get("/x", text, CRL_HTTP_FAILED, "3 redirects");
		assert_int_equal(asked_n, 4);
	}
}

/* what nobody has configured is fetched from port 80 and from outside alone, redirects too */
static void unconfigured(void **state)
{
	crl_http_fini(&h);
	h = (struct crl_http){.base = h.base,
			      .limits = h.limits,
			      .resolve = resolve,
			      .done = on_done,
			      .fd = h.fd,
			      .refuses = loopback};
	hangs = false;
	get("/x", OK "\r\nlist", CRL_HTTP_FAILED, "port");
	assert_int_equal(asked_n, 0);
	get("127.0.0.1/x", "", CRL_HTTP_FAILED, "127.0.0.1 is a loopback address");
	get("[::ffff:127.0.0.1]/x", "", CRL_HTTP_FAILED, "a loopback address");
	/* by a name: each of its addresses */
	get("crl.test/x", "", CRL_HTTP_FAILED, "127.0.0.77 is a loopback address");
	h.configured = true;
	h.refuses = nothing;
	unconfigured_from_now = true;
	get("/x", "HTTP/1.1 302 There\r\nLocation: http://127.0.0.1:%u/y\r\nContent-Length: 0\r\n\r\n",
	    CRL_HTTP_FAILED, "port");
	assert_int_equal(asked_n, 1);
	h.configured = true;
	h.refuses = nothing;
	refuses_from_now = loopback;
	get("/x", "HTTP/1.1 302 There\r\nLocation: http://127.0.0.1/y\r\nContent-Length: 0\r\n\r\n",
	    CRL_HTTP_FAILED, "loopback");
	assert_int_equal(asked_n, 1);
	unconfigured_from_now = false;
	refuses_from_now = NULL;
}

/* The word of an operator is about what he has named, not about where its server leads to; unless what he
 * named is inside itself. */
static void led_astray(void **state)
{
	static const char there[] =
		"HTTP/1.1 302 There\r\nLocation: http://127.0.0.1:%u/y\r\nContent-Length: 0\r\n\r\n";

	crl_http_fini(&h);
	h = (struct crl_http){.base = h.base,
			      .limits = h.limits,
			      .resolve = resolve,
			      .done = on_done,
			      .fd = h.fd,
			      .configured = true,
			      .refuses = nothing};
	hangs = false;
	refuses_from_now = loopback;
	get("/x", there, CRL_HTTP_FAILED, "127.0.0.1 is a loopback address");
	assert_int_equal(asked_n, 1);
	h.refuses = nothing;
	get("/x", "HTTP/1.1 302 There\r\nLocation: http://crl.test:%u/y\r\nContent-Length: 0\r\n\r\n",
	    CRL_HTTP_FAILED, "127.0.0.77 is a loopback address");
	assert_int_equal(asked_n, 1);
	h.refuses = nothing;
	get("/x", "HTTP/1.1 302 There\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n", CRL_HTTP_FAILED,
	    "loopback");
	refuses_from_now = NULL;
	/* inside already */
	h.refuses = everything;
	get("/x", there, CRL_HTTP_FAILED, "3 redirects");
	assert_int_equal(asked_n, 4);
	get("crl.test/x", "", CRL_HTTP_FAILED, NULL);
	/* what was named the time before says nothing about this one */
	h.configured = false;
	get("127.0.0.1/x", "", CRL_HTTP_FAILED, "somebody's");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(all), cmocka_unit_test(too_long),
					   cmocka_unit_test(unconfigured), cmocka_unit_test(led_astray)};
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
	struct evconnlistener *l;
	socklen_t n = sizeof(a);
	int r;

	base = event_base_new();
	l = evconnlistener_new_bind(base, on_connect, NULL, LEV_OPT_CLOSE_ON_FREE, 8, (struct sockaddr *)&a,
				    sizeof(a));
	if (!l || getsockname(evconnlistener_get_fd(l), (struct sockaddr *)&a, &n)) {
		puts("no listener on the loopback");
		return 77;
	}
	port = ntohs(a.sin_port);
	h = (struct crl_http){.base = base,
			      .limits = {.bytes = 64, .seconds = 1, .redirects = 3},
			      .resolve = resolve,
			      .done = on_done,
			      .configured = true,
			      .refuses = nothing,
			      .fd = memfd_create("list", 0)};
	r = cmocka_run_group_tests(tests, NULL, NULL);
	crl_http_fini(&h);
	close(h.fd);
	evconnlistener_free(l);
	event_base_free(base);
	return r;
}
