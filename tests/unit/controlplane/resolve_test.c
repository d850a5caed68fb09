/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses, answers and the cache, with scripted time. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "controlplane/resolve/answer.h"
#include "controlplane/resolve/cache.h"

#define S 1000000000ull

static void parse(const char *text, uint8_t out[16])
{
	struct address_range r;

	assert_int_equal(address_range_read(text, &r), 0);
	memcpy(out, r.a, 16);
}

static void addresses(void **state)
{
	static const struct {
		const char *a;
		bool refused;
	} rows[] = {
		{"198.18.0.1", false},
		{"192.0.2.1", false},
		{"198.51.100.1", false},
		{"2001:db8::1", false},
		{"8.8.8.8", false},
		{"2606:4700::1", false},
		{"127.0.0.1", true},
		{"127.255.0.1", true},
		{"0.0.0.0", true},
		{"169.254.1.1", true},
		{"224.0.0.1", true},
		{"255.255.255.255", true},
		{"10.0.0.1", true},
		{"172.16.0.1", true},
		{"172.15.0.1", false},
		{"172.31.255.255", true},
		{"172.32.0.1", false},
		{"192.168.1.1", true},
		{"100.64.0.1", true},
		{"100.128.0.1", false},
		{"::", true},
		{"::1", true},
		{"fe80::1", true},
		{"fec0::1", true},
		{"fd00::1", true},
		{"ff02::1", true},
		{"::ffff:10.0.0.1", true},
		{"64:ff9b::10.0.0.1", true}, /* a private address behind NAT64 */
		{"64:ff9b::8.8.8.8", false},
		{"2002:7f00:1::", true}, /* a loopback address behind 6to4 */
		{"198.18.1.2", true},	 /* our own, below */
	};
	struct address_range own, open;
	struct address_rules rules = {.own = &own, .own_n = 1};
	uint8_t a[16];

	assert_int_equal(address_range_read("198.18.1.2", &own), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		parse(rows[i].a, a);
		if ((address_refused(a, &rules) != NULL) != rows[i].refused)
			fail_msg("%s", rows[i].a);
	}
	/* what the operator opens is open; loopback never is */
	assert_int_equal(address_range_read("10.1.0.0/16", &open), 0);
	rules.allowed = &open;
	rules.allowed_n = 1;
	parse("10.1.2.3", a);
	assert_null(address_refused(a, &rules));
	parse("10.2.2.3", a);
	assert_non_null(address_refused(a, &rules));
	memset(&open, 0, sizeof(open));
	parse("127.0.0.1", a);
	assert_non_null(address_refused(a, &rules));
	assert_int_equal(address_range_read("10.0.0.0/33", &open), -EINVAL);
	assert_int_equal(address_range_read("x", &open), -EINVAL);
}

static size_t srv(uint8_t *out, unsigned priority, unsigned weight, unsigned port, const char *name)
{
	size_t n = 6;

	out[0] = (uint8_t)(priority >> 8);
	out[1] = (uint8_t)priority;
	out[2] = (uint8_t)(weight >> 8);
	out[3] = (uint8_t)weight;
	out[4] = (uint8_t)(port >> 8);
	out[5] = (uint8_t)port;
	while (*name) {
		size_t len = strcspn(name, ".");

		out[n++] = (uint8_t)len;
		memcpy(out + n, name, len);
		n += len;
		name += len + (name[len] == '.');
	}
	out[n++] = 0;
	return n;
}

