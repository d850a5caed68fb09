/* SPDX-License-Identifier: BSD-3-Clause */
/* Our pool sends a request of a partner's dialog where its Request-URI says. That is one of our SIP domains
 * or the host that our end named as its Contact (RFC 3261 section 12.2.1.1); anything else is another one's
 * host, and stays outside. */
#include <stdlib.h>
#include <string.h>

#include "dataplane/proxy/moved.h"
#include "tests/replay/proxy/proxy_rig.h"

#define WORLD "allow contoso.com proxy=sip.contoso.com; host sip.contoso.com 198.51.100.7"
#define HERE  "sip:bob@10.0.0.50:5070;transport=tcp"

struct call {
	struct rig *r;
	unsigned partner, pool, serial;
	unsigned out;	   /* link to the partner's server; 0: none yet */
	bool ours;	   /* our user began */
	char sent[8192];   /* as it left */
	char routes[8192]; /* of the partner */
	char inner[8192];  /* of our end */
};

static void routes_of(char out[8192], const char *m, bool reversed)
{
	char one[2][2048];

	assert_int_equal(rig_fields(m, "Record-Route"), 2);
	for (unsigned i = 0; i < 2; i++)
		snprintf(one[i], sizeof(one[i]), "%s", rig_field(m, "Record-Route", i));
	snprintf(out, 8192, "Route: %s\nRoute: %s\n", one[reversed], one[!reversed]);
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
				    strcspn(strchr(contact, ' ') + 1, "\n"));
	routes_of(c->routes, m, true);
}

static struct call call_on(struct rig *r, const char *method)
{
	struct call c = {.r = r};

	c.partner = rig_partner(c.r, "sip.contoso.com");
	rig_send(c.r, c.partner,
		 "%s sip:bob@ours.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-i\nMax-Forwards: 70\n"
		 "From: <sip:a@contoso.com>;tag=a\nTo: <sip:bob@ours.com>\nCall-ID: c\nCSeq: 1 %s\n"
		 "Contact: <sip:a@198.51.100.7>\nContent-Length: 0\n\n",
		 method, method);
	if (strcmp(method, "INVITE") == 0)
		rig_is_status(rig_got(c.r, c.partner), 100);
	c.pool = rig_opened(c.r);
	rig_up(c.r, c.pool, "pool.ours.com");
	snprintf(c.sent, sizeof(c.sent), "%s", rig_got(c.r, c.pool));
	routes_of(c.inner, c.sent, false);
	return c;
}

