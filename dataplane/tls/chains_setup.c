/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tls/chains.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int tls_chains_init(struct tls_chains *t, uint32_t capacity)
{
	uint32_t n = 16;
	int err;

	while (n < capacity)
		n *= 2;
	*t = (struct tls_chains){.mask = n - 1, .lru_head = BASE_POOL_NONE, .lru_tail = BASE_POOL_NONE};
	err = base_pool_init(&t->pool, capacity, sizeof(struct tls_chain), 4);
	if (err)
		return err;
	t->buckets = malloc(n * sizeof(*t->buckets));
	if (!t->buckets) {
		base_pool_fini(&t->pool);
		return -ENOMEM;
	}
	memset(t->buckets, 0xff, n * sizeof(*t->buckets));
	return 0;
}

void tls_chains_fini(struct tls_chains *t)
{
	free(t->buckets);
	base_pool_fini(&t->pool);
}
