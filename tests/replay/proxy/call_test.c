/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls: INVITE transactions (RFC 3261 sections 16 and 17, RFC 6026), CANCEL, ACK, and the dialogs that our
 * signed Record-Route carries (section 16.12, RFC 5658). */
#include <string.h>

#include "tests/replay/proxy/proxy_rig.h"

#define WORLD "allow contoso.com; srv contoso.com sip.contoso.com=198.51.100.7"

#define INVITE_IN                                                                         \
	"INVITE sip:bob@ours.com SIP/2.0\n"                                               \
	"Via: SIP/2.0/TLS sip.contoso.com:5061;branch=z9hG4bK-i1\n"                       \
	"Record-Route: <sip:sip.contoso.com:5061;transport=tls;lr>\n"                     \
	"Max-Forwards: 70\nFrom: <sip:alice@contoso.com>;tag=a\nTo: <sip:bob@ours.com>\n" \
	"Call-ID: call\nCSeq: 1 INVITE\nContact: <sip:alice@10.9.9.9;transport=tls>\n"    \
	"Content-Type: application/sdp\nContent-Length: *\n\nv=0\n"
#define INVITE_OUT                                                                        \
	"INVITE sip:alice@contoso.com SIP/2.0\n"                                          \
	"Via: SIP/2.0/TLS 10.0.0.9:5061;branch=z9hG4bK-o1\n"                              \
	"Record-Route: <sip:10.0.0.9:5061;transport=tls;lr>\n"                            \
	"Max-Forwards: 70\nFrom: <sip:bob@ours.com>;tag=b\nTo: <sip:alice@contoso.com>\n" \
	"Call-ID: call\nCSeq: 1 INVITE\nContact: <sip:bob@10.0.0.77;transport=tls>\n"     \
	"Content-Type: application/sdp\nContent-Length: *\n\nv=0\n"

struct call {
	struct rig *r;
	unsigned from, to; /* links */
	char invite[8192]; /* as it left */
	char up_routes[8][2048], down_routes[8][2048];
	unsigned routes_n;
};

static void begin_in(struct call *c, const char *world)
{
	c->r = rig_open(world, NULL);
	c->from = rig_partner(c->r, "sip.contoso.com");
	rig_send(c->r, c->from, "%s", INVITE_IN);
	rig_is_status(rig_got(c->r, c->from), 100);
	c->to = rig_opened(c->r);
	rig_up(c->r, c->to, "pool.ours.com");
	snprintf(c->invite, sizeof(c->invite), "%s", rig_got(c->r, c->to));
	rig_is_request(c->invite, "INVITE");
}

static void begin_out(struct call *c, const char *world)
{
	c->r = rig_open(world, NULL);
	c->from = rig_inner(c->r, "pool.ours.com");
	rig_send(c->r, c->from, "%s", INVITE_OUT);
	rig_is_status(rig_got(c->r, c->from), 100);
	c->to = rig_opened(c->r);
	rig_up(c->r, c->to, "sip.contoso.com");
	snprintf(c->invite, sizeof(c->invite), "%s", rig_got(c->r, c->to));
	rig_is_request(c->invite, "INVITE");
}

/* values of a header that may hold several with ',' */
static unsigned split(const char *message, const char *name, char out[8][2048])
{
	unsigned n = 0;

	for (unsigned i = 0; i < rig_fields(message, name); i++) {
		const char *v = rig_field(message, name, i);

		while (*v && n < 8) {
			const char *end = strchr(v, '>');

			assert_non_null(end);
			snprintf(out[n++], 2048, "%.*s", (int)(end - v + 1), v);
			v = end + 1;
			v += strspn(v, ", ");
		}
	}
	return n;
}

static void answer_200(struct call *c)
{
	const char *m;

	rig_answer(c->r, c->to, c->invite, 200, "uas", "Contact: <sip:uas@10.1.1.1;transport=tls>\n");
	m = rig_got(c->r, c->from);
	rig_is_status(m, 200);
	c->routes_n = split(m, "Record-Route", c->down_routes);
	assert_int_equal(c->routes_n, 3);
	for (unsigned i = 0; i < c->routes_n; i++)
		memcpy(c->up_routes[i], c->down_routes[c->routes_n - 1 - i], sizeof(c->up_routes[i]));
}

