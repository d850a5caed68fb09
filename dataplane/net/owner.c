/* SPDX-License-Identifier: BSD-3-Clause */
/* Which core owns a flow: the Toeplitz hash that NICs compute for RSS, over source, destination, source port
 * and destination port as received, then the 128-entry table. */
#include "dataplane/net/net_internal.h"

enum { NET_PORT_BITS = 13 }; /* 8,192 ports one after the other have them all */

/* The 32 key bits that a set bit number `bit` of the input contributes. */
static uint32_t key_window(const uint8_t *key, unsigned bit)
{
	uint64_t w = 0;

	for (unsigned i = 0; i < 5; i++)
		w = w << 8 | (bit / 8 + i < NET_RSS_KEY_LEN ? key[bit / 8 + i] : 0);
	return (uint32_t)(w >> (8 - bit % 8));
}

/* whether the NET_PORT_BITS low bits of our port, whose last is input bit `last`, turn each bit of the
 * table's index whatever the others are: seven of the columns are independent */
static bool port_reaches_all(const uint8_t *key, unsigned last)
{
	uint32_t base[32] = {0}; /* by their highest bit */
	unsigned rank = 0;

	for (unsigned i = 0; i < NET_PORT_BITS; i++) {
		uint32_t v = key_window(key, last - i) % NET_RETA_LEN;

		while (v && base[31 - __builtin_clz(v)])
			v ^= base[31 - __builtin_clz(v)];
		if (v) {
			base[31 - __builtin_clz(v)] = v;
			rank++;
		}
	}
	return 1u << rank == NET_RETA_LEN;
}

bool net_rss_key_fits(const uint8_t key[NET_RSS_KEY_LEN])
{
	return port_reaches_all(key, 12 * 8 - 1) && port_reaches_all(key, 36 * 8 - 1);
}

void net_owner_init(struct net_shared *shared, const uint8_t key[NET_RSS_KEY_LEN])
{
	for (unsigned nibble = 0; nibble < 72; nibble++) {
		for (unsigned value = 0; value < 16; value++) {
			uint32_t h = 0;

			for (unsigned bit = 0; bit < 4; bit++)
				if (value & (8u >> bit))
					h ^= key_window(key, nibble * 4 + bit);
			shared->toeplitz[nibble][value] = h;
		}
	}
	for (unsigned i = 0; i < NET_RETA_LEN; i++)
		shared->reta[i] = (uint8_t)(i % shared->n_cores);
}

static inline uint32_t toeplitz_bytes(const struct net_shared *shared, unsigned at, const uint8_t *p,
				      unsigned len)
{
	const uint32_t(*t)[16] = &shared->toeplitz[at * 2];
	uint32_t h = 0;

	for (unsigned i = 0; i < len; i++)
		h ^= t[2 * i][p[i] >> 4] ^ t[2 * i + 1][p[i] & 15];
	return h;
}

unsigned net_owner(const struct net_shared *shared, const struct base_addr *src, const struct base_addr *dst,
		   uint16_t sport, uint16_t dport)
{
	const uint8_t ports[4] = {(uint8_t)(sport >> 8), (uint8_t)sport, (uint8_t)(dport >> 8),
				  (uint8_t)dport};
	uint32_t h;

	if (shared->n_cores == 1)
		return 0;
	if (base_addr_is_v4(dst)) {
		h = toeplitz_bytes(shared, 0, src->b + 12, 4) ^ toeplitz_bytes(shared, 4, dst->b + 12, 4) ^
		    toeplitz_bytes(shared, 8, ports, 4);
	} else {
		h = toeplitz_bytes(shared, 0, src->b, 16) ^ toeplitz_bytes(shared, 16, dst->b, 16) ^
		    toeplitz_bytes(shared, 32, ports, 4);
	}
	return shared->reta[h % NET_RETA_LEN];
}

const uint8_t *net_shared_reta(const struct net_shared *shared)
{
	return shared->reta;
}
