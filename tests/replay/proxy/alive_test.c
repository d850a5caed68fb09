/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections over time: keep-alive, health of the pool, what policy no longer admits, idle ones. */
#include <string.h>

#include "tests/replay/proxy/proxy_rig.h"

#define WORLD "allow contoso.com proxy=sip.contoso.com; host sip.contoso.com 198.51.100.7"

static unsigned serial;

static void message(struct rig *r, unsigned link, const char *from, const char *to)
{
	serial++;
	rig_send(r, link,
		 "MESSAGE sip:%s SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-a%u\n"
		 "From: <sip:%s>;tag=1\nTo: <sip:%s>\nCall-ID: a%u\nCSeq: 1 MESSAGE\nContent-Length: *\n\n",
		 to, serial, from, to, serial);
}

static unsigned open_out(struct rig *r, unsigned *inner)
{
	static char request[8192];
	unsigned out;

	*inner = rig_inner(r, "pool.ours.com");
	message(r, *inner, "b@ours.com", "a@contoso.com");
	out = rig_opened(r);
	rig_up(r, out, "sip.contoso.com");
	snprintf(request, sizeof(request), "%s", rig_got(r, out));
	rig_answer(r, out, request, 200, "t", "");
	rig_is_status(rig_got(r, *inner), 200);
	return out;
}

/* RFC 5626 section 3.5.1 */
static void test_ping(void **state)
{
	struct rig *r = rig_open(WORLD, NULL);
	unsigned inner, out = open_out(r, &inner);

	for (unsigned i = 1; i <= 4; i++) {
		rig_wait(r, 94000);
		rig_quiet(r, out);
		assert_int_equal(r->link[out].pings, 2 * i - 2);
		for (unsigned k = 0; k < 27 && r->link[out].pings < 2 * i; k++) {
			rig_wait(r, 1000);
			rig_quiet(r, out);
		}
		assert_int_equal(r->link[out].pings, 2 * i);
		rig_bytes(r, out, "\r\n", 2, 0);
	}
	/* it has answered before: now it is dead */
	rig_wait(r, 131000);
	assert_int_equal(r->link[out].state, RIG_CLOSED);
	assert_int_equal(rig_count(r, PROXY_COUNTER_pings_lost), 1);
	rig_close(r);
}

/* who never answers one is not asked again, and is closed for being idle, not for silence */
static void test_ping_unknown(void **state)
{
	struct rig *r = rig_open(WORLD, NULL);
	unsigned inner, out = open_out(r, &inner);

	rig_wait(r, 400000);
	rig_quiet(r, out);
	assert_int_equal(r->link[out].pings, 2);
	assert_int_equal(r->link[out].state, RIG_UP);
	rig_wait(r, 400000);
	assert_int_equal(r->link[out].state, RIG_CLOSED);
	assert_int_equal(rig_count(r, PROXY_COUNTER_links_closed_idle), 1);
	/* the peer's own connection is his to close */
	assert_int_equal(r->link[inner].state, RIG_UP);
	rig_close(r);
}

static void test_block_closes(void **state)
{
	struct rig *r = rig_open(WORLD "; allow fabrikam.com proxy=sip.fabrikam.com", NULL);
	unsigned inner, out = open_out(r, &inner), in = rig_partner(r, "sip.contoso.com"),
			other = rig_partner(r, "sip.fabrikam.com"), quiet = rig_partner(r, "sip.x.com");

	message(r, in, "a@contoso.com", "b@ours.com");
	message(r, other, "a@fabrikam.com", "b@ours.com");
	rig_world(r, "hard contoso.com");
	rig_wait(r, 1000);
	assert_int_equal(r->link[out].state, RIG_CLOSED);
	assert_int_equal(r->link[in].state, RIG_CLOSED);
	assert_int_equal(r->link[other].state, RIG_UP);
	assert_int_equal(r->link[quiet].state, RIG_UP);
	assert_int_equal(r->link[inner].state, RIG_UP);
	assert_int_equal(rig_count(r, PROXY_COUNTER_links_closed_blocked), 2);
	assert_non_null(rig_event(r, EXCHANGE_EVENT_CUT));
	rig_close(r);
}

