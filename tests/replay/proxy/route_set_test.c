/* SPDX-License-Identifier: BSD-3-Clause */
/* What stands in Route behind our two entries is what was recorded when the dialog began, or the request
 * stays outside: else a partner could have our pool send it to whomever he names (RFC 3261
 * section 16.4, 12.2). */
#include <string.h>

#include "dataplane/proxy/route_sign.h"
#include "tests/replay/proxy/proxy_rig.h"

#define WORLD "allow contoso.com proxy=sip.contoso.com; host sip.contoso.com 198.51.100.7"
#define P1    "<sip:p1.ours.com:5061;transport=tls;lr>"
#define P2    "<sip:node%2d2@10.0.0.72;lr=on;ftag=Xy>"

struct call {
	struct rig *r;
	unsigned partner, pool;
	char came[2048], leaves[2048]; /* as they stand in the route set of the partner */
};

static void split(const char *m, char first[2048], char second[2048], unsigned from)
{
	char *comma;

	snprintf(first, 2048, "%s", rig_field(m, "Record-Route", from));
	snprintf(second, 2048, "%s", rig_field(m, "Record-Route", from + 1));
	comma = strchr(first, ',');
	if (comma) {
		snprintf(second, 2048, "%s", comma + 1);
		*comma = '\0';
	}
}

/* a call from outside; `recorded` is what the pool's proxies put above ours, each a line */
static struct call call_in(const char *recorded)
{
	static char sent[8192], answer[16384];
	struct call c = {.r = rig_open(WORLD, NULL)};
	const char *m;
	unsigned fields;
	int n;

	c.partner = rig_partner(c.r, "sip.contoso.com");
	rig_send(c.r, c.partner,
		 "INVITE sip:b@ours.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-i\nMax-Forwards: 70\n"
		 "Record-Route: <sip:proxy.contoso.com;lr>\n"
		 "From: <sip:a@contoso.com>;tag=a\nTo: <sip:b@ours.com>\nCall-ID: in\nCSeq: 1 INVITE\n"
		 "Contact: <sip:a@198.51.100.7>\nContent-Length: 0\n\n");
	rig_is_status(rig_got(c.r, c.partner), 100);
	c.pool = rig_opened(c.r);
	rig_up(c.r, c.pool, "pool.ours.com");
	snprintf(sent, sizeof(sent), "%s", rig_got(c.r, c.pool));
	assert_int_equal(rig_fields(sent, "Record-Route"), 3);
	n = snprintf(answer, sizeof(answer), "SIP/2.0 200 OK\nVia: %s\nVia: %s\n%s",
		     rig_field(sent, "Via", 0), rig_field(sent, "Via", 1), recorded);
	for (unsigned i = 0; i < 3; i++)
		n += snprintf(answer + n, sizeof(answer) - (size_t)n, "Record-Route: %s\n",
			      rig_field(sent, "Record-Route", i));
	snprintf(answer + n, sizeof(answer) - (size_t)n,
		 "From: %s\nTo: %s;tag=u\nCall-ID: in\nCSeq: 1 INVITE\nContact: <sip:b@10.0.0.50>\n"
		 "Content-Length: 0\n\n",
		 rig_field(sent, "From", 0), rig_field(sent, "To", 0));
	rig_send(c.r, c.pool, "%s", answer);
	m = rig_got(c.r, c.partner);
	rig_is_status(m, 200);
	/* in the answer the nearest to our user stands first, and the partner's own last */
	fields = rig_fields(m, "Record-Route");
	snprintf(c.leaves, sizeof(c.leaves), "%s", rig_field(m, "Record-Route", fields - 3));
	snprintf(c.came, sizeof(c.came), "%s", rig_field(m, "Record-Route", fields - 2));
	assert_string_equal(rig_field(m, "Record-Route", fields - 1), "<sip:proxy.contoso.com;lr>");
	return c;
}

