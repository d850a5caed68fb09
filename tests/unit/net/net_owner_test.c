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

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(toeplitz_vectors),
		cmocka_unit_test(toeplitz_random),
	};

	rig_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
