/* SPDX-License-Identifier: BSD-3-Clause */
/* What a verdict says beside accept and refuse: the words for the headers, what stays, what is signed, which
 * settings. */
#include <string.h>

#include "config/policy/choice.h"
#include "tests/unit/policy/row.h"

static void print_more(const struct policy_verdict *v, char *buf, size_t cap)
{
	static const struct {
		unsigned flag;
		const char *word;
	} flags[] = {
		{POLICY_VERDICT_KEEP_PAI, "pai"},
		{POLICY_VERDICT_KEEP_SPLIT, "split"},
		{POLICY_VERDICT_MARK_OUTGOING, "mark-out"},
		{POLICY_VERDICT_REFRESH, "refresh"},
		{POLICY_VERDICT_REPIN, "pin"},
		{POLICY_VERDICT_BY_KEY, "by-key"},
		{POLICY_VERDICT_EXTERNAL, "external"},
		{POLICY_VERDICT_SHARED_HOP, "shared-hop"},
		{POLICY_VERDICT_CERT_WILDCARD, "wildcard"},
		{POLICY_VERDICT_MONITOR, "monitor"},
		{POLICY_VERDICT_DISCOVERED, "discovered"},
	};

	snprintf(buf, cap, "%s/%s", policy_source_type_text(v->source),
		 policy_source_network_text(v->source));
	if (v->identity.len)
		snprintf(buf + strlen(buf), cap - strlen(buf), " %.*s", (int)v->identity.len,
			 v->identity.ptr);
	if (v->limit_class)
		snprintf(buf + strlen(buf), cap - strlen(buf), " limit=%u", v->limit_class);
	if (v->tls_profile)
		snprintf(buf + strlen(buf), cap - strlen(buf), " tls=%u", v->tls_profile);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (v->flags & flags[i].flag)
			snprintf(buf + strlen(buf), cap - strlen(buf), " %s", flags[i].word);
}

