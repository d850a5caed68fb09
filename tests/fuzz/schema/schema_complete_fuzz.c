/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as a command line under the cursor, and as a command. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/schema/schema_complete.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void emit(void *ctx, const char *word, const char *help, bool literal)
{
	if (!word || !help || !strlen(word))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct schema_completion c = {emit, NULL, NULL};
	struct schema_words *ws = malloc(sizeof(*ws));
	struct schema_call call = {0};
	struct schema_error error;
	char *line = malloc(size + 1);
	size_t partial;

	memcpy(line, data, size);
	line[size] = '\0';
	schema_complete(line, &c, &partial);
	if (partial > size)
		abort();
	if (!schema_words_split(ws, line, false, &error))
		schema_call_parse(&call, ws, 0, ws->n, NULL, &error);
	schema_call_fini(&call);
	free(ws);
	free(line);
	return 0;
}