/* a request inside of the dialog, by its caller (reversed set) or its callee */
static void send_inside(struct call *c, bool caller, unsigned link, const char *method, unsigned cseq,
			bool in)
{
	static const char *const alice = "<sip:alice@contoso.com>", *const bob = "<sip:bob@ours.com>";
	const char *from = in ? alice : bob, *to = in ? bob : alice;
	const char *ftag = in ? "a" : "b";
	char routes[8192] = "";
	/* the set of the caller is the reverse of what the answer shows (section 12.1.2) */
	for (unsigned i = 0; i < c->routes_n - caller; i++) {
		size_t n = strlen(routes);

		snprintf(routes + n, sizeof(routes) - n, "Route: %s\n",
			 caller ? c->up_routes[i + 1] : c->down_routes[i]);
	}
	if (!caller) {
		const char *t = from;

		from = to;
		to = t;
	}
	rig_send(c->r, link,
		 "%s sip:x@%s;transport=tls SIP/2.0\nVia: SIP/2.0/TLS h:5061;branch=z9hG4bK-%s%u%d\n"
		 "%sMax-Forwards: 70\nFrom: %s;tag=%s\nTo: %s;tag=%s\nCall-ID: call\nCSeq: %u %s\n"
		 "Content-Length: *\n\n",
		 method, caller || in ? "10.1.1.1" : "10.0.0.77", method, cseq, caller, routes, from,
		 caller ? ftag : "uas", to, caller ? "uas" : ftag, cseq, method);
}

static void test_in(void **state)
{
	struct call c;
	const char *m;
	char bye[8192];
	unsigned out;

	begin_in(&c, WORLD);
	assert_int_equal(rig_fields(c.invite, "Record-Route"), 3);
	rig_answer(c.r, c.to, c.invite, 100, "", "");
	rig_quiet(c.r, c.from);
	rig_answer(c.r, c.to, c.invite, 180, "uas", "");
	rig_is_status(rig_got(c.r, c.from), 180);
	answer_200(&c);
	/* the 2xx comes again until its ACK does: it goes up each time */
	rig_answer(c.r, c.to, c.invite, 200, "uas", "");
	rig_is_status(rig_got(c.r, c.from), 200);
	send_inside(&c, true, c.from, "ACK", 1, true);
	m = rig_got(c.r, c.to);
	rig_is_request(m, "ACK");
	assert_int_equal(rig_fields(m, "Route"), 0);
	assert_int_equal(rig_fields(m, "Via"), 2);
	/* re-INVITE by the partner */
	send_inside(&c, true, c.from, "INVITE", 2, true);
	rig_is_status(rig_got(c.r, c.from), 100);
	snprintf(c.invite, sizeof(c.invite), "%s", rig_got(c.r, c.to));
	rig_is_request(c.invite, "INVITE");
	rig_answer(c.r, c.to, c.invite, 200, "uas", "");
	rig_is_status(rig_got(c.r, c.from), 200);
	send_inside(&c, true, c.from, "ACK", 2, true);
	rig_is_request(rig_got(c.r, c.to), "ACK");
	/* BYE by the pool, over a connection that it opens: out to the partner, whose address is asked for */
	rig_world(c.r, "host sip.contoso.com 198.51.100.7");
	send_inside(&c, false, c.to, "BYE", 3, true);
	out = rig_opened(c.r);
	assert_int_equal(c.r->link[out].to.side, LINK_EXTERNAL);
	rig_up(c.r, out, "sip.contoso.com");
	snprintf(bye, sizeof(bye), "%s", rig_got(c.r, out));
	rig_is_request(bye, "BYE");
	assert_int_equal(rig_fields(bye, "Route"), 1);
	assert_string_equal(rig_field(bye, "Route", 0), "<sip:sip.contoso.com:5061;transport=tls;lr>");
	rig_answer(c.r, out, bye, 200, "x", "");
	rig_is_status(rig_got(c.r, c.to), 200);
	rig_close(c.r);
}

