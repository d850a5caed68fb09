/* SPDX-License-Identifier: BSD-3-Clause */
/* Emergency blocks and the audit record, in a file of their own: no bulk transaction delays them. */
#include "controlplane/store/sqlite_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t sqlite_reserve(struct store *base)
{
	return atomic_fetch_add(&sqlite_of(base)->next, 1);
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
	return sqlite_step_reset(st);
}

int sqlite_block(struct store *base, const struct store_block *b)
{
	struct sqlite_store *s = sqlite_of(base);
	sqlite3_stmt *st = s->js[BLOCK];
	int r;

	if (sqlite3_exec(s->journal, "BEGIN IMMEDIATE", NULL, NULL, NULL))
		return sqlite_fault(s, s->journal);
	sqlite3_bind_text(st, 1, b->domain, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)b->revision);
	sqlite3_bind_int64(st, 3, (sqlite3_int64)b->at);
	sqlite3_bind_int64(st, 4, b->uid);
	sqlite3_bind_text(st, 5, b->user, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 6, b->comment, -1, SQLITE_STATIC);
	if (sqlite_step_reset(st) == SQLITE_DONE && journal_log(s, b, "block") == SQLITE_DONE &&
	    sqlite3_exec(s->journal, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	r = sqlite_fault(s, s->journal);
	sqlite3_exec(s->journal, "ROLLBACK", NULL, NULL, NULL);
	return r;
}

int sqlite_unblock(struct store *base, const struct store_block *b)
{
	struct sqlite_store *s = sqlite_of(base);
	sqlite3_stmt *st = s->js[UNBLOCK];
	int r;

	if (sqlite3_exec(s->journal, "BEGIN IMMEDIATE", NULL, NULL, NULL))
		return sqlite_fault(s, s->journal);
	sqlite3_bind_text(st, 1, b->domain, -1, SQLITE_STATIC);
	if (sqlite_step_reset(st) == SQLITE_DONE) {
		if (sqlite3_changes(s->journal) == 0) {
			sqlite3_exec(s->journal, "ROLLBACK", NULL, NULL, NULL);
			return -ENOENT;
		}
		if (journal_log(s, b, "unblock") == SQLITE_DONE &&
		    sqlite3_exec(s->journal, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
			return 0;
	}
	r = sqlite_fault(s, s->journal);
	sqlite3_exec(s->journal, "ROLLBACK", NULL, NULL, NULL);
	return r;
}

int sqlite_blocks(struct store *base, bool (*each)(void *, const struct store_block *), void *ctx)
{
	struct sqlite_store *s = sqlite_of(base);
	sqlite3_stmt *st = s->js[BLOCKS];
	int rc;

	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct store_block b = {.revision = (uint64_t)sqlite3_column_int64(st, 1),
					.at = (uint64_t)sqlite3_column_int64(st, 2),
					.uid = (uint32_t)sqlite3_column_int64(st, 3)};

		sqlite_text(st, 0, b.domain, sizeof(b.domain));
		sqlite_text(st, 4, b.user, sizeof(b.user));
		sqlite_text(st, 5, b.comment, sizeof(b.comment));
		if (!each(ctx, &b))
			break;
	}
	sqlite3_reset(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : sqlite_fault(s, s->journal);
}

int sqlite_audit(struct store *base, const struct store_audit *a)
{
	struct sqlite_store *s = sqlite_of(base);
	sqlite3_stmt *st = s->js[AUDIT];

	sqlite3_bind_int64(st, 1, (sqlite3_int64)a->at);
	sqlite3_bind_int64(st, 2, a->uid);
	sqlite3_bind_text(st, 3, a->user, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 4, a->action, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 5, a->result, -1, SQLITE_STATIC);
	return sqlite_step_reset(st) == SQLITE_DONE ? 0 : sqlite_fault(s, s->journal);
}

int sqlite_audits(struct store *base, unsigned count, bool (*each)(void *, const struct store_audit *),
		  void *ctx)
{
	struct sqlite_store *s = sqlite_of(base);
	sqlite3_stmt *st = s->js[AUDITS];
	int rc;

	sqlite3_bind_int64(st, 1, count);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct store_audit a = {.id = (uint64_t)sqlite3_column_int64(st, 0),
					.at = (uint64_t)sqlite3_column_int64(st, 1),
					.uid = (uint32_t)sqlite3_column_int64(st, 2)};

		sqlite_text(st, 3, a.user, sizeof(a.user));
		sqlite_text(st, 4, a.action, sizeof(a.action));
		sqlite_text(st, 5, a.result, sizeof(a.result));
		if (!each(ctx, &a))
			break;
	}
	sqlite3_reset(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : sqlite_fault(s, s->journal);
}
