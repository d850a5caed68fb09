/* SPDX-License-Identifier: BSD-3-Clause */
/* A client: who it is, its requests in, its answers out. */
#include "controlplane/daemon/server_client.h"
#include "config/schema/schema_value.h"
#include "controlplane/daemon/frame.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OUT_LIMIT = 64 << 20 /* who does not read is cut off */ };

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

/* ---- life ---- */

void client_wake(struct client *c)
{
	if (!c->dead && evbuffer_get_length(c->out))
		event_add(c->write, NULL);
}

/* From the loop, once the others had theirs: a long batch starves nobody. Who does not read what it asked for
 * is not asked for more. */
void client_next(struct client *c)
{
	static const struct timeval soon = {0, 0};

	if (c->dead)
		return;
	event_add(c->read, NULL);
	if (!c->request && evbuffer_get_length(c->in) && evbuffer_get_length(c->out) < OUT_HIGH)
		event_add(c->turn, &soon);
}

void client_free(struct client *c)
{
	struct request *r = c->request;

	*c->prev = c->next;
	if (c->next)
		c->next->prev = c->prev;
	c->control->clients_n--;
	event_free(c->read);
	event_free(c->write);
	event_free(c->turn);
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
	if (evbuffer_get_length(c->out) >= OUT_HIGH / 2)
		return;
	if (c->request && c->request->pump)
		reply_stream(c->request);
	else
		client_next(c);
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
	reply_parting(c->out, "protocol", why, 64);
	client_wake(c);
	c->dead = true;
}

/* the next request of those that came, if there is a whole one */
static void take_one(struct client *c)
{
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
		return;
	}
	data = (char *)evbuffer_pullup(c->in, n);
	body = json_loadb(data + FRAME_HEAD, (size_t)n - FRAME_HEAD, JSON_REJECT_DUPLICATES, &wrong);
	evbuffer_drain(c->in, (size_t)n);
	if (json_is_object(body))
		serve_one(c, body);
	else
		client_part(c, "a frame is one JSON object");
	json_decref(body);
}

static void client_serve(struct client *c)
{
	if (!c->request && !c->dead && evbuffer_get_length(c->out) < OUT_HIGH)
		take_one(c);
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

static void on_turn(int fd, short what, void *arg)
{
	client_serve(arg);
}

int client_open(struct control *control, int fd, const struct ucred *who)
{
	struct client *c = calloc(1, sizeof(*c));
	struct passwd pw, *found = NULL;
	char buf[4096];

	if (!c)
		return -ENOMEM;
	c->in = evbuffer_new();
	c->out = evbuffer_new();
	c->read = event_new(control->base, fd, EV_READ | EV_PERSIST, on_read, c);
	c->write = event_new(control->base, fd, EV_WRITE, on_write, c);
	c->turn = event_new(control->base, -1, 0, on_turn, c);
	if (!c->in || !c->out || !c->read || !c->write || !c->turn) {
		if (c->in)
			evbuffer_free(c->in);
		if (c->out)
			evbuffer_free(c->out);
		if (c->read)
			event_free(c->read);
		if (c->write)
			event_free(c->write);
		if (c->turn)
			event_free(c->turn);
		free(c);
		return -ENOMEM;
	}
	c->control = control;
	c->fd = fd;
	c->passed = -1;
	c->uid = who->uid;
	c->gid = who->gid;
	if (!getpwuid_r(who->uid, &pw, buf, sizeof(buf), &found) && found)
		snprintf(c->user, sizeof(c->user), "%s", pw.pw_name);
	else
		snprintf(c->user, sizeof(c->user), "uid%u", who->uid);
	client_role(c);
	c->next = control->clients;
	c->prev = &control->clients;
	if (c->next)
		c->next->prev = &c->next;
	control->clients = c;
	control->clients_n++;
	event_add(c->read, NULL);
	return 0;
}
