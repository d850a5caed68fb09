/* SPDX-License-Identifier: BSD-3-Clause */
/* RFC 3261 section 18.2.2, RFC 3263 section 5: the sender's connection is gone and he has no other one, so
 * one is opened to him, which must prove to be his. The first link has the address 192.0.2.1. */
#include <string.h>
#include <arpa/inet.h>

#include "tests/replay/proxy/proxy_rig.h"

#define WORLD "allow contoso.com; srv contoso.com sip.contoso.com=198.51.100.7"

struct lost {
	struct rig *r;
	unsigned from, to;
	char request[8192]; /* as it went on */
};

static void begin_as(struct lost *l, const char *world, const char *names, const char *method,
		     const char *via, uint8_t key)
{
	l->r = rig_open(world, NULL);
	l->r->key = key;
	l->from = rig_partner(l->r, names);
	l->r->key = 0;
	rig_send(l->r, l->from,
		 "%s sip:bob@ours.com SIP/2.0\nVia: SIP/2.0/TLS %s;branch=z9hG4bK-1\nMax-Forwards: 70\n"
		 "From: <sip:alice@contoso.com>;tag=a\nTo: <sip:bob@ours.com>\nCall-ID: c\nCSeq: 1 %s\n"
		 "Contact: <sip:alice@192.0.2.1>\nContent-Length: *\n\n",
		 method, via, method);
	if (strcmp(method, "INVITE") == 0)
		rig_is_status(rig_got(l->r, l->from), 100);
	l->to = rig_opened(l->r);
	rig_up(l->r, l->to, "pool.ours.com");
	snprintf(l->request, sizeof(l->request), "%s", rig_got(l->r, l->to));
	rig_is_request(l->request, method);
}

static void begin(struct lost *l, const char *method)
{
	begin_as(l, WORLD, "sip.contoso.com", method, "sip.contoso.com:5071", 0);
}

static bool is_at(const struct rig *r, unsigned link, const char *ip, uint16_t port)
{
	uint8_t bytes[4];
	struct base_addr at;

	assert_int_equal(inet_pton(AF_INET, ip, bytes), 1);
	at = base_addr_v4(bytes);
	return base_addr_equal(&r->link[link].to.ip, &at) && r->link[link].to.port == port;
}

/* to the address of the request and the port of its Via; what came meanwhile waits, the newest of it */
static void test_invite(void **state)
{
	struct lost l;
	unsigned back;

	begin(&l, "INVITE");
	rig_end(l.r, l.from, LINK_END_RESET);
	back = rig_opened(l.r);
	assert_true(is_at(l.r, back, "192.0.2.1", 5071));
	assert_int_equal(l.r->link[back].to.side, LINK_EXTERNAL);
	assert_string_equal(l.r->link[back].sni, "sip.contoso.com");
	rig_answer(l.r, l.to, l.request, 180, "t", "");
	rig_answer(l.r, l.to, l.request, 183, "t", "");
	rig_quiet(l.r, l.to);
	rig_up(l.r, back, "sip.contoso.com");
	rig_is_status(rig_got(l.r, back), 183);
	rig_answer(l.r, l.to, l.request, 200, "t", "");
	rig_is_status(rig_got(l.r, back), 200);
	/* RFC 6026: another branch picks up as well */
	rig_answer(l.r, l.to, l.request, 200, "u", "");
	rig_is_status(rig_got(l.r, back), 200);
	rig_quiet(l.r, back);
	assert_int_equal(rig_count(l.r, PROXY_COUNTER_returned), 1);
	assert_int_equal(rig_count(l.r, PROXY_COUNTER_lost_upstream), 0);
	rig_close(l.r);
}

