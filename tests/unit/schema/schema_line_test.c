/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines: what they change, what they print as, and where they are wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/schema/schema_command.h"
#include "config/schema/schema_file.h"

/* feeds lines (separated by ';') and returns the print of everything */
static char *run(const char *lines, struct schema_error *error)
{
	static char out[65536];
	struct schema_map map = {0};
	struct schema_reader r = {.map = &map};
	struct schema_text t = {0};
	const struct schema_entry **sorted;
	char line[4096];
	size_t n;
	int rc = 0;

	out[0] = '\0';
	for (const char *p = lines; *p && !rc;) {
		size_t len = strcspn(p, ";");

		memcpy(line, p, len);
		line[len] = '\0';
		rc = schema_reader_line(&r, line, 1, error);
		p += len + (p[len] == ';');
	}
	if (!rc) {
		assert_int_equal(schema_map_sorted(&map, &sorted, &n), 0);
		for (size_t i = 0; i < n; i++) {
			struct schema_object o = {0};

			assert_int_equal(schema_object_load(&o, &schema_nouns[sorted[i]->noun],
							    sorted[i]->key, sorted[i]->body,
							    sorted[i]->body_len),
					 0);
			schema_object_print(&o, &t);
			schema_object_fini(&o);
		}
		free(sorted);
		strcpy(out, t.p ? t.p : "");
	}
	schema_text_fini(&t);
	schema_reader_fini(&r);
	schema_map_fini(&map);
	return rc ? NULL : out;
}

static void prints(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"set partner contoso.com allow", "set partner contoso.com allow\n"},
		{"set partner contoso.com block", "set partner *.contoso.com block\n"},
		{"set partner contoso.com block exact", "set partner contoso.com block exact\n"},
		{"set partner *.contoso.com block", "set partner *.contoso.com block\n"},
		{"SET PARTNER Contoso.COM allow", "set partner contoso.com allow\n"},
		{"set partn c.com al verif al proxy edge.c.com",
		 "set partner c.com allow proxy-fqdn edge.c.com verification always\n"},
		{"set partner c.com allow VerificationLevel AlwaysUnverifiable ProxyFqdn e.c.com Comment \"a "
		 "\\\"b\\\" c\"",
		 "set partner c.com allow proxy-fqdn e.c.com verification never comment \"a \\\"b\\\" c\"\n"},
		{"set partner c.com allow comment x;set partner c.com comment y",
		 "set partner c.com allow comment y\n"},
		{"set partner c.com allow comment x;delete partner c.com comment",
		 "set partner c.com allow\n"},
		{"set partner c.com allow comment x;no partner c.com", ""},
		{"set partner c.com allow;no partner c.com allow", ""},
		{"set partner c.com allow peer-name b.c.com;set partner c.com peer-name a.c.com;set partner "
		 "c.com peer-name "
		 "a.c.com",
		 "set partner c.com allow peer-name a.c.com peer-name b.c.com\n"},
		{"set port e side external device tap:iface=x address 198.18.1.2/24 address 2001:db8::1/64",
		 "set port e side external\nset port e device tap:iface=x\nset port e address "
		 "198.18.1.2/24\nset port e "
		 "address 2001:db8::1/64\n"},
		{"set port e side external device d address 198.18.1.2/24 address 198.18.1.3/24;delete port "
		 "e address "
		 "198.18.1.2/24",
		 "set port e side external\nset port e device d\nset port e address 198.18.1.3/24\n"},
		{"set route .com.contoso.* to edge.x.test weight 10",
		 "set route *.contoso.com to edge.x.test:5061 weight 10\n"},
		{"set dns server 198.18.0.2;set dns server 198.18.0.1",
		 "set dns server 198.18.0.2:53\nset dns server 198.18.0.1:53\n"},
		{"set federation allow-federated-users yes;delete federation allow-federated-users", ""},
		{"  set   partner c.com   allow # a remark", "set partner c.com allow\n"},
		{"# only a remark", ""},
		{"", ""},
		{"set internal-server fe.c.com", "set internal-server fe.c.com\n"},
		{"set sip-domain o.test next-hop 10.0.0.9:5060 insecure tcp next-hop pool.o.test",
		 "set sip-domain o.test next-hop 10.0.0.9:5060 next-hop pool.o.test:5061 insecure tcp\n"},
		{"set sip-domain o.test next-hop a.o.test insecure tcp;delete sip-domain o.test insecure",
		 "set sip-domain o.test next-hop a.o.test:5061\n"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct schema_error error;
		char *got = run(rows[i].in, &error);

		if (!got)
			fail_msg("'%s' refused at %u: %s", rows[i].in, error.column, error.why);
		assert_string_equal(got, rows[i].out);
	}
}

