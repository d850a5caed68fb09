/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/daemon/server.h"
#include "controlplane/daemon/frame.h"

#include <errno.h>
#include <event2/buffer.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	OUT_HIGH = 256 * 1024, /* a stream waits above it */
	OUT_LIMIT = 64 << 20,  /* who does not read is cut off */
	PIECE = 48 * 1024,
};

struct client {
	struct client *next, **prev;
	struct control *control;
	int fd, passed; /* passed: a file that came and belongs to the next frame that says so */
	uint32_t uid, gid;
	pid_t pid;
	char user[STORE_USER_MAX];
	enum schema_role role;
	bool allowed, dead;
	struct evbuffer *in, *out;
	struct event *read, *write;
	struct request *request; /* the one being answered */
};

static void client_serve(struct client *c);

/* ---- roles ---- */

static bool in_group(const struct client *c, unsigned gid)
{
	gid_t groups[128];
	int n = 128;
	struct passwd pw, *found = NULL;
	char buf[4096];

	if (gid == (unsigned)-1)
		return false;
	if (c->gid == gid)
		return true;
	if (getpwuid_r(c->uid, &pw, buf, sizeof(buf), &found) || !found)
		return false;
	if (getgrouplist(pw.pw_name, c->gid, groups, &n) < 0)
		n = 128;
	for (int i = 0; i < n; i++)
		if (groups[i] == gid)
			return true;
	return false;
}

static void client_role(struct client *c)
{
	c->allowed = true;
	if (c->uid == 0 || c->uid == geteuid() || in_group(c, c->control->group[SCHEMA_CONFIGURE]))
		c->role = SCHEMA_CONFIGURE;
	else if (in_group(c, c->control->group[SCHEMA_OPERATE]))
		c->role = SCHEMA_OPERATE;
	else if (in_group(c, c->control->group[SCHEMA_READ]))
		c->role = SCHEMA_READ;
	else
		c->allowed = false;
}

/* ---- output ---- */

static void client_wake(struct client *c)
{
	if (!c->dead && evbuffer_get_length(c->out))
		event_add(c->write, NULL);
}

static void parting(struct evbuffer *out, const char *code, const char *why, int status)
{
	char text[2][400];
	uint8_t head[FRAME_HEAD];

	snprintf(text[0], sizeof(text[0]), "{\"id\":0,\"error\":{\"code\":\"%s\",\"message\":\"%.300s\"}}",
		 code, why);
	snprintf(text[1], sizeof(text[1]), "{\"id\":0,\"end\":true,\"status\":%d}", status);
	for (unsigned i = 0; i < 2; i++) {
		frame_head(head, (uint32_t)strlen(text[i]));
		evbuffer_add(out, head, sizeof(head));
		evbuffer_add(out, text[i], strlen(text[i]));
	}
}

static void send_frame(struct request *r, const struct schema_text *body)
{
	uint8_t head[FRAME_HEAD];
	struct client *c = r->client;

	if (!c || c->dead)
		return;
	frame_head(head, (uint32_t)body->n);
	evbuffer_add(c->out, head, sizeof(head));
	evbuffer_add(c->out, body->p, body->n);
	client_wake(c);
}

static void flush_out(struct request *r)
{
	struct schema_text t = {0};

	if (r->out.n) {
		schema_text_printf(&t, "{\"id\":%lld,\"text\":", (long long)r->id);
		schema_json_string(&t, r->out.p);
		schema_text_puts(&t, "}");
		send_frame(r, &t);
		schema_text_reset(&r->out);
		schema_text_reset(&t);
	}
	if (r->rows.n) {
		schema_text_printf(&t, "{\"id\":%lld,\"rows\":[", (long long)r->id);
		schema_text_add(&t, r->rows.p, r->rows.n);
		schema_text_puts(&t, "]}");
		send_frame(r, &t);
		schema_text_reset(&r->rows);
	}
	schema_text_fini(&t);
}

void reply_raw(struct request *r, const char *text, size_t n)
{
	schema_text_add(&r->out, text, n);
	if (r->out.n > PIECE)
		flush_out(r);
}

void reply_text(struct request *r, const char *format, ...)
{
	char buf[4096];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(buf, sizeof(buf), format, ap);
	va_end(ap);
	reply_raw(r, buf, n < (int)sizeof(buf) ? (size_t)n : sizeof(buf) - 1);
}

void reply_row(struct request *r, const char *object, size_t n)
{
	if (r->rows.n)
		schema_text_add(&r->rows, ",", 1);
	schema_text_add(&r->rows, object, n);
	if (r->rows.n > PIECE)
		flush_out(r);
}

