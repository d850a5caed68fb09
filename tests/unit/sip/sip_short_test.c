/* SPDX-License-Identifier: BSD-3-Clause */
/* The parsers know the usual spelling of the usual values at sight and read all else by the general rule.
 * Both ways must judge alike: here each text is read as it is and in a spelling that only the general rule
 * knows. */
#include "tests/unit/sip/sip_fixture.h"

#include <stdio.h>

#include "dataplane/base/rng.h"

static struct sip_msg *m;
static char text[8192];
static struct base_rng rng;

static bool given(const char *name, const char *value)
{
	const struct sip_limits lim = SIP_LIMITS_DEFAULT;
	int n = snprintf(text, sizeof(text), "OPTIONS sip:b@contoso.test SIP/2.0\r\n%s: %s\r\n\r\n", name,
			 value);

	return sip_msg_index(m, sip_kernel_choose(), &lim, (uint8_t *)text, (uint32_t)n) == SIP_REASON_OK;
}

/* RFC 3261 section 25.1, IPv4address: the judge that counts octet by octet is the reference */
static void quads(void **state)
{
	static const char set[] = "0123456789012345.2512..-aBpr";
	const unsigned rounds = 300000;
	unsigned good = 0;

	for (unsigned i = 0; i < rounds; i++) {
		struct sip_host host;
		char p[20];
		unsigned n = 0, len = 5 + base_rng_below(&rng, 12);
		bool want;

		if (i % 3 == 0)
			n = (unsigned)snprintf(p, sizeof(p), "%u.%u.%u.%u", base_rng_below(&rng, 300),
					       base_rng_below(&rng, 260), base_rng_below(&rng, 300),
					       base_rng_below(&rng, 270));
		else
			while (n < len)
				p[n++] = set[base_rng_below(&rng, sizeof(set) - 1)];
		if (i % 5 == 0)
			p[base_rng_below(&rng, n)] = set[base_rng_below(&rng, sizeof(set) - 1)];
		p[n - 1] = (char)('0' + base_rng_below(&rng, 10));
		p[n] = '\0';
		want = sip_ip4_parse((const uint8_t *)p, n, NULL) == n;
		/* behind it is enough text for the short way */
		assert_true(given("X", strcat(strcpy(text + 4096, p), " text behind the address")));
		/* the last label may begin with a letter: a name then, never an address */
		if ((sip_host_parse(m, m->header[0].value, m->header[0].value_end, &host) ==
			     m->header[0].value + n &&
		     host.kind == SIP_HOST_IP4) != want)
			fail_msg("'%s' should be %s", p, want ? "an address" : "none");
		good += want;
	}
	assert_true(good > rounds / 20);
}

/* RFC 5954 and RFC 4291 section 2.2, the same way: the judge that counts group by group is the reference */
static void ip6(void **state)
{
	static const char set[] = "0123456789abcdefABCDEF::::::::gG.-%/@`";
	const unsigned rounds = 300000;
	unsigned good = 0;

	for (unsigned i = 0; i < rounds; i++) {
		char p[64], value[200];
		struct sip_host host;
		unsigned n = 0, groups = 1 + base_rng_below(&rng, 9), len = base_rng_below(&rng, 42);
		uint32_t end;
		bool want;

		if (i % 4 == 0)
			while (n < len)
				p[n++] = set[base_rng_below(&rng, sizeof(set) - 1)];
		else
			for (unsigned g = 0; g < groups; g++)
				n += (unsigned)snprintf(p + n, sizeof(p) - n, "%s%s%.*x", g ? ":" : "",
							base_rng_below(&rng, 5) ? "" : ":",
							(int)base_rng_below(&rng, 5),
							base_rng_below(&rng, 65536 + 300));
		if (n && base_rng_below(&rng, 6) == 0)
			p[base_rng_below(&rng, n)] = set[base_rng_below(&rng, sizeof(set) - 1)];
		p[n] = '\0';
		want = n && sip_ip6_parse((const uint8_t *)p, n, NULL) == n;
		snprintf(value, sizeof(value), "[%s] and more text behind the address, enough of it", p);
		assert_true(given("X", value));
		end = sip_host_parse(m, m->header[0].value, m->header[0].value_end, &host);
		if ((end == m->header[0].value + n + 2) != want || (end != 0) != want)
			fail_msg("'%s' should be %s", p, want ? "an address" : "none");
		good += want;
	}
	assert_true(good > rounds / 20);
}

static void same(struct sip_view a, const char *before, struct sip_view b)
{
	if (a.len != b.len || memcmp(before + a.off, m->buf + b.off, a.len) != 0)
		fail_msg("'%.*s' became '%.*s'", (int)a.len, before + a.off, (int)b.len,
			 (const char *)m->buf + b.off);
}

static const char *const values[] = {"",	 "x",	  "z9hG4bK1", "192.0.2.7",  "\"q\"", "5061",
				     "0",	 "[::1]", "a b",      "tls",	    "1,2",   "::1",
				     "99999999", "\xff",  "=",	      "192.0.2.700"};

