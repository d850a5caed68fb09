/* SPDX-License-Identifier: BSD-3-Clause */
/* Conflicts that a commit refuses, or says. */
#include <string.h>

#include "config/policy/check.h"
#include "tests/unit/policy/row.h"

struct found {
	char codes[1024]; /* "NAME:where NAME:where", in the order found; a warning in brackets */
	char text[4096];
};

static void collect(void *ctx, const struct policy_finding *f)
{
	struct found *found = ctx;
	size_t n = strlen(found->codes), at = strlen(found->text);

	snprintf(found->codes + n, sizeof(found->codes) - n, "%s%s%s%s%s%.*s%s", n ? " " : "",
		 f->error ? "" : "[", policy_finding_name(f->code), f->where.len ? ":" : "",
		 f->subtree ? "*." : "", (int)f->where.len, f->where.ptr, f->error ? "" : "]");
	at += (size_t)policy_finding_write(f, found->text + at, sizeof(found->text) - at);
	if (at + 2 < sizeof(found->text))
		strcpy(found->text + at, "\n");
}

struct conflict {
	const char *what;
	const char *world;
	const char *found;
};

static void test_conflicts(void **state)
{
	static const struct conflict rows[] = {
		{"nothing wrong", "allow contoso.com; block *.evil.com", ""},
		/* lists */
		{"allow and block of one name, other form", "block *.contoso.com; allow contoso.com",
		 "SAME_NAME:contoso.com"},
		{"the same, the other way round", "block contoso.com; allow *.contoso.com",
		 "SAME_NAME:*.contoso.com"},
		{"the same, meant", "block *.contoso.com; allow contoso.com except", ""},
		{"allow below a block", "block *.org; allow contoso.org", "BELOW_BLOCK:contoso.org"},
		{"allow below a block, meant", "block *.org; allow contoso.org except", ""},
		{"allow below an except below a block",
		 "block *.org; allow *.contoso.org except; allow x.contoso.org", "BELOW_BLOCK:x.contoso.org"},
		{"except of nothing", "allow contoso.com except", "[EXCEPT_USELESS:contoso.com]"},
		{"emergency block over an allow", "allow x.contoso.com; hard *.contoso.com",
		 "[OVERRIDDEN:x.contoso.com]"},
		{"an exact block does not reach down", "block contoso.com; allow x.contoso.com", ""},
		/* our own */
		{"our own domain as a partner", "allow ours.com", "OWN_ALLOWED:ours.com"},
		{"our own domain under a block", "block *.com", "[OWN_BLOCKED:ours.com]"},
		{"our own server as a partner's", "allow contoso.com proxy=sip.ours.com",
		 "SERVER_IS_OURS:contoso.com"},
		/* servers and providers */
		{"a provider's FQDN as a partner's server", "hosting h.com; allow contoso.com proxy=h.com",
		 "SERVER_IS_PROVIDER:contoso.com"},
		{"a provider's FQDN as a peer-name", "public p.com; allow contoso.com peer=p.com",
		 "PEER_IS_PROVIDER:contoso.com"},
		{"two providers of one FQDN", "hosting h.com name=a; public h.com name=b",
		 "PROVIDER_FQDN:h.com"},
		{"two providers of one name", "hosting h.com name=a; public p.com name=a", "PROVIDER_NAME:a"},
		{"a provider without verification level", "public p.com verify=unsaid",
		 "PROVIDER_VERIFICATION:p.com"},
		{"two shared address spaces", "hosting h.com shared; hosting i.com shared",
		 "SHARED_TWO:ours.com SHARED_TWO:ours.net"},
		{"a SIP domain names one that does not share", "hosting h.com; own our.org shared=h.com",
		 "SHARED_WRONG:our.org"},
		{"a server that is no host name", "allow contoso.com proxy=127.0.0.1",
		 "BAD_SERVER:contoso.com"},
		/* via */
		{"via itself", "allow contoso.com via=contoso.com", "VIA_SELF:contoso.com"},
		{"via a chain", "allow a.com via=b.com; allow b.com via=c.com", "[VIA_CHAIN:a.com]"},
		{"via a loop of two", "allow a.com via=b.com; allow b.com via=a.com",
		 "VIA_LOOP:a.com VIA_LOOP:b.com"},
		{"via a loop further on",
		 "allow a.com via=b.com; allow b.com via=c.com; allow c.com via=b.com",
		 "VIA_LOOP:a.com VIA_LOOP:b.com VIA_LOOP:c.com"},
		{"via a blocked domain", "allow a.com via=b.com; block b.com", "VIA_BLOCKED:a.com"},
		{"via our own domain", "allow a.com via=ours.com", "VIA_OURS:a.com"},
		{"via a plain clearing house", "allow a.com via=b.com; allow b.com", ""},
		/* keys */
		{"pinned without a key", "allow a.com check=pinned", "NO_PIN:a.com"},
		{"a key that is not looked at", "allow a.com pin=1", "[UNUSED_PIN:a.com]"},
		{"a limit class that is not there", "allow a.com limit=9", "NO_LIMIT_CLASS:a.com"},
		/* routes */
		{"route by address without a peer-name", "allow a.com; route a.com 192.0.2.1",
		 "[HOP_BY_ADDRESS:a.com]"},
		{"route by address with a peer-name", "allow a.com peer=gw.b.com; route a.com 192.0.2.1", ""},
		{"own route set by address without a peer-name", "allow a.com hops=192.0.2.1",
		 "[HOP_BY_ADDRESS:a.com]"},
		{"route to nobody", "route a.com gw.b.com", "[ROUTE_NOBODY:a.com]"},
		{"route without a hop", "allow a.com; route a.com", "ROUTE_EMPTY:a.com"},
		{"route with a hop twice", "allow a.com; route a.com gw.b.com gw.b.com",
		 "[ROUTE_TWICE:a.com]"},
		{"the same hop as a backup is fine", "allow a.com; route a.com gw.b.com gw.b.com/2", ""},
		{"priority 0", "allow a.com; route a.com gw.b.com/0/1", "ROUTE_PRIORITY:a.com"},
		{"weight 0 beside others", "allow a.com; route a.com gw.b.com/1/0 gx.b.com/1/5",
		 "[ROUTE_WEIGHTLESS:a.com]"},
		{"route blocked as a whole", "allow a.com; route a.com gw.b.com!block",
		 "[ROUTE_BLOCKS:a.com]"},
		{"route without TLS", "allow a.com; route a.com gw.b.com!insecure", "[ROUTE_INSECURE:a.com]"},
		{"the catch-all, blocked, as it is shipped", "route .* gw.b.com!block", ""},
		{"an address twice", "allow a.com peer=g.b.com; route a.com 192.0.2.1 192.0.2.1",
		 "[ROUTE_TWICE:a.com]"},
		{"a hop that is no host name", "allow a.com; route a.com -bad.com", "BAD_SERVER:a.com"},
		/* switches */
		{"discovery with default routing", "default-routing dr.net; discovery on",
		 "DISCOVERY_ROUTING"},
		{"providers with default routing", "default-routing dr.net; hosting h.com",
		 "DEFAULT_PROVIDERS"},
		{"SIP domain without a pool", "own our.org no-route", "[NO_INSIDE:our.org]"},
	};
	unsigned wrong = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct found found = {"", ""};
		struct policy_listing listing;
		struct world w;
		unsigned errors;

		world_open(&w, world_base);
		world_add(&w, rows[i].world);
		listing = policy_draft_listing(w.draft);
		errors = policy_check(&listing, collect, &found);
		if (strcmp(found.codes, rows[i].found) != 0) {
			print_message("  %s\n    world  %s\n    wanted %s\n    got    %s\n", rows[i].what,
				      rows[i].world, rows[i].found, found.codes);
			wrong++;
		}
		/* a warning lets the commit through, an error does not */
		if ((errors != 0) != (rows[i].found[0] != '\0' && rows[i].found[0] != '[')) {
			print_message("  %s: %u errors\n", rows[i].what, errors);
			wrong++;
		}
		world_close(&w);
	}
	assert_int_equal(wrong, 0);
}

