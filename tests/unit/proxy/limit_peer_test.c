/* SPDX-License-Identifier: BSD-3-Clause */
/* Limits of one peer, at its home and away. Longer than other files: everything is about one table, which all
 * of it opens, asks and kills in the same few words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* keeps the order that cmocka.h wants */
#include <cmocka.h>

#include "dataplane/base/rng.h"
#include "dataplane/proxy/limit_peer.h"
#include "dataplane/proxy/limit_table.h"

#define MS    UINT64_C(1000000)
#define S     UINT64_C(1000000000)
#define START (1000 * S)
#define WALL  INT64_C(1700000000)

static const struct siphash_key key = {11, 22};
static struct policy_limit_class class;
static struct limit_table *table;
static struct limit_answer answer;
static struct limit_event event;
static uint64_t now;
static int64_t wall;
static void *memory;

static struct limit_key peer_of(unsigned n)
{
	struct limit_key k = {{0}, {0}};

	memcpy(k.spki, &n, sizeof(n));
	return k;
}

static void open_table(uint32_t peers, uint32_t sets)
{
	struct limit_size size = {peers, sets};
	size_t bytes = limit_table_bytes(size);
	bool kept;

	free(memory);
	memory = aligned_alloc(64, bytes);
	assert_non_null(memory);
	/* what was never used is never read */
	memset(memory, 0xa5, bytes);
	table = limit_table_open(memory, size, &key, &kept);
	assert_false(kept);
	policy_limit_defaults(&class);
	now = START;
	wall = WALL;
}

static enum limit_verdict ask(unsigned peer, uint64_t uri, uint64_t held)
{
	struct limit_question q = {.peer = peer_of(peer),
				   .uri = uri,
				   .held_since_ns = held,
				   .request = 1,
				   .limit_class = 3,
				   .domain = "fabrikam.test"};

	limit_table_ask(table, &q, &class, now, wall, &answer, &event);
	return answer.verdict;
}

/* 20 in a second, 40 at once; reading pauses for 2 s at most, then 503 with Retry-After */
static void rate(void **state)
{
	unsigned passed = 0;
	uint64_t held;

	open_table(16, 4);
	for (unsigned i = 0; i < 60; i++)
		passed += ask(1, 0, 0) == LIMIT_PASS;
	assert_int_equal(passed, 40);
	assert_int_equal(answer.verdict, LIMIT_PAUSE);
	assert_in_range(answer.until_ns, now + 1, now + 50 * MS);
	/* a held message passes when its token came */
	held = now;
	now = answer.until_ns;
	assert_int_equal(ask(1, 0, held), LIMIT_PASS);
	/* one that was held too long is answered */
	held = now;
	for (now += 2 * S; ask(1, 0, 0) == LIMIT_PASS;)
		;
	assert_int_equal(ask(1, 0, held), LIMIT_RATE);
	assert_int_equal(answer.retry_after_s, 5);
	assert_int_equal(event.kind, LIMIT_EVENT_OVER);
	assert_int_equal(event.watch.why, POLICY_WATCH_RATE);
	assert_string_equal(event.watch.domains, "fabrikam.test");
	assert_int_equal(ask(1, 0, held), LIMIT_RATE);
	assert_int_equal(event.kind, LIMIT_EVENT_NONE);
	/* others are not concerned, nor is who has no class */
	assert_int_equal(ask(2, 0, 0), LIMIT_PASS);
	for (unsigned i = 0; i < 1000; i++) {
		struct limit_question q = {.peer = peer_of(1), .request = 1, .uri = i};

		limit_table_ask(table, &q, NULL, now, wall, &answer, &event);
		assert_int_equal(answer.verdict, LIMIT_PASS);
	}
	assert_int_equal(limit_table_counts(table).peers, 2);
}

