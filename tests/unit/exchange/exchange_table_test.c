/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "config/exchange/exchange_table.h"

struct peer_row {
	char name[40];
	uint8_t address[16];
	uint64_t since;
	uint32_t requests;
	uint16_t port;
	uint8_t state;
	uint8_t flags;
};

static const struct exchange_column peer_columns[] = {
	EXCHANGE_COLUMN(struct peer_row, name, EXCHANGE_TEXT, "what it proved to be"),
	EXCHANGE_COLUMN(struct peer_row, address, EXCHANGE_ADDRESS, "where it is"),
	EXCHANGE_COLUMN(struct peer_row, since, EXCHANGE_SINCE, "how long"),
	EXCHANGE_COLUMN(struct peer_row, requests, EXCHANGE_NUMBER, "requests"),
	EXCHANGE_COLUMN(struct peer_row, state, EXCHANGE_STATE, "open|closing"),
};

static const struct exchange_column blob_columns[] = {
	{.name = "blob", .help = "", .kind = EXCHANGE_HEX, .at = 0, .size = 1024},
};

static const struct exchange_table_spec specs[] = {
	{"peers", "who is connected", peer_columns, 5, 200, sizeof(struct peer_row)},
	{"blobs", "for the test", blob_columns, 1, 3, 1024},
	{"empty", "no rows", blob_columns, 1, 0, 1024},
};

struct fixture {
	char dir[64], file[80];
	int fd;
	struct exchange_tables t;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/table-test.XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->file, sizeof(f->file), "%s/" EXCHANGE_TABLES, f->dir);
	f->fd = open(f->dir, O_RDONLY | O_DIRECTORY);
	*state = f;
	return exchange_tables_create(&f->t, f->fd, specs, 3);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	exchange_tables_close(&f->t);
	unlink(f->file);
	close(f->fd);
	rmdir(f->dir);
	free(f);
	return 0;
}

struct seen {
	unsigned n, stop_at;
	uint64_t requests;
	char first[40];
};

static int see(void *ctx, const uint8_t *data)
{
	struct seen *s = ctx;
	struct peer_row r;

	memcpy(&r, data, sizeof(r));
	if (!s->n)
		memcpy(s->first, r.name, sizeof(s->first));
	s->requests += r.requests;
	return ++s->n == s->stop_at ? 7 : 0;
}

static void rows_are_read(void **state)
{
	struct fixture *f = *state;
	struct exchange_tables_view v;
	struct seen s = {0};
	struct peer_row r = {.name = "sip.contoso.com", .requests = 5, .state = 1};
	const char *why;

	assert_null(exchange_tables_row(&f->t, "peers", 200));
	assert_null(exchange_tables_row(&f->t, "piers", 0));
	for (unsigned i = 0; i < 200; i += 3)
		exchange_row_put(exchange_tables_row(&f->t, "peers", i), &r, sizeof(r));
	exchange_row_clear(exchange_tables_row(&f->t, "peers", 3));
	assert_int_equal(exchange_tables_open(&v, f->dir, &why), 0);
	assert_true(v.alive);
	assert_int_equal(exchange_tables_find(&v, "blobs"), 1);
	assert_int_equal(exchange_tables_find(&v, "blob"), -1);
	assert_string_equal(v.columns[0][3].name, "requests");
	assert_int_equal(exchange_tables_each(&v, 0, see, &s), 0);
	assert_int_equal(s.n, 66);
	assert_int_equal(s.requests, 66 * 5);
	assert_string_equal(s.first, "sip.contoso.com");
	assert_int_equal(exchange_column_number(&v.columns[0][3], (const uint8_t *)&r), 5);
	assert_int_equal(exchange_column_number(&v.columns[0][4], (const uint8_t *)&r), 1);
	s = (struct seen){.stop_at = 2};
	assert_int_equal(exchange_tables_each(&v, 0, see, &s), 7);
	assert_int_equal(exchange_tables_each(&v, 2, see, &s), 0);
	/* a row that stays odd: its writer died in the middle */
	exchange_tables_row(&f->t, "peers", 0)->seq++;
	s = (struct seen){0};
	assert_int_equal(exchange_tables_each(&v, 0, see, &s), 0);
	assert_int_equal(s.n, 65);
	assert_int_equal(v.skipped, 1);
	exchange_tables_view_free(&v);
}

struct churn {
	struct exchange_row *row;
	volatile int stop;
};

