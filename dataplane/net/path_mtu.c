/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/net/path_mtu.h"

#include <string.h>

void path_mtu_init(struct path_mtu *cache, const uint64_t key[2])
{
	memset(cache, 0, sizeof(*cache));
	cache->key[0] = key[0];
	cache->key[1] = key[1] | 1;
}

static unsigned bucket_of(const struct path_mtu *cache, const struct base_addr *dst)
{
	unsigned __int128 m = (unsigned __int128)(dst->q[0] ^ cache->key[0]) * (dst->q[1] ^ cache->key[1]);
	uint64_t h = (uint64_t)m ^ (uint64_t)(m >> 64);

	return (unsigned)((h ^ h >> 32) % PATH_MTU_BUCKETS) * PATH_MTU_WAYS;
}

const struct path_mtu_entry *path_mtu_find(const struct path_mtu *cache, const struct base_addr *dst,
					   uint64_t now_ns)
{
	unsigned first = bucket_of(cache, dst);

	for (unsigned i = first; i < first + PATH_MTU_WAYS; i++)
		if (cache->entries[i].expires > now_ns && base_addr_equal(&cache->entries[i].dst, dst))
			return &cache->entries[i];
	return NULL;
}

/* dst's own entry, else the one that ends first */
static struct path_mtu_entry *entry_for(struct path_mtu *cache, const struct base_addr *dst)
{
	struct path_mtu_entry *best = &cache->entries[bucket_of(cache, dst)];

	for (struct path_mtu_entry *e = best, *end = best + PATH_MTU_WAYS; e < end; e++) {
		if (e->expires != 0 && base_addr_equal(&e->dst, dst))
			return e;
		if (e->expires < best->expires)
			best = e;
	}
	return best;
}

enum path_mtu_verdict path_mtu_lower(struct path_mtu *cache, const struct base_addr *dst, uint32_t mtu,
				     uint16_t current, uint64_t now_ns)
{
	bool v4 = base_addr_is_v4(dst);
	uint16_t floor = v4 ? PATH_MTU_MIN4 : PATH_MTU_MIN6;
	/* RFC 8201 section 4: less than 1280 is not to be believed; an IPv4 path may really be so narrow */
	bool floored = v4 && mtu < floor;
	struct path_mtu_entry *e;

	if (!v4 && mtu < floor)
		return PATH_MTU_NO_NEWS;
	if (floored)
		mtu = floor;
	e = entry_for(cache, dst);
	if (mtu >= current && !(floored && !(e->floored && base_addr_equal(&e->dst, dst))))
		return PATH_MTU_NO_NEWS;
	cache->n_floored += (unsigned)floored - (unsigned)e->floored;
	e->dst = *dst;
	e->mtu = (uint16_t)mtu;
	e->floored = floored;
	e->expires = now_ns + PATH_MTU_AGE_NS;
	return floored ? PATH_MTU_FLOORED : PATH_MTU_LEARNED;
}
