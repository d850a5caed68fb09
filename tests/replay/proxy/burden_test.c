/* SPDX-License-Identifier: BSD-3-Clause */
/* Next hops that take less than they are given, and next hops that lose all of their conns at once. */
#include <string.h>

#include "tests/replay/proxy/proxy_rig.h"

#define WORLD                                                               \
	"allow contoso.com; srv contoso.com sip.contoso.com=198.51.100.7; " \
	"allow fabrikam.com; srv fabrikam.com sip.fabrikam.com=198.51.100.8"

static unsigned serial;

static void invite(struct rig *r, unsigned link, const char *from, const char *to, const char *subject)
{
	serial++;
	rig_send(r, link,
		 "INVITE sip:%s SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-b%u\nFrom: <sip:%s>;tag=1\n"
		 "To: <sip:%s>\nCall-ID: b%u\nCSeq: 1 INVITE\nContact: <sip:x@h>\nSubject: %s\n"
		 "Content-Length: *\n\n",
		 to, serial, from, to, serial, subject);
}

static unsigned start(struct rig *r, unsigned partner, char *first)
{
	unsigned inner;

	invite(r, partner, "a@contoso.com", "b@ours.com", "first");
	rig_is_status(rig_got(r, partner), 100);
	inner = rig_opened(r);
	rig_up(r, inner, "pool.ours.com");
	snprintf(first, 8192, "%s", rig_got(r, inner));
	return inner;
}

static void writable(struct rig *r, unsigned link)
{
	r->link[link].room = UINT32_MAX;
	proxy_begin(r->proxy, r->now_ns, 0, r->world.view);
	proxy_link_writable(r->proxy, r->link[link].conn);
	proxy_end(r->proxy);
	rig_wait(r, 10);
}

/* One partner sends more than the pool reads. The conn to the pool is everybody's: it lives, answers come
 * over it, the greedy one is told to come later, and who has little under way is still taken. */
static void test_pool_reads_slowly(void **state)
{
	static char subject[2000], first[8192], last[8192];
	struct rig *r = rig_open(WORLD, NULL);
	unsigned greedy[8], other, inner, refused = 0, passed = 0;
	const char *m;

	greedy[0] = rig_partner(r, "sip.contoso.com");
	other = rig_partner(r, "sip.fabrikam.com");
	inner = start(r, greedy[0], first);
	policy_draft_box(r->world.draft)->connections_per_partner = 1;
	rig_world(r, "");
	rig_room(r, inner, 0);
	memset(subject, 's', sizeof(subject) - 1);
	for (unsigned i = 1; i < 8; i++)
		greedy[i] = rig_partner(r, "sip.contoso.com");
	for (unsigned i = 0; i < 1600; i++)
		invite(r, greedy[i % 8], "a@contoso.com", "b@ours.com", subject);
	assert_int_equal(r->link[inner].state, RIG_UP);
	assert_false(r->link[inner].said_abort);
	for (unsigned i = 0; i < 8; i++) {
		while (r->link[greedy[i]].out_at < r->link[greedy[i]].out_len) {
			m = rig_got(r, greedy[i]);
			if (strncmp(m, "SIP/2.0 503", 11) == 0) {
				assert_int_equal(rig_fields(m, "Retry-After"), 1);
				refused++;
			} else {
				rig_is_status(m, 100);
				passed++;
			}
		}
	}
	/* all hear something at once; a quarter of what may be queued is under way */
	assert_true(passed >= 150);
	assert_in_range(1600 - refused, 150, 300);
	/* the pool answers what it read before */
	rig_answer(r, inner, first, 486, "t", "");
	rig_is_status(rig_got(r, greedy[0]), 486);
	/* and another partner is not shut out */
	invite(r, other, "a@fabrikam.com", "b@ours.com", "other");
	rig_is_status(rig_got(r, other), 100);
	rig_quiet(r, other);
	writable(r, inner);
	for (passed = 0; r->link[inner].out_at < r->link[inner].out_len; passed++)
		snprintf(last, sizeof(last), "%s", rig_got(r, inner));
	assert_string_equal(rig_field(last, "Subject", 0), "other");
	/* of each only once, and none in part */
	assert_in_range(passed, 151, 301);
	rig_close(r);
}

/* All conns that a next hop may have are there, and in the same moment of no use any more: another one is
 * opened. */
static void test_all_revoked(void **state)
{
	struct rig *r = rig_open(WORLD, NULL);
	unsigned inner = rig_inner(r, "pool.ours.com"), n = 0, k;

	policy_draft_box(r->world.draft)->connections_per_partner = 4;
	rig_world(r, "");
	for (unsigned i = 0; i < 200; i++) {
		invite(r, inner, "b@ours.com", "a@contoso.com", "x");
		for (k = 0; k < r->links_n; k++) {
			if (r->link[k].state == RIG_OPENING) {
				rig_up(r, k, "sip.contoso.com");
				n++;
			}
		}
	}
	assert_int_equal(n, 4);
	for (unsigned round = 0; round < 6; round++) {
		for (k = 0; k < r->links_n; k++)
			if (r->link[k].ours && r->link[k].state == RIG_UP)
				proxy_link_revoked(r->proxy, r->link[k].conn);
		invite(r, inner, "b@ours.com", "a@contoso.com", "y");
		k = rig_opened(r);
		rig_up(r, k, "sip.contoso.com");
		assert_string_equal(rig_field(rig_got(r, k), "Subject", 0), "y");
	}
	rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pool_reads_slowly),
		cmocka_unit_test(test_all_revoked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
