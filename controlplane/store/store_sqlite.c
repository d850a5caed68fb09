/* SPDX-License-Identifier: BSD-3-Clause */
/* The local store: two SQLite files in WAL mode. config.db holds the configuration and, for each revision,
 * the former body of what it changed; journal.db holds emergency blocks and the audit record, so that a bulk
 * transaction's lock on the former never delays a block. */
#include "controlplane/store/fingerprint.h"
#include "controlplane/store/store.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { NOUNS_MAX = 64 };

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

static const char schema_sql[] =
	"CREATE TABLE IF NOT EXISTS noun(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
	"CREATE TABLE IF NOT EXISTS object(noun INTEGER NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL,"
	" PRIMARY KEY(noun, key)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS revision(id INTEGER PRIMARY KEY, at INTEGER, uid INTEGER, user TEXT, "
	"kind TEXT,"
	" comment TEXT, changes INTEGER, objects INTEGER, fingerprint TEXT, chain TEXT, lanes BLOB, "
	"revert_to INTEGER,"
	" revert_at INTEGER);"
	"CREATE TABLE IF NOT EXISTS change(rev INTEGER NOT NULL, noun INTEGER NOT NULL, key TEXT NOT NULL, "
	"old TEXT,"
	" PRIMARY KEY(rev, noun, key)) WITHOUT ROWID;";

static const char journal_sql[] = "CREATE TABLE IF NOT EXISTS block(domain TEXT PRIMARY KEY, revision "
				  "INTEGER, at INTEGER, uid INTEGER, user TEXT,"
				  " comment TEXT) WITHOUT ROWID;"
				  "CREATE TABLE IF NOT EXISTS block_log(id INTEGER PRIMARY KEY, at INTEGER, "
				  "uid INTEGER, user TEXT, kind TEXT,"
				  " domain TEXT, comment TEXT);"
				  "CREATE TABLE IF NOT EXISTS audit(id INTEGER PRIMARY KEY, at INTEGER, uid "
				  "INTEGER, user TEXT, action TEXT,"
				  " result TEXT);";

#define REV_COLUMNS \
	"id, at, uid, user, kind, comment, changes, objects, fingerprint, chain, revert_to, revert_at"

static const char *const sql[STATEMENTS] = {
	[GET] = "SELECT body FROM object WHERE noun=?1 AND key=?2",
	[HEAD] = "SELECT " REV_COLUMNS " FROM revision ORDER BY id DESC LIMIT 1",
	[REVISION] = "SELECT " REV_COLUMNS " FROM revision WHERE id=?1",
	[REVISIONS] = "SELECT " REV_COLUMNS " FROM revision WHERE id<?1 ORDER BY id DESC",
	[PENDING] = "SELECT " REV_COLUMNS " FROM revision WHERE revert_at>0 ORDER BY id DESC LIMIT 1",
	[CONFIRM] = "UPDATE revision SET revert_at=0 WHERE id=?1",
};

static const char *const journal_statements[JOURNAL_STATEMENTS] = {
	[BLOCK] = "INSERT OR REPLACE INTO block VALUES(?1,?2,?3,?4,?5,?6)",
	[UNBLOCK] = "DELETE FROM block WHERE domain=?1",
	[BLOCK_LOG] = "INSERT OR REPLACE INTO block_log VALUES(?1,?2,?3,?4,?5,?6,?7)",
	[BLOCKS] = "SELECT domain, revision, at, uid, user, comment FROM block ORDER BY domain",
	[LOGGED] =
		"SELECT id, at, uid, user, kind, domain, comment FROM block_log WHERE id<?1 ORDER BY id DESC",
	[LOG_ONE] = "SELECT id, at, uid, user, kind, domain, comment FROM block_log WHERE id=?1",
	[AUDIT] = "INSERT INTO audit(at,uid,user,action,result) VALUES(?1,?2,?3,?4,?5)",
	[AUDITS] = "SELECT id, at, uid, user, action, result FROM audit ORDER BY id DESC LIMIT ?1",
};

static struct sqlite_store *of(struct store *s)
{
	return (struct sqlite_store *)s;
}

static int fault(struct sqlite_store *s, sqlite3 *db)
{
	int rc = db ? sqlite3_errcode(db) : SQLITE_NOMEM;

	snprintf(s->error, sizeof(s->error), "%s", db ? sqlite3_errmsg(db) : "out of memory");
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return -EACCES;
	default:
		return -EIO;
	}
}