static void answers(void **state)
{
	static const struct address_rules none;
	struct answer a;
	static struct policy_dns out[ANSWER_RECORDS];
	unsigned kept = 0;
	uint8_t rdata[300], v4[4] = {198, 18, 0, 1}, v6[16] = {0x20, 0x01, 0x0d, 0xb8},
			    mine[4] = {127, 0, 0, 1};
	size_t n;

	assert_int_equal(answer_init(&a, POLICY_DNS_FEDERATION, 100), 0);
	n = srv(rdata, 20, 1, 5061, "b.X.test");
	assert_int_equal(answer_srv(&a, rdata, n), 1);
	n = srv(rdata, 10, 7, 5062, "a.other.test");
	assert_int_equal(answer_srv(&a, rdata, n), 1);
	/* cut short, too long, a bad length, compressed: not taken */
	for (size_t k = 0; k < n; k++)
		assert_int_equal(answer_srv(&a, rdata, k), -EINVAL);
	assert_int_equal(answer_srv(&a, rdata, n + 1), -EINVAL);
	rdata[6] = 0xc0;
	assert_int_equal(answer_srv(&a, rdata, n), -EINVAL);
	n = srv(rdata, 0, 0, 0, "");
	assert_int_equal(answer_srv(&a, rdata, n), 0); /* "." : no such service */
	assert_int_equal(answer_address(&a, 0, v4, 4, &none), 1);
	assert_int_equal(answer_address(&a, 0, v6, 16, &none), 1);
	assert_int_equal(answer_address(&a, 1, mine, 4, &none), 0);
	assert_int_equal(a.refused, 1);
	a.state = POLICY_DNS_OK;
	answer_write(&a, 5, out);
	assert_int_equal(policy_dns_count(out), 2);
	/* priority first, targets of foreign domains as they came */
	assert_int_equal(out->target[0].port, 5062);
	assert_memory_equal(policy_dns_target_name(out, 0).ptr, "a.other.test", 12);
	assert_memory_equal(policy_dns_target_name(out, 1).ptr, "b.x.test", 8);
	assert_int_equal(out->target[0].addr_count, 0);
	assert_int_equal(out->target[1].addr_count, 2);
	answer_fini(&a);
	/* 100 targets of 16 addresses: bounded, said so, none without an address while another has many */
	assert_int_equal(answer_init(&a, POLICY_DNS_FEDERATION, 100), 0);
	for (unsigned i = 0; i < 120; i++) {
		char name[32];

		snprintf(name, sizeof(name), "t%u.x.test", i);
		n = srv(rdata, 200 - i, 1, 5061, name);
		assert_int_equal(answer_srv(&a, rdata, n), 1);
	}
	assert_int_equal(a.n, 100);
	assert_true(a.cut);
	for (unsigned i = 0; i < 100; i++)
		for (unsigned k = 0; k < 20; k++) {
			v4[3] = (uint8_t)k;
			answer_address(&a, i, v4, 4, &none);
		}
	a.state = POLICY_DNS_OK;
	answer_write(&a, 5, out);
	assert_int_equal(policy_dns_count(out), POLICY_DNS_TARGETS);
	assert_true(out->cut);
	assert_int_equal(out->target[0].priority, 101);
	/* all hundred are kept, in parts that belong together */
	assert_int_equal(out->more, 12);
	for (unsigned p = 0; p <= out->more; p++) {
		assert_int_equal(out[p].kind, p ? POLICY_DNS_MORE + p - 1 : POLICY_DNS_FEDERATION);
		assert_int_equal(out[p].serial, out->serial);
		for (unsigned i = 0; i < policy_dns_count(&out[p]); i++, kept++)
			assert_int_equal(out[p].target[i].addr_count, 2);
	}
	assert_int_equal(kept, 100);
	answer_fini(&a);
}

struct got {
	unsigned n, nulls;
	uint8_t state;
};

static void done(void *ctx, const struct policy_dns *d)
{
	struct got *g = ctx;

	g->n++;
	g->nulls += d == NULL;
	g->state = d ? d->state : 255;
}

static struct cache *cache_new(unsigned max)
{
	static const struct cache_settings set = {.min_ttl = 5,
						  .max_ttl = 86400,
						  .negative_ttl = 60,
						  .serve_stale = 3600,
						  .prefetch = 10,
						  .deadline_ns = 4 * S,
						  .ask_rate = 2,
						  .ask_burst = 3};
	static struct cache c;

	cache_init(&c, &set);
	c.set.max = max;
	return &c;
}

static struct policy_dns record(enum policy_dns_state s)
{
	return (struct policy_dns){.kind = POLICY_DNS_FEDERATION, .state = (uint8_t)s};
}

static void count_ask(void *ctx, struct cache_entry *e)
{
	++*(unsigned *)ctx;
}

static void life(void **state)
{
	struct cache *c = cache_new(10);
	struct policy_dns ok = record(POLICY_DNS_OK), failed = record(POLICY_DNS_FAILED);
	struct cache_entry *e;
	struct got g = {0};
	unsigned asks = 0;

	assert_int_equal(cache_want(c, "b.test", POLICY_DNS_FEDERATION, 0, 1 * S, done, &g, &e), CACHE_ASK);
	/* the same question of others is asked once */
	assert_int_equal(cache_want(c, "b.test", POLICY_DNS_FEDERATION, 7, 1 * S, done, &g, &e), CACHE_WAIT);
	assert_int_equal(c->coalesced, 1);
	assert_true(cache_answer(c, e, &ok, 100, 2 * S));
	cache_tell(e);
	assert_int_equal(g.n, 2);
	assert_int_equal(e->answer.expires_ns, 102 * S);
	assert_int_equal(cache_want(c, "b.test", POLICY_DNS_FEDERATION, 0, 50 * S, done, &g, &e), CACHE_HIT);
	/* not yet in the last tenth; then asked again, because it was used */
	cache_tick(c, 90 * S, count_ask, &asks);
	assert_int_equal(asks, 0);
	cache_tick(c, 93 * S, count_ask, &asks);
	assert_int_equal(asks, 1);
	/* DNS is down: the old answer serves on, is asked for again later and later, for an hour of scripted
	 * time */
	assert_false(cache_answer(c, e, &failed, 0, 103 * S));
	assert_int_equal(cache_want(c, "b.test", POLICY_DNS_FEDERATION, 0, 104 * S, done, &g, &e), CACHE_HIT);
	assert_int_equal(e->answer.state, POLICY_DNS_OK);
	asks = 0;
	for (uint64_t t = 104; t < 102 + 3600; t++) {
		unsigned before = asks;

		if (t % 50 == 0)
			assert_int_equal(
				cache_want(c, "b.test", POLICY_DNS_FEDERATION, 0, t * S, done, &g, &e),
				CACHE_HIT);
		cache_tick(c, t * S, count_ask, &asks);
		if (asks > before)
			assert_false(cache_answer(c, e, &failed, 0, t * S));
	}
	assert_in_range(asks, 50, 120);
	/* the hour is over: a failure is a failure */
	assert_int_equal(cache_want(c, "b.test", POLICY_DNS_FEDERATION, 0, 3800 * S, done, &g, &e),
			 CACHE_ASK);
	assert_true(cache_answer(c, e, &failed, 0, 3801 * S));
	cache_tell(e);
	assert_int_equal(g.state, POLICY_DNS_FAILED);
	/* and DNS is back */
	assert_int_equal(cache_want(c, "b.test", POLICY_DNS_FEDERATION, 0, 3900 * S, done, &g, &e),
			 CACHE_ASK);
	assert_true(cache_answer(c, e, &ok, 1, 3901 * S));
	assert_int_equal(e->ttl, 5); /* raised to min-ttl */
	cache_fini(c);
}