static void test_messages(void **state)
{
	struct policy_listing listing;
	struct found found = {"", ""};
	struct world w;
	char small[16];
	struct policy_finding f = {.code = POLICY_FINDING_BELOW_BLOCK,
				   .subtree = true,
				   .where = {"x.contoso.com", 13},
				   .other = {"contoso.com", 11}};

	world_open(&w, world_base);
	world_add(&w, "block *.contoso.com; allow *.x.contoso.com");
	listing = policy_draft_listing(w.draft);
	assert_int_equal(policy_check(&listing, collect, &found), 1);
	assert_string_equal(found.text,
			    "*.x.contoso.com: is allowed below the block of contoso.com; mark the allow "
			    "`except`, or delete the block\n");
	world_close(&w);
	/* a short buffer is cut, never overrun */
	assert_true(policy_finding_write(&f, small, sizeof(small)) > (int)sizeof(small));
	assert_string_equal(small, "*.x.contoso.com");
	assert_true(policy_finding_write(&f, NULL, 0) > 0);
}

/* one entry by itself, as a commit of one change checks it */
static void test_one_entry(void **state)
{
	struct policy_domain allow = {.type = POLICY_DOMAIN_ALLOWED}, server = {.type = POLICY_DOMAIN_SERVER};
	struct found found = {"", ""};
	struct world w;

	world_open(&w, world_base);
	world_add(&w, "block *.contoso.com");
	assert_int_equal(
		policy_check_domain(w.view, policy_name_of("x.contoso.com"), &allow, collect, &found), 1);
	assert_int_equal(policy_check_domain(w.view, policy_name_of("fabrikam.com"), &allow, collect, &found),
			 0);
	assert_int_equal(
		policy_check_domain(w.view, policy_name_of("fabrikam.com"), &server, collect, &found), 1);
	assert_int_equal(policy_check_domain(w.view, policy_name_of("Bad.com"), &allow, collect, &found), 1);
	allow.partner = 77;
	assert_int_equal(policy_check_domain(w.view, policy_name_of("fabrikam.com"), &allow, collect, &found),
			 1);
	assert_string_equal(found.codes, "BELOW_BLOCK:x.contoso.com NO_SERVER:fabrikam.com BAD_NAME:Bad.com "
					 "NO_PARTNER_RECORD:fabrikam.com");
	world_close(&w);
}