/* half of 50 finals fail within the minute: one message a second; ten calm minutes end it */
static void suspicion(void **state)
{
	struct limit_key p = peer_of(1);
	unsigned passed = 0;

	open_table(16, 4);
	ask(1, 0, 0);
	for (unsigned i = 0; i < 50; i++) {
		assert_int_equal(limit_find(table, &p)->ratio.suspicious, false);
		limit_table_final(table, &p, &class, i % 2 ? 200 : 404, now, wall, &event);
	}
	assert_int_equal(event.kind, LIMIT_EVENT_SUSPICIOUS);
	assert_int_equal(event.watch.why, POLICY_WATCH_SUSPICIOUS);
	assert_int_equal(event.watch.good, 25);
	assert_int_equal(event.watch.bad, 25);
	assert_int_equal(event.watch.why_s, WALL);
	ask(1, 0, 0);
	now += 100 * S;
	for (unsigned i = 0; i < 1000; i++, now += 10 * MS)
		passed += ask(1, 0, 0) == LIMIT_PASS;
	assert_in_range(passed, 10, 11);
	/* no lease while it is so */
	now += 5 * S;
	assert_int_equal(ask(1, 0, 0), LIMIT_PASS);
	assert_int_equal(answer.tokens, 0);
	/* provisional responses are none */
	limit_table_final(table, &p, &class, 100, now, wall, &event);
	assert_int_equal(event.kind, LIMIT_EVENT_NONE);
}

static const struct policy_limit_class *class_of(void *ctx, uint8_t limit_class)
{
	return limit_class == 3 ? &class : NULL;
}

static unsigned tick(unsigned kind)
{
	unsigned n = 0;
	uint32_t at = 0;

	while (limit_table_tick(table, &at, class_of, NULL, now, wall, &event))
		n += event.kind == kind;
	return n + (event.kind == kind);
}

static void calm(void **state)
{
	struct limit_key p = peer_of(1);
	unsigned calmed = 0;

	open_table(16, 4);
	ask(1, 0, 0);
	for (unsigned i = 0; i < 50; i++)
		limit_table_final(table, &p, &class, 403, now, wall, &event);
	for (unsigned i = 0; i < 600; i++, now += S)
		assert_int_equal(tick(LIMIT_EVENT_CALM), 0);
	for (unsigned i = 0; i < 120; i++, now += S)
		calmed += tick(LIMIT_EVENT_CALM);
	assert_int_equal(calmed, 1);
	assert_int_equal(limit_find(table, &p)->why, 0);
	/* an hour later nothing is remembered */
	now += 3600 * S;
	tick(0);
	assert_null(limit_find(table, &p));
	assert_int_equal(limit_table_counts(table).peers, 0);
	/* a class that is gone limits nobody */
	ask(1, 7, 0);
	limit_find(table, &p)->limit_class = 9;
	tick(0);
	assert_null(limit_find(table, &p));
}

static void slow(unsigned peer, uint64_t uri, enum limit_verdict want)
{
	now += S;
	if (ask(peer, uri, 0) != want)
		fail_msg("uri %llu: %u", (unsigned long long)uri, answer.verdict);
}

/* 1,000 distinct ones, exactly; told at every hundredth; the 1,001st is refused, the known ones never */
static void uris(void **state)
{
	unsigned many = 0, watched = 0;
	struct policy_watch w;
	uint32_t at = 0;

	open_table(16, 4);
	for (uint64_t i = 1; i <= 1000; i++) {
		slow(1, i * 0x9e3779b97f4a7c15u, LIMIT_PASS);
		many += event.kind == LIMIT_EVENT_MANY;
		assert_int_equal(event.kind == LIMIT_EVENT_MANY, i % 100 == 0);
		slow(1, i * 0x9e3779b97f4a7c15u, LIMIT_PASS);
		assert_true(answer.uri_known);
	}
	assert_int_equal(many, 10);
	for (uint64_t i = 2001; i < 2011; i++) {
		slow(1, i, LIMIT_ENUMERATE);
		watched += event.kind == LIMIT_EVENT_WATCHED;
	}
	assert_int_equal(watched, 1);
	slow(1, 1000 * 0x9e3779b97f4a7c15u, LIMIT_PASS);
	slow(2, 2001, LIMIT_PASS);
	assert_true(limit_table_next(table, &at, true, &w));
	assert_int_equal(w.uris, 1000);
	assert_int_equal(w.uris_refused, 10);
	assert_int_equal(w.why, POLICY_WATCH_URIS | POLICY_WATCH_MANY);
	assert_true(w.since_s == WALL && w.sample[1] == 2010);
	assert_false(limit_table_next(table, &at, true, &w));
	/* figures of the class count at once */
	class.uri_max = 1010;
	slow(1, 2001, LIMIT_PASS);
	class.uri_max = 0;
	slow(1, 2002, LIMIT_PASS);
	class.uri_max = 1000;
	slow(1, 2003, LIMIT_ENUMERATE);
	/* 30 days, or the operator */
	wall += 30 * 86400;
	slow(1, 2003, LIMIT_PASS);
	assert_int_equal(limit_table_counts(table).sets, 0);
	for (uint64_t i = 1; i <= 1001; i++)
		slow(1, i * 77, i == 1001 || (i == 1000) ? (enum limit_verdict)LIMIT_ENUMERATE : LIMIT_PASS);
	assert_true(limit_table_reset(table, &(struct limit_key){{1}, {0}}));
	assert_false(limit_table_reset(table, &(struct limit_key){{1}, {0}}));
	slow(1, 5000, LIMIT_PASS);
}

