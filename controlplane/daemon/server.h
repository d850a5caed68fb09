/* SPDX-License-Identifier: BSD-3-Clause */
/* The Unix socket: clients with their credentials, requests in, replies out. */
#ifndef CONTROLPLANE_DAEMON_SERVER_H
#define CONTROLPLANE_DAEMON_SERVER_H

#include "controlplane/daemon/control.h"

#include <jansson.h>

struct client;

/* One line of a client, being answered. A handler answers at once, or keeps it and answers later; it ends
 * with reply_end exactly once, after which the request is gone. */
struct request {
	struct control *control;
	struct client *client;
	int64_t id;
	bool json;
	int fd; /* a file that came with it, or -1 */
	enum schema_role role;
	uint32_t uid;
	char user[STORE_USER_MAX];
	char line[4096]; /* for the audit record, cut */
	struct schema_words *words;
	struct schema_call call;
	struct schema_text out, rows;
	bool failed;
	/* streams: called while there is room to send; returns 1 more, 0 done, -errno */
	int (*pump)(struct request *r);
	void (*gone)(struct request *r); /* frees `state`, also when the client goes away */
	void *state;
};

int server_open(struct control *c, char *why);
/* Locks `file` for this process, waiting 2 s for one that is dying: 0, -EADDRINUSE, -errno. *fd holds the
 * lock. */
int server_hold(const char *file, int *fd);
void server_close(struct control *c);

void reply_text(struct request *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
void reply_raw(struct request *r, const char *text, size_t n);
/* one row of JSON, an object as text */
void reply_row(struct request *r, const char *object, size_t n);
/* for people and for JSON at once: {"message": …} */
void reply_say(struct request *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* an error; line 0: none. `code`: a stable word */
void reply_error(struct request *r, const char *code, unsigned line, unsigned column, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
void reply_progress(struct request *r, const char *phase, uint64_t done, uint64_t total);
void reply_end(struct request *r, int status);
/* without an answer: the daemon ends */
void request_free(struct request *r);
/* puts a stream into motion: its pump is called until it says 0 */
void reply_stream(struct request *r);

/* request.c: takes a request whose line was split; answers it */
void request_run(struct request *r);
/* what completion asks: keys of a noun that begin with prefix */
void request_complete(struct request *r, const char *noun, const char *prefix);

#endif