/* one form of one name holds one entry, so the plain conflict is refused where it is added */
static void test_same_slot(void **state)
{
	struct world w;

	world_open(&w, world_base);
	world_add(&w, "allow contoso.com; block contoso.com");
	assert_int_not_equal(w.error, 0);
	world_close(&w);
	world_open(&w, world_base);
	world_add(&w, "allow *.contoso.com; block .com.contoso.*");
	assert_int_not_equal(w.error, 0);
	world_close(&w);
	/* an emergency block leaves the entry in place, and ends by itself */
	world_open(&w, world_base);
	world_add(&w, "allow contoso.com; hard contoso.com");
	assert_int_equal(w.error, 0);
	assert_int_equal(policy_draft_domain_remove(w.draft, policy_name_of("contoso.com"), 2), 0);
	assert_int_not_equal(policy_draft_domain_remove(w.draft, policy_name_of("contoso.com"), 2), 0);
	world_close(&w);
}

static void test_more_than_100_routes(void **state)
{
	char world[4096] = "route contoso.com";
	struct world w;

	for (unsigned i = 0; i < 100; i++)
		snprintf(world + strlen(world), sizeof(world) - strlen(world), " g%u.x.net", i);
	world_open(&w, world_base);
	world_add(&w, world);
	assert_int_equal(w.error, 0);
	world_close(&w);
	snprintf(world + strlen(world), sizeof(world) - strlen(world), " g100.x.net");
	world_open(&w, world_base);
	world_add(&w, world);
	assert_int_not_equal(w.error, 0);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conflicts),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_same_slot),
		cmocka_unit_test(test_one_entry),
		cmocka_unit_test(test_more_than_100_routes),
	};

	return cmocka_run_group_tests_name("policy check", tests, NULL, NULL);
}
