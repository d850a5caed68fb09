/* SPDX-License-Identifier: BSD-3-Clause */
/* The local store's own things. */
#ifndef CONTROLPLANE_STORE_SQLITE_STORE_H
#define CONTROLPLANE_STORE_SQLITE_STORE_H

#include "controlplane/store/fingerprint.h"
#include "controlplane/store/store.h"

#include <sqlite3.h>
#include <stdatomic.h>

enum { NOUNS_MAX = 64 };

#define SQLITE_GET_SQL "SELECT body FROM object WHERE noun=?1 AND key=?2"

enum statement { GET, HEAD, REVISION, REVISIONS, PENDING, CONFIRM, STATEMENTS };

enum journal_statement {
	BLOCK,
	UNBLOCK,
	BLOCK_LOG,
	BLOCKS,
	LOGGED,
	LOG_ONE,
	AUDIT,
	AUDITS,
	JOURNAL_STATEMENTS
};

struct sqlite_store {
	struct store base;
	sqlite3 *db, *journal;
	sqlite3_stmt *st[STATEMENTS], *js[JOURNAL_STATEMENTS];
	char path[4096];
	int noun_id[NOUNS_MAX]; /* of schema_nouns[i] in the file */
	_Atomic uint64_t next;	/* revision number */
	_Atomic bool busy;	/* a transaction lives */
	char error[SCHEMA_WHY_MAX];
};

struct store_txn {
	struct sqlite_store *s;
	sqlite3 *db;
	sqlite3_stmt *get, *put, *del, *change;
	struct store_revision r;
	struct fingerprint f;
	char parent_chain[65];
	uint8_t looked[NOUNS_MAX]; /* 1: this noun had objects, 2: it had none */
};

struct store_cursor {
	struct sqlite_store *s;
	sqlite3 *db;
	sqlite3_stmt *st;
	int noun, last; /* schema_nouns range still to do */
	bool changes;	/* rows carry their noun */
	char prefix[SCHEMA_KEY_MAX];
	bool has_prefix;
};

static inline struct sqlite_store *sqlite_of(struct store *s)
{
	return (struct sqlite_store *)s;
}

/* what SQLite said, kept for people, as -errno */
int sqlite_fault(struct sqlite_store *s, sqlite3 *db);
/* the same for a store that cannot be written */
int sqlite_closed(struct sqlite_store *s);
int sqlite_open_file(const char *path, sqlite3 **db); /* for reading alone where nothing can be written */
int sqlite_open_db(const char *path, sqlite3 **db, bool bulk);
int sqlite_prepare_once(sqlite3 *db, const char *text, sqlite3_stmt **st);
void sqlite_text(sqlite3_stmt *st, int column, char *out, size_t cap);
int sqlite_step_reset(sqlite3_stmt *st);

/* ---- sqlite_cursor.c: see store.h ---- */
void sqlite_close_cursor(struct store_cursor *c);
int sqlite_open_cursor(struct store *base, int noun, const char *prefix, struct store_cursor **out);
int sqlite_open_undo(struct store *base, uint64_t from, struct store_cursor **out);
int sqlite_open_changes(struct store *base, uint64_t id, struct store_cursor **out);
int sqlite_next(struct store_cursor *c, unsigned *noun, const char **key, const char **body, size_t *len);

/* ---- sqlite_txn.c: see store.h ---- */
void sqlite_abort(struct store_txn *t);
int sqlite_begin(struct store *base, const struct store_revision *meta, struct store_txn **out);
int sqlite_put(struct store_txn *t, unsigned noun, const char *key, const char *body, size_t len);
int sqlite_commit(struct store_txn *t, uint64_t keep, struct store_revision *out);

/* ---- sqlite_journal.c: see store.h ---- */
uint64_t sqlite_reserve(struct store *base);
int sqlite_block(struct store *base, const struct store_block *b);
int sqlite_unblock(struct store *base, const struct store_block *b);
int sqlite_blocks(struct store *base, bool (*each)(void *, const struct store_block *), void *ctx);
int sqlite_audit(struct store *base, const struct store_audit *a);
int sqlite_audits(struct store *base, unsigned count, bool (*each)(void *, const struct store_audit *),
		  void *ctx);

#endif
