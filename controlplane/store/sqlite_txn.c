/* SPDX-License-Identifier: BSD-3-Clause */
/* One change of the configuration, with what it takes to undo it. */
#include "controlplane/store/sqlite_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

void sqlite_abort(struct store_txn *t)
{
	bool full = sqlite3_errcode(t->db) == SQLITE_FULL;

	sqlite3_exec(t->db, "ROLLBACK", NULL, NULL, NULL);
	/* what did not fit is given back at once: the next block needs the room */
	if (full) {
		sqlite3_busy_timeout(t->db, 0);
		sqlite3_wal_checkpoint_v2(t->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	}
	txn_free(t);
}

static int read_parent(struct store_txn *t)
{
	sqlite3_stmt *st;
	int rc;

	if (sqlite_prepare_once(t->db, "SELECT chain, lanes, objects FROM revision ORDER BY id DESC LIMIT 1",
				&st))
		return sqlite_fault(t->s, t->db);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		sqlite_text(st, 0, t->parent_chain, sizeof(t->parent_chain));
		if (sqlite3_column_bytes(st, 1) == sizeof(t->f.lane))
			memcpy(t->f.lane, sqlite3_column_blob(st, 1), sizeof(t->f.lane));
		t->f.objects = (uint64_t)sqlite3_column_int64(st, 2);
	}
	sqlite3_finalize(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : sqlite_fault(t->s, t->db);
}

int sqlite_begin(struct store *base, const struct store_revision *meta, struct store_txn **out)
{
	struct sqlite_store *s = sqlite_of(base);
	struct store_txn *t;
	char path[4200];
	bool free_now = false;
	int r;

	/* BEGIN IMMEDIATE has nothing against a database that can only be read */
	if (s->base.read_only)
		return sqlite_closed(s);
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
	if (sqlite_open_db(path, &t->db, true) || sqlite3_exec(t->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) ||
	    sqlite_prepare_once(t->db, SQLITE_GET_SQL, &t->get) ||
	    sqlite_prepare_once(t->db, "INSERT OR REPLACE INTO object VALUES(?1,?2,?3)", &t->put) ||
	    sqlite_prepare_once(t->db, "DELETE FROM object WHERE noun=?1 AND key=?2", &t->del) ||
	    sqlite_prepare_once(t->db, "INSERT OR IGNORE INTO change VALUES(?1,?2,?3,?4)", &t->change)) {
		r = sqlite_fault(s, t->db);
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

/* nothing of this noun was in force when the transaction began: then nothing has to be looked up (keys come
 * once) */
static bool was_empty(struct store_txn *t, unsigned noun)
{
	sqlite3_stmt *st;

	if (!t->looked[noun]) {
		t->looked[noun] = 1;
		if (sqlite_prepare_once(t->db, "SELECT 1 FROM object WHERE noun=?1 LIMIT 1", &st) ==
		    SQLITE_OK) {
			sqlite3_bind_int(st, 1, t->s->noun_id[noun]);
			if (sqlite3_step(st) == SQLITE_DONE)
				t->looked[noun] = 2;
		}
		sqlite3_finalize(st);
	}
	return t->looked[noun] == 2;
}

int sqlite_put(struct store_txn *t, unsigned noun, const char *key, const char *body, size_t len)
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
		return sqlite_fault(s, t->db);
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
	rc = sqlite_step_reset(t->change);
	if (old)
		fingerprint_del(&t->f, name, key, old, old_len);
	sqlite3_reset(t->get);
	if (rc != SQLITE_DONE)
		return sqlite_fault(s, t->db);
	if (body) {
		sqlite3_bind_int(t->put, 1, s->noun_id[noun]);
		sqlite3_bind_text(t->put, 2, key, -1, SQLITE_STATIC);
		sqlite3_bind_text(t->put, 3, body, (int)len, SQLITE_STATIC);
		rc = sqlite_step_reset(t->put);
		fingerprint_add(&t->f, name, key, body, len);
	} else {
		sqlite3_bind_int(t->del, 1, s->noun_id[noun]);
		sqlite3_bind_text(t->del, 2, key, -1, SQLITE_STATIC);
		rc = sqlite_step_reset(t->del);
	}
	if (rc != SQLITE_DONE)
		r = sqlite_fault(s, t->db);
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
	if (sqlite_prepare_once(
		    t->db, "INSERT INTO revision VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)", &st))
		return sqlite_fault(t->s, t->db);
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
		return sqlite_fault(t->s, t->db);
	/* what a confirmation waits for has ended with any newer revision; old ones go */
	if (sqlite_prepare_once(t->db, "UPDATE revision SET revert_at=0 WHERE revert_at>0 AND id<?1", &st))
		return sqlite_fault(t->s, t->db);
	sqlite3_bind_int64(st, 1, (sqlite3_int64)r->id);
	rc = sqlite3_step(st);
	sqlite3_finalize(st);
	if (rc == SQLITE_DONE &&
	    sqlite_prepare_once(t->db, "SELECT id FROM revision ORDER BY id DESC LIMIT 1 OFFSET ?1", &st) ==
		    SQLITE_OK) {
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
	return rc == SQLITE_DONE ? 0 : sqlite_fault(t->s, t->db);
}

int sqlite_commit(struct store_txn *t, uint64_t keep, struct store_revision *out)
{
	struct sqlite_store *s = t->s;
	bool bulk = t->r.changes > 10000;
	int r = 0;

	if (t->r.changes == 0) {
		sqlite_abort(t);
		return s->base.ops->head(&s->base, out);
	}
	r = write_revision(t, keep);
	if (!r && sqlite3_exec(t->db, "COMMIT", NULL, NULL, NULL))
		r = sqlite_fault(s, t->db);
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
