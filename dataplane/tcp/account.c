/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/account.h"

#include <errno.h>
#include <sys/mman.h>

enum { PROBES = 32 };

/* marks a slot whose prefix is gone but over which another one was placed */
#define GONE (~0ull)

int tcp_account_init(struct tcp_account *a, uint32_t slots, const struct siphash_key *key)
{
	uint32_t n = 64;
	void *m;

	while (n < 2 * slots)
		n *= 2;
	a->mapped = (size_t)n * sizeof(*a->prefixes);
	m = mmap(NULL, a->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (m == MAP_FAILED)
		return -errno;
	a->prefixes = m;
	a->mask = n - 1;
	a->used = 0;
	a->hash_key = *key;
	a->bytes = a->peak = 0;
	return 0;
}

void tcp_account_fini(struct tcp_account *a)
{
	if (a->prefixes)
		munmap(a->prefixes, a->mapped);
	a->prefixes = NULL;
}

static uint64_t key_of(const struct base_addr *remote)
{
	uint64_t key = 0;

	if (base_addr_is_v4(remote)) {
		memcpy(&key, &remote->b[12], 3);
		return key | 1ull << 63;
	}
	memcpy(&key, remote->b, 7);
	return key | 1ull << 62;
}

bool tcp_account_open(struct tcp_account *a, const struct base_addr *remote, uint32_t *prefix)
{
	uint64_t key = key_of(remote);
	uint64_t h = siphash13(&a->hash_key, &key, sizeof(key));
	uint32_t reuse = TCP_ACCOUNT_SHARED, i = TCP_ACCOUNT_SHARED;
	struct tcp_account_prefix *p;

	for (unsigned step = 0; step < PROBES; step++) {
		uint32_t at = (uint32_t)(h + step) & a->mask;

		if (at == TCP_ACCOUNT_SHARED)
			continue;
		p = &a->prefixes[at];
		if (p->key == key) {
			i = at;
			break;
		}
		if ((p->key == 0 || p->key == GONE) && reuse == TCP_ACCOUNT_SHARED)
			reuse = at;
		if (p->key == 0)
			break;
	}
	if (i == TCP_ACCOUNT_SHARED && reuse != TCP_ACCOUNT_SHARED) {
		i = reuse;
		a->prefixes[i] = (struct tcp_account_prefix){.key = key};
		a->used++;
	}
	p = &a->prefixes[i];
	/* strangers who share an entry share no limit: there the pool's own limit holds */
	if (i != TCP_ACCOUNT_SHARED && p->connections >= a->prefix_connections_max)
		return false;
	p->connections++;
	*prefix = i;
	return true;
}

void tcp_account_close(struct tcp_account *a, uint32_t prefix)
{
	struct tcp_account_prefix *p = &a->prefixes[prefix];

	if (--p->connections == 0 && prefix != TCP_ACCOUNT_SHARED) {
		/* nobody probes past an entry whose follower is free */
		p->key = a->prefixes[(prefix + 1) & a->mask].key == 0 ? 0 : GONE;
		a->used--;
	}
}
