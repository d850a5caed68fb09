/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/shell/shell_link.h"
#include "config/schema/schema_object.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* 0 or -errno */
static int link_open(struct link *l)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int r;

	if (strlen(l->path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	memcpy(a.sun_path, l->path, strlen(l->path) + 1);
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return -errno;
	if (connect(l->fd, (struct sockaddr *)&a, sizeof(a))) {
		r = -errno;
		close(l->fd);
		l->fd = -1;
		return r;
	}
	return 0;
}

void link_close(struct link *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	free(l->buf);
	l->buf = NULL;
	l->cap = 0;
}

static int read_all(int fd, void *to, size_t n)
{
	char *p = to;

	while (n) {
		ssize_t got = read(fd, p, n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -ECONNRESET;
		p += got;
		n -= (size_t)got;
	}
	return 0;
}

static int send_all(struct link *l, const char *body, size_t n, int fd)
{
	unsigned char head[4] = {(unsigned char)(n >> 24), (unsigned char)(n >> 16), (unsigned char)(n >> 8),
				 (unsigned char)n};
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec iov[2] = {{head, 4}, {(void *)(uintptr_t)body, n}};
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};
	size_t left = n + 4;

	if (fd >= 0) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		control.h.cmsg_level = SOL_SOCKET;
		control.h.cmsg_type = SCM_RIGHTS;
		control.h.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.h), &fd, sizeof(fd));
	}
	while (left) {
		ssize_t put = sendmsg(l->fd, &m, MSG_NOSIGNAL);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		left -= (size_t)put;
		m.msg_control = NULL;
		m.msg_controllen = 0;
		for (unsigned i = 0; i < 2; i++) {
			size_t take = (size_t)put < iov[i].iov_len ? (size_t)put : iov[i].iov_len;

			iov[i].iov_base = (char *)iov[i].iov_base + take;
			iov[i].iov_len -= take;
			put -= (ssize_t)take;
		}
	}
	return 0;
}

static int read_frame(struct link *l, size_t *n)
{
	unsigned char head[4];
	int r = read_all(l->fd, head, 4);

	if (r)
		return r;
	*n = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
	if (*n > (64u << 20))
		return -EPROTO;
	if (*n + 1 > l->cap) {
		char *p = realloc(l->buf, *n + 1);

		if (!p)
			return -ENOMEM;
		l->buf = p;
		l->cap = *n + 1;
	}
	r = read_all(l->fd, l->buf, *n);
	l->buf[*n] = '\0';
	return r;
}

/* rows go on as they are: a million of them are not parsed to be printed again */
static bool take_rows(const struct link *l, size_t n, const struct link_answer *a)
{
	const char *p = strchr(l->buf, ',');

	if (!p || strncmp(p, ",\"rows\":[", 9) || n < 2)
		return false;
	p += 9;
	l->buf[n - 2] = '\0';
	if (a->rows)
		a->rows(a->ctx, p, (size_t)(l->buf + n - 2 - p));
	return true;
}

/* 1 end (status), 0 more, -errno */
static int take(const struct link *l, size_t n, const struct link_answer *a, int *status)
{
	json_t *f, *v;
	const char *text;
	int end = 0;

	if (take_rows(l, n, a))
		return 0;
	f = json_loadb(l->buf, n, 0, NULL);
	if (!json_is_object(f)) {
		json_decref(f);
		return -EPROTO;
	}
	text = json_string_value(json_object_get(f, "text"));
	if (text && a->text)
		a->text(a->ctx, text);
	v = json_object_get(f, "error");
	if (v && a->error) {
		const char *code = json_string_value(json_object_get(v, "code"));
		const char *message = json_string_value(json_object_get(v, "message"));
		char *json = json_dumps(v, JSON_COMPACT);

		a->error(a->ctx, code ? code : "", message ? message : "",
			 (unsigned)json_integer_value(json_object_get(v, "line")),
			 (unsigned)json_integer_value(json_object_get(v, "column")), json ? json : "{}");
		free(json);
	}
	v = json_object_get(f, "progress");
	if (v && a->progress) {
		const char *phase = json_string_value(json_object_get(v, "phase"));

		a->progress(a->ctx, phase ? phase : "",
			    (uint64_t)json_integer_value(json_object_get(v, "done")),
			    (uint64_t)json_integer_value(json_object_get(v, "total")));
	}
	if (json_is_true(json_object_get(f, "end"))) {
		*status = (int)json_integer_value(json_object_get(f, "status")) & 255;
		end = 1;
	}
	json_decref(f);
	return end;
}

/* a daemon that was restarted meanwhile has closed its end: that is no reason to fail */
static void link_freshen(struct link *l)
{
	char c;
	ssize_t n = l->fd < 0 ? 1 : recv(l->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		link_close(l);
}

/* a daemon that was stopped takes a line and says nothing: whoever waits is told that he does */
static bool is_silent(const struct link *l)
{
	enum { SILENT_MS = 5000 };
	struct pollfd p = {.fd = l->fd, .events = POLLIN};

	return poll(&p, 1, SILENT_MS) == 0;
}

static int ask(struct link *l, struct schema_text *body, int fd, const struct link_answer *answer)
{
	int r, status = 0;
	size_t n;

	link_freshen(l);
	r = l->fd < 0 ? link_open(l) : 0;
	r = r ? r : send_all(l, body->p, body->n, fd);
	/* who is turned away at the door finds the reason there */
	if (r == -EPIPE || r == -ECONNRESET)
		r = 0;
	if (!r && answer->silence && is_silent(l))
		answer->silence(answer->ctx);
	while (!r) {
		r = read_frame(l, &n);
		if (!r)
			r = take(l, n, answer, &status);
	}
	if (r < 0) {
		int error = r;

		link_close(l);
		return error;
	}
	return status;
}

int link_run(struct link *l, const char *line, bool json, int fd, const struct link_answer *answer)
{
	struct schema_text body = {0};
	int r;

	schema_text_printf(&body, "{\"id\":%lld,\"json\":%s,\"fd\":%s,\"line\":", (long long)++l->next_id,
			   json ? "true" : "false", fd >= 0 ? "true" : "false");
	schema_json_string(&body, line);
	schema_text_puts(&body, "}");
	r = ask(l, &body, fd, answer);
	schema_text_fini(&body);
	return r;
}

int link_complete(struct link *l, const char *noun, const char *prefix, const struct link_answer *answer)
{
	struct schema_text body = {0};
	int r;

	schema_text_printf(&body, "{\"id\":%lld,\"complete\":{\"noun\":", (long long)++l->next_id);
	schema_json_string(&body, noun);
	schema_text_puts(&body, ",\"prefix\":");
	schema_json_string(&body, prefix);
	schema_text_puts(&body, "}}");
	r = ask(l, &body, -1, answer);
	schema_text_fini(&body);
	return r;
}
