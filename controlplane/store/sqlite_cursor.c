/* SPDX-License-Identifier: BSD-3-Clause */
/* Walks through objects, and through what revisions changed. Each has a connection of its own, so that its
 * snapshot is nobody else's. */
#include "controlplane/store/sqlite_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int cursor_new(struct sqlite_store *s, struct store_cursor **out)
{
	struct store_cursor *c = calloc(1, sizeof(*c));
	char path[4200];

	if (!c)
		return -ENOMEM;
	c->s = s;
	snprintf(path, sizeof(path), "%s/config.db", s->path);
	if (sqlite_open_file(path, &c->db) || sqlite3_busy_timeout(c->db, 2000) ||
	    sqlite3_exec(c->db, "PRAGMA mmap_size=268435456; BEGIN; SELECT 1 FROM revision LIMIT 1", NULL,
			 NULL, NULL)) {
		int r = sqlite_fault(s, c->db);

		sqlite3_close(c->db);
		free(c);
		return r;
	}
	*out = c;
	return 0;
}

void sqlite_close_cursor(struct store_cursor *c)
{
	if (!c)
		return;
	sqlite3_finalize(c->st);
	sqlite3_close(c->db);
	free(c);
}

int sqlite_open_cursor(struct store *base, int noun, const char *prefix, struct store_cursor **out)
{
	int r = cursor_new(sqlite_of(base), out);

	if (r)
		return r;
	(*out)->noun = noun < 0 ? 0 : noun;
	(*out)->last = noun < 0 ? (int)schema_nouns_n : noun + 1;
	if (prefix) {
		(*out)->has_prefix = true;
		snprintf((*out)->prefix, sizeof((*out)->prefix), "%s", prefix);
	}
	return 0;
}

static int open_changes(struct sqlite_store *s, const char *text, uint64_t id, struct store_cursor **out)
{
	int r = cursor_new(s, out);

	if (r)
		return r;
	(*out)->changes = true;
	if (sqlite_prepare_once((*out)->db, text, &(*out)->st)) {
		r = sqlite_fault(s, (*out)->db);
		sqlite_close_cursor(*out);
		return r;
	}
	sqlite3_bind_int64((*out)->st, 1, (sqlite3_int64)id);
	return 0;
}

int sqlite_open_undo(struct store *base, uint64_t from, struct store_cursor **out)
{
	/* with min(), SQLite takes the other columns from the row that has the minimum: the oldest change
	 * after `from` holds the state at `from` */
	return open_changes(sqlite_of(base),
			    "SELECT noun, key, old, min(rev) FROM change WHERE rev>?1 GROUP BY noun, key "
			    "ORDER BY noun, key",
			    from, out);
}

int sqlite_open_changes(struct store *base, uint64_t id, struct store_cursor **out)
{
	return open_changes(sqlite_of(base),
			    "SELECT noun, key, old FROM change WHERE rev=?1 ORDER BY noun, key", id, out);
}

int sqlite_next(struct store_cursor *c, unsigned *noun, const char **key, const char **body, size_t *len)
{
	struct sqlite_store *s = c->s;

	for (;;) {
		int rc, column = c->changes ? 1 : 0;

		if (!c->st) {
			if (c->noun >= c->last)
				return 0;
			if (sqlite_prepare_once(
				    c->db,
				    c->has_prefix ? "SELECT key, body FROM object WHERE noun=?1 AND key>=?2 "
						    "AND key<?2||char(1114111) "
						    "ORDER BY key"
						  : "SELECT key, body FROM object WHERE noun=?1 ORDER BY key",
				    &c->st))
				return sqlite_fault(s, c->db);
			sqlite3_bind_int(c->st, 1, s->noun_id[c->noun]);
			if (c->has_prefix)
				sqlite3_bind_text(c->st, 2, c->prefix, -1, SQLITE_STATIC);
		}
		rc = sqlite3_step(c->st);
		if (rc == SQLITE_DONE) {
			if (c->changes)
				return 0;
			sqlite3_finalize(c->st);
			c->st = NULL;
			c->noun++;
			continue;
		}
		if (rc != SQLITE_ROW)
			return sqlite_fault(s, c->db);
		if (c->changes) {
			int id = sqlite3_column_int(c->st, 0);
			unsigned i = 0;

			while (i < schema_nouns_n && s->noun_id[i] != id)
				i++;
			if (i == schema_nouns_n)
				continue; /* a noun of another version */
			*noun = i;
		} else {
			*noun = (unsigned)c->noun;
		}
		*key = (const char *)sqlite3_column_text(c->st, column);
		*body = (const char *)sqlite3_column_text(c->st, column + 1);
		*len = (size_t)sqlite3_column_bytes(c->st, column + 1);
		return 1;
	}
}
