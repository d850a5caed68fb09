/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/sip/sip_fixture.h"
#include "tests/unit/sip/sip_torture.h"

/* Frames and validates as a proxy does: the first verdict that is not OK. */
static enum sip_reason judge(struct sip_msg *m, const struct sip_kernel *k, const uint8_t *buf, size_t len)
{
	const struct sip_limits lim = SIP_LIMITS_DEFAULT;
	struct sip_frame f = {0};
	struct sip_frame_result r = sip_frame_next(&f, m, k, &lim, buf, len);
	struct sip_core core;

	if (r.what == SIP_FRAME_BAD)
		return r.reason;
	assert_int_equal(r.what, SIP_FRAME_MESSAGE);
	return sip_validate(m, NULL, &core);
}

static void torture(void **state)
{
	struct sip_msg *m = sip_fixture_msg();
	char bytes[8192];
	unsigned wrong = 0;

	for (size_t i = 0; i < sip_torture_n; i++) {
		const struct sip_torture *t = &sip_torture_set[i];
		size_t len = sip_torture_bytes(t, bytes, sizeof(bytes));
		uint8_t *exact = sip_fixture_copy(bytes, len);

		for (unsigned k = 0; k < sip_kernels_n; k++) {
			enum sip_reason got;

			if (!sip_kernel_usable(&sip_kernels[k]))
				continue;
			got = judge(m, &sip_kernels[k], exact, len);
			if (got != t->verdict) {
				print_error("%s (RFC %s), kernel %s: %s, not %s\n", t->name, t->rule,
					    sip_kernels[k].name, sip_reason_infos[got].name,
					    sip_reason_infos[t->verdict].name);
				wrong++;
			}
		}
		free(exact);
	}
	assert_int_equal(wrong, 0);
	free(m);
}

/* RFC 4475 sections 3.1.1.8 and 3.1.2.2 speak of datagrams; here is what a stream makes of them */
static void streams(void **state)
{
	static const char two[] = "REGISTER sip:fabrikam.test SIP/2.0\r\nContent-Length: 0\r\n\r\n"
				  "\r\n\r\n\r\n\r\nINVITE sip:ben@contoso.test SIP/2.0\r\nl: 3\r\n\r\nv=0";
	static const char cut[] =
		"INVITE sip:ben@contoso.test SIP/2.0\r\nContent-Length: 9999\r\n\r\nv=0\r\n";
	const struct sip_limits lim = SIP_LIMITS_DEFAULT;
	const uint8_t *p = (const uint8_t *)two;
	struct sip_msg *m = sip_fixture_msg();
	size_t left = sizeof(two) - 1;
	struct sip_frame f = {0};
	struct sip_frame_result r;

	/* two requests, with empty lines between */
	r = sip_frame_next(&f, m, sip_kernel_choose(), &lim, p, left);
	assert_int_equal(r.what, SIP_FRAME_MESSAGE);
	assert_int_equal(m->method, SIP_METHOD_REGISTER);
	p += r.consumed;
	left -= r.consumed;
	r = sip_frame_next(&f, m, sip_kernel_choose(), &lim, p, left);
	assert_int_equal(r.what, SIP_FRAME_PING);
	assert_int_equal(r.consumed, 8);
	r = sip_frame_next(&f, m, sip_kernel_choose(), &lim, p + 8, left - 8);
	assert_int_equal(r.what, SIP_FRAME_MESSAGE);
	assert_int_equal(m->method, SIP_METHOD_INVITE);
	assert_int_equal(m->body_len, 3);
	assert_int_equal(r.consumed, left - 8);
	/* more body announced than came: it is waited for, and nothing is read from what is there */
	f = (struct sip_frame){0};
	r = sip_frame_next(&f, m, sip_kernel_choose(), &lim, (const uint8_t *)cut, sizeof(cut) - 1);
	assert_int_equal(r.what, SIP_FRAME_MORE);
	assert_int_equal(r.consumed, 0);
	assert_int_equal(r.need, sizeof(cut) - 1 - 5 + 9999);
	free(m);
}

/* status and connection for what RFC 4475 names a status for */
static void statuses(void **state)
{
	static const struct {
		enum sip_reason reason;
		unsigned status;
		bool closes;
	} want[] = {
		{SIP_REASON_VERSION, 505, false},	 {SIP_REASON_URI_SCHEME, 416, false},
		{SIP_REASON_PROXY_REQUIRE, 420, false},	 {SIP_REASON_MAX_FORWARDS_ZERO, 483, false},
		{SIP_REASON_URI_HEADERS, 400, false},	 {SIP_REASON_BAD_TO, 400, false},
		{SIP_REASON_LENGTH_REPEATED, 400, true}, {SIP_REASON_LENGTH_SYNTAX, 400, true},
		{SIP_REASON_LENGTH_MISSING, 400, true},	 {SIP_REASON_LENGTH_LIMIT, 413, true},
		{SIP_REASON_FRAME_BARE, 0, true},	 {SIP_REASON_CONTROL, 400, true},
	};

	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		assert_int_equal(sip_reason_infos[want[i].reason].status, want[i].status);
		assert_int_equal(sip_reason_closes(want[i].reason), want[i].closes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(torture), cmocka_unit_test(streams),
					   cmocka_unit_test(statuses)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
