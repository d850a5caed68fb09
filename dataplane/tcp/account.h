/* SPDX-License-Identifier: BSD-3-Clause */
/* Who holds how much: connections and buffer bytes per source prefix (/24, /56) and per core. A prefix exists
 * while it has connections; when the table is full, newcomers share one entry. */
#ifndef DATAPLANE_TCP_ACCOUNT_H
#define DATAPLANE_TCP_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/base/addr.h"
#include "dataplane/base/siphash.h"

enum { TCP_ACCOUNT_SHARED = 0 };

struct tcp_account_prefix {
	uint64_t key; /* 0: free */
	uint64_t bytes;
	uint32_t connections, half_open;
};

struct tcp_account {
	struct tcp_account_prefix *prefixes; /* [0] is the shared one; open addressing, moved never */
	uint32_t mask;
	uint32_t used;
	size_t mapped;
	struct siphash_key hash_key;
	uint64_t bytes, peak; /* of the core */
	uint64_t bytes_max, prefix_bytes_max;
	uint32_t prefix_connections_max;
};

/* `slots`: prefixes known at one time; 0 or -errno */
int tcp_account_init(struct tcp_account *a, uint32_t slots, const struct siphash_key *key);
void tcp_account_fini(struct tcp_account *a);
/* Counts one connection in; its entry's index goes to *prefix. False: the prefix has its fill, nothing
 * counted. */
bool tcp_account_open(struct tcp_account *a, const struct base_addr *remote, uint32_t *prefix);
void tcp_account_close(struct tcp_account *a, uint32_t prefix);

/* could so many be charged? */
static inline bool tcp_account_room(const struct tcp_account *a, uint32_t prefix, uint32_t bytes)
{
	return a->bytes + bytes <= a->bytes_max && a->prefixes[prefix].bytes + bytes <= a->prefix_bytes_max;
}

/* false: core or prefix would exceed its limit, nothing charged */
static inline bool tcp_account_charge(struct tcp_account *a, uint32_t prefix, uint32_t bytes)
{
	struct tcp_account_prefix *p = &a->prefixes[prefix];

	if (!tcp_account_room(a, prefix, bytes))
		return false;
	a->bytes += bytes;
	p->bytes += bytes;
	if (a->bytes > a->peak)
		a->peak = a->bytes;
	return true;
}

static inline void tcp_account_refund(struct tcp_account *a, uint32_t prefix, uint32_t bytes)
{
	a->bytes -= bytes;
	a->prefixes[prefix].bytes -= bytes;
}

#endif