void reply_say(struct request *r, const char *format, ...)
{
	char buf[2048];
	struct schema_text t = {0};
	va_list ap;

	va_start(ap, format);
	vsnprintf(buf, sizeof(buf), format, ap);
	va_end(ap);
	if (!r->json) {
		reply_text(r, "%s\n", buf);
		return;
	}
	schema_text_puts(&t, "{\"message\":");
	schema_json_string(&t, buf);
	schema_text_puts(&t, "}");
	reply_row(r, t.p, t.n);
	schema_text_fini(&t);
}

void reply_error(struct request *r, const char *code, unsigned line, unsigned column, const char *format, ...)
{
	struct schema_text t = {0};
	char buf[2048];
	va_list ap;

	r->failed = true;
	flush_out(r);
	va_start(ap, format);
	vsnprintf(buf, sizeof(buf), format, ap);
	va_end(ap);
	schema_text_printf(&t, "{\"id\":%lld,\"error\":{\"code\":\"%s\",\"message\":", (long long)r->id,
			   code);
	schema_json_string(&t, buf);
	if (line)
		schema_text_printf(&t, ",\"line\":%u", line);
	if (column)
		schema_text_printf(&t, ",\"column\":%u", column);
	schema_text_puts(&t, "}}");
	send_frame(r, &t);
	schema_text_fini(&t);
}

void reply_progress(struct request *r, const char *phase, uint64_t done, uint64_t total)
{
	struct schema_text t = {0};

	schema_text_printf(&t, "{\"id\":%lld,\"progress\":{\"phase\":\"%s\",\"done\":%llu,\"total\":%llu}}",
			   (long long)r->id, phase, (unsigned long long)done, (unsigned long long)total);
	send_frame(r, &t);
	schema_text_fini(&t);
}

static void request_free(struct request *r)
{
	if (r->gone)
		r->gone(r);
	if (r->fd >= 0)
		close(r->fd);
	schema_call_fini(&r->call);
	schema_text_fini(&r->out);
	schema_text_fini(&r->rows);
	free(r->words);
	free(r);
}

static void request_audit(struct request *r, int status)
{
	struct store_audit a = {.at = (uint64_t)time(NULL), .uid = r->uid};
	const struct schema_command *cmd = r->call.command;
	bool edit = r->words && schema_is_edit(r->words, 0);

	if (!edit && (!cmd || cmd->role == SCHEMA_READ))
		return;
	snprintf(a.user, sizeof(a.user), "%s", r->user);
	snprintf(a.action, sizeof(a.action), "%.255s", r->line);
	snprintf(a.result, sizeof(a.result), "%s (%d)", r->failed ? "refused" : "done", status);
	if (r->control->store->ops->audit(r->control->store, &a))
		control_log("error", "audit", "not stored: %s",
			    r->control->store->ops->error(r->control->store));
	control_log("notice", "audit", "%s (uid %u): %s: %s", r->user, r->uid, a.action, a.result);
}

void reply_end(struct request *r, int status)
{
	struct schema_text t = {0};
	struct client *c = r->client;

	flush_out(r);
	request_audit(r, status);
	schema_text_printf(&t, "{\"id\":%lld,\"end\":true,\"status\":%d}", (long long)r->id, status);
	send_frame(r, &t);
	schema_text_fini(&t);
	if (c)
		c->request = NULL;
	request_free(r);
	/* further lines that already came are served from the loop, so that a long batch starves nobody */
	if (c && !c->dead)
		event_add(c->read, NULL);
	if (c && !c->dead && evbuffer_get_length(c->in))
		event_active(c->read, EV_TIMEOUT, 0);
}

void reply_stream(struct request *r)
{
	struct client *c = r->client;
	int more = 1;

	while (more > 0 && c && !c->dead && evbuffer_get_length(c->out) < OUT_HIGH)
		more = r->pump(r);
	if (more < 0) {
		reply_error(r, "store", 0, 0, "the store cannot be read: %s",
			    r->control->store->ops->error(r->control->store));
		reply_end(r, 1);
	} else if (more == 0) {
		reply_end(r, r->failed ? 1 : 0);
	}
}

/* ---- clients ---- */

static void client_free(struct client *c)
{
	struct request *r = c->request;

	*c->prev = c->next;
	if (c->next)
		c->next->prev = c->prev;
	c->control->clients_n--;
	event_free(c->read);
	event_free(c->write);
	evbuffer_free(c->in);
	evbuffer_free(c->out);
	close(c->fd);
	if (c->passed >= 0)
		close(c->passed);
	if (r) {
		r->client = NULL;
		/* a change goes on without its asker; a stream ends */
		if (r->pump)
			request_free(r);
	}
	free(c);
}