static const char *sqlite_error(struct store *base)
{
	return of(base)->error;
}

static int open_db(const char *path, sqlite3 **db, bool bulk)
{
	char *message = NULL;
	int rc = sqlite3_open_v2(path, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
				 NULL);

	if (rc == SQLITE_OK) {
		sqlite3_busy_timeout(*db, 2000);
		/* FULL: a commit that was answered has reached the disk */
		rc = sqlite3_exec(*db,
				  bulk ? "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA "
					 "cache_size=-65536; PRAGMA "
					 "wal_autocheckpoint=0"
				       : "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA "
					 "cache_size=-8192; PRAGMA "
					 "mmap_size=268435456",
				  NULL, NULL, &message);
		sqlite3_free(message);
	}
	return rc;
}

static int prepare(sqlite3 *db, const char *text, sqlite3_stmt **st)
{
	return sqlite3_prepare_v3(db, text, -1, SQLITE_PREPARE_PERSISTENT, st, NULL);
}

static void text_column(sqlite3_stmt *st, int column, char *out, size_t cap)
{
	const char *t = (const char *)sqlite3_column_text(st, column);

	snprintf(out, cap, "%s", t ? t : "");
}

static void read_revision(sqlite3_stmt *st, struct store_revision *r)
{
	r->id = (uint64_t)sqlite3_column_int64(st, 0);
	r->at = (uint64_t)sqlite3_column_int64(st, 1);
	r->uid = (uint32_t)sqlite3_column_int64(st, 2);
	text_column(st, 3, r->user, sizeof(r->user));
	text_column(st, 4, r->kind, sizeof(r->kind));
	text_column(st, 5, r->comment, sizeof(r->comment));
	r->changes = (uint64_t)sqlite3_column_int64(st, 6);
	r->objects = (uint64_t)sqlite3_column_int64(st, 7);
	text_column(st, 8, r->fingerprint, sizeof(r->fingerprint));
	text_column(st, 9, r->chain, sizeof(r->chain));
	r->revert_to = (uint64_t)sqlite3_column_int64(st, 10);
	r->revert_at = (uint64_t)sqlite3_column_int64(st, 11);
}

/* one revision row or none: 1, 0 or -errno */
static int one_revision(struct sqlite_store *s, enum statement which, uint64_t id, struct store_revision *out)
{
	sqlite3_stmt *st = s->st[which];
	int rc;

	memset(out, 0, sizeof(*out));
	if (which == REVISION)
		sqlite3_bind_int64(st, 1, (sqlite3_int64)id);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		read_revision(st, out);
	sqlite3_reset(st);
	return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : fault(s, s->db);
}

static int sqlite_head(struct store *base, struct store_revision *out)
{
	int r = one_revision(of(base), HEAD, 0, out);

	if (r == 0) {
		struct fingerprint none = {0};

		fingerprint_hex(&none, out->fingerprint);
	}
	return r < 0 ? r : 0;
}

static int sqlite_pending(struct store *base, struct store_revision *out)
{
	return one_revision(of(base), PENDING, 0, out);
}

static void read_logged(sqlite3_stmt *st, struct store_revision *r)
{
	const char *domain = (const char *)sqlite3_column_text(st, 5),
		   *why = (const char *)sqlite3_column_text(st, 6);

	memset(r, 0, sizeof(*r));
	r->id = (uint64_t)sqlite3_column_int64(st, 0);
	r->at = (uint64_t)sqlite3_column_int64(st, 1);
	r->uid = (uint32_t)sqlite3_column_int64(st, 2);
	text_column(st, 3, r->user, sizeof(r->user));
	text_column(st, 4, r->kind, sizeof(r->kind));
	snprintf(r->comment, sizeof(r->comment), "%s%s%s", domain ? domain : "", why && *why ? ": " : "",
		 why ? why : "");
	r->changes = 1;
}

