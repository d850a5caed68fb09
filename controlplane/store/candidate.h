/* SPDX-License-Identifier: BSD-3-Clause */
/* A set of changes on top of the configuration in force. The shared candidate that the shell edits is one; a
 * file that is applied and a bulk load make private ones. One thread. */
#ifndef CONTROLPLANE_STORE_CANDIDATE_H
#define CONTROLPLANE_STORE_CANDIDATE_H

#include "config/schema/schema_cross.h"
#include "config/schema/schema_file.h"
#include "controlplane/store/store.h"

struct candidate {
	struct store *store;
	struct schema_map map; /* what differs; body NULL: deleted */
	struct schema_reader reader;
};

void candidate_init(struct candidate *c, struct store *store, schema_idn_fn idn);
void candidate_fini(struct candidate *c);
/* forgets every change */
void candidate_clear(struct candidate *c);
/* the changes of `from` too: 0 or -ENOMEM */
int candidate_copy(struct candidate *c, const struct candidate *from);
/* one set or delete line: 0 or -errno with `error` */
int candidate_line(struct candidate *c, const char *line, unsigned number, struct schema_error *error);
/* Drops what equals the configuration in force (it may have moved on). 0 or -errno */
int candidate_normalise(struct candidate *c);
/* what is in force with the changes on top; good while both live */
struct schema_source candidate_source(struct candidate *c);
/* Makes the changes that lead from what is in force to exactly `target`. 0 or -errno */
int candidate_become(struct candidate *c, const struct schema_map *target);
/* Makes the changes that lead back to revision `id`. 0 or -errno */
int candidate_return(struct candidate *c, uint64_t id);

/* One difference: before NULL = new, after NULL = gone. Lines of text with - and +, appended. */
int candidate_diff_text(unsigned noun, const char *key, const char *before, size_t before_len,
			const char *after, size_t after_len, struct schema_text *out);
/* the same as a JSON object {"change":"add|remove|modify","noun":…,"key":…,"before":{…},"after":{…}} */
int candidate_diff_json(unsigned noun, const char *key, const char *before, size_t before_len,
			const char *after, size_t after_len, struct schema_text *out);

#endif
