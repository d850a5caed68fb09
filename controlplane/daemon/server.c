/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/daemon/server_client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

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
		reply_parting(out, "busy", why, 1);
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
	const char *why;

	if (fd < 0)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n)) {
		close(fd);
		return;
	}
	why = no_room(ctl, cred.uid);
	if (!why && client_open(ctl, fd, &cred))
		why = "out of memory";
	if (why)
		turn_away(fd, why);
}

int server_hold(const char *file, int *fd)
{
	*fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	/* a lock can be had where nothing can be written */
	if (*fd < 0 && (errno == EROFS || errno == EACCES))
		*fd = open(file, O_RDONLY | O_CLOEXEC);
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
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char lock[300];
	int r;

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

void server_close(struct control *c)
{
	for (struct client *k = c->clients, *next; k; k = next) {
		struct request *r = k->request;

		next = k->next;
		k->request = NULL;
		if (r)
			request_free(r);
		client_free(k);
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
