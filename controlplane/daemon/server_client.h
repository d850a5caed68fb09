/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the socket know of each other: a client, its bytes in and out. The loop's thread alone.
 */
#ifndef CONTROLPLANE_DAEMON_SERVER_CLIENT_H
#define CONTROLPLANE_DAEMON_SERVER_CLIENT_H

#include "controlplane/daemon/server.h"

#include <event2/buffer.h>
#include <sys/socket.h>

enum { OUT_HIGH = 256 * 1024 /* a stream waits above it */ };

struct client {
	struct client *next, **prev;
	struct control *control;
	int fd, passed; /* passed: a file that came and belongs to the next frame that says so */
	uint32_t uid, gid;
	char user[STORE_USER_MAX];
	enum schema_role role;
	bool allowed, dead;
	struct evbuffer *in, *out;
	struct event *read, *write;
	struct event *turn;	 /* for one more request of those that came */
	struct request *request; /* the one being answered */
};

/* Takes an accepted connection: 0, or -ENOMEM and `fd` is still the caller's. */
int client_open(struct control *control, int fd, const struct ucred *who);
/* Ends the connection and all that goes with it; a change that it asked for goes on. */
void client_free(struct client *c);
/* There is something to send. */
void client_wake(struct client *c);
/* What it asked is answered: the next of its requests has its turn. */
void client_next(struct client *c);
/* An error and the end of an answer that belong to no request: why somebody is sent away. */
void reply_parting(struct evbuffer *out, const char *code, const char *why, int status);

#endif
