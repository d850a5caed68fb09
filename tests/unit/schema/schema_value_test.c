/* SPDX-License-Identifier: BSD-3-Clause */
/* Every type: what it accepts and what it makes of it, and what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config/schema/schema_value.h"

struct row {
	enum schema_type type;
	const char *in, *out; /* out NULL: refused */
	uint64_t min, max;
	const char *choices;
};

#define LABEL63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX64	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const struct row rows[] = {
	{SCHEMA_BOOL, "yes", "yes", 0, 0, NULL},
	{SCHEMA_BOOL, "$True", "yes", 0, 0, NULL},
	{SCHEMA_BOOL, "OFF", "no", 0, 0, NULL},
	{SCHEMA_BOOL, "maybe", NULL, 0, 0, NULL},
	{SCHEMA_UINT, "007", "7", 1, 9, NULL},
	{SCHEMA_UINT, "10", NULL, 1, 9, NULL},
	{SCHEMA_UINT, "0", NULL, 1, 9, NULL},
	{SCHEMA_UINT, "-1", NULL, 0, 9, NULL},
	{SCHEMA_UINT, "+1", NULL, 0, 9, NULL},
	{SCHEMA_UINT, "1x", NULL, 0, 9, NULL},
	{SCHEMA_UINT, "", NULL, 0, 9, NULL},
	{SCHEMA_UINT, "99999999999999999999999", NULL, 0, UINT64_MAX, NULL},
	{SCHEMA_UINT, "18446744073709551615", "18446744073709551615", 0, UINT64_MAX, NULL},
	{SCHEMA_DURATION, "90", "90s", 0, 1000, NULL},
	{SCHEMA_DURATION, "60", "1m", 0, 1000, NULL},
	{SCHEMA_DURATION, "48h", "2d", 0, 864000, NULL},
	{SCHEMA_DURATION, "0", "0s", 0, 10, NULL},
	{SCHEMA_DURATION, "1001", NULL, 0, 1000, NULL},
	{SCHEMA_DURATION, "5ms", NULL, 0, 1000, NULL},
	{SCHEMA_DURATION, "1h30m", NULL, 0, 100000, NULL},
	{SCHEMA_DURATION, "99999999999999999999d", NULL, 0, UINT64_MAX, NULL},
	{SCHEMA_ENUM, "al", "allow", 0, 0, "allow|block"},
	{SCHEMA_ENUM, "BLOCK", "block", 0, 0, "allow|block"},
	{SCHEMA_ENUM, "x", NULL, 0, 0, "allow|block"},
	{SCHEMA_ENUM, "", NULL, 0, 0, "allow|block"},
	{SCHEMA_ENUM, "c", NULL, 0, 0, "crl|crl-required|chain"},
	{SCHEMA_ENUM, "crl", "crl", 0, 0, "crl-required|crl"},
	{SCHEMA_ENUM, "AlwaysVerifiable", "always", 0, 0, "always|never|source"},
	{SCHEMA_ENUM, "UseSourceVerification", "source", 0, 0, "always|never|source"},
	{SCHEMA_TEXT, "two words \"q\"", "two words \"q\"", 0, 0, NULL},
	{SCHEMA_TEXT, "", NULL, 0, 0, NULL},
	{SCHEMA_TEXT, "a\nb", NULL, 0, 0, NULL},
	{SCHEMA_NAME, "main-1.x", "main-1.x", 0, 0, NULL},
	{SCHEMA_NAME, "-x", NULL, 0, 0, NULL},
	{SCHEMA_NAME, "a b", NULL, 0, 0, NULL},
	{SCHEMA_DOMAIN, "Contoso.COM.", "contoso.com", 0, 0, NULL},
	{SCHEMA_DOMAIN, "xn--mnchen-3ya.de", "xn--mnchen-3ya.de", 0, 0, NULL},
	{SCHEMA_DOMAIN, "a..b", NULL, 0, 0, NULL},
	{SCHEMA_DOMAIN, ".a", NULL, 0, 0, NULL},
	{SCHEMA_DOMAIN, ".", NULL, 0, 0, NULL},
	{SCHEMA_DOMAIN, "-a.b", NULL, 0, 0, NULL},
	{SCHEMA_DOMAIN, "a-.b", NULL, 0, 0, NULL},
	{SCHEMA_DOMAIN, "a.b-", NULL, 0, 0, NULL},
	{SCHEMA_DOMAIN, "a_b.c", NULL, 0, 0, NULL},
	{SCHEMA_DOMAIN, "192.0.2.1", NULL, 0, 0, NULL},
	{SCHEMA_DOMAIN, "2001:db8::1", NULL, 0, 0, NULL},
	{SCHEMA_DOMAIN, "1.2.3.4.5", NULL, 0, 0, NULL},
	{SCHEMA_DOMAIN, "*.contoso.com", NULL, 0, 0, NULL},
	{SCHEMA_DOMAIN, "m\xc3\xbcnchen.de", NULL, 0, 0, NULL},
	{SCHEMA_DOMAIN, LABEL63 ".de", LABEL63 ".de", 0, 0, NULL},
	{SCHEMA_DOMAIN, LABEL63 "a.de", NULL, 0, 0, NULL},
	{SCHEMA_DOMAIN, LABEL63 "." LABEL63 "." LABEL63 "." LABEL63, NULL, 0, 0, NULL},
	{SCHEMA_SUBTREE, "*.Contoso.com", "*.contoso.com", 0, 0, NULL},
	{SCHEMA_SUBTREE, "a.*.com", NULL, 0, 0, NULL},
	{SCHEMA_SUBTREE, "*", NULL, 0, 0, NULL},
	{SCHEMA_SUBTREE, "*.", NULL, 0, 0, NULL},
	{SCHEMA_FQDN, "sip.contoso.com", "sip.contoso.com", 0, 0, NULL},
	{SCHEMA_FQDN, "sip", NULL, 0, 0, NULL},
	{SCHEMA_HOST, "2001:DB8::1", "2001:db8::1", 0, 0, NULL},
	{SCHEMA_HOST, "pool", "pool", 0, 0, NULL},
	{SCHEMA_TARGET, "edge.b.test", "edge.b.test:5061", 5061, 0, NULL},
	{SCHEMA_TARGET, "edge.b.test:5070", "edge.b.test:5070", 5061, 0, NULL},
	{SCHEMA_TARGET, "[2001:db8::1]", "[2001:db8::1]:5061", 5061, 0, NULL},
	{SCHEMA_TARGET, "2001:db8::1", "[2001:db8::1]:5061", 5061, 0, NULL},
	{SCHEMA_TARGET, "[::ffff:127.0.0.1]:5070", "127.0.0.1:5070", 5061, 0, NULL},
	{SCHEMA_ENDPOINT, "[::FFFF:c612:1]", "198.18.0.1:9105", 9105, 0, NULL},
	{SCHEMA_ADDRESS, "::ffff:198.18.0.1", "198.18.0.1", 0, 0, NULL},
	{SCHEMA_ADDRESS, "::198.18.0.1", "::198.18.0.1", 0, 0, NULL},
	{SCHEMA_TARGET, "[2001:db8::1]:1", "[2001:db8::1]:1", 5061, 0, NULL},
	{SCHEMA_TARGET, "[2001:db8::1", NULL, 5061, 0, NULL},
	{SCHEMA_TARGET, "a.b:0", NULL, 5061, 0, NULL},
	{SCHEMA_TARGET, "a.b:65536", NULL, 5061, 0, NULL},
	{SCHEMA_ADDRESS, "198.18.1.1", "198.18.1.1", 0, 0, NULL},
	{SCHEMA_ADDRESS, "198.18.1", NULL, 0, 0, NULL},
	{SCHEMA_PREFIX, "198.18.1.2/24", "198.18.1.2/24", 0, 0, NULL},
	{SCHEMA_PREFIX, "198.18.1.2/33", NULL, 0, 0, NULL},
	{SCHEMA_PREFIX, "198.18.1.2", NULL, 0, 0, NULL},
	{SCHEMA_PREFIX, "2001:DB8:0::1/64", "2001:db8::1/64", 0, 0, NULL},
	{SCHEMA_PREFIX, "2001:db8::1/129", NULL, 0, 0, NULL},
	{SCHEMA_ENDPOINT, "198.18.1.2", "198.18.1.2:5061", 5061, 0, NULL},
	{SCHEMA_ENDPOINT, "host.test", NULL, 5061, 0, NULL},
	{SCHEMA_PATH, "/etc/x.pem", "/etc/x.pem", 0, 0, NULL},
	{SCHEMA_PATH, "x.pem", NULL, 0, 0, NULL},
	{SCHEMA_USER, "sip:Alice@A.Test", "alice@a.test", 0, 0, NULL},
	{SCHEMA_USER, "alice", NULL, 0, 0, NULL},
	{SCHEMA_USER, "@a.test", NULL, 0, 0, NULL},
	{SCHEMA_SCOPE, "Global", "global", 0, 0, NULL},
	{SCHEMA_SCOPE, "domain/A.test", "domain/a.test", 0, 0, NULL},
	{SCHEMA_SCOPE, "site/north", "site/north", 0, 0, NULL},
	{SCHEMA_SCOPE, "user/Bob@a.test", "user/bob@a.test", 0, 0, NULL},
	{SCHEMA_SCOPE, "tag/x", NULL, 0, 0, NULL},
	{SCHEMA_PATTERN, ".com.domaina.*", "*.domaina.com", 0, 0, NULL},
	{SCHEMA_PATTERN, ".com.domaina", "domaina.com", 0, 0, NULL},
	{SCHEMA_PATTERN, ".com.domaina.sip", "sip.domaina.com", 0, 0, NULL},
	{SCHEMA_PATTERN, ".*", "*", 0, 0, NULL},
	{SCHEMA_PATTERN, "*.domaina.com", "*.domaina.com", 0, 0, NULL},
	{SCHEMA_PATTERN, ".com.\\*", NULL, 0, 0, NULL},
	{SCHEMA_PATTERN, "..com", NULL, 0, 0, NULL},
	{SCHEMA_PATTERN, ".", NULL, 0, 0, NULL},
	{SCHEMA_SPKI, "SHA256:" HEX64, "sha256:" HEX64, 0, 0, NULL},
	{SCHEMA_SPKI, "sha256:00", NULL, 0, 0, NULL},
	{SCHEMA_MAC, "02:0:0:0:0:A", "02:00:00:00:00:0a", 0, 0, NULL},
	{SCHEMA_MAC, "01:00:00:00:00:00", NULL, 0, 0, NULL},
	{SCHEMA_CPUS, "3,0-1,2", "0-3", 0, 0, NULL},
	{SCHEMA_CPUS, "0,2", "0,2", 0, 0, NULL},
	{SCHEMA_CPUS, "2-1", NULL, 0, 0, NULL},
	{SCHEMA_CPUS, "0,", NULL, 0, 0, NULL},
	{SCHEMA_FAULT, "drop=0.01,delay=5ms,seed=7", "drop=0.01,delay=5ms,seed=7", 0, 0, NULL},
	{SCHEMA_FAULT, "drop=2", NULL, 0, 0, NULL},
	{SCHEMA_FAULT, "melt=1", NULL, 0, 0, NULL},
	{SCHEMA_FAULT, "drop=0.1,", NULL, 0, 0, NULL},
	{SCHEMA_URL, "http://crl.contoso.test/root.crl", "http://crl.contoso.test/root.crl", 0, 0, NULL},
	{SCHEMA_URL, "HTTP://[2001:db8::1]:8080/", "HTTP://[2001:db8::1]:8080/", 0, 0, NULL},
	{SCHEMA_URL, "https://crl.contoso.test/root.crl", NULL, 0, 0, NULL},
	{SCHEMA_URL, "ldap://crl.contoso.test/x", NULL, 0, 0, NULL},
	{SCHEMA_URL, "http://user@contoso.test/x", NULL, 0, 0, NULL},
	{SCHEMA_URL, "http://contoso.test/a b", NULL, 0, 0, NULL},
	{SCHEMA_URL, "http:///x", NULL, 0, 0, NULL},
};

