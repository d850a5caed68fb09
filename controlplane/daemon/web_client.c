/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/daemon/web_client.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

struct web_client {
	struct web_client *newer, *older;
	struct web_clients *all;
	struct bufferevent *stream;
	struct event *life;
	bool answered, deaf; /* deaf: it says nothing any more, and may still read */
};

static void client_end(struct web_client *c)
{
	*(c->newer ? &c->newer->older : &c->all->newest) = c->older;
	*(c->older ? &c->older->newer : &c->all->oldest) = c->newer;
	c->all->n--;
	if (c->life)
		event_free(c->life);
	bufferevent_free(c->stream);
	free(c);
}

static const char *words_of(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 431:
		return "Request Header Fields Too Large";
	default:
		return "Internal Server Error";
	}
}

static void answer(struct web_client *c, int status, const struct web_page *page, bool head)
{
	struct evbuffer *out = bufferevent_get_output(c->stream);
	char text[64];
	struct web_page said = {"text/plain; charset=utf-8", text, 0};

	if (status != 200) {
		said.n = (size_t)snprintf(text, sizeof(text), "%d %s\n", status, words_of(status));
		page = &said;
	}
	/* nobody holds a connection open between two looks */
	evbuffer_add_printf(
		out,
		"HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s"
		"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\n"
		"Referrer-Policy: no-referrer\r\n"
		"Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"
		"Connection: close\r\n\r\n",
		status, words_of(status), page->type, page->n, status == 405 ? "Allow: GET, HEAD\r\n" : "");
	if (!head)
		evbuffer_add(out, page->body, page->n);
	c->answered = true;
}

/* "GET /metrics?x HTTP/1.1": the request line alone says what is wanted (RFC 9112 section 3) */
static void serve(struct web_client *c, char *line)
{
	char *save = NULL, *method = strtok_r(line, " ", &save), *path = strtok_r(NULL, " ", &save),
	     *version = strtok_r(NULL, " ", &save);
	bool head = method && strcmp(method, "HEAD") == 0;
	char root[] = "/";
	struct web_page page = {0};
	int status;

	/* section 3.2.2: a server takes the absolute form too */
	if (version && strncasecmp(path, "http://", 7) == 0) {
		path += 7 + strcspn(path + 7, "/");
		path = *path ? path : root;
	}
	if (!version || strncmp(version, "HTTP/1.", 7) || *path != '/') {
		answer(c, 400, NULL, false);
		return;
	}
	if (!head && strcmp(method, "GET")) {
		answer(c, 405, NULL, false);
		return;
	}
	path[strcspn(path, "?")] = '\0';
	status = c->all->page(c->all->ctx, path, &page);
	answer(c, status, &page, head);
}

static void on_read(struct bufferevent *b, void *arg)
{
	struct web_client *c = arg;
	struct evbuffer *in = bufferevent_get_input(b);
	size_t n = evbuffer_get_length(in);
	char *line;

	if (c->answered) { /* whatever it says behind it */
		evbuffer_drain(in, n);
		return;
	}
	if (evbuffer_search(in, "\r\n\r\n", 4, NULL).pos < 0 &&
	    evbuffer_search(in, "\n\n", 2, NULL).pos < 0) {
		if (n < WEB_HEAD_MAX)
			return;
		evbuffer_drain(in, n);
		answer(c, 431, NULL, false);
		return;
	}
	line = evbuffer_readln(in, NULL, EVBUFFER_EOL_CRLF);
	if (line)
		serve(c, line);
	else
		answer(c, 500, NULL, false);
	free(line);
	evbuffer_drain(in, evbuffer_get_length(in));
}

/* All is said: the other side closes, or its time runs out. A close of ours, with bytes of it unread, could
 * take the answer away from it. */
static void on_written(struct bufferevent *b, void *arg)
{
	struct web_client *c = arg;

	if (c->deaf)
		client_end(c);
	else if (c->answered)
		shutdown(bufferevent_getfd(b), SHUT_WR);
}

static void on_end(struct bufferevent *b, short what, void *arg)
{
	struct web_client *c = arg;

	/* half a connection may still listen to its answer */
	c->deaf = (what & BEV_EVENT_EOF) && c->answered && evbuffer_get_length(bufferevent_get_output(b));
	if (!c->deaf)
		client_end(c);
}

static void on_life(int fd, short what, void *arg)
{
	client_end(arg);
}

void web_client_open(struct web_clients *all, int fd)
{
	struct web_client *c = calloc(1, sizeof(*c));

	if (c)
		c->stream = bufferevent_socket_new(all->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!c || !c->stream) {
		free(c);
		close(fd);
		return;
	}
	/* who came first has had the longest time to be answered */
	if (all->n == WEB_CLIENTS_MAX)
		client_end(all->oldest);
	c->all = all;
	c->older = all->newest;
	*(c->older ? &c->older->newer : &all->oldest) = c;
	all->newest = c;
	all->n++;
	c->life = event_new(all->base, -1, 0, on_life, c);
	bufferevent_setcb(c->stream, on_read, on_written, on_end, c);
	bufferevent_setwatermark(c->stream, EV_READ, 0, WEB_HEAD_MAX);
	if (!c->life || event_add(c->life, &all->life) || bufferevent_enable(c->stream, EV_READ | EV_WRITE))
		client_end(c);
}

void web_clients_end(struct web_clients *all)
{
	while (all->oldest)
		client_end(all->oldest);
}