static void test_out(void **state)
{
	struct call c;
	char bye[8192];

	begin_out(&c, WORLD);
	answer_200(&c);
	send_inside(&c, true, c.from, "ACK", 1, false);
	rig_is_request(rig_got(c.r, c.to), "ACK");
	/* BYE by the partner over a connection of his own */
	{
		unsigned partner = rig_partner(c.r, "sip.contoso.com"), inner;

		send_inside(&c, false, partner, "BYE", 2, false);
		inner = rig_opened(c.r);
		assert_int_equal(c.r->link[inner].to.side, LINK_INTERNAL);
		rig_up(c.r, inner, "pool.ours.com");
		snprintf(bye, sizeof(bye), "%s", rig_got(c.r, inner));
		rig_is_request(bye, "BYE");
		assert_string_equal(rig_field(bye, "Route", 0), "<sip:10.0.0.9:5061;transport=tls;lr>");
		rig_answer(c.r, inner, bye, 200, "x", "");
		rig_is_status(rig_got(c.r, partner), 200);
	}
	rig_close(c.r);
}

static void test_block_cuts(void **state)
{
	struct call c;
	const char *m;

	begin_in(&c, WORLD);
	answer_200(&c);
	send_inside(&c, true, c.from, "ACK", 1, true);
	rig_is_request(rig_got(c.r, c.to), "ACK");
	rig_world(c.r, "hard contoso.com");
	send_inside(&c, true, c.from, "INFO", 2, true);
	m = rig_got(c.r, c.from);
	rig_is_status(m, 403);
	/* partners are told no reason unless the box says so */
	assert_int_equal(rig_fields(m, "ms-diagnostics"), 0);
	rig_quiet(c.r, c.to);
	send_inside(&c, true, c.from, "BYE", 3, true);
	rig_is_request(rig_got(c.r, c.to), "BYE");
	rig_close(c.r);
}

static void test_stolen_route(void **state)
{
	struct call c;
	unsigned evil;

	begin_in(&c, WORLD "; allow evil.com; srv evil.com sip.evil.com=198.51.100.66");
	answer_200(&c);
	evil = rig_partner(c.r, "sip.evil.com");
	send_inside(&c, true, evil, "BYE", 2, true);
	rig_is_status(rig_got(c.r, evil), 504);
	rig_quiet(c.r, c.to);
	rig_close(c.r);
}

static void test_busy(void **state)
{
	struct call c;
	const char *m;

	begin_in(&c, WORLD);
	rig_answer(c.r, c.to, c.invite, 486, "uas", "");
	/* hop by hop, to whom the INVITE went */
	m = rig_got(c.r, c.to);
	rig_is_request(m, "ACK");
	assert_int_equal(rig_fields(m, "Via"), 1);
	assert_string_equal(rig_field(m, "Via", 0), rig_field(c.invite, "Via", 0));
	assert_string_equal(rig_field(m, "To", 0), "<sip:bob@ours.com>;tag=uas");
	assert_string_equal(rig_field(m, "CSeq", 0), "1 ACK");
	m = rig_got(c.r, c.from);
	rig_is_status(m, 486);
	rig_send(c.r, c.from,
		 "ACK sip:bob@ours.com SIP/2.0\nVia: SIP/2.0/TLS sip.contoso.com:5061;branch=z9hG4bK-i1\n"
		 "Max-Forwards: 70\nFrom: <sip:alice@contoso.com>;tag=a\nTo: <sip:bob@ours.com>;tag=uas\n"
		 "Call-ID: call\nCSeq: 1 ACK\nContent-Length: *\n\n");
	rig_quiet(c.r, c.to);
	assert_int_equal(rig_drop(c.r, PROXY_DROP_ack_absorbed), 1);
	assert_int_equal(proxy_stats_get(c.r->proxy)->servers, 0);
	rig_close(c.r);
}

#define CANCEL_IN                                                                         \
	"CANCEL sip:bob@ours.com SIP/2.0\n"                                               \
	"Via: SIP/2.0/TLS sip.contoso.com:5061;branch=z9hG4bK-i1\n"                       \
	"Max-Forwards: 70\nFrom: <sip:alice@contoso.com>;tag=a\nTo: <sip:bob@ours.com>\n" \
	"Call-ID: call\nCSeq: 1 CANCEL\nContent-Length: *\n\n"

static void test_cancel(void **state)
{
	struct call c;
	char cancel[8192];

	begin_in(&c, WORLD);
	rig_answer(c.r, c.to, c.invite, 180, "uas", "");
	rig_is_status(rig_got(c.r, c.from), 180);
	rig_send(c.r, c.from, "%s", CANCEL_IN);
	rig_is_status(rig_got(c.r, c.from), 200);
	snprintf(cancel, sizeof(cancel), "%s", rig_got(c.r, c.to));
	rig_is_request(cancel, "CANCEL");
	assert_string_equal(rig_field(cancel, "Via", 0), rig_field(c.invite, "Via", 0));
	assert_int_equal(rig_fields(cancel, "Via"), 1);
	rig_answer(c.r, c.to, cancel, 200, "uas", "");
	rig_quiet(c.r, c.from);
	rig_answer(c.r, c.to, c.invite, 487, "uas", "");
	rig_is_request(rig_got(c.r, c.to), "ACK");
	rig_is_status(rig_got(c.r, c.from), 487);
	rig_close(c.r);
}

