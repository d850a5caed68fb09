/* SPDX-License-Identifier: BSD-3-Clause */
/* Partners whose certificate has a wildcard that the operator allows: what was expected of the next hop is
 * not what stands in the certificate, and both have to do with each other in answers and dialogs. */
#include <string.h>

#include "tests/replay/proxy/proxy_rig.h"

#define WORLD "allow contoso.com wildcard; srv contoso.com sip.contoso.com=198.51.100.7"

/* an answer is taken from the certificate that the request was sent to */
static void test_answer(void **state)
{
	struct rig *r = rig_open(WORLD, NULL);
	unsigned inner = rig_inner(r, "pool.ours.com"), out;
	char request[4096];

	rig_send(r, inner, "%s",
		 RIG_REQUEST("MESSAGE", "bob@ours.com", "alice@contoso.com", "10.0.0.9;branch=z9hG4bK1", ""));
	out = rig_opened(r);
	assert_string_equal(r->link[out].sni, "sip.contoso.com");
	rig_up(r, out, "*.contoso.com");
	snprintf(request, sizeof(request), "%s", rig_got(r, out));
	rig_is_request(request, "MESSAGE");
	rig_answer(r, out, request, 200, "t", "");
	rig_is_status(rig_got(r, inner), 200);
	rig_close(r);
}

/* without leave the wildcard names nobody */
static void test_not_allowed(void **state)
{
	struct rig *r = rig_open("allow contoso.com; srv contoso.com sip.contoso.com=198.51.100.7", NULL);
	unsigned inner = rig_inner(r, "pool.ours.com"), out;

	rig_send(r, inner, "%s",
		 RIG_REQUEST("MESSAGE", "bob@ours.com", "alice@contoso.com", "10.0.0.9;branch=z9hG4bK1", ""));
	out = rig_opened(r);
	rig_up(r, out, "*.contoso.com");
	rig_is_status(rig_got(r, inner), 504);
	rig_close(r);
}

/* A dialog that the partner began: our BYE finds its way to a server of his, by its name and not by the
 * wildcard. */
static void test_dialog(void **state)
{
	struct rig *r = rig_open(WORLD, NULL);
	unsigned partner = rig_partner(r, "*.contoso.com"), inner, out;
	char invite[8192], route[2][2048];
	const char *m;

	rig_send(r, partner, "%s",
		 RIG_REQUEST("INVITE", "alice@contoso.com", "bob@ours.com", "sip.contoso.com;branch=z9hG4bK1",
			     "Contact: <sip:alice@10.9.9.9;transport=tls>\n"));
	rig_is_status(rig_got(r, partner), 100);
	inner = rig_opened(r);
	rig_up(r, inner, "pool.ours.com");
	snprintf(invite, sizeof(invite), "%s", rig_got(r, inner));
	rig_is_request(invite, "INVITE");
	for (unsigned i = 0; i < 2; i++)
		snprintf(route[i], sizeof(route[i]), "%s", rig_field(invite, "Record-Route", i));
	rig_answer(r, inner, invite, 200, "uas", "Contact: <sip:bob@10.1.1.1;transport=tls>\n");
	rig_is_status(rig_got(r, partner), 200);
	rig_send(r, inner,
		 "BYE sip:alice@10.9.9.9;transport=tls SIP/2.0\nVia: SIP/2.0/TLS "
		 "10.0.0.9;branch=z9hG4bKb\nMax-Forwards: 70\nRoute: %s\nRoute: %s\n"
		 "From: <sip:bob@ours.com>;tag=uas\nTo: <sip:alice@contoso.com>;tag=f1\nCall-ID: call-1\n"
		 "CSeq: 2 BYE\nContent-Length: *\n\n",
		 route[0], route[1]);
	out = rig_opened(r);
	assert_int_equal(r->link[out].to.side, LINK_EXTERNAL);
	assert_string_equal(r->link[out].sni, "sip.contoso.com");
	rig_up(r, out, "*.contoso.com");
	m = rig_got(r, out);
	rig_is_request(m, "BYE");
	assert_int_equal(rig_fields(m, "Route"), 0);
	snprintf(invite, sizeof(invite), "%s", m);
	rig_answer(r, out, invite, 200, "f1", "");
	rig_is_status(rig_got(r, inner), 200);
	rig_wait(r, 33000);
	rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_not_allowed),
		cmocka_unit_test(test_dialog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
