/* SPDX-License-Identifier: BSD-3-Clause */
/* One who reads over HTTP: what it is answered, that it is let go, and that it cannot keep others out. */
#include "controlplane/daemon/web_client.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
	struct event_base *base;
	struct web_clients all;
	char *body;
	size_t n;
	unsigned asked;
	char path[100];
};

static int page(void *ctx, const char *path, struct web_page *out)
{
	struct world *w = ctx;

	w->asked++;
	strncpy(w->path, path, sizeof(w->path) - 1);
	if (strcmp(path, "/broken") == 0)
		return 500;
	if (strcmp(path, "/"))
		return 404;
	*out = (struct web_page){"text/html", w->body, w->n};
	return 200;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	w->base = event_base_new();
	w->n = 3000000; /* more than a socket takes at once */
	w->body = malloc(w->n);
	memset(w->body, 'x', w->n);
	w->all = (struct web_clients){.base = w->base, .page = page, .ctx = w, .life = {5, 0}};
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	web_clients_end(&w->all);
	event_base_free(w->base);
	free(w->body);
	free(w);
	return 0;
}

static void turn(struct world *w)
{
	for (unsigned i = 0; i < 3; i++)
		event_base_loop(w->base, EVLOOP_NONBLOCK);
}

static int come(struct world *w)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	web_client_open(&w->all, fd[1]);
	return fd[0];
}

static void say(struct world *w, int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	turn(w);
}

/* all that comes until the other side ends; -1: it has not ended */
static ssize_t hear(struct world *w, int fd, char *out, size_t cap)
{
	size_t n = 0;

	for (;;) {
		char spill[65536];
		ssize_t r = read(fd, spill, sizeof(spill));

		if (r < 0 && errno == EAGAIN) {
			turn(w);
			r = read(fd, spill, sizeof(spill));
			if (r < 0)
				return -1;
		}
		if (r <= 0)
			break;
		for (ssize_t i = 0; i < r; i++, n++)
			if (n < cap - 1)
				out[n] = spill[i];
	}
	out[n < cap - 1 ? n : cap - 1] = '\0';
	return (ssize_t)n;
}

static void answers(struct world *w, const char *request, const char *first_line, const char *has)
{
	char out[1000];
	int fd = come(w);

	say(w, fd, request);
	assert_true(hear(w, fd, out, sizeof(out)) > 0);
	assert_memory_equal(out, first_line, strlen(first_line));
	assert_non_null(strstr(out, has));
	close(fd);
	turn(w);
	assert_int_equal(w->all.n, 0);
}

static void answers_what_it_has(void **state)
{
	struct world *w = *state;
	char out[1000], *body;
	int fd = come(w);
	ssize_t n;

	say(w, fd, "GET /?a=b HTTP/1.1\r\nHost: x\r\n\r\n");
	n = hear(w, fd, out, sizeof(out));
	body = strstr(out, "\r\n\r\n");
	assert_non_null(body);
	assert_int_equal(n, body + 4 - out + (ssize_t)w->n);
	assert_non_null(strstr(out, "HTTP/1.1 200 OK\r\n"));
	assert_non_null(strstr(out, "Content-Length: 3000000\r\n"));
	assert_non_null(strstr(out, "Connection: close\r\n"));
	assert_string_equal(w->path, "/");
	close(fd);
	turn(w);
	assert_int_equal(w->all.n, 0);
	/* HEAD: the same without its body (RFC 9110 section 9.3.2) */
	fd = come(w);
	say(w, fd, "HEAD / HTTP/1.0\r\n\r\n");
	n = hear(w, fd, out, sizeof(out));
	assert_non_null(strstr(out, "Content-Length: 3000000\r\n"));
	assert_string_equal(out + n - 4, "\r\n\r\n");
	close(fd);
	answers(w, "GET http://box:9105/ HTTP/1.1\r\n\r\n", "HTTP/1.1 200 ", "xxxx");
	answers(w, "GET http://box HTTP/1.1\r\n\r\n", "HTTP/1.1 200 ", "xxxx");
}

static void refuses_what_is_none(void **state)
{
	struct world *w = *state;
	char *long_one = malloc(20000);

	answers(w, "GET /none HTTP/1.1\r\n\r\n", "HTTP/1.1 404 ", "404");
	answers(w, "GET /broken HTTP/1.1\r\n\r\n", "HTTP/1.1 500 ", "500");
	assert_int_equal(w->asked, 2);
	answers(w, "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 405 ",
		"Allow: GET, HEAD\r\n");
	answers(w, "\r\n\r\n", "HTTP/1.1 400 ", "400");
	answers(w, "GET\r\n\r\n", "HTTP/1.1 400 ", "400");
	answers(w, "GET / FTP/1.1\r\n\r\n", "HTTP/1.1 400 ", "400");
	answers(w, "GET x HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ", "400");
	memset(long_one, 'y', 19999);
	long_one[19999] = '\0';
	memcpy(long_one, "GET / HTTP/1.1\r\nA: ", 19);
	answers(w, long_one, "HTTP/1.1 431 ", "431");
	assert_int_equal(w->asked, 2);
	free(long_one);
}

static void half_a_connection_gets_its_answer(void **state)
{
	struct world *w = *state;
	char out[100];
	int fd = come(w);

	assert_true(write(fd, "GET / HTTP/1.1\r\n\r\n", 18) == 18);
	shutdown(fd, SHUT_WR);
	turn(w);
	assert_true(hear(w, fd, out, sizeof(out)) > (ssize_t)w->n);
	assert_int_equal(w->all.n, 0);
	close(fd);
	/* and one that goes before it asked is gone at once */
	fd = come(w);
	say(w, fd, "GET / HT");
	close(fd);
	turn(w);
	assert_int_equal(w->all.n, 0);
}

static void many_keep_nobody_out(void **state)
{
	struct world *w = *state;
	int held[3 * WEB_CLIENTS_MAX];

	for (unsigned i = 0; i < 3 * WEB_CLIENTS_MAX; i++) {
		held[i] = come(w);
		assert_true(w->all.n <= WEB_CLIENTS_MAX);
	}
	say(w, held[3 * WEB_CLIENTS_MAX - 1], "GET /none HTTP/1.1\r\n\r\n");
	assert_int_equal(w->asked, 1);
	for (unsigned i = 0; i < 3 * WEB_CLIENTS_MAX; i++) {
		char c;
		ssize_t r = read(held[i], &c, 1);

		/* those that came first were sent away */
		assert_int_equal(r == 0, i < 2 * WEB_CLIENTS_MAX);
		close(held[i]);
	}
	turn(w);
	assert_int_equal(w->all.n, 0);
}

/* one that drips is let go all the same: its time is the connection's, not that of its last byte */
static void who_drips_is_let_go(void **state)
{
	struct world *w = *state;
	int fd;
	char c;

	w->all.life = (struct timeval){0, 100000};
	fd = come(w);
	for (unsigned i = 0; i < 100 && w->all.n; i++) {
		(void)!write(fd, "G", 1);
		event_base_loopexit(w->base, &(struct timeval){0, 20000});
		event_base_dispatch(w->base);
	}
	assert_int_equal(w->all.n, 0);
	while (read(fd, &c, 1) > 0)
		;
	assert_int_equal(read(fd, &c, 1), 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(answers_what_it_has, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_what_is_none, setup, teardown),
		cmocka_unit_test_setup_teardown(half_a_connection_gets_its_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(many_keep_nobody_out, setup, teardown),
		cmocka_unit_test_setup_teardown(who_drips_is_let_go, setup, teardown),
	};

	return cmocka_run_group_tests_name("web_client", tests, NULL, NULL);
}
