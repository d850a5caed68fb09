/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests that leave: questions to DNS, next hops, their certificates, failover (RFC 3263 section 4.3). */
#include <string.h>

#include "tests/replay/proxy/proxy_rig.h"

#define WORLD "discovery on; "
#define MESSAGE_OUT(n)                                                                    \
	"MESSAGE sip:alice@contoso.com SIP/2.0\n"                                         \
	"Via: SIP/2.0/TLS 10.0.0.9:5061;branch=z9hG4bK-" n "\n"                           \
	"Max-Forwards: 70\nFrom: <sip:bob@ours.com>;tag=f\nTo: <sip:alice@contoso.com>\n" \
	"Call-ID: c" n "\nCSeq: 1 MESSAGE\nContent-Type: text/plain\nContent-Length: *\n\nHi"

static void test_ask(void **state)
{
	struct rig *r = rig_open(WORLD, NULL);
	unsigned inner = rig_inner(r, "pool.ours.com"), out;
	char request[4096];
	const char *m;

	rig_send(r, inner, "%s", MESSAGE_OUT("1"));
	rig_none_opened(r);
	assert_int_equal(r->asks_n, 1);
	assert_int_equal(r->asks[0].dns_kind, POLICY_DNS_FEDERATION);
	assert_int_equal(r->asks[0].len, 11);
	assert_int_equal(r->asks[0].asker, 0);
	assert_memory_equal(r->asks[0].name, "contoso.com", 11);
	assert_int_equal(proxy_stats_get(r->proxy)->parked, 1);
	rig_wait(r, 30);
	rig_none_opened(r);
	assert_int_equal(r->asks_n, 1);
	rig_world(r, "srv contoso.com sip.contoso.com:5061=198.51.100.7");
	rig_wait(r, 30);
	out = rig_opened(r);
	assert_int_equal(r->link[out].to.side, LINK_EXTERNAL);
	assert_int_equal(r->link[out].to.port, 5061);
	assert_string_equal(r->link[out].sni, "sip.contoso.com");
	rig_up(r, out, "sip.contoso.com");
	m = rig_got(r, out);
	rig_is_request(m, "MESSAGE");
	snprintf(request, sizeof(request), "%s", m);
	assert_non_null(strstr(rig_field(m, "Via", 0), "SIP/2.0/TLS sip.ours.com:5061;branch=z9hG4bK"));
	assert_int_equal(rig_fields(m, "ms-edge-proxy-message-trust"), 0);
	rig_answer(r, out, request, 200, "t", "");
	m = rig_got(r, inner);
	rig_is_status(m, 200);
	assert_int_equal(rig_fields(m, "ms-edge-proxy-message-trust"), 1);
	assert_int_equal(proxy_stats_get(r->proxy)->parked, 0);
	/* the next one needs neither question nor connection */
	rig_send(r, inner, "%s", MESSAGE_OUT("2"));
	rig_none_opened(r);
	assert_int_equal(r->asks_n, 1);
	rig_is_request(rig_got(r, out), "MESSAGE");
	rig_close(r);
}

static void test_dns_silent(void **state)
{
	struct rig *r = rig_open(WORLD, NULL);
	unsigned inner = rig_inner(r, "pool.ours.com");
	const char *m;

	rig_send(r, inner, "%s", MESSAGE_OUT("1"));
	rig_wait(r, 4900);
	rig_quiet(r, inner);
	rig_wait(r, 200);
	m = rig_got(r, inner);
	rig_is_status(m, 504);
	assert_non_null(strstr(rig_field(m, "ms-diagnostics", 0), "1008;"));
	/* asked again each second */
	assert_in_range(r->asks_n, 5, 6);
	rig_close(r);
}

static void test_no_srv(void **state)
{
	struct rig *r = rig_open(WORLD, NULL);
	unsigned inner = rig_inner(r, "pool.ours.com");
	const char *m;

	rig_send(r, inner, "%s", MESSAGE_OUT("1"));
	rig_world(r, "srv contoso.com nothing");
	rig_wait(r, 30);
	m = rig_got(r, inner);
	rig_is_status(m, 504);
	assert_non_null(strstr(rig_field(m, "ms-diagnostics", 0), "1008;"));
	assert_non_null(strstr(rig_field(m, "ms-diagnostics", 0), "source=\"sip.ours.com\""));
	assert_int_equal(rig_event(r, EXCHANGE_EVENT_REFUSED)->status, 504);
	assert_int_equal(rig_event(r, EXCHANGE_EVENT_REFUSED)->reason, POLICY_REASON_SRV_NOTHING);
	rig_close(r);
}

