/* SPDX-License-Identifier: BSD-3-Clause */
/* libcrypto deprecates these functions in favour of EVP, which costs several times what they do; both 3.0 and
 * 3.5 have them. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "dataplane/tls/tls_digest.h"

#include <endian.h>
#include <string.h>

#include "dataplane/tls/kdf.h"

enum { BLOCK_256 = 64, BLOCK_384 = 128 };

void tls_digest_init(struct tls_digest *d, enum tls_hash hash)
{
	d->hash = hash;
	if (hash == TLS_HASH_SHA384)
		SHA384_Init(&d->sha512);
	else
		SHA256_Init(&d->sha256);
}

void tls_digest_add(struct tls_digest *d, const void *bytes, size_t len)
{
	if (d->hash == TLS_HASH_SHA384)
		SHA384_Update(&d->sha512, bytes, len);
	else
		SHA256_Update(&d->sha256, bytes, len);
}

void tls_digest_final(struct tls_digest *d, uint8_t *out)
{
	if (d->hash == TLS_HASH_SHA384)
		SHA384_Final(out, &d->sha512);
	else
		SHA256_Final(out, &d->sha256);
	tls_wipe(d, sizeof(*d));
}

void tls_hmac_init(struct tls_hmac *h, enum tls_hash hash, const uint8_t *key, size_t key_len)
{
	size_t block = hash == TLS_HASH_SHA384 ? BLOCK_384 : BLOCK_256;
	uint8_t pad[BLOCK_384] = {0};

	if (key_len > block) {
		tls_digest_init(&h->inner, hash);
		tls_digest_add(&h->inner, key, key_len);
		tls_digest_final(&h->inner, pad);
	} else if (key_len) {
		memcpy(pad, key, key_len);
	}
	for (size_t i = 0; i < block; i++)
		pad[i] ^= 0x36;
	tls_digest_init(&h->inner, hash);
	tls_digest_add(&h->inner, pad, block);
	for (size_t i = 0; i < block; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	tls_digest_init(&h->outer, hash);
	tls_digest_add(&h->outer, pad, block);
	tls_wipe(pad, block);
}

void tls_hmac_add(struct tls_hmac *h, const void *bytes, size_t len)
{
	tls_digest_add(&h->inner, bytes, len);
}

void tls_hmac_final(struct tls_hmac *h, uint8_t *out)
{
	uint8_t inner[SHA384_DIGEST_LENGTH];

	tls_digest_final(&h->inner, inner);
	tls_digest_add(&h->outer, inner, tls_hash_len(h->outer.hash));
	tls_digest_final(&h->outer, out);
	tls_wipe(inner, sizeof(inner));
}

enum { SHORT_256 = BLOCK_256 - 1 - 8, ONE_256 = BLOCK_256 + SHA256_DIGEST_LENGTH }; /* FIPS 180-4 5.1.1 */

/* `block` begins with a text's last `n` bytes; `all` is how long it is in all */
static void pad_256(uint8_t block[BLOCK_256], size_t n, size_t all)
{
	memset(block + n, 0, BLOCK_256 - n);
	block[n] = 0x80;
	block[BLOCK_256 - 2] = (uint8_t)(all * 8 >> 8);
	block[BLOCK_256 - 1] = (uint8_t)(all * 8);
}

static void words_256(const SHA256_CTX *c, uint8_t out[SHA256_DIGEST_LENGTH])
{
	for (unsigned i = 0; i < 8; i++) {
		uint32_t word = htobe32((uint32_t)c->h[i]);

		memcpy(out + 4 * i, &word, 4);
	}
}

void tls_hmac_once(const struct tls_hmac *begun, const void *bytes, size_t len, uint8_t *out)
{
	uint8_t block[BLOCK_256];
	SHA256_CTX c;

	if (begun->inner.hash != TLS_HASH_SHA256 || len > SHORT_256) {
		struct tls_hmac h = *begun;

		tls_hmac_add(&h, bytes, len);
		tls_hmac_final(&h, out);
		return;
	}
	memcpy(c.h, begun->inner.sha256.h, sizeof(c.h));
	if (len)
		memcpy(block, bytes, len);
	pad_256(block, len, BLOCK_256 + len);
	SHA256_Transform(&c, block);
	words_256(&c, block);
	pad_256(block, SHA256_DIGEST_LENGTH, ONE_256);
	memcpy(c.h, begun->outer.sha256.h, sizeof(c.h));
	SHA256_Transform(&c, block);
	words_256(&c, out);
	tls_wipe(c.h, sizeof(c.h));
	tls_wipe(block, sizeof(block));
}
