/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "tests/unit/policy/row.h"

static void test_check(void **state)
{
	static const struct {
		const char *name;
		enum policy_name_error error;
	} rows[] = {
		{"contoso.com", POLICY_NAME_OK},
		{"a.b.c.d.e.f.example", POLICY_NAME_OK},
		{"xn--mnchen-3ya.example", POLICY_NAME_OK},
		{"localhost", POLICY_NAME_OK},
		{"3com.com", POLICY_NAME_OK},
		{"a-b.com", POLICY_NAME_OK},
		{"", POLICY_NAME_EMPTY},
		{".", POLICY_NAME_LABEL_EMPTY},
		{"contoso.com.", POLICY_NAME_LABEL_EMPTY},
		{".contoso.com", POLICY_NAME_LABEL_EMPTY},
		{"a..b", POLICY_NAME_LABEL_EMPTY},
		{"-a.com", POLICY_NAME_LABEL_HYPHEN},
		{"a-.com", POLICY_NAME_LABEL_HYPHEN},
		{"Contoso.com", POLICY_NAME_CASE},
		{"con_toso.com", POLICY_NAME_CHAR},
		{"m\xc3\xbcnchen.example", POLICY_NAME_CHAR},
		{"contoso.com ", POLICY_NAME_CHAR},
		{"a@contoso.com", POLICY_NAME_CHAR},
		{"*.contoso.com", POLICY_NAME_PATTERN},
		{"192.0.2.1", POLICY_NAME_ADDRESS},
		{"127.1", POLICY_NAME_ADDRESS},
		{"0x7f000001", POLICY_NAME_ADDRESS},
		{"1.2.3.0x4", POLICY_NAME_ADDRESS},
		{"2130706433", POLICY_NAME_ADDRESS},
		{"[2001:db8::1]", POLICY_NAME_ADDRESS},
		{"2001:db8::1", POLICY_NAME_ADDRESS},
		{"contoso.com:5061", POLICY_NAME_ADDRESS},
	};
	char name[300];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum policy_name_error got = policy_name_check(policy_name_of(rows[i].name));

		if (got != rows[i].error)
			fail_msg("'%s': %s", rows[i].name, policy_name_error_text(got));
	}
	assert_int_equal(policy_name_check((struct policy_name){"a\0b.com", 7}), POLICY_NAME_CHAR);
	/* labels of 63, names of 253 */
	memset(name, 'a', sizeof(name));
	assert_int_equal(policy_name_check((struct policy_name){name, 63}), POLICY_NAME_OK);
	assert_int_equal(policy_name_check((struct policy_name){name, 64}), POLICY_NAME_LABEL_LONG);
	for (unsigned i = 1; i < sizeof(name); i += 2)
		name[i] = '.';
	assert_int_equal(policy_name_check((struct policy_name){name, 253}), POLICY_NAME_OK);
	assert_int_equal(policy_name_check((struct policy_name){name, 255}), POLICY_NAME_LONG);
}

