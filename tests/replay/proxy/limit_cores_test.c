/* SPDX-License-Identifier: BSD-3-Clause */
/* Limits of discovered partners (federation rules, section 1.5) hold per peer over all cores, wherever its
 * connections are: rate, suspicion, distinct addresses, the operator's pardon. */
#include <string.h>

#include "dataplane/proxy/proxy_mail.h"
#include "tests/replay/proxy/proxy_rig.h"

#define SRV   "srv contoso.com sip.contoso.com=198.51.100.7"
#define WORLD "discovery on; limit-discovered 1; " SRV

static unsigned serial;

static void message(struct rig *r, unsigned partner, const char *user)
{
	serial++;
	rig_send(r, partner,
		 "MESSAGE sip:%s@ours.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-m%u\n"
		 "From: <sip:a@contoso.com>;tag=1\nTo: <sip:%s@ours.com>\nCall-ID: m%u\nCSeq: 1 MESSAGE\n"
		 "Content-Length: *\n\n",
		 user, serial, user, serial);
}

/* The pool does its work: takes connections, and answers all that came with `status`. How many. */
static unsigned pool(struct rig *r, unsigned status)
{
	static char request[8192];
	unsigned n = 0;

	for (unsigned i = 0; i < r->links_n; i++) {
		struct rig_link *l = &r->link[i];

		if (l->ours && l->state == RIG_OPENING)
			rig_up(r, i, "pool.ours.com");
		while (l->ours && l->state == RIG_UP && l->out_at < l->out_len) {
			snprintf(request, sizeof(request), "%s", rig_got(r, i));
			rig_answer(r, i, request, status, "t", "");
			n++;
		}
	}
	return n;
}

/* what the partner was told: how many finals of this status */
static unsigned told(struct rig *r, unsigned partner, unsigned status)
{
	char line[32];
	unsigned n = 0;

	snprintf(line, sizeof(line), "SIP/2.0 %u ", status);
	while (r->link[partner].out_at < r->link[partner].out_len)
		n += strncmp(rig_got(r, partner), line, strlen(line)) == 0;
	return n;
}

/* the same peer, at every core */
static struct rig *start(const char *world, unsigned cores, unsigned partner[])
{
	struct rig *r = rig_open_cores(world, cores);

	for (unsigned i = 0; i < cores; i++) {
		r->accept_at = i;
		partner[i] = rig_partner(r, "sip.contoso.com");
	}
	return r;
}

static uint64_t asked(struct rig *r)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < r->cores; i++)
		n += proxy_stats_get(r->proxies[i])->counters[PROXY_COUNTER_limit_asked];
	return n;
}

/* a flood over all connections: the burst, then the rate, and not more than 5 % beyond */
static void test_rate(void **state)
{
	for (unsigned cores = 2; cores <= 4; cores++) {
		unsigned partner[4], passed = 0, answered = 0;
		struct rig *r = start(WORLD, cores, partner);

		/* 10 s at ten times its rate */
		for (unsigned i = 0; i < 2000; i++) {
			message(r, partner[i % cores], "b");
			if (i % 4 == 3)
				rig_wait(r, 20);
			passed += pool(r, 200);
		}
		rig_wait(r, 3000);
		passed += pool(r, 200);
		/* 40 + 20 × 13 s at most, 5 % beyond; and no less than it is due */
		assert_in_range(passed, 220, 315);
		assert_true(asked(r) > 0);
		for (unsigned i = 0; i < cores; i++)
			answered += told(r, partner[i], 503);
		assert_int_equal(answered + passed, 2000);
		assert_true(r->watch.why & POLICY_WATCH_RATE);
		assert_true(r->watch.over > 0);
		rig_close(r);
	}
}

/* within its rate nobody is kept waiting for long, and nobody is refused */
static void test_within(void **state)
{
	unsigned partner[4], passed = 0;
	struct rig *r = start(WORLD, 4, partner);

	for (unsigned i = 0; i < 200; i++) {
		message(r, partner[i % 4], i % 3 ? "b" : "c");
		passed += pool(r, 200);
		rig_wait(r, 60);
	}
	passed += pool(r, 200);
	assert_int_equal(passed, 200);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(told(r, partner[i], 200), 50);
	rig_close(r);
}

/* What waited for the DNS at its own core is no exception. */
static void test_after_dns(void **state)
{
	unsigned partner[4], passed = 0;
	struct rig *r = start("discovery on; limit-discovered 1", 4, partner);

	for (unsigned i = 0; i < 120; i++)
		message(r, partner[i % 4], "b");
	assert_int_equal(pool(r, 200), 0);
	rig_world(r, SRV);
	for (unsigned i = 0; i < 50; i++) {
		rig_wait(r, 10);
		passed += pool(r, 200);
	}
	/* 40 + 20 × 0.5 s; a lease that nobody spent is lost */
	assert_in_range(passed, 38, 52);
	rig_close(r);
}

