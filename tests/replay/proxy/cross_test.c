/* SPDX-License-Identifier: BSD-3-Clause */
/* Several cores: connections of a next hop are few for the whole box, and what crosses for that is answered,
 * cancelled, acknowledged and cleaned up as if it had not. */
#include <string.h>

#include "dataplane/proxy/proxy_state.h"
#include "tests/replay/proxy/proxy_rig.h"

#define WORLD "allow contoso.com proxy=sip.contoso.com; host sip.contoso.com 198.51.100.7"

static unsigned serial;

static void request(struct rig *r, unsigned link, const char *method, const char *from, const char *to)
{
	serial++;
	rig_send(r, link,
		 "%s sip:%s SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-x%u\nMax-Forwards: 70\n"
		 "From: <sip:%s>;tag=1\nTo: <sip:%s>\nCall-ID: x%u\nCSeq: 1 %s\n"
		 "Contact: <sip:c@192.0.2.1>\nContent-Length: *\n\n",
		 method, to, serial, from, to, serial, method);
}

static struct rig *open_one_each(unsigned cores)
{
	struct rig *r = rig_open_cores(WORLD, cores);

	policy_draft_box(r->world.draft)->connections_per_partner = 1;
	rig_world(r, "");
	return r;
}

static unsigned opened(const struct rig *r)
{
	unsigned n = 0;

	for (unsigned i = 0; i < r->links_n; i++)
		n += r->link[i].ours;
	return n;
}

/* wherever the peers are, there is one connection to the pool, and each gets his own answer */
static void test_one_connection(void **state)
{
	static char text[4096];
	struct rig *r = open_one_each(4);
	unsigned partner[4], inner, sent = 0;

	for (unsigned i = 0; i < 4; i++) {
		r->accept_at = i;
		partner[i] = rig_partner(r, "sip.contoso.com");
		request(r, partner[i], "MESSAGE", "a@contoso.com", "b@ours.com");
	}
	assert_int_equal(opened(r), 1);
	inner = rig_opened(r);
	rig_up(r, inner, "pool.ours.com");
	for (unsigned i = 0; i < 4; i++) {
		snprintf(text, sizeof(text), "%s", rig_got(r, inner));
		rig_is_request(text, "MESSAGE");
		assert_non_null(strstr(rig_field(text, "Via", 1), ";received=192.0.2."));
		rig_answer(r, inner, text, 200, "t", "");
	}
	for (unsigned i = 0; i < 4; i++)
		rig_is_status(rig_got(r, partner[i]), 200);
	assert_int_equal(rig_count(r, PROXY_COUNTER_crossed), 3);
	/* what crosses is counted once, where it leaves */
	for (unsigned i = 0; i < r->links_n; i++)
		sent += r->link[i].out_len;
	assert_int_equal(rig_count(r, PROXY_COUNTER_bytes_out), sent);
	rig_close(r);
}

/* the core that has no connection of its own to the pool */
static unsigned far_partner(struct rig *r, unsigned *inner)
{
	static char text[4096];
	unsigned partner;

	r->accept_at = 0;
	partner = rig_partner(r, "sip.contoso.com");
	request(r, partner, "MESSAGE", "a@contoso.com", "b@ours.com");
	*inner = rig_opened(r);
	rig_up(r, *inner, "pool.ours.com");
	snprintf(text, sizeof(text), "%s", rig_got(r, *inner));
	rig_answer(r, *inner, text, 200, "t", "");
	rig_is_status(rig_got(r, partner), 200);
	r->accept_at = r->link[*inner].core ? 0 : 1;
	if (r->accept_at != 0)
		partner = rig_partner(r, "sip.contoso.com");
	return partner;
}