static void test_words(void **state)
{
#define IN     "in INVITE alice@contoso.com bob@ours.com "
#define OUT    "out INVITE bob@ours.com alice@contoso.com "
#define DIALOG "in dialog INVITE alice@contoso.com bob@ours.com "
	static const struct row rows[] = {
		{"direct", "allow contoso.com proxy=e.x.net", IN "cert=e.x.net",
		 "DirectPartner/federation e.x.net pin"},
		{"allowed", "allow contoso.com; srv contoso.com s.contoso.com", IN "cert=s.contoso.com",
		 "AutoFederation/federation s.contoso.com pin"},
		{"discovered", "discovery on; limit-discovered 3; srv contoso.com s.contoso.com",
		 IN "cert=s.contoso.com", "AutoFederation/federation s.contoso.com limit=3 pin discovered"},
		{"allowing lifts the limits",
		 "discovery on; limit-discovered 3; allow contoso.com; srv contoso.com s.contoso.com",
		 IN "cert=s.contoso.com", "AutoFederation/federation s.contoso.com pin"},
		{"unless the entry has its own", "allow contoso.com limit=4", IN "cert=contoso.com",
		 "AutoFederation/federation contoso.com limit=4 pin"},
		{"hosting", "hosting h.com; allow contoso.com; srv contoso.com h.com", IN "cert=h.com",
		 "AuthorizedServer/federation h.com pin"},
		{"hosting, only discovered", "hosting h.com; discovery on; srv contoso.com h.com",
		 IN "cert=h.com", "AuthorizedServer/federation h.com pin discovered"},
		{"public", "public p.com; srv contoso.com p.com", IN "cert=p.com",
		 "AuthorizedServer/publiccloud p.com pin"},
		{"clearing", "allow contoso.com via=aol.com", IN "cert=aol.com",
		 "AuthorizedServer/federation aol.com pin"},
		{"shared", "hosting h.com shared",
		 "in INVITE carol@ours.com bob@ours.com cert=h.com split=good",
		 "AuthorizedServer/federation h.com split pin shared-hop"},
		{"default route", "default-routing dr.net; allow contoso.com", IN "cert=dr.net",
		 "AuthorizedServer/federation dr.net pin"},
		{"default route that is public", "default-routing dr.net public", IN "cert=dr.net",
		 "AuthorizedServer/publiccloud dr.net pin"},
		{"by key", "allow contoso.com check=pinned pin=9", IN "cert=z.net key=9",
		 "AutoFederation/federation z.net pin by-key"},
		{"pinned already", "allow contoso.com", IN "cert=contoso.com pin=auto:contoso.com",
		 "AutoFederation/federation contoso.com"},
		{"pin follows the policy", "allow contoso.com", IN "cert=contoso.com pin=direct:contoso.com",
		 "AutoFederation/federation contoso.com pin"},
		{"an asserted identity that is trusted stays", "allow contoso.com pai",
		 IN "cert=contoso.com pai=contoso.com", "AutoFederation/federation contoso.com pai pin"},
		{"one that is not goes", "allow contoso.com", IN "cert=contoso.com pai=contoso.com",
		 "AutoFederation/federation contoso.com pin"},
		{"split-domain information of a partner goes", "allow contoso.com",
		 IN "cert=contoso.com split=good", "AutoFederation/federation contoso.com pin"},
		{"the partner's TLS profile", "allow contoso.com tls=5", IN "cert=contoso.com",
		 "AutoFederation/federation contoso.com tls=5 pin"},
		{"the identity's TLS profile", "own our.org tls=6; allow contoso.com",
		 "in INVITE alice@contoso.com bob@our.org cert=contoso.com",
		 "AutoFederation/federation contoso.com tls=6 pin"},
		{"marked for monitoring", "allow contoso.com monitor wildcard", IN "cert=contoso.com",
		 "AutoFederation/federation contoso.com pin wildcard monitor"},
		{"what is signed of a wildcard is the wildcard",
		 "allow contoso.com wildcard; srv contoso.com s.contoso.com", IN "cert=*.contoso.com",
		 "AutoFederation/federation *.contoso.com pin wildcard"},
		{"an old answer is asked for again", "allow contoso.com; srv contoso.com s.contoso.com stale",
		 IN "cert=s.contoso.com", "AutoFederation/federation s.contoso.com refresh pin"},
		{"through us",
		 "clearing on; allow contoso.com wildcard; allow fabrikam.com proxy=f.net; host f.net "
		 "192.0.2.1",
		 "in INVITE alice@contoso.com dan@fabrikam.com cert=contoso.com",
		 "AutoFederation/federation contoso.com pin external"},
		{"outbound mark", "mark-outgoing on; allow contoso.com; srv contoso.com s.contoso.com", OUT,
		 "AutoFederation/federation mark-out"},
		{"outbound, next address old", "allow contoso.com; srv contoso.com s.contoso.com stale", OUT,
		 "AutoFederation/federation refresh"},
		{"dialog: asserted identity stays", "allow contoso.com pai",
		 DIALOG "cert=c.net pai=contoso.com stored=allowed:contoso.com:c.net",
		 "AutoFederation/federation c.net pai"},
		{"dialog: a wrong one is stripped, the message goes on", "allow contoso.com pai",
		 DIALOG "cert=c.net pai=evil.com stored=allowed:contoso.com:c.net",
		 "AutoFederation/federation c.net"},
		{"dialog: limits of a discovered one", "discovery on; limit-discovered 3",
		 DIALOG "cert=c.net stored=discovered:contoso.com:c.net:discovered",
		 "AutoFederation/federation c.net limit=3 discovered"},
		{"dialog: shared", "hosting h.com shared",
		 "in dialog INVITE carol@ours.net bob@ours.com cert=h.com split=good "
		 "stored=shared:ours.net:h.com",
		 "AuthorizedServer/federation h.com split"},
	};
	unsigned wrong = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct policy_verdict v;
		struct message m;
		struct world w;
		char got[600];

		world_open(&w, world_base);
		world_add(&w, rows[i].world);
		assert_int_equal(w.error, 0);
		message_read(&m, rows[i].message);
		policy_decide(w.view, &m.facts, &v, NULL);
		print_more(&v, got, sizeof(got));
		if (v.action != POLICY_ACCEPT || strcmp(got, rows[i].verdict) != 0) {
			print_message("  %s\n    wanted %s\n    got    %s (action %u, %s)\n", rows[i].what,
				      rows[i].verdict, got, v.action, policy_reason_info(v.reason)->name);
			wrong++;
		}
		world_close(&w);
	}
	assert_int_equal(wrong, 0);
}

