/* SPDX-License-Identifier: BSD-3-Clause */
/* A next hop that takes nothing of what it is sent: it lost its power, its cable, or stopped reading. */
#include <string.h>

#include "tests/replay/proxy/proxy_rig.h"

#define ONE "allow contoso.com proxy=sip.contoso.com; host sip.contoso.com 198.51.100.7"
#define TWO                                                                       \
	"allow contoso.com; srv contoso.com sip.contoso.com:5061/1=198.51.100.7 " \
	"sip.contoso.com:5064/2=198.51.100.8"

static unsigned serial;

static void message(struct rig *r, unsigned link, const char *method)
{
	serial++;
	rig_send(r, link,
		 "%s sip:a@contoso.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-s%u\n"
		 "From: <sip:b@ours.com>;tag=1\nTo: <sip:a@contoso.com>\nCall-ID: s%u\nCSeq: 1 %s\n"
		 "Contact: <sip:b@ours.com>\nContent-Length: *\n\n",
		 method, serial, serial, method);
}

/* a next hop that has answered once */
static unsigned open_out(struct rig *r, unsigned inner)
{
	static char request[8192];
	unsigned out;

	message(r, inner, "MESSAGE");
	out = rig_opened(r);
	rig_up(r, out, "sip.contoso.com");
	snprintf(request, sizeof(request), "%s", rig_got(r, out));
	rig_answer(r, out, request, 200, "t", "");
	rig_is_status(rig_got(r, inner), 200);
	return out;
}

static void cut_off(struct rig *r, unsigned link)
{
	assert_true(r->link[link].said_abort);
	rig_end(r, link, LINK_END_RESET);
	assert_non_null(rig_event(r, EXCHANGE_EVENT_PEER_DOWN));
	assert_non_null(
		strstr(rig_event(r, EXCHANGE_EVENT_PEER_DOWN)->text, "takes nothing of what it is sent"));
}

/* There is another target: what was on its way arrives there within two seconds, what is new at once. */
static void test_other_target(void **state)
{
	struct rig *r = rig_open(TWO, NULL);
	unsigned inner = rig_inner(r, "pool.ours.com"), out = open_out(r, inner), again, other;
	static char request[8192];

	message(r, inner, "MESSAGE");
	rig_got(r, out);
	r->link[out].stuck_ms = 700;
	rig_wait(r, 500);
	rig_none_opened(r);
	r->link[out].stuck_ms = 900;
	rig_wait(r, 250);
	again = rig_opened(r);
	assert_int_equal(r->link[again].to.port, 5061);
	assert_false(r->link[out].said_abort);
	/* who comes now does not go where nobody is */
	message(r, inner, "MESSAGE");
	rig_quiet(r, out);
	rig_wait(r, 1100);
	cut_off(r, out);
	other = rig_opened(r);
	assert_int_equal(r->link[other].to.port, 5064);
	rig_up(r, other, "sip.contoso.com");
	for (unsigned i = 0; i < 2; i++) {
		snprintf(request, sizeof(request), "%s", rig_got(r, other));
		rig_answer(r, other, request, 200, "t", "");
		rig_is_status(rig_got(r, inner), 200);
	}
	/* and stays behind */
	message(r, inner, "MESSAGE");
	rig_is_request(rig_got(r, other), "MESSAGE");
	rig_close(r);
}

/* There is none: everybody is told, as soon as it is clear that it does not come back. */
static void test_alone(void **state)
{
	struct rig *r = rig_open(ONE, NULL);
	unsigned inner = rig_inner(r, "pool.ours.com"), out = open_out(r, inner), again;

	message(r, inner, "MESSAGE");
	message(r, inner, "INVITE");
	rig_is_status(rig_got(r, inner), 100);
	r->link[out].stuck_ms = 900;
	rig_wait(r, 250);
	again = rig_opened(r);
	/* refused: it is sure. Silence may be a line that loses much. */
	rig_wait(r, 4000);
	assert_false(r->link[out].said_abort);
	rig_end(r, again, LINK_END_REFUSED);
	rig_wait(r, 250);
	cut_off(r, out);
	rig_is_status(rig_got(r, inner), 504);
	rig_is_status(rig_got(r, inner), 504);
	rig_close(r);
}

