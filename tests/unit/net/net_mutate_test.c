/* SPDX-License-Identifier: BSD-3-Clause */
/* A million malformed frames from a seeded generator: nothing breaks, nothing leaks, and every frame is found
 * in exactly one counter. SALLYPORT_TEST_SEED and SALLYPORT_TEST_FRAMES change the run; the seed is printed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rte_mbuf.h>

#include "dataplane/base/rng.h"
#include "dataplane/wire/bytes.h"
#include "tests/unit/net/net_rig.h"
#include "tests/unit/net/net_seeds.h"

enum { FRAMES = 1000000, BURST = 32 };

static struct rig rig;
static struct base_rng rng;
static struct seed seeds[SEEDS_MAX];
static unsigned n_seeds;

static uint64_t env_number(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? strtoull(text, NULL, 0) : otherwise;
}

static size_t mutate_once(uint8_t *p, size_t len)
{
	static const uint16_t words[] = {0,	1,	7,	8,	0x7f,	0x80,	0xff,
					 0x100, 0x4000, 0x7fff, 0x8000, 0xffff, 0x86dd, 0x0806};
	/* headers are where the decisions are */
	size_t reach = base_rng_below(&rng, 4) != 0 && len > 96 ? 96 : len;
	size_t at = len > 0 ? base_rng_below(&rng, (uint32_t)reach) : 0;
	const struct seed *other;

	if (len == 0)
		return len;
	switch (base_rng_below(&rng, 8)) {
	case 0:
		p[at] ^= (uint8_t)(1u << base_rng_below(&rng, 8));
		return len;
	case 1:
		p[at] = (uint8_t)base_rng_next(&rng);
		return len;
	case 2:
		if (at + 2 <= len)
			wire_put16(p + at, words[base_rng_below(&rng, sizeof(words) / sizeof(words[0]))]);
		return len;
	case 3:
		return base_rng_below(&rng, (uint32_t)len + 1);
	case 4: { /* longer: padding, or garbage behind the datagram */
		size_t more = base_rng_below(&rng, 64);

		if (len + more > SEED_LEN_MAX)
			return len;
		memset(p + len, (int)base_rng_next(&rng), more);
		return len + more;
	}
	case 5:
		p[at] = (uint8_t)(p[at] + (base_rng_below(&rng, 2) ? 1 : -1));
		return len;
	case 6: /* the head of this one, the tail of another one */
		other = &seeds[base_rng_below(&rng, n_seeds)];
		if (at < other->len) {
			memcpy(p + at, other->bytes + at, other->len - at);
			return other->len;
		}
		return len;
	default: /* a piece again, or over another one */
		if (at + 8 <= len && len >= 16)
			memmove(p + base_rng_below(&rng, (uint32_t)(len - 8)), p + at, 8);
		return len;
	}
}

static struct rte_mbuf *frame_make(void)
{
	static const uint64_t flags[] = {RTE_MBUF_F_RX_IP_CKSUM_GOOD,
					 RTE_MBUF_F_RX_IP_CKSUM_BAD,
					 RTE_MBUF_F_RX_L4_CKSUM_GOOD,
					 RTE_MBUF_F_RX_L4_CKSUM_BAD,
					 RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED,
					 RTE_MBUF_F_RX_RSS_HASH};
	const struct seed *seed = &seeds[base_rng_below(&rng, n_seeds)];
	uint8_t bytes[SEED_LEN_MAX + 64];
	size_t len = seed->len;
	struct rte_mbuf *m;

	memcpy(bytes, seed->bytes, len);
	for (unsigned i = base_rng_below(&rng, 5); i > 0; i--)
		len = mutate_once(bytes, len);
	if (base_rng_below(&rng, 2))
		seed_checksums_fix(bytes, len);
	m = rig_buffer_cut(bytes, len, base_rng_below(&rng, 8) ? 2000 : 1 + base_rng_below(&rng, 400));
	if (base_rng_below(&rng, 16) == 0)
		m->ol_flags |= flags[base_rng_below(&rng, sizeof(flags) / sizeof(flags[0]))];
	m->hash.rss = (uint32_t)base_rng_next(&rng);
	m->vlan_tci = (uint16_t)base_rng_below(&rng, 2);
	return m;
}

static void run(unsigned n_cores, uint64_t frames)
{
	uint64_t before = 0;
	uint64_t done = 0;
	bool settled = false;

	rig_default(&rig, n_cores);
	rig.config.ports[0].accept_ra = true;
	rig.config.ports[0].hash_is_ours = true;
	rig.config.ports[1].tx_queues = 1;
	rig.config.limits.error_total = UINT32_MAX;
	rig.config.limits.error_prefix = UINT32_MAX;
	rig_start(&rig);
	/* the first eighth meets addresses that are still being probed; then they are settled, or all the
	   rest would end at "not an address of ours" once a conflict has been claimed */
	while (done < frames) {
		struct rte_mbuf *burst[BURST];
		unsigned n = 1 + base_rng_below(&rng, BURST);

		for (unsigned i = 0; i < n; i++)
			burst[i] = frame_make();
		rig.error_answer = base_rng_below(&rng, 2);
		net_input(rig.nets[base_rng_below(&rng, n_cores)], base_rng_below(&rng, 16) == 0, burst, n,
			  rig.now_ns);
		done += n;
		before += n;
		rig.now_ns += base_rng_below(&rng, 20000000);
		rig_turn(&rig);
		/* sometimes the network answers, so that every state of a neighbour is met */
		if (base_rng_below(&rng, 8) == 0)
			before += rig_answer(&rig, 0);
		rig_drain(&rig);
		if (base_rng_below(&rng, 64) == 0)
			assert_null(rig_books(&rig));
		if (!settled && done > frames / 8) {
			net_link_set(rig.shared, 0, NET_LINK_DOWN);
			rig_advance(&rig, RIG_SECOND);
			net_link_set(rig.shared, 0, NET_LINK_UP);
			rig_advance(&rig, 15 * RIG_SECOND);
			settled = true;
		}
		if (base_rng_below(&rng, 4096) == 0)
			net_link_set(rig.shared, 1, base_rng_below(&rng, 4) ? NET_LINK_UP : NET_LINK_DOWN);
		/* what may be held: frames that wait for a neighbour, and nothing else */
		assert_true(rig_buffers() <= n_cores * 32 * 16 * 2);
	}
	assert_int_equal(rig_counter(&rig, NET_COUNTER_frames_in), before);
	rig_stop(&rig);
}

static void million_frames(void **state)
{
	uint64_t seed = env_number("SALLYPORT_TEST_SEED", 1);
	uint64_t frames = env_number("SALLYPORT_TEST_FRAMES", FRAMES);
	unsigned met = 0;

	(void)state;
	print_message("seed %lu, %lu frames\n", seed, frames);
	base_rng_seed(&rng, seed);
	n_seeds = seeds_make(seeds);
	run(1, frames / 2);
	for (unsigned d = 0; d < NET_DROPS; d++)
		if (rig_drop(&rig, (enum net_drop)d) > 0)
			met++;
		else
			print_message("not met with one core: %s\n", net_drop_info[d].name);
	run(3, frames - frames / 2);
	/* the generator must reach into every corner, or it proves nothing */
	if (frames >= FRAMES)
		assert_true(met >= NET_DROPS - 8);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(million_frames),
	};

	rig_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
