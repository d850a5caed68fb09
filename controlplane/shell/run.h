/* SPDX-License-Identifier: BSD-3-Clause */
/* One line of the shell, from wherever it came. */
#ifndef CONTROLPLANE_SHELL_RUN_H
#define CONTROLPLANE_SHELL_RUN_H

#include "controlplane/shell/shell_link.h"
#include "controlplane/shell/output.h"

enum { RUN_OK = 0, RUN_FAILED = 1, RUN_CHANGED = 2, RUN_NO_DAEMON = 3, RUN_DENIED = 4, RUN_USAGE = 64 };

struct shell {
	struct link link;
	struct output out;
	bool json, interactive, configuring, leaving;
	struct schema_words words;
};

/* the status of the line, one of the above */
int run_line(struct shell *s, const char *line);
/* candidates for what stands after `line`, one a line, for other shells */
void run_complete(struct shell *s, const char *line);
/* "check FILE" without a daemon; "-" is standard input. `files`: also what it names. */
int run_check_file(struct shell *s, const char *path, bool files);

#endif