static void on_write(int fd, short what, void *arg)
{
	struct client *c = arg;
	int n = evbuffer_write(c->out, fd);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		client_free(c);
		return;
	}
	if (evbuffer_get_length(c->out))
		event_add(c->write, NULL);
	else if (c->dead) {
		client_free(c);
		return;
	}
	if (c->request && c->request->pump && evbuffer_get_length(c->out) < OUT_HIGH / 2)
		reply_stream(c->request);
}

static struct request *request_new(struct client *c, json_t *body)
{
	struct request *r = calloc(1, sizeof(*r));
	const char *line = json_string_value(json_object_get(body, "line"));

	if (!r)
		return NULL;
	r->control = c->control;
	r->client = c;
	r->id = json_integer_value(json_object_get(body, "id"));
	r->json = json_is_true(json_object_get(body, "json"));
	r->fd = -1;
	r->role = c->role;
	r->uid = c->uid;
	snprintf(r->user, sizeof(r->user), "%s", c->user);
	snprintf(r->line, sizeof(r->line), "%s", line ? line : "");
	if (json_is_true(json_object_get(body, "fd"))) {
		r->fd = c->passed;
		c->passed = -1;
	}
	c->request = r;
	return r;
}

static void serve_one(struct client *c, json_t *body)
{
	const char *line = json_string_value(json_object_get(body, "line"));
	json_t *complete = json_object_get(body, "complete");
	struct request *r = request_new(c, body);
	struct schema_error error = {0};

	if (!r) {
		c->dead = true;
		return;
	}
	if (!c->allowed) {
		reply_error(r, "denied", 0, 0,
			    "uid %u may not use this socket; 'set control read-group GROUP' lets a group in",
			    c->uid);
		reply_end(r, 4);
		return;
	}
	if (json_is_object(complete)) {
		const char *noun = json_string_value(json_object_get(complete, "noun"));
		const char *prefix = json_string_value(json_object_get(complete, "prefix"));

		request_complete(r, noun ? noun : "", prefix ? prefix : "");
		return;
	}
	if (!line) {
		reply_error(r, "protocol", 0, 0, "a request has \"line\" or \"complete\"");
		reply_end(r, 64);
		return;
	}
	r->words = malloc(sizeof(*r->words));
	if (!r->words || schema_words_split(r->words, line, false, &error)) {
		reply_error(r, "syntax", 0, error.column, "%s", r->words ? error.why : "out of memory");
		reply_end(r, 64);
		return;
	}
	request_run(r);
}

/* what is no request at all ends the connection, and is told why */
static void client_part(struct client *c, const char *why)
{
	parting(c->out, "protocol", why, 64);
	client_wake(c);
	c->dead = true;
}

static void client_serve(struct client *c)
{
	while (!c->request && !c->dead) {
		uint8_t head[FRAME_HEAD];
		size_t have = evbuffer_get_length(c->in);
		size_t peek = have < FRAME_HEAD ? have : FRAME_HEAD;
		json_error_t wrong;
		json_t *body;
		long n;
		char *data;

		evbuffer_copyout(c->in, head, peek);
		n = peek < FRAME_HEAD ? 0 : frame_take(head, have);
		if (n == 0)
			return;
		if (n < 0) {
			client_part(c, "a frame has 1 to 1048576 bytes");
			break;
		}
		data = (char *)evbuffer_pullup(c->in, n);
		body = json_loadb(data + FRAME_HEAD, (size_t)n - FRAME_HEAD, JSON_REJECT_DUPLICATES, &wrong);
		evbuffer_drain(c->in, (size_t)n);
		if (!json_is_object(body)) {
			json_decref(body);
			client_part(c, "a frame is one JSON object");
			break;
		}
		serve_one(c, body);
		json_decref(body);
	}
	if (c->dead && !evbuffer_get_length(c->out))
		event_active(c->write, EV_TIMEOUT, 0);
}

static int receive(struct client *c)
{
	char buf[65536];
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int) * 4)];
	} control;
	struct iovec iov = {buf, sizeof(buf)};
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(c->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		size_t count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(fd));
			if (c->passed >= 0)
				close(c->passed);
			c->passed = fd;
		}
	}
	if (n == 0)
		return -1;
	evbuffer_add(c->in, buf, (size_t)n);
	return 0;
}

static void on_read(int fd, short what, void *arg)
{
	struct client *c = arg;

	if ((what & EV_READ) && !c->dead) {
		/* who asks more while an answer is on its way waits in the kernel */
		if (evbuffer_get_length(c->in) > 2 * FRAME_MAX) {
			event_del(c->read); /* reply_end takes it up again */
		} else if (receive(c)) {
			client_free(c);
			return;
		}
		if (evbuffer_get_length(c->out) > OUT_LIMIT) {
			client_free(c);
			return;
		}
	}
	client_serve(c);
}