/* the thousand are a thousand for the whole box, told once, and exact */
static void test_enumeration(void **state)
{
	unsigned partner[3], refused = 0, passed = 0;
	struct rig *r = start(WORLD, 3, partner);
	char user[32];

	for (unsigned i = 0; i < 1020; i++) {
		snprintf(user, sizeof(user), "u%u", i);
		message(r, partner[i % 3], user);
		rig_wait(r, 60);
		passed += pool(r, 200);
	}
	for (unsigned i = 0; i < 3; i++)
		refused += told(r, partner[i], 403);
	assert_int_equal(passed, 1000);
	assert_int_equal(refused, 20);
	assert_true(r->watch.why & POLICY_WATCH_URIS);
	assert_int_equal(r->watch.uris, 1000);
	assert_string_equal(r->watch.domains, "contoso.com");
	/* at another core it may still talk to whom it knew */
	message(r, partner[(7 + 1) % 3], "u7");
	assert_int_equal(pool(r, 200), 1);
	rig_close(r);
}

/* finals are counted where the request went out, and reported home */
/* those that policy refused are counted at home as well, wherever they came */
static void test_enumeration_refused(void **state)
{
	unsigned partner[3], n = 0;
	struct rig *r = start(WORLD "; user secret@ours.com rights=-federation", 3, partner);

	for (unsigned i = 0; i < 600; i++) {
		serial++;
		/* each address twice, at two cores */
		rig_send(r, partner[i % 3],
			 "MESSAGE sip:u%u@ours.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-m%u\n"
			 "From: <sip:a@contoso.com>;tag=1\nTo: <sip:secret@ours.com>\nCall-ID: m%u\n"
			 "CSeq: 1 MESSAGE\nContent-Length: *\n\n",
			 i / 2, serial, serial);
		n += told(r, partner[i % 3], 403);
	}
	assert_int_equal(n, 600);
	assert_int_equal(r->watch.uris, 300);
	rig_close(r);
}

static void test_suspicion(void **state)
{
	unsigned partner[4], passed = 0;
	struct rig *r = start(WORLD, 4, partner);

	for (unsigned i = 0; i < 80; i++) {
		message(r, partner[i % 4], "b");
		pool(r, 404);
		rig_wait(r, 60);
		pool(r, 404);
	}
	rig_wait(r, 1500);
	assert_non_null(rig_event(r, EXCHANGE_EVENT_SUSPICIOUS));
	assert_true(r->watch.why & POLICY_WATCH_SUSPICIOUS);
	assert_true(r->watch.bad >= 50);
	/* one a second for the whole box now */
	for (unsigned i = 0; i < 200; i++) {
		message(r, partner[i % 4], "b");
		rig_wait(r, 50);
		passed += pool(r, 200);
	}
	assert_in_range(passed, 5, 14);
	rig_close(r);
}

static void enumerate(struct rig *r, const unsigned *partner)
{
	char user[32];

	for (unsigned i = 0; i < 1002; i++) {
		snprintf(user, sizeof(user), "u%u", i);
		message(r, partner[i % r->cores], user);
		rig_wait(r, 60);
		pool(r, 200);
	}
	for (unsigned i = 0; i < r->cores; i++)
		told(r, partner[i], 0);
}

/* An operator forgives: at every core all begins anew, and control hears of it behind all that came before.
 * A restart does not forgive. */
static void test_forgiven(void **state)
{
	unsigned partner[2], homes = 0;
	struct rig *r = start(WORLD, 2, partner);
	struct policy_watch kept;

	enumerate(r, partner);
	kept = r->watch;
	assert_true(kept.why & POLICY_WATCH_URIS);
	rig_close(r);

	r = rig_open_cores(WORLD, 2);
	r->kept = kept;
	for (unsigned i = 0; i < 2; i++) {
		r->accept_at = i;
		partner[i] = rig_partner(r, "sip.contoso.com");
		message(r, partner[i], "somebody-new");
		assert_int_equal(told(r, partner[i], 403), 1);
	}
	memset(&r->kept, 0, sizeof(r->kept));
	for (unsigned i = 0; i < 2; i++)
		homes += proxy_watch_reset(r->proxies[i], kept.key);
	assert_int_equal(homes, 1);
	assert_memory_equal(r->watch.key, kept.key, POLICY_WATCH_KEY_LEN);
	assert_int_equal(r->watch.why, 0);
	assert_int_equal(r->watch.uris, 0);
	for (unsigned i = 0; i < 2; i++) {
		message(r, partner[i], "somebody-else");
		pool(r, 200);
		pool(r, 200);
		assert_int_equal(told(r, partner[i], 200), 1);
	}
	/* all of them */
	enumerate(r, partner);
	assert_true(r->watch.why & POLICY_WATCH_URIS);
	memset(&kept, 0, sizeof(kept));
	for (unsigned i = 0; i < 2; i++)
		assert_true(proxy_watch_reset(r->proxies[i], kept.key));
	message(r, partner[0], "new-again");
	assert_int_equal(pool(r, 200), 1);
	rig_close(r);
}