static void test_wrong_name(void **state)
{
	struct rig *r = rig_open(WORLD "srv contoso.com sip.contoso.com=198.51.100.7", NULL);
	unsigned inner = rig_inner(r, "pool.ours.com"), out;
	const char *m;

	rig_send(r, inner, "%s", MESSAGE_OUT("1"));
	out = rig_opened(r);
	rig_up(r, out, "sip.evil.com");
	assert_int_equal(r->link[out].state, RIG_CLOSED);
	rig_quiet(r, out);
	m = rig_got(r, inner);
	rig_is_status(m, 504);
	assert_non_null(strstr(rig_field(m, "ms-diagnostics", 0), "1010;"));
	assert_int_equal(rig_count(r, PROXY_COUNTER_links_mismatch), 1);
	/* and no storm on it */
	rig_send(r, inner, "%s", MESSAGE_OUT("2"));
	rig_none_opened(r);
	rig_is_status(rig_got(r, inner), 504);
	rig_wait(r, 1100);
	rig_send(r, inner, "%s", MESSAGE_OUT("3"));
	rig_opened(r);
	rig_close(r);
}

#define TWO                                                        \
	WORLD "srv contoso.com a.contoso.com:5061/1=198.51.100.1 " \
	      "b.contoso.com:5061/2=198.51.100.2"

static void test_failover_connect(void **state)
{
	static const enum link_end ends[] = {LINK_END_REFUSED, LINK_END_UNREACHABLE, LINK_END_TLS,
					     LINK_END_CERTIFICATE};

	for (unsigned i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct rig *r = rig_open(TWO, NULL);
		unsigned inner = rig_inner(r, "pool.ours.com"), a, b;

		rig_send(r, inner, "%s", MESSAGE_OUT("1"));
		a = rig_opened(r);
		assert_string_equal(r->link[a].sni, "a.contoso.com");
		rig_end(r, a, ends[i]);
		b = rig_opened(r);
		assert_string_equal(r->link[b].sni, "b.contoso.com");
		rig_up(r, b, "b.contoso.com");
		rig_is_request(rig_got(r, b), "MESSAGE");
		assert_int_equal(rig_count(r, PROXY_COUNTER_failovers), 1);
		/* the dead one is left alone for now */
		rig_send(r, inner, "%s", MESSAGE_OUT("2"));
		rig_none_opened(r);
		rig_is_request(rig_got(r, b), "MESSAGE");
		rig_close(r);
	}
}

static void test_failover_silent(void **state)
{
	struct rig *r = rig_open(TWO, NULL);
	unsigned inner = rig_inner(r, "pool.ours.com"), a, b;

	rig_send(r, inner, "%s", MESSAGE_OUT("1"));
	a = rig_opened(r);
	rig_wait(r, 1000);
	b = rig_opened(r);
	assert_int_not_equal(a, b);
	assert_string_equal(r->link[b].sni, "b.contoso.com");
	rig_up(r, b, "b.contoso.com");
	rig_is_request(rig_got(r, b), "MESSAGE");
	rig_close(r);
}

#define HALF                                                                                    \
	"allow contoso.com; route contoso.com a.contoso.com:5061/1 b.contoso.com:5061/2; host " \
	"a.contoso.com "                                                                        \
	"198.51.100.1"