/* the final answer came before the connection did: nothing behind it, and it is sent once */
static void test_final_waits(void **state)
{
	struct lost l;
	unsigned back;

	begin(&l, "INVITE");
	rig_end(l.r, l.from, LINK_END_CLOSED);
	back = rig_opened(l.r);
	rig_answer(l.r, l.to, l.request, 486, "t", "");
	rig_is_request(rig_got(l.r, l.to), "ACK");
	rig_answer(l.r, l.to, l.request, 486, "t", "");
	rig_up(l.r, back, "other.contoso.com,sip.contoso.com");
	rig_is_status(rig_got(l.r, back), 486);
	rig_quiet(l.r, back);
	rig_close(l.r);
}

/* we gave the connection up, and its peer does not close it: he is looked for at once all the same */
static void test_closes_slowly(void **state)
{
	struct lost l;
	unsigned back;

	begin(&l, "MESSAGE");
	l.r->slow_close = true;
	rig_bytes(l.r, l.from, "nonsense that ends\r\n\r\n", 22, 0);
	rig_wait(l.r, 10);
	assert_int_not_equal(l.r->link[l.from].state, RIG_CLOSED);
	back = rig_opened(l.r);
	rig_answer(l.r, l.to, l.request, 202, "t", "");
	rig_up(l.r, back, "sip.contoso.com");
	rig_is_status(rig_got(l.r, back), 202);
	l.r->slow_close = false;
	rig_wait(l.r, 10);
	assert_int_equal(l.r->link[l.from].state, RIG_CLOSED);
	assert_int_equal(proxy_stats_get(l.r->proxy)->servers, 0);
	rig_close(l.r);
}

static void test_message(void **state)
{
	struct lost l;
	unsigned back;

	begin(&l, "MESSAGE");
	rig_end(l.r, l.from, LINK_END_RESET);
	back = rig_opened(l.r);
	rig_answer(l.r, l.to, l.request, 202, "t", "");
	rig_up(l.r, back, "sip.contoso.com");
	rig_is_status(rig_got(l.r, back), 202);
	assert_int_equal(proxy_stats_get(l.r->proxy)->servers, 0);
	rig_close(l.r);
}

/* the port of sips where the Via has none */
static void test_port(void **state)
{
	struct lost l;

	begin_as(&l, WORLD, "sip.contoso.com", "MESSAGE", "anything", 0);
	rig_end(l.r, l.from, LINK_END_RESET);
	assert_true(is_at(l.r, rig_opened(l.r), "192.0.2.1", 5061));
	rig_close(l.r);
}

/* somebody else is there now: he gets nothing, and the domain's own server is asked */
static void test_stranger(void **state)
{
	struct lost l;
	unsigned wrong, back;

	begin(&l, "INVITE");
	rig_end(l.r, l.from, LINK_END_RESET);
	rig_answer(l.r, l.to, l.request, 200, "t", "");
	wrong = rig_opened(l.r);
	rig_up(l.r, wrong, "sip.evil.com");
	assert_int_equal(l.r->link[wrong].state, RIG_CLOSED);
	rig_quiet(l.r, wrong);
	back = rig_opened(l.r);
	assert_true(is_at(l.r, back, "198.51.100.7", 5061));
	rig_up(l.r, back, "sip.contoso.com");
	rig_is_status(rig_got(l.r, back), 200);
	rig_close(l.r);
}

/* whose usage is looked at: there he is the server */
static void test_usage(void **state)
{
	static const struct {
		uint8_t eku;
		bool fits;
	} rows[] = {{POLICY_EKU_SERVER, true}, {POLICY_EKU_CLIENT, false}};
	struct lost l;
	unsigned back;

	for (unsigned i = 0; i < 2; i++) {
		begin_as(&l, "allow contoso.com eku=strict; srv contoso.com sip.contoso.com=192.0.2.1",
			 "sip.contoso.com", "MESSAGE", "sip.contoso.com:5061", 0);
		rig_end(l.r, l.from, LINK_END_RESET);
		rig_answer(l.r, l.to, l.request, 202, "t", "");
		back = rig_opened(l.r);
		l.r->eku = rows[i].eku;
		rig_up(l.r, back, "sip.contoso.com");
		if (rows[i].fits)
			rig_is_status(rig_got(l.r, back), 202);
		else
			rig_quiet(l.r, back);
		rig_close(l.r);
	}
}

