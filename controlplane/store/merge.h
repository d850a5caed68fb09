/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration in force with a set of changes on top, in the order of print, row by row in flat memory.
 */
#ifndef CONTROLPLANE_STORE_MERGE_H
#define CONTROLPLANE_STORE_MERGE_H

#include "config/schema/schema_map.h"
#include "controlplane/store/store.h"

struct merge {
	struct store *store;
	struct store_cursor *cursor;
	const struct schema_entry **over; /* sorted; may be NULL */
	size_t n, at;
	int noun; /* only this one; -1 all */
	char prefix[SCHEMA_KEY_MAX];
	bool has_prefix;
	/* the row of the cursor that waits */
	bool waiting, ended;
	unsigned c_noun;
	const char *c_key, *c_body;
	size_t c_len;
};

/* `map` may be NULL, must stay as it is until the end, and is not owned. 0 or -errno */
int merge_open(struct merge *m, struct store *store, const struct schema_map *map, int noun,
	       const char *prefix);
/* 1 and a row, good until the next call; 0 at the end; -errno */
int merge_next(struct merge *m, unsigned *noun, const char **key, const char **body, size_t *len);
void merge_close(struct merge *m);

#endif
