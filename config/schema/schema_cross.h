/* SPDX-License-Identifier: BSD-3-Clause */
/* What a configuration shows as a whole: names that are referred to exist, and no two things contradict each
 * other. Only what changed is looked at, as far as that suffices, so that one change to a million partners
 * stays cheap. */
#ifndef CONFIG_SCHEMA_SCHEMA_CROSS_H
#define CONFIG_SCHEMA_SCHEMA_CROSS_H

#include "config/schema/schema_map.h"
#include "config/schema/schema_object.h"

typedef bool (*schema_each_fn)(void *arg, const char *key, const char *body, size_t len);

/* a configuration, wherever it lies */
struct schema_source {
	void *ctx;
	/* appends the body: 1 found, 0 not, -errno */
	int (*get)(void *ctx, unsigned noun, const char *key, struct schema_text *body);
	/* every object of a noun, in any order, until the callback returns false: 0 or -errno */
	int (*each)(void *ctx, unsigned noun, schema_each_fn each, void *arg);
};

/* the source that is a map alone */
struct schema_source schema_source_map(const struct schema_map *map);

enum schema_severity { SCHEMA_NOTE, SCHEMA_WARNING, SCHEMA_ERROR };

struct schema_finding {
	enum schema_severity severity;
	const char *noun, *key; /* what it is about */
	uint32_t line;		/* of the file, 0: none */
	const char *text;	/* what, and what to do */
};

typedef void (*schema_report_fn)(void *ctx, const struct schema_finding *finding);

/* `changed`: the entries that differ from what was checked before (deletions have no body).
 * Returns how many errors were reported, or -errno. */
long schema_cross_check(const struct schema_source *source, const struct schema_entry *const *changed,
			size_t n, schema_report_fn report, void *ctx);

#endif
