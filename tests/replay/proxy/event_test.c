/* SPDX-License-Identifier: BSD-3-Clause */
/* Subscriptions and what else is neither a message nor a call: SUBSCRIBE, NOTIFY (RFC 6665), BENOTIFY, REFER,
 * PRACK (RFC 3262), unknown methods; an ACK that must wait for its connection. */
#include <string.h>

#include "tests/replay/proxy/proxy_rig.h"

#define WORLD \
	"allow contoso.com; srv contoso.com sip.contoso.com=198.51.100.7; host sip.contoso.com 198.51.100.7"

struct dialog {
	struct rig *r;
	unsigned partner, inner;
	char begun[8192];  /* as it went inside */
	char routes[8400]; /* Route fields of the one inside */
	char back[8400];   /* and of the partner */
};

#define CONTACT "Contact: <sip:bob@10.0.0.77>\n"

/* our two entries, in the order of the message or reversed */
static void keep_routes(const char *m, bool reversed, char out[8400])
{
	char one[2][2048];

	assert_int_equal(rig_fields(m, "Record-Route"), 2);
	for (unsigned i = 0; i < 2; i++)
		snprintf(one[i], sizeof(one[i]), "%s", rig_field(m, "Record-Route", i));
	snprintf(out, 8400, "Route: %s\nRoute: %s\n", one[reversed], one[!reversed]);
}

/* from inside, to what the partner began */
static void answered(struct dialog *d, unsigned status, const char *lines)
{
	const char *m;

	rig_answer(d->r, d->inner, d->begun, status, "b", lines);
	m = rig_got(d->r, d->partner);
	rig_is_status(m, status);
	keep_routes(m, true, d->back);
}

static void begin(struct dialog *d, const char *method)
{
	d->r = rig_open(WORLD, NULL);
	d->partner = rig_partner(d->r, "sip.contoso.com");
	rig_send(d->r, d->partner,
		 "%s sip:bob@ours.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-s1\nMax-Forwards: 70\n"
		 "From: <sip:alice@contoso.com>;tag=a\nTo: <sip:bob@ours.com>\nCall-ID: sub\nCSeq: 1 %s\n"
		 "Contact: <sip:alice@192.0.2.1>\nEvent: presence\nExpires: 600\nRefer-To: "
		 "<sip:x@contoso.com>\n"
		 "Content-Length: *\n\n",
		 method, method);
	if (strcmp(method, "INVITE") == 0)
		rig_is_status(rig_got(d->r, d->partner), 100);
	d->inner = rig_opened(d->r);
	rig_up(d->r, d->inner, "pool.ours.com");
	snprintf(d->begun, sizeof(d->begun), "%s", rig_got(d->r, d->inner));
	rig_is_request(d->begun, method);
	keep_routes(d->begun, false, d->routes);
}

/* from inside, within the dialog */
static void from_inside(struct dialog *d, const char *method, unsigned cseq)
{
	rig_send(d->r, d->inner,
		 "%s sip:alice@192.0.2.1 SIP/2.0\nVia: SIP/2.0/TLS in;branch=z9hG4bK-%s%u\n%sMax-Forwards: "
		 "70\n"
		 "From: <sip:bob@ours.com>;tag=b\nTo: <sip:alice@contoso.com>;tag=a\nCall-ID: sub\n"
		 "CSeq: %u %s\nEvent: presence\nSubscription-State: active\nContent-Length: *\n\n",
		 method, method, cseq, d->routes, cseq, method);
}

static void from_partner(struct dialog *d, const char *method, unsigned cseq)
{
	rig_send(d->r, d->partner,
		 "%s sip:bob@10.0.0.77 SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-p%s%u\n%sMax-Forwards: 70\n"
		 "From: <sip:alice@contoso.com>;tag=a\nTo: <sip:bob@ours.com>;tag=b\nCall-ID: sub\n"
		 "CSeq: %u %s\nEvent: presence\nContent-Length: *\n\n",
		 method, method, cseq, d->back, cseq, method);
}

