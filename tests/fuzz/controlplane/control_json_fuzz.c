/* SPDX-License-Identifier: BSD-3-Clause */
/* A configuration as JSON: what is taken prints as JSON that is taken as the same. */
#include "controlplane/store/json_config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool ignore(void *ctx, const struct schema_error *e)
{
	if (!memchr(e->why, '\0', sizeof(e->why)))
		abort();
	return true;
}

static void print(const struct schema_map *map, struct schema_text *out)
{
	const struct schema_entry **e;
	size_t n;

	if (schema_map_sorted(map, &e, &n))
		return;
	schema_text_puts(out, "[");
	for (size_t i = 0; i < n; i++) {
		struct schema_object o = {0};

		if (schema_object_load(&o, &schema_nouns[e[i]->noun], e[i]->key, e[i]->body, e[i]->body_len))
			abort();
		schema_text_puts(out, i ? "," : "");
		schema_object_json(&o, out);
		schema_object_fini(&o);
	}
	schema_text_puts(out, "]");
	free(e);
}

/* bytes that are not UTF-8 become question marks in JSON; then twice is as once */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct schema_map map[3] = {{0}};
	struct schema_text text[3] = {{0}};
	struct schema_reader r = {.map = &map[0]};
	int rc = json_config_file(&r, (const char *)data, size, ignore, NULL, NULL, NULL);

	schema_reader_fini(&r);
	for (unsigned i = 1; i < 3 && !rc; i++) {
		struct schema_reader again = {.map = &map[i]};

		print(&map[i - 1], &text[i]);
		if (json_config_file(&again, text[i].p, text[i].n, ignore, NULL, NULL, NULL))
			abort();
		schema_reader_fini(&again);
	}
	if (!rc) {
		print(&map[2], &text[0]);
		if (text[0].n != text[2].n || memcmp(text[0].p, text[2].p, text[0].n))
			abort();
	}
	for (unsigned i = 0; i < 3; i++) {
		schema_map_fini(&map[i]);
		schema_text_fini(&text[i]);
	}
	return 0;
}