static void refuses(void **state)
{
	static const struct {
		const char *in;
		unsigned column;
		const char *say;
	} rows[] = {
		{"st partner c.com allow", 1, "begins with set or delete"},
		{"set", 4, "what"},
		{"set q", 5, "nothing that can be set"},
		{"set p c.com", 5, "several"},
		{"set partner", 12, "which one"},
		{"set partner a..b allow", 13, "empty label"},
		{"set partner c.com allow colour red", 25, "no setting"},
		{"set partner c.com allow verification sometimes", 38, "verification"},
		{"set partner c.com allow verification", 37, "needs a value"},
		{"set partner c.com allow comment \"x", 33, "does not end"},
		{"set partner c.com", 18, "what of it"},
		{"delete partner c.com", 16, "there is no partner"},
		{"set partner c.com block;delete partner c.com", 16, "*.c.com"},
		{"set partner c.com allow;delete partner c.com comment", 1, "has no comment"},
		{"set dataplane workers 0", 23, "1..64"},
		{"set dns min-ttl 5ms", 17, "30s"},
		{"set route a.test edge", 18, "'to'"},
		{"set sip-domain o.test next-hop a.o.test insecure udp", 50, "insecure"},
		{"set partner 192.0.2.1 allow", 13, "address"},
		{"set partner c.com allow block", 25, "both 'allow' and 'block'"},
		{"set partner c.com allow comment a b", 35, "both 'allow' and 'block'"},
		{"set partner c.com allow comment a comment b", 35, "comment is both"},
		{"set partner c.com allow comment \"a\nb\"", 35, "line break"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct schema_error error;

		if (run(rows[i].in, &error))
			fail_msg("'%s' accepted", rows[i].in);
		if (!strstr(error.why, rows[i].say) || error.column != rows[i].column)
			fail_msg("'%s': column %u (want %u): %s", rows[i].in, error.column, rows[i].column,
				 error.why);
	}
}

static void commands(void **state)
{
	static const struct {
		const char *in, *words, *arg, *value;
	} rows[] = {
		{"show configuration", "show configuration", NULL, NULL},
		{"sh conf partner c*", "show configuration", "key", "c*"},
		{"show running-config", "show configuration", NULL, NULL},
		{"commit", "commit", NULL, NULL},
		{"commit comment \"CHG 1\"", "commit", "comment", "CHG 1"},
		{"commit confirmed 5 comment x", "commit confirmed", "minutes", "5"},
		{"comm conf 05", "commit confirmed", "minutes", "5"},
		{"explain from Alice@a.test to bob@b.test peer x.b.test peer y.b.test inbound", "explain",
		 "from", "alice@a.test"},
		{"explain to bob@b.test from alice@a.test inb", "explain", "inbound", ""},
		{"Test-CsFederatedPartner b.test", "test partner", "domain", "b.test"},
		{"block Evil.test comment why", "block", "domain", "evil.test"},
		{"help show dns", "help", "words", "show dns"},
		{"show dns-records", "show dns-records", NULL, NULL},
		{"show revision 3", "show revision", "revision", "3"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static struct schema_words ws;
		struct schema_call call = {0};
		struct schema_error error;

		assert_int_equal(schema_words_split(&ws, rows[i].in, false, &error), 0);
		if (schema_call_parse(&call, &ws, 0, ws.n, NULL, &error))
			fail_msg("'%s': %s", rows[i].in, error.why);
		assert_string_equal(call.command->words, rows[i].words);
		if (rows[i].arg)
			assert_string_equal(schema_call_get(&call, rows[i].arg), rows[i].value);
		schema_call_fini(&call);
	}
}

static void command_errors(void **state)
{
	static const struct {
		const char *in, *say;
	} rows[] = {
		{"frobnicate", "is no command"},
		{"commit confirmed", "missing"},
		{"commit confirmed x", "number"},
		{"block", "missing"},
		{"block 1.2.3.4", "address"},
		{"explain from a@b.c", "missing"},
		{"show", "show what?"},
		{"show frobnicate", "'frobnicate' is nothing to show; 'help show'"},
		{"imp", "import what?"},
		{"sh part", "could be show partner, show partners; write more"},
		{"commit 5", "more than"},
		{"show revision 1 2", "more than"},
		{"co", "could be"},
		{"", "empty"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static struct schema_words ws;
		struct schema_call call = {0};
		struct schema_error error = {0};

		assert_int_equal(schema_words_split(&ws, rows[i].in, false, &error), 0);
		if (!schema_call_parse(&call, &ws, 0, ws.n, NULL, &error))
			fail_msg("'%s' accepted as %s", rows[i].in, call.command->words);
		if (!strstr(error.why, rows[i].say))
			fail_msg("'%s': %s", rows[i].in, error.why);
		schema_call_fini(&call);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(prints), cmocka_unit_test(refuses),
					   cmocka_unit_test(commands), cmocka_unit_test(command_errors)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