static int sqlite_revision(struct store *base, uint64_t id, struct store_revision *out)
{
	struct sqlite_store *s = of(base);
	int r = one_revision(s, REVISION, id, out);

	if (r == 0) {
		sqlite3_bind_int64(s->js[LOG_ONE], 1, (sqlite3_int64)id);
		r = sqlite3_step(s->js[LOG_ONE]) == SQLITE_ROW;
		if (r)
			read_logged(s->js[LOG_ONE], out);
		sqlite3_reset(s->js[LOG_ONE]);
	}
	return r > 0 ? 0 : r ? r : -ENOENT;
}

static int sqlite_revisions(struct store *base, uint64_t below,
			    bool (*each)(void *, const struct store_revision *), void *ctx)
{
	struct sqlite_store *s = of(base);
	sqlite3_stmt *a = s->st[REVISIONS], *b = s->js[LOGGED];
	sqlite3_int64 limit = below && below < INT64_MAX ? (sqlite3_int64)below : INT64_MAX;
	struct store_revision r, logged;
	int ra, rb, rc = 0;

	sqlite3_bind_int64(a, 1, limit);
	sqlite3_bind_int64(b, 1, limit);
	ra = sqlite3_step(a);
	rb = sqlite3_step(b);
	while (ra == SQLITE_ROW || rb == SQLITE_ROW) {
		bool take_a;

		if (ra == SQLITE_ROW)
			read_revision(a, &r);
		if (rb == SQLITE_ROW)
			read_logged(b, &logged);
		take_a = rb != SQLITE_ROW || (ra == SQLITE_ROW && r.id > logged.id);
		if (!each(ctx, take_a ? &r : &logged))
			break;
		if (take_a)
			ra = sqlite3_step(a);
		else
			rb = sqlite3_step(b);
	}
	if (ra != SQLITE_ROW && ra != SQLITE_DONE)
		rc = fault(s, s->db);
	if (rb != SQLITE_ROW && rb != SQLITE_DONE)
		rc = fault(s, s->journal);
	sqlite3_reset(a);
	sqlite3_reset(b);
	return rc;
}

static int sqlite_confirm(struct store *base, uint64_t id)
{
	struct sqlite_store *s = of(base);
	int rc;

	sqlite3_bind_int64(s->st[CONFIRM], 1, (sqlite3_int64)id);
	rc = sqlite3_step(s->st[CONFIRM]);
	sqlite3_reset(s->st[CONFIRM]);
	return rc == SQLITE_DONE ? 0 : fault(s, s->db);
}

static int sqlite_get(struct store *base, unsigned noun, const char *key, struct schema_text *body)
{
	struct sqlite_store *s = of(base);
	sqlite3_stmt *st = s->st[GET];
	int rc, r = 0;

	sqlite3_bind_int(st, 1, s->noun_id[noun]);
	sqlite3_bind_text(st, 2, key, -1, SQLITE_STATIC);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		r = schema_text_add(body, (const char *)sqlite3_column_text(st, 0),
				    (size_t)sqlite3_column_bytes(st, 0));
	sqlite3_reset(st);
	if (rc == SQLITE_ROW)
		return r ? r : 1;
	return rc == SQLITE_DONE ? 0 : fault(s, s->db);
}

/* ---- cursors: each has a connection of its own, so that its snapshot is nobody else's ---- */

