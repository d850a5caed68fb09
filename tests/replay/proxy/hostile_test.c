/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests that are well-formed and meant to hurt: what they cost is bounded, what must not pass does not,
 * and the next one of the same peer is served. */
#include <string.h>

#include "tests/replay/proxy/proxy_rig.h"

#define WORLD "allow contoso.com; srv contoso.com sip.contoso.com=198.51.100.7"

static unsigned serial;

static void message(struct rig *r, unsigned partner, const char *lines)
{
	serial++;
	rig_send(r, partner,
		 "MESSAGE sip:bob@ours.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-h%u\n%s"
		 "From: <sip:a@contoso.com>;tag=1\nTo: <sip:bob@ours.com>\nCall-ID: h%u\nCSeq: 1 MESSAGE\n"
		 "Content-Length: *\n\n",
		 serial, lines, serial);
}

static struct rig *start(unsigned *partner, unsigned *inner)
{
	static char text[4096];
	struct rig *r = rig_open(WORLD, NULL);

	*partner = rig_partner(r, "sip.contoso.com");
	message(r, *partner, "");
	*inner = rig_opened(r);
	rig_up(r, *inner, "pool.ours.com");
	snprintf(text, sizeof(text), "%s", rig_got(r, *inner));
	rig_answer(r, *inner, text, 200, "t", "");
	rig_is_status(rig_got(r, *partner), 200);
	return r;
}

static void still_served(struct rig *r, unsigned partner, unsigned inner)
{
	message(r, partner, "Subject: after\n");
	assert_string_equal(rig_field(rig_got(r, inner), "Subject", 0), "after");
	rig_close(r);
}

static const char *times(const char *line, unsigned n)
{
	static char text[32768];
	size_t len = strlen(line);

	for (unsigned i = 0; i < n; i++)
		memcpy(text + i * len, line, len + 1);
	return text;
}

/* more fields that must go than a message can be edited for: refused whole, never passed with some */
static void test_strip_many(void **state)
{
	unsigned partner, inner;
	struct rig *r = start(&partner, &inner);
	const char *m;

	message(r, partner, times("P-Asserted-Identity: <sip:boss@ours.com>\n", 200));
	rig_quiet(r, inner);
	m = rig_got(r, partner);
	assert_true(strncmp(m, "SIP/2.0 4", 9) == 0 || strncmp(m, "SIP/2.0 5", 9) == 0);
	still_served(r, partner, inner);
}

/* they are passed on, and come back in the answer */
static void test_via_many(void **state)
{
	static char text[65536];
	unsigned partner, inner;
	struct rig *r = start(&partner, &inner);

	message(r, partner, times("Via: SIP/2.0/TLS a;branch=z9hG4bK-x\n", 200));
	snprintf(text, sizeof(text), "%s", rig_got(r, inner));
	assert_int_equal(rig_fields(text, "Via"), 202);
	rig_answer(r, inner, text, 200, "t", "");
	assert_int_equal(rig_fields(rig_got(r, partner), "Via"), 201);
	still_served(r, partner, inner);
}

static void test_max_forwards(void **state)
{
	unsigned partner, inner;
	struct rig *r = start(&partner, &inner);

	message(r, partner, "Max-Forwards: 0\n");
	rig_quiet(r, inner);
	rig_is_status(rig_got(r, partner), 483);
	still_served(r, partner, inner);
}

/* CANCELs of what never was: answered, and nothing is kept of them */
static void test_cancel_flood(void **state)
{
	unsigned partner, inner;
	struct rig *r = start(&partner, &inner);

	for (unsigned i = 0; i < 2000; i++) {
		rig_send(r, partner,
			 "CANCEL sip:bob@ours.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-c%u\n"
			 "From: <sip:a@contoso.com>;tag=1\nTo: <sip:bob@ours.com>\nCall-ID: c\n"
			 "CSeq: 1 CANCEL\nContent-Length: *\n\n",
			 i);
		rig_is_status(rig_got(r, partner), 481);
	}
	assert_int_equal(proxy_stats_get(r->proxy)->servers, 0);
	assert_int_equal(rig_count(r, PROXY_COUNTER_cancels), 0);
	rig_quiet(r, inner);
	still_served(r, partner, inner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strip_many),
		cmocka_unit_test(test_via_many),
		cmocka_unit_test(test_max_forwards),
		cmocka_unit_test(test_cancel_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
