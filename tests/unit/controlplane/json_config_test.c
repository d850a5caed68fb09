/* SPDX-License-Identifier: BSD-3-Clause */
/* A configuration as JSON and back, and a candidate on disk and back: the same, or refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controlplane/store/candidate_file.h"
#include "controlplane/store/idn.h"
#include "controlplane/store/json_config.h"

static bool no_error(void *ctx, const struct schema_error *e)
{
	fail_msg("%u:%u: %s", e->line, e->column, e->why);
	return false;
}

static void read_map(struct schema_map *map, const char *text, size_t len)
{
	struct schema_reader r = {.map = map, .idn = idn_to_ascii};

	assert_int_equal(json_config_file(&r, text, len, no_error, NULL, NULL, NULL), 0);
	schema_reader_fini(&r);
}

static void same(const struct schema_map *a, const struct schema_map *b)
{
	const struct schema_entry **x, **y;
	size_t n, m;

	assert_int_equal(schema_map_sorted(a, &x, &n), 0);
	assert_int_equal(schema_map_sorted(b, &y, &m), 0);
	assert_int_equal(n, m);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(x[i]->noun, y[i]->noun);
		assert_string_equal(x[i]->key, y[i]->key);
		if (!x[i]->body || !y[i]->body) {
			assert_true(x[i]->body == y[i]->body);
			continue;
		}
		if (x[i]->body_len != y[i]->body_len || memcmp(x[i]->body, y[i]->body, x[i]->body_len))
			fail_msg("%s: '%.*s' became '%.*s'", x[i]->key, (int)x[i]->body_len, x[i]->body,
				 (int)y[i]->body_len, y[i]->body);
	}
	free(x);
	free(y);
}

/* as -j show configuration prints it */
static void print_json(const struct schema_map *map, struct schema_text *out)
{
	const struct schema_entry **e;
	size_t n;

	assert_int_equal(schema_map_sorted(map, &e, &n), 0);
	schema_text_puts(out, "{\"rows\":[");
	for (size_t i = 0; i < n; i++) {
		struct schema_object o = {0};

		assert_int_equal(schema_object_load(&o, &schema_nouns[e[i]->noun], e[i]->key, e[i]->body,
						    e[i]->body_len),
				 0);
		schema_text_puts(out, i ? "," : "");
		schema_object_json(&o, out);
		schema_object_fini(&o);
	}
	schema_text_puts(out, "],\"errors\":[],\"status\":0}");
	free(e);
}

static void round_trip(const char *text, size_t len)
{
	struct schema_map map = {0}, back = {0};
	struct schema_text json = {0};

	read_map(&map, text, len);
	print_json(&map, &json);
	assert_true(json_config_is(json.p, json.n));
	read_map(&back, json.p, json.n);
	same(&map, &back);
	schema_text_fini(&json);
	schema_map_fini(&map);
	schema_map_fini(&back);
}

static void examples(void **state)
{
	static const char *const names[] = {"minimal.conf", "lync.conf", "cisco.conf"};
	static const char words[] =
		"set partner a.test allow comment \"a # \\\"quoted\\\" | word; \\\\\"\n"
		"set partner b.test block exact\n"
		"set partner c.test allow except spki "
		"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef "
		"identity-check pinned\n"
		"set dns local-data \"x.test 60 A 198.18.0.1\" local-data \"y.test 60 TXT z\"\n"
		"set limit-class slow pause 0s retry-after 90s contacts-limit no\n"
		"set partner m\xc3\xbcnchen.test allow\n";

	for (unsigned i = 0; i < 3; i++) {
		char path[512], *text;
		size_t len;

		snprintf(path, sizeof(path), "%s/%s", EXAMPLES, names[i]);
		assert_int_equal(schema_file_slurp(path, &text, &len), 0);
		round_trip(text, len);
		free(text);
	}
	round_trip(words, sizeof(words) - 1);
}

/* more values than a line has room for */
static void long_ones(void **state)
{
	struct schema_map map = {0}, back = {0};
	struct schema_text text = {0}, json = {0};

	for (unsigned i = 0; i < 3000; i++)
		schema_text_printf(&text, "set site north user u%u@a-rather-long-name.example.test\n", i);
	read_map(&map, text.p, text.n);
	assert_int_equal(schema_map_count(&map), 1);
	print_json(&map, &json);
	read_map(&back, json.p, json.n);
	same(&map, &back);
	schema_text_fini(&text);
	schema_text_fini(&json);
	schema_map_fini(&map);
	schema_map_fini(&back);
}

static bool keep(void *ctx, const struct schema_error *e)
{
	*(struct schema_error *)ctx = *e;
	return false;
}