static void test_call(void **state)
{
	static char invite[8192];
	struct rig *r = open_one_each(2);
	unsigned inner, partner = far_partner(r, &inner), n;

	request(r, partner, "INVITE", "a@contoso.com", "b@ours.com");
	n = serial;
	rig_is_status(rig_got(r, partner), 100);
	snprintf(invite, sizeof(invite), "%s", rig_got(r, inner));
	rig_answer(r, inner, invite, 180, "t", "");
	rig_is_status(rig_got(r, partner), 180);
	/* CANCEL follows it */
	rig_send(r, partner,
		 "CANCEL sip:b@ours.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-x%u\n"
		 "From: <sip:a@contoso.com>;tag=1\nTo: <sip:b@ours.com>\nCall-ID: x%u\nCSeq: 1 CANCEL\n"
		 "Content-Length: *\n\n",
		 n, n);
	rig_is_status(rig_got(r, partner), 200);
	rig_is_request(rig_got(r, inner), "CANCEL");
	rig_answer(r, inner, invite, 487, "t", "");
	rig_is_request(rig_got(r, inner), "ACK");
	rig_is_status(rig_got(r, partner), 487);
	/* and so does the ACK of the refusal */
	rig_send(r, partner,
		 "ACK sip:b@ours.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-x%u\n"
		 "From: <sip:a@contoso.com>;tag=1\nTo: <sip:b@ours.com>;tag=t\nCall-ID: x%u\nCSeq: 1 ACK\n"
		 "Content-Length: *\n\n",
		 n, n);
	assert_int_equal(rig_drop(r, PROXY_DROP_ack_absorbed), 1);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(proxy_stats_get(r->proxies[i])->servers, 0);
	rig_close(r);
}

static void cancel(struct rig *r, unsigned link, unsigned n)
{
	rig_send(r, link,
		 "CANCEL sip:b@ours.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-x%u\n"
		 "From: <sip:a@contoso.com>;tag=1\nTo: <sip:b@ours.com>\nCall-ID: x%u\nCSeq: 1 CANCEL\n"
		 "Content-Length: *\n\n",
		 n, n);
}

/* his CANCEL comes over another connection of his, on whichever core: it finds the INVITE; a stranger's does
 * not, and what there is none for is answered once */
static void test_cancel_elsewhere(void **state)
{
	static char invite[8192];

	for (unsigned from = 0; from < 4; from++)
		for (unsigned to = 0; to < 4; to++) {
			struct rig *r = open_one_each(4);
			unsigned caller, other, stranger, inner;

			r->accept_at = from;
			caller = rig_partner(r, "sip.contoso.com");
			r->accept_at = to;
			other = rig_partner(r, "sip.contoso.com");
			stranger = rig_partner(r, "sip.fabrikam.com");
			request(r, caller, "INVITE", "a@contoso.com", "b@ours.com");
			inner = rig_opened(r);
			rig_up(r, inner, "pool.ours.com");
			snprintf(invite, sizeof(invite), "%s", rig_got(r, inner));
			rig_answer(r, inner, invite, 180, "t", "");
			rig_is_status(rig_got(r, caller), 100);
			rig_is_status(rig_got(r, caller), 180);
			cancel(r, stranger, serial);
			rig_is_status(rig_got(r, stranger), 481);
			cancel(r, other, serial + 1000);
			rig_is_status(rig_got(r, other), 481);
			rig_quiet(r, inner);
			cancel(r, other, serial);
			rig_is_status(rig_got(r, other), 200);
			rig_is_request(rig_got(r, inner), "CANCEL");
			rig_answer(r, inner, invite, 487, "t", "");
			rig_is_request(rig_got(r, inner), "ACK");
			rig_is_status(rig_got(r, caller), 487);
			rig_quiet(r, other);
			rig_quiet(r, stranger);
			rig_close(r);
		}
}

/* questions to other cores are few: who floods with CANCELs of nothing is answered here */
static void test_cancel_flood(void **state)
{
	struct rig *r = open_one_each(2);
	unsigned partner = rig_partner(r, "sip.contoso.com");

	for (unsigned i = 0; i < 2000; i++) {
		cancel(r, partner, 5000 + i);
		rig_is_status(rig_got(r, partner), 481);
	}
	assert_in_range(r->proxies[0]->cancels_n, 1, 512);
	rig_close(r);
}

/* the ACK of a 2xx is a request of its own: it crosses as its INVITE did, and is one */
static void test_ack(void **state)
{
	static char invite[8192], ok[8192];
	struct rig *r = open_one_each(2);
	unsigned inner, partner = far_partner(r, &inner);

	request(r, partner, "INVITE", "a@contoso.com", "b@ours.com");
	snprintf(invite, sizeof(invite), "%s", rig_got(r, inner));
	rig_answer(r, inner, invite, 200, "t", "Contact: <sip:b@10.1.1.1>\n");
	rig_is_status(rig_got(r, partner), 100);
	snprintf(ok, sizeof(ok), "%s", rig_got(r, partner));
	rig_is_status(ok, 200);
	rig_send(r, partner,
		 "ACK sip:b@10.1.1.1 SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-ack\nMax-Forwards: 70\n"
		 "Route: %s\nRoute: %s\nFrom: <sip:a@contoso.com>;tag=1\nTo: <sip:b@ours.com>;tag=t\n"
		 "Call-ID: x%u\nCSeq: 1 ACK\nContent-Length: *\n\n",
		 rig_field(ok, "Record-Route", 1), rig_field(ok, "Record-Route", 0), serial);
	rig_is_request(rig_got(r, inner), "ACK");
	assert_int_equal(rig_count(r, PROXY_COUNTER_acks), 1);
	rig_close(r);
}