static int cursor_new(struct sqlite_store *s, struct store_cursor **out)
{
	struct store_cursor *c = calloc(1, sizeof(*c));
	char path[4200];

	if (!c)
		return -ENOMEM;
	c->s = s;
	snprintf(path, sizeof(path), "%s/config.db", s->path);
	if (sqlite3_open_v2(path, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ||
	    sqlite3_busy_timeout(c->db, 2000) ||
	    sqlite3_exec(c->db, "PRAGMA mmap_size=268435456; BEGIN; SELECT 1 FROM revision LIMIT 1", NULL,
			 NULL, NULL)) {
		int r = fault(s, c->db);

		sqlite3_close(c->db);
		free(c);
		return r;
	}
	*out = c;
	return 0;
}

static void sqlite_close_cursor(struct store_cursor *c)
{
	if (!c)
		return;
	sqlite3_finalize(c->st);
	sqlite3_close(c->db);
	free(c);
}

static int sqlite_open_cursor(struct store *base, int noun, const char *prefix, struct store_cursor **out)
{
	int r = cursor_new(of(base), out);

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
	if (prepare((*out)->db, text, &(*out)->st)) {
		r = fault(s, (*out)->db);
		sqlite_close_cursor(*out);
		return r;
	}
	sqlite3_bind_int64((*out)->st, 1, (sqlite3_int64)id);
	return 0;
}

static int sqlite_open_undo(struct store *base, uint64_t from, struct store_cursor **out)
{
	/* with min(), SQLite takes the other columns from the row that has the minimum: the oldest change
	 * after `from` holds the state at `from` */
	return open_changes(of(base),
			    "SELECT noun, key, old, min(rev) FROM change WHERE rev>?1 GROUP BY noun, key "
			    "ORDER BY noun, key",
			    from, out);
}

static int sqlite_open_changes(struct store *base, uint64_t id, struct store_cursor **out)
{
	return open_changes(of(base), "SELECT noun, key, old FROM change WHERE rev=?1 ORDER BY noun, key", id,
			    out);
}

static int sqlite_next(struct store_cursor *c, unsigned *noun, const char **key, const char **body,
		       size_t *len)
{
	struct sqlite_store *s = c->s;

	for (;;) {
		int rc, column = c->changes ? 1 : 0;

		if (!c->st) {
			if (c->noun >= c->last)
				return 0;
			if (prepare(c->db,
				    c->has_prefix ? "SELECT key, body FROM object WHERE noun=?1 AND key>=?2 "
						    "AND key<?2||char(1114111) "
						    "ORDER BY key"
						  : "SELECT key, body FROM object WHERE noun=?1 ORDER BY key",
				    &c->st))
				return fault(s, c->db);
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
			return fault(s, c->db);
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

/* ---- transactions ---- */

static void txn_free(struct store_txn *t)
{
	struct sqlite_store *s = t->s;

	sqlite3_finalize(t->get);
	sqlite3_finalize(t->put);
	sqlite3_finalize(t->del);
	sqlite3_finalize(t->change);
	sqlite3_close(t->db);
	free(t);
	atomic_store_explicit(&s->busy, false, memory_order_release);
}

static void sqlite_abort(struct store_txn *t)
{
	sqlite3_exec(t->db, "ROLLBACK", NULL, NULL, NULL);
	txn_free(t);
}

static int read_parent(struct store_txn *t)
{
	sqlite3_stmt *st;
	int rc;

	if (prepare(t->db, "SELECT chain, lanes, objects FROM revision ORDER BY id DESC LIMIT 1", &st))
		return fault(t->s, t->db);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		text_column(st, 0, t->parent_chain, sizeof(t->parent_chain));
		if (sqlite3_column_bytes(st, 1) == sizeof(t->f.lane))
			memcpy(t->f.lane, sqlite3_column_blob(st, 1), sizeof(t->f.lane));
		t->f.objects = (uint64_t)sqlite3_column_int64(st, 2);
	}
	sqlite3_finalize(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : fault(t->s, t->db);
}

static int sqlite_begin(struct store *base, const struct store_revision *meta, struct store_txn **out)
{
	struct sqlite_store *s = of(base);
	struct store_txn *t;
	char path[4200];
	bool free_now = false;
	int r;

	if (!atomic_compare_exchange_strong(&s->busy, &free_now, true)) {
		snprintf(s->error, sizeof(s->error), "another change is being stored");
		return -EBUSY;
	}
	t = calloc(1, sizeof(*t));
	if (!t) {
		atomic_store(&s->busy, false);
		return -ENOMEM;
	}
	t->s = s;
	t->r = *meta;
	t->r.changes = 0;
	t->r.id = atomic_fetch_add(&s->next, 1);
	snprintf(path, sizeof(path), "%s/config.db", s->path);
	if (open_db(path, &t->db, true) || sqlite3_exec(t->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) ||
	    prepare(t->db, sql[GET], &t->get) ||
	    prepare(t->db, "INSERT OR REPLACE INTO object VALUES(?1,?2,?3)", &t->put) ||
	    prepare(t->db, "DELETE FROM object WHERE noun=?1 AND key=?2", &t->del) ||
	    prepare(t->db, "INSERT OR IGNORE INTO change VALUES(?1,?2,?3,?4)", &t->change)) {
		r = fault(s, t->db);
		txn_free(t);
		return r;
	}
	r = read_parent(t);
	if (r) {
		sqlite_abort(t);
		return r;
	}
	*out = t;
	return 0;
}

static int step_reset(sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);

	sqlite3_reset(st);
	return rc;
}

/* nothing of this noun was in force when the transaction began: then nothing has to be looked up (keys come
 * once) */
static bool was_empty(struct store_txn *t, unsigned noun)
{
	sqlite3_stmt *st;

	if (!t->looked[noun]) {
		t->looked[noun] = 1;
		if (prepare(t->db, "SELECT 1 FROM object WHERE noun=?1 LIMIT 1", &st) == SQLITE_OK) {
			sqlite3_bind_int(st, 1, t->s->noun_id[noun]);
			if (sqlite3_step(st) == SQLITE_DONE)
				t->looked[noun] = 2;
		}
		sqlite3_finalize(st);
	}
	return t->looked[noun] == 2;
}

static int sqlite_put(struct store_txn *t, unsigned noun, const char *key, const char *body, size_t len)
{
	struct sqlite_store *s = t->s;
	const char *name = schema_nouns[noun].name;
	const char *old = NULL;
	size_t old_len = 0;
	int rc, r = 0;

	sqlite3_bind_int(t->get, 1, s->noun_id[noun]);
	sqlite3_bind_text(t->get, 2, key, -1, SQLITE_STATIC);
	rc = was_empty(t, noun) ? SQLITE_DONE : sqlite3_step(t->get);
	if (rc == SQLITE_ROW) {
		old = (const char *)sqlite3_column_text(t->get, 0);
		old_len = (size_t)sqlite3_column_bytes(t->get, 0);
	} else if (rc != SQLITE_DONE) {
		sqlite3_reset(t->get);
		return fault(s, t->db);
	}
	if ((!old && !body) || (old && body && old_len == len && memcmp(old, body, len) == 0)) {
		sqlite3_reset(t->get);
		return 0;
	}
	sqlite3_bind_int64(t->change, 1, (sqlite3_int64)t->r.id);
	sqlite3_bind_int(t->change, 2, s->noun_id[noun]);
	sqlite3_bind_text(t->change, 3, key, -1, SQLITE_STATIC);
	if (old)
		sqlite3_bind_text(t->change, 4, old, (int)old_len, SQLITE_STATIC);
	else
		sqlite3_bind_null(t->change, 4);
	rc = step_reset(t->change);
	if (old)
		fingerprint_del(&t->f, name, key, old, old_len);
	sqlite3_reset(t->get);
	if (rc != SQLITE_DONE)
		return fault(s, t->db);
	if (body) {
		sqlite3_bind_int(t->put, 1, s->noun_id[noun]);
		sqlite3_bind_text(t->put, 2, key, -1, SQLITE_STATIC);
		sqlite3_bind_text(t->put, 3, body, (int)len, SQLITE_STATIC);
		rc = step_reset(t->put);
		fingerprint_add(&t->f, name, key, body, len);
	} else {
		sqlite3_bind_int(t->del, 1, s->noun_id[noun]);
		sqlite3_bind_text(t->del, 2, key, -1, SQLITE_STATIC);
		rc = step_reset(t->del);
	}
	if (rc != SQLITE_DONE)
		r = fault(s, t->db);
	t->r.changes++;
	return r;
}

static void make_chain(const struct store_txn *t, struct store_revision *r)
{
	struct sha256 h;
	uint8_t d[32];
	char line[2048];
	int n = snprintf(line, sizeof(line), "%s\n%llu\n%llu\n%u\n%s\n%s\n%s\n%s\n%llu\n", t->parent_chain,
			 (unsigned long long)r->id, (unsigned long long)r->at, r->uid, r->user, r->kind,
			 r->comment, r->fingerprint, (unsigned long long)r->changes);

	sha256_init(&h);
	sha256_add(&h, line, (size_t)n);
	sha256_done(&h, d);
	sha256_hex(d, r->chain);
}

static int write_revision(struct store_txn *t, uint64_t keep)
{
	struct store_revision *r = &t->r;
	sqlite3_stmt *st = NULL;
	int rc;

	r->at = (uint64_t)time(NULL);
	r->objects = t->f.objects;
	fingerprint_hex(&t->f, r->fingerprint);
	make_chain(t, r);
	if (prepare(t->db, "INSERT INTO revision VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)", &st))
		return fault(t->s, t->db);
	sqlite3_bind_int64(st, 1, (sqlite3_int64)r->id);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)r->at);
	sqlite3_bind_int64(st, 3, r->uid);
	sqlite3_bind_text(st, 4, r->user, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 5, r->kind, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 6, r->comment, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 7, (sqlite3_int64)r->changes);
	sqlite3_bind_int64(st, 8, (sqlite3_int64)r->objects);
	sqlite3_bind_text(st, 9, r->fingerprint, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 10, r->chain, -1, SQLITE_STATIC);
	sqlite3_bind_blob(st, 11, t->f.lane, sizeof(t->f.lane), SQLITE_STATIC);
	sqlite3_bind_int64(st, 12, (sqlite3_int64)r->revert_to);
	sqlite3_bind_int64(st, 13, (sqlite3_int64)r->revert_at);
	rc = sqlite3_step(st);
	sqlite3_finalize(st);
	if (rc != SQLITE_DONE)
		return fault(t->s, t->db);
	/* what a confirmation waits for has ended with any newer revision; old ones go */
	if (prepare(t->db, "UPDATE revision SET revert_at=0 WHERE revert_at>0 AND id<?1", &st))
		return fault(t->s, t->db);
	sqlite3_bind_int64(st, 1, (sqlite3_int64)r->id);
	rc = sqlite3_step(st);
	sqlite3_finalize(st);
	if (rc == SQLITE_DONE &&
	    prepare(t->db, "SELECT id FROM revision ORDER BY id DESC LIMIT 1 OFFSET ?1", &st) == SQLITE_OK) {
		sqlite3_int64 oldest = 0;

		sqlite3_bind_int64(st, 1, keep < INT64_MAX ? (sqlite3_int64)keep : INT64_MAX);
		if (sqlite3_step(st) == SQLITE_ROW)
			oldest = sqlite3_column_int64(st, 0);
		sqlite3_finalize(st);
		if (oldest) {
			char text[160];

			snprintf(text, sizeof(text),
				 "DELETE FROM change WHERE rev<=%lld; DELETE FROM revision WHERE id<=%lld",
				 (long long)oldest, (long long)oldest);
			rc = sqlite3_exec(t->db, text, NULL, NULL, NULL) ? SQLITE_ERROR : SQLITE_DONE;
		}
	}
	return rc == SQLITE_DONE ? 0 : fault(t->s, t->db);
}

static int sqlite_commit(struct store_txn *t, uint64_t keep, struct store_revision *out)
{
	struct sqlite_store *s = t->s;
	bool bulk = t->r.changes > 10000;
	int r = 0;

	if (t->r.changes == 0) {
		sqlite_abort(t);
		return sqlite_head(&s->base, out);
	}
	r = write_revision(t, keep);
	if (!r && sqlite3_exec(t->db, "COMMIT", NULL, NULL, NULL))
		r = fault(s, t->db);
	if (r) {
		sqlite_abort(t);
		return r;
	}
	*out = t->r;
	/* the log of a bulk transaction is folded in here, where nobody waits for the loop */
	if (bulk)
		sqlite3_wal_checkpoint_v2(t->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	txn_free(t);
	return 0;
}

/* ---- journal: blocks and audit ---- */

static uint64_t sqlite_reserve(struct store *base)
{
	return atomic_fetch_add(&of(base)->next, 1);
}

static int journal_log(struct sqlite_store *s, const struct store_block *b, const char *kind)
{
	sqlite3_stmt *st = s->js[BLOCK_LOG];

	sqlite3_bind_int64(st, 1, (sqlite3_int64)b->revision);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)b->at);
	sqlite3_bind_int64(st, 3, b->uid);
	sqlite3_bind_text(st, 4, b->user, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 5, kind, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 6, b->domain, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 7, b->comment, -1, SQLITE_STATIC);
	return step_reset(st);
}