static struct call call_in(void)
{
	return call_on(rig_open(WORLD, NULL), "INVITE");
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
	routes_of(c.routes, m, false);
	rig_answer(c.r, c.partner, c.sent, 200, "a", "Contact: <sip:a@198.51.100.7>\n");
	m = rig_got(c.r, c.pool);
	rig_is_status(m, 200);
	routes_of(c.inner, m, true);
	c.out = c.partner;
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

#define THERE "sip:bob@10.0.0.60:5070;transport=tcp"

/* our end sends a request inside of the dialog; the partner says yes */
static void moves(struct call *c, const char *method, const char *contact)
{
	static char sent[8192];

	c->serial++;
	rig_send(c->r, c->pool,
		 "%s sip:a@198.51.100.7 SIP/2.0\nVia: SIP/2.0/TLS in;branch=z9hG4bK-m%u\n%sMax-Forwards: 70\n"
		 "From: <sip:bob@ours.com>;tag=u\nTo: <sip:a@contoso.com>;tag=a\nCall-ID: c\nCSeq: %u %s\n"
		 "Contact: <%s>\nContent-Length: 0\n\n",
		 method, c->serial, c->inner, c->serial, method, contact);
	if (strcmp(method, "INVITE") == 0)
		rig_is_status(rig_got(c->r, c->pool), 100);
	if (!c->out) {
		c->out = rig_opened(c->r);
		rig_up(c->r, c->out, "sip.contoso.com");
	}
	snprintf(sent, sizeof(sent), "%s", rig_got(c->r, c->out));
	rig_is_request(sent, method);
	rig_answer(c->r, c->out, sent, 200, "a", "");
	rig_is_status(rig_got(c->r, c->pool), 200);
}

/* and of a request of the partner it says where it is now */
static void moves_in_answer(struct call *c, const char *method, const char *uri, const char *contact)
{
	static char sent[8192];

	ask(c, method, uri);
	if (strcmp(method, "INVITE") == 0)
		rig_is_status(rig_got(c->r, c->partner), 100);
	snprintf(sent, sizeof(sent), "%s", rig_got(c->r, c->pool));
	rig_is_request(sent, method);
	rig_answer(c->r, c->pool, sent, 200, "u", contact);
	rig_is_status(rig_got(c->r, c->partner), 200);
}

/* RFC 3261 section 12.2, RFC 3311, RFC 6665: an end that moves is followed, in its own dialog */
static void test_moves(void **state)
{
	static const char *const methods[] = {"INVITE", "UPDATE"};

	for (unsigned i = 0; i < 2; i++) {
		struct call c = call_in(), d;

		answer(&c, 200, "Contact: <" HERE ">\n");
		stays(&c, "INFO", THERE);
		moves(&c, methods[i], THERE);
		assert_int_equal(rig_count(c.r, PROXY_COUNTER_contacts_moved), 1);
		passes(&c, "INFO", THERE);
		passes(&c, "BYE", "sip:carol@10.0.0.60:5070");
		/* nowhere else, and in no other dialog */
		stays(&c, "INFO", "sip:bob@10.0.0.61:5070");
		stays(&c, "INFO", "sip:bob@10.0.0.60:6379");
		/* and on */
		moves(&c, methods[i], "sip:bob@[2001:db8::7]");
		passes(&c, "INFO", "sip:bob@[2001:db8::7]");
		/* home again, where policy knows him by name */
		moves(&c, methods[i], "sip:bob@ours.com;gr");
		assert_int_equal(rig_count(c.r, PROXY_COUNTER_contacts_moved), 2);
		passes(&c, "INFO", "sip:bob@ours.com;gr");
		rig_close(c.r);

		/* a dialog of ours, in which nothing is remembered before he moves */
		d = call_out(HERE);
		moves(&d, methods[i], HERE);
		assert_int_equal(rig_count(d.r, PROXY_COUNTER_contacts_moved), 0);
		passes(&d, "INFO", HERE);
		moves(&d, methods[i], THERE);
		passes(&d, "INFO", THERE);
		rig_close(d.r);
	}
}

static void test_moves_in_answer(void **state)
{
	static const char *const methods[] = {"INVITE", "UPDATE", "SUBSCRIBE"};

	for (unsigned i = 0; i < 3; i++) {
		struct call c = call_in();

		answer(&c, 200, "Contact: <" HERE ">\n");
		moves_in_answer(&c, methods[i], HERE, "Contact: <" HERE ">\n");
		assert_int_equal(rig_count(c.r, PROXY_COUNTER_contacts_moved), 0);
		moves_in_answer(&c, methods[i], HERE, "Contact: <" THERE ">\n");
		assert_int_equal(rig_count(c.r, PROXY_COUNTER_contacts_moved), 1);
		passes(&c, strcmp(methods[i], "INVITE") == 0 ? "ACK" : "INFO", THERE);
		stays(&c, "INFO", "sip:bob@10.0.0.61:5070");
		rig_close(c.r);
	}
}

/* what nobody but the partner says moves nobody */
static void test_moved_by_others(void **state)
{
	struct call c = call_in();

	answer(&c, 200, "Contact: <" HERE ">\n");
	/* a refusal, and what is no refresh */
	ask(&c, "UPDATE", HERE);
	snprintf(c.sent, sizeof(c.sent), "%s", rig_got(c.r, c.pool));
	rig_answer(c.r, c.pool, c.sent, 302, "u", "Contact: <" THERE ">\n");
	rig_is_status(rig_got(c.r, c.partner), 302);
	moves_in_answer(&c, "INFO", HERE, "Contact: <" THERE ">\n");
	stays(&c, "INFO", THERE);
	/* his own Contact */
	rig_send(
		c.r, c.partner,
		"UPDATE " HERE " SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-own\n%sMax-Forwards: 70\n"
		"From: <sip:a@contoso.com>;tag=a\nTo: <sip:bob@ours.com>;tag=u\nCall-ID: c\nCSeq: 90 UPDATE\n"
		"Contact: <" THERE ">\nContent-Length: 0\n\n",
		c.routes);
	rig_is_request(rig_got(c.r, c.pool), "UPDATE");
	stays(&c, "INFO", THERE);
	assert_int_equal(rig_count(c.r, PROXY_COUNTER_contacts_moved), 0);
	rig_close(c.r);
}

/* who kept the routes of an early answer is at home with the last Contact (section 13.2.2.4) */
static void test_early(void **state)
{
	struct call c = call_in();
	static char early[8192];

	answer(&c, 183, "Contact: <" HERE ">\n");
	memcpy(early, c.routes, sizeof(early));
	answer(&c, 180, "Contact: <" HERE ">\n");
	assert_int_equal(rig_count(c.r, PROXY_COUNTER_contacts_moved), 0);
	answer(&c, 200, "Contact: <" THERE ">\n");
	passes(&c, "ACK", THERE);
	memcpy(c.routes, early, sizeof(early));
	passes(&c, "ACK", THERE);
	rig_close(c.r);
}

/* RFC 6665 section 4.4.1: the notifier is where its NOTIFY says, whatever the 200 said */
static void test_notify(void **state)
{
	struct call c = call_on(rig_open(WORLD, NULL), "SUBSCRIBE");

	answer(&c, 200, "Contact: <" HERE ">\nExpires: 600\n");
	moves(&c, "NOTIFY", THERE);
	passes(&c, "SUBSCRIBE", THERE);
	passes(&c, "SUBSCRIBE", HERE);
	stays(&c, "SUBSCRIBE", "sip:bob@10.0.0.61:5070");
	rig_close(c.r);
}

/* told to one core, asked of another one */
static void test_cores(void **state)
{
	struct rig *r = rig_open_cores(WORLD, 2);
	struct call c;

	/* so that the pool is reached over one connection */
	policy_draft_box(r->world.draft)->connections_per_partner = 1;
	rig_world(r, "");
	c = call_on(r, "INVITE");
	answer(&c, 200, "Contact: <" HERE ">\n");
	moves(&c, "UPDATE", THERE);
	for (unsigned core = 0; core < 2; core++) {
		c.r->accept_at = core;
		c.partner = rig_partner(c.r, "sip.contoso.com");
		passes(&c, "INFO", THERE);
		stays(&c, "INFO", "sip:bob@10.0.0.61:5070");
	}
	rig_close(c.r);
}

/* in memory that outlives the process */
static void test_restart(void **state)
{
	static const uint8_t secret[MOVED_SECRET] = {1, 2, 3};
	struct moved *t = calloc(1, sizeof(*t));
	struct rig *r = rig_open(WORLD, NULL);
	struct call c, d;

	assert_non_null(t);
	moved_begin(t, secret);
	proxy_moved_attach(r->proxy, t);
	c = call_on(r, "INVITE");
	answer(&c, 200, "Contact: <" HERE ">\n");
	moves(&c, "UPDATE", THERE);
	rig_close(c.r);
	d = c;
	d.r = rig_open(WORLD, NULL);
	proxy_moved_attach(d.r->proxy, t);
	d.ours = true;
	d.partner = rig_partner(d.r, "sip.contoso.com");
	passes(&d, "BYE", THERE);
	stays(&d, "BYE", "sip:bob@10.0.0.61:5070");
	rig_close(d.r);
	/* it is nowhere else */
	d.r = rig_open(WORLD, NULL);
	d.partner = rig_partner(d.r, "sip.contoso.com");
	stays(&d, "BYE", THERE);
	rig_close(d.r);
	free(t);
}

/* a full set forgets its oldest */
static void test_table(void **state)
{
	struct moved *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	assert_false(moved_to(t, 7, 1));
	for (uint64_t i = 0; i < MOVED_WAYS + 1; i++) {
		assert_true(moved_note(t, i << 32 | 7, 100));
		assert_false(moved_note(t, i << 32 | 7, 100));
	}
	assert_false(moved_to(t, 7, 100));
	for (uint64_t i = 1; i < MOVED_WAYS + 1; i++) {
		assert_true(moved_to(t, i << 32 | 7, 100));
		assert_false(moved_to(t, i << 32 | 7, 101));
		assert_false(moved_to(t, i << 32 | 8, 100));
	}
	assert_false(moved_note(NULL, 1, 1));
	assert_false(moved_to(NULL, 1, 1));
	free(t);
}

/* `hold-to-contact no` */
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
		cmocka_unit_test(test_in),
		cmocka_unit_test(test_out),
		cmocka_unit_test(test_domain),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_switch),
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_moves_in_answer),
		cmocka_unit_test(test_moved_by_others),
		cmocka_unit_test(test_early),
		cmocka_unit_test(test_notify),
		cmocka_unit_test(test_cores),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