/* the domain's other server is not the one that asked */
static void test_other_server(void **state)
{
	struct lost l;
	unsigned first, second;

	begin_as(&l,
		 "allow contoso.com; srv contoso.com a.contoso.com=198.51.100.1 b.contoso.com=198.51.100.2",
		 "a.contoso.com", "MESSAGE", "a.contoso.com", 0);
	rig_end(l.r, l.from, LINK_END_RESET);
	rig_answer(l.r, l.to, l.request, 200, "t", "");
	first = rig_opened(l.r);
	rig_end(l.r, first, LINK_END_REFUSED);
	second = rig_opened(l.r);
	rig_up(l.r, second, "b.contoso.com");
	rig_quiet(l.r, second);
	assert_int_equal(rig_nobody(l.r), 1);
	assert_int_equal(rig_drop(l.r, PROXY_DROP_response_no_return), 1);
	assert_int_equal(proxy_stats_get(l.r->proxy)->servers, 0);
	rig_close(l.r);
}

/* one that is silent has as long as any connection has; then the next; then nobody, counted by name */
static void test_silent(void **state)
{
	struct lost l;
	unsigned first, second;

	begin(&l, "INVITE");
	rig_answer(l.r, l.to, l.request, 180, "t", "");
	rig_is_status(rig_got(l.r, l.from), 180);
	rig_end(l.r, l.from, LINK_END_RESET);
	first = rig_opened(l.r);
	rig_wait(l.r, 5100);
	assert_int_equal(l.r->link[first].state, RIG_CLOSED);
	second = rig_opened(l.r);
	assert_true(is_at(l.r, second, "198.51.100.7", 5061));
	rig_answer(l.r, l.to, l.request, 200, "t", "");
	rig_wait(l.r, 5100);
	assert_int_equal(rig_drop(l.r, PROXY_DROP_response_no_return), 1);
	assert_int_equal(rig_count(l.r, PROXY_COUNTER_lost_upstream), 1);
	assert_int_equal(proxy_stats_get(l.r->proxy)->servers, 0);
	rig_none_opened(l.r);
	rig_close(l.r);
}

/* a key that is pinned is the identity, not a name */
static void test_key(void **state)
{
	struct lost l;
	unsigned back;

	begin_as(&l, "allow contoso.com check=pinned pin=7; srv contoso.com sip.contoso.com=198.51.100.7",
		 "sip.contoso.com", "MESSAGE", "sip.contoso.com", 7);
	rig_end(l.r, l.from, LINK_END_RESET);
	rig_answer(l.r, l.to, l.request, 200, "t", "");
	back = rig_opened(l.r);
	rig_up(l.r, back, "sip.contoso.com");
	rig_quiet(l.r, back);
	assert_int_equal(l.r->link[back].state, RIG_CLOSED);
	back = rig_opened(l.r);
	l.r->key = 7;
	rig_up(l.r, back, "elsewhere.test");
	rig_is_status(rig_got(l.r, back), 200);
	rig_close(l.r);
}

/* blocked while the connection was opened: the policy of the moment of the answer counts */
static void test_blocked(void **state)
{
	struct lost l;
	unsigned back;

	begin(&l, "MESSAGE");
	rig_end(l.r, l.from, LINK_END_RESET);
	back = rig_opened(l.r);
	rig_world(l.r, "hard contoso.com");
	rig_up(l.r, back, "sip.contoso.com");
	rig_quiet(l.r, back);
	rig_close(l.r);
}

/* a stranger is no way back for whom the policy does not let in any more */
static void test_revoked(void **state)
{
	struct lost l;

	begin(&l, "INVITE");
	proxy_link_revoked(l.r->proxy, l.r->link[l.from].conn);
	rig_end(l.r, l.from, LINK_END_RESET);
	rig_none_opened(l.r);
	rig_answer(l.r, l.to, l.request, 180, "t", "");
	rig_is_request(rig_got(l.r, l.to), "CANCEL");
	rig_answer(l.r, l.to, l.request, 487, "t", "");
	rig_close(l.r);
}