static void test_subscribe(void **state)
{
	static char text[8192];
	struct dialog d;
	unsigned out;

	begin(&d, "SUBSCRIBE");
	/* RFC 6665 section 4.4.1: the first NOTIFY may be faster than the 200 */
	from_inside(&d, "NOTIFY", 1);
	out = rig_opened(d.r);
	rig_up(d.r, out, "sip.contoso.com");
	snprintf(text, sizeof(text), "%s", rig_got(d.r, out));
	rig_is_request(text, "NOTIFY");
	assert_int_equal(rig_fields(text, "Route"), 0);
	assert_int_equal(rig_fields(text, "Record-Route"), 2);
	rig_answer(d.r, out, text, 200, "x", "");
	rig_is_status(rig_got(d.r, d.inner), 200);
	answered(&d, 200, CONTACT "Expires: 600\n");
	/* refresh */
	from_partner(&d, "SUBSCRIBE", 2);
	snprintf(text, sizeof(text), "%s", rig_got(d.r, d.inner));
	rig_is_request(text, "SUBSCRIBE");
	rig_answer(d.r, d.inner, text, 200, "b", "");
	rig_is_status(rig_got(d.r, d.partner), 200);
	/* BENOTIFY: passes, and nothing is waited for */
	from_inside(&d, "BENOTIFY", 2);
	snprintf(text, sizeof(text), "%s", rig_got(d.r, out));
	rig_is_request(text, "BENOTIFY");
	assert_int_equal(proxy_stats_get(d.r->proxy)->servers, 0);
	assert_int_equal(proxy_stats_get(d.r->proxy)->clients, 0);
	rig_answer(d.r, out, text, 200, "x", "");
	rig_quiet(d.r, d.inner);
	/* and is never answered by us */
	rig_world(d.r, "hard contoso.com");
	from_inside(&d, "BENOTIFY", 3);
	rig_quiet(d.r, d.inner);
	rig_quiet(d.r, out);
	assert_int_equal(rig_drop(d.r, PROXY_DROP_notify_refused), 1);
	from_inside(&d, "NOTIFY", 4);
	rig_is_status(rig_got(d.r, d.inner), 403);
	rig_close(d.r);
}

static void test_refer(void **state)
{
	static char text[8192];
	struct dialog d;
	unsigned out;

	begin(&d, "REFER");
	rig_answer(d.r, d.inner, d.begun, 202, "b", "");
	rig_is_status(rig_got(d.r, d.partner), 202);
	from_inside(&d, "NOTIFY", 1);
	out = rig_opened(d.r);
	rig_up(d.r, out, "sip.contoso.com");
	snprintf(text, sizeof(text), "%s", rig_got(d.r, out));
	rig_is_request(text, "NOTIFY");
	rig_close(d.r);
}

static void test_prack(void **state)
{
	static const char *const methods[] = {"PRACK", "UPDATE", "INFO", "MESSAGE", "NOVEL"};
	static char text[8192];
	struct dialog d;

	begin(&d, "INVITE");
	answered(&d, 183, CONTACT "Require: 100rel\nRSeq: 1\n");
	for (unsigned i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		from_partner(&d, methods[i], 2 + i);
		snprintf(text, sizeof(text), "%s", rig_got(d.r, d.inner));
		rig_is_request(text, methods[i]);
		rig_answer(d.r, d.inner, text, 200, "b", "");
		rig_is_status(rig_got(d.r, d.partner), 200);
	}
	rig_close(d.r);
}

/* the connection went while the call was answered: its ACK opens another one */
static void test_ack_waits(void **state)
{
	struct dialog d;
	unsigned inner;

	begin(&d, "INVITE");
	answered(&d, 200, CONTACT);
	rig_end(d.r, d.inner, LINK_END_RESET);
	rig_quiet(d.r, d.partner);
	from_partner(&d, "ACK", 1);
	inner = rig_opened(d.r);
	rig_up(d.r, inner, "pool.ours.com");
	rig_is_request(rig_got(d.r, inner), "ACK");
	/* and one that finds nobody is silent */
	rig_end(d.r, inner, LINK_END_RESET);
	from_partner(&d, "ACK", 1);
	rig_end(d.r, rig_opened(d.r), LINK_END_REFUSED);
	rig_quiet(d.r, d.partner);
	assert_int_equal(rig_drop(d.r, PROXY_DROP_ack_no_link), 1);
	rig_close(d.r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_subscribe),
		cmocka_unit_test(test_refer),
		cmocka_unit_test(test_prack),
		cmocka_unit_test(test_ack_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
