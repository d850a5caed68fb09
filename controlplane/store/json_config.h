/* SPDX-License-Identifier: BSD-3-Clause */
/* A configuration as JSON: what `-j show configuration` prints, taken back. The objects stand in an array, or
 * in "rows" of an object; each has "noun", "key" and its settings. They become the lines that say the same,
 * so that there is one reader for both. */
#ifndef CONTROLPLANE_STORE_JSON_CONFIG_H
#define CONTROLPLANE_STORE_JSON_CONFIG_H

#include "config/schema/schema_file.h"

struct json_config {
	struct schema_text text; /* lines */
	unsigned *object;	 /* of line i + 1: its place among the objects, from 1 */
	unsigned lines, cap;
};

/* does the text begin as JSON does? */
bool json_config_is(const char *text, size_t len);
/* 0, -ENOMEM, or -EINVAL with where (line of the text, or number of the object) and why */
int json_config_read(struct json_config *j, const char *text, size_t len, struct schema_error *error);
void json_config_fini(struct json_config *j);
/* schema_file_read() of either form; in JSON an error's line is the number of the object */
int json_config_file(struct schema_reader *r, const char *text, size_t len, schema_complain_fn complain,
		     void *ctx, schema_progress_fn progress, void *progress_ctx);

#endif