static void test_peer_gone(void **state)
{
	static char invite[8192];
	struct rig *r = open_one_each(2);
	unsigned inner, partner = far_partner(r, &inner);

	request(r, partner, "INVITE", "a@contoso.com", "b@ours.com");
	snprintf(invite, sizeof(invite), "%s", rig_got(r, inner));
	rig_answer(r, inner, invite, 180, "t", "");
	rig_end(r, partner, LINK_END_RESET);
	/* his other connection takes the answers, as long as it lives */
	if (partner != 0) {
		rig_quiet(r, inner);
		rig_answer(r, inner, invite, 183, "t", "");
		rig_is_status(rig_got(r, 0), 183);
		rig_end(r, 0, LINK_END_RESET);
	}
	assert_int_equal(rig_nobody(r), 2);
	rig_is_request(rig_got(r, inner), "CANCEL");
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(proxy_stats_get(r->proxies[i])->servers, 0);
	rig_close(r);
}

/* both of his connections were accepted where the next hop's is not: the second one is heard of in time */
static void test_peer_moves(void **state)
{
	static char invite[8192];
	struct rig *r = open_one_each(2);
	unsigned inner, again, partner = far_partner(r, &inner);

	r->accept_at = r->link[inner].core ? 0 : 1;
	if (partner != 0)
		rig_end(r, 0, LINK_END_CLOSED);
	again = rig_partner(r, "sip.contoso.com");
	request(r, partner, "INVITE", "a@contoso.com", "b@ours.com");
	snprintf(invite, sizeof(invite), "%s", rig_got(r, inner));
	rig_end(r, partner, LINK_END_RESET);
	rig_answer(r, inner, invite, 180, "t", "");
	rig_is_status(rig_got(r, again), 180);
	rig_quiet(r, inner);
	rig_end(r, again, LINK_END_RESET);
	assert_int_equal(rig_nobody(r), 2);
	rig_is_request(rig_got(r, inner), "CANCEL");
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(proxy_stats_get(r->proxies[i])->servers, 0);
	rig_close(r);
}

static void test_next_hop_gone(void **state)
{
	struct rig *r = open_one_each(2);
	unsigned inner, partner = far_partner(r, &inner);

	request(r, partner, "INVITE", "a@contoso.com", "b@ours.com");
	rig_is_status(rig_got(r, partner), 100);
	rig_is_request(rig_got(r, inner), "INVITE");
	rig_end(r, inner, LINK_END_RESET);
	rig_is_status(rig_got(r, partner), 504);
	rig_close(r);
}

/* a peer that does not read, at another core: its answers wait and come */
static void test_slow(void **state)
{
	static char text[4096];
	struct rig *r = open_one_each(2);
	unsigned inner, partner = far_partner(r, &inner);

	for (unsigned i = 0; i < 50; i++)
		request(r, partner, "MESSAGE", "a@contoso.com", "b@ours.com");
	r->link[partner].room = 100;
	for (unsigned i = 0; i < 50; i++) {
		snprintf(text, sizeof(text), "%s", rig_got(r, inner));
		rig_answer(r, inner, text, 200, "t", "");
	}
	rig_room(r, partner, UINT32_MAX);
	for (unsigned i = 0; i < 50; i++)
		rig_is_status(rig_got(r, partner), 200);
	rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_connection),
		cmocka_unit_test(test_call),
		cmocka_unit_test(test_cancel_elsewhere),
		cmocka_unit_test(test_cancel_flood),
		cmocka_unit_test(test_ack),
		cmocka_unit_test(test_peer_gone),
		cmocka_unit_test(test_peer_moves),
		cmocka_unit_test(test_next_hop_gone),
		cmocka_unit_test(test_slow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
