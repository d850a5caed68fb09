/* SPDX-License-Identifier: BSD-3-Clause */
/* The candidate over a store, bulk files, and what is refused as a whole. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "controlplane/store/bulk.h"
#include "controlplane/store/idn.h"

static char dir[64];
static struct store *store;

static int setup(void **state)
{
	char why[SCHEMA_WHY_MAX];

	strcpy(dir, "/tmp/sallyport-cand-XXXXXX");
	return mkdtemp(dir) && store_sqlite_open(dir, &store, why) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	char command[128];

	store->ops->close(store);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

/* lines are separated by ';' */
static void edit(struct candidate *c, const char *lines)
{
	char line[1024];
	struct schema_error error;

	while (*lines) {
		size_t n = strcspn(lines, ";");

		memcpy(line, lines, n);
		line[n] = '\0';
		if (candidate_line(c, line, 1, &error))
			fail_msg("%s: %u: %s", line, error.column, error.why);
		lines += n + (lines[n] == ';');
	}
}

static uint64_t commit(struct candidate *c)
{
	const struct schema_entry **e;
	struct store_revision meta = {.kind = "commit"}, out;
	struct store_txn *t;
	size_t n;

	assert_int_equal(schema_map_sorted(&c->map, &e, &n), 0);
	assert_int_equal(store->ops->begin(store, &meta, &t), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(store->ops->put(t, e[i]->noun, e[i]->key, e[i]->body, e[i]->body_len), 0);
	assert_int_equal(store->ops->commit(t, 50, &out), 0);
	free(e);
	candidate_clear(c);
	return out.id;
}

struct found {
	char text[32768];
};

static void report(void *ctx, const struct schema_finding *f)
{
	struct found *g = ctx;
	size_t n = strlen(g->text);

	snprintf(g->text + n, sizeof(g->text) - n, "%c %s %s: %s\n", "NWE"[f->severity], f -> noun, f -> key,
		 f -> text);
}

static long cross(struct candidate *c, struct found *g)
{
	struct schema_source s = candidate_source(c);
	const struct schema_entry **e;
	size_t n;
	long r;

	g->text[0] = '\0';
	assert_int_equal(schema_map_sorted(&c->map, &e, &n), 0);
	r = schema_cross_check(&s, e, n, report, g);
	free(e);
	return r;
}

static void conflicts(void **state)
{
	static const struct {
		const char *live, *lines, *say; /* say NULL: no error */
	} rows[] = {
		{"", "set partner a.test allow", NULL},
		{"set partner test block", "set partner a.test allow",
		 "E partner a.test: is allowed below the block *.test"},
		{"set partner a.test allow", "set partner test block",
		 "E partner a.test: is allowed below the block *.test"},
		{"set partner test block", "set partner a.test allow except", NULL},
		{"set partner test block exact", "set partner a.test allow", NULL},
		{"set partner a.test allow", "set partner a.test block",
		 "E partner a.test: is allowed, and blocked as *.a.test"},
		{"set partner test block;set partner a.test allow except", "delete partner a.test except",
		 "E partner a.test: is allowed"},
		{"", "set partner a.test allow tls-profile x", "there is no tls-profile x"},
		{"set tls-profile x version 1.3;set partner a.test allow tls-profile x",
		 "delete tls-profile x", "E tls-profile x: is gone, but partner a.test refers"},
		{"set provider p hosting proxy-fqdn e.p.test verification always",
		 "set partner a.test allow proxy-fqdn e.p.test", "one name cannot be both"},
		{"set partner a.test allow proxy-fqdn e.p.test",
		 "set provider p hosting proxy-fqdn e.p.test verification always", "one name cannot be both"},
		{"set provider p hosting proxy-fqdn e.p.test verification always",
		 "set provider q public proxy-fqdn e.p.test verification always", "that of provider p too"},
		{"", "set partner a.test allow via-domain b.test;set partner b.test allow via-domain a.test",
		 "leads back to itself"},
		{"", "set partner a.test allow via-domain b.test;set partner b.test block exact",
		 "b.test is blocked"},
		{"", "set identity a public-fqdn s.a.test;set identity b public-fqdn s.a.test",
		 "identity b too"},
		{"",
		 "set identity a public-fqdn s.a.test external-listen 198.18.0.1;set identity b public-fqdn "
		 "s.b.test "
		 "external-listen 198.18.0.1",
		 "is taken by identity"},
		/* listeners that nobody reaches, next hops that are no place or our own */
		{"",
		 "set identity a public-fqdn s.a.test external-listen 198.18.0.1 internal-listen 198.18.0.1",
		 "E identity a: internal-listen 198.18.0.1:5061 is its external-listen too"},
		{"set identity a public-fqdn s.a.test internal-listen 198.18.0.1",
		 "set sip-domain a.test identity a next-hop 198.18.0.1",
		 "E sip-domain a.test: next-hop 198.18.0.1:5061 is the internal-listen of our own identity "
		 "a"},
		{"set identity a public-fqdn s.a.test internal-listen 198.18.0.1",
		 "set sip-domain a.test identity a next-hop 198.18.0.1:5071", NULL},
		{"set identity a public-fqdn s.a.test external-listen 2001:db8::1",
		 "set static-route x.test to [2001:db8::1] priority 1", "messages would come back to us"},
		{"set identity a public-fqdn s.a.test", "set static-route x.test to s.a.test priority 1",
		 "messages would come back to us"},
		{"", "set static-route x.test to 0.0.0.0 priority 1", "nothing can be sent there"},
		{"", "set static-route x.test to 224.0.0.1 priority 1", "nothing can be sent there"},
		{"", "set static-route x.test to [ff02::1] priority 1", "nothing can be sent there"},
		{"", "set static-route x.test to 127.0.0.1:5070 priority 1", "is this machine's loopback"},
		{"", "set sip-domain a.test next-hop [::1]", "is this machine's loopback"},
		/* without TLS */
		{"", "set identity a public-fqdn s.a.test insecure-listen 10.0.0.2", "lets nobody in"},
		{"",
		 "set identity a public-fqdn s.a.test insecure-listen 10.0.0.2 insecure-allow-from "
		 "10.0.0.0/24",
		 NULL},
		{"set identity a public-fqdn s.a.test;set sip-domain a.test identity a next-hop "
		 "10.0.0.9:5060 "
		 "insecure tcp",
		 "set identity a insecure-listen 10.0.0.2", NULL},
		{"set identity a public-fqdn s.a.test;set sip-domain a.test identity a next-hop "
		 "pool.a.test:5060 "
		 "insecure tcp",
		 "set identity a insecure-listen 10.0.0.2", "lets nobody in"},
		{"set identity a public-fqdn s.a.test;set identity b public-fqdn s.b.test;set sip-domain "
		 "b.test "
		 "identity b next-hop 10.0.0.9:5060 insecure tcp",
		 "set identity a insecure-listen 10.0.0.2", "lets nobody in"},
		{"",
		 "set identity a public-fqdn s.a.test insecure-listen 10.0.0.2 insecure-allow-from 0.0.0.0/0",
		 "is everybody"},
		{"", "set identity a public-fqdn s.a.test insecure-listen 10.0.0.2 insecure-allow-from ::/0",
		 "is everybody"},
		{"",
		 "set identity a public-fqdn s.a.test insecure-listen 0.0.0.0 insecure-allow-from "
		 "10.0.0.0/24",
		 "would be every address"},
		{"", "set identity a public-fqdn s.a.test insecure-listen :: insecure-allow-from 10.0.0.0/24",
		 "would be every address"},
		{"",
		 "set identity a public-fqdn s.a.test external-listen 198.18.0.1 insecure-listen 198.18.0.1 "
		 "insecure-allow-from 10.0.0.0/24",
		 "nothing outside"},
		{"",
		 "set identity a public-fqdn s.a.test internal-listen 10.0.0.2:5060 insecure-listen 10.0.0.2 "
		 "insecure-allow-from 10.0.0.0/24",
		 "one port, one protocol"},
		{"set identity b public-fqdn s.b.test internal-listen 10.0.0.2:5060",
		 "set identity a public-fqdn s.a.test insecure-listen 10.0.0.2 insecure-allow-from "
		 "10.0.0.0/24",
		 "is taken by identity b"},
		{"",
		 "set identity a public-fqdn s.a.test;set identity b public-fqdn s.b.test;set sip-domain "
		 "a.test",
		 "say which is its face"},
		{"", "set access site/north federation yes", "there is no site north"},
		{"", "set site n user a@b.test;set site s user a@b.test", "is in site"},
		{"",
		 "set federation routing default-route;set federation default-route e.x.test;set provider p "
		 "public proxy-fqdn "
		 "p.x.test verification always",
		 "delete the 1 providers first"},
		/* one name in two forms */
		{"set partner a.test block exact", "set partner *.a.test allow",
		 "is allowed, and blocked as a.test"},
		{"set partner a.test block", "set partner a.test allow",
		 "is allowed, and blocked as *.a.test"},
		{"set partner *.a.test allow", "set partner a.test block exact", "is allowed, and blocked"},
		{"set partner a.test block", "set partner a.test allow except", NULL},
		{"set partner test block;set partner *.a.test allow except", "set partner b.a.test allow",
		 "below the block *.test"},
		{"set partner a.test block exact", "set partner x.a.test allow", NULL},
		/* our own domains and names */
		{"set sip-domain ours.test", "set partner ours.test allow", "is a SIP domain of ours"},
		{"set sip-domain ours.test", "set partner ours.test allow monitor yes",
		 "is a SIP domain of ours"},
		{"set sip-domain ours.test", "set partner *.ours.test allow", "is a SIP domain of ours"},
		{"set partner ours.test allow", "set sip-domain ours.test",
		 "is allowed as partner ours.test too"},
		{"set partner *.ours.test allow", "set sip-domain ours.test", "as partner *.ours.test too"},
		{"set identity e public-fqdn sip.ours.test",
		 "set partner a.test allow proxy-fqdn sip.ours.test", "is our own identity e"},
		{"set identity e public-fqdn sip.ours.test",
		 "set partner a.test allow peer-name sip.ours.test", "is our own identity e"},
		{"set partner a.test allow proxy-fqdn sip.ours.test",
		 "set identity e public-fqdn sip.ours.test", "is the proxy-fqdn of partner a.test"},
		/* providers */
		{"set provider p public proxy-fqdn p.test verification source",
		 "set partner a.test allow peer-name p.test", "one name cannot be both"},
		{"set partner a.test allow peer-name p.test",
		 "set provider p public proxy-fqdn p.test verification source",
		 "the peer-name of partner a.test"},
		{"", "set provider p public proxy-fqdn p.test", "verification is missing"},
		{"set federation routing default-route;set federation default-route e.x.test",
		 "set provider p public proxy-fqdn p.test verification source", "routing is default-route"},
		{"set identity e public-fqdn s.o.test;set sip-domain o.test;set provider p hosting "
		 "proxy-fqdn "
		 "p.test verification always enabled yes shared-address-space yes",
		 "set provider q hosting proxy-fqdn q.test verification always enabled yes "
		 "shared-address-space "
		 "yes",
		 "say at sip-domain o.test which one"},
		{"set identity e public-fqdn s.o.test;set provider p hosting proxy-fqdn p.test verification "
		 "always enabled yes shared-address-space yes;set provider q hosting proxy-fqdn q.test "
		 "verification always enabled yes shared-address-space yes",
		 "set sip-domain o.test", "2 providers could share"},
		{"set identity e public-fqdn s.o.test;set provider p hosting proxy-fqdn p.test verification "
		 "always",
		 "set sip-domain o.test shared-address-space p", "does not share our address space"},
		{"set identity e public-fqdn s.o.test;set provider p hosting proxy-fqdn p.test verification "
		 "always shared-address-space yes;set sip-domain o.test shared-address-space p",
		 "set provider p shared-address-space no", "sip-domain o.test names it for that"},
		/* clearing houses */
		{"", "set partner a.test allow via-domain a.test", "leads back to itself"},
		{"", "set partner *.a.test allow via-domain a.test", "leads back to itself"},
		{"",
		 "set partner a.test allow via-domain b.test;set partner b.test allow via-domain c.test;set "
		 "partner c.test allow via-domain b.test",
		 "comes back to itself"},
		{"set partner x.b.test allow via-domain a.test",
		 "set partner a.test allow via-domain x.b.test", "leads back to itself"},
		{"set partner *.b.test allow via-domain a.test",
		 "set partner a.test allow via-domain x.b.test", "leads back to itself"},
		{"set partner a.test allow via-domain b.test", "set partner b.test block",
		 "via-domain b.test is blocked"},
		{"set partner a.test allow via-domain x.b.test", "set partner b.test block",
		 "via-domain x.b.test is blocked"},
		{"set partner b.test block", "set partner a.test allow via-domain x.b.test",
		 "via-domain x.b.test is blocked"},
		{"set identity e public-fqdn s.o.test;set sip-domain o.test",
		 "set partner a.test allow via-domain o.test", "is a SIP domain of ours"},
		{"set partner a.test allow via-domain o.test",
		 "set identity e public-fqdn s.o.test;set sip-domain o.test",
		 "is the via-domain of partner a.test"},
		{"", "set partner a.test allow via-domain b.test;set partner b.test allow", NULL},
		/* keys, classes, profiles */
		{"", "set partner a.test allow identity-check pinned", "needs at least one spki"},
		{"", "set partner a.test allow limits x", "there is no limit-class x"},
		{"", "set partner a.test allow tls-profile compat", NULL},
		{"",
		 "set certificate a chain /a key /b;set identity e public-fqdn s.o.test server-certificate a "
		 "server-certificate b server-certificate c",
		 "at most 2"},
		/* switches */
		{"", "set federation routing default-route default-route e.x.test partner-discovery yes",
		 "partner-discovery needs routing dns"},
		{"", "set federation routing default-route", "needs default-route"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct candidate c;
		struct found g;
		long errors;

		setup(NULL);
		candidate_init(&c, store, idn_to_ascii);
		edit(&c, rows[i].live);
		commit(&c);
		edit(&c, rows[i].lines);
		errors = cross(&c, &g);
		if (rows[i].say ? errors < 1 || !strstr(g.text, rows[i].say) : errors != 0)
			fail_msg("'%s' then '%s': %ld: %s", rows[i].live, rows[i].lines, errors, g.text);
		candidate_fini(&c);
		teardown(NULL);
	}
}

/* "set identity iN public-fqdn sN.a.test …" for each N below n, with listeners of which each is another */
static void many(struct schema_text *t, const char *format, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		schema_text_printf(t, "%s", i ? ";" : "");
		schema_text_printf(t, format, i, i, i, i); /* NOLINT(clang-diagnostic-format-nonliteral) */
	}
}

/* what no dataplane has room for is refused, once */
static void bounds(void **state)
{
	static const struct {
		const char *each, *say;
		unsigned most;
	} rows[] = {
		{"set identity i%u public-fqdn s%u.a.test", "65 of them; at most 64", 64},
		{"set tls-profile p%u version 1.3", "62 of them; at most 61", 61},
		{"set limit-class c%u rate 5", "251 of them; at most 250", 250},
		{"set identity i%u public-fqdn s%u.a.test external-listen 10.0.0.1%u",
		 "33 listeners of all identities; at most 32", 32},
		{"set identity i%u public-fqdn s%u.a.test external-listen 10.0.0.1%u internal-listen "
		 "10.0.1.1%u",
		 "34 listeners of all identities; at most 32", 16},
		{"set identity i%u public-fqdn s%u.a.test insecure-listen 10.0.0.1%u insecure-allow-from "
		 "10.0.0.0/24",
		 "33 listeners of all identities; at most 32", 32},
		{"set identity i%u public-fqdn s%u.a.test xmpp-listen 10.0.0.1%u", "65 of them", 64},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (unsigned more = 0; more < 2; more++) {
			struct schema_text lines = {0};
			struct candidate c;
			struct found g;
			long errors;

			setup(NULL);
			candidate_init(&c, store, NULL);
			many(&lines, rows[i].each, rows[i].most + more);
			edit(&c, lines.p);
			errors = cross(&c, &g);
			if (errors != more || (more && !strstr(g.text, rows[i].say)))
				fail_msg("'%s': %ld: %s", rows[i].each, errors, g.text);
			/* what came one by one as well */
			if (more) {
				schema_text_reset(&lines);
				many(&lines, rows[i].each, rows[i].most);
				candidate_fini(&c);
				candidate_init(&c, store, NULL);
				edit(&c, lines.p);
				assert_int_equal(cross(&c, &g), 0);
			}
			candidate_fini(&c);
			schema_text_fini(&lines);
			teardown(NULL);
		}
	}
}

static void warns(void **state)
{
	struct candidate c;
	struct found g;

	candidate_init(&c, store, NULL);
	edit(&c, "set route .test.a to 198.18.0.9;set port p side external;set port p device d");
	assert_int_equal(cross(&c, &g), 0);
	assert_non_null(strstr(g.text, "W route a.test 198.18.0.9:5061: a bare address"));
	assert_non_null(strstr(g.text, "give its partner a peer-name"));
	assert_non_null(
		strstr(g.text, "N dataplane : 1 of the changes take effect when the dataplane starts"));
	candidate_fini(&c);
}

static void warnings(void **state)
{
	static const struct {
		const char *lines, *say; /* "-": says nothing of the kind that follows */
	} rows[] = {
		{"set partner a.test allow except", "nothing blocks it"},
		{"set partner a.test allow via-domain b.test;set partner b.test allow via-domain c.test",
		 "one clearing house is used, never two"},
		{"set identity e public-fqdn s.o.test;set sip-domain o.test;set partner test block",
		 "blocks our own SIP domain o.test"},
		{"set route b.test to gw.b.test", "a route alone admits nobody"},
		{"set route b.test to gw.b.test;set partner b.test allow", "-admits nobody"},
		{"set route b.test to gw.b.test;set federation partner-discovery yes", "-admits nobody"},
		{"set route b.test to gw.b.test block", "every route of this pattern is blocked"},
		{"set route b.test to gw.b.test block;set route b.test to gx.b.test", "-is blocked"},
		{"set route .* to gw.b.test block", "-is blocked"},
		{"set partner b.test allow peer-name gw.b.test;set route b.test to 198.18.0.9",
		 "-give its partner"},
		{"set route b.test to gw.b.test insecure tcp", "INSECURE"},
		{"set identity a public-fqdn s.a.test insecure-listen 10.0.0.2 insecure-allow-from "
		 "10.0.0.0/24",
		 "INSECURE"},
		{"set identity a public-fqdn s.a.test insecure-allow-from 10.0.0.0/24",
		 "nobody connects that way"},
		{"set sip-domain o.test next-hop 10.0.0.9:5060 insecure tcp",
		 "W sip-domain o.test: INSECURE"},
		{"set sip-domain o.test next-hop 10.0.0.9:5060", "-INSECURE"},
		{"set xmpp-partner x.test allow", "W xmpp-partner x.test: action is kept"},
		{"set xmpp-partner x.test allow type federated", "type is kept"},
		{"set xmpp-partner x.test allow tls optional", "tls is kept"},
		{"set xmpp-partner x.test allow sasl required", "sasl is kept"},
		{"set xmpp-partner x.test allow dialback no", "dialback is kept"},
		{"set xmpp-partner x.test allow additional-domain y.test", "additional-domain is kept"},
		{"set xmpp-partner x.test allow proxy-fqdn y.test", "proxy-fqdn is kept"},
		{"set xmpp-partner x.test allow keepalive no", "keepalive is kept"},
		{"set xmpp-partner x.test allow tls not-supported insecure", "insecure is kept"},
		{"set xmpp-partner x.test allow tls required", "-tls is kept"},
		{"set federation identity-check pinned;set partner a.test allow monitor yes",
		 "nobody can prove to be it"},
		{"set sip-domain o.test", "there is no identity yet"},
		{"set identity e public-fqdn sip.x.test;set sip-domain o.test identity e",
		 "lies in another domain"},
		{"set port e side external device ring:a address 198.18.0.1/24;set port i side internal "
		 "device ring:b "
		 "address 198.18.2.1/24;set identity a public-fqdn s.a.test external-listen 198.18.2.1",
		 "W identity a: external-listen 198.18.2.1:5061 is the address of port i"},
		{"set port e side external device ring:a address 2001:db8::1/64;set identity a public-fqdn "
		 "s.a.test "
		 "external-listen 2001:db8::2",
		 "W identity a: external-listen [2001:db8::2]:5061 is no address of an external port"},
		{"set port e side external device ring:a address 2001:db8::1/64;set identity a public-fqdn "
		 "s.a.test "
		 "external-listen 2001:db8::1",
		 "-nobody can connect there"},
		{"set port e side external device ring:a address 198.18.0.1/24;set identity a public-fqdn "
		 "s.a.test external-listen 0.0.0.0 external-listen ::",
		 "-nobody can connect there"},
		{"set identity a public-fqdn s.a.test external-listen 2001:db8::1",
		 "-nobody can connect there"},
		{"set identity a public-fqdn s.a.test;set sip-domain a.test identity a next-hop s.a.test",
		 "W sip-domain a.test: next-hop s.a.test:5061 is the public-fqdn of our own identity a"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool none = *rows[i].say == '-';
		struct candidate c;
		struct found g;
		long errors;

		setup(NULL);
		candidate_init(&c, store, NULL);
		edit(&c, rows[i].lines);
		errors = cross(&c, &g);
		if (errors || !strstr(g.text, rows[i].say + none) != none)
			fail_msg("'%s': %ld: %s", rows[i].lines, errors, g.text);
		candidate_fini(&c);
		teardown(NULL);
	}
}

static void moves(void **state)
{
	struct candidate c;
	struct schema_map target = {0};
	uint64_t first;

	candidate_init(&c, store, NULL);
	edit(&c, "set partner a.test allow;set partner b.test allow comment x;set federation "
		 "partner-discovery yes");
	first = commit(&c);
	edit(&c, "set partner a.test comment y;delete partner b.test");
	assert_int_equal(schema_map_count(&c.map), 2);
	commit(&c);
	/* an edit that ends where it began is no change */
	edit(&c, "set partner a.test comment z;set partner a.test comment y");
	assert_int_equal(candidate_normalise(&c), 0);
	assert_int_equal(schema_map_count(&c.map), 0);
	assert_int_equal(candidate_return(&c, first), 0);
	assert_int_equal(schema_map_count(&c.map), 2);
	assert_string_equal(
		schema_map_get(&c.map, schema_noun_index(schema_noun_named("partner")), "b.test")->body,
		"action allow\ncomment x");
	/* a file: everything that it does not say goes */
	schema_map_put(&target, schema_noun_index(schema_noun_named("partner")), "a.test",
		       "action allow\ncomment y", 22, 1);
	assert_int_equal(candidate_become(&c, &target), 0);
	assert_int_equal(schema_map_count(&c.map), 1);
	schema_map_fini(&target);
	candidate_fini(&c);
}

static bool complain(void *ctx, const struct schema_error *e)
{
	struct found *g = ctx;
	size_t n = strlen(g->text);

	snprintf(g->text + n, sizeof(g->text) - n, "%u:%u: %s\n", e->line, e->column, e->why);
	return true;
}

static void bulk(void **state)
{
	static const char good[] =
		"# a list\na.test\nB.Test.\r\n\n*.c.test block\nd.test allow verification always comment \"x "
		"# "
		"y\"\nset partner e.test block exact\nf.test comment z # remark\nm\xc3\xbcnchen.test\n";
	static const char bad[] = "a.test\nb..test\nc.test allow colour red\nd.test delete\n1.2.3.4\n";
	struct candidate c;
	struct found g = {""};
	unsigned p = schema_noun_index(schema_noun_named("partner"));

	candidate_init(&c, store, idn_to_ascii);
	if (bulk_read(&c, good, sizeof(good) - 1, false, false, complain, &g, NULL, NULL))
		fail_msg("%s", g.text);
	assert_int_equal(schema_map_count(&c.map), 7);
	assert_string_equal(schema_map_get(&c.map, p, "b.test")->body, "action allow");
	assert_string_equal(schema_map_get(&c.map, p, "*.c.test")->body, "action block");
	assert_string_equal(schema_map_get(&c.map, p, "d.test")->body,
			    "action allow\nverification always\ncomment x # y");
	assert_string_equal(schema_map_get(&c.map, p, "e.test")->body, "action block\nexact");
	assert_string_equal(schema_map_get(&c.map, p, "f.test")->body, "action allow\ncomment z");
	assert_non_null(schema_map_get(&c.map, p, "xn--mnchen-3ya.test"));
	candidate_clear(&c);
	assert_int_equal(bulk_read(&c, "x.test\n", 7, true, false, complain, &g, NULL, NULL), 0);
	assert_non_null(schema_map_get(&c.map, p, "*.x.test"));
	candidate_clear(&c);
	assert_int_equal(bulk_read(&c, bad, sizeof(bad) - 1, false, false, complain, &g, NULL, NULL),
			 -EINVAL);
	assert_non_null(strstr(g.text, "2:1: "));
	assert_non_null(strstr(g.text, "3:14: partner has no setting 'colour'"));
	assert_non_null(strstr(g.text, "4:8: "));
	assert_non_null(strstr(g.text, "5:1: "));
	candidate_clear(&c);
	/* replace: what is in force and not named goes */
	edit(&c, "set partner old.test allow");
	commit(&c);
	/* nothing is not a list of nobody */
	assert_int_equal(bulk_read(&c, "# none\n", 7, false, true, complain, &g, NULL, NULL), -EINVAL);
	assert_int_equal(bulk_read(&c, "new.test\n", 9, false, true, complain, &g, NULL, NULL), 0);
	assert_int_equal(schema_map_count(&c.map), 2);
	assert_null(schema_map_get(&c.map, p, "old.test")->body);
	candidate_fini(&c);
}

static void diffs(void **state)
{
	struct schema_text t = {0};
	unsigned p = schema_noun_index(schema_noun_named("partner"));
	unsigned d = schema_noun_index(schema_noun_named("dns"));

	assert_int_equal(candidate_diff_text(p, "a.test", "action allow", 12, "action block\nexact", 18, &t),
			 0);
	assert_string_equal(t.p, "- set partner a.test allow\n+ set partner a.test block exact\n");
	schema_text_reset(&t);
	assert_int_equal(
		candidate_diff_text(d, "", "timeout 4s\ncache 100", 20, "timeout 5s\ncache 100", 20, &t), 0);
	assert_string_equal(t.p, "- set dns timeout 4s\n+ set dns timeout 5s\n");
	schema_text_reset(&t);
	assert_int_equal(candidate_diff_json(p, "a.test", NULL, 0, "action allow", 12, &t), 0);
	assert_string_equal(t.p, "{\"change\":\"add\",\"noun\":\"partner\",\"key\":\"a.test\",\"after\":{"
				 "\"noun\":\"partner\",\"key\":"
				 "\"a.test\",\"action\":\"allow\"}}");
	schema_text_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conflicts),
		cmocka_unit_test(bounds),
		cmocka_unit_test(warnings),
		cmocka_unit_test_setup_teardown(warns, setup, teardown),
		cmocka_unit_test_setup_teardown(moves, setup, teardown),
		cmocka_unit_test_setup_teardown(bulk, setup, teardown),
		cmocka_unit_test(diffs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
