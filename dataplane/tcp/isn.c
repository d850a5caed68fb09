/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/isn.h"

enum { SLOT_SHIFT = 36, MSS_CLASSES = 8 };

static const uint16_t mss_class[MSS_CLASSES] = {536, 1024, 1220, 1300, 1380, 1440, 1460, 8940};

uint32_t tcp_isn(const struct siphash_key *key, const struct net_tuple *t, uint64_t now_ns)
{
	struct {
		struct base_addr l, r;
		uint16_t lp, rp;
	} k = {t->local, t->remote, t->local_port, t->remote_port};

	/* RFC 6528 section 3: the clock of RFC 9293 3.4.1 (4 us) plus a hash of the tuple */
	return (uint32_t)siphash24(key, &k, 36) + (uint32_t)(now_ns >> 12);
}

static uint32_t cookie(const struct siphash_key *key, const struct net_tuple *t, uint32_t peer_isn,
		       uint64_t slot, unsigned class)
{
	struct {
		struct base_addr l, r;
		uint16_t lp, rp;
		uint32_t isn;
		uint64_t slot_class;
	} k = {t->local, t->remote, t->local_port, t->remote_port, peer_isn, slot * MSS_CLASSES + class};

	_Static_assert(sizeof(k) == 48, "no padding in what is hashed");
	return ((uint32_t)siphash24(key, &k, sizeof(k)) & ~15u) | (uint32_t)(slot & 1) << 3 | class;
}

uint32_t tcp_cookie_make(const struct siphash_key *key, const struct net_tuple *t, uint32_t peer_isn,
			 uint16_t mss, uint64_t now_ns)
{
	unsigned class = MSS_CLASSES - 1;

	while (class > 0 && mss_class[class] > mss)
		class --;
	return cookie(key, t, peer_isn, now_ns >> SLOT_SHIFT, class);
}

uint16_t tcp_cookie_check(const struct siphash_key *key, const struct net_tuple *t, uint32_t peer_isn,
			  uint32_t value, uint64_t now_ns)
{
	uint64_t slot = now_ns >> SLOT_SHIFT;

	if ((slot & 1) != (value >> 3 & 1))
		slot--;
	return cookie(key, t, peer_isn, slot, value & 7) == value ? mss_class[value & 7] : 0;
}

uint32_t tcp_cookie_ts(uint32_t ts, const struct tcp_cookie_options *o)
{
	uint32_t bits = (o->scale & 15u) | (o->sack ? 16u : 0) | (o->ecn ? 32u : 0);
	uint32_t v = (ts & ~63u) | bits;

	return (int32_t)(v - ts) > 0 ? v - 64 : v;
}

struct tcp_cookie_options tcp_cookie_ts_options(uint32_t ts_ecr)
{
	return (struct tcp_cookie_options){.scale = ts_ecr & 15, .sack = ts_ecr & 16, .ecn = ts_ecr & 32};
}
