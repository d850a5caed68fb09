/* SPDX-License-Identifier: BSD-3-Clause */
/* Chains whose certificates say where their revocation lists are (RFC 5280 section 4.2.1.13), told to who can
 * fetch these. */
#include <string.h>

#include <openssl/x509v3.h>

#include "dataplane/tls/core.h"

enum {
	AGAIN_S = 60,	   /* the same chain is not told more often than this */
	UNTOLD_S = 60,	   /* one for which there was no room is verified again after this */
	CHAIN_MAX = 12288, /* what the one that is told takes */
};

_Static_assert((int)CHAIN_MAX <= (int)TLS_SCRATCH, "it is put together there");

void tls_core_tells(struct tls_core *core, tls_chain_told_fn fn, void *ctx)
{
	core->tell = fn;
	core->tell_ctx = ctx;
}

/* DER of all but the anchor into scratch; 0: nobody in it names a list, or it is too long */
static size_t put_together(struct tls_core *core, const STACK_OF(X509) * chain)
{
	uint8_t *to = core->scratch;
	bool named = false;
	size_t len = 0;

	for (int i = 0; i + 1 < sk_X509_num(chain); i++)
		named |= X509_get_ext_by_NID(sk_X509_value(chain, i), NID_crl_distribution_points, -1) >= 0;
	for (int i = 0; named && i + 1 < sk_X509_num(chain); i++) {
		int n = i2d_X509(sk_X509_value(chain, i), NULL);

		if (n <= 0 || len + (size_t)n > CHAIN_MAX) {
			core->stats.counters[TLS_COUNTER_lists_long]++;
			return 0;
		}
		i2d_X509(sk_X509_value(chain, i), &to); /* moves it */
		len += (size_t)n;
	}
	return len;
}

int64_t tls_points_tell(struct tls_core *core, unsigned profile, const uint8_t key[TLS_HASH_LEN],
			X509_STORE_CTX *ctx)
{
	struct tls_told *told;
	uint64_t hash;
	size_t len;

	memcpy(&hash, key, sizeof(hash));
	told = &core->told[hash % TLS_TOLD];
	/* also when the clock was put back */
	if (!core->tell ||
	    (told->hash == hash && core->wall_s - told->at < AGAIN_S && core->wall_s >= told->at))
		return INT64_MAX;
	len = put_together(core, X509_STORE_CTX_get0_chain(ctx));
	if (!len)
		return INT64_MAX;
	if (!core->tell(core->tell_ctx, profile, core->scratch, len)) {
		core->stats.counters[TLS_COUNTER_lists_lost]++;
		return core->wall_s + UNTOLD_S;
	}
	core->stats.counters[TLS_COUNTER_lists_told]++;
	*told = (struct tls_told){.hash = hash, .at = core->wall_s};
	return INT64_MAX;
}
