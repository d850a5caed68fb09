/* SPDX-License-Identifier: BSD-3-Clause */
/* A SubjectPublicKeyInfo of a certificate: what our reader takes, libcrypto takes too, as the same key, also
 * when it comes from the table of those that were read before. */
#include <openssl/err.h>

#include "dataplane/tls/core.h"
#include "tests/unit/tls/kit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct kit_side side;

static EVP_PKEY *read_key(OSSL_LIB_CTX *lib, const uint8_t *der, size_t len)
{
	const unsigned char *p = der;

	return d2i_PUBKEY_ex(NULL, &p, (long)len, lib, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	EVP_PKEY *theirs = NULL;

	if (!side.core) {
		tls_memory_init();
		kit_side_init(&side, NULL);
		tls_arena_use(NULL);
	}
	if (size > 1024)
		return 0;
	for (unsigned again = 0; again < 2; again++) {
		EVP_PKEY *ours = read_key(side.core->lib, data, size);

		if (ours && !theirs)
			theirs = read_key(NULL, data, size);
		if (ours && (!theirs || EVP_PKEY_eq(ours, theirs) != 1))
			__builtin_trap();
		EVP_PKEY_free(ours);
	}
	EVP_PKEY_free(theirs);
	ERR_clear_error();
	return 0;
}
