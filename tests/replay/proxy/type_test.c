/* SPDX-License-Identifier: BSD-3-Clause */
/* Every kind of partner, both ways: who is let in by which certificate, where requests go and whom they
 * trust there (federation rules 1.1 to 1.3 and 2). */
#include <string.h>

#include "tests/replay/proxy/proxy_rig.h"

static void message(struct rig *r, unsigned link, const char *from, const char *to)
{
	rig_send(r, link,
		 "MESSAGE sip:%s SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-y\nMax-Forwards: 70\n"
		 "From: <sip:%s>;tag=1\nTo: <sip:%s>\nCall-ID: y\nCSeq: 1 MESSAGE\nContent-Length: *\n\nx",
		 to, from, to);
}

struct in_row {
	const char *what, *world, *cert, *source, *network;
};

static void test_in(void **state)
{
	static const struct in_row rows[] = {
		{"allowed server", "allow contoso.com proxy=gw.x.net", "gw.x.net", "DirectPartner",
		 "federation"},
		{"peer-name", "allow contoso.com peer=gw.x.net", "gw.x.net", "DirectPartner", "federation"},
		{"static route", "allow contoso.com; route contoso.com gw.x.net", "gw.x.net", "DirectPartner",
		 "federation"},
		{"allowed domain", "allow contoso.com; srv contoso.com sip.contoso.com=198.51.100.1",
		 "sip.contoso.com", "AutoFederation", "federation"},
		{"allowed domain by its own name", "allow contoso.com; srv contoso.com nothing",
		 "contoso.com", "AutoFederation", "federation"},
		{"discovered", "discovery on; srv contoso.com sip.contoso.com=198.51.100.1",
		 "sip.contoso.com", "AutoFederation", "federation"},
		{"hosting provider", "hosting h.com; allow contoso.com; srv contoso.com h.com=198.51.100.1",
		 "h.com", "AuthorizedServer", "federation"},
		{"public provider", "public p.com; srv contoso.com p.com=198.51.100.1", "p.com",
		 "AuthorizedServer", "publiccloud"},
		{"clearing house of the partner",
		 "allow contoso.com via=aol.com; srv aol.com sip.aol.com=198.51.100.1", "sip.aol.com",
		 "AuthorizedServer", "federation"},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rig *r = rig_open(rows[i].world, NULL);
		unsigned partner = rig_partner(r, rows[i].cert), inner;
		const char *trust;
		char want[64];

		print_message("%s\n", rows[i].what);
		message(r, partner, "a@contoso.com", "b@ours.com");
		inner = rig_opened(r);
		assert_int_equal(r->link[inner].to.side, LINK_INTERNAL);
		rig_up(r, inner, "pool.ours.com");
		trust = rig_field(rig_got(r, inner), "ms-edge-proxy-message-trust", 0);
		snprintf(want, sizeof(want), "ms-source-type=%s", rows[i].source);
		assert_non_null(strstr(trust, want));
		snprintf(want, sizeof(want), "ms-source-network=%s", rows[i].network);
		assert_non_null(strstr(trust, want));
		rig_close(r);
	}
}

struct out_row {
	const char *what, *world, *sni;
	uint8_t last; /* of the address */
	uint16_t port;
	const char *good, *bad; /* certificates */
};

static void test_out(void **state)
{
	static const struct out_row rows[] = {
		{"allowed server", "allow contoso.com proxy=gw.x.net; host gw.x.net 198.51.100.5", "gw.x.net",
		 5, 5061, "gw.x.net", "contoso.com"},
		{"allowed server with a port",
		 "allow contoso.com proxy=gw.x.net:5099; host gw.x.net 198.51.100.5", "gw.x.net", 5, 5099,
		 "gw.x.net", "x.net"},
		{"static route",
		 "allow contoso.com; route contoso.com gw.x.net:5070; host gw.x.net 198.51.100.6", "gw.x.net",
		 6, 5070, "gw.x.net", "sip.contoso.com"},
		{"static route by address", "allow contoso.com peer=gw.x.net; route contoso.com 198.51.100.7",
		 "", 7, 5061, "gw.x.net", "other.x.net"},
		{"subtree", "allow *.contoso.com; route *.contoso.com gw.x.net; host gw.x.net 198.51.100.6",
		 "gw.x.net", 6, 5061, "gw.x.net", "contoso.com"},
		{"allowed domain", "allow contoso.com; srv contoso.com sip.contoso.com=198.51.100.1",
		 "sip.contoso.com", 1, 5061, "sip.contoso.com", "sip.evil.com"},
		{"allowed domain, certificate of the domain",
		 "allow contoso.com; srv contoso.com sip.contoso.com=198.51.100.1", "sip.contoso.com", 1,
		 5061, "contoso.com", "www.contoso.com"},
		{"lync", "allow contoso.com check=lync; srv contoso.com sip.contoso.com=198.51.100.1",
		 "sip.contoso.com", 1, 5061, "sip.contoso.com", "contoso.com"},
		{"rfc5922", "allow contoso.com check=rfc5922; srv contoso.com edge.other.net=198.51.100.1",
		 "edge.other.net", 1, 5061, "contoso.com", "edge.other.net"},
		{"discovered", "discovery on; srv contoso.com sip.contoso.com=198.51.100.1",
		 "sip.contoso.com", 1, 5061, "sip.contoso.com", "evil.com"},
		{"hosting provider",
		 "hosting h.com; allow contoso.com; srv contoso.com h.com=198.51.100.2; host h.com "
		 "198.51.100.2",
		 "h.com", 2, 5061, "h.com", "contoso.com"},
		{"public provider",
		 "public p.com; srv contoso.com p.com=198.51.100.3; host p.com 198.51.100.3", "p.com", 3,
		 5061, "p.com", "contoso.com"},
		{"clearing house",
		 "allow contoso.com via=aol.com; srv aol.com sip.aol.com=198.51.100.4; "
		 "srv contoso.com nothing",
		 "sip.aol.com", 4, 5061, "sip.aol.com", "sip.contoso.com"},
		{"default route", "default-routing hub.x.net; allow contoso.com; host hub.x.net 198.51.100.8",
		 "hub.x.net", 8, 5061, "hub.x.net", "contoso.com"},
		{"wildcard", "allow contoso.com wildcard; srv contoso.com sip.contoso.com=198.51.100.1",
		 "sip.contoso.com", 1, 5061, "*.contoso.com", "*.com"},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct out_row *row = &rows[i];

		for (unsigned bad = 0; bad < 2; bad++) {
			struct rig *r = rig_open(row->world, NULL);
			unsigned inner = rig_inner(r, "pool.ours.com"), out;

			print_message("%s\n", row->what);
			message(r, inner, "b@ours.com", "a@contoso.com");
			out = rig_opened(r);
			assert_int_equal(r->link[out].to.side, LINK_EXTERNAL);
			assert_string_equal(r->link[out].sni, row->sni);
			assert_int_equal(r->link[out].to.ip.b[15], row->last);
			assert_int_equal(r->link[out].to.port, row->port);
			rig_up(r, out, bad ? row->bad : row->good);
			if (bad) {
				rig_quiet(r, out);
				rig_is_status(rig_got(r, inner), 504);
			} else {
				rig_is_request(rig_got(r, out), "MESSAGE");
			}
			rig_close(r);
		}
	}
}