/* section 7.3.1: a branch is a token, and those have no case */
static void test_cancel_case(void **state)
{
	char text[] = CANCEL_IN;
	struct call c;

	begin_in(&c, WORLD);
	for (char *at = strstr(text, "branch=") + 7; *at != '\n'; at++)
		*at = (char)(*at >= 'a' && *at <= 'z' ? *at - 32 : *at);
	rig_send(c.r, c.from, "%s", text);
	rig_is_status(rig_got(c.r, c.from), 200);
	rig_answer(c.r, c.to, c.invite, 180, "uas", "");
	rig_is_status(rig_got(c.r, c.from), 180);
	rig_is_request(rig_got(c.r, c.to), "CANCEL");
	rig_close(c.r);
}

/* section 9.1: a CANCEL waits for the first answer */
static void test_cancel_early(void **state)
{
	struct call c;

	begin_in(&c, WORLD);
	rig_send(c.r, c.from, "%s", CANCEL_IN);
	rig_is_status(rig_got(c.r, c.from), 200);
	rig_quiet(c.r, c.to);
	rig_answer(c.r, c.to, c.invite, 100, "", "");
	rig_is_request(rig_got(c.r, c.to), "CANCEL");
	/* and nobody answers any more */
	rig_wait(c.r, 32100);
	rig_is_status(rig_got(c.r, c.from), 487);
	rig_close(c.r);
}

/* before there is a connection to send the INVITE over */
static void test_cancel_parked(void **state)
{
	struct rig *r = rig_open(WORLD, NULL);
	unsigned partner = rig_partner(r, "sip.contoso.com"), inner;

	rig_send(r, partner, "%s", INVITE_IN);
	rig_is_status(rig_got(r, partner), 100);
	inner = rig_opened(r);
	rig_send(r, partner, "%s", CANCEL_IN);
	rig_is_status(rig_got(r, partner), 200);
	rig_is_status(rig_got(r, partner), 487);
	rig_up(r, inner, "pool.ours.com");
	rig_quiet(r, inner);
	rig_close(r);
}

static void test_cancel_other_peer(void **state)
{
	struct call c;
	unsigned evil;

	begin_in(&c, WORLD);
	rig_answer(c.r, c.to, c.invite, 180, "uas", "");
	rig_is_status(rig_got(c.r, c.from), 180);
	evil = rig_partner(c.r, "sip.evil.com");
	rig_send(c.r, evil, "%s", CANCEL_IN);
	rig_is_status(rig_got(c.r, evil), 481);
	rig_quiet(c.r, c.to);
	rig_close(c.r);
}

/* several answers of a fork behind the next hop: each 2xx goes up, of refusals the next hop has chosen one */
static void test_fork(void **state)
{
	struct call c;

	begin_out(&c, WORLD);
	rig_answer(c.r, c.to, c.invite, 183, "one", "");
	rig_is_status(rig_got(c.r, c.from), 183);
	rig_answer(c.r, c.to, c.invite, 180, "two", "");
	rig_is_status(rig_got(c.r, c.from), 180);
	rig_answer(c.r, c.to, c.invite, 200, "one", "");
	assert_non_null(strstr(rig_field(rig_got(c.r, c.from), "To", 0), "tag=one"));
	rig_answer(c.r, c.to, c.invite, 200, "two", "");
	assert_non_null(strstr(rig_field(rig_got(c.r, c.from), "To", 0), "tag=two"));
	rig_answer(c.r, c.to, c.invite, 486, "three", "");
	rig_quiet(c.r, c.from);
	/* RFC 6026: after 64 × T1 it is over */
	rig_wait(c.r, 32100);
	rig_answer(c.r, c.to, c.invite, 200, "one", "");
	rig_quiet(c.r, c.from);
	rig_close(c.r);
}