/* sets are fewer than peers: who finds none has few URIs, and is told why */
static void no_set(void **state)
{
	open_table(8, 1);
	for (uint64_t i = 1; i <= LIMIT_FEW_URIS + 1; i++)
		slow(1, i, LIMIT_PASS);
	for (uint64_t i = 1; i <= LIMIT_FEW_URIS; i++)
		slow(2, i, LIMIT_PASS);
	slow(2, 999, LIMIT_ENUMERATE);
	slow(2, 1, LIMIT_PASS);
	assert_int_equal(limit_table_counts(table).no_set, 1);
	limit_table_reset(table, &(struct limit_key){{1}, {0}});
	slow(2, 999, LIMIT_PASS);
}

/* full: who has nothing to lose goes first, then the one that was silent longest; a watched one is told */
static void eviction(void **state)
{
	open_table(8, 8);
	for (unsigned i = 1; i <= 8; i++)
		slow(i, i == 3 ? 0 : 5, LIMIT_PASS);
	slow(9, 5, LIMIT_PASS);
	assert_null(limit_find(table, &(struct limit_key){{3}, {0}}));
	assert_int_equal(limit_table_counts(table).forgotten, 1);
	assert_int_equal(event.kind, LIMIT_EVENT_NONE);
	slow(10, 5, LIMIT_PASS);
	assert_null(limit_find(table, &(struct limit_key){{1}, {0}}));
	for (unsigned i = 0; i < 8; i++)
		limit_peers(table)[i].why = POLICY_WATCH_URIS;
	slow(11, 5, LIMIT_PASS);
	assert_int_equal(event.kind, LIMIT_EVENT_FORGOTTEN);
	assert_int_equal(event.watch.key[0], 2);
	assert_int_equal(limit_table_counts(table).peers, 8);
}

/* the index against a plain list, with peers that come and go */
static void index_model(void **state)
{
	bool there[64] = {false};
	struct base_rng r;

	open_table(64, 8);
	base_rng_seed(&r, 6);
	for (unsigned i = 0; i < 200000; i++) {
		unsigned n = base_rng_below(&r, 64);
		struct limit_key k = peer_of(n + 1);

		if (base_rng_below(&r, 2)) {
			limit_make(table, &k, NULL);
			there[n] = true;
		} else {
			assert_int_equal(limit_table_reset(table, &k), there[n]);
			there[n] = false;
		}
		n = base_rng_below(&r, 64);
		k = peer_of(n + 1);
		assert_int_equal(limit_find(table, &k) != NULL, there[n]);
	}
}

/* the process died: what it counted is there again */
static void reopened(void **state)
{
	struct limit_size size = {16, 4};
	struct siphash_key other = {1, 1};
	bool kept;

	open_table(16, 4);
	for (uint64_t i = 1; i <= 1001; i++)
		slow(1, i, i <= 1000 ? LIMIT_PASS : LIMIT_ENUMERATE);
	slow(2, 1, LIMIT_PASS);
	table = limit_table_open(memory, size, &key, &kept);
	assert_true(kept);
	assert_int_equal(limit_table_counts(table).peers, 2);
	assert_int_equal(limit_table_counts(table).sets, 1);
	slow(1, 1001, LIMIT_ENUMERATE);
	slow(1, 1000, LIMIT_PASS);
	slow(2, 2, LIMIT_PASS);
	/* another size or key: anew */
	table = limit_table_open(memory, size, &other, &kept);
	assert_false(kept);
	assert_int_equal(limit_table_counts(table).peers, 0);
}

