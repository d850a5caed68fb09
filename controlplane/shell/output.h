/* SPDX-License-Identifier: BSD-3-Clause */
/* What a command prints: filters, pager, colours, the JSON document of -j, the progress bar. */
#ifndef CONTROLPLANE_SHELL_OUTPUT_H
#define CONTROLPLANE_SHELL_OUTPUT_H

#include "config/schema/schema_line.h"

#include <regex.h>
#include <stdio.h>

enum output_filter { OUTPUT_ALL, OUTPUT_INCLUDE, OUTPUT_EXCLUDE, OUTPUT_BEGIN, OUTPUT_COUNT };

struct output {
	FILE *to;
	bool json, pager, colour;
	enum output_filter filter[8];
	char pattern[8][256];
	regex_t regex[8];
	unsigned compiled; /* bits: the pattern is a regular expression as well */
	unsigned filters;
	bool begun[8];
	uint64_t counted;
	bool counting;
	/* of one command */
	struct schema_text partial; /* a line that has not ended yet */
	struct schema_text errors;  /* JSON */
	bool rows, quit, errors_any;
	unsigned shown, height; /* lines on this page */
	bool bar;		/* a progress bar stands on the line */
	uint64_t bar_began_ms;
	char bar_phase[16];
};

/* reads "| include X | count" from words[first..]; 0 or -EINVAL with `error` */
int output_filters(struct output *o, const struct schema_words *ws, unsigned first,
		   struct schema_error *error);
void output_begin(struct output *o);
void output_text(struct output *o, const char *text);
void output_rows(struct output *o, const char *rows, size_t n);
/* `where`: "file" or "" */
void output_error(struct output *o, const char *where, unsigned line, unsigned column, const char *code,
		  const char *message);
void output_progress(struct output *o, const char *phase, uint64_t done, uint64_t total);
void output_end(struct output *o, int status);
void output_fini(struct output *o);

#endif
