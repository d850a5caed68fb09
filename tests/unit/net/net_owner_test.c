/* SPDX-License-Identifier: BSD-3-Clause */
/* Which core a flow belongs to: our Toeplitz against the published one and DPDK's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <rte_thash.h>

#include "dataplane/base/rng.h"
#include "dataplane/wire/bytes.h"
#include "tests/unit/net/net_rig.h"

static struct rig rig;

/* The published test vectors of RSS (Microsoft, "Verifying the RSS hash calculation"), through our table. */
static void toeplitz_vectors(void **state)
{
	static const uint8_t key[NET_RSS_KEY_LEN] = {
		0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
		0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
		0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};
	static const struct {
		const char *src, *dst;
		uint16_t sport, dport;
		uint32_t hash;
	} v[] = {
		{"66.9.149.187", "161.142.100.80", 2794, 1766, 0x51ccc178},
		{"199.92.111.2", "65.69.140.83", 14230, 4739, 0xc626b0ea},
		{"24.19.198.95", "12.22.207.184", 12898, 38024, 0x5c2b394a},
		{"3ffe:2501:200:1fff::7", "3ffe:2501:200:3::1", 2794, 1766, 0x40207d3d},
		{"3ffe:501:8::260:97ff:fe40:efab", "ff02::1", 14230, 4739, 0xdde51bbf},
	};

	(void)state;
	rig_default(&rig, 4);
	memcpy(rig.config.rss_key, key, sizeof(key));
	rig_start(&rig);
	for (unsigned i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct base_addr src = rig_addr(v[i].src);
		struct base_addr dst = rig_addr(v[i].dst);

		assert_int_equal(net_owner(rig.shared, &src, &dst, v[i].sport, v[i].dport),
				 (v[i].hash & 127) % 4);
	}
	rig_stop(&rig);
}

/* Against DPDK's own software hash, and evenly spread. */
static void toeplitz_random(void **state)
{
	unsigned count[4] = {0};
	struct base_rng rng;

	(void)state;
	base_rng_seed(&rng, 5);
	rig_default(&rig, 4);
	rig_start(&rig);
	for (unsigned i = 0; i < 20000; i++) {
		struct base_addr src;
		struct base_addr dst;
		uint16_t sport = (uint16_t)base_rng_next(&rng);
		uint16_t dport = (uint16_t)base_rng_next(&rng);
		uint32_t words[9];
		unsigned n = i & 1 ? 3 : 9;
		uint32_t hash;

		for (unsigned k = 0; k < 9; k++)
			words[k] = (uint32_t)base_rng_next(&rng);
		words[n - 1] = (uint32_t)sport << 16 | dport;
		for (unsigned k = 0; k < 4; k++) {
			wire_put32(src.b + 4 * k, words[k]);
			wire_put32(dst.b + 4 * k, words[4 + k]);
		}
		if (n == 3) {
			uint8_t a[4];

			wire_put32(a, words[0]);
			src = base_addr_v4(a);
			wire_put32(a, words[1]);
			dst = base_addr_v4(a);
		}
		hash = rte_softrss(words, n, rig.config.rss_key);
		assert_int_equal(net_owner(rig.shared, &src, &dst, sport, dport),
				 net_shared_reta(rig.shared)[hash & 127]);
		count[net_owner(rig.shared, &src, &dst, sport, dport)]++;
	}
	for (unsigned c = 0; c < 4; c++)
		assert_in_range(count[c], 4500, 5500);
	rig_stop(&rig);
}

/* cores that own none of the 8,192 ports from `first` on, towards one place */
static unsigned cores_without_port(const struct base_addr *them, const struct base_addr *us, unsigned first)
{
	bool found[128] = {false};
	unsigned without = 0;

	for (unsigned port = first; port < first + 8192; port++)
		found[net_owner(rig.shared, them, us, 5061, (uint16_t)port)] = true;
	for (unsigned c = 0; c < rig.config.n_cores; c++)
		without += !found[c];
	return without;
}

/* A key is taken when every core has a port for every destination, and only then: no such key may pass, and
 * few others be lost. */
static void keys_reach_every_core(void **state)
{
	const struct base_addr places[2][2] = {{rig_addr("198.18.2.10"), rig_addr("198.18.2.2")},
					       {rig_addr("2001:db8:2::10"), rig_addr("2001:db8:2::2")}};
	uint8_t key[NET_RSS_KEY_LEN];
	struct base_rng rng;
	unsigned fit = 0;
	const char *why;

	(void)state;
	rig_default(&rig, 4);
	base_rng_seed(&rng, 7);
	for (unsigned n = 0; n < 300; n++) {
		bool poor = n % 3 == 0;

		for (unsigned i = 0; i < sizeof(key); i++)
			key[i] = (uint8_t)base_rng_next(&rng);
		/* the bits through which the port turns the last of the hash, of either family */
		if (poor && n & 1)
			key[14] = key[15] = 0;
		else if (poor)
			key[38] = key[39] = 0;
		assert_true(!poor || !net_rss_key_fits(key));
		fit += !poor && net_rss_key_fits(key);
		if (n % 10 && net_rss_key_fits(key))
			continue;
		for (unsigned cores = 2; cores <= 16; cores *= 2) {
			unsigned without = 0;

			rig.config.n_cores = cores;
			memcpy(rig.config.rss_key, key, sizeof(key));
			rig.shared = net_shared_create(&rig.config, &why);
			assert_non_null(rig.shared);
			for (unsigned f = 0; f < 2; f++)
				for (unsigned first = 16384; first < 65536; first += 24576)
					without += cores_without_port(&places[f][0], &places[f][1], first);
			net_shared_destroy(rig.shared);
			assert_true(!without || !net_rss_key_fits(key));
			assert_true(without || !poor);
		}
	}
	assert_in_range(fit, 180, 200);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(toeplitz_vectors),
		cmocka_unit_test(toeplitz_random),
		cmocka_unit_test(keys_reach_every_core),
	};

	rig_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
