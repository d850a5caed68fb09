/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/sip/sip_fixture.h"

#include <stdio.h>

static struct sip_msg *ma, *mb;

static bool parse(struct sip_msg *m, const char *text, struct sip_uri *u)
{
	size_t n = strlen(text);

	assert_true(sip_msg_text(m, sip_kernel_choose(), text, n));
	return n != 0 && sip_uri_parse(m, 0, (uint32_t)n, SIP_URI_IN_LINE, u) == n;
}

/* RFC 3261 section 19.1.1 and 25.1 */
static void parts(void **state)
{
	struct sip_uri u;

	assert_true(
		parse(ma, "sips:ann:pw&=+$,x@Edge.Fabrikam.test.:5061;transport=TLS;lr;x=[::1]?a=b&c=", &u));
	assert_int_equal(u.scheme, SIP_SCHEME_SIPS);
	sip_fixture_view(ma, u.user, "ann");
	sip_fixture_view(ma, u.password, "pw&=+$,x");
	sip_fixture_view(ma, u.host.text, "Edge.Fabrikam.test.");
	sip_fixture_view(ma, u.params, "transport=TLS;lr;x=[::1]");
	sip_fixture_view(ma, u.headers, "a=b&c=");
	assert_int_equal(u.port, 5061);
	assert_int_equal(u.transport, SIP_TRANSPORT_TLS);
	assert_true(u.flags & SIP_URI_LR);
	assert_true(u.flags & SIP_URI_HAS_PASSWORD);
	/* a user may look like a host with parameters: what stands before '@' is the user */
	assert_true(parse(ma, "sip:host.test;lr?x=y@real.test", &u));
	sip_fixture_view(ma, u.user, "host.test;lr?x=y");
	sip_fixture_view(ma, u.host.text, "real.test");
	assert_false(u.flags & SIP_URI_LR);
	/* lr, however it is written */
	assert_true(parse(ma, "sip:a@b.test;%6C%72", &u));
	assert_true(u.flags & SIP_URI_LR);
	assert_true(parse(ma, "sip:a@b.test;tr%61nsport=tcp;LR=on", &u));
	assert_int_equal(u.transport, SIP_TRANSPORT_TCP);
	assert_true(u.flags & SIP_URI_LR);
	assert_true(parse(ma, "sip:a@b.test;transporx=tcp", &u));
	assert_false(u.flags & SIP_URI_TRANSPORT);
	assert_true(parse(ma, "sip:[2001:db8::1]:5070", &u));
	assert_int_equal(u.host.kind, SIP_HOST_IP6);
	assert_int_equal(u.port, 5070);
	assert_true(parse(ma, "sip:b.test", &u));
	assert_false(u.flags & SIP_URI_HAS_USER);
	assert_true(parse(ma, "sip:b.test:5061", &u));
	assert_int_equal(u.port, 5061);
	assert_true(parse(ma, "SIP:a@192.0.2.1", &u));
	assert_int_equal(u.host.kind, SIP_HOST_IP4);
	assert_true(parse(ma, "tel:+1-(201).555;ext=5", &u));
	assert_int_equal(u.scheme, SIP_SCHEME_TEL);
	sip_fixture_view(ma, u.user, "+1-(201).555");
	assert_true(parse(ma, "urn:service:sos", &u));
	assert_int_equal(u.scheme, SIP_SCHEME_OTHER);
}