static void refused(void **state)
{
	static const struct {
		const char *json;
		unsigned line;
		const char *why;
	} rows[] = {
		{"{", 1, "no JSON"},
		{"[\n{},\n,", 3, "no JSON"},
		{"{\"rows\":7}", 1, "an array"},
		{"{}", 1, "an array"},
		{"[7]", 1, "is no object"},
		{"[{}]", 1, "does not say its noun"},
		{"[{\"noun\":\"colour\"}]", 1, "no noun 'colour'"},
		{"[{\"noun\":\"partner\"}]", 1, "does not say its key"},
		{"[{\"noun\":\"route\",\"key\":\"a.test\"}]", 1, "does not say 'to'"},
		{"[{\"noun\":\"partner\",\"key\":\"a.test\",\"action\":\"allow\"},"
		 "{\"noun\":\"partner\",\"key\":\"b..test\",\"action\":\"allow\"}]",
		 2, "empty label"},
		{"[{\"noun\":\"partner\",\"key\":\"a.test\",\"action\":\"allow\",\"colour\":\"red\"}]", 1,
		 "no setting 'colour'"},
		{"[{\"noun\":\"partner\",\"key\":\"a.test\",\"action\":\"allow\",\"comment\":\"a\\nset x\"}]",
		 1, "control character"},
		{"[{\"noun\":\"partner\",\"key\":\"a.test\\nset dns cache 100\",\"action\":\"allow\"}]", 1,
		 "control character"},
		{"[{\"noun\":\"partner\",\"key\":\"a.test\",\"action\":{}}]", 1, "is wanted"},
		{"[{\"noun\":\"dns\",\"cache\":1.5}]", 1, "is wanted"},
		{"[{\"noun\":\"dns\",\"cache\":5}]", 1, "100..10000000"},
		{"[{\"noun\":\"limit-class\",\"key\":\"a\",\"contacts\":1025}]", 1, "1..1024"},
		{"[{\"noun\":\"dns\",\"cache\":500,\"cache\":600}]", 1, "no JSON"},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct schema_map map = {0};
		struct schema_reader r = {.map = &map};
		struct schema_error e = {0};

		assert_int_equal(
			json_config_file(&r, rows[i].json, strlen(rows[i].json), keep, &e, NULL, NULL),
			-EINVAL);
		if (e.line != rows[i].line || !strstr(e.why, rows[i].why))
			fail_msg("%s: %u: %s", rows[i].json, e.line, e.why);
		schema_reader_fini(&r);
		schema_map_fini(&map);
	}
}

static void candidates(void **state)
{
	char dir[64] = "/tmp/sallyport-candidate-XXXXXX", path[96], who[STORE_USER_MAX], why[SCHEMA_WHY_MAX];
	struct store *store = NULL;
	struct candidate a, b;
	struct schema_error error;
	static const char *const lines[] = {"set partner a.test allow comment \"x y\"", "set dns cache 500",
					    "delete partner gone.test"};
	struct store_revision meta = {.user = "tester", .kind = "commit"}, out;
	struct store_txn *txn;
	struct stat st;
	size_t unknown;

	assert_non_null(mkdtemp(dir));
	if (store_sqlite_open(dir, &store, why))
		fail_msg("%s", why);
	assert_int_equal(store->ops->begin(store, &meta, &txn), 0);
	assert_int_equal(store->ops->put(txn, schema_noun_index(schema_noun_named("partner")), "gone.test",
					 "action allow", 12),
			 0);
	assert_int_equal(store->ops->commit(txn, 50, &out), 0);
	candidate_init(&a, store, idn_to_ascii);
	candidate_init(&b, store, idn_to_ascii);
	assert_int_equal(candidate_restore(&b, dir, who, &unknown), -ENOENT);
	for (unsigned i = 0; i < 3; i++)
		if (candidate_line(&a, lines[i], 1, &error))
			fail_msg("%s", error.why);
	assert_int_equal(candidate_save(&a, dir, "alice"), 0);
	snprintf(path, sizeof(path), "%s/candidate", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(candidate_restore(&b, dir, who, &unknown), 0);
	assert_string_equal(who, "alice");
	assert_int_equal(unknown, 0);
	assert_int_equal(schema_map_count(&b.map), 3);
	same(&a.map, &b.map);
	/* cut anywhere: nothing of it is taken */
	for (off_t n = st.st_size - 1; n > 0; n--) {
		candidate_clear(&b);
		assert_int_equal(truncate(path, n), 0);
		assert_int_equal(candidate_restore(&b, dir, who, &unknown), -EBADMSG);
		assert_int_equal(schema_map_count(&b.map), 0);
	}
	/* an empty one leaves nothing behind */
	candidate_clear(&a);
	assert_int_equal(candidate_save(&a, dir, ""), 0);
	assert_int_equal(candidate_restore(&b, dir, who, &unknown), -ENOENT);
	candidate_fini(&a);
	candidate_fini(&b);
	store->ops->close(store);
	snprintf(path, sizeof(path), "rm -rf '%s'", dir);
	assert_int_equal(system(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(examples), cmocka_unit_test(long_ones),
					   cmocka_unit_test(refused), cmocka_unit_test(candidates)};

	return cmocka_run_group_tests_name("control json", tests, NULL, NULL);
}
