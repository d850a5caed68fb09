/* SPDX-License-Identifier: BSD-3-Clause */
/* Exports of other products into the candidate, each line that has no place here named with the reason. */
#ifndef CONTROLPLANE_DAEMON_IMPORT_H
#define CONTROLPLANE_DAEMON_IMPORT_H

#include "controlplane/daemon/server.h"

void import_lync(struct request *r);
void import_cisco(struct request *r);

/* ---- pure ---- */

struct import_sink {
	void *ctx;
	/* one line for the candidate; 0 or -errno with `why` */
	int (*line)(void *ctx, const char *line, char *why);
	/* something that has no place here, or another one than its name says */
	void (*report)(void *ctx, unsigned line, const char *what, const char *reason);
	bool (*has_partner)(void *ctx, const char *domain);
	const char *via_default; /* clearing house of partners of type AOL; NULL: aol.com */
};

enum import_product { IMPORT_LYNC, IMPORT_CISCO };

/* Reads a CSV export (which is cut up); `name` of the file helps to tell what it is. 0, or -EINVAL after a
 * report when the file is none that is known here. */
int import_read(enum import_product product, const char *name, char *text, size_t len,
		const struct import_sink *sink);

#endif
