/* SPDX-License-Identifier: BSD-3-Clause */
/* The store: revisions, undo, blocks, audit; and that it is the old or the new revision, whole, whenever its
 * writer is killed. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "controlplane/store/fingerprint.h"
#include "controlplane/store/store.h"
#include "dataplane/base/rng.h"

static char dir[64];

static struct store *open_store(void)
{
	struct store *s = NULL;
	char why[SCHEMA_WHY_MAX] = "";

	if (store_sqlite_open(dir, &s, why))
		fail_msg("%s", why);
	return s;
}

static int setup(void **state)
{
	strcpy(dir, "/tmp/sallyport-store-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

static unsigned noun(const char *name)
{
	return schema_noun_index(schema_noun_named(name));
}

static struct store_revision commit_one(struct store *s, const char *key, const char *body)
{
	struct store_revision meta = {.uid = 7, .user = "tester", .kind = "commit", .comment = "why"}, out;
	struct store_txn *t;

	assert_int_equal(s->ops->begin(s, &meta, &t), 0);
	assert_int_equal(s->ops->put(t, noun("partner"), key, body, body ? strlen(body) : 0), 0);
	assert_int_equal(s->ops->commit(t, 50, &out), 0);
	return out;
}

static bool got(struct store *s, const char *key, const char *want)
{
	struct schema_text body = {0};
	int r = s->ops->get(s, noun("partner"), key, &body);
	bool same = want ? r == 1 && strcmp(body.p, want) == 0 : r == 0;

	schema_text_fini(&body);
	return same;
}

static void sha(void **state)
{
	/* FIPS 180-4 examples */
	static const struct {
		const char *in, *hex;
	} rows[] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	};

	for (unsigned i = 0; i < 3; i++) {
		struct sha256 s;
		uint8_t d[32];
		char hex[65];

		sha256_init(&s);
		for (const char *p = rows[i].in; *p; p++)
			sha256_add(&s, p, 1);
		sha256_done(&s, d);
		sha256_hex(d, hex);
		assert_string_equal(hex, rows[i].hex);
	}
}

static void revisions(void **state)
{
	struct store *s = open_store();
	struct store_revision a, b, c, head;
	struct store_cursor *cursor;
	const char *key, *body;
	unsigned n;
	size_t len;

	a = commit_one(s, "a.test", "action allow");
	b = commit_one(s, "b.test", "action allow");
	assert_int_equal(a.id + 1, b.id);
	assert_string_not_equal(a.fingerprint, b.fingerprint);
	c = commit_one(s, "a.test", "action block\nexact");
	assert_true(got(s, "a.test", "action block\nexact"));
	c = commit_one(s, "a.test", "action allow");
	c = commit_one(s, "b.test", NULL);
	/* the same content has the same hash, whatever way led there; history differs */
	assert_string_equal(a.fingerprint, c.fingerprint);
	assert_string_not_equal(a.chain, c.chain);
	/* nothing changed: nothing is written */
	head = commit_one(s, "a.test", "action allow");
	assert_int_equal(head.id, c.id);
	/* back to b: only b.test differs */
	assert_int_equal(s->ops->open_undo(s, b.id, &cursor), 0);
	assert_int_equal(s->ops->next(cursor, &n, &key, &body, &len), 1);
	assert_string_equal(key, "a.test");
	assert_string_equal(body, "action allow");
	assert_int_equal(s->ops->next(cursor, &n, &key, &body, &len), 1);
	assert_string_equal(key, "b.test");
	assert_string_equal(body, "action allow");
	assert_int_equal(s->ops->next(cursor, &n, &key, &body, &len), 0);
	s->ops->close_cursor(cursor);
	s->ops->close(s);
	s = open_store();
	assert_int_equal(s->ops->head(s, &head), 0);
	assert_int_equal(head.id, c.id);
	assert_string_equal(head.user, "tester");
	s->ops->close(s);
}

static void keeps(void **state)
{
	struct store *s = open_store();
	struct store_revision r = {0};
	char key[32];
	uint64_t first = 0;

	for (unsigned i = 0; i < 60; i++) {
		snprintf(key, sizeof(key), "k%u.test", i);
		r = commit_one(s, key, "action allow");
		if (i == 0)
			first = r.id;
	}
	assert_int_equal(s->ops->revision(s, first, &r), -ENOENT);
	assert_int_equal(s->ops->revision(s, first + 15, &r), 0);
	s->ops->close(s);
}

static bool count_block(void *ctx, const struct store_block *b)
{
	++*(unsigned *)ctx;
	assert_string_equal(b->domain, "evil.test");
	return true;
}

static bool first_revision(void *ctx, const struct store_revision *r)
{
	*(struct store_revision *)ctx = *r;
	return false;
}

