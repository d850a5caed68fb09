/* SPDX-License-Identifier: BSD-3-Clause */
/* Names for completion: keys from the daemon, files from the disk. */
#ifndef CONTROLPLANE_SHELL_NAMES_H
#define CONTROLPLANE_SHELL_NAMES_H

#include "config/schema/schema_complete.h"
#include "controlplane/shell/shell_link.h"

struct names {
	struct link *link;
	void (*emit)(void *ctx, const char *word, const char *help, bool literal);
	void *ctx;
};

/* fits schema_completion.keys, with struct names as its ctx: so emit's ctx has to be the same pointer's .ctx
 */
void names_of(void *ctx, const struct schema_noun *noun, const char *what, const char *prefix);

#endif