/* whom nothing but a pin lets in goes within a second when it does */
static void test_pin_closes(void **state)
{
	struct rig *r = rig_open("allow contoso.com check=pinned pin=7; allow fabrikam.com", NULL);
	unsigned pinned, gone, named;

	r->key_alone = true;
	r->key = 7;
	pinned = rig_partner(r, "");
	r->key = 9;
	gone = rig_partner(r, "");
	r->key_alone = false;
	named = rig_partner(r, "sip.fabrikam.com");
	message(r, pinned, "a@contoso.com", "b@ours.com");
	rig_world(r, "allow x.com");
	rig_wait(r, 1000);
	assert_int_equal(r->link[pinned].state, RIG_UP);
	assert_int_equal(r->link[named].state, RIG_UP);
	assert_int_equal(r->link[gone].state, RIG_CLOSED);
	assert_non_null(rig_event(r, EXCHANGE_EVENT_CUT));
	rig_close(r);
}

/* who commits all the time does not put the cut off */
static void test_block_among_commits(void **state)
{
	struct rig *r = rig_open(WORLD, NULL);
	unsigned inner, out = open_out(r, &inner);
	char more[64];

	rig_world(r, "hard contoso.com");
	for (unsigned i = 0; i < 3; i++) {
		rig_wait(r, 290);
		assert_int_equal(r->link[out].state, RIG_UP);
		snprintf(more, sizeof(more), "allow n%u.com", i);
		rig_world(r, more);
	}
	rig_wait(r, 100);
	assert_int_equal(r->link[out].state, RIG_CLOSED);
	rig_close(r);
}

/* two members of a pool by address */
static void add_pool(struct rig *r)
{
	struct policy_hop_part hops[2] = {
		{.hop = {.priority = 1, .port = 5061, .flags = POLICY_HOP_IN_SERVICE | POLICY_HOP_IP}},
		{.hop = {.priority = 2, .port = 5061, .flags = POLICY_HOP_IN_SERVICE | POLICY_HOP_IP}}};
	static const uint8_t a[16] = {[10] = 0xff, [11] = 0xff, 10, 0, 0, 11},
			     b[16] = {[10] = 0xff, [11] = 0xff, 10, 0, 0, 12};
	struct policy_route_set set = {.flags = POLICY_ROUTE_NAMED};
	struct policy_own_domain own = {.identity = 1};

	memcpy(hops[0].hop.ip, a, 16);
	memcpy(hops[1].hop.ip, b, 16);
	own.inside_route = (uint32_t)policy_draft_route_set(r->world.draft, &set, (struct policy_name){"", 0},
							    policy_name_of("two"), hops, 2);
	assert_int_equal(policy_draft_own_domain(r->world.draft, &own, policy_name_of("two.ours.com")), 0);
	rig_world(r, "");
}

static void test_health(void **state)
{
	static char request[8192];
	struct rig *r = rig_open(WORLD, NULL);
	unsigned partner, a, b;

	add_pool(r);
	partner = rig_partner(r, "sip.contoso.com");
	message(r, partner, "a@contoso.com", "b@two.ours.com");
	a = rig_opened(r);
	assert_int_equal(r->link[a].to.ip.b[15], 11);
	rig_up(r, a, "pool.ours.com");
	snprintf(request, sizeof(request), "%s", rig_got(r, a));
	rig_answer(r, a, request, 200, "t", "");
	for (unsigned i = 0; i < 3; i++) {
		rig_wait(r, 12000);
		snprintf(request, sizeof(request), "%s", rig_got(r, a));
		rig_is_request(request, "OPTIONS");
		assert_string_equal(rig_field(request, "Max-Forwards", 0), "70");
		/* any answer will do */
		rig_answer(r, a, request, 405, "t", "");
	}
	assert_int_equal(r->link[a].state, RIG_UP);
	/* and then none: the connection is given up, messages go to the other one at once */
	for (unsigned i = 0; i < 170 && r->link[a].state == RIG_UP; i++)
		rig_wait(r, 100);
	assert_int_equal(r->link[a].state, RIG_CLOSED);
	assert_int_equal(rig_count(r, PROXY_COUNTER_health_failed), 1);
	message(r, partner, "a@contoso.com", "b@two.ours.com");
	b = rig_opened(r);
	assert_int_equal(r->link[b].to.ip.b[15], 12);
	rig_up(r, b, "pool.ours.com");
	rig_is_request(rig_got(r, b), "MESSAGE");
	rig_close(r);
}