static void test_pattern(void **state)
{
	static const struct {
		const char *text;
		enum policy_name_error error;
		const char *name;
		bool subtree, any;
	} rows[] = {
		{"contoso.com", POLICY_NAME_OK, "contoso.com", false, false},
		{"*.contoso.com", POLICY_NAME_OK, "contoso.com", true, false},
		{".com.contoso", POLICY_NAME_OK, "contoso.com", false, false},
		{".com.contoso.*", POLICY_NAME_OK, "contoso.com", true, false},
		{".com.contoso.sip", POLICY_NAME_OK, "sip.contoso.com", false, false},
		{".com.*", POLICY_NAME_OK, "com", true, false},
		{"*.com", POLICY_NAME_OK, "com", true, false},
		{".*", POLICY_NAME_OK, "", false, true},
		{".com\\.contoso.*", POLICY_NAME_OK, "contoso.com", true, false},
		{"*", POLICY_NAME_PATTERN, "", false, false},
		{"*.", POLICY_NAME_EMPTY, "", false, false},
		{"a.*.com", POLICY_NAME_PATTERN, "", false, false},
		{"con*.com", POLICY_NAME_PATTERN, "", false, false},
		{".com.con*", POLICY_NAME_PATTERN, "", false, false},
		{".com.*.contoso", POLICY_NAME_PATTERN, "", false, false},
		{"*.*.com", POLICY_NAME_PATTERN, "", false, false},
		{".com.contoso.\\*", POLICY_NAME_STAR, "", false, false},
		{"\\*.contoso.com", POLICY_NAME_STAR, "", false, false},
		{".com.con\\toso", POLICY_NAME_CHAR, "", false, false},
		{".com.contoso\\", POLICY_NAME_CHAR, "", false, false},
		{".", POLICY_NAME_LABEL_EMPTY, "", false, false},
		{"..com", POLICY_NAME_LABEL_EMPTY, "", false, false},
		{".com..*", POLICY_NAME_LABEL_EMPTY, "", false, false},
		{".com.", POLICY_NAME_LABEL_EMPTY, "", false, false},
		{"", POLICY_NAME_EMPTY, "", false, false},
		{".1.2.0.192", POLICY_NAME_ADDRESS, "", false, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct policy_pattern p;
		enum policy_name_error got = policy_pattern_read(policy_name_of(rows[i].text), &p);

		if (got != rows[i].error)
			fail_msg("'%s': %s", rows[i].text, policy_name_error_text(got));
		if (got)
			continue;
		assert_string_equal(p.name, rows[i].name);
		assert_int_equal(p.len, strlen(rows[i].name));
		assert_int_equal(p.subtree, rows[i].subtree);
		assert_int_equal(p.any, rows[i].any);
	}
}

static void test_relations(void **state)
{
#define N(text) policy_name_of(text)
	assert_true(policy_name_below(N("contoso.com"), N("contoso.com")));
	assert_true(policy_name_below(N("a.contoso.com"), N("contoso.com")));
	assert_false(policy_name_below(N("acontoso.com"), N("contoso.com")));
	assert_false(policy_name_below(N("com"), N("contoso.com")));
	assert_true(policy_name_equal(policy_name_parent(N("sip.contoso.com")), N("contoso.com")));
	assert_int_equal(policy_name_parent(N("com")).len, 0);
	assert_int_equal(policy_name_parent(N("")).len, 0);
	assert_int_equal(policy_name_labels(N("a.b.c")), 3);
	assert_int_equal(policy_name_labels(N("")), 0);
	/* certificates: RFC 5922 section 7.2 exact, RFC 6125 section 6.4.3 when opted in */
	assert_true(policy_name_presented(N("a.b.c"), N("a.b.c"), false));
	assert_false(policy_name_presented(N("*.b.c"), N("a.b.c"), false));
	assert_true(policy_name_presented(N("*.b.c"), N("a.b.c"), true));
	assert_false(policy_name_presented(N("*.b.c"), N("x.a.b.c"), true));
	assert_false(policy_name_presented(N("*.b.c"), N("b.c"), true));
	assert_false(policy_name_presented(N("*.com"), N("contoso.com"), true));
	assert_false(policy_name_presented(N("*"), N("com"), true));
	assert_false(policy_name_presented(N("*."), N("com"), true));
	assert_false(policy_name_presented(N("*a.b.c"), N("xa.b.c"), true));
	assert_false(policy_name_presented(N(""), N(""), true));
	assert_false(policy_name_presented(N("b.c"), N("a.b.c"), true));
}

/* a record that lies about itself yields nothing, and is not read past its end */
static void test_damaged_records(void **state)
{
	struct policy_partner p = {.size = sizeof(p),
				   .proxy_fqdn = {40000, 10},
				   .peer_names = 60000,
				   .peer_name_at = 60000,
				   .pins = 65535,
				   .pin_at = 65535};
	struct policy_route_set r = {.size = sizeof(r), .hops = 65535, .hop_at = 65535};
	struct policy_dns d = {
		.targets = 255,
		.target = {{.name_off = 65535, .name_len = 255, .addr_first = 255, .addr_count = 255},
			   {.name_off = 590, .name_len = 255}}};
	struct policy_hop hop;

	assert_int_equal(policy_str_get(&p, p.size, p.proxy_fqdn).len, 0);
	assert_int_equal(policy_str_get(&p, p.size, (struct policy_str){0, 65535}).len, 0);
	assert_int_equal(policy_partner_peer_name(&p, 0).len, 0);
	assert_int_equal(policy_partner_peer_name(&p, 59999).len, 0);
	assert_null(policy_partner_pin(&p, 0));
	assert_false(policy_route_hop(&r, 0, &hop));
	assert_int_equal(policy_dns_count(&d), POLICY_DNS_TARGETS);
	assert_int_equal(policy_dns_target_name(&d, 0).len, 0);
	assert_int_equal(policy_dns_target_name(&d, 1).len, 0);
	assert_null(policy_dns_target_addr(&d, 0, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_pattern),
		cmocka_unit_test(test_relations),
		cmocka_unit_test(test_damaged_records),
	};

	return cmocka_run_group_tests_name("policy name", tests, NULL, NULL);
}
