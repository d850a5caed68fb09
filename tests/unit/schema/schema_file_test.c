/* SPDX-License-Identifier: BSD-3-Clause */
/* Files: file → map → file is the identity, errors carry line and column, the samples are good. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/schema/schema_file.h"
#include "config/schema/schema_value.h"
#include "dataplane/base/rng.h"

struct complaints {
	unsigned n;
	struct schema_error first;
};

static bool complain(void *ctx, const struct schema_error *error)
{
	struct complaints *c = ctx;

	if (c->n++ == 0)
		c->first = *error;
	return c->n < 20;
}

/* reads text and prints it again into `out`; complaints are counted */
static int round_trip(const char *text, size_t len, struct schema_text *out, struct complaints *c)
{
	struct schema_map map = {0};
	struct schema_reader r = {.map = &map};
	int rc = schema_file_read(&r, text, len, complain, c, NULL, NULL);
	const struct schema_entry **sorted;
	size_t n;

	if (!rc) {
		struct schema_object o = {0};

		assert_int_equal(schema_map_sorted(&map, &sorted, &n), 0);
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(schema_object_load(&o, &schema_nouns[sorted[i]->noun],
							    sorted[i]->key, sorted[i]->body,
							    sorted[i]->body_len),
					 0);
			schema_object_print(&o, out);
		}
		schema_object_fini(&o);
		free(sorted);
	}
	schema_reader_fini(&r);
	schema_map_fini(&map);
	return rc;
}

