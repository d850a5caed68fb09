/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tls/kdf.h"

#include <assert.h>
#include <string.h>

#include "dataplane/tls/tls_digest.h"

enum { DIGEST_MAX = 48 };

void tls_kdf_hmac(enum tls_hash hash, const uint8_t *key, size_t key_len, const uint8_t *in, size_t in_len,
		  uint8_t *out)
{
	struct tls_hmac h;

	tls_hmac_init(&h, hash, key, key_len);
	tls_hmac_once(&h, in, in_len, out);
	tls_wipe(&h, sizeof(h));
}

void tls_kdf_expand_context(enum tls_hash hash, const uint8_t *secret, const char *label,
			    const uint8_t *context, size_t context_len, uint8_t *out, size_t out_len)
{
	/* HkdfLabel, then the counter 1: what we derive is never longer than one digest, so one round */
	uint8_t info[2 + 1 + 6 + 32 + 1 + DIGEST_MAX + 1];
	uint8_t okm[DIGEST_MAX];
	size_t n = strlen(label), at = 0;

	assert(n <= 32 && context_len <= DIGEST_MAX && out_len <= tls_hash_len(hash));
	info[at++] = (uint8_t)(out_len >> 8);
	info[at++] = (uint8_t)out_len;
	info[at++] = (uint8_t)(6 + n);
	memcpy(info + at, "tls13 ", 6);
	at += 6;
	memcpy(info + at, label, n);
	at += n;
	info[at++] = (uint8_t)context_len;
	if (context_len)
		memcpy(info + at, context, context_len);
	at += context_len;
	info[at++] = 1;
	tls_kdf_hmac(hash, secret, tls_hash_len(hash), info, at, okm);
	memcpy(out, okm, out_len);
	tls_wipe(okm, sizeof(okm));
}

void tls_kdf_expand_label(enum tls_hash hash, const uint8_t *secret, const char *label, uint8_t *out,
			  size_t out_len)
{
	tls_kdf_expand_context(hash, secret, label, NULL, 0, out, out_len);
}

void tls_kdf_next_secret(enum tls_hash hash, uint8_t *secret)
{
	uint8_t next[DIGEST_MAX];

	tls_kdf_expand_label(hash, secret, "traffic upd", next, tls_hash_len(hash));
	memcpy(secret, next, tls_hash_len(hash));
	tls_wipe(next, sizeof(next));
}

void tls_kdf_key_block(enum tls_hash hash, const uint8_t *master, const uint8_t *server_random,
		       const uint8_t *client_random, uint8_t *out, size_t out_len)
{
	static const char label[] = "key expansion";
	uint8_t seed[sizeof(label) - 1 + 64];
	uint8_t work[DIGEST_MAX + sizeof(seed)];
	uint8_t a[DIGEST_MAX], round[DIGEST_MAX];
	size_t n = tls_hash_len(hash);

	memcpy(seed, label, sizeof(label) - 1);
	memcpy(seed + sizeof(label) - 1, server_random, 32);
	memcpy(seed + sizeof(label) - 1 + 32, client_random, 32);
	/* A(1) = HMAC(secret, seed); output = HMAC(secret, A(i) + seed) … */
	tls_kdf_hmac(hash, master, 48, seed, sizeof(seed), a);
	while (out_len) {
		size_t take = out_len < n ? out_len : n;

		memcpy(work, a, n);
		memcpy(work + n, seed, sizeof(seed));
		tls_kdf_hmac(hash, master, 48, work, n + sizeof(seed), round);
		memcpy(out, round, take);
		out += take;
		out_len -= take;
		tls_kdf_hmac(hash, master, 48, a, n, a);
	}
	tls_wipe(work, sizeof(work));
	tls_wipe(a, sizeof(a));
	tls_wipe(round, sizeof(round));
}
