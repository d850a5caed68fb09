/* SPDX-License-Identifier: BSD-3-Clause */
/* A configuration file: the lines that build it, in any order, read whole before anything is believed. */
#ifndef CONFIG_SCHEMA_SCHEMA_FILE_H
#define CONFIG_SCHEMA_SCHEMA_FILE_H

#include "config/schema/schema_line.h"
#include "config/schema/schema_map.h"

/* called for each error; false stops reading */
typedef bool (*schema_complain_fn)(void *ctx, const struct schema_error *error);
/* called now and then with the bytes read so far; may be NULL */
typedef void (*schema_progress_fn)(void *ctx, size_t done, size_t total);

/* What a candidate asks for an object that the map does not speak of: appends its body and returns 1, or 0
 * when there is none, or -errno. */
typedef int (*schema_below_fn)(void *ctx, unsigned noun, const char *key, struct schema_text *body);

struct schema_reader {
	struct schema_map *map;
	schema_below_fn below; /* NULL: the map is everything */
	void *below_ctx;
	schema_idn_fn idn;
	/* scratch, kept between lines */
	struct schema_words words;
	struct schema_edit edit;
	struct schema_object object;
	struct schema_text body;
};

void schema_reader_fini(struct schema_reader *r);
/* One line of any kind: blank, comment, set or delete. 0, or -EINVAL/-ENOENT/-ENOMEM with `error`; nothing is
 * changed then. */
int schema_reader_line(struct schema_reader *r, const char *line, unsigned number,
		       struct schema_error *error);
/* Reads text of `len` bytes into the map (which starts empty) and checks every object. 0, or -EINVAL after at
 * least one call of complain, or -ENOMEM. */
int schema_file_read(struct schema_reader *r, const char *text, size_t len, schema_complain_fn complain,
		     void *ctx, schema_progress_fn progress, void *progress_ctx);
/* Whole file, or standard input for "-", as UTF-8 (schema_decode.h). *text is the caller's to free. 0 or
 * -errno */
int schema_file_slurp(const char *path, char **text, size_t *len);

#endif
