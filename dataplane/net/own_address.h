/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of one own address: probed, announced, defended. RFC 5227 for IPv4, RFC 4862 section 5.4 for IPv6.
 * Pure: what to send comes back as actions. Runs on the neighbour core.
 *
 * Addresses are configured, not guessed, and a box that restarts must serve at once: so by default an address
 * is used while it is probed (as RFC 4429 does), and given up when the probe meets another holder. `careful`
 * waits instead. */
#ifndef DATAPLANE_NET_OWN_ADDRESS_H
#define DATAPLANE_NET_OWN_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/rng.h"

#define OWN_PROBE_MIN_NS     UINT64_C(1000000000)  /* RFC 5227 PROBE_MIN, RFC 4861 RetransTimer */
#define OWN_ANNOUNCE_WAIT_NS UINT64_C(2000000000)  /* RFC 5227 ANNOUNCE_WAIT and ANNOUNCE_INTERVAL */
#define OWN_RETRY_NS	     UINT64_C(30000000000) /* a given-up address is probed again, and then carefully */
#define OWN_DEFEND_NS	     UINT64_C(10000000000) /* RFC 5227 DEFEND_INTERVAL */

enum {
	OWN_PROBES4 = 3, /* RFC 5227 PROBE_NUM */
	OWN_PROBES6 = 2, /* RFC 4862 DupAddrDetectTransmits: one more than the default, against loss */
	OWN_ANNOUNCES = 2,
};

enum own_phase { OWN_PROBING, OWN_ANNOUNCING, OWN_SETTLED, OWN_DUPLICATE };

enum own_action { OWN_NOTHING, OWN_PROBE, OWN_ANNOUNCE };

struct own_address {
	uint64_t due, defend_after;
	uint8_t phase, sent;
	bool v4, careful;
};

/* Also when the link comes back: a duplicate gets its second chance there. */
static inline void own_address_start(struct own_address *own, bool v4, bool careful, struct base_rng *rng,
				     uint64_t now_ns)
{
	own->phase = OWN_PROBING;
	own->sent = 0;
	own->v4 = v4;
	own->careful = careful;
	own->defend_after = 0;
	/* RFC 5227 PROBE_WAIT, RFC 4862 section 5.4.2: boxes that start together do not speak together */
	own->due = careful ? now_ns + base_rng_below(rng, 1000) * UINT64_C(1000000) : now_ns;
}

/* May the address be used? */
static inline bool own_address_usable(const struct own_address *own)
{
	return own->phase != OWN_DUPLICATE && (own->phase != OWN_PROBING || !own->careful);
}

/* When now_ns ≥ own->due. */
static inline enum own_action own_address_timer(struct own_address *own, struct base_rng *rng,
						uint64_t now_ns)
{
	switch (own->phase) {
	case OWN_PROBING:
		if (own->sent < (own->v4 ? OWN_PROBES4 : OWN_PROBES6)) {
			own->sent++;
			own->due = now_ns + OWN_PROBE_MIN_NS;
			if (own->v4 && own->sent < OWN_PROBES4) /* PROBE_MAX is twice PROBE_MIN */
				own->due += base_rng_below(rng, 1000) * UINT64_C(1000000);
			else if (own->v4)
				own->due = now_ns + OWN_ANNOUNCE_WAIT_NS;
			return OWN_PROBE;
		}
		own->phase = OWN_ANNOUNCING;
		own->sent = 0;
		return own_address_timer(own, rng, now_ns);
	case OWN_ANNOUNCING:
		own->sent++;
		own->due = now_ns + OWN_ANNOUNCE_WAIT_NS;
		if (own->sent >= OWN_ANNOUNCES) {
			own->phase = OWN_SETTLED;
			own->due = UINT64_MAX;
		}
		return OWN_ANNOUNCE;
	case OWN_DUPLICATE:
		/* one forged frame must not take an address away for ever */
		own_address_start(own, own->v4, true, rng, now_ns);
		return OWN_NOTHING;
	default:
		own->due = UINT64_MAX;
		return OWN_NOTHING;
	}
}

/* Another station uses or probes the address. Probing: it is given up (RFC 5227 section 2.1.1, RFC 4862
 * section 5.4.3 and 5.4.4). Later: defended, never given up, at most once per DEFEND_INTERVAL (RFC 5227
 * section 2.4 (c)). */
static inline enum own_action own_address_conflict(struct own_address *own, uint64_t now_ns)
{
	if (own->phase == OWN_PROBING) {
		own->phase = OWN_DUPLICATE;
		own->due = now_ns + OWN_RETRY_NS;
		return OWN_NOTHING;
	}
	if (own->phase == OWN_DUPLICATE || now_ns < own->defend_after)
		return OWN_NOTHING;
	own->defend_after = now_ns + OWN_DEFEND_NS;
	return OWN_ANNOUNCE;
}

#endif
