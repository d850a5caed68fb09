/* SPDX-License-Identifier: BSD-3-Clause */
/* What `show peers | transactions | partners | limits` would print. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/exchange/exchange_table.h"
#include "tests/replay/proxy/proxy_rig.h"

static char dir[] = "/tmp/sallyport-tables-XXXXXX";

struct seen {
	const struct exchange_column *columns;
	unsigned n_columns, rows;
	const char *column;
	char values[64][128];
};

static int look(void *ctx, const uint8_t *data)
{
	struct seen *s = ctx;

	for (unsigned i = 0; i < s->n_columns; i++) {
		const struct exchange_column *c = &s->columns[i];

		if (strcmp(c->name, s->column) != 0 || s->rows >= 64)
			continue;
		if (c->kind == EXCHANGE_TEXT)
			snprintf(s->values[s->rows], 128, "%.*s", (int)c->size, (const char *)data + c->at);
		else
			snprintf(s->values[s->rows], 128, "%llu",
				 (unsigned long long)exchange_column_number(c, data));
	}
	s->rows++;
	return 0;
}

static struct seen show(const char *table, const char *column)
{
	struct exchange_tables_view v;
	struct seen s = {.column = column};
	const char *why;
	int i;

	assert_int_equal(exchange_tables_open(&v, dir, &why), 0);
	i = exchange_tables_find(&v, table);
	assert_true(i >= 0);
	s.columns = v.columns[i];
	s.n_columns = v.super.table[i].columns;
	assert_int_equal(exchange_tables_each(&v, (unsigned)i, look, &s), 0);
	exchange_tables_view_free(&v);
	return s;
}

static bool has(const struct seen *s, const char *value)
{
	for (unsigned i = 0; i < s->rows; i++)
		if (strcmp(s->values[i], value) == 0)
			return true;
	return false;
}

static void test_tables(void **state)
{
	struct exchange_table_spec specs[PROXY_TABLES];
	struct exchange_tables tables;
	struct rig *r =
		rig_open("discovery on; limit-discovered 1; srv contoso.com sip.contoso.com=198.51.100.7; "
			 "block evil.com",
			 NULL);
	unsigned partner, evil;
	struct seen s;
	int fd;

	assert_non_null(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	assert_int_equal(exchange_tables_create(&tables, fd, specs, proxy_tables_specs(specs, 1)), 0);
	proxy_tables_attach(r->proxy, &tables);

	partner = rig_partner(r, "sip.contoso.com");
	evil = rig_partner(r, "sip.evil.com");
	rig_send(r, partner, RIG_REQUEST("INVITE", "a@contoso.com", "b@ours.com", "h;branch=z9hG4bK-1", ""));
	rig_send(r, evil, RIG_REQUEST("MESSAGE", "a@evil.com", "b@ours.com", "h;branch=z9hG4bK-2", ""));
	rig_wait(r, 1500);
	s = show("peers", "name");
	assert_true(has(&s, "sip.contoso.com"));
	assert_true(has(&s, "sip.evil.com"));
	assert_int_equal(s.rows, 3);
	s = show("transactions", "method");
	assert_int_equal(s.rows, 1);
	assert_true(has(&s, "INVITE"));
	s = show("transactions", "wait");
	assert_true(has(&s, "2"));
	s = show("partners", "domain");
	assert_true(has(&s, "contoso.com"));
	assert_true(has(&s, "evil.com"));
	s = show("partners", "status");
	assert_true(has(&s, "403"));
	s = show("limits", "domain");
	assert_true(has(&s, "contoso.com"));
	assert_int_equal(s.rows, 1);
	/* what is gone leaves its row */
	rig_end(r, partner, LINK_END_CLOSED);
	rig_wait(r, 12000); /* as long as the ways back to the caller are tried */
	s = show("peers", "name");
	assert_false(has(&s, "sip.contoso.com"));
	s = show("transactions", "method");
	assert_int_equal(s.rows, 0);
	rig_close(r);
	exchange_tables_close(&tables);
	unlinkat(fd, EXCHANGE_TABLES, 0);
	close(fd);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_tables)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
