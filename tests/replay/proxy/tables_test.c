/* SPDX-License-Identifier: BSD-3-Clause */
/* What `show peers | transactions | partners | limits` would print. */
#include <errno.h>
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
	assert_int_equal(rig_nobody(r), 3); /* the pool, and two ways back to who asked */
	rig_wait(r, 2500);
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

/* ---- many ---- */

enum { MANY = 10000, DOMAINS = 1000 };

static char many_name[MANY][32];

static int many_connect(void *ctx, const struct link_connect *to, uint64_t conn, uint64_t *id)
{
	return -ENOENT;
}

static int many_reserve(void *ctx, uint64_t id, struct link_out *out)
{
	static uint8_t data[1400];

	*out = (struct link_out){.data = data, .room = sizeof(data)};
	return 0;
}

static int many_commit(void *ctx, uint64_t id, struct link_out *out, uint32_t len)
{
	return 0;
}

static int64_t many_send(void *ctx, uint64_t id, const void *data, size_t len)
{
	return (int64_t)len;
}

static struct policy_name many_peer_name(void *ctx, uint64_t id, unsigned i)
{
	return policy_name_of(many_name[id]);
}

static void many_end(void *ctx, uint64_t id)
{
}

static const struct link_ops many_ops = {.connect = many_connect,
					 .reserve = many_reserve,
					 .commit = many_commit,
					 .send = many_send,
					 .peer_name = many_peer_name,
					 .resume = many_end,
					 .close = many_end,
					 .abort = many_end};

static int count_row(void *ctx, const uint8_t *data)
{
	++*(unsigned *)ctx;
	return 0;
}

static unsigned rows_in(const char *table)
{
	struct exchange_tables_view v;
	unsigned n = 0;
	const char *why;

	assert_int_equal(exchange_tables_open(&v, dir, &why), 0);
	assert_int_equal(exchange_tables_each(&v, (unsigned)exchange_tables_find(&v, table), count_row, &n),
			 0);
	assert_int_equal(v.skipped, 0);
	exchange_tables_view_free(&v);
	return n;
}

/* Ten thousand connections of a thousand partners: each has its row within two seconds of turns that are
 * never long, and when they have gone none has. */
static void test_many(void **state)
{
	struct exchange_table_spec specs[PROXY_TABLES];
	struct rig *r = rig_open("", NULL);
	static uint64_t conns[MANY];
	static const struct proxy_keys keys;
	struct exchange_tables tables;
	struct proxy_config config;
	uint64_t now_ns = r->now_ns;
	struct proxy *p;
	int fd;

	strcpy(dir, "/tmp/tables-XXXXXX");
	assert_non_null(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	assert_int_equal(exchange_tables_create(&tables, fd, specs, proxy_tables_specs(specs, 1)), 0);
	/* what is shared out is not more for more workers, and never too little */
	for (unsigned cores = 1; cores <= 16; cores *= 2) {
		proxy_tables_specs(specs, cores);
		assert_int_equal(specs[0].rows, 16384);
	}
	proxy_tables_specs(specs, 64);
	assert_int_equal(specs[0].rows, 64 * 1024);
	proxy_config_default(&config);
	config.conns = MANY + 64;
	p = proxy_create(&config, &keys, 0, 1, &many_ops, NULL, NULL, 1);
	assert_non_null(p);
	proxy_tables_attach(p, &tables);
	proxy_begin(p, now_ns, 0, r->world.view);
	for (unsigned i = 0; i < MANY; i++) {
		struct link_facts facts = {.side = LINK_EXTERNAL,
					   .secure = true,
					   .certificate = true,
					   .names_n = 1,
					   .eku = 3,
					   .remote_port = (uint16_t)(1024 + i)};
		char text[600];
		int n;

		snprintf(many_name[i], sizeof(many_name[i]), "sip.d%u.com", i % DOMAINS);
		memcpy(facts.issuer_serial, &i, sizeof(i));
		conns[i] = proxy_link_accepted(p, i, &facts);
		assert_true(conns[i] != 0);
		n = snprintf(text, sizeof(text),
			     "MESSAGE sip:b@ours.com SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK-%u\r\n"
			     "From: <sip:a@d%u.com>;tag=1\r\nTo: <sip:b@ours.com>\r\nCall-ID: %u\r\n"
			     "CSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n",
			     i, i % DOMAINS, i);
		assert_int_equal(proxy_link_data(p, conns[i], (uint8_t *)text, (uint32_t)n), n);
	}
	proxy_end(p);
	for (unsigned i = 0; i < 2000; i++) {
		proxy_begin(p, now_ns += 1000000, 0, r->world.view);
		proxy_turn(p);
		proxy_end(p);
	}
	assert_int_equal(rows_in("peers"), MANY);
	assert_int_equal(rows_in("partners"), DOMAINS);
	proxy_begin(p, now_ns, 0, r->world.view);
	for (unsigned i = 0; i < MANY; i++)
		proxy_link_closed(p, conns[i], LINK_END_CLOSED, NULL);
	proxy_end(p);
	for (unsigned i = 0; i < 2500; i++) {
		proxy_begin(p, now_ns += 1000000, 0, r->world.view);
		proxy_turn(p);
		proxy_end(p);
	}
	assert_int_equal(rows_in("peers"), 0);
	proxy_destroy(p);
	rig_close(r);
	exchange_tables_close(&tables);
	unlinkat(fd, EXCHANGE_TABLES, 0);
	close(fd);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_tables), cmocka_unit_test(test_many)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