static void *churn(void *arg)
{
	struct churn *c = arg;
	uint8_t blob[1024];

	for (unsigned k = 0; !c->stop; k++) {
		memset(blob, (int)(k & 0xff), sizeof(blob));
		exchange_row_put(c->row, blob, sizeof(blob));
	}
	return NULL;
}

static int whole(void *ctx, const uint8_t *data)
{
	for (unsigned i = 1; i < 1024; i++)
		if (data[i] != data[0])
			fail_msg("a torn row: %u, then %u at %u", data[0], data[i], i);
	++*(unsigned *)ctx;
	return 0;
}

static void no_row_is_torn(void **state)
{
	struct fixture *f = *state;
	struct churn c = {exchange_tables_row(&f->t, "blobs", 1), 0};
	struct exchange_tables_view v;
	unsigned n = 0, looks = 0;
	const char *why;
	pthread_t thread;

	exchange_row_put(c.row, (uint8_t[1024]){0}, 1024);
	assert_int_equal(exchange_tables_open(&v, f->dir, &why), 0);
	assert_int_equal(pthread_create(&thread, NULL, churn, &c), 0);
	/* on one processor the writer may be held in the middle of a row for all of many looks */
	for (; n < 200 && looks < (n ? 20000u : 20000000u); looks++)
		assert_int_equal(exchange_tables_each(&v, 1, whole, &n), 0);
	c.stop = 1;
	pthread_join(thread, NULL);
	assert_int_equal(n + v.skipped, looks);
	assert_true(n > 0);
	exchange_tables_view_free(&v);
}

static void damage_is_refused(void **state)
{
	struct fixture *f = *state;
	static const struct {
		size_t at, len;
		uint64_t value;
	} damage[] = {
		{offsetof(struct exchange_tables_super, magic), 8, 1},
		{offsetof(struct exchange_tables_super, version), 4, 2},
		{offsetof(struct exchange_tables_super, tables), 4, 17},
		{offsetof(struct exchange_tables_super, bytes), 8, 64},
		{offsetof(struct exchange_tables_super, table[0].rows), 4, 1u << 31},
		{offsetof(struct exchange_tables_super, table[0].rows_at), 8, UINT64_MAX - 7},
		{offsetof(struct exchange_tables_super, table[0].columns), 4, 33},
		{offsetof(struct exchange_tables_super, table[0].columns_at), 8, UINT64_MAX},
		{offsetof(struct exchange_tables_super, table[0].stride), 4, 8},
		{offsetof(struct exchange_tables_super, table[0].stride), 4, 1u << 31},
		{offsetof(struct exchange_tables_super, table[1].row_bytes), 4, 1u << 20},
		{offsetof(struct exchange_tables_super, table[1].row_bytes), 4, 1000},
	};
	struct exchange_tables_view v;
	struct seen s = {0};
	const char *why;

	for (unsigned i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		uint8_t was[8], *p = (uint8_t *)f->t.super + damage[i].at;

		memcpy(was, p, damage[i].len);
		memcpy(p, &damage[i].value, damage[i].len);
		if (exchange_tables_open(&v, f->dir, &why) != -EPROTO)
			fail_msg("damage %u was believed", i);
		assert_non_null(why);
		memcpy(p, was, damage[i].len);
	}
	/* cut while somebody reads */
	assert_int_equal(exchange_tables_open(&v, f->dir, &why), 0);
	assert_int_equal(truncate(f->file, 8192), 0);
	assert_int_equal(exchange_tables_each(&v, 1, see, &s), -EIO);
	exchange_tables_view_free(&v);
	assert_int_equal(exchange_tables_open(&v, f->dir, &why), -EPROTO);
	assert_int_equal(exchange_tables_open(&v, "/nowhere", &why), -ENOENT);
}

static void wrong_specs_are_refused(void **state)
{
	static const struct exchange_column outside[] = {
		{.name = "x", .help = "", .kind = EXCHANGE_NUMBER, .at = 4, .size = 8}};
	const struct exchange_table_spec wrong[] = {
		{"a", "", outside, 1, 1, 8},
		{"b", "", outside, 1, 1, 13},
		{"c", "", outside, 1, 1, EXCHANGE_ROW_MAX + 8},
		{"d", "", outside, 1, UINT32_MAX, 1024},
	};
	struct fixture *f = *state;
	struct exchange_tables t;

	for (unsigned i = 0; i < 4; i++)
		assert_true(exchange_tables_create(&t, f->fd, &wrong[i], 1) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rows_are_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_row_is_torn, set_up, tear_down),
		cmocka_unit_test_setup_teardown(damage_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(wrong_specs_are_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("tables file", tests, NULL, NULL);
}