static void types(void **state)
{
	bool seen[SCHEMA_TYPES] = {[SCHEMA_FLAG] = true};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		const struct schema_field f = {
			.name = "f", .type = r->type, .min = r->min, .max = r->max, .choices = r->choices};
		char out[SCHEMA_VALUE_MAX], again[SCHEMA_VALUE_MAX], why[SCHEMA_WHY_MAX] = "";
		int rc = schema_value_canon(&f, r->in, out, why, NULL);

		if (!r->out) {
			if (!rc)
				fail_msg("type %d accepts '%s' as '%s'", r->type, r->in, out);
			assert_true(strlen(why) > 5);
			continue;
		}
		if (rc)
			fail_msg("type %d refuses '%s': %s", r->type, r->in, why);
		assert_string_equal(out, r->out);
		/* canonical stays canonical */
		assert_int_equal(schema_value_canon(&f, out, again, why, NULL), 0);
		assert_string_equal(again, out);
		seen[r->type] = true;
	}
	for (int t = 0; t < SCHEMA_TYPES; t++)
		if (!seen[t])
			fail_msg("type %d has no accepted row", t);
}

static int idn_stub(const char *in, char *out, size_t cap)
{
	if (strcmp(in, "m\xc3\xbcnchen.de"))
		return -1;
	snprintf(out, cap, "xn--mnchen-3ya.de");
	return 0;
}

static void idn(void **state)
{
	char out[SCHEMA_VALUE_MAX], why[SCHEMA_WHY_MAX];

	assert_int_equal(schema_domain_canon("m\xc3\xbcnchen.de", out, sizeof(out), why, idn_stub), 0);
	assert_string_equal(out, "xn--mnchen-3ya.de");
	assert_int_not_equal(schema_domain_canon("\xff.de", out, sizeof(out), why, idn_stub), 0);
}

static void numbers(void **state)
{
	assert_int_equal(schema_value_number("2d"), 172800);
	assert_int_equal(schema_value_number("90s"), 90);
	assert_int_equal(schema_value_number("7"), 7);
	assert_int_equal(schema_value_number("yes"), 1);
	assert_int_equal(schema_value_number("no"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(types), cmocka_unit_test(idn),
					   cmocka_unit_test(numbers)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