static void bye(const struct call *c, unsigned link, const char *rest)
{
	static unsigned n;

	n++;
	rig_send(
		c->r, link,
		"BYE sip:b@10.0.0.50 SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-b%u\nRoute: %s\nRoute: %s\n%s"
		"Max-Forwards: 70\nFrom: <sip:a@contoso.com>;tag=a\nTo: <sip:b@ours.com>;tag=u\n"
		"Call-ID: in\nCSeq: %u BYE\nContent-Length: 0\n\n",
		n, c->came, c->leaves, rest, 1 + n);
}

static void passes(const struct call *c, const char *rest)
{
	const char *m;

	bye(c, c->partner, rest);
	m = rig_got(c->r, c->pool);
	rig_is_request(m, "BYE");
	/* as it was written */
	if (*rest)
		assert_non_null(strstr(m, rest));
	else
		assert_int_equal(rig_fields(m, "Route"), 0);
}

static void stays(const struct call *c, const char *rest)
{
	const char *m;

	bye(c, c->partner, rest);
	rig_quiet(c->r, c->pool);
	m = rig_got(c->r, c->partner);
	rig_is_status(m, 481);
	assert_int_equal(rig_event(c->r, EXCHANGE_EVENT_REFUSED)->reason, POLICY_REASON_ROUTE_STALE);
	assert_int_equal(rig_event(c->r, EXCHANGE_EVENT_REFUSED)->ms_id, 1004);
}

/* the pool recorded nothing: nothing follows */
static void test_nothing(void **state)
{
	struct call c = call_in("");

	passes(&c, "");
	stays(&c, "Route: <sip:victim.example.com;lr>\n");
	stays(&c, "Route: <sip:10.9.9.9:22>\n");
	stays(&c, "Route: <tel:+1>\n");
	passes(&c, "");
	rig_close(c.r);
}

/* two proxies of the pool: their entries come back in the other order */
static void test_proxies(void **state)
{
	static const char *const wrong[] = {
		"",
		"Route: " P1 "\n",
		"Route: " P2 "\n",
		"Route: " P2 ", " P1 "\n",
		"Route: " P1 ", " P2 ", <sip:victim.example.com;lr>\n",
		"Route: <sip:victim.example.com;lr>, " P1 ", " P2 "\n",
		"Route: " P1 ", <sip:victim.example.com;lr>\n",
		"Route: " P1 ", " P1 "\n",
		/* one of them bent: port, user, scheme, transport, maddr */
		"Route: <sip:p1.ours.com:5060;transport=tls;lr>, " P2 "\n",
		"Route: <sip:p1.ours.com;transport=tls;lr>, " P2 "\n",
		"Route: <sips:p1.ours.com:5061;transport=tls;lr>, " P2 "\n",
		"Route: <sip:x@p1.ours.com:5061;transport=tls;lr>, " P2 "\n",
		"Route: <sip:p1.ours.com:5061;transport=udp;lr>, " P2 "\n",
		"Route: <sip:p1.ours.com:5061;lr>, " P2 "\n",
		"Route: <sip:p1.ours.com:5061;transport=tls;lr;maddr=192.0.2.66>, " P2 "\n",
		"Route: " P1 ", <sip:node-3@10.0.0.72;lr>\n",
		"Route: " P1 ", <sip:node-2@10.0.0.73;lr>\n",
		"Route: " P1 ", <sip:10.0.0.72;lr>\n",
	};
	struct call c = call_in("Record-Route: " P2 "\nRecord-Route: " P1 "\n");

	passes(&c, "Route: " P1 ", " P2 "\n");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		stays(&c, wrong[i]);
	/* ... and what libraries make of it in good faith: case, order, what is not theirs, one field each */
	passes(&c,
	       "Route: <sip:P1.Ours.COM.:5061;lr;transport=TLS>\nRoute: <sip:node-2@10.0.0.72;ftag=Xy;lr>\n");
	passes(&c, "Route: \"p\" <sip:p1.ours.com:5061;transport=tls;lr=on>;x=y, <sip:node-2@10.0.0.72>\n");
	rig_close(c.r);
}

