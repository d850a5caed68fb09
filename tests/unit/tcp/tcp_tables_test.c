/* SPDX-License-Identifier: BSD-3-Clause */
/* The flow table, the accounts, headers, ISNs and cookies: each alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/rng.h"
#include "dataplane/tcp/account.h"
#include "dataplane/tcp/header.h"
#include "dataplane/tcp/isn.h"
#include "dataplane/tcp/seq.h"
#include "dataplane/tcp/tcp_table.h"

static bool has(const struct tcp_table *t, uint32_t hash, uint32_t index)
{
	struct tcp_table_walk w;

	for (uint32_t i = tcp_table_first(t, hash, &w); i != TABLE_NONE; i = tcp_table_next(t, &w))
		if (i == index)
			return true;
	return false;
}

/* add and delete at random; colliding hashes included */
static void table_model(void **state)
{
	enum { N = 4000 };
	static uint32_t hash[N];
	static bool in[N];
	struct tcp_table t;
	struct base_rng r;

	(void)state;
	base_rng_seed(&r, 4);
	assert_int_equal(tcp_table_init(&t, N), 0);
	for (unsigned step = 0; step < 200000; step++) {
		uint32_t i = base_rng_below(&r, N);

		if (in[i]) {
			assert_true(has(&t, hash[i], i));
			tcp_table_del(&t, hash[i], i);
			in[i] = false;
			assert_false(has(&t, hash[i], i));
		} else {
			/* a fifth lands in few buckets, under few tags */
			hash[i] = base_rng_below(&r, 5) ? (uint32_t)base_rng_next(&r)
							: (uint32_t)base_rng_next(&r) & 0x10007;
			in[i] = tcp_table_add(&t, hash[i], i);
			assert_int_equal(has(&t, hash[i], i), in[i]);
		}
	}
	for (uint32_t i = 0; i < N; i++)
		assert_int_equal(has(&t, hash[i], i), in[i]);
	for (uint32_t i = 0; i < N; i++)
		if (in[i])
			tcp_table_del(&t, hash[i], i);
	assert_int_equal(t.used, 0);
	for (uint32_t b = 0; b <= t.mask; b++)
		assert_int_equal(t.buckets[b].overflowed, 0);
	tcp_table_fini(&t);
}

/* at the load that a full pool makes, nothing is refused and look-ups stay near their bucket */
static void table_full(void **state)
{
	enum { N = 1 << 16 };
	struct tcp_table t;
	struct base_rng r;
	uint64_t steps = 0;
	static uint32_t hash[N];

	(void)state;
	base_rng_seed(&r, 5);
	tcp_table_init(&t, N);
	for (uint32_t i = 0; i < N; i++) {
		hash[i] = (uint32_t)base_rng_next(&r);
		assert_true(tcp_table_add(&t, hash[i], i));
	}
	for (uint32_t i = 0; i < N; i++) {
		struct tcp_table_walk w;
		uint32_t k = tcp_table_first(&t, hash[i], &w);

		while (k != i) {
			assert_true(k != TABLE_NONE);
			k = tcp_table_next(&t, &w);
		}
		steps += w.steps;
	}
	assert_true(steps < N / 10);
	tcp_table_fini(&t);
}

static void accounts(void **state)
{
	static const struct siphash_key key = {1, 2};
	struct tcp_account a = {.bytes_max = 1000, .prefix_bytes_max = 600, .prefix_connections_max = 2};
	uint8_t x[4] = {192, 0, 2, 1}, y[4] = {192, 0, 2, 200}, z[4] = {192, 0, 3, 1};
	uint8_t v6a[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 1, 2}, v6b[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 1, 99},
		v6c[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 2};
	struct base_addr ax = base_addr_v4(x), ay = base_addr_v4(y), az = base_addr_v4(z);
	struct base_addr a6a = base_addr_v6(v6a), a6b = base_addr_v6(v6b), a6c = base_addr_v6(v6c);
	uint32_t p, q, s, u, v, w, none;

	(void)state;
	assert_int_equal(tcp_account_init(&a, 100, &key), 0);
	assert_true(tcp_account_open(&a, &ax, &p));
	assert_true(tcp_account_open(&a, &ay, &q));
	assert_int_equal(p, q); /* /24 */
	assert_false(tcp_account_open(&a, &ax, &none));
	assert_true(tcp_account_open(&a, &az, &s));
	assert_true(s != p);
	assert_true(tcp_account_open(&a, &a6a, &u));
	assert_true(tcp_account_open(&a, &a6b, &v));
	assert_true(tcp_account_open(&a, &a6c, &w));
	assert_int_equal(u, v); /* /56 */
	assert_true(w != u);
	assert_true(tcp_account_charge(&a, p, 500));
	assert_false(tcp_account_charge(&a, q, 101));
	assert_true(tcp_account_charge(&a, s, 500));
	assert_false(tcp_account_charge(&a, u, 1));
	tcp_account_refund(&a, p, 500);
	assert_true(tcp_account_charge(&a, u, 1));
	assert_int_equal(a.peak, 1000);
	tcp_account_close(&a, p);
	tcp_account_close(&a, q);
	assert_true(tcp_account_open(&a, &ax, &p));
	tcp_account_fini(&a);
}

