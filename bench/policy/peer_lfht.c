/* SPDX-License-Identifier: BSD-3-Clause */
/* liburcu's cds_lfht with the QSBR flavour, the cheapest for readers. Nodes lie in one arena, on huge pages
 * when ours does. The hash is SipHash-1-3 over each suffix, as a table that hostile queries reach needs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define _LGPL_SOURCE
#include <urcu/urcu-qsbr.h>
#include <urcu/rculfhash.h>

#include "bench/policy/policy_world.h"
#include "config/segment/keyhash.h"

struct node {
	struct cds_lfht_node link;
	uint32_t index;
	uint8_t version, len;
	char text[34];
};

static struct cds_lfht *table;
static struct node *arena;
static size_t arena_len;
static const struct keyhash_key key = {0x243f6a8885a308d3u, 0x13198a2e03707344u};

struct wanted {
	const char *text;
	uint32_t len;
};

static int match(struct cds_lfht_node *n, const void *arg)
{
	const struct node *x = (const struct node *)((const char *)n - offsetof(struct node, link));
	const struct wanted *want = arg;

	return x->len == want->len && memcmp(x->text, want->text, want->len) == 0;
}

static bool peer_open(struct world *w, bool huge)
{
	unsigned long buckets = 1;

	urcu_qsbr_register_thread();
	while (buckets < w->names)
		buckets <<= 1;
	table = cds_lfht_new_flavor(buckets, buckets, buckets, 0, &urcu_qsbr_flavor, NULL);
	arena_len = (w->names * sizeof(struct node) + (2u << 20)) & ~(size_t)((2u << 20) - 1);
	arena = mmap(NULL, arena_len, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | (huge ? MAP_HUGETLB : 0), -1, 0);
	if (!table || arena == MAP_FAILED) {
		perror("cds_lfht");
		return false;
	}
	for (uint64_t i = 0; i < w->names; i++) {
		struct node *x = &arena[i];
		char text[WORLD_NAME];
		struct wanted want = {x->text, world_name(text, i)};

		if (i % (1 << 21) == 0) {
			bench_progress(w->b, "cds_lfht: %llu names", (unsigned long long)i);
			urcu_qsbr_quiescent_state();
		}
		if (want.len > sizeof(x->text))
			return false;
		x->index = (uint32_t)i;
		x->len = (uint8_t)want.len;
		memcpy(x->text, text, want.len);
		cds_lfht_node_init(&x->link);
		cds_lfht_add_unique(table, keyhash_bytes(&key, text, want.len).h1, match, &want, &x->link);
	}
	urcu_qsbr_quiescent_state();
	urcu_qsbr_unregister_thread();
	return true;
}

static void peer_close(void)
{
	/* the nodes go with their arena; the table itself lives as long as the process */
	munmap(arena, arena_len);
}

static uint64_t peer_ask(struct world *w, uint32_t first, uint32_t n)
{
	uint64_t wrong = 0;

	for (uint32_t q = first; q + WORLD_BURST <= first + n; q += WORLD_BURST) {
		const struct world_query *x = &w->query[q & (WORLD_QUERIES - 1)];

		urcu_qsbr_quiescent_state();
		for (unsigned k = 0; k < WORLD_BURST; k++) {
			unsigned depth = 0;
			int64_t got = -1;

			for (int end = (int)x[k].len - 1; end >= -1; end--) {
				struct cds_lfht_iter it;
				struct wanted want;
				struct cds_lfht_node *node;

				if (end >= 0 && x[k].text[end] != '.')
					continue;
				depth++;
				if (end >= 0 && !world_depth(depth))
					continue;
				want.text = x[k].text + end + 1;
				want.len = x[k].len - (uint32_t)(end + 1);
				cds_lfht_lookup(table, keyhash_bytes(&key, want.text, want.len).h1, match,
						&want, &it);
				node = cds_lfht_iter_get_node(&it);
				if (node) {
					const struct node *found =
						(const struct node *)((const char *)node -
								      offsetof(struct node, link));

					if (end < 0 || world_subtree(found->index))
						got = found->index;
				}
			}
			wrong += got != x[k].want;
		}
	}
	return wrong;
}

static int peer_update(uint64_t i, uint8_t version)
{
	char text[WORLD_NAME];
	struct wanted want = {text, world_name(text, i)};
	struct cds_lfht_iter it;
	struct cds_lfht_node *node;

	/* in place: it has nothing cheaper, and nothing that keeps a generation */
	cds_lfht_lookup(table, keyhash_bytes(&key, text, want.len).h1, match, &want, &it);
	node = cds_lfht_iter_get_node(&it);
	if (!node)
		return -1;
	__atomic_store_n(&((struct node *)((char *)node - offsetof(struct node, link)))->version, version,
			 __ATOMIC_RELAXED);
	urcu_qsbr_quiescent_state();
	return 0;
}

static void peer_enter(void)
{
	urcu_qsbr_register_thread();
}

static void peer_leave(void)
{
	urcu_qsbr_unregister_thread();
}

const struct world_peer world_peer_lfht = {
	.name = "cds_lfht",
	.open = peer_open,
	.close = peer_close,
	.ask = peer_ask,
	.update = peer_update,
	.enter = peer_enter,
	.leave = peer_leave,
};