/* he came back himself: that connection is as good, and is there first */
static void test_comes_back(void **state)
{
	struct lost l;
	unsigned back, again;

	begin(&l, "INVITE");
	rig_end(l.r, l.from, LINK_END_RESET);
	back = rig_opened(l.r);
	again = rig_partner(l.r, "sip.contoso.com");
	rig_answer(l.r, l.to, l.request, 180, "t", "");
	rig_is_status(rig_got(l.r, again), 180);
	rig_up(l.r, back, "sip.contoso.com");
	rig_answer(l.r, l.to, l.request, 200, "t", "");
	rig_is_status(rig_got(l.r, again), 200);
	rig_quiet(l.r, back);
	rig_close(l.r);
}

/* a connection of ours to that server is there already */
static void test_is_there(void **state)
{
	static char text[8192];
	struct lost l;
	unsigned inner, out;

	begin(&l, "MESSAGE");
	inner = rig_inner(l.r, "pool.ours.com");
	rig_send(l.r, inner,
		 RIG_REQUEST("MESSAGE", "bob@ours.com", "alice@contoso.com", "h;branch=z9hG4bK-o", ""));
	out = rig_opened(l.r);
	/* the same names, another key: no kin */
	rig_up(l.r, out, "sip.contoso.com,other.contoso.com");
	snprintf(text, sizeof(text), "%s", rig_got(l.r, out));
	rig_answer(l.r, out, text, 200, "t", "");
	rig_is_status(rig_got(l.r, inner), 200);
	rig_end(l.r, l.from, LINK_END_RESET);
	rig_end(l.r, rig_opened(l.r), LINK_END_REFUSED);
	rig_answer(l.r, l.to, l.request, 200, "t", "");
	rig_is_status(rig_got(l.r, out), 200);
	rig_close(l.r);
}

/* inside: where it was, else another member of the pool */
static void test_inside(void **state)
{
	static char text[8192];
	struct rig *r = rig_open(WORLD, NULL);
	unsigned inner = rig_inner(r, "pool.ours.com"), out, back;

	rig_send(r, inner,
		 RIG_REQUEST("MESSAGE", "bob@ours.com", "alice@contoso.com", "h:5081;branch=z9hG4bK-o", ""));
	out = rig_opened(r);
	rig_up(r, out, "sip.contoso.com");
	snprintf(text, sizeof(text), "%s", rig_got(r, out));
	rig_end(r, inner, LINK_END_RESET);
	rig_answer(r, out, text, 200, "t", "");
	back = rig_opened(r);
	assert_int_equal(r->link[back].to.side, LINK_INTERNAL);
	assert_int_equal(r->link[back].to.port, 5081);
	rig_up(r, back, "sip.evil.com");
	rig_quiet(r, back);
	back = rig_opened(r);
	assert_int_equal(r->link[back].to.side, LINK_INTERNAL);
	assert_int_equal(r->link[back].to.port, 5061);
	rig_up(r, back, "pool.ours.com");
	rig_is_status(rig_got(r, back), 200);
	rig_close(r);
}

/* nobody has us call about: so many a second, and those without a way back are counted */
static void test_bounded(void **state)
{
	struct rig *r = rig_open(WORLD, NULL);
	unsigned opened = 0, inner;

	for (unsigned i = 0; i < 6; i++) {
		unsigned from = rig_partner(r, "sip.contoso.com");

		rig_send(r, from,
			 "MESSAGE sip:bob@ours.com SIP/2.0\nVia: SIP/2.0/TLS h:%u;branch=z9hG4bK-%u\n"
			 "Max-Forwards: 70\nFrom: <sip:alice@contoso.com>;tag=a\nTo: <sip:bob@ours.com>\n"
			 "Call-ID: c%u\nCSeq: 1 MESSAGE\nContent-Length: *\n\n",
			 7000 + i, i, i);
		if (i == 0) {
			inner = rig_opened(r);
			rig_up(r, inner, "pool.ours.com");
		}
		rig_end(r, from, LINK_END_RESET);
		opened += rig_nobody(r);
	}
	assert_int_equal(opened, 4);
	assert_int_equal(rig_count(r, PROXY_COUNTER_lost_upstream), 6);
	assert_int_equal(proxy_stats_get(r->proxy)->servers, 0);
	rig_close(r);
}

