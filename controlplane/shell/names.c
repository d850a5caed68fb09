/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/shell/names.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* rows are JSON strings of names: letters, digits and marks that need no escape */
static void take_rows(void *ctx, const char *rows, size_t n)
{
	struct names *names = ctx;
	char word[SCHEMA_KEY_MAX];
	size_t w = 0;
	bool in = false;

	for (size_t i = 0; i < n; i++) {
		if (rows[i] == '"') {
			if (in) {
				word[w] = '\0';
				word[strcspn(word, " ")] = '\0'; /* of a key in two parts, the first */
				names->emit(names->ctx, word, "", true);
			}
			in = !in;
			w = 0;
		} else if (in && w + 1 < sizeof(word)) {
			word[w++] = rows[i];
		}
	}
}

static void files(struct names *names, const char *prefix)
{
	char pattern[4100];
	glob_t g;

	snprintf(pattern, sizeof(pattern), "%.4096s*", prefix);
	if (glob(pattern, GLOB_MARK | GLOB_TILDE, NULL, &g))
		return;
	for (size_t i = 0; i < g.gl_pathc && i < 200; i++)
		names->emit(names->ctx, g.gl_pathv[i], "", true);
	globfree(&g);
}

void names_of(void *ctx, const struct schema_noun *noun, const char *what, const char *prefix)
{
	struct names *names = ctx;
	const struct link_answer a = {.rows = take_rows, .ctx = names};

	if (strcmp(what, "file") == 0)
		files(names, prefix);
	else
		link_complete(names->link, noun ? noun->name : what, prefix, &a);
}