static void refused(void **state)
{
	static const char *const bad[] = {
		"",
		"sip",
		"sip:",
		"sip:@b.test",
		"sip:a@",
		"sip::pw@b.test",
		"sip:a@b.test;",
		"sip:a@b.test;;lr",
		"sip:a@b.test;=x",
		"sip:a@b.test;x=",
		"sip:a@b.test?",
		"sip:a@b.test?x",
		"sip:a@b.test?x=1&",
		"sip:a@b.test?=1",
		"sip:a@b.test:",
		"sip:a@b.test:x",
		"sip:a@b.test:65536",
		"sip:a@b.test:0",
		"sip:a b@b.test",
		"sip:a\"@b.test",
		"sip:a@-b.test",
		"sip:a@b-.test",
		"sip:a@.b.test",
		"sip:a@b..test",
		"sip:a@b.-test",
		"sip:a@b.test..",
		"sip:a@.",
		"sip:a@b.1test",
		"sip:a@1.2.3",
		"sip:a@1.2.3.4.5",
		"sip:a@256.1.1.1",
		"sip:a@01.1.1.1",
		"sip:a@1.2.3.4.",
		"sip:a@[::1",
		"sip:a@[::1]]",
		"sip:a@[1:2:3:4:5:6:7]",
		"sip:a@[1:2:3:4:5:6:7:8:9]",
		"sip:a@[::1::]",
		"sip:a@[:::]",
		"sip:a@[12345::]",
		"sip:a@[::1.2.3]",
		"sip:a@[::ffff:1.2.3.4.5]",
		"sip:a@[fe80::1%25eth0]",
		"sip:a@::1",
		"sip:a@[]",
		"sip:a%@b.test",
		"sip:a%4g@b.test",
		"sip:a@b.test;x=%",
		"sip:a@b.test;lr;lr",
		"sip:a@b.test;lr;%6cr",
		"sip:a@b.test;transport=tls;transport=tcp",
		"sip:a@b.test;transport",
		"sip:a@b.test;maddr=",
		"sip:a@b.test;maddr=x_y",
		"sip:a:b;c@b.test",
		"sip:a:b:c@b.test",
		"sip:a@b.test/path",
		"sip:a@b.test>",
		"<sip:a@b.test>",
		"sip:a@b\xc3\xa9.test",
		"sip:\xc3\xa9@b.test",
		"tel:",
		"tel:+",
		"tel:123",
		"1sip:x",
		":x",
		"http:",
		("sip\x1a"
		 "a@b.test"),
		"sip:a@b.test ",
	};
	struct sip_uri u;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parse(ma, bad[i], &u))
			fail_msg("taken: %s", bad[i]);
}

static void hosts(void **state)
{
	char label[80], name[400], canon[SIP_HOST_NAME_MAX + 1];
	struct sip_uri u;
	uint8_t a[16];

	memset(label, 'x', 63);
	label[63] = '\0';
	snprintf(name, sizeof(name), "sip:a@%s.test", label);
	assert_true(parse(ma, name, &u));
	snprintf(name, sizeof(name), "sip:a@x%s.test", label);
	assert_false(parse(ma, name, &u));
	snprintf(name, sizeof(name), "sip:a@%s.%s.%s.%.56s.test", label, label, label, label);
	assert_true(parse(ma, name, &u));
	assert_int_equal(u.host.text.len, 253);
	snprintf(name, sizeof(name), "sip:a@%s.%s.%s.%.57s.test", label, label, label, label);
	assert_false(parse(ma, name, &u));
	assert_true(parse(ma, "sip:a@XN--Bcher-kva.Test.", &u));
	assert_int_equal(sip_host_canon(ma, &u.host, canon), 18);
	assert_string_equal(canon, "xn--bcher-kva.test");
	assert_true(parse(ma, "sip:a@[2001:DB8::192.0.2.1]", &u));
	assert_int_equal(sip_host_address(ma, &u.host, a), 16);
	assert_memory_equal(a, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\xc0\0\x02\x01", 16);
	assert_int_equal(sip_host_canon(ma, &u.host, canon), 0);
	assert_true(parse(ma, "sip:a@10.0.200.7", &u));
	assert_int_equal(sip_host_address(ma, &u.host, a), 4);
	assert_memory_equal(a, "\x0a\x00\xc8\x07", 4);
}

/* section 19.1.4, one rule a line */
static void equality(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} pairs[] = {
		{"sip:%61nn@fabrikam.test;transport=TCP", "SIP:ann@FABRIKAM.test;Transport=tcp", true},
		{"sip:carol@contoso.test", "sip:carol@contoso.test;newparam=5", true},
		{"sip:carol@contoso.test;security=on", "sip:carol@contoso.test;newparam=5", true},
		{"sip:x.test;transport=tcp;method=INVITE?to=sip:y&subject=z",
		 "sip:x.test;method=INVITE;transport=tcp?subject=z&to=sip:y", true},
		{"sip:ann@fabrikam.test?subject=project%20x&priority=urgent",
		 "sip:ann@fabrikam.test?priority=urgent&subject=project%20x", true},
		{"sip:ann@fabrikam.test", "sip:ann@fabrikam.test.", true},
		{"sip:ann@[2001:db8::1]", "sip:ann@[2001:0DB8:0:0::1]", true},
		{"tel:+1-201-555", "tel:+1201.555", true},
		{"tel:+1201;ext=5", "tel:+1201;EXT=5", true},
		/* gr (RFC 5627) is a parameter like others here: in both it decides, in one it does not count
		 */
		{"sip:ann@fabrikam.test;gr=urn:uuid:f81d-4fae", "sip:ann@fabrikam.test;GR=URN:uuid:F81D-4fae",
		 true},
		{"sip:ann@fabrikam.test;gr=kjh29x97", "sip:ann@fabrikam.test", true},
		{"sip:tgruu.7hs==x@fabrikam.test;gr", "sip:tgruu.7hs==x@fabrikam.test;gr", true},
		{"sip:ann@fabrikam.test;gr=kjh29x97", "sip:ann@fabrikam.test;gr=kjh29x98", false},
		{"sip:ann@fabrikam.test;gr=kjh29x97", "sip:ann@fabrikam.test;gr", false},
		{"sip:ann@fabrikam.test;gr=a", "sip:ann@fabrikam.test;%67r=b", false},
		{"sip:ann@fabrikam.test", "sips:ann@fabrikam.test", false},
		{"SIP:ANN@fabrikam.test", "sip:ann@fabrikam.test", false},
		{"sip:ann@fabrikam.test", "sip:ann@fabrikam.test:5060", false},
		{"sip:ann@fabrikam.test", "sip:ann@fabrikam.test;transport=udp", false},
		{"sip:ann@fabrikam.test", "sip:ann@fabrikam.test:6000;transport=tcp", false},
		{"sip:carol@contoso.test", "sip:carol@contoso.test?Subject=next", false},
		{"sip:carol@contoso.test?a=1", "sip:carol@contoso.test?a=2", false},
		{"sip:ann@ph.fabrikam.test", "sip:ann@192.0.2.4", false},
		{"sip:ann@fabrikam.test;security=on", "sip:ann@fabrikam.test;security=off", false},
		{"sip:ann@fabrikam.test;user=phone", "sip:ann@fabrikam.test", false},
		{"sip:ann@fabrikam.test;ttl=1", "sip:ann@fabrikam.test", false},
		{"sip:ann@fabrikam.test;maddr=1.2.3.4", "sip:ann@fabrikam.test", false},
		{"sip:ann@fabrikam.test;method=BYE", "sip:ann@fabrikam.test", false},
		{"sip:fabrikam.test", "sip:ann@fabrikam.test", false},
		{"sip:ann:pw@fabrikam.test", "sip:ann@fabrikam.test", false},
		{"sip:a%3Bb@fabrikam.test", "sip:a;b@fabrikam.test", false},
		{"sip:a%2541@fabrikam.test", "sip:a%41@fabrikam.test", false},
		{"tel:7042;phone-context=a.test", "tel:7042;phone-context=b.test", false},
		{"tel:+1201", "sip:+1201@fabrikam.test", false},
		{"tel:+1201;ext=5", "tel:+1201", false},
		{"tel:+1201", "tel:+1201;ext=5", false},
	};
	struct sip_uri a, b;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		assert_true(parse(ma, pairs[i].a, &a));
		assert_true(parse(mb, pairs[i].b, &b));
		if (sip_uri_equal(ma, &a, mb, &b) != pairs[i].equal ||
		    sip_uri_equal(mb, &b, ma, &a) != pairs[i].equal)
			fail_msg("%s and %s: not %s", pairs[i].a, pairs[i].b,
				 pairs[i].equal ? "equal" : "different");
	}
}