/* … in the middle of anything: whatever lies there, the table works */
static void torn(void **state)
{
	const char *more = getenv("SALLYPORT_TEST_LONG");
	unsigned rounds = more && *more == '1' ? 20000 : 800;
	struct limit_size size = {16, 4};
	size_t bytes = limit_table_bytes(size);
	struct base_rng r;

	base_rng_seed(&r, 7);
	open_table(16, 4);
	for (unsigned i = 0; i < rounds; i++) {
		struct limit_table *t = memory;
		struct policy_watch w;
		uint32_t at = 0;
		bool kept;

		for (unsigned k = 0; k < 20; k++)
			ask(1 + base_rng_below(&r, 30), base_rng_below(&r, 60), 0);
		for (unsigned k = base_rng_below(&r, 40); k > 0; k--) {
			/* the header is written as a whole at open; it names no place but by checked numbers
			 */
			size_t at_byte =
				offsetof(struct limit_table, free_peer) +
				base_rng_below(&r,
					       (uint32_t)(bytes - offsetof(struct limit_table, free_peer)));

			((uint8_t *)memory)[at_byte] = (uint8_t)base_rng_next(&r);
		}
		(void)t;
		table = limit_table_open(memory, size, &key, &kept);
		assert_true(kept);
		while (limit_table_next(table, &at, false, &w))
			assert_true(w.domains_len <= POLICY_WATCH_DOMAINS);
		for (unsigned k = 1; k <= 30; k++)
			ask(k, base_rng_below(&r, 60), 0);
		tick(0);
		now += S;
	}
}

static uint64_t uri_of(unsigned n)
{
	return limit_uri((struct policy_name){(const char *)&n, sizeof(n)}, (struct policy_name){"x", 1});
}

/* After a reboot the facts say what was: counts and reasons are not lowered, what was known is known, and
 * limits go on from there. */
static void restore(void **state)
{
	struct policy_watch many, watched, again;
	unsigned refused = 0;
	uint32_t at = 0;

	open_table(16, 4);
	for (unsigned i = 1; i <= 500; i++)
		slow(1, uri_of(i), LIMIT_PASS);
	many = event.watch;
	assert_int_equal(many.uris, 500);
	for (unsigned i = 501; i <= 1001; i++)
		slow(1, uri_of(i), i == 1001 ? LIMIT_ENUMERATE : LIMIT_PASS);
	watched = event.watch;
	/* half way: the 500 are not new, and 500 more may come; a filter is not exact, one in ten is unseen
	 */
	open_table(16, 4);
	limit_table_restore(table, &many, now, wall);
	for (unsigned i = 1; i <= 500; i++)
		slow(1, uri_of(i), LIMIT_PASS);
	assert_int_equal(limit_uris(table, limit_find(table, &(struct limit_key){{1}, {0}})), 500);
	assert_int_equal(limit_find(table, &(struct limit_key){{1}, {0}})->restored, 0);
	open_table(16, 4);
	limit_table_restore(table, &many, now, wall);
	for (unsigned i = 1; i <= 600; i++, now += S)
		refused += ask(1, uri_of(i + 50000), 0) == LIMIT_ENUMERATE;
	assert_in_range(refused, 60, 100);
	/* watched: no more than it had */
	open_table(16, 4);
	limit_table_restore(table, &watched, now, wall);
	limit_table_restore(table, &watched, now, wall);
	assert_true(limit_table_next(table, &at, true, &again));
	assert_int_equal(again.uris, 1000);
	assert_int_equal(again.why, watched.why);
	assert_string_equal(again.domains, "fabrikam.test");
	assert_memory_equal(again.known, watched.known, sizeof(again.known));
	refused = 0;
	for (unsigned i = 1; i <= 1000; i++, now += S)
		refused += ask(1, uri_of(i + 70000), 0) == LIMIT_ENUMERATE;
	assert_in_range(refused, 870, 950);
	assert_int_equal(event.kind, LIMIT_EVENT_NONE); /* it is watched already */
	/* the known ones come first: then every other is new */
	open_table(16, 4);
	limit_table_restore(table, &watched, now, wall);
	for (unsigned i = 1; i <= 1000; i++)
		slow(1, uri_of(i), LIMIT_PASS);
	for (unsigned i = 1; i <= 1000; i++)
		slow(1, uri_of(i + 70000), LIMIT_ENUMERATE);
	wall += 30 * 86400;
	slow(1, uri_of(99999), LIMIT_PASS);
	/* suspicion too; it ends as any other */
	open_table(16, 4);
	memset(&many, 0, sizeof(many));
	many.key[0] = 1;
	many.limit_class = 3;
	many.why = POLICY_WATCH_SUSPICIOUS;
	many.domains_len = 5000;
	limit_table_restore(table, &many, now, wall);
	assert_true(limit_find(table, &(struct limit_key){{1}, {0}})->ratio.suspicious);
	tick(0);
	now += 601 * S;
	assert_int_equal(tick(LIMIT_EVENT_CALM), 1);
}