static void test_timer_b(void **state)
{
	struct call c;

	begin_in(&c, WORLD);
	rig_wait(c.r, 32100);
	rig_is_status(rig_got(c.r, c.from), 408);
	assert_int_equal(rig_count(c.r, PROXY_COUNTER_timer_b), 1);
	assert_int_equal(rig_event(c.r, EXCHANGE_EVENT_REFUSED)->reason, POLICY_REASON_TIMEOUT);
	rig_close(c.r);
}

static void test_timer_c(void **state)
{
	struct call c;

	begin_in(&c, WORLD);
	rig_answer(c.r, c.to, c.invite, 180, "uas", "");
	rig_is_status(rig_got(c.r, c.from), 180);
	rig_wait(c.r, 170000);
	rig_answer(c.r, c.to, c.invite, 180, "uas", "");
	rig_is_status(rig_got(c.r, c.from), 180);
	rig_wait(c.r, 180000);
	rig_quiet(c.r, c.to);
	rig_wait(c.r, 6000);
	rig_is_request(rig_got(c.r, c.to), "CANCEL");
	rig_wait(c.r, 33000);
	rig_is_status(rig_got(c.r, c.from), 408);
	rig_close(c.r);
}

static void test_lost(void **state)
{
	struct call c;

	begin_in(&c, WORLD);
	rig_answer(c.r, c.to, c.invite, 180, "uas", "");
	rig_is_status(rig_got(c.r, c.from), 180);
	rig_end(c.r, c.to, LINK_END_RESET);
	rig_is_status(rig_got(c.r, c.from), 504);
	rig_close(c.r);
}

/* the caller's connection is gone: the callee stops ringing */
static void test_caller_gone(void **state)
{
	struct call c;

	begin_in(&c, WORLD);
	rig_answer(c.r, c.to, c.invite, 180, "uas", "");
	rig_end(c.r, c.from, LINK_END_RESET);
	/* neither where he was nor where his domain is */
	rig_quiet(c.r, c.to);
	assert_int_equal(rig_nobody(c.r), 2);
	rig_is_request(rig_got(c.r, c.to), "CANCEL");
	rig_answer(c.r, c.to, c.invite, 487, "uas", "");
	rig_is_request(rig_got(c.r, c.to), "ACK");
	rig_close(c.r);
}

/* RFC 3261 section 18.2.2: the caller has another connection, and nobody else is taken for him */
static void test_caller_moves(void **state)
{
	struct call c;
	unsigned other, again;

	begin_in(&c, WORLD);
	again = rig_partner(c.r, "sip.contoso.com");
	other = rig_partner(c.r, "sip.contoso.com,sip.fabrikam.com");
	rig_end(c.r, c.from, LINK_END_RESET);
	rig_answer(c.r, c.to, c.invite, 180, "uas", "");
	rig_is_status(rig_got(c.r, again), 180);
	rig_quiet(c.r, c.to);
	assert_int_equal(rig_count(c.r, PROXY_COUNTER_moved), 1);
	c.from = again;
	answer_200(&c);
	send_inside(&c, true, again, "ACK", 1, true);
	rig_is_request(rig_got(c.r, c.to), "ACK");
	rig_quiet(c.r, other);
	rig_close(c.r);
}

/* ... that we opened, in both directions */
static void test_caller_is_next_hop(void **state)
{
	struct call in, out;
	unsigned partner;

	begin_in(&in, WORLD);
	out = in;
	out.from = rig_inner(in.r, "pool.ours.com");
	rig_send(in.r, out.from, "%s", INVITE_OUT);
	rig_is_status(rig_got(in.r, out.from), 100);
	out.to = rig_opened(in.r);
	rig_up(in.r, out.to, "sip.contoso.com");
	snprintf(out.invite, sizeof(out.invite), "%s", rig_got(in.r, out.to));
	rig_end(in.r, out.from, LINK_END_RESET);
	rig_answer(in.r, out.to, out.invite, 180, "uas", "");
	rig_is_status(rig_got(in.r, in.to), 180);
	partner = in.from;
	rig_end(in.r, partner, LINK_END_CLOSED);
	rig_answer(in.r, in.to, in.invite, 486, "uas", "");
	rig_is_request(rig_got(in.r, in.to), "ACK");
	rig_is_status(rig_got(in.r, out.to), 486);
	assert_int_equal(rig_count(in.r, PROXY_COUNTER_moved), 2);
	rig_close(in.r);
}