static void errors(void **state)
{
	static const struct {
		const char *text;
		unsigned line, column;
		const char *say;
	} rows[] = {
		{"set partner a.test allow\nset partner b..test allow\n", 2, 13, "empty label"},
		{"\n\n  set partnerx\n", 3, 7, "nothing"},
		{"set partner a.test allow except exact\n", 1, 1, "exact goes with block"},
		{"# x\nset partner a.test verification always\n", 2, 1, "allow|block"},
		{"set port x side external\n", 1, 1, "device is missing"},
		{"set federation routing default-route\n", 1, 1, "default-route HOST"},
		{"set dns min-ttl 1h\nset dns max-ttl 60s\n", 1, 1, "min-ttl is above"},
		{"set dns local-data a.test", 1, 1, "'a.test' is no record"},
		{"set dns local-data \"a.test 60\"", 1, 1, "is no record"},
		{"set dns local-data \"a.test 60 IN 198.51.100.1\"", 1, 1, "is no record"},
		{"set dns local-data \"a.test A 198.51.100\"", 1, 1, "is no record"},
		{"set dns local-data \"a.test 60 AAAA 198.51.100.1\"", 1, 1, "is no record"},
		{"set dns local-data \"a.test IN SRV 0 0 65536 b.test\"", 1, 1, "is no record"},
		{"set dns local-data \"a.test SRV 0 0 5061\"", 1, 1, "is no record"},
		{"set xmpp-partner a.test allow tls not-supported dialback no", 1, 1, "without dialback"},
		{"set partner a.test allow proxy-fqdn e.a.test via-domain b.test", 1, 1,
		 "exclude each other"},
		{"set partner a.test allow identity-check pinned", 1, 1, "spki"},
		{"set port p side external device d gateway 198.18.0.1 gateway 198.18.0.2", 1, 1,
		 "one gateway"},
		{"set limit-class x rate 5 suspicious-rate 9", 1, 1, "suspicious-rate is above"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct schema_text out = {0};
		struct complaints c = {0};

		if (!round_trip(rows[i].text, strlen(rows[i].text), &out, &c))
			fail_msg("accepted: %s", rows[i].text);
		if (c.first.line != rows[i].line || c.first.column != rows[i].column ||
		    !strstr(c.first.why, rows[i].say))
			fail_msg("%s: %u:%u: %s", rows[i].text, c.first.line, c.first.column, c.first.why);
		schema_text_fini(&out);
	}
}

static void binary(void **state)
{
	struct schema_text out = {0};
	struct complaints c = {0};

	assert_int_not_equal(round_trip("set partner a.test\0 allow\n", 26, &out, &c), 0);
	assert_non_null(strstr(c.first.why, "NUL"));
	schema_text_fini(&out);
}

/* a value of the field's type, drawn from a seed */
static void draw(const struct schema_field *f, struct base_rng *rng, char *out, size_t cap)
{
	unsigned k = (unsigned)(base_rng_next(rng) % 200);
	size_t choices = 1, pick;
	const char *p;

	switch (f->type) {
	case SCHEMA_FLAG:
		*out = '\0';
		break;
	case SCHEMA_BOOL:
		snprintf(out, cap, "%s", k & 1 ? "yes" : "no");
		break;
	case SCHEMA_UINT:
	case SCHEMA_DURATION:
		snprintf(out, cap, "%" PRIu64, f->min + base_rng_next(rng) % (f->max - f->min + 1));
		break;
	case SCHEMA_ENUM:
		for (p = f->choices; *p; p++)
			choices += *p == '|';
		pick = k % choices;
		for (p = f->choices; pick--;)
			p = strchr(p, '|') + 1;
		snprintf(out, cap, "%.*s", (int)strcspn(p, "|"), p);
		break;
	case SCHEMA_TEXT:
		snprintf(out, cap, "\"text \\\"%u\\\" # | \\\\ \xc3\xbc\"", k);
		break;
	case SCHEMA_NAME:
		snprintf(out, cap, "n%u", k);
		break;
	case SCHEMA_ADDRESS:
		snprintf(out, cap, k & 1 ? "198.18.0.%u" : "2001:db8::%x", k);
		break;
	case SCHEMA_PREFIX:
		snprintf(out, cap, k & 1 ? "198.18.0.%u/24" : "2001:db8::%x/64", k);
		break;
	case SCHEMA_ENDPOINT:
		snprintf(out, cap, k & 1 ? "198.18.0.%u" : "[2001:db8::%x]:77", k);
		break;
	case SCHEMA_PATH:
		snprintf(out, cap, "\"/tmp/a b%u\"", k);
		break;
	case SCHEMA_USER:
		snprintf(out, cap, "u%u@a.test", k);
		break;
	case SCHEMA_SPKI:
		snprintf(out, cap, "sha256:%064x", k);
		break;
	case SCHEMA_MAC:
		snprintf(out, cap, "02:00:00:00:00:%02x", k);
		break;
	case SCHEMA_CPUS:
		snprintf(out, cap, "%u,%u", k, k + 2);
		break;
	case SCHEMA_FAULT:
		snprintf(out, cap, "drop=0.%u,seed=%u", k, k);
		break;
	case SCHEMA_URL:
		snprintf(out, cap, "http://crl%u.test/x", k);
		break;
	case SCHEMA_SCOPE:
		snprintf(out, cap, k & 1 ? "domain/d%u.test" : "user/u%u@a.test", k);
		break;
	case SCHEMA_PATTERN:
		snprintf(out, cap, k & 1 ? ".test.d%u.*" : "d%u.test", k);
		break;
	case SCHEMA_SUBTREE:
		snprintf(out, cap, k & 1 ? "*.d%u.test" : "d%u.test", k);
		break;
	default:
		snprintf(out, cap, "h%u.test", k);
		break;
	}
}

/* random objects of every noun: what is printed is read back to the same print, and JSON never breaks */
static void identity(void **state)
{
	struct base_rng rng;
	unsigned good[64] = {0};

	base_rng_seed(&rng, 42);
	for (unsigned round = 0; round < 6000; round++) {
		const struct schema_noun *n = &schema_nouns[round % schema_nouns_n];
		struct schema_text line = {0}, out = {0}, again = {0};
		struct complaints c = {0};
		struct schema_field key = {.type = n->key_type}, key2 = {.type = n->key2_type};
		char v[256];

		schema_text_printf(&line, "set %s ", n->name);
		if (n->key_name) {
			draw(&key, &rng, v, sizeof(v));
			schema_text_printf(&line, "%s ", v);
		}
		if (n->key2_word) {
			draw(&key2, &rng, v, sizeof(v));
			schema_text_printf(&line, "%s %s ", n->key2_word, v);
		}
		for (unsigned i = 0; i < n->fields_n; i++) {
			const struct schema_field *f = &n->fields[i];
			unsigned times = f->flags & SCHEMA_REQUIRED ? 1 : base_rng_next(&rng) % 4 == 0;

			if (times && (f->flags & SCHEMA_MULTI))
				times += base_rng_next(&rng) % 3;
			while (times--) {
				draw(f, &rng, v, sizeof(v));
				schema_text_printf(&line, "%s %s ", f->name, v);
			}
		}
		schema_text_puts(&line, "\n");
		if (round_trip(line.p, line.n, &out, &c) == 0) {
			good[round % schema_nouns_n]++;
			if (round_trip(out.p ? out.p : "", out.n, &again, &c))
				fail_msg("own print refused: %s -> %s: %s", line.p, out.p, c.first.why);
			assert_string_equal(again.p ? again.p : "", out.p ? out.p : "");
		}
		schema_text_fini(&line);
		schema_text_fini(&out);
		schema_text_fini(&again);
	}
	for (unsigned i = 0; i < schema_nouns_n; i++)
		if (good[i] < 20)
			fail_msg("only %u good objects of %s", good[i], schema_nouns[i].name);
}

static void samples(void **state)
{
	const char *dir = *state;
	DIR *d = opendir(dir);
	struct dirent *e;
	unsigned n = 0;

	assert_non_null(d);
	while ((e = readdir(d))) {
		char path[4096], *text;
		struct schema_text out = {0}, again = {0};
		struct complaints c = {0};
		size_t len = strlen(e->d_name);

		if (len < 5 || strcmp(e->d_name + len - 5, ".conf"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		assert_int_equal(schema_file_slurp(path, &text, &len), 0);
		if (round_trip(text, len, &out, &c))
			fail_msg("%s:%u:%u: %s", path, c.first.line, c.first.column, c.first.why);
		assert_true(out.n > 100);
		assert_int_equal(round_trip(out.p, out.n, &again, &c), 0);
		assert_string_equal(out.p, again.p);
		schema_text_fini(&out);
		schema_text_fini(&again);
		free(text);
		n++;
	}
	closedir(d);
	assert_true(n >= 3);
}

/* a store of an earlier version says what is no setting any more: the rest of it counts */
static void gone(void **state)
{
	static const char body[] =
		"metrics-listen 127.0.0.1:9105\nhep udp:198.18.0.9:9060\nhep-sample 7\nlog-level debug",
			  typo[] = "metrics-listen 127.0.0.1:9105\nhepp x\nlog-level debug",
			  line[] = "set observe hep udp:198.18.0.9:9060\n", other[] = "set observe hepp x\n";
	const struct schema_noun *observe = schema_noun_named("observe");
	struct schema_object o = {0};
	struct schema_text out = {0};
	struct complaints c = {0};

	assert_int_equal(schema_object_load(&o, observe, "", body, strlen(body)), 0);
	assert_int_equal(o.n, 2);
	assert_string_equal(schema_object_find(&o, "metrics-listen"), "127.0.0.1:9105");
	assert_string_equal(schema_object_find(&o, "log-level"), "debug");
	assert_int_equal(schema_object_load(&o, observe, "", typo, strlen(typo)), -EINVAL);
	schema_object_fini(&o);
	assert_true(round_trip(line, strlen(line), &out, &c) != 0);
	assert_int_equal(c.n, 1);
	assert_non_null(strstr(c.first.why, "observe hep: no copies of messages are made"));
	assert_int_equal(c.first.column, 13);
	c.n = 0;
	assert_true(round_trip(other, strlen(other), &out, &c) != 0);
	assert_non_null(strstr(c.first.why, "has no setting 'hepp'"));
	schema_text_fini(&out);
}

static void map(void **state)
{
	struct schema_map m = {0};
	const struct schema_entry **sorted;
	char key[32];
	size_t n;

	for (unsigned i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "d%u.test", (i * 7919) % 5000);
		assert_int_equal(schema_map_put(&m, 3, key, "action allow", 12, i), 0);
	}
	assert_int_equal(schema_map_put(&m, 2, "a", NULL, 0, 0), 0);
	assert_int_equal(schema_map_count(&m), 5001);
	schema_map_drop(&m, 3, "d17.test");
	assert_null(schema_map_get(&m, 3, "d17.test"));
	assert_non_null(schema_map_get(&m, 3, "d18.test"));
	assert_null(schema_map_get(&m, 4, "d18.test"));
	assert_null(schema_map_get(&m, 2, "a")->body);
	assert_int_equal(schema_map_sorted(&m, &sorted, &n), 0);
	assert_int_equal(n, 5000);
	for (size_t i = 1; i < n; i++)
		assert_true(sorted[i - 1]->noun < sorted[i]->noun ||
			    strcmp(sorted[i - 1]->key, sorted[i]->key) < 0);
	free(sorted);
	assert_int_equal(schema_map_put(&m, 3, "d17.test", "", 0, 0), 0);
	assert_int_equal(schema_map_count(&m), 5001);
	schema_map_fini(&m);
}

int main(int argc, char **argv)
{
	char fallback[] = "config/examples";
	void *dir = argc > 1 ? argv[1] : fallback;
	const struct CMUnitTest tests[] = {cmocka_unit_test(errors),
					   cmocka_unit_test(binary),
					   cmocka_unit_test(identity),
					   cmocka_unit_test(gone),
					   cmocka_unit_test_prestate(samples, dir),
					   cmocka_unit_test(map)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