/* a dialog goes on by what was signed when it began, whatever the way in was */
static void test_signed_identity_holds(void **state)
{
	static const char *const rows[][2] = {
		{"allow contoso.com proxy=e.x.net", "cert=e.x.net"},
		{"allow contoso.com; srv contoso.com s.contoso.com", "cert=s.contoso.com"},
		{"allow contoso.com", "cert=contoso.com"},
		{"allow contoso.com check=pinned pin=9", "cert=z.net key=9"},
		{"allow contoso.com wildcard; srv contoso.com s.contoso.com", "cert=*.contoso.com"},
		{"allow contoso.com via=aol.com", "cert=aol.com"},
		{"allow contoso.com; route contoso.com g.net", "cert=g.net"},
		{"discovery on; srv contoso.com s.contoso.com", "cert=s.contoso.com"},
		{"hosting h.com; allow contoso.com; srv contoso.com h.com", "cert=h.com"},
		{"hosting s.h.com wildcard; allow contoso.com; srv contoso.com s.h.com", "cert=*.h.com"},
		{"public p.com; srv contoso.com p.com", "cert=p.com"},
		{"default-routing dr.net; allow contoso.com", "cert=dr.net"},
		{"default-routing dr.net public", "cert=dr.net"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct policy_verdict first, next;
		struct message m, n;
		struct world w;
		char text[256];

		world_open(&w, world_base);
		world_add(&w, rows[i][0]);
		snprintf(text, sizeof(text), IN "%s", rows[i][1]);
		message_read(&m, text);
		policy_decide(w.view, &m.facts, &first, NULL);
		assert_int_equal(first.action, POLICY_ACCEPT);

		snprintf(text, sizeof(text), DIALOG "%s", rows[i][1]);
		message_read(&n, text);
		n.facts.stored = &n.stored;
		n.stored =
			(struct policy_stored){.type = first.type,
					       .by_key = (first.flags & POLICY_VERDICT_BY_KEY) != 0,
					       .discovered = (first.flags & POLICY_VERDICT_DISCOVERED) != 0,
					       .domain = first.domain,
					       .identity = first.identity};
		memcpy(n.stored.spki, m.peer.spki, sizeof(n.stored.spki));
		policy_decide(w.view, &n.facts, &next, NULL);
		if (next.action != POLICY_ACCEPT || next.type != first.type || next.source != first.source)
			fail_msg("%s: the dialog does not go on: %s", rows[i][0],
				 policy_reason_info(next.reason)->name);
		/* and with somebody else on the other end it does not */
		n.names[0] = policy_name_of("sip.evil.com");
		memset(n.peer.spki, 1, sizeof(n.peer.spki));
		policy_decide(w.view, &n.facts, &next, NULL);
		assert_int_equal(next.reason, POLICY_REASON_DIALOG_PEER);
		world_close(&w);
	}
}

/* a trace too long for its lines keeps the verdict as its last one */
static void test_long_trace(void **state)
{
	char world[4096] = "allow contoso.com; srv contoso.com nothing; route contoso.com";
	struct policy_verdict v;
	struct policy_trace trace;
	struct message m;
	struct world w;

	for (unsigned i = 0; i < 100; i++)
		snprintf(world + strlen(world), sizeof(world) - strlen(world), " g%u.x.net", i);
	world_open(&w, world_base);
	world_add(&w, world);
	message_read(&m, IN "cert=z.net");
	policy_decide(w.view, &m.facts, &v, &trace);
	assert_int_equal(v.reason, POLICY_REASON_SRV_NOTHING);
	assert_int_equal(trace.n, POLICY_TRACE_LINES);
	assert_true(trace.lost > 0);
	assert_int_equal(trace.line[trace.n - 1].rule, v.rule);
	assert_int_equal(trace.line[trace.n - 1].outcome, POLICY_REFUSED);
	world_close(&w);
}

static void test_shadow_difference(void **state)
{
	struct policy_verdict a, b;
	struct message m;
	struct world live, shadow;

	world_open(&live, world_base);
	world_open(&shadow, world_base);
	world_add(&live, "allow contoso.com");
	world_add(&shadow, "allow contoso.com");
	message_read(&m, IN "cert=contoso.com");
	policy_decide(live.view, &m.facts, &a, NULL);
	policy_decide(shadow.view, &m.facts, &b, NULL);
	assert_false(policy_verdict_differs(&a, &b));
	world_add(&shadow, "verify-allowed always");
	policy_decide(shadow.view, &m.facts, &b, NULL);
	assert_true(policy_verdict_differs(&a, &b));
	world_add(&shadow, "hard contoso.com");
	policy_decide(shadow.view, &m.facts, &b, NULL);
	assert_true(policy_verdict_differs(&a, &b));
	world_close(&live);
	world_close(&shadow);
}

static void test_texts(void **state)
{
	for (unsigned i = 0; i < 9; i++) {
		assert_true(policy_outcome_text(i)[0] != '\0');
		assert_true(policy_source_type_text(i)[0] != '\0');
		assert_true(policy_source_network_text(i)[0] != '\0');
	}
	assert_string_equal(policy_source_type_text(POLICY_SOURCE_NONE), "EdgeProxyGenerated");
	for (unsigned i = 0; i < 20; i++)
		assert_true(policy_name_error_text((enum policy_name_error)i)[0] != '\0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),	   cmocka_unit_test(test_signed_identity_holds),
		cmocka_unit_test(test_long_trace), cmocka_unit_test(test_shadow_difference),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests_name("policy verdict", tests, NULL, NULL);
}