/* one that shows no certificate of the inner list carries nothing */
static void test_inner_name(void **state)
{
	struct rig *r = rig_open(WORLD, NULL);
	unsigned partner = rig_partner(r, "sip.contoso.com"), inner;

	message(r, partner, "a@contoso.com", "b@ours.com");
	inner = rig_opened(r);
	rig_up(r, inner, "someone.ours.com");
	rig_quiet(r, inner);
	rig_is_status(rig_got(r, partner), 504);
	assert_int_equal(r->link[inner].state, RIG_CLOSED);
	rig_close(r);
}

/* more connections where one has much to do, and no more than the policy says */
static void test_spread(void **state)
{
	struct rig *r = rig_open(WORLD, NULL);
	unsigned inner, out = open_out(r, &inner), more = 0;

	policy_draft_box(r->world.draft)->connections_per_partner = 3;
	rig_world(r, "");
	for (unsigned i = 0; i < 100; i++) {
		message(r, inner, "b@ours.com", "a@contoso.com");
		for (unsigned k = 0; k < r->links_n; k++) {
			if (r->link[k].state == RIG_OPENING) {
				rig_up(r, k, "sip.contoso.com");
				more++;
			}
		}
	}
	assert_int_equal(more, 2);
	for (unsigned k = 0; k < r->links_n; k++)
		if (r->link[k].ours)
			assert_in_range(r->link[k].out_len, 5000, 40000);
	rig_end(r, out, LINK_END_RESET);
	rig_close(r);
}

/* those that are closing, and take their time, keep no place from one that is needed */
static void test_slow_close(void **state)
{
	struct rig *r = rig_open(WORLD, NULL);
	unsigned inner, out = open_out(r, &inner);

	policy_draft_box(r->world.draft)->connections_per_partner = 4;
	rig_world(r, "");
	r->slow_close = true;
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 100; i++) {
			message(r, inner, "b@ours.com", "a@contoso.com");
			for (unsigned k = 0; k < r->links_n; k++)
				if (r->link[k].state == RIG_OPENING)
					rig_up(r, k, "sip.contoso.com");
		}
		for (unsigned k = out; k < r->links_n; k++)
			if (r->link[k].ours && !r->link[k].said_close)
				rig_eof(r, k);
		message(r, inner, "b@ours.com", "a@contoso.com");
		out = rig_opened(r);
		rig_up(r, out, "sip.contoso.com");
		rig_is_request(rig_got(r, out), "MESSAGE");
	}
	assert_int_equal(rig_count(r, PROXY_COUNTER_links_opened), 13);
	r->slow_close = false;
	rig_close(r);
}

