/* SPDX-License-Identifier: BSD-3-Clause */
/* Key pairs of X25519, eight made at once, which takes as long as two and a half. A pair that waits has
 * served nobody; it serves one handshake and is wiped from here when it goes out. Like the random bytes that
 * wait (provider_rand.c), they are gone after a fork and after some minutes. */
#include "dataplane/tls/provider.h"

#include <string.h>
#include <x86intrin.h>

#include <openssl/rand.h>

#include "dataplane/tls/kdf.h"
#include "dataplane/tls/secret_page.h"

_Static_assert(sizeof(struct tls_pairs) <= TLS_SECRET_PAGE, "one page");

static bool one(struct tls_provider *p, uint8_t private[TLS_X25519_LEN], uint8_t public[TLS_X25519_LEN])
{
	if (RAND_priv_bytes_ex(p->lib, private, TLS_X25519_LEN, 0) <= 0)
		return false;
	tls_x25519_clamp(private);
	p->x25519_code->public(&p->x25519, private, public);
	return true;
}

static bool fill(struct tls_provider *p, struct tls_pairs *all)
{
	all->left = 0;
	if (RAND_priv_bytes_ex(p->lib, all->private[0], sizeof(all->private), 0) <= 0)
		return false;
	for (unsigned i = 0; i < TLS_X25519_BATCH; i++)
		tls_x25519_clamp(all->private[i]);
	p->x25519_code->publics(&p->x25519, (const uint8_t(*)[TLS_X25519_LEN])all->private, all->public);
	all->made = __rdtsc();
	all->left = TLS_X25519_BATCH;
	return true;
}

bool tls_pair_take(struct tls_provider *p, uint8_t private[TLS_X25519_LEN], uint8_t public[TLS_X25519_LEN])
{
	struct tls_pairs *all = p->pairs;
	unsigned i;

	/* between steps it may be another thread that asks */
	if (!all || !p->in_step)
		return one(p, private, public);
	if ((!all->left || tls_secret_old(all->made)) && !fill(p, all))
		return false;
	i = --all->left;
	memcpy(private, all->private[i], TLS_X25519_LEN);
	memcpy(public, all->public[i], TLS_X25519_LEN);
	tls_wipe(all->private[i], TLS_X25519_LEN);
	return true;
}