/* the second server's address is not known yet: that makes it no less of a second */
static void test_failover_unresolved(void **state)
{
	for (unsigned refused = 0; refused < 2; refused++) {
		struct rig *r = rig_open(HALF, NULL);
		unsigned inner = rig_inner(r, "pool.ours.com"), a, b;

		rig_send(r, inner, "%s", MESSAGE_OUT("1"));
		a = rig_opened(r);
		assert_string_equal(r->link[a].sni, "a.contoso.com");
		/* asked at once, so that it is there when it is needed */
		assert_int_equal(r->asks_n, 1);
		assert_int_equal(r->asks[0].dns_kind, POLICY_DNS_HOST);
		assert_memory_equal(r->asks[0].name, "b.contoso.com", r->asks[0].len);
		if (refused)
			rig_end(r, a, LINK_END_REFUSED);
		rig_quiet(r, inner);
		rig_world(r, "host b.contoso.com 198.51.100.2");
		rig_wait(r, 1000);
		b = rig_opened(r);
		assert_string_equal(r->link[b].sni, "b.contoso.com");
		rig_up(r, b, "b.contoso.com");
		rig_is_request(rig_got(r, b), "MESSAGE");
		rig_close(r);
	}
}

/* and if its address never comes, the answer says what became of the first */
static void test_failover_nowhere(void **state)
{
	struct rig *r = rig_open(HALF, NULL);
	unsigned inner = rig_inner(r, "pool.ours.com");
	const char *m;

	rig_send(r, inner, "%s", MESSAGE_OUT("1"));
	rig_end(r, rig_opened(r), LINK_END_REFUSED);
	rig_quiet(r, inner);
	rig_wait(r, 6000);
	m = rig_got(r, inner);
	rig_is_status(m, 504);
	assert_non_null(strstr(rig_field(m, "ms-diagnostics", 0), "1046;"));
	assert_int_equal(proxy_stats_get(r->proxy)->parked, 0);
	rig_close(r);
}

static void test_nobody(void **state)
{
	struct rig *r = rig_open(TWO, NULL);
	unsigned inner = rig_inner(r, "pool.ours.com");
	const char *m;

	rig_send(r, inner, "%s", MESSAGE_OUT("1"));
	rig_end(r, rig_opened(r), LINK_END_REFUSED);
	rig_end(r, rig_opened(r), LINK_END_REFUSED);
	m = rig_got(r, inner);
	rig_is_status(m, 504);
	assert_non_null(strstr(rig_field(m, "ms-diagnostics", 0), "1046;"));
	rig_quiet(r, inner);
	rig_close(r);
}

/* nothing comes back at all: that is the silence of the server, not want of room here */
static void test_nobody_answers(void **state)
{
	struct rig *r =
		rig_open("allow contoso.com; srv contoso.com sip.contoso.com:5061=198.51.100.7", NULL);
	unsigned inner = rig_inner(r, "pool.ours.com"), out = 0, fresh = 0;
	const char *m;

	for (unsigned again = 0; again < 3; again++) {
		rig_send(r, inner, "%s",
			 again == 0   ? MESSAGE_OUT("1")
			 : again == 1 ? MESSAGE_OUT("2")
				      : MESSAGE_OUT("3"));
		if (again == 0) {
			out = rig_opened(r);
			rig_wait(r, 5100);
		} else if (again == 1) {
			/* who comes when it is late begins another one, and gives that a moment */
			fresh = rig_opened(r);
			assert_int_not_equal(fresh, out);
			rig_wait(r, 350);
			rig_quiet(r, inner);
			rig_wait(r, 100);
		} else {
			/* not everybody does */
			assert_int_equal(rig_opened(r), fresh);
		}
		m = rig_got(r, inner);
		rig_is_status(m, 504);
		assert_non_null(strstr(rig_field(m, "ms-diagnostics", 0), "1046;"));
	}
	/* the attempt goes on without them, for a while */
	assert_false(r->link[out].said_abort);
	rig_wait(r, 7000);
	assert_true(r->link[out].said_abort);
	assert_false(r->link[fresh].said_abort);
	rig_wait(r, 5000);
	assert_true(r->link[fresh].said_abort);
	rig_close(r);
}