/* the core that is not the peer's home */
static unsigned away(struct rig *r, const unsigned *partner)
{
	uint64_t before = asked(r);

	message(r, partner[0], "b");
	pool(r, 200);
	pool(r, 200);
	return asked(r) > before ? 0 : 1;
}

/* A home that does not answer lets nobody in. */
static void test_silent_home(void **state)
{
	unsigned partner[2], far;
	struct rig *r = start(WORLD, 2, partner);

	far = away(r, partner);
	r->asleep = 1u << !far;
	rig_wait(r, 700); /* the lease is over */
	message(r, partner[far], "c");
	told(r, partner[far], 0);
	rig_wait(r, 1100);
	assert_int_equal(told(r, partner[far], 503), 1);
	assert_int_equal(proxy_stats_get(r->proxies[far])->counters[PROXY_COUNTER_limit_late], 1);
	/* it comes back: so late an answer is nobody's, the next one counts */
	r->asleep = 0;
	rig_wait(r, 10);
	message(r, partner[far], "d");
	assert_int_equal(pool(r, 200) + pool(r, 200), 1);
	rig_close(r);
}

/* no room for a question: the request waits for it, and is refused when that takes too long */
static void test_full(void **state)
{
	enum { NOBODY = 2 /* the end of a conn that does not exist */, BYTES = 65536 };
	unsigned partner[2], far;
	struct rig *r = start(WORLD, 2, partner);
	struct mail_ring *ring;
	uint8_t *to;

	far = away(r, partner);
	ring = &r->mail->ring[far * 2 + !far];
	for (unsigned round = 0; round < 2; round++) {
		rig_wait(r, 700);
		told(r, partner[far], 0);
		r->asleep = 1u << !far;
		for (uint32_t len = BYTES; len >= 64; len /= 2)
			while ((to = mail_ring_room(ring, len))) {
				memset(to, 0xff, 8);
				mail_ring_push(ring, NOBODY, (uint16_t)far, len);
			}
		message(r, partner[far], "e");
		rig_wait(r, round ? 2100 : 100);
		rig_wait(r, 10);
		r->asleep = 0;
		if (round) {
			assert_int_equal(told(r, partner[far], 503), 1);
		} else {
			rig_quiet(r, partner[far]);
			rig_wait(r, 100);
			assert_int_equal(pool(r, 200) + pool(r, 200), 1);
		}
	}
	rig_close(r);
}

/* Admitted here, it still goes out where its next hop has a connection; a call that waited for that is
 * cancelled there. */
static void test_crosses(void **state)
{
	unsigned partner[4], opened = 0, inner = 0;
	struct rig *r = rig_open_cores(WORLD, 4);
	static char invite[8192];

	policy_draft_box(r->world.draft)->connections_per_partner = 1;
	rig_world(r, "");
	for (unsigned i = 0; i < 4; i++) {
		r->accept_at = i;
		partner[i] = rig_partner(r, "sip.contoso.com");
		message(r, partner[i], "b");
	}
	for (unsigned i = 0; i < r->links_n; i++)
		if (r->link[i].ours) {
			opened++;
			inner = i;
		}
	assert_int_equal(opened, 1);
	assert_int_equal(pool(r, 200), 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(told(r, partner[i], 200), 1);
		rig_send(r, partner[i],
			 "INVITE sip:b@ours.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-i%u\n"
			 "From: <sip:a@contoso.com>;tag=1\nTo: <sip:b@ours.com>\nCall-ID: i%u\n"
			 "CSeq: 1 INVITE\nContact: <sip:c@192.0.2.1>\nContent-Length: *\n\n",
			 i, i);
		snprintf(invite, sizeof(invite), "%s", rig_got(r, inner));
		rig_is_request(invite, "INVITE");
		rig_answer(r, inner, invite, 180, "t", "");
		rig_send(r, partner[i],
			 "CANCEL sip:b@ours.com SIP/2.0\nVia: SIP/2.0/TLS h;branch=z9hG4bK-i%u\n"
			 "From: <sip:a@contoso.com>;tag=1\nTo: <sip:b@ours.com>\nCall-ID: i%u\n"
			 "CSeq: 1 CANCEL\nContent-Length: *\n\n",
			 i, i);
		rig_is_request(rig_got(r, inner), "CANCEL");
		rig_answer(r, inner, invite, 487, "t", "");
		rig_is_request(rig_got(r, inner), "ACK");
		assert_int_equal(told(r, partner[i], 487), 1);
	}
	rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate),	  cmocka_unit_test(test_within),
		cmocka_unit_test(test_after_dns), cmocka_unit_test(test_enumeration),
		cmocka_unit_test(test_suspicion), cmocka_unit_test(test_enumeration_refused),
		cmocka_unit_test(test_forgiven),  cmocka_unit_test(test_silent_home),
		cmocka_unit_test(test_full),	  cmocka_unit_test(test_crosses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