/* What had not gone on when its connection was lost goes nowhere, and its sender is told; but nobody whom no
 * rule has let in yet. */
static void test_parked(void **state)
{
	static const char request[] =
		"%s sip:bob@ours.com SIP/2.0\nVia: SIP/2.0/TLS h:5071;branch=z9hG4bK-%u\nMax-Forwards: 70\n"
		"From: <sip:alice@%s>;tag=a\nTo: <sip:bob@ours.com>\nCall-ID: p%u\nCSeq: 1 %s\n"
		"Contact: <sip:alice@192.0.2.1>\nContent-Length: *\n\n";
	struct rig *r = rig_open(WORLD "; discovery on", NULL);
	unsigned from = rig_partner(r, "sip.contoso.com"), stranger = rig_partner(r, "sip.litware.com"),
		 inner, back;
	const char *m;

	rig_send(r, from, request, "INVITE", 1, "contoso.com", 1, "INVITE");
	rig_send(r, from, request, "MESSAGE", 2, "contoso.com", 2, "MESSAGE");
	rig_is_status(rig_got(r, from), 100);
	inner = rig_opened(r);
	rig_end(r, from, LINK_END_RESET);
	back = rig_opened(r);
	assert_true(is_at(r, back, "192.0.2.1", 5071));
	rig_up(r, inner, "pool.ours.com");
	rig_quiet(r, inner);
	rig_up(r, back, "sip.contoso.com");
	for (unsigned i = 0; i < 2; i++) {
		m = rig_got(r, back);
		rig_is_status(m, 503);
		assert_string_equal(rig_field(m, "Retry-After", 0), "5");
	}
	assert_int_equal(rig_event(r, EXCHANGE_EVENT_REFUSED)->reason, POLICY_REASON_SENDER_LOST);
	rig_quiet(r, back);
	rig_quiet(r, inner);
	assert_int_equal(rig_count(r, PROXY_COUNTER_lost_upstream), 0);
	/* of this one nothing is known but what it claims: it waits for DNS */
	rig_send(r, stranger, request, "INVITE", 3, "litware.com", 3, "INVITE");
	rig_is_status(rig_got(r, stranger), 100);
	assert_int_equal(proxy_stats_get(r->proxy)->parked, 1);
	rig_end(r, stranger, LINK_END_RESET);
	rig_none_opened(r);
	assert_int_equal(rig_count(r, PROXY_COUNTER_lost_upstream), 1);
	rig_close(r);
}

/* the request is not carried any further for somebody who is being looked for */
static void test_next_hop_fails(void **state)
{
	struct lost l;
	unsigned back;

	begin(&l, "INVITE");
	rig_end(l.r, l.from, LINK_END_RESET);
	back = rig_opened(l.r);
	rig_end(l.r, l.to, LINK_END_RESET);
	rig_up(l.r, back, "sip.contoso.com");
	rig_is_status(rig_got(l.r, back), 504);
	rig_close(l.r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_invite),	       cmocka_unit_test(test_final_waits),
		cmocka_unit_test(test_closes_slowly),  cmocka_unit_test(test_message),
		cmocka_unit_test(test_port),	       cmocka_unit_test(test_stranger),
		cmocka_unit_test(test_usage),	       cmocka_unit_test(test_other_server),
		cmocka_unit_test(test_silent),	       cmocka_unit_test(test_key),
		cmocka_unit_test(test_blocked),	       cmocka_unit_test(test_revoked),
		cmocka_unit_test(test_comes_back),     cmocka_unit_test(test_is_there),
		cmocka_unit_test(test_inside),	       cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_next_hop_fails), cmocka_unit_test(test_parked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
