/* SPDX-License-Identifier: BSD-3-Clause */
/* The plain way of a request and its answer, in and out. */
#include <string.h>

#include "tests/replay/proxy/proxy_rig.h"

#define MESSAGE_IN                                                                                           \
	RIG_REQUEST("MESSAGE", "alice@contoso.com", "bob@ours.com", "sip.contoso.com:5061;branch=z9hG4bK-1", \
		    "Content-Type: text/plain\nX-Odd:   spaced \n")                                          \
	"Hello"

static void test_in(void **state)
{
	struct rig *r = rig_open("allow contoso.com proxy=sip.contoso.com", NULL);
	unsigned partner = rig_partner(r, "sip.contoso.com"), inner;
	char request[4096];
	const char *m;

	rig_send(r, partner, "%s", MESSAGE_IN);
	inner = rig_opened(r);
	assert_int_equal(r->link[inner].to.side, LINK_INTERNAL);
	assert_int_equal(r->link[inner].to.port, 5061);
	rig_quiet(r, partner);
	rig_up(r, inner, "pool.ours.com");
	m = rig_got(r, inner);
	rig_is_request(m, "MESSAGE");
	snprintf(request, sizeof(request), "%s", m);
	assert_int_equal(rig_fields(m, "Via"), 2);
	assert_non_null(strstr(rig_field(m, "Via", 0), "SIP/2.0/TLS 10.0.0.2:5061;branch=z9hG4bK"));
	assert_non_null(strstr(rig_field(m, "Via", 1), "sip.contoso.com:5061;branch=z9hG4bK-1"));
	assert_non_null(strstr(rig_field(m, "Via", 1), ";received=192.0.2.1"));
	assert_string_equal(rig_field(m, "Max-Forwards", 0), "69");
	assert_int_equal(rig_fields(m, "Record-Route"), 0);
	assert_int_equal(rig_fields(m, "ms-edge-proxy-message-trust"), 1);
	assert_non_null(strstr(m, "\nX-Odd:   spaced \n"));
	assert_non_null(strstr(m, "\n\nHello"));
	rig_answer(r, inner, request, 200, "t1", "");
	m = rig_got(r, partner);
	rig_is_status(m, 200);
	assert_int_equal(rig_fields(m, "Via"), 1);
	assert_non_null(strstr(rig_field(m, "Via", 0), "branch=z9hG4bK-1"));
	assert_string_equal(rig_field(m, "To", 0), "<sip:bob@ours.com>;tag=t1");
	rig_quiet(r, partner);
	rig_quiet(r, inner);
	rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