/* The line was dead and is good again: the try that is late sleeps, another one finds it. */
static void test_line_returns(void **state)
{
	struct rig *r =
		rig_open("allow contoso.com; srv contoso.com sip.contoso.com:5061=198.51.100.7", NULL);
	unsigned inner = rig_inner(r, "pool.ours.com"), late, fresh;

	rig_send(r, inner, "%s", MESSAGE_OUT("1"));
	late = rig_opened(r);
	rig_wait(r, 6000);
	rig_is_status(rig_got(r, inner), 504);
	rig_send(r, inner, "%s", MESSAGE_OUT("2"));
	fresh = rig_opened(r);
	rig_wait(r, 100);
	rig_up(r, fresh, "sip.contoso.com");
	rig_is_request(rig_got(r, fresh), "MESSAGE");
	assert_true(r->link[late].said_abort);
	rig_end(r, late, LINK_END_UNREACHABLE);
	assert_int_equal(r->link[fresh].state, RIG_UP);
	rig_send(r, inner, "%s", MESSAGE_OUT("3"));
	rig_is_request(rig_got(r, fresh), "MESSAGE");
	rig_none_opened(r);
	rig_close(r);
}

/* Dead for long: the tries are few, whatever comes, and each hears at once or in a moment. */
static void test_line_dead(void **state)
{
	struct rig *r =
		rig_open("allow contoso.com; srv contoso.com sip.contoso.com:5061=198.51.100.7", NULL);
	unsigned inner = rig_inner(r, "pool.ours.com"), told = 0;

	for (unsigned i = 0; i < 600; i++) {
		char text[4096];

		snprintf(text, sizeof(text),
			 "MESSAGE sip:a@contoso.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-d%u\n"
			 "From: <sip:b@ours.com>;tag=1\nTo: <sip:a@contoso.com>\nCall-ID: d%u\n"
			 "CSeq: 1 MESSAGE\nContent-Length: *\n\n",
			 i, i);
		rig_send(r, inner, "%s", text);
		rig_wait(r, 100);
	}
	rig_wait(r, 6000);
	while (r->link[inner].out_at < r->link[inner].out_len) {
		rig_is_status(rig_got(r, inner), 504);
		told++;
	}
	assert_int_equal(told, 600);
	/* a minute, one in two seconds at most */
	assert_in_range(rig_count(r, PROXY_COUNTER_links_opened), 12, 31);
	rig_close(r);
}

/* a line that loses much: the connection comes when nobody waits any more, and is there for the next */
static void test_slow_connect(void **state)
{
	struct rig *r =
		rig_open("allow contoso.com; srv contoso.com sip.contoso.com:5061=198.51.100.7", NULL);
	unsigned inner = rig_inner(r, "pool.ours.com"), out;

	rig_send(r, inner, "%s", MESSAGE_OUT("1"));
	out = rig_opened(r);
	rig_wait(r, 3000);
	rig_send(r, inner, "%s", MESSAGE_OUT("2"));
	rig_wait(r, 2100);
	rig_is_status(rig_got(r, inner), 504);
	rig_quiet(r, inner);
	rig_wait(r, 2000);
	rig_up(r, out, "sip.contoso.com");
	rig_is_request(rig_got(r, out), "MESSAGE");
	rig_send(r, inner, "%s", MESSAGE_OUT("3"));
	rig_is_request(rig_got(r, out), "MESSAGE");
	rig_none_opened(r);
	rig_close(r);
}

static void test_503(void **state)
{
	struct rig *r = rig_open(TWO, NULL);
	unsigned inner = rig_inner(r, "pool.ours.com"), a, b;
	char request[4096];

	rig_send(r, inner, "%s", MESSAGE_OUT("1"));
	a = rig_opened(r);
	rig_up(r, a, "a.contoso.com");
	snprintf(request, sizeof(request), "%s", rig_got(r, a));
	rig_answer(r, a, request, 503, "t", "Retry-After: 3\n");
	rig_quiet(r, inner);
	b = rig_opened(r);
	rig_up(r, b, "b.contoso.com");
	snprintf(request, sizeof(request), "%s", rig_got(r, b));
	/* section 16.7 item 6: 503 of all of them is 500 */
	rig_answer(r, b, request, 503, "t", "");
	rig_is_status(rig_got(r, inner), 500);
	rig_quiet(r, inner);
	rig_close(r);
}

/* section 16.7 items 5 and 6: any other final answer ends the search, a 6xx first of all; and it is better
 * than the 503 of who was asked before */