/* more prefixes than slots: newcomers share one entry, nobody is lost */
static void accounts_overflow(void **state)
{
	static const struct siphash_key key = {1, 2};
	struct tcp_account a = {.bytes_max = 1000, .prefix_bytes_max = 600, .prefix_connections_max = 5};
	static uint32_t at[1000];

	(void)state;
	tcp_account_init(&a, 10, &key);
	for (uint32_t i = 0; i < 1000; i++) {
		uint8_t b[4] = {10, (uint8_t)(i >> 8), (uint8_t)i, 1};
		struct base_addr x = base_addr_v4(b);

		assert_true(tcp_account_open(&a, &x, &at[i]));
	}
	assert_true(a.prefixes[TCP_ACCOUNT_SHARED].connections > 900);
	for (uint32_t i = 0; i < 1000; i++)
		tcp_account_close(&a, at[i]);
	assert_int_equal(a.used, 0);
	for (uint32_t i = 0; i <= a.mask; i++)
		assert_int_equal(a.prefixes[i].connections, 0);
	tcp_account_fini(&a);
}

/* what is written is what is read, whatever the options (RFC 9293 3.1, 7323 appendix A, 2018 section 3) */
static void headers(void **state)
{
	struct base_rng r;

	(void)state;
	base_rng_seed(&r, 6);
	for (unsigned i = 0; i < 20000; i++) {
		struct tcp_segment a = {.sport = (uint16_t)base_rng_next(&r),
					.dport = (uint16_t)base_rng_next(&r),
					.seq = (uint32_t)base_rng_next(&r),
					.ack = (uint32_t)base_rng_next(&r),
					.window = (uint16_t)base_rng_next(&r),
					.flags = (uint8_t)base_rng_next(&r)},
				   b;
		bool syn = a.flags & TCP_SYN;
		uint8_t buf[60];
		unsigned hl, room = TCP_OPTIONS_MAX, fit;

		a.opt.has_ts = base_rng_below(&r, 2);
		a.opt.ts_val = (uint32_t)base_rng_next(&r);
		a.opt.ts_ecr = (uint32_t)base_rng_next(&r);
		if (syn) {
			a.opt.has_mss = base_rng_below(&r, 2);
			a.opt.mss = (uint16_t)base_rng_next(&r);
			a.opt.has_scale = base_rng_below(&r, 2);
			a.opt.scale = (uint8_t)base_rng_below(&r, 15);
			a.opt.has_sack_ok = base_rng_below(&r, 2);
		} else {
			a.opt.n_sack = (uint8_t)base_rng_below(&r, 5);
			for (unsigned k = 0; k < 4; k++)
				a.opt.sack[k] = (struct tcp_block){(uint32_t)base_rng_next(&r),
								   (uint32_t)base_rng_next(&r)};
		}
		hl = tcp_header_len(&a.opt);
		assert_true(hl <= 60 && hl % 4 == 0);
		tcp_header_write(buf, &a, hl);
		assert_int_equal(tcp_header_parse(&b, buf, hl, hl + 5), TCP_HEADER_OK);
		assert_int_equal(b.len, 5);
		assert_int_equal(b.seq, a.seq);
		assert_int_equal(b.ack, a.ack);
		assert_int_equal(b.window, a.window);
		assert_int_equal(b.flags, a.flags);
		assert_int_equal(b.opt.has_ts, a.opt.has_ts);
		assert_int_equal(b.opt.has_mss, a.opt.has_mss);
		assert_int_equal(b.opt.has_scale, a.opt.has_scale);
		assert_int_equal(b.opt.has_sack_ok, a.opt.has_sack_ok);
		if (a.opt.has_ts) {
			room -= TCP_TIMESTAMP_LEN;
			assert_int_equal(b.opt.ts_ecr, a.opt.ts_ecr);
		}
		fit = (room - 4) / 8;
		assert_int_equal(b.opt.n_sack, a.opt.n_sack < fit ? a.opt.n_sack : fit);
		assert_memory_equal(b.opt.sack, a.opt.sack, b.opt.n_sack * sizeof(a.opt.sack[0]));
	}
}