/* why this one is turned away, or NULL. Whoever holds connections open, root and the daemon's user get in. */
static const char *no_room(const struct control *ctl, uint32_t uid)
{
	unsigned own = 0, others = 0;

	if (ctl->clients_n >= CONTROL_CLIENTS_MAX)
		return "too many connections; close some";
	if (uid == 0 || uid == geteuid())
		return NULL;
	for (const struct client *c = ctl->clients; c; c = c->next) {
		own += c->uid == uid;
		others += c->uid != 0 && c->uid != geteuid();
	}
	if (own >= CONTROL_CLIENTS_USER)
		return "too many connections of this user; close some";
	return others >= CONTROL_CLIENTS_OTHERS ? "too many connections; close some" : NULL;
}

static void turn_away(int fd, const char *why)
{
	struct evbuffer *out = evbuffer_new();

	if (out) {
		parting(out, "busy", why, 1);
		evbuffer_write(out, fd);
		evbuffer_free(out);
	}
	close(fd);
}

static void on_accept(int listen_fd, short what, void *arg)
{
	struct control *ctl = arg;
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ucred cred;
	socklen_t n = sizeof(cred);
	struct passwd pw, *found = NULL;
	char buf[4096];
	const char *why;
	struct client *c;

	if (fd < 0)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n)) {
		close(fd);
		return;
	}
	why = no_room(ctl, cred.uid);
	c = why ? NULL : calloc(1, sizeof(*c));
	if (!c) {
		turn_away(fd, why ? why : "out of memory");
		return;
	}
	c->control = ctl;
	c->fd = fd;
	c->passed = -1;
	c->uid = cred.uid;
	c->gid = cred.gid;
	c->pid = cred.pid;
	if (!getpwuid_r(cred.uid, &pw, buf, sizeof(buf), &found) && found)
		snprintf(c->user, sizeof(c->user), "%s", pw.pw_name);
	else
		snprintf(c->user, sizeof(c->user), "uid%u", cred.uid);
	client_role(c);
	c->in = evbuffer_new();
	c->out = evbuffer_new();
	c->read = event_new(ctl->base, fd, EV_READ | EV_PERSIST, on_read, c);
	c->write = event_new(ctl->base, fd, EV_WRITE, on_write, c);
	c->next = ctl->clients;
	c->prev = &ctl->clients;
	if (c->next)
		c->next->prev = &c->next;
	ctl->clients = c;
	ctl->clients_n++;
	event_add(c->read, NULL);
}

int server_hold(const char *file, int *fd)
{
	*fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*fd < 0)
		return -errno;
	/* The kernel lets go of the lock with the last breath of a killed daemon, which may still be drawn.
	 */
	for (unsigned i = 0; flock(*fd, LOCK_EX | LOCK_NB); i++) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (i == 40)
			return -EADDRINUSE;
		usleep(50000);
	}
	return 0;
}

int server_open(struct control *c, char *why)
{
	int r;

	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char lock[300];

	if (strlen(c->socket) >= sizeof(a.sun_path)) {
		snprintf(why, SCHEMA_WHY_MAX, "the socket's name is too long: %.200s", c->socket);
		return -ENAMETOOLONG;
	}
	memcpy(a.sun_path, c->socket, strlen(c->socket) + 1);
	snprintf(lock, sizeof(lock), "%s.lock", c->socket);
	r = server_hold(lock, &c->lock_fd);
	if (r) {
		snprintf(why, SCHEMA_WHY_MAX,
			 r == -EADDRINUSE ? "%.200s: another daemon answers there" : "%.200s: %s",
			 r == -EADDRINUSE ? c->socket : lock, strerror(-r));
		return r;
	}
	unlink(c->socket);
	c->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->listen_fd < 0 || bind(c->listen_fd, (struct sockaddr *)&a, sizeof(a)) ||
	    chmod(c->socket, 0660) || listen(c->listen_fd, 64)) {
		snprintf(why, SCHEMA_WHY_MAX, "%.200s: %s", c->socket, strerror(errno));
		return -errno;
	}
	c->listener = event_new(c->base, c->listen_fd, EV_READ | EV_PERSIST, on_accept, c);
	event_add(c->listener, NULL);
	return 0;
}

void request_drop(struct request *r)
{
	request_free(r);
}

void server_close(struct control *c)
{
	while (c->clients) {
		struct request *r = c->clients->request;

		c->clients->request = NULL;
		if (r)
			request_free(r);
		client_free(c->clients);
	}
	if (c->listener)
		event_free(c->listener);
	if (c->listen_fd >= 0) {
		close(c->listen_fd);
		unlink(c->socket);
	}
	if (c->lock_fd >= 0)
		close(c->lock_fd);
	if (c->store_lock_fd >= 0)
		close(c->store_lock_fd);
}