static int setup(void **state)
{
	ma = sip_fixture_msg();
	mb = sip_fixture_msg();
	return 0;
}

static int teardown(void **state)
{
	free(ma);
	free(mb);
	return 0;
}

/* Escapes are taken out, what only looks like one stays, and nothing is written behind `size`. */
static void unescaped(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"", ""},
		{"a", "a"},
		{"%41", "A"},
		{"%4", "%4"},
		{"%", "%"},
		{"%%41", "%A"},
		{"%4g%61b", "%4gab"},
		{"%41%42%43", "ABC"},
		{"x%2", "x%2"},
		{"%25%32%35", "%25"},
		{"%252541", "%2541"},
		{"plain.user", "plain.user"},
		{"%C3%b6", "\xc3\xb6"},
	};
	uint8_t out[32];

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t len = (uint32_t)strlen(rows[i].in), want = (uint32_t)strlen(rows[i].out);

		/* what lies behind the view is none of it */
		char line[64];

		snprintf(line, sizeof(line), "%s41", rows[i].in);
		assert_true(sip_msg_text(ma, sip_kernel_choose(), line, strlen(line)));
		for (uint32_t size = 0; size <= want + 2; size++) {
			memset(out, 0xee, sizeof(out));
			assert_int_equal(sip_uri_unescape(ma, sip_view_of(0, len), out, size),
					 size < want ? -1 : (int)want);
			assert_int_equal(out[size], 0xee);
			if (size >= want)
				assert_memory_equal(out, rows[i].out, want);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(parts), cmocka_unit_test(refused),
					   cmocka_unit_test(hosts), cmocka_unit_test(equality),
					   cmocka_unit_test(unescaped)};

	return cmocka_run_group_tests(tests, setup, teardown);
}