static int sqlite_block(struct store *base, const struct store_block *b)
{
	struct sqlite_store *s = of(base);
	sqlite3_stmt *st = s->js[BLOCK];
	int r;

	if (sqlite3_exec(s->journal, "BEGIN IMMEDIATE", NULL, NULL, NULL))
		return fault(s, s->journal);
	sqlite3_bind_text(st, 1, b->domain, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)b->revision);
	sqlite3_bind_int64(st, 3, (sqlite3_int64)b->at);
	sqlite3_bind_int64(st, 4, b->uid);
	sqlite3_bind_text(st, 5, b->user, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 6, b->comment, -1, SQLITE_STATIC);
	if (step_reset(st) == SQLITE_DONE && journal_log(s, b, "block") == SQLITE_DONE &&
	    sqlite3_exec(s->journal, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	r = fault(s, s->journal);
	sqlite3_exec(s->journal, "ROLLBACK", NULL, NULL, NULL);
	return r;
}

static int sqlite_unblock(struct store *base, const struct store_block *b)
{
	struct sqlite_store *s = of(base);
	sqlite3_stmt *st = s->js[UNBLOCK];
	int r;

	if (sqlite3_exec(s->journal, "BEGIN IMMEDIATE", NULL, NULL, NULL))
		return fault(s, s->journal);
	sqlite3_bind_text(st, 1, b->domain, -1, SQLITE_STATIC);
	if (step_reset(st) == SQLITE_DONE) {
		if (sqlite3_changes(s->journal) == 0) {
			sqlite3_exec(s->journal, "ROLLBACK", NULL, NULL, NULL);
			return -ENOENT;
		}
		if (journal_log(s, b, "unblock") == SQLITE_DONE &&
		    sqlite3_exec(s->journal, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
			return 0;
	}
	r = fault(s, s->journal);
	sqlite3_exec(s->journal, "ROLLBACK", NULL, NULL, NULL);
	return r;
}

static int sqlite_blocks(struct store *base, bool (*each)(void *, const struct store_block *), void *ctx)
{
	struct sqlite_store *s = of(base);
	sqlite3_stmt *st = s->js[BLOCKS];
	int rc;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct store_block b = {.revision = (uint64_t)sqlite3_column_int64(st, 1),
					.at = (uint64_t)sqlite3_column_int64(st, 2),
					.uid = (uint32_t)sqlite3_column_int64(st, 3)};

		text_column(st, 0, b.domain, sizeof(b.domain));
		text_column(st, 4, b.user, sizeof(b.user));
		text_column(st, 5, b.comment, sizeof(b.comment));
		if (!each(ctx, &b))
			break;
	}
	sqlite3_reset(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : fault(s, s->journal);
}

static int sqlite_audit(struct store *base, const struct store_audit *a)
{
	struct sqlite_store *s = of(base);
	sqlite3_stmt *st = s->js[AUDIT];

	sqlite3_bind_int64(st, 1, (sqlite3_int64)a->at);
	sqlite3_bind_int64(st, 2, a->uid);
	sqlite3_bind_text(st, 3, a->user, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 4, a->action, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 5, a->result, -1, SQLITE_STATIC);
	return step_reset(st) == SQLITE_DONE ? 0 : fault(s, s->journal);
}

static int sqlite_audits(struct store *base, unsigned count, bool (*each)(void *, const struct store_audit *),
			 void *ctx)
{
	struct sqlite_store *s = of(base);
	sqlite3_stmt *st = s->js[AUDITS];
	int rc;

	sqlite3_bind_int64(st, 1, count);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct store_audit a = {.id = (uint64_t)sqlite3_column_int64(st, 0),
					.at = (uint64_t)sqlite3_column_int64(st, 1),
					.uid = (uint32_t)sqlite3_column_int64(st, 2)};

		text_column(st, 3, a.user, sizeof(a.user));
		text_column(st, 4, a.action, sizeof(a.action));
		text_column(st, 5, a.result, sizeof(a.result));
		if (!each(ctx, &a))
			break;
	}
	sqlite3_reset(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : fault(s, s->journal);
}

/* ---- life ---- */

static void sqlite_close(struct store *base)
{
	struct sqlite_store *s = of(base);

	for (unsigned i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(s->st[i]);
	for (unsigned i = 0; i < JOURNAL_STATEMENTS; i++)
		sqlite3_finalize(s->js[i]);
	sqlite3_close(s->db);
	sqlite3_close(s->journal);
	free(s);
}

static int sqlite_reader(struct store *base, struct store **out)
{
	char why[SCHEMA_WHY_MAX];

	return store_sqlite_open(of(base)->path, out, why);
}

static const struct store_ops ops = {
	.name = "sqlite",
	.close = sqlite_close,
	.error = sqlite_error,
	.reader = sqlite_reader,
	.head = sqlite_head,
	.get = sqlite_get,
	.open_cursor = sqlite_open_cursor,
	.open_undo = sqlite_open_undo,
	.open_changes = sqlite_open_changes,
	.next = sqlite_next,
	.close_cursor = sqlite_close_cursor,
	.begin = sqlite_begin,
	.put = sqlite_put,
	.commit = sqlite_commit,
	.abort = sqlite_abort,
	.revisions = sqlite_revisions,
	.revision = sqlite_revision,
	.pending = sqlite_pending,
	.confirm = sqlite_confirm,
	.reserve = sqlite_reserve,
	.block = sqlite_block,
	.unblock = sqlite_unblock,
	.blocks = sqlite_blocks,
	.audit = sqlite_audit,
	.audits = sqlite_audits,
};

static int learn_nouns(struct sqlite_store *s)
{
	sqlite3_stmt *in = NULL, *out = NULL;
	int rc = SQLITE_ERROR;

	if (prepare(s->db, "INSERT OR IGNORE INTO noun(name) VALUES(?1)", &in) == SQLITE_OK &&
	    prepare(s->db, "SELECT id FROM noun WHERE name=?1", &out) == SQLITE_OK)
		for (unsigned i = 0; i < schema_nouns_n && i < NOUNS_MAX; i++) {
			sqlite3_bind_text(out, 1, schema_nouns[i].name, -1, SQLITE_STATIC);
			rc = sqlite3_step(out);
			if (rc == SQLITE_DONE) {
				sqlite3_reset(out);
				sqlite3_bind_text(in, 1, schema_nouns[i].name, -1, SQLITE_STATIC);
				if (step_reset(in) != SQLITE_DONE)
					break;
				rc = sqlite3_step(out);
			}
			if (rc != SQLITE_ROW)
				break;
			s->noun_id[i] = sqlite3_column_int(out, 0);
			sqlite3_reset(out);
		}
	sqlite3_finalize(in);
	sqlite3_finalize(out);
	return rc == SQLITE_ROW ? 0 : -EIO;
}

static uint64_t highest(sqlite3 *db, const char *text)
{
	sqlite3_stmt *st;
	uint64_t v = 0;

	if (prepare(db, text, &st) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
		v = (uint64_t)sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return v;
}

int store_sqlite_open(const char *dir, struct store **out, char *why)
{
	struct sqlite_store *s = calloc(1, sizeof(*s));
	char path[4200];
	uint64_t a, b;
	sqlite3 *wrong = NULL;

	_Static_assert(NOUNS_MAX >= 32, "room for the table");
	if (!s)
		return -ENOMEM;
	s->base.ops = &ops;
	snprintf(s->path, sizeof(s->path), "%s", dir);
	if (mkdir(dir, 0700) && errno != EEXIST) {
		snprintf(why, SCHEMA_WHY_MAX, "%.300s: %s", dir, strerror(errno));
		free(s);
		return -errno;
	}
	snprintf(path, sizeof(path), "%s/config.db", dir);
	if (open_db(path, &s->db, false) || sqlite3_exec(s->db, schema_sql, NULL, NULL, NULL) ||
	    learn_nouns(s))
		wrong = s->db;
	for (unsigned i = 0; !wrong && i < STATEMENTS; i++)
		if (prepare(s->db, sql[i], &s->st[i]))
			wrong = s->db;
	snprintf(path, sizeof(path), "%s/journal.db", dir);
	if (!wrong &&
	    (open_db(path, &s->journal, false) || sqlite3_exec(s->journal, journal_sql, NULL, NULL, NULL)))
		wrong = s->journal;
	for (unsigned i = 0; !wrong && i < JOURNAL_STATEMENTS; i++)
		if (prepare(s->journal, journal_statements[i], &s->js[i]))
			wrong = s->journal;
	if (wrong) {
		int r = fault(s, wrong);

		snprintf(why, SCHEMA_WHY_MAX, "the store in %.200s cannot be used: %.200s", dir, s->error);
		sqlite_close(&s->base);
		return r;
	}
	a = highest(s->db, "SELECT max(id) FROM revision");
	b = highest(s->journal, "SELECT max(id) FROM block_log");
	atomic_store(&s->next, (a > b ? a : b) + 1);
	*out = &s->base;
	return 0;
}
