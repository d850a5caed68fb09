/* SPDX-License-Identifier: BSD-3-Clause */
/* The local store: two SQLite files in WAL mode. config.db holds the configuration and, for each revision,
 * the former body of what it changed; journal.db holds emergency blocks and the audit record, so that a bulk
 * transaction's lock on the former never delays a block. */
#include "controlplane/store/sqlite_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

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
	[GET] = SQLITE_GET_SQL,
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

int sqlite_closed(struct sqlite_store *s)
{
	snprintf(s->error, sizeof(s->error),
		 "%.300s cannot be written (read-only, or its owner is another); when it can, start "
		 "control anew",
		 s->path);
	return -EACCES;
}

/* SQLite calls it an I/O error when its index of the log, a file of 32 kB, finds no room. */
static bool no_room(const char *path)
{
	struct statvfs v;

	return statvfs(path, &v) == 0 && (uint64_t)v.f_bavail * v.f_frsize < (64u << 10);
}

int sqlite_fault(struct sqlite_store *s, sqlite3 *db)
{
	int rc = db ? sqlite3_errcode(db) : SQLITE_NOMEM, err = db ? sqlite3_system_errno(db) : 0;

	if ((rc & 0xff) == SQLITE_IOERR && (err == ENOSPC || err == EDQUOT || no_room(s->path)))
		rc = SQLITE_FULL;
	snprintf(s->error, sizeof(s->error), "%s", db ? sqlite3_errmsg(db) : "out of memory");
	switch (rc & 0xff) {
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		if (err)
			snprintf(s->error, sizeof(s->error), "%s (%s)", sqlite3_errmsg(db), strerror(err));
		return err == EMFILE || err == ENFILE ? -err : -EIO;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_FULL:
		snprintf(s->error, sizeof(s->error), "the disk of %.300s is full; make room there", s->path);
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return sqlite_closed(s);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		snprintf(s->error, sizeof(s->error),
			 "%.300s is damaged; the dataplane goes on with what it has. Move its *.db* files "
			 "away, start "
			 "control anew and apply a saved configuration",
			 s->path);
		return -EIO;
	default:
		return -EIO;
	}
}

static const char *sqlite_error(struct store *base)
{
	return sqlite_of(base)->error;
}

/* there, and not to be written by us, whatever mode its file has */
static bool read_only(const char *path)
{
	return access(path, W_OK) && (errno == EROFS || errno == EACCES || errno == EPERM);
}

/* A WAL database whose file system cannot be written is read as it lies there, without its lock: nobody can
 * change it. One whose last writer was killed has frames in its -wal that count too; for these SQLite wants
 * the -shm beside it. */
static int open_read_only(const char *path, sqlite3 **db)
{
	struct schema_text uri = {0};
	struct stat wal;
	char beside[4200];
	int rc = SQLITE_NOMEM;

	snprintf(beside, sizeof(beside), "%.4100s-wal", path);
	schema_text_puts(&uri, "file:");
	for (const char *p = path; *p; p++)
		if (*p == '%' || *p == '?' || *p == '#')
			schema_text_printf(&uri, "%%%02x", (unsigned char)*p);
		else
			schema_text_add(&uri, p, 1);
	schema_text_puts(&uri, stat(beside, &wal) == 0 && wal.st_size > 0 ? "?mode=ro" : "?immutable=1");
	if (uri.p)
		rc = sqlite3_open_v2(uri.p, db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX,
				     NULL);
	schema_text_fini(&uri);
	return rc;
}

int sqlite_open_file(const char *path, sqlite3 **db)
{
	if (read_only(path))
		return open_read_only(path, db);
	return sqlite3_open_v2(path, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
			       NULL);
}

