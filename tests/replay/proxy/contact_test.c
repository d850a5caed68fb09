/* SPDX-License-Identifier: BSD-3-Clause */
/* Our pool sends a request of a partner's dialog where its Request-URI says. That is one of our SIP domains
 * or the host that our end named as its Contact (RFC 3261 section 12.2.1.1); anything else is another one's
 * host, and stays outside. */
#include <string.h>

#include "dataplane/proxy/route_sign.h"
#include "tests/replay/proxy/proxy_rig.h"

#define WORLD "allow contoso.com proxy=sip.contoso.com; host sip.contoso.com 198.51.100.7"
#define HERE  "sip:bob@10.0.0.50:5070;transport=tcp"

struct call {
	struct rig *r;
	unsigned partner, pool, serial;
	bool ours;	   /* our user began */
	char sent[8192];   /* as it left */
	char routes[8192]; /* of the partner */
};

static void routes_of(struct call *c, const char *m, bool reversed)
{
	char one[2][2048];

	assert_int_equal(rig_fields(m, "Record-Route"), 2);
	for (unsigned i = 0; i < 2; i++)
		snprintf(one[i], sizeof(one[i]), "%s", rig_field(m, "Record-Route", i));
	snprintf(c->routes, sizeof(c->routes), "Route: %s\nRoute: %s\n", one[reversed], one[!reversed]);
}

/* from outside, with what our user says of himself in an answer */
static void answer(struct call *c, unsigned status, const char *contact)
{
	const char *m;

	rig_answer(c->r, c->pool, c->sent, status, "u", contact);
	m = rig_got(c->r, c->partner);
	rig_is_status(m, status);
	/* what crosses is what our user said */
	if (*contact)
		assert_memory_equal(rig_field(m, "Contact", 0), strchr(contact, ' ') + 1,
				    strlen(strchr(contact, ' ')) - 2);
	routes_of(c, m, true);
}

static struct call call_in(void)
{
	struct call c = {.r = rig_open(WORLD, NULL)};

	c.partner = rig_partner(c.r, "sip.contoso.com");
	rig_send(c.r, c.partner,
		 "INVITE sip:bob@ours.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-i\nMax-Forwards: 70\n"
		 "From: <sip:a@contoso.com>;tag=a\nTo: <sip:bob@ours.com>\nCall-ID: c\nCSeq: 1 INVITE\n"
		 "Contact: <sip:a@198.51.100.7>\nContent-Length: 0\n\n");
	rig_is_status(rig_got(c.r, c.partner), 100);
	c.pool = rig_opened(c.r);
	rig_up(c.r, c.pool, "pool.ours.com");
	snprintf(c.sent, sizeof(c.sent), "%s", rig_got(c.r, c.pool));
	return c;
}

static struct call call_out(const char *contact)
{
	struct call c = {.r = rig_open(WORLD, NULL), .ours = true};
	const char *m;

	c.pool = rig_inner(c.r, "pool.ours.com");
	rig_send(c.r, c.pool,
		 "INVITE sip:a@contoso.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-i\nMax-Forwards: 70\n"
		 "From: <sip:bob@ours.com>;tag=u\nTo: <sip:a@contoso.com>\nCall-ID: c\nCSeq: 1 INVITE\n"
		 "Contact: <%s>\nContent-Length: 0\n\n",
		 contact);
	rig_is_status(rig_got(c.r, c.pool), 100);
	c.partner = rig_opened(c.r);
	rig_up(c.r, c.partner, "sip.contoso.com");
	m = rig_got(c.r, c.partner);
	snprintf(c.sent, sizeof(c.sent), "%s", m);
	routes_of(&c, m, false);
	rig_answer(c.r, c.partner, c.sent, 200, "a", "Contact: <sip:a@198.51.100.7>\n");
	rig_is_status(rig_got(c.r, c.pool), 200);
	/* what the partner begins comes over a connection of his own */
	c.partner = rig_partner(c.r, "sip.contoso.com");
	return c;
}

static void ask(struct call *c, const char *method, const char *uri)
{
	c->serial++;
	rig_send(c->r, c->partner,
		 "%s %s SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-q%u\n%sMax-Forwards: 70\n"
		 "From: <sip:a@contoso.com>;tag=a\nTo: <sip:bob@ours.com>;tag=u\nCall-ID: c\nCSeq: %u %s\n"
		 "Content-Length: 0\n\n",
		 method, uri, c->serial, c->routes, c->serial + 1, method);
}

