/* SPDX-License-Identifier: BSD-3-Clause */
/* rte_hash with lock-free readers and its bulk look-up. Its keys have one length: the name, padded. Every
 * suffix that ours looks at is a key here too; the hash is its own default, a CRC whose collisions anybody
 * can make. The second one hashes with a key, as names from strangers need it. */
#include <stdio.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_hash.h>
#include <rte_rcu_qsbr.h>

#include "bench/policy/policy_world.h"

static struct rte_hash *table;

/* SipHash-1-3 of the name in the padded key */
static uint32_t hash_keyed(const void *key, uint32_t len, uint32_t seed)
{
	static const struct keyhash_key secret = {0x243f6a8885a308d3u, 0x13198a2e03707344u};

	return (uint32_t)keyhash_bytes(&secret, key, strnlen(key, len)).h1;
}

static bool table_open(struct world *w, bool huge, bool keyed)
{
	static bool eal;
	struct rte_hash_parameters p = {
		.name = "policy",
		.entries = (uint32_t)(w->names + w->names / 8),
		.key_len = WORLD_NAME,
		.extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF | RTE_HASH_EXTRA_FLAGS_EXT_TABLE,
		.socket_id = 0,
	};
	char arg[][32] = {"bench_policy",      "-l", "0", "--in-memory", "--no-telemetry", "--no-pci",
			  "--log-level=error", "-m", "",  "--no-huge"};
	enum { MEMORY = 8, NO_HUGE = 9 };
	char *argv[NO_HUGE + 2] = {NULL};

	if (keyed)
		p.hash_func = hash_keyed;
	if (!eal) {
		snprintf(arg[MEMORY], sizeof(arg[MEMORY]), "%llu",
			 (unsigned long long)(w->names * 160 >> 20) + 256);
		for (int i = 0; i < (huge ? NO_HUGE : NO_HUGE + 1); i++)
			argv[i] = arg[i];
		if (rte_eal_init(huge ? NO_HUGE : NO_HUGE + 1, argv) < 0) {
			fprintf(stderr, "rte_hash: EAL: %s\n", rte_strerror(rte_errno));
			return false;
		}
		eal = true;
	}
	table = rte_hash_create(&p);
	if (!table) {
		fprintf(stderr, "rte_hash: %s\n", rte_strerror(rte_errno));
		return false;
	}
	for (uint64_t i = 0; i < w->names; i++) {
		char key[WORLD_NAME] = {0};

		if (i % (1 << 21) == 0)
			bench_progress(w->b, "rte_hash: %llu names", (unsigned long long)i);
		world_name(key, i);
		if (rte_hash_add_key_data(table, key, (void *)(uintptr_t)(i + 1)) < 0) {
			fprintf(stderr, "rte_hash: full at %llu\n", (unsigned long long)i);
			rte_hash_free(table);
			return false;
		}
	}
	return true;
}

static bool peer_open(struct world *w, bool huge)
{
	return table_open(w, huge, false);
}

static bool peer_open_keyed(struct world *w, bool huge)
{
	return table_open(w, huge, true);
}

static void peer_close(void)
{
	rte_hash_free(table);
}

static uint64_t peer_ask(struct world *w, uint32_t first, uint32_t n)
{
	static _Thread_local char keys[RTE_HASH_LOOKUP_BULK_MAX + 4][WORLD_NAME] __attribute__((aligned(64)));
	const void *ptr[RTE_HASH_LOOKUP_BULK_MAX + 4];
	uint8_t owner[RTE_HASH_LOOKUP_BULK_MAX + 4];
	bool whole[RTE_HASH_LOOKUP_BULK_MAX + 4];
	void *data[RTE_HASH_LOOKUP_BULK_MAX + 4];
	uint64_t wrong = 0;

	for (unsigned i = 0; i < RTE_HASH_LOOKUP_BULK_MAX + 4; i++)
		ptr[i] = keys[i];
	for (uint32_t q = first; q + WORLD_BURST <= first + n; q += WORLD_BURST) {
		const struct world_query *x = &w->query[q & (WORLD_QUERIES - 1)];
		int64_t got[WORLD_BURST];
		unsigned k = 0;

		for (unsigned i = 0; i < WORLD_BURST; i++)
			got[i] = -1;
		while (k < WORLD_BURST) {
			unsigned m = 0;
			uint64_t hit = 0;

			/* as many names as one bulk holds */
			for (; k < WORLD_BURST && m + 3 <= RTE_HASH_LOOKUP_BULK_MAX; k++) {
				unsigned depth = 0;

				for (int end = (int)x[k].len - 1; end >= -1; end--) {
					if (end >= 0 && x[k].text[end] != '.')
						continue;
					depth++;
					if (end >= 0 && !world_depth(depth))
						continue;
					memset(keys[m], 0, WORLD_NAME);
					memcpy(keys[m], x[k].text + end + 1, x[k].len - (unsigned)(end + 1));
					owner[m] = (uint8_t)k;
					whole[m++] = end < 0;
				}
			}
			rte_hash_lookup_bulk_data(table, ptr, m, &hit, data);
			for (; hit; hit &= hit - 1) {
				unsigned h = (unsigned)__builtin_ctzll(hit);
				int64_t i = (int64_t)((uintptr_t)data[h] & 0xffffffff) - 1;

				if (whole[h] || world_subtree((uint64_t)i))
					got[owner[h]] = i;
			}
		}
		for (unsigned i = 0; i < WORLD_BURST; i++)
			wrong += got[i] != x[i].want;
	}
	return wrong;
}

static int peer_update(uint64_t i, uint8_t version)
{
	char key[WORLD_NAME] = {0};

	world_name(key, i);
	return rte_hash_add_key_data(table, key, (void *)(uintptr_t)((i + 1) | (uint64_t)version << 32));
}

static void peer_nothing(void)
{
}

const struct world_peer world_peer_rte_hash = {
	.name = "rte_hash-lf",
	.open = peer_open,
	.close = peer_close,
	.ask = peer_ask,
	.update = peer_update,
	.enter = peer_nothing,
	.leave = peer_nothing,
};

const struct world_peer world_peer_rte_hash_keyed = {
	.name = "rte_hash-lf-keyed",
	.open = peer_open_keyed,
	.close = peer_close,
	.ask = peer_ask,
	.update = peer_update,
	.enter = peer_nothing,
	.leave = peer_nothing,
};