/* half a message keeps nothing for long, whether bytes trickle or not; an idle peer may stay */
static void test_stalled(void **state)
{
	static const char half[] =
		"MESSAGE sip:b@ours.com SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK-1\r\nX: ";
	struct rig *r = rig_open(WORLD, NULL);
	unsigned a = rig_partner(r, "sip.contoso.com"), b = rig_partner(r, "sip.contoso.com"),
		 quiet = rig_partner(r, "sip.contoso.com"), slow = rig_partner(r, "sip.contoso.com");

	r->link[slow].room = 10;
	message(r, slow, "a@third.com", "b@ours.com");
	rig_bytes(r, a, half, sizeof(half) - 1, 0);
	rig_bytes(r, b, half, sizeof(half) - 1, 0);
	for (unsigned i = 0; i < 31; i++) {
		rig_wait(r, 1000);
		rig_bytes(r, b, "y", 1, 0);
	}
	assert_int_equal(r->link[a].state, RIG_UP);
	assert_int_equal(r->link[slow].state, RIG_UP);
	rig_wait(r, 1100);
	assert_int_equal(r->link[a].state, RIG_CLOSED);
	assert_int_equal(r->link[b].state, RIG_CLOSED);
	assert_int_equal(r->link[slow].state, RIG_CLOSED);
	assert_int_equal(r->link[quiet].state, RIG_UP);
	assert_int_equal(rig_count(r, PROXY_COUNTER_links_closed_stalled), 2);
	assert_int_equal(rig_count(r, PROXY_COUNTER_links_closed_slow), 1);
	rig_close(r);
}

/* one stranger cannot use up what all need */
static void test_share(void **state)
{
	struct proxy_config config;
	struct rig *r;
	unsigned greedy, other, inner;

	proxy_config_default(&config);
	config.conns = 16;
	config.transactions = 64;
	r = rig_open(WORLD "; allow fabrikam.com proxy=sip.fabrikam.com", &config);
	greedy = rig_partner(r, "sip.contoso.com");
	other = rig_partner(r, "sip.fabrikam.com");
	for (unsigned i = 0; i < 20; i++)
		message(r, greedy, "a@contoso.com", "b@ours.com");
	inner = rig_opened(r);
	rig_up(r, inner, "pool.ours.com");
	for (unsigned i = 0; i < 8; i++)
		rig_is_request(rig_got(r, inner), "MESSAGE");
	rig_quiet(r, inner);
	for (unsigned i = 0; i < 12; i++) {
		const char *m = rig_got(r, greedy);

		rig_is_status(m, 503);
		assert_int_equal(rig_fields(m, "Retry-After"), 1);
	}
	message(r, other, "a@fabrikam.com", "b@ours.com");
	rig_is_request(rig_got(r, inner), "MESSAGE");
	rig_close(r);
}

static unsigned told(const struct rig *r, enum exchange_event_kind kind, const char *text)
{
	unsigned n = 0;

	for (unsigned i = 0; i < r->events_n; i++)
		if (r->events[i].kind == kind && strlen(text) == r->events[i].text_len &&
		    memcmp(r->events[i].text, text, r->events[i].text_len) == 0)
			n++;
	return n;
}

static unsigned told_all(const struct rig *r, enum exchange_event_kind kind)
{
	unsigned n = 0;

	for (unsigned i = 0; i < r->events_n; i++)
		n += r->events[i].kind == kind;
	return n;
}

/* a connection is told of once when it comes and once when it goes, and of that with the cause */
static void test_told(void **state)
{
	struct rig *r = rig_open(WORLD, NULL);
	unsigned partner = rig_partner(r, "sip.contoso.com"), other = rig_partner(r, "sip.contoso.com"),
		 inner;

	assert_int_equal(told(r, EXCHANGE_EVENT_PEER_UP, "accepted, TLS"), 2);
	message(r, partner, "a@contoso.com", "b@ours.com");
	inner = rig_opened(r);
	rig_up(r, inner, "pool.ours.com");
	assert_int_equal(told(r, EXCHANGE_EVENT_PEER_UP, "opened, TLS"), 1);
	rig_bytes(r, other, "nonsense that ends\r\n\r\n", 22, 0);
	rig_wait(r, 10);
	assert_int_equal(r->link[other].state, RIG_CLOSED);
	assert_int_equal(told_all(r, EXCHANGE_EVENT_PEER_DOWN), 1);
	assert_int_equal(told(r, EXCHANGE_EVENT_PEER_DOWN, "a message whose end cannot be told"), 1);
	rig_end(r, partner, LINK_END_RESET);
	assert_int_equal(told(r, EXCHANGE_EVENT_PEER_DOWN, "it was cut off"), 1);
	rig_wait(r, 800000);
	assert_int_equal(r->link[inner].state, RIG_CLOSED);
	assert_int_equal(told(r, EXCHANGE_EVENT_PEER_DOWN, "nothing to carry"), 1);
	assert_int_equal(told_all(r, EXCHANGE_EVENT_PEER_DOWN), 3);
	assert_int_equal(told_all(r, EXCHANGE_EVENT_PEER_UP), 3);
	rig_close(r);
}

