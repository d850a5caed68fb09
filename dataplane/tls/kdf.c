/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tls/kdf.h"

#include <assert.h>
#include <string.h>

#include <intel-ipsec-mb.h>

enum { BLOCK_MAX = 128, DIGEST_MAX = 48 };

void tls_wipe(void *p, size_t len)
{
	explicit_bzero(p, len);
}

static size_t block_len(enum tls_hash hash)
{
	return hash == TLS_HASH_SHA384 ? 128 : 64;
}

static void digest(struct IMB_MGR *mb, enum tls_hash hash, const uint8_t *in, size_t len, uint8_t *out)
{
	if (hash == TLS_HASH_SHA384)
		IMB_SHA384(mb, in, len, out);
	else
		IMB_SHA256(mb, in, len, out);
}

void tls_kdf_hmac(struct IMB_MGR *mb, enum tls_hash hash, const uint8_t *key, size_t key_len,
		  const uint8_t *in, size_t in_len, uint8_t *out)
{
	uint8_t work[BLOCK_MAX + TLS_KDF_INPUT_MAX];
	size_t block = block_len(hash), out_len = tls_hash_len(hash);
	uint8_t inner[DIGEST_MAX];

	/* keys here are secrets of one digest's length, never longer than a block */
	assert(key_len <= block && in_len <= TLS_KDF_INPUT_MAX);
	memset(work, 0x36, block);
	for (size_t i = 0; i < key_len; i++)
		work[i] ^= key[i];
	memcpy(work + block, in, in_len);
	digest(mb, hash, work, block + in_len, inner);
	for (size_t i = 0; i < block; i++)
		work[i] ^= 0x36 ^ 0x5c;
	memcpy(work + block, inner, out_len);
	digest(mb, hash, work, block + out_len, out);
	tls_wipe(work, block + (in_len > out_len ? in_len : out_len));
	tls_wipe(inner, sizeof(inner));
}

void tls_kdf_expand_context(struct IMB_MGR *mb, enum tls_hash hash, const uint8_t *secret, const char *label,
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
	tls_kdf_hmac(mb, hash, secret, tls_hash_len(hash), info, at, okm);
	memcpy(out, okm, out_len);
	tls_wipe(okm, sizeof(okm));
}

void tls_kdf_expand_label(struct IMB_MGR *mb, enum tls_hash hash, const uint8_t *secret, const char *label,
			  uint8_t *out, size_t out_len)
{
	tls_kdf_expand_context(mb, hash, secret, label, NULL, 0, out, out_len);
}

void tls_kdf_next_secret(struct IMB_MGR *mb, enum tls_hash hash, uint8_t *secret)
{
	uint8_t next[DIGEST_MAX];

	tls_kdf_expand_label(mb, hash, secret, "traffic upd", next, tls_hash_len(hash));
	memcpy(secret, next, tls_hash_len(hash));
	tls_wipe(next, sizeof(next));
}

void tls_kdf_key_block(struct IMB_MGR *mb, enum tls_hash hash, const uint8_t *master,
		       const uint8_t *server_random, const uint8_t *client_random, uint8_t *out,
		       size_t out_len)
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
	tls_kdf_hmac(mb, hash, master, 48, seed, sizeof(seed), a);
	while (out_len) {
		size_t take = out_len < n ? out_len : n;

		memcpy(work, a, n);
		memcpy(work + n, seed, sizeof(seed));
		tls_kdf_hmac(mb, hash, master, 48, work, n + sizeof(seed), round);
		memcpy(out, round, take);
		out += take;
		out_len -= take;
		tls_kdf_hmac(mb, hash, master, 48, a, n, a);
	}
	tls_wipe(work, sizeof(work));
	tls_wipe(a, sizeof(a));
	tls_wipe(round, sizeof(round));
}