static void test_best(void **state)
{
	static const unsigned finals[] = {200, 302, 404, 486, 500, 603};

	for (unsigned i = 0; i < sizeof(finals) / sizeof(finals[0]); i++) {
		struct rig *r = rig_open(TWO, NULL);
		unsigned inner = rig_inner(r, "pool.ours.com"), a, b;
		char request[4096];

		rig_send(r, inner, "%s", MESSAGE_OUT("1"));
		a = rig_opened(r);
		rig_up(r, a, "a.contoso.com");
		snprintf(request, sizeof(request), "%s", rig_got(r, a));
		rig_answer(r, a, request, finals[i], "t", "");
		rig_is_status(rig_got(r, inner), finals[i]);
		rig_none_opened(r);
		rig_send(r, inner, "%s", MESSAGE_OUT("2"));
		snprintf(request, sizeof(request), "%s", rig_got(r, a));
		rig_answer(r, a, request, 503, "t", "");
		b = rig_opened(r);
		rig_up(r, b, "b.contoso.com");
		snprintf(request, sizeof(request), "%s", rig_got(r, b));
		rig_answer(r, b, request, finals[i], "t", "");
		rig_is_status(rig_got(r, inner), finals[i]);
		rig_quiet(r, inner);
		rig_close(r);
	}
}

/* 503 now and then is not 503 all the time: the pause begins anew after a good answer */
static void test_503_at_times(void **state)
{
	struct rig *r = rig_open(TWO, NULL);
	unsigned inner = rig_inner(r, "pool.ours.com"), a, b;
	char request[4096];

	rig_send(r, inner, "%s", MESSAGE_OUT("1"));
	a = rig_opened(r);
	rig_up(r, a, "a.contoso.com");
	snprintf(request, sizeof(request), "%s", rig_got(r, a));
	rig_answer(r, a, request, 503, "t", "");
	b = rig_opened(r);
	rig_up(r, b, "b.contoso.com");
	snprintf(request, sizeof(request), "%s", rig_got(r, b));
	rig_answer(r, b, request, 200, "t", "");
	rig_is_status(rig_got(r, inner), 200);
	for (unsigned i = 0; i < 4; i++) {
		/* longer than the first pause, shorter than the second */
		rig_wait(r, 1100);
		rig_send(r, inner, MESSAGE_OUT("%u"), 2 * i + 2, 2 * i + 2);
		snprintf(request, sizeof(request), "%s", rig_got(r, a));
		rig_answer(r, a, request, 200, "t", "");
		rig_is_status(rig_got(r, inner), 200);
		rig_send(r, inner, MESSAGE_OUT("%u"), 2 * i + 3, 2 * i + 3);
		snprintf(request, sizeof(request), "%s", rig_got(r, a));
		rig_answer(r, a, request, 503, "t", "");
		snprintf(request, sizeof(request), "%s", rig_got(r, b));
		rig_answer(r, b, request, 200, "t", "");
		rig_is_status(rig_got(r, inner), 200);
	}
	rig_close(r);
}

static void test_lost(void **state)
{
	struct rig *r = rig_open("allow contoso.com; srv contoso.com sip.contoso.com=198.51.100.7", NULL);
	unsigned inner = rig_inner(r, "pool.ours.com"), out;
	const char *m;

	rig_send(r, inner, "%s", MESSAGE_OUT("1"));
	out = rig_opened(r);
	rig_up(r, out, "sip.contoso.com");
	rig_is_request(rig_got(r, out), "MESSAGE");
	rig_end(r, out, LINK_END_RESET);
	m = rig_got(r, inner);
	rig_is_status(m, 504);
	assert_non_null(strstr(rig_field(m, "ms-diagnostics", 0), "1046;"));
	rig_close(r);
}

/* An answer whose end cannot be told: its connection is of no use any more, and who waits for answers over it
 * is told at once, however long its peer takes to close it too. */