/* one connection closed after the other does not have requests carried about for ever */
static void test_caller_flees(void **state)
{
	struct call c;
	unsigned next[5];

	begin_in(&c, WORLD);
	for (unsigned i = 0; i < 5; i++)
		next[i] = rig_partner(c.r, "sip.contoso.com");
	rig_answer(c.r, c.to, c.invite, 180, "uas", "");
	rig_is_status(rig_got(c.r, c.from), 180);
	rig_end(c.r, c.from, LINK_END_RESET);
	for (unsigned i = 5; i-- > 1;)
		rig_end(c.r, next[i], LINK_END_RESET);
	assert_int_equal(rig_nobody(c.r), 2);
	rig_is_request(rig_got(c.r, c.to), "CANCEL");
	assert_int_equal(rig_count(c.r, PROXY_COUNTER_moved), 3);
	assert_int_equal(rig_count(c.r, PROXY_COUNTER_lost_upstream), 1);
	rig_close(c.r);
}

/* section 16.4: a strict router in between put our entry into the Request-URI, and the callee behind the
 * Routes */
static void test_strict_router(void **state)
{
	struct call c;
	const char *m;

	begin_in(&c, WORLD);
	answer_200(&c);
	rig_send(c.r, c.from,
		 "INFO %.*s SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-strict\nRoute: %s\n"
		 "Route: <sip:uas@10.1.1.1;transport=tls>\nMax-Forwards: 70\nFrom: "
		 "<sip:alice@contoso.com>;tag=a\n"
		 "To: <sip:bob@ours.com>;tag=uas\nCall-ID: call\nCSeq: 2 INFO\nContent-Length: 0\n\n",
		 (int)strlen(c.up_routes[1]) - 2, c.up_routes[1] + 1, c.up_routes[2]);
	m = rig_got(c.r, c.to);
	assert_int_equal(strncmp(m, "INFO sip:uas@10.1.1.1;transport=tls SIP/2.0\n", 44), 0);
	assert_int_equal(rig_fields(m, "Route"), 0);
	rig_close(c.r);
}

/* section 16.4: maddr is the sender's word, and no next hop of ours */
static void test_maddr(void **state)
{
	struct rig *r = rig_open(WORLD, NULL);
	unsigned partner = rig_partner(r, "sip.contoso.com"), inner = rig_inner(r, "pool.ours.com"), to;
	static const uint8_t pool[4] = {10, 0, 0, 9}, far[4] = {198, 51, 100, 7};
	struct base_addr at = base_addr_v4(pool);

	rig_send(r, partner,
		 RIG_REQUEST("MESSAGE", "a@contoso.com", "b@ours.com;maddr=203.0.113.9", "h;branch=z9hG4bK-1",
			     ""));
	to = rig_opened(r);
	assert_true(base_addr_equal(&r->link[to].to.ip, &at));
	rig_up(r, to, "pool.ours.com");
	rig_is_request(rig_got(r, to), "MESSAGE");
	rig_send(r, inner,
		 RIG_REQUEST("MESSAGE", "b@ours.com", "a@contoso.com;maddr=203.0.113.9", "h;branch=z9hG4bK-2",
			     ""));
	to = rig_opened(r);
	at = base_addr_v4(far);
	assert_true(base_addr_equal(&r->link[to].to.ip, &at));
	rig_close(r);
}

static void test_repeat(void **state)
{
	struct call c;

	begin_in(&c, WORLD);
	rig_send(c.r, c.from, "%s", INVITE_IN);
	rig_quiet(c.r, c.to);
	assert_int_equal(rig_count(c.r, PROXY_COUNTER_repeats), 1);
	rig_close(c.r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in),
		cmocka_unit_test(test_out),
		cmocka_unit_test(test_block_cuts),
		cmocka_unit_test(test_stolen_route),
		cmocka_unit_test(test_busy),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_cancel_early),
		cmocka_unit_test(test_cancel_case),
		cmocka_unit_test(test_cancel_parked),
		cmocka_unit_test(test_cancel_other_peer),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_timer_b),
		cmocka_unit_test(test_timer_c),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_caller_gone),
		cmocka_unit_test(test_caller_moves),
		cmocka_unit_test(test_caller_is_next_hop),
		cmocka_unit_test(test_caller_flees),
		cmocka_unit_test(test_repeat),
		cmocka_unit_test(test_strict_router),
		cmocka_unit_test(test_maddr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
