/* SPDX-License-Identifier: BSD-3-Clause */
/* A private key and a peer's public one, whatever they are: our X25519 gives what libcrypto gives, by every
 * kernel that this CPU runs, and refuses what it refuses. */
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "dataplane/tls/x25519.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tls_x25519 table;
static bool ready;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t public[32], secret[32], ours[32];
	EVP_PKEY *key, *peer;
	EVP_PKEY_CTX *c;
	size_t n = 32;
	bool good;

	if (size != 64)
		return 0;
	if (!ready) {
		tls_x25519_init(&table);
		ready = true;
	}
	key = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, data, 32);
	peer = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, data + 32, 32);
	c = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	if (!key || !peer || !c || EVP_PKEY_get_raw_public_key(key, public, &n) != 1 ||
	    EVP_PKEY_derive_init(c) != 1 || EVP_PKEY_derive_set_peer(c, peer) != 1)
		__builtin_trap();
	good = EVP_PKEY_derive(c, secret, &n) == 1;
	for (const struct tls_x25519_kernel *k = tls_x25519_kernels; k->name; k++) {
		if (k->runs && !k->runs())
			continue;
		k->public(&table, data, ours);
		if (memcmp(ours, public, 32))
			__builtin_trap();
		if (k->publics) {
			uint8_t keys[TLS_X25519_BATCH][32], outs[TLS_X25519_BATCH][32];

			/* its own bytes in another order beside it */
			for (unsigned lane = 0; lane < TLS_X25519_BATCH; lane++)
				for (unsigned i = 0; i < 32; i++)
					keys[lane][i] = data[(i + lane) % 64];
			k->publics(&table, (const uint8_t(*)[32])keys, outs);
			if (memcmp(outs[0], public, 32))
				__builtin_trap();
		}
		if (k->agree &&
		    (k->agree(data, data + 32, ours) != good || (good && memcmp(ours, secret, 32))))
			__builtin_trap();
	}
	EVP_PKEY_CTX_free(c);
	EVP_PKEY_free(key);
	EVP_PKEY_free(peer);
	ERR_clear_error();
	return 0;
}
