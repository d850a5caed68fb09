/* SPDX-License-Identifier: BSD-3-Clause */
/* What may stand next on a line: for TAB, for '?' and for the completion of other shells. */
#ifndef CONFIG_SCHEMA_SCHEMA_COMPLETE_H
#define CONFIG_SCHEMA_SCHEMA_COMPLETE_H

#include "config/schema/schema_command.h"

struct schema_completion {
	/* One candidate. `literal`: it can be inserted as it stands; else it only describes what is wanted.
	 */
	void (*emit)(void *ctx, const char *word, const char *help, bool literal);
	/* Keys of existing objects (noun) or other names (noun NULL: `what` says which) that begin with
	 * prefix: the callee emits them itself. May be NULL. */
	void (*keys)(void *ctx, const struct schema_noun *noun, const char *what, const char *prefix);
	void *ctx;
};

/* `line` ends at the cursor. `*partial` receives how many bytes of the word under the cursor were typed. */
void schema_complete(const char *line, const struct schema_completion *c, size_t *partial);

#endif
