/* SPDX-License-Identifier: BSD-3-Clause */
/* The shell's side of the control socket: one line out, its answer in. Blocking. */
#ifndef CONTROLPLANE_SHELL_LINK_H
#define CONTROLPLANE_SHELL_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct link {
	int fd; /* -1: not connected */
	const char *path;
	int64_t next_id;
	char *buf; /* of frames */
	size_t cap;
};

/* what comes back; the callee reads what it needs */
struct link_answer {
	void (*text)(void *ctx, const char *text);
	/* JSON objects, separated by commas */
	void (*rows)(void *ctx, const char *rows, size_t n);
	void (*error)(void *ctx, const char *code, const char *message, unsigned line, unsigned column,
		      const char *json);
	void (*progress)(void *ctx, const char *phase, uint64_t done, uint64_t total);
	/* nothing has come for five seconds; once */
	void (*silence)(void *ctx);
	void *ctx;
};

void link_close(struct link *l);
/* Sends a line, with an open file beside it unless fd is -1. Returns the status (0 … 255) or -errno. */
int link_run(struct link *l, const char *line, bool json, int fd, const struct link_answer *answer);
/* keys of a noun that begin with prefix: rows of JSON strings. Status or -errno */
int link_complete(struct link *l, const char *noun, const char *prefix, const struct link_answer *answer);

#endif
