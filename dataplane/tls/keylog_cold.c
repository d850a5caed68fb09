/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "dataplane/tls/keylog.h"

struct tls_keylog *tls_keylog_create(struct policy_name peer, uint64_t until_ns)
{
	struct tls_keylog *k;

	if (peer.len > POLICY_NAME_MAX || posix_memalign((void **)&k, 64, sizeof(*k)))
		return NULL;
	memset(k, 0, sizeof(*k));
	k->until_ns = until_ns;
	k->name_len = peer.len;
	memcpy(k->name, peer.ptr, peer.len);
	return k;
}

void tls_keylog_destroy(struct tls_keylog *k)
{
	if (!k)
		return;
	explicit_bzero(k, sizeof(*k));
	free(k);
}

uint32_t tls_keylog_read(struct tls_keylog *k, char *to, uint32_t room)
{
	/* acquire: the lines are complete */
	uint32_t in = atomic_load_explicit(&k->in, memory_order_acquire);
	uint32_t out = atomic_load_explicit(&k->out, memory_order_relaxed), n = 0, whole = 0;

	for (; out + n != in && n < room; n++) {
		to[n] = k->ring[(out + n) % TLS_KEYLOG_RING];
		if (to[n] == '\n')
			whole = n + 1;
	}
	for (uint32_t i = 0; i < whole; i++)
		k->ring[(out + i) % TLS_KEYLOG_RING] = 0;
	explicit_bzero(to + whole, n - whole);
	/* release: they may be written over */
	atomic_store_explicit(&k->out, out + whole, memory_order_release);
	return whole;
}