static void domains(void **state)
{
	struct limit_question q = {.peer = peer_of(1), .request = 1};
	struct limit_peer *p;
	char name[POLICY_NAME_MAX + 1];
	struct base_rng r;

	open_table(4, 1);
	base_rng_seed(&r, 8);
	for (unsigned i = 0; i < 20000; i++) {
		unsigned len = base_rng_below(&r, 10) ? base_rng_below(&r, 4) : base_rng_below(&r, 254);
		unsigned found = 0;

		for (unsigned k = 0; k < len; k++)
			name[k] = "ab"[base_rng_below(&r, 2)];
		name[len] = '\0';
		memcpy(q.domain, name, len + 1);
		limit_table_ask(table, &q, &class, now, wall, &answer, &event);
		p = limit_find(table, &q.peer);
		assert_true(p->domains_len <= POLICY_WATCH_DOMAINS);
		if (len)
			assert_string_equal(p->domains, name);
		for (unsigned k = 0; k < p->domains_len; k += (unsigned)strlen(p->domains + k) + 1)
			found += strcmp(p->domains + k, name) == 0;
		assert_int_equal(found, len != 0);
	}
}

/* ---- several cores ---- */

enum { CORES = 8 };

struct cores {
	struct limit_lease lease[CORES];
	unsigned passed, asked, paused, refused;
};

static void one_request(struct cores *c, unsigned core, uint64_t uri)
{
	struct limit_lease *l = &c->lease[core];
	struct limit_question q = {.peer = peer_of(1)};
	enum limit_verdict v = limit_lease_take(l, &class, uri, now);

	if (v == LIMIT_ASK) {
		c->asked++;
		limit_lease_question(l, &class, uri, now, &q);
		limit_table_ask(table, &q, &class, now, wall, &answer, &event);
		limit_lease_answer(l, &answer, now);
		v = answer.verdict;
	}
	c->passed += v == LIMIT_PASS;
	c->paused += v == LIMIT_PAUSE;
	c->refused += v == LIMIT_ENUMERATE;
}

/* all of them together pass what one may: no more than 5 % above, and not much below */
static void leases(void **state)
{
	static const uint32_t rates[] = {20, 200, 2000};
	struct base_rng r;

	base_rng_seed(&r, 10);
	for (unsigned k = 0; k < 3; k++) {
		struct cores c = {0};
		uint64_t seconds = 100, step = S / (rates[k] * 4);
		double may;

		open_table(16, 4);
		class.rate = rates[k];
		class.burst = 2 * rates[k];
		class.id = 3;
		for (; now < START + seconds * S; now += step)
			one_request(&c, base_rng_below(&r, CORES), 1 + base_rng_below(&r, 3));
		may = (double)rates[k] * (double)seconds + 2.0 * rates[k];
		if (c.passed > may * 1.05 || c.passed < may * 0.90)
			fail_msg("rate %u: %u passed, %.0f may", rates[k], c.passed, may);
		if (rates[k] >= 200)
			assert_true(c.asked < seconds * rates[k] * 4);
	}
}