/* a name is not the address whose bytes spell it */
static void test_spelt(void **state)
{
	struct call c = call_in("Record-Route: <sip:sbc1;lr>\n");

	passes(&c, "Route: <sip:sbc1;lr>\n");
	stays(&c, "Route: <sip:115.98.99.49;lr>\n");
	rig_close(c.r);
	c = call_in("Record-Route: <sip:[3031:2d70:6f6f:6c2e:6f75:7273:2e63:6f6d];lr>\n");
	stays(&c, "Route: <sip:01-pool.ours.com;lr>\n");
	passes(&c, "Route: <sip:[3031:2D70:6f6f:6c2e:6f75:7273:2e63:6f6d];lr>\n");
	rig_close(c.r);
}

/* secure ones in any spelling too; a parameter counts to its end, however long it is */
static void test_spelling(void **state)
{
	static char line[1024], host[400];
	struct call c = call_in("Record-Route: <sips:p1.ours.com;lr>\n");

	passes(&c, "Route: <sips:P1.Ours.com;lr=on>\n");
	stays(&c, "Route: <sip:p1.ours.com;lr>\n");
	rig_close(c.r);
	memset(host, 'h', 300);
	snprintf(line, sizeof(line), "Record-Route: <sip:p1.ours.com;transport=%sa;lr>\n", host);
	c = call_in(line);
	snprintf(line, sizeof(line), "Route: <sip:p1.ours.com;transport=%sb;lr>\n", host);
	stays(&c, line);
	snprintf(line, sizeof(line), "Route: <sip:p1.ours.com;transport=%sa;lr>\n", host);
	passes(&c, line);
	rig_close(c.r);
}

/* what the pool recorded for one call is not good in another */
static void test_stolen(void **state)
{
	struct call a = call_in("Record-Route: " P1 "\n"), b = call_in("");

	passes(&a, "Route: " P1 "\n");
	stays(&b, "Route: " P1 "\n");
	stays(&a, "");
	rig_close(a.r);
	rig_close(b.r);
}

/* each of several answers has its own; more than can be told makes a dialog that nobody goes on with */
static void test_many(void **state)
{
	static char lines[8192], rest[8192];
	struct call c;
	unsigned n, k;

	for (unsigned hops = 32; hops <= 33; hops++) {
		n = k = 0;
		for (unsigned i = 0; i < hops; i++) {
			n += (unsigned)snprintf(lines + n, sizeof(lines) - n,
						"Record-Route: <sip:p%u.ours.com;lr>\n", hops - i);
			k += (unsigned)snprintf(rest + k, sizeof(rest) - k, "Route: <sip:p%u.ours.com;lr>\n",
						i + 1);
		}
		c = call_in(lines);
		if (hops == 32)
			passes(&c, rest);
		else
			stays(&c, rest);
		rig_close(c.r);
	}
}