/* … nor over many connections: what is half used up is for who has little of it */
static void test_share_of_peer(void **state)
{
	struct proxy_config config;
	struct rig *r;
	unsigned greedy[12], other, inner, passed = 0;

	proxy_config_default(&config);
	config.conns = 32;
	config.transactions = 64;
	r = rig_open(WORLD "; allow fabrikam.com proxy=sip.fabrikam.com", &config);
	other = rig_partner(r, "sip.fabrikam.com");
	message(r, other, "a@fabrikam.com", "b@ours.com");
	inner = rig_opened(r);
	rig_up(r, inner, "pool.ours.com");
	rig_is_request(rig_got(r, inner), "MESSAGE");
	for (unsigned k = 0; k < 12; k++) {
		greedy[k] = rig_partner(r, "sip.contoso.com");
		for (unsigned i = 0; i < 8; i++)
			message(r, greedy[k], "a@contoso.com", "b@ours.com");
	}
	while (r->link[inner].out_at < r->link[inner].out_len) {
		rig_is_request(rig_got(r, inner), "MESSAGE");
		passed++;
	}
	assert_in_range(passed, 31, 32);
	for (unsigned i = 0; i < 6; i++) {
		message(r, other, "a@fabrikam.com", "b@ours.com");
		rig_is_request(rig_got(r, inner), "MESSAGE");
	}
	rig_close(r);
}

/* halves of large messages, over many connections, leave room for the large messages of others */
static void test_share_of_buffers(void **state)
{
	struct proxy_config config;
	static char half[160000];
	struct rig *r;
	unsigned greedy, other, cut = 0;
	int n;

	proxy_config_default(&config);
	config.conns = 32;
	config.buffers_128k = config.buffers_1m = 16;
	r = rig_open(WORLD "; allow fabrikam.com proxy=sip.fabrikam.com", &config);
	other = rig_partner(r, "sip.fabrikam.com");
	memset(half, 'x', sizeof(half));
	n = snprintf(half, sizeof(half),
		     "MESSAGE sip:b@ours.com SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK-1\r\n"
		     "From: <sip:a@contoso.com>;tag=1\r\nTo: <sip:b@ours.com>\r\nCall-ID: 1\r\n"
		     "CSeq: 1 MESSAGE\r\nContent-Length: 1000000\r\n\r\n");
	half[n] = 'x';
	for (unsigned k = 0; k < 20; k++) {
		greedy = rig_partner(r, "sip.contoso.com");
		rig_bytes(r, greedy, half, sizeof(half), 0);
		cut += r->link[greedy].said_abort;
	}
	assert_in_range(cut, 10, 13);
	rig_bytes(r, other, half, sizeof(half), 0);
	assert_false(r->link[other].said_abort);
	rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_told),	      cmocka_unit_test(test_ping),
		cmocka_unit_test(test_ping_unknown),  cmocka_unit_test(test_block_closes),
		cmocka_unit_test(test_pin_closes),    cmocka_unit_test(test_health),
		cmocka_unit_test(test_stalled),	      cmocka_unit_test(test_share),
		cmocka_unit_test(test_share_of_peer), cmocka_unit_test(test_share_of_buffers),
		cmocka_unit_test(test_inner_name),    cmocka_unit_test(test_block_among_commits),
		cmocka_unit_test(test_spread),	      cmocka_unit_test(test_slow_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
