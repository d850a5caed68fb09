/* SPDX-License-Identifier: BSD-3-Clause */
/* Path MTU per destination, one cache per core: RFC 1191, RFC 8201. Pure. Only what a router said about a
 * segment that is really outstanding comes in here, so strangers cannot fill it; it is bounded all the same.
 */
#ifndef DATAPLANE_NET_PATH_MTU_H
#define DATAPLANE_NET_PATH_MTU_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/addr.h"

#define PATH_MTU_AGE_NS UINT64_C(600000000000) /* RFC 1191 section 6.3, RFC 8201 section 5.3: ten minutes */

enum {
	PATH_MTU_MIN4 =
		576, /* RFC 1191 allows 68; below 576 we stop setting DF instead of cutting TCP to crumbs */
	PATH_MTU_MIN6 = 1280,
	PATH_MTU_WAYS = 4,
	PATH_MTU_BUCKETS = 128,
};

struct path_mtu_entry {
	struct base_addr dst;
	uint64_t expires; /* 0: free */
	uint16_t mtu;
	bool floored; /* the path takes less than the floor: routers may fragment */
};

struct path_mtu {
	uint64_t key[2];
	unsigned n_floored; /* 0: no need to look */
	struct path_mtu_entry entries[PATH_MTU_BUCKETS * PATH_MTU_WAYS];
};

void path_mtu_init(struct path_mtu *cache, const uint64_t key[2]);

/* What is known of dst, or NULL. */
const struct path_mtu_entry *path_mtu_find(const struct path_mtu *cache, const struct base_addr *dst,
					   uint64_t now_ns);

enum path_mtu_verdict {
	PATH_MTU_LEARNED,
	PATH_MTU_FLOORED, /* learned, at the floor */
	PATH_MTU_NO_NEWS, /* not lower than what is known */
};

/* `mtu` from a router, `current` what is used so far. Never raises: age alone does. */
enum path_mtu_verdict path_mtu_lower(struct path_mtu *cache, const struct base_addr *dst, uint32_t mtu,
				     uint16_t current, uint64_t now_ns);

#endif