static void test_lost_slowly(void **state)
{
	static const char twice[] = "SIP/2.0 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n";
	struct rig *r = rig_open("allow contoso.com; srv contoso.com sip.contoso.com=198.51.100.7", NULL);
	unsigned inner = rig_inner(r, "pool.ours.com"), out;
	const char *m;

	rig_send(r, inner, "%s", MESSAGE_OUT("1"));
	out = rig_opened(r);
	rig_up(r, out, "sip.contoso.com");
	rig_is_request(rig_got(r, out), "MESSAGE");
	r->slow_close = true;
	rig_bytes(r, out, twice, sizeof(twice) - 1, 0);
	rig_wait(r, 10);
	assert_int_not_equal(r->link[out].state, RIG_CLOSED);
	m = rig_got(r, inner);
	rig_is_status(m, 504);
	assert_non_null(strstr(rig_field(m, "ms-diagnostics", 0), "1046;"));
	assert_int_equal(proxy_stats_get(r->proxy)->clients, 0);
	/* and the next request goes over one of its own */
	rig_send(r, inner, "%s", MESSAGE_OUT("2"));
	rig_up(r, rig_opened(r), "sip.contoso.com");
	r->slow_close = false;
	rig_wait(r, 10);
	assert_int_equal(r->link[out].state, RIG_CLOSED);
	rig_quiet(r, inner);
	rig_close(r);
}

static void test_timer_f(void **state)
{
	struct rig *r = rig_open("allow contoso.com; srv contoso.com sip.contoso.com=198.51.100.7", NULL);
	unsigned inner = rig_inner(r, "pool.ours.com"), out;
	char request[4096];

	rig_send(r, inner, "%s", MESSAGE_OUT("1"));
	out = rig_opened(r);
	rig_up(r, out, "sip.contoso.com");
	snprintf(request, sizeof(request), "%s", rig_got(r, out));
	rig_wait(r, 31900);
	assert_int_equal(proxy_stats_get(r->proxy)->servers, 1);
	rig_wait(r, 200);
	/* RFC 4320 section 4.2: no 408 */
	assert_int_equal(proxy_stats_get(r->proxy)->servers, 0);
	rig_quiet(r, inner);
	/* RFC 4320 section 4.3 */
	rig_answer(r, out, request, 200, "t", "");
	rig_quiet(r, inner);
	assert_int_equal(rig_drop(r, PROXY_DROP_stray_response), 1);
	rig_close(r);
}

/* a response from a peer to which the branch was not sent */
static void test_forged(void **state)
{
	struct rig *r = rig_open("allow contoso.com; srv contoso.com sip.contoso.com=198.51.100.7", NULL);
	unsigned inner = rig_inner(r, "pool.ours.com"), out, other = rig_partner(r, "sip.contoso.com");
	char request[4096];

	rig_send(r, inner, "%s", MESSAGE_OUT("1"));
	out = rig_opened(r);
	rig_up(r, out, "sip.contoso.com");
	snprintf(request, sizeof(request), "%s", rig_got(r, out));
	rig_answer(r, other, request, 200, "t", "");
	rig_quiet(r, inner);
	assert_int_equal(rig_drop(r, PROXY_DROP_forged_response), 1);
	rig_answer(r, out, request, 404, "t", "");
	rig_is_status(rig_got(r, inner), 404);
	rig_answer(r, out, request, 200, "t", "");
	rig_quiet(r, inner);
	rig_close(r);
}

static void test_untrusted(void **state)
{
	struct rig *r = rig_open("allow contoso.com; srv contoso.com sip.contoso.com=198.51.100.7", NULL);
	unsigned inner = rig_inner(r, "other.ours.com");
	const char *m;

	rig_send(r, inner, "%s", MESSAGE_OUT("1"));
	m = rig_got(r, inner);
	rig_is_status(m, 403);
	assert_non_null(strstr(rig_field(m, "ms-diagnostics", 0), "1027;"));
	rig_none_opened(r);
	rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ask),
		cmocka_unit_test(test_dns_silent),
		cmocka_unit_test(test_no_srv),
		cmocka_unit_test(test_wrong_name),
		cmocka_unit_test(test_failover_connect),
		cmocka_unit_test(test_failover_silent),
		cmocka_unit_test(test_failover_unresolved),
		cmocka_unit_test(test_failover_nowhere),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_slow_connect),
		cmocka_unit_test(test_nobody_answers),
		cmocka_unit_test(test_line_returns),
		cmocka_unit_test(test_line_dead),
		cmocka_unit_test(test_503),
		cmocka_unit_test(test_best),
		cmocka_unit_test(test_503_at_times),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_lost_slowly),
		cmocka_unit_test(test_timer_f),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_untrusted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