/* a call of ours: the proxies that it came through are known when it leaves */
static void test_out(void **state)
{
	static char sent[8192], top[2048], next[2048];
	static const struct {
		const char *rest;
		bool good;
	} rows[] = {
		{"Route: " P1 "\nRoute: " P2 "\n", true},
		{"Route: " P2 "\nRoute: " P1 "\n", false},
		{"Route: " P1 "\n", false},
		{"", false},
		{"Route: " P1 ", " P2 ", <sip:victim.example.com;lr>\n", false},
	};
	struct rig *r = rig_open(WORLD, NULL);
	unsigned pool = rig_inner(r, "pool.ours.com"), out, back;

	rig_send(r, pool,
		 "INVITE sip:a@contoso.com SIP/2.0\nVia: SIP/2.0/TLS p;branch=z9hG4bK-o\nMax-Forwards: 70\n"
		 "Record-Route: %s\nRecord-Route: %s\nFrom: <sip:b@ours.com>;tag=b\n"
		 "To: <sip:a@contoso.com>\nCall-ID: out\nCSeq: 1 INVITE\nContact: <sip:b@10.0.0.50>\n"
		 "Content-Length: 0\n\n",
		 P1, P2);
	rig_is_status(rig_got(r, pool), 100);
	out = rig_opened(r);
	rig_up(r, out, "sip.contoso.com");
	snprintf(sent, sizeof(sent), "%s", rig_got(r, out));
	split(sent, top, next, 0);
	rig_answer(r, out, sent, 200, "uas", "Contact: <sip:a@198.51.100.7>\n");
	rig_is_status(rig_got(r, pool), 200);
	back = rig_partner(r, "sip.contoso.com");
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rig_send(r, back,
			 "INFO sip:b@10.0.0.50 SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-n%u\nRoute: %s, "
			 "%s\n%s"
			 "Max-Forwards: 70\nFrom: <sip:a@contoso.com>;tag=uas\nTo: <sip:b@ours.com>;tag=b\n"
			 "Call-ID: out\nCSeq: %u INFO\nContent-Length: 0\n\n",
			 i, top, next, rows[i].rest, i + 1);
		if (rows[i].good && i == 0)
			rig_up(r, rig_opened(r), "pool.ours.com");
		else if (!rows[i].good)
			rig_is_status(rig_got(r, back), 481);
	}
	assert_int_equal(rig_count(r, PROXY_COUNTER_refused), sizeof(rows) / sizeof(rows[0]) - 1);
	/* our own servers choose for themselves */
	rig_send(r, pool,
		 "INFO sip:a@198.51.100.7 SIP/2.0\nVia: SIP/2.0/TLS p;branch=z9hG4bK-q\nRoute: %s, %s\n"
		 "Route: <sip:elsewhere.contoso.com;lr>\nMax-Forwards: 70\nFrom: <sip:b@ours.com>;tag=b\n"
		 "To: <sip:a@contoso.com>;tag=uas\nCall-ID: out\nCSeq: 2 INFO\nContent-Length: 0\n\n",
		 next, top);
	rig_is_request(rig_got(r, out), "INFO");
	rig_close(r);
}

/* An entry that says nothing of what follows, from before that was looked at, is as good as it was. */
static void test_old(void **state)
{
	uint8_t keys_of_rig[ROUTE_SLOTS][ROUTE_SECRET_LEN];
	struct policy_stored stored = {.type = POLICY_TYPE_DIRECT,
				       .domain = {"contoso.com", 11},
				       .identity = {"sip.contoso.com", 15}};
	struct route_dialog d = {policy_name_of("in"), policy_name_of("a")};
	struct call c = call_in("");
	struct route_entry came, leaves;
	struct route_keys keys;
	int n;

	memset(keys_of_rig, 0x5a, sizeof(keys_of_rig));
	route_keys_load(&keys, keys_of_rig);
	route_entry_stored(&came, POLICY_INBOUND, true, &stored);
	route_entry_stored(&leaves, POLICY_OUTBOUND, true, &stored);
	came.own_identity = leaves.own_identity = 1;
	came.minted_s = leaves.minted_s = 1790000000;
	n = route_mint(&keys, &came, &d, policy_name_of("sip.ours.com"), 5061, false, c.came,
		       sizeof(c.came) - 1);
	assert_true(n > 0);
	c.came[n] = '\0';
	n = route_mint(&keys, &leaves, &d, policy_name_of("10.0.0.2"), 5061, false, c.leaves,
		       sizeof(c.leaves) - 1);
	assert_true(n > 0);
	c.leaves[n] = '\0';
	passes(&c, "");
	passes(&c, "Route: " P1 "\n");
	rig_close(c.r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),	 cmocka_unit_test(test_proxies), cmocka_unit_test(test_spelt),
		cmocka_unit_test(test_spelling), cmocka_unit_test(test_stolen),	 cmocka_unit_test(test_many),
		cmocka_unit_test(test_out),	 cmocka_unit_test(test_old),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