static void negative(void **state)
{
	struct cache *c = cache_new(10);
	struct policy_dns nothing = record(POLICY_DNS_NOTHING), bogus = record(POLICY_DNS_BOGUS),
			  ok = record(POLICY_DNS_OK);
	struct cache_entry *e;
	struct got g = {0};

	cache_want(c, "n.test", POLICY_DNS_FEDERATION, 0, S, done, &g, &e);
	cache_answer(c, e, &nothing, 32768, S);
	cache_tell(e);
	assert_int_equal(e->expires_ns, 61 * S); /* capped */
	assert_int_equal(cache_want(c, "n.test", POLICY_DNS_FEDERATION, 0, 60 * S, done, &g, &e), CACHE_HIT);
	assert_int_equal(cache_want(c, "n.test", POLICY_DNS_FEDERATION, 0, 62 * S, done, &g, &e), CACHE_ASK);
	/* what was good is not kept in the place of what is forged */
	cache_answer(c, e, &ok, 600, 62 * S);
	assert_true(cache_answer(c, e, &bogus, 600, 100 * S));
	assert_int_equal(e->answer.state, POLICY_DNS_BOGUS);
	cache_fini(c);
}

static void limits(void **state)
{
	struct cache *c = cache_new(8);
	struct policy_dns ok = record(POLICY_DNS_OK);
	struct cache_entry *e;
	struct got g = {0};
	unsigned refused = 0, asks = 0;
	char name[32];

	/* one asker: three at once, then two a second; ourselves without limit */
	for (unsigned i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "a%u.test", i);
		refused += cache_want(c, name, POLICY_DNS_FEDERATION, 99, 1000 * S, done, &g, &e) ==
			   CACHE_REFUSED;
	}
	assert_int_equal(refused, 7);
	assert_int_equal(cache_want(c, "later.test", POLICY_DNS_FEDERATION, 99, 1001 * S, done, &g, &e),
			 CACHE_ASK);
	assert_int_equal(cache_want(c, "other.test", POLICY_DNS_FEDERATION, 98, 1001 * S, done, &g, &e),
			 CACHE_ASK);
	/* nobody answers: at the deadline every waiter is told, once */
	cache_tick(c, 1006 * S, count_ask, &asks);
	assert_int_equal(g.n, 5);
	assert_int_equal(g.nulls, 5);
	/* full: what is being asked stays; what is known and old goes */
	for (unsigned i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "b%u.test", i);
		assert_int_equal(cache_want(c, name, POLICY_DNS_FEDERATION, 0, 1007 * S, done, &g, &e),
				 CACHE_ASK);
	}
	assert_int_equal(cache_want(c, "full.test", POLICY_DNS_FEDERATION, 0, 1007 * S, done, &g, &e),
			 CACHE_REFUSED);
	cache_answer(c, cache_find(c, "b0.test", POLICY_DNS_FEDERATION), &ok, 100, 1007 * S);
	assert_int_equal(cache_want(c, "full.test", POLICY_DNS_FEDERATION, 0, 1007 * S, done, &g, &e),
			 CACHE_ASK);
	assert_null(cache_find(c, "b0.test", POLICY_DNS_FEDERATION));
	assert_int_equal(c->n, 8);
	cache_fini(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(addresses), cmocka_unit_test(answers),
					   cmocka_unit_test(life), cmocka_unit_test(negative),
					   cmocka_unit_test(limits)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
