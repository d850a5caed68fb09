/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as a configuration file: refused with a reason, or read and printed so that the print reads back
 * to the same print. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/schema/schema_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool complain(void *ctx, const struct schema_error *error)
{
	if (!error->why[0])
		abort();
	return ++*(unsigned *)ctx < 5;
}

static int once(const char *text, size_t len, struct schema_text *out)
{
	struct schema_map map = {0};
	struct schema_reader r = {.map = &map};
	struct schema_object o = {0};
	struct schema_text json = {0};
	const struct schema_entry **sorted;
	unsigned complaints = 0;
	size_t n;
	int rc = schema_file_read(&r, text, len, complain, &complaints, NULL, NULL);

	if (rc == 0 && !schema_map_sorted(&map, &sorted, &n)) {
		for (size_t i = 0; i < n; i++) {
			if (schema_object_load(&o, &schema_nouns[sorted[i]->noun], sorted[i]->key,
					       sorted[i]->body, sorted[i]->body_len))
				abort();
			schema_object_print(&o, out);
			schema_object_json(&o, &json);
		}
		free(sorted);
	} else if (rc == -22 && !complaints) {
		abort();
	}
	schema_object_fini(&o);
	schema_text_fini(&json);
	schema_reader_fini(&r);
	schema_map_fini(&map);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct schema_text out = {0}, again = {0};

	if (once((const char *)data, size, &out) == 0 && out.n) {
		if (once(out.p, out.n, &again) || strcmp(out.p, again.p))
			abort();
	}
	schema_text_fini(&out);
	schema_text_fini(&again);
	return 0;
}
