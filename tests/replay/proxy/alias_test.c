/* SPDX-License-Identifier: BSD-3-Clause */
/* RFC 5923: requests of ours over a connection that the partner opened, and when not. The first link has the
 * address 192.0.2.1. */
#include <string.h>

#include "tests/replay/proxy/proxy_rig.h"

#define WORLD                                                            \
	"allow contoso.com; srv contoso.com sip.contoso.com=192.0.2.1; " \
	"allow fabrikam.com; srv fabrikam.com sip.fabrikam.com=192.0.2.1"

/* a partner of this name says something with this Via */
static struct rig *offer(const char *domain, const char *via)
{
	static char text[4096];
	struct rig *r = rig_open(WORLD, NULL);
	char name[64];
	unsigned inner;

	snprintf(name, sizeof(name), "sip.%s", domain);
	assert_int_equal(rig_partner(r, name), 0);
	rig_send(r, 0,
		 "MESSAGE sip:bob@ours.com SIP/2.0\nVia: SIP/2.0/TLS %s\nMax-Forwards: 70\n"
		 "From: <sip:a@%s>;tag=1\nTo: <sip:bob@ours.com>\nCall-ID: in\nCSeq: 1 MESSAGE\n"
		 "Content-Length: *\n\n",
		 via, domain);
	inner = rig_opened(r);
	rig_up(r, inner, "pool.ours.com");
	snprintf(text, sizeof(text), "%s", rig_got(r, inner));
	rig_answer(r, inner, text, 200, "t", "");
	rig_is_status(rig_got(r, 0), 200);
	return r;
}

static unsigned ask(struct rig *r)
{
	unsigned inner = rig_inner(r, "pool.ours.com");

	rig_send(r, inner,
		 RIG_REQUEST("MESSAGE", "bob@ours.com", "alice@contoso.com", "h;branch=z9hG4bK-out", ""));
	return inner;
}

static void test_reused(void **state)
{
	static char text[4096];
	struct rig *r = offer("contoso.com", "sip.contoso.com:5061;branch=z9hG4bK-1;alias");
	unsigned inner = ask(r), other;

	rig_none_opened(r);
	snprintf(text, sizeof(text), "%s", rig_got(r, 0));
	rig_is_request(text, "MESSAGE");
	assert_int_equal(rig_count(r, PROXY_COUNTER_reused), 1);
	/* whoever else is connected cannot answer it */
	other = rig_partner(r, "sip.contoso.com");
	rig_answer(r, other, text, 200, "forged", "");
	rig_quiet(r, inner);
	assert_int_equal(rig_drop(r, PROXY_DROP_forged_response), 1);
	rig_answer(r, 0, text, 200, "t", "");
	rig_is_status(rig_got(r, inner), 200);
	rig_close(r);
}

/* the port is that of sips where the Via has none */
static void test_port(void **state)
{
	struct rig *r = offer("contoso.com", "sip.contoso.com;alias;branch=z9hG4bK-1");

	ask(r);
	rig_none_opened(r);
	rig_is_request(rig_got(r, 0), "MESSAGE");
	rig_close(r);
}

/* a connection that was reused ends in mid-transaction: one of ours is opened */
static void test_lost(void **state)
{
	static char text[4096];
	struct rig *r = offer("contoso.com", "sip.contoso.com:5061;branch=z9hG4bK-1;alias");
	unsigned inner = ask(r), link;

	rig_is_request(rig_got(r, 0), "MESSAGE");
	rig_end(r, 0, LINK_END_RESET);
	rig_wait(r, 20);
	link = rig_opened(r);
	rig_up(r, link, "sip.contoso.com");
	snprintf(text, sizeof(text), "%s", rig_got(r, link));
	rig_is_request(text, "MESSAGE");
	rig_answer(r, link, text, 200, "t", "");
	rig_is_status(rig_got(r, inner), 200);
	rig_close(r);
}

static void opens(struct rig *r)
{
	unsigned link;

	ask(r);
	link = rig_opened(r);
	rig_up(r, link, "sip.contoso.com");
	rig_is_request(rig_got(r, link), "MESSAGE");
	assert_int_equal(rig_count(r, PROXY_COUNTER_reused), 0);
	rig_close(r);
}

static void test_not(void **state)
{
	struct rig *r;

	opens(offer("contoso.com", "sip.contoso.com:5061;branch=z9hG4bK-1"));
	opens(offer("contoso.com", "sip.contoso.com:5070;branch=z9hG4bK-1;alias"));
	/* the same address, another name */
	opens(offer("fabrikam.com", "sip.contoso.com:5061;branch=z9hG4bK-1;alias"));
	r = offer("contoso.com", "sip.contoso.com:5061;branch=z9hG4bK-1;alias");
	rig_end(r, 0, LINK_END_CLOSED);
	opens(r);
}

/* an offer in a request that policy refuses is none */
static void test_refused(void **state)
{
	struct rig *r = rig_open(WORLD, NULL);

	rig_partner(r, "sip.contoso.com");
	rig_send(r, 0,
		 RIG_REQUEST("MESSAGE", "a@unknown.example", "bob@ours.com",
			     "sip.contoso.com:5061;branch=z9hG4bK-1;alias", ""));
	opens(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reused), cmocka_unit_test(test_port),    cmocka_unit_test(test_lost),
		cmocka_unit_test(test_not),    cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