/* tokens are spent soon or not at all; a suspicious peer is looked at one by one */
static void lease_ends(void **state)
{
	struct limit_lease l = {0};
	struct limit_question q = {.peer = peer_of(1)};
	struct limit_key p = peer_of(1);

	open_table(16, 4);
	class.rate = class.suspicious_rate = 2000;
	class.burst = 4000;
	assert_int_equal(limit_lease_take(&l, &class, 0, now), LIMIT_ASK);
	limit_lease_question(&l, &class, 0, now, &q);
	limit_table_ask(table, &q, &class, now, wall, &answer, &event);
	assert_int_equal(answer.tokens, 64);
	limit_lease_answer(&l, &answer, now);
	assert_int_equal(limit_lease_take(&l, &class, 0, answer.expires_ns - 1), LIMIT_PASS);
	/* a URI that the home has not seen is asked about, whatever the tokens */
	assert_int_equal(limit_lease_take(&l, &class, 5, answer.expires_ns - 1), LIMIT_ASK);
	assert_int_equal(limit_lease_take(&l, &class, 0, answer.expires_ns), LIMIT_ASK);
	for (unsigned i = 0; i < 50; i++)
		limit_table_final(table, &p, &class, 404, now, wall, &event);
	q.good = q.bad = 0;
	limit_table_ask(table, &q, &class, now, wall, &answer, &event);
	assert_int_equal(answer.verdict, LIMIT_PASS);
	assert_int_equal(answer.tokens, 0);
	/* no class, no question */
	assert_int_equal(limit_lease_take(&l, NULL, 5, now), LIMIT_PASS);
}

/* URIs are counted exactly, wherever they come in; finals reach the home */
static void leases_uris(void **state)
{
	struct cores c = {0};
	struct limit_question q = {.peer = peer_of(1)};
	struct base_rng r;
	unsigned reports = 0;

	open_table(16, 4);
	class.rate = 100000;
	class.burst = 200000;
	class.id = 3;
	base_rng_seed(&r, 11);
	for (unsigned i = 0; i < 200000; i++, now += MS)
		one_request(&c, base_rng_below(&r, CORES),
			    limit_uri((struct policy_name){"u", 1}, (struct policy_name){"x", 1}) +
				    base_rng_below(&r, 1500));
	assert_true(c.refused > 0);
	assert_int_equal(limit_uris(table, limit_find(table, &q.peer)), 1000);
	assert_int_equal(c.passed + c.refused, 200000);
	/* 60 finals over three cores, of which none alone has 50 */
	for (unsigned i = 0; i < 60; i++)
		limit_lease_final(&c.lease[i % 3], 404, now);
	limit_lease_final(&c.lease[0], 180, now);
	for (unsigned i = 0; i < CORES; i++)
		assert_false(limit_lease_report(&c.lease[i], &class, now + S / 2, &q));
	now += S;
	event.kind = 0;
	for (unsigned i = 0; i < CORES; i++)
		if (limit_lease_report(&c.lease[i], &class, now, &q)) {
			reports++;
			assert_int_equal(q.request, 0);
			limit_table_ask(table, &q, &class, now, wall, NULL, &event);
		}
	assert_int_equal(reports, 3);
	assert_int_equal(event.kind, LIMIT_EVENT_SUSPICIOUS);
	for (unsigned i = 0; i < 64; i++)
		limit_lease_final(&c.lease[0], 200, now);
	assert_true(limit_lease_report(&c.lease[0], &class, now, &q));
	assert_int_equal(q.good, 64);
	assert_false(limit_lease_report(&c.lease[0], &class, now + 9 * S, &q));
}

static void homes(void **state)
{
	unsigned n[4] = {0};

	for (unsigned i = 0; i < 4000; i++) {
		struct limit_key k = peer_of(i);

		n[limit_home(&key, &k, 4)]++;
		assert_int_equal(limit_home(&key, &k, 1), 0);
	}
	for (unsigned i = 0; i < 4; i++)
		assert_in_range(n[i], 850, 1150);
	assert_true(limit_uri((struct policy_name){"ab", 2}, (struct policy_name){"c", 1}) !=
		    limit_uri((struct policy_name){"a", 1}, (struct policy_name){"bc", 2}));
}

static int close_all(void **state)
{
	free(memory);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rate),	       cmocka_unit_test(suspicion),  cmocka_unit_test(calm),
		cmocka_unit_test(uris),	       cmocka_unit_test(no_set),     cmocka_unit_test(eviction),
		cmocka_unit_test(index_model), cmocka_unit_test(reopened),   cmocka_unit_test(torn),
		cmocka_unit_test(restore),     cmocka_unit_test(domains),    cmocka_unit_test(leases),
		cmocka_unit_test(leases_uris), cmocka_unit_test(lease_ends), cmocka_unit_test(homes),
	};

	return cmocka_run_group_tests(tests, NULL, close_all);
}