/* from one partner through us to another */
static void test_clearing(void **state)
{
	static char text[8192];
	struct rig *r = rig_open("clearing on; allow contoso.com; allow fabrikam.com; "
				 "srv contoso.com sip.contoso.com=198.51.100.1; "
				 "srv fabrikam.com sip.fabrikam.com=198.51.100.2",
				 NULL);
	unsigned from = rig_partner(r, "sip.contoso.com"), to;

	message(r, from, "a@contoso.com", "b@fabrikam.com");
	to = rig_opened(r);
	assert_int_equal(r->link[to].to.side, LINK_EXTERNAL);
	rig_up(r, to, "sip.fabrikam.com");
	snprintf(text, sizeof(text), "%s", rig_got(r, to));
	rig_is_request(text, "MESSAGE");
	assert_int_equal(rig_fields(text, "ms-edge-proxy-message-trust"), 0);
	rig_answer(r, to, text, 200, "t", "");
	rig_is_status(rig_got(r, from), 200);
	/* without that switch it is 404 */
	policy_draft_box(r->world.draft)->flags &= ~(unsigned)POLICY_BOX_CLEARING_HOUSE;
	rig_world(r, "");
	message(r, from, "a@contoso.com", "b@fabrikam.com");
	rig_is_status(rig_got(r, from), 404);
	rig_close(r);
}

/* our own server names the next hop; the rules still decide whether that is one */
static void test_edge_route(void **state)
{
	struct rig *r = rig_open("allow contoso.com; srv contoso.com a.contoso.com:5061/1=198.51.100.1 "
				 "b.contoso.com:5061/2=198.51.100.2",
				 NULL);
	unsigned inner = rig_inner(r, "pool.ours.com"), out;

	rig_send(r, inner,
		 "MESSAGE sip:a@contoso.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-e1\nMax-Forwards: 70\n"
		 "Route: <sip:b.contoso.com;transport=tls;lr>;ms-edge-route\n"
		 "From: <sip:b@ours.com>;tag=1\nTo: <sip:a@contoso.com>\nCall-ID: y\nCSeq: 1 MESSAGE\n"
		 "Content-Length: *\n\n");
	out = rig_opened(r);
	assert_string_equal(r->link[out].sni, "b.contoso.com");
	rig_up(r, out, "b.contoso.com");
	assert_int_equal(rig_fields(rig_got(r, out), "Route"), 0);
	rig_send(r, inner,
		 "MESSAGE sip:a@contoso.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-e2\nMax-Forwards: 70\n"
		 "Route: <sip:sip.evil.com;transport=tls;lr>;ms-edge-route\n"
		 "From: <sip:b@ours.com>;tag=1\nTo: <sip:a@contoso.com>\nCall-ID: y\nCSeq: 1 MESSAGE\n"
		 "Content-Length: *\n\n");
	rig_none_opened(r);
	rig_is_status(rig_got(r, inner), 504);
	rig_close(r);
}

/* one connection, one kind of partner */
static void test_pin(void **state)
{
	struct rig *r = rig_open("public p.com; srv contoso.com p.com=198.51.100.3; host p.com 198.51.100.3; "
				 "allow fabrikam.com peer=p.com",
				 NULL);
	unsigned partner = rig_partner(r, "p.com"), inner;

	message(r, partner, "a@contoso.com", "b@ours.com");
	inner = rig_opened(r);
	rig_up(r, inner, "pool.ours.com");
	rig_is_request(rig_got(r, inner), "MESSAGE");
	rig_send(r, partner,
		 "MESSAGE sip:b@ours.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-p2\n"
		 "From: <sip:a@fabrikam.com>;tag=1\nTo: <sip:b@ours.com>\nCall-ID: y2\nCSeq: 1 MESSAGE\n"
		 "Content-Length: *\n\n");
	rig_is_status(rig_got(r, partner), 403);
	assert_int_equal(rig_event(r, EXCHANGE_EVENT_REFUSED)->reason, POLICY_REASON_INCOMPATIBLE_TYPE);
	rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in),	 cmocka_unit_test(test_out),
		cmocka_unit_test(test_clearing), cmocka_unit_test(test_edge_route),
		cmocka_unit_test(test_pin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