static void blocks(void **state)
{
	struct store *s = open_store();
	struct store_block b = {.domain = "evil.test", .uid = 1, .user = "op", .comment = "now"};
	struct store_revision meta = {.kind = "load"}, r;
	struct store_txn *t;
	unsigned n = 0;

	/* a bulk transaction is open: a block is stored all the same, at once */
	assert_int_equal(s->ops->begin(s, &meta, &t), 0);
	assert_int_equal(s->ops->put(t, noun("partner"), "x.test", "action allow", 12), 0);
	assert_int_equal(s->ops->begin(s, &meta, &(struct store_txn *){NULL}), -EBUSY);
	b.revision = s->ops->reserve(s);
	assert_int_equal(s->ops->block(s, &b), 0);
	assert_int_equal(s->ops->blocks(s, count_block, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(s->ops->revisions(s, 0, first_revision, &r), 0);
	assert_int_equal(r.id, b.revision);
	assert_string_equal(r.kind, "block");
	s->ops->abort(t);
	assert_true(got(s, "x.test", NULL));
	s->ops->close(s);
	s = open_store();
	assert_int_equal(s->ops->blocks(s, count_block, &n), 0);
	assert_int_equal(n, 2);
	/* numbers never come twice */
	assert_true(s->ops->reserve(s) > b.revision);
	b.revision = s->ops->reserve(s);
	assert_int_equal(s->ops->unblock(s, &b), 0);
	assert_int_equal(s->ops->unblock(s, &b), -ENOENT);
	s->ops->close(s);
}

static void pending(void **state)
{
	struct store *s = open_store();
	struct store_revision meta = {.kind = "commit", .revert_to = 1, .revert_at = 99}, r;
	struct store_txn *t;

	assert_int_equal(s->ops->pending(s, &r), 0);
	assert_int_equal(s->ops->begin(s, &meta, &t), 0);
	assert_int_equal(s->ops->put(t, noun("partner"), "p.test", "action allow", 12), 0);
	assert_int_equal(s->ops->commit(t, 50, &r), 0);
	s->ops->close(s);
	s = open_store();
	assert_int_equal(s->ops->pending(s, &r), 1);
	assert_int_equal(r.revert_at, 99);
	assert_int_equal(s->ops->confirm(s, r.id), 0);
	assert_int_equal(s->ops->pending(s, &r), 0);
	s->ops->close(s);
}

/* A writer replaces all of 40 objects by those of round n; killed anywhere, the store holds one round whole.
 * A byte to `told` is a commit that is through. */
static void write_rounds(unsigned from, int told)
{
	struct store *s = NULL;
	char why[SCHEMA_WHY_MAX];

	if (store_sqlite_open(dir, &s, why))
		_exit(3);
	for (unsigned round = from;; round++) {
		struct store_revision meta = {.kind = "commit"}, out;
		struct store_txn *t;
		char key[32], body[64];

		if (s->ops->begin(s, &meta, &t))
			_exit(4);
		for (unsigned i = 0; i < 40; i++) {
			snprintf(key, sizeof(key), "o%u.test", i);
			snprintf(body, sizeof(body), "action allow\ncomment %u", round);
			if (s->ops->put(t, noun("partner"), key, body, strlen(body)))
				_exit(5);
		}
		if (s->ops->commit(t, 50, &out))
			_exit(6);
		if (write(told, "", 1) != 1)
			_exit(7);
	}
}

static void killed(void **state)
{
	unsigned rounds = getenv("SALLYPORT_TEST_LONG") ? 500 : 60, moved = 0, last = 1;
	struct base_rng rng;

	base_rng_seed(&rng, 1);
	for (unsigned k = 0; k < rounds; k++) {
		pid_t pid;
		struct pollfd told = {.events = POLLIN};
		int ends[2];
		struct store *s;
		struct store_revision head;
		struct fingerprint f = {0};
		struct store_cursor *cursor;
		const char *key, *body;
		unsigned n, number = 0, seen = 0;
		size_t len;
		int status;
		char hex[65];

		assert_int_equal(pipe(ends), 0);
		pid = fork();
		if (pid == 0)
			write_rounds(last + 1, ends[1]);
		/* every other one after its first commit: on a busy machine none would come that far */
		told.fd = ends[0];
		if (k % 2)
			poll(&told, 1, 20000);
		usleep((useconds_t)(base_rng_next(&rng) % 30000));
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		close(ends[0]);
		close(ends[1]);
		if (WIFEXITED(status))
			fail_msg("the writer ended with %d", WEXITSTATUS(status));
		s = open_store();
		assert_int_equal(s->ops->head(s, &head), 0);
		assert_int_equal(s->ops->open_cursor(s, -1, NULL, &cursor), 0);
		while (s->ops->next(cursor, &n, &key, &body, &len) == 1) {
			const char *c = strstr(body, "comment ");

			fingerprint_add(&f, schema_nouns[n].name, key, body, len);
			if (!c)
				continue;
			if (seen++ == 0)
				number = (unsigned)atoi(c + 8);
			assert_int_equal(number, atoi(c + 8));
		}
		s->ops->close_cursor(cursor);
		if (head.id) {
			fingerprint_hex(&f, hex);
			assert_string_equal(hex, head.fingerprint);
		}
		s->ops->close(s);
		if (seen) {
			assert_int_equal(seen, 40);
			moved += number > last;
			last = number;
		}
	}
	assert_true(moved > rounds / 4);
}

static void damaged(void **state)
{
	struct store *s;
	char path[128], why[SCHEMA_WHY_MAX] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/config.db", dir);
	f = fopen(path, "w");
	fputs("this is no database, but it is long enough to be looked at as one of them", f);
	fclose(f);
	assert_int_not_equal(store_sqlite_open(dir, &s, why), 0);
	assert_non_null(strstr(why, "cannot be used"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha),
		cmocka_unit_test_setup_teardown(revisions, setup, teardown),
		cmocka_unit_test_setup_teardown(keeps, setup, teardown),
		cmocka_unit_test_setup_teardown(blocks, setup, teardown),
		cmocka_unit_test_setup_teardown(pending, setup, teardown),
		cmocka_unit_test_setup_teardown(killed, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
