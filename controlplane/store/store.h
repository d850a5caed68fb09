/* SPDX-License-Identifier: BSD-3-Clause */
/* What the box was told, durably: the configuration in force, its revisions, emergency blocks, the audit
 * record. An interface; store_sqlite is the local one. Objects are (noun, key) → body as config/schema
 * defines them; nouns are indexes into schema_nouns.
 *
 * One thread calls everything, except that a transaction and a cursor may each be used by another thread than
 * the one that began them (by one at a time). Returns are 0, or 1 where said, or -errno; -EIO covers what the
 * store's own library reports, with the text in store_error(). */
#ifndef CONTROLPLANE_STORE_STORE_H
#define CONTROLPLANE_STORE_STORE_H

#include "config/schema/schema_object.h"

#include <stdint.h>

enum { STORE_COMMENT_MAX = 520, STORE_USER_MAX = 64 };

struct store_revision {
	uint64_t id; /* 0: nothing was ever committed */
	uint64_t at; /* seconds since 1970 */
	uint32_t uid;
	char user[STORE_USER_MAX];
	char kind[16]; /* commit, apply, load, rollback, revert, block, unblock */
	char comment[STORE_COMMENT_MAX];
	uint64_t changes;     /* objects that differ from the revision before */
	uint64_t objects;     /* in the configuration after it */
	char fingerprint[65]; /* of the whole configuration: equal exactly when the content is */
	char chain[65];	      /* over this record and the one before: shows whether history was altered */
	uint64_t revert_to;   /* commit confirmed: where it falls back; else 0 */
	uint64_t revert_at;   /* when, in seconds since 1970; 0: not pending */
};

struct store_block {
	char domain[SCHEMA_KEY_MAX];
	uint64_t revision, at;
	uint32_t uid;
	char user[STORE_USER_MAX];
	char comment[STORE_COMMENT_MAX];
};

struct store_audit {
	uint64_t id, at;
	uint32_t uid;
	char user[STORE_USER_MAX];
	char action[256];
	char result[256];
};

struct store;
struct store_txn;
struct store_cursor;

struct store_ops {
	const char *name;
	void (*close)(struct store *s);
	const char *(*error)(struct store *s);
	/* a second handle for reading, for use by another thread; begin, block and audit are not for it */
	int (*reader)(struct store *s, struct store **out);

	/* the revision in force */
	int (*head)(struct store *s, struct store_revision *out);
	/* appends the body: 1 found, 0 not */
	int (*get)(struct store *s, unsigned noun, const char *key, struct schema_text *body);

	/* The objects in force, of one noun (or all, with noun < 0) whose key begins with `prefix` (NULL:
	 * any), in the order of print. A snapshot: commits made meanwhile are not seen. */
	int (*open_cursor)(struct store *s, int noun, const char *prefix, struct store_cursor **out);
	/* the difference that leads from revision `from` to the one in force: body NULL means "not there at
	 * from"; what is delivered is the state at `from` of each object that changed since */
	int (*open_undo)(struct store *s, uint64_t from, struct store_cursor **out);
	/* what revision `id` changed: the state before it of each object that it touched */
	int (*open_changes)(struct store *s, uint64_t id, struct store_cursor **out);
	/* 1 and the next one (pointers good until the next call), 0 at the end */
	int (*next)(struct store_cursor *c, unsigned *noun, const char **key, const char **body, size_t *len);
	void (*close_cursor)(struct store_cursor *c);

	/* Begins a revision; `meta` gives uid, user, kind, comment, revert_to, revert_at. -EBUSY while
	 * another transaction lives. Nothing is seen by anybody before commit. */
	int (*begin)(struct store *s, const struct store_revision *meta, struct store_txn **out);
	/* body NULL deletes. A put that changes nothing is not counted. Each object at most once in a
	 * transaction. */
	int (*put)(struct store_txn *t, unsigned noun, const char *key, const char *body, size_t len);
	/* Durable when it returns 0. Ends the transaction either way. A transaction without changes commits
	 * nothing and gives the head. `keep` revisions stay. */
	int (*commit)(struct store_txn *t, uint64_t keep, struct store_revision *out);
	void (*abort)(struct store_txn *t);

	/* newest first, blocks among them; `below` 0: from the newest. Calls back until it returns false. */
	int (*revisions)(struct store *s, uint64_t below,
			 bool (*each)(void *ctx, const struct store_revision *r), void *ctx);
	int (*revision)(struct store *s, uint64_t id, struct store_revision *out); /* -ENOENT */
	/* the commit that waits for its confirmation: 1, or 0 */
	int (*pending)(struct store *s, struct store_revision *out);
	int (*confirm)(struct store *s, uint64_t id);

	/* Emergency blocks: beside the configuration, in a place that no bulk transaction locks. `id` is the
	 * revision number that the caller took with reserve. */
	uint64_t (*reserve)(struct store *s);
	int (*block)(struct store *s, const struct store_block *b);
	int (*unblock)(struct store *s, const struct store_block *b); /* -ENOENT */
	int (*blocks)(struct store *s, bool (*each)(void *ctx, const struct store_block *b), void *ctx);

	int (*audit)(struct store *s, const struct store_audit *a);
	int (*audits)(struct store *s, unsigned count, bool (*each)(void *ctx, const struct store_audit *a),
		      void *ctx);
};

struct store {
	const struct store_ops *ops;
	bool read_only; /* it could be read alone when it was opened: whatever changes it is refused */
};

/* Opens, or makes, the store in directory `dir`. `why` (SCHEMA_WHY_MAX) says what is wrong. */
int store_sqlite_open(const char *dir, struct store **out, char *why);

#endif