/* spelled with white space at the '=' (EQUAL has LWS): only the general rule takes that */
static void params(const char *field, const char *head, const char *const *names, unsigned n_names)
{
	static char before[sizeof(text)];

	for (unsigned i = 0; i < 60000; i++) {
		char tight[512], loose[512];
		unsigned n = 1 + base_rng_below(&rng, 3), t = 0, l = 0;
		struct sip_via v[2];
		struct sip_nameaddr na[2];
		int r[2];

		t = (unsigned)snprintf(tight, sizeof(tight), "%s", head);
		l = (unsigned)snprintf(loose, sizeof(loose), "%s", head);
		for (unsigned k = 0; k < n; k++) {
			const char *name = names[base_rng_below(&rng, n_names)];
			const char *value = values[base_rng_below(&rng, sizeof(values) / sizeof(values[0]))];

			t += (unsigned)snprintf(tight + t, sizeof(tight) - t, ";%s=%s", name, value);
			l += (unsigned)snprintf(loose + l, sizeof(loose) - l, ";%s =%s", name, value);
		}
		for (unsigned k = 0; k < 2; k++) {
			struct sip_iter it;

			assert_true(given(field, k ? loose : tight));
			it = sip_iter_start(m, m->header[0].id);
			if (m->header[0].id == SIP_HDR_VIA)
				r[k] = sip_via_next(m, &it, &v[k]);
			else
				r[k] = sip_nameaddr_next(m, m->header[0].id, &it, &na[k]);
			if (k == 0)
				memcpy(before, text, sizeof(before));
		}
		if (r[0] != r[1])
			fail_msg("%s: %s: verdict %d, with white space %d", field, tight, r[0], r[1]);
		if (r[0] <= 0)
			continue;
		if (m->header[0].id == SIP_HDR_VIA) {
			assert_int_equal(v[0].flags, v[1].flags);
			assert_int_equal(v[0].rport, v[1].rport);
			same(v[0].branch, before, v[1].branch);
			same(v[0].received, before, v[1].received);
			same(v[0].maddr, before, v[1].maddr);
		} else {
			assert_int_equal(na[0].flags, na[1].flags);
			same(na[0].tag, before, na[1].tag);
		}
	}
}

static void via_params(void **state)
{
	static const char *const names[] = {"branch", "Branch",	 "received", "RECEIVED",
					    "rport",  "branchx", "receive",  "receivedx",
					    "rpor",   "maddr",	 "x",	     "alias"};

	params("Via", "SIP/2.0/TLS a.test:5061", names, sizeof(names) / sizeof(names[0]));
}

static void address_params(void **state)
{
	static const char *const names[] = {"tag", "TAG", "ta", "tagx", "expires", "q", "x"};

	params("From", "<sip:a@fabrikam.test>", names, sizeof(names) / sizeof(names[0]));
}

/* a name with an escape is the same name (RFC 3261 section 19.1.4), and only the general rule reads it */
static void uri_params(void **state)
{
	static const char *const names[][2] = {{"transport", "%74ransport"},
					       {"TRANSPORT", "%54RANSPORT"},
					       {"transpor", "%74ranspor"},
					       {"transportx", "%74ransportx"},
					       {"lr", "%6cr"},
					       {"maddr", "m%61ddr"}};

	for (unsigned i = 0; i < 60000; i++) {
		char pair[2][512] = {"sip:a@fabrikam.test", "sip:a@fabrikam.test"};
		unsigned n = 1 + base_rng_below(&rng, 3);
		struct sip_uri u[2];
		uint32_t end[2];

		for (unsigned k = 0; k < n; k++) {
			const char *const *name =
				names[base_rng_below(&rng, sizeof(names) / sizeof(names[0]))];
			const char *value = values[base_rng_below(&rng, sizeof(values) / sizeof(values[0]))];
			const char *equals = base_rng_below(&rng, 6) ? "=" : "";

			for (unsigned s = 0; s < 2; s++)
				snprintf(pair[s] + strlen(pair[s]), sizeof(pair[s]) - strlen(pair[s]),
					 ";%s%s%s", name[s], equals, *equals ? value : "");
		}
		for (unsigned s = 0; s < 2; s++) {
			char line[600];

			snprintf(line, sizeof(line), "<%s>", pair[s]);
			assert_true(given("Contact", line));
			end[s] = sip_uri_parse(m, m->header[0].value + 1, m->header[0].value_end,
					       SIP_URI_IN_BRACKETS, &u[s]);
		}
		if ((end[0] != 0) != (end[1] != 0))
			fail_msg("%s: %s, escaped: %s", pair[0], end[0] ? "taken" : "refused",
				 end[1] ? "taken" : "refused");
		if (end[0] == 0)
			continue;
		assert_int_equal(u[0].flags, u[1].flags & ~SIP_URI_ESCAPED);
		assert_int_equal(u[0].transport, u[1].transport);
	}
}