int sqlite_open_db(const char *path, sqlite3 **db, bool bulk)
{
	char *message = NULL;
	int rc = sqlite_open_file(path, db);

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

int sqlite_prepare_once(sqlite3 *db, const char *text, sqlite3_stmt **st)
{
	return sqlite3_prepare_v3(db, text, -1, SQLITE_PREPARE_PERSISTENT, st, NULL);
}

void sqlite_text(sqlite3_stmt *st, int column, char *out, size_t cap)
{
	const char *t = (const char *)sqlite3_column_text(st, column);

	snprintf(out, cap, "%s", t ? t : "");
}

static void read_revision(sqlite3_stmt *st, struct store_revision *r)
{
	r->id = (uint64_t)sqlite3_column_int64(st, 0);
	r->at = (uint64_t)sqlite3_column_int64(st, 1);
	r->uid = (uint32_t)sqlite3_column_int64(st, 2);
	sqlite_text(st, 3, r->user, sizeof(r->user));
	sqlite_text(st, 4, r->kind, sizeof(r->kind));
	sqlite_text(st, 5, r->comment, sizeof(r->comment));
	r->changes = (uint64_t)sqlite3_column_int64(st, 6);
	r->objects = (uint64_t)sqlite3_column_int64(st, 7);
	sqlite_text(st, 8, r->fingerprint, sizeof(r->fingerprint));
	sqlite_text(st, 9, r->chain, sizeof(r->chain));
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
	return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : sqlite_fault(s, s->db);
}

static int sqlite_head(struct store *base, struct store_revision *out)
{
	int r = one_revision(sqlite_of(base), HEAD, 0, out);

	if (r == 0) {
		struct fingerprint none = {0};

		fingerprint_hex(&none, out->fingerprint);
	}
	return r < 0 ? r : 0;
}

static int sqlite_pending(struct store *base, struct store_revision *out)
{
	return one_revision(sqlite_of(base), PENDING, 0, out);
}

static void read_logged(sqlite3_stmt *st, struct store_revision *r)
{
	const char *domain = (const char *)sqlite3_column_text(st, 5),
		   *why = (const char *)sqlite3_column_text(st, 6);

	memset(r, 0, sizeof(*r));
	r->id = (uint64_t)sqlite3_column_int64(st, 0);
	r->at = (uint64_t)sqlite3_column_int64(st, 1);
	r->uid = (uint32_t)sqlite3_column_int64(st, 2);
	sqlite_text(st, 3, r->user, sizeof(r->user));
	sqlite_text(st, 4, r->kind, sizeof(r->kind));
	snprintf(r->comment, sizeof(r->comment), "%s%s%s", domain ? domain : "", why && *why ? ": " : "",
		 why ? why : "");
	r->changes = 1;
}

static int sqlite_revision(struct store *base, uint64_t id, struct store_revision *out)
{
	struct sqlite_store *s = sqlite_of(base);
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
	struct sqlite_store *s = sqlite_of(base);
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
		rc = sqlite_fault(s, s->db);
	if (rb != SQLITE_ROW && rb != SQLITE_DONE)
		rc = sqlite_fault(s, s->journal);
	sqlite3_reset(a);
	sqlite3_reset(b);
	return rc;
}

static int sqlite_confirm(struct store *base, uint64_t id)
{
	struct sqlite_store *s = sqlite_of(base);
	int rc;

	sqlite3_bind_int64(s->st[CONFIRM], 1, (sqlite3_int64)id);
	rc = sqlite3_step(s->st[CONFIRM]);
	sqlite3_reset(s->st[CONFIRM]);
	return rc == SQLITE_DONE ? 0 : sqlite_fault(s, s->db);
}

static int sqlite_get(struct store *base, unsigned noun, const char *key, struct schema_text *body)
{
	struct sqlite_store *s = sqlite_of(base);
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
	return rc == SQLITE_DONE ? 0 : sqlite_fault(s, s->db);
}

int sqlite_step_reset(sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);

	sqlite3_reset(st);
	return rc;
}

/* ---- life ---- */

static void sqlite_close(struct store *base)
{
	struct sqlite_store *s = sqlite_of(base);

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

	return store_sqlite_open(sqlite_of(base)->path, out, why);
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

	if (sqlite_prepare_once(s->db, "INSERT OR IGNORE INTO noun(name) VALUES(?1)", &in) == SQLITE_OK &&
	    sqlite_prepare_once(s->db, "SELECT id FROM noun WHERE name=?1", &out) == SQLITE_OK)
		for (unsigned i = 0; i < schema_nouns_n && i < NOUNS_MAX; i++) {
			sqlite3_bind_text(out, 1, schema_nouns[i].name, -1, SQLITE_STATIC);
			rc = sqlite3_step(out);
			if (rc == SQLITE_DONE) {
				sqlite3_reset(out);
				sqlite3_bind_text(in, 1, schema_nouns[i].name, -1, SQLITE_STATIC);
				if (sqlite_step_reset(in) != SQLITE_DONE)
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

	if (sqlite_prepare_once(db, text, &st) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
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
		int r = -errno;

		snprintf(why, SCHEMA_WHY_MAX, "%.300s: %s", dir, strerror(-r));
		free(s);
		return r;
	}
	snprintf(path, sizeof(path), "%s/config.db", dir);
	s->base.read_only = read_only(path);
	if (sqlite_open_db(path, &s->db, false) || sqlite3_exec(s->db, schema_sql, NULL, NULL, NULL) ||
	    learn_nouns(s))
		wrong = s->db;
	for (unsigned i = 0; !wrong && i < STATEMENTS; i++)
		if (sqlite_prepare_once(s->db, sql[i], &s->st[i]))
			wrong = s->db;
	snprintf(path, sizeof(path), "%s/journal.db", dir);
	if (!wrong && (sqlite_open_db(path, &s->journal, false) ||
		       sqlite3_exec(s->journal, journal_sql, NULL, NULL, NULL)))
		wrong = s->journal;
	for (unsigned i = 0; !wrong && i < JOURNAL_STATEMENTS; i++)
		if (sqlite_prepare_once(s->journal, journal_statements[i], &s->js[i]))
			wrong = s->journal;
	if (wrong) {
		int r = sqlite_fault(s, wrong);

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