/* every length of every option at every place: never read outside, never accept a lie */
static void option_lengths(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 256; kind++) {
		for (unsigned len = 0; len < 256; len++) {
			for (unsigned at = 0; at < 12; at++) {
				uint8_t *exact = malloc(32); /* the sanitizer sees a byte too far */
				struct tcp_segment s;
				enum tcp_header_result r;

				memset(exact, 0, 32);
				memset(exact + 20, 1, 12);
				exact[12] = 8 << 4;
				exact[13] = (kind & 1) ? TCP_SYN : TCP_ACK;
				exact[20 + at] = (uint8_t)kind;
				if (at < 11)
					exact[21 + at] = (uint8_t)len;
				r = tcp_header_parse(&s, exact, 32, 32);
				if (kind > 1)
					assert_int_equal(r == TCP_HEADER_OK,
							 at < 11 && len >= 2 && len <= 12 - at);
				else
					assert_true(r == TCP_HEADER_OK || r == TCP_HEADER_BAD_OPTION);
				free(exact);
			}
		}
	}
}

static void cookies(void **state)
{
	static const struct siphash_key key = {7, 8}, other = {7, 9};
	uint8_t l[4] = {198, 18, 0, 1}, p[4] = {198, 18, 0, 2};
	struct net_tuple t = {base_addr_v4(l), base_addr_v4(p), 5061, 40000}, u = t;
	uint64_t slot = 1ull << 36;

	(void)state;
	u.remote_port++;
	for (unsigned mss = 500; mss < 9100; mss += 7) {
		uint64_t now = 12345 * slot + mss * 1000000ull;
		uint32_t c = tcp_cookie_make(&key, &t, mss, (uint16_t)mss, now);
		uint16_t got = tcp_cookie_check(&key, &t, mss, c, now);

		assert_true(got >= 536 && (got <= mss || mss < 536));
		assert_int_equal(tcp_cookie_check(&key, &t, mss, c, now + slot), got);
		assert_int_equal(tcp_cookie_check(&key, &t, mss, c, now + 2 * slot), 0);
		assert_int_equal(tcp_cookie_check(&key, &t, mss + 1, c, now), 0);
		assert_int_equal(tcp_cookie_check(&key, &t, mss, c + 1, now), 0);
		assert_int_equal(tcp_cookie_check(&key, &t, mss, c ^ 8, now), 0);
		assert_int_equal(tcp_cookie_check(&key, &u, mss, c, now), 0);
		assert_int_equal(tcp_cookie_check(&other, &t, mss, c, now), 0);
	}
	for (unsigned bits = 0; bits < 64; bits++) {
		struct tcp_cookie_options o = {.scale = bits & 15, .sack = bits & 16, .ecn = bits & 32}, g;

		for (uint32_t ts = 0xffffff80; ts != 0x80; ts++) {
			uint32_t v = tcp_cookie_ts(ts, &o);

			assert_true((int32_t)(ts - v) >= 0 && ts - v < 128);
			g = tcp_cookie_ts_options(v);
			assert_true(g.scale == o.scale && g.sack == o.sack && g.ecn == o.ecn);
		}
	}
}

/* RFC 6528: 100,000 ISNs of neighbouring tuples: spread over the space, no two differences alike more than
 * chance */
static void isns(void **state)
{
	static const struct siphash_key key = {7, 8};
	uint8_t l[4] = {198, 18, 0, 1};
	struct net_tuple t = {.local = base_addr_v4(l), .local_port = 5061};
	unsigned bucket[256] = {0}, near = 0;
	uint32_t last = 0;

	(void)state;
	for (uint32_t i = 0; i < 100000; i++) {
		uint8_t p[4] = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), 1};
		uint32_t isn;

		t.remote = base_addr_v4(p);
		t.remote_port = (uint16_t)(1024 + i % 60000);
		isn = tcp_isn(&key, &t, i * 1000ull);
		bucket[isn >> 24]++;
		near += isn - last < 1u << 20;
		last = isn;
	}
	assert_true(near < 80); /* 24 expected */
	for (unsigned i = 0; i < 256; i++)
		assert_in_range(bucket[i], 290, 500); /* 390 expected */
}

static void sequence(void **state)
{
	(void)state;
	assert_true(seq_lt(0xffffffff, 0));
	assert_true(seq_gt(5, 0xfffffff0));
	assert_true(seq_le(7, 7) && seq_ge(7, 7));
	assert_int_equal(seq_max(0xfffffff0, 3), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_model), cmocka_unit_test(table_full),
		cmocka_unit_test(accounts),    cmocka_unit_test(accounts_overflow),
		cmocka_unit_test(headers),     cmocka_unit_test(option_lengths),
		cmocka_unit_test(cookies),     cmocka_unit_test(isns),
		cmocka_unit_test(sequence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