/* whole URIs of all kinds of pieces: as name-addr reads them and as sip_uri_parse() does */
static void uris(void **state)
{
	static const char *const scheme[] = {
		"sip:", "sips:", "SIP:", "SipS:", "sip", "tel:", "sipx:", "sip\x1a"};
	static const char *const user[] = {"",	   "a@",  "a.b-c_d@", "+12;x=y@", "a:5061@", "a:pw;x@", "@",
					   "%61@", "a%@", "a?b@",     "a:@",	  "h:1:2@",  "a b@"};
	static const char *const host[] = {"fabrikam.test",
					   "a.fabrikam.test.",
					   "192.0.2.1",
					   "192.0.2.256",
					   "[2001:db8::1]",
					   "[::",
					   "a",
					   "",
					   "a..test",
					   "a_b.test",
					   "1.2.3",
					   "fabrikam.test,x"};
	static const char *const port[] = {"",	     "",       ":5061",	    ":0", ":",
					   ":65535", ":65536", ":00005061", ":x", ":123456789"};
	static const char *const param[] = {";lr",
					    ";LR=on",
					    ";transport=tls",
					    ";transport=TCP",
					    ";transport=x",
					    ";transport",
					    ";transport=tlsx",
					    ";lrx",
					    ";opaque=state:F:Ci.R5",
					    ";x",
					    ";",
					    ";=",
					    ";x=",
					    ";maddr=a.test",
					    ";user=phone",
					    ";gr",
					    ";%6cr",
					    ";x=%41",
					    ";x=\"",
					    ";lr ",
					    "?a=b",
					    "#",
					    ">",
					    " "};
	unsigned taken = 0, rounds = 300000;

	for (unsigned i = 0; i < rounds; i++) {
		char line[700];
		unsigned n = base_rng_below(&rng, 4);
		struct sip_nameaddr na;
		struct sip_uri u;
		uint32_t start, end, want;
		struct sip_iter it;
		bool got;

#define ANY(list) (list)[base_rng_below(&rng, sizeof(list) / sizeof((list)[0]))]
		/* mostly usual: else few would be right as a whole */
		snprintf(line, sizeof(line), "<%s%s%s%s", base_rng_below(&rng, 4) ? "sip:" : ANY(scheme),
			 base_rng_below(&rng, 3) ? user[base_rng_below(&rng, 3)] : ANY(user),
			 base_rng_below(&rng, 3) ? "fabrikam.test" : ANY(host), ANY(port));
		while (n--)
			strcat(line, base_rng_below(&rng, 3) ? param[base_rng_below(&rng, 4)] : ANY(param));
		strcat(line, base_rng_below(&rng, 20) ? ">" : "");
#undef ANY
		if (!given("Route", line))
			continue;
		start = m->header[0].value;
		end = m->header[0].value_end;
		memset(&u, 0, sizeof(u));
		memset(&na, 0, sizeof(na));
		want = sip_uri_parse(m, start + 1, end, SIP_URI_IN_BRACKETS, &u);
		it = sip_iter_start(m, SIP_HDR_ROUTE);
		got = sip_nameaddr_next(m, SIP_HDR_ROUTE, &it, &na) > 0;
		/* what follows behind the '>' is another matter */
		if (want == 0
			    ? got
			    : got != (want + 1 == end) && m->buf[want + 1] != ',' && m->buf[want + 1] != ';')
			fail_msg("%s: %d, by the general rule %u", line, got, want);
		if (!got)
			continue;
		taken++;
		assert_memory_equal(&na.uri.all, &u.all, sizeof(u.all));
		assert_memory_equal(&na.uri.user, &u.user, sizeof(u.user));
		assert_memory_equal(&na.uri.password, &u.password, sizeof(u.user));
		assert_memory_equal(&na.uri.host.text, &u.host.text, sizeof(u.user));
		assert_int_equal(na.uri.host.kind, u.host.kind);
		assert_memory_equal(&na.uri.params, &u.params, sizeof(u.params));
		assert_memory_equal(&na.uri.headers, &u.headers, sizeof(u.params));
		assert_int_equal(na.uri.port, u.port);
		assert_int_equal(na.uri.flags, u.flags);
		assert_int_equal(na.uri.scheme, u.scheme);
		assert_int_equal(na.uri.transport, u.transport);
	}
	assert_true(taken > rounds / 20);
}

static int setup(void **state)
{
	m = sip_fixture_msg();
	base_rng_seed(&rng, 3261);
	return 0;
}

static int teardown(void **state)
{
	free(m);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(quads),	     cmocka_unit_test(ip6),
					   cmocka_unit_test(uris),	     cmocka_unit_test(via_params),
					   cmocka_unit_test(address_params), cmocka_unit_test(uri_params)};

	return cmocka_run_group_tests(tests, setup, teardown);
}