static void passes(struct call *c, const char *method, const char *uri)
{
	char line[600];
	const char *m;

	ask(c, method, uri);
	/* a pool that began the call is called back */
	if (c->ours) {
		c->pool = rig_opened(c->r);
		rig_up(c->r, c->pool, "pool.ours.com");
		c->ours = false;
	}
	m = rig_got(c->r, c->pool);
	snprintf(line, sizeof(line), "%s %s SIP/2.0\n", method, uri);
	assert_memory_equal(m, line, strlen(line));
}

static void stays(struct call *c, const char *method, const char *uri)
{
	ask(c, method, uri);
	rig_quiet(c->r, c->pool);
	if (strcmp(method, "ACK") == 0) {
		rig_quiet(c->r, c->partner);
		return;
	}
	rig_is_status(rig_got(c->r, c->partner), 403);
	assert_int_equal(rig_event(c->r, EXCHANGE_EVENT_REFUSED)->reason, POLICY_REASON_DIALOG_TARGET);
	assert_int_equal(rig_event(c->r, EXCHANGE_EVENT_REFUSED)->ms_id, 1027);
}

static const char *const same[] = {
	HERE,
	"sip:bob@10.0.0.50:5070",
	/* who is at a host belongs to it; a user may change when a call is handed on */
	"sip:carol@10.0.0.50:5070;transport=tcp;x=y",
	"sips:10.0.0.50:5070",
	/* whom policy judges by name */
	"sip:bob@ours.com;gruu",
	"sip:bob@OURS.com.",
};
static const char *const other[] = {
	"sip:bob@10.0.0.51:5070",
	"sip:bob@10.0.0.50",
	"sip:bob@10.0.0.50:6379;transport=tcp",
	"sip:bob@10.0.0.50:5070;maddr=10.0.0.51",
	"sip:bob@[::ffff:10.0.0.50]:5070",
	"sip:bob@pc.ours.com",
	"sip:bob@contoso.com",
	"tel:+1900555",
};

static void rows(struct call *c)
{
	for (unsigned i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		passes(c, i % 2 ? "INFO" : "BYE", same[i]);
	for (unsigned i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		stays(c, "INFO", other[i]);
		/* a BYE opens the same connections, and an ACK */
		stays(c, "BYE", other[i]);
		stays(c, "ACK", other[i]);
	}
}

static void test_in(void **state)
{
	struct call c = call_in();

	/* nobody has said yet where he is */
	answer(&c, 180, "");
	stays(&c, "UPDATE", HERE);
	passes(&c, "UPDATE", "sip:bob@ours.com");
	answer(&c, 183, "Contact: <" HERE ">\n");
	passes(&c, "PRACK", HERE);
	/* each answer of a fork has its own */
	answer(&c, 183, "Contact: <sip:bob@gw.ours.com>\n");
	stays(&c, "PRACK", HERE);
	passes(&c, "PRACK", "sip:bob@gw.ours.com:5060");
	answer(&c, 200, "Contact: <" HERE ">\n");
	rows(&c);
	rig_close(c.r);
}

static void test_out(void **state)
{
	struct call c = call_out(HERE);

	rows(&c);
	rig_close(c.r);
}

/* who is at one of our domains names no host */
static void test_domain(void **state)
{
	struct call c = call_in(), d = call_out("sip:bob@ours.com;gr=1");

	answer(&c, 200, "Contact: \"B\" <sip:bob@ours.com;gr=2>\n");
	passes(&c, "ACK", "sip:bob@ours.com;gr=2");
	stays(&c, "BYE", "sip:bob@10.0.0.50");
	rig_close(c.r);
	passes(&d, "BYE", "sip:bob@ours.com;gr=1");
	stays(&d, "BYE", "sip:bob@10.0.0.50");
	rig_close(d.r);
}

static void test_ipv6(void **state)
{
	struct call c = call_out("sip:bob@[2001:db8::5]:5070");

	passes(&c, "INFO", "sip:bob@[2001:DB8:0:0::0005]:5070");
	stays(&c, "INFO", "sip:bob@[2001:db8::6]:5070");
	rig_close(c.r);
}

/* `hold-to-contact no`: where ends move in the middle of a dialog */
static void test_switch(void **state)
{
	struct call c = call_out(HERE);

	stays(&c, "INFO", "sip:bob@10.0.0.51");
	policy_draft_box(c.r->world.draft)->flags |= POLICY_BOX_ANY_CONTACT;
	rig_world(c.r, "");
	passes(&c, "INFO", "sip:bob@10.0.0.51");
	rig_close(c.r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in),   cmocka_unit_test(test_out),    cmocka_unit_test(test_domain),
		cmocka_unit_test(test_ipv6), cmocka_unit_test(test_switch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
