/* SPDX-License-Identifier: BSD-3-Clause */
/* The way back to a sender whose connection is gone: how many servers are tried for one answer, and that a
 * final answer which waits for one stays what it is. */
#include <string.h>

#include "tests/replay/proxy/proxy_rig.h"

/* a call of Alice's, sent on to the pool; her connection is gone */
static unsigned lose(struct rig *r, char request[8192])
{
	unsigned from = rig_partner(r, "sip.contoso.com"), to;

	rig_send(r, from,
		 "INVITE sip:bob@ours.com SIP/2.0\nVia: SIP/2.0/TLS sip.contoso.com:5071;branch=z9hG4bK-1\n"
		 "Max-Forwards: 70\nFrom: <sip:alice@contoso.com>;tag=a\nTo: <sip:bob@ours.com>\nCall-ID: c\n"
		 "CSeq: 1 INVITE\nContact: <sip:alice@192.0.2.1>\nContent-Length: *\n\n");
	rig_is_status(rig_got(r, from), 100);
	to = rig_opened(r);
	rig_up(r, to, "pool.ours.com");
	snprintf(request, 8192, "%s", rig_got(r, to));
	rig_end(r, from, LINK_END_RESET);
	return to;
}

/* his address, then three of the servers of his domain, which has more than are looked at */
static void test_tries(void **state)
{
	static char world[2048], request[8192];
	int n = snprintf(world, sizeof(world),
			 "allow contoso.com; srv contoso.com sip.contoso.com=198.51.100.1");
	struct rig *r;
	unsigned to;

	for (unsigned i = 2; i <= 20; i++)
		n += snprintf(world + n, sizeof(world) - (size_t)n, " s%u.contoso.com=198.51.100.%u", i, i);
	r = rig_open(world, NULL);
	to = lose(r, request);
	rig_answer(r, to, request, 200, "t", "");
	for (unsigned i = 0; i < 4; i++) {
		unsigned back = rig_opened(r);

		/* not because so many in a second are enough */
		rig_wait(r, 1100);
		rig_end(r, back, LINK_END_REFUSED);
	}
	rig_none_opened(r);
	assert_int_equal(rig_drop(r, PROXY_DROP_response_no_return), 1);
	assert_int_equal(proxy_stats_get(r->proxy)->servers, 0);
	rig_close(r);
}

static void test_first_final_stays(void **state)
{
	struct rig *r = rig_open("allow contoso.com; srv contoso.com sip.contoso.com=198.51.100.7", NULL);
	static char request[8192];
	unsigned to = lose(r, request), back = rig_opened(r);
	const char *got;

	rig_answer(r, to, request, 200, "first", "");
	/* RFC 6026: a fork picks up as well; there is room for one answer */
	rig_answer(r, to, request, 200, "second", "");
	assert_int_equal(rig_drop(r, PROXY_DROP_late_response), 1);
	rig_up(r, back, "sip.contoso.com");
	got = rig_got(r, back);
	rig_is_status(got, 200);
	assert_non_null(strstr(got, "tag=first"));
	rig_quiet(r, back);
	rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tries),
		cmocka_unit_test(test_first_final_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