static void test_alone_silent(void **state)
{
	struct rig *r = rig_open(ONE, NULL);
	unsigned inner = rig_inner(r, "pool.ours.com"), out = open_out(r, inner);

	message(r, inner, "MESSAGE");
	message(r, inner, "INVITE");
	rig_is_status(rig_got(r, inner), 100);
	r->link[out].stuck_ms = 900;
	rig_wait(r, 15900);
	assert_false(r->link[out].said_abort);
	rig_wait(r, 400);
	cut_off(r, out);
	rig_is_status(rig_got(r, inner), 504);
	rig_is_status(rig_got(r, inner), 504);
	rig_close(r);
}

/* Another connection comes to be: new requests take it. The old one has its time, and may come to itself. */
static void test_recovers(void **state)
{
	struct rig *r = rig_open(ONE, NULL);
	unsigned inner = rig_inner(r, "pool.ours.com"), out = open_out(r, inner), again;
	static char old[8192], fresh[8192];

	message(r, inner, "MESSAGE");
	snprintf(old, sizeof(old), "%s", rig_got(r, out));
	r->link[out].stuck_ms = 900;
	rig_wait(r, 250);
	again = rig_opened(r);
	rig_up(r, again, "sip.contoso.com");
	message(r, inner, "MESSAGE");
	snprintf(fresh, sizeof(fresh), "%s", rig_got(r, again));
	rig_wait(r, 10000);
	assert_false(r->link[out].said_abort);
	r->link[out].stuck_ms = 0;
	rig_wait(r, 10000);
	rig_answer(r, out, old, 200, "t", "");
	rig_is_status(rig_got(r, inner), 200);
	rig_answer(r, again, fresh, 200, "t", "");
	rig_is_status(rig_got(r, inner), 200);
	assert_false(r->link[out].said_abort);
	rig_close(r);
}

/* However many are stuck, none that may come to itself loses its place to another one. */
static void test_every_place(void **state)
{
	enum { PLACES = 5 };
	struct rig *r = rig_open(ONE, NULL);
	unsigned inner = rig_inner(r, "pool.ours.com"), link[PLACES] = {open_out(r, inner)};

	for (unsigned i = 0; i < PLACES; i++) {
		if (i) {
			link[i] = rig_opened(r);
			rig_up(r, link[i], "sip.contoso.com");
		}
		message(r, inner, "MESSAGE");
		rig_is_request(rig_got(r, link[i]), "MESSAGE");
		r->link[link[i]].stuck_ms = 900;
		rig_wait(r, 1250);
	}
	rig_none_opened(r);
	for (unsigned i = 0; i < PLACES; i++)
		assert_false(r->link[link[i]].said_close || r->link[link[i]].said_abort);
	assert_int_equal(rig_count(r, PROXY_COUNTER_lost_downstream), 0);
	rig_close(r);
}

/* It never does: half of the timers' time is left for somebody else. */
static void test_never(void **state)
{
	struct rig *r = rig_open(ONE, NULL);
	unsigned inner = rig_inner(r, "pool.ours.com"), out = open_out(r, inner), again;

	message(r, inner, "MESSAGE");
	rig_got(r, out);
	r->link[out].stuck_ms = 900;
	rig_wait(r, 250);
	again = rig_opened(r);
	rig_up(r, again, "sip.contoso.com");
	rig_wait(r, 15500);
	assert_false(r->link[out].said_abort);
	rig_wait(r, 500);
	cut_off(r, out);
	rig_is_status(rig_got(r, inner), 504);
	assert_int_equal(rig_count(r, PROXY_COUNTER_links_closed_stuck), 1);
	rig_close(r);
}

/* Who owes nothing is not looked at; a dead ping is. */
static void test_idle(void **state)
{
	struct rig *r = rig_open(ONE, NULL);
	unsigned inner = rig_inner(r, "pool.ours.com"), out = open_out(r, inner);

	r->link[out].stuck_ms = 5000;
	rig_wait(r, 60000);
	assert_int_equal(r->link[out].state, RIG_UP);
	rig_none_opened(r);
	rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_other_target), cmocka_unit_test(test_alone),
		cmocka_unit_test(test_alone_silent), cmocka_unit_test(test_recovers),
		cmocka_unit_test(test_every_place),  cmocka_unit_test(test_never),
		cmocka_unit_test(test_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
