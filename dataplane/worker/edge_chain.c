/* SPDX-License-Identifier: BSD-3-Clause */
/* Chains that were verified, told to control for the revocation lists that they name. */
#include <string.h>

#include "config/exchange/chain.h"
#include "dataplane/worker/edge_link.h"

bool edge_chain_tell(void *ctx, unsigned profile, const uint8_t *der, size_t len)
{
	static const uint8_t none[32];
	struct edge *e = ctx;
	struct exchange_chain m = {.bytes = (uint32_t)len};

	/* nobody's anchors, or too much for control: asking again would not help */
	if (!e->config || profile >= TLS_PROFILES_MAX || len > EXCHANGE_CHAIN_MAX ||
	    memcmp(e->config->trust[profile], none, sizeof(none)) == 0)
		return true;
	memcpy(m.trust, e->config->trust[profile], sizeof(m.trust));
	m.id = ++e->chain_id;
	for (; m.at < len; m.at += m.len) {
		m.len = (uint16_t)(len - m.at < EXCHANGE_CHAIN_DATA ? len - m.at : EXCHANGE_CHAIN_DATA);
		memcpy(m.data, der + m.at, m.len);
		/* of the ring's own drops this is one; what went before is nothing without the rest */
		if (ring_produce(&e->events, EXCHANGE_CHAIN, &m, sizeof(m)) != RING_OK)
			return false;
	}
	return true;
}
