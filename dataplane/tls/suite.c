/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tls/suite.h"

static const struct tls_suite suites[] = {
	{0x1301, TLS_AEAD_AES128_GCM, TLS_HASH_SHA256, true, "TLS_AES_128_GCM_SHA256"},
	{0x1302, TLS_AEAD_AES256_GCM, TLS_HASH_SHA384, true, "TLS_AES_256_GCM_SHA384"},
	{0x1303, TLS_AEAD_CHACHA20_POLY1305, TLS_HASH_SHA256, true, "TLS_CHACHA20_POLY1305_SHA256"},
	{0xc02b, TLS_AEAD_AES128_GCM, TLS_HASH_SHA256, false, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
	{0xc02c, TLS_AEAD_AES256_GCM, TLS_HASH_SHA384, false, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"},
	{0xc02f, TLS_AEAD_AES128_GCM, TLS_HASH_SHA256, false, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
	{0xc030, TLS_AEAD_AES256_GCM, TLS_HASH_SHA384, false, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"},
	{0xcca8, TLS_AEAD_CHACHA20_POLY1305, TLS_HASH_SHA256, false,
	 "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"},
	{0xcca9, TLS_AEAD_CHACHA20_POLY1305, TLS_HASH_SHA256, false,
	 "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"},
	{0x009c, TLS_AEAD_AES128_GCM, TLS_HASH_SHA256, false, "TLS_RSA_WITH_AES_128_GCM_SHA256"},
	{0x009d, TLS_AEAD_AES256_GCM, TLS_HASH_SHA384, false, "TLS_RSA_WITH_AES_256_GCM_SHA384"},
	{0x009e, TLS_AEAD_AES128_GCM, TLS_HASH_SHA256, false, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"},
	{0x009f, TLS_AEAD_AES256_GCM, TLS_HASH_SHA384, false, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"},
};

const struct tls_suite *tls_suite_at(unsigned number)
{
	return number < sizeof(suites) / sizeof(suites[0]) ? &suites[number] : NULL;
}

const struct tls_suite *tls_suite_find(uint16_t id)
{
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		if (suites[i].id == id)
			return &suites[i];
	}
	return NULL;
}

size_t tls_aead_key_len(enum tls_aead_alg alg)
{
	return alg == TLS_AEAD_AES128_GCM ? 16 : alg == TLS_AEAD_NONE ? 0 : 32;
}

size_t tls_hash_len(enum tls_hash hash)
{
	return hash == TLS_HASH_SHA384 ? 48 : 32;
}

uint64_t tls_aead_record_limit(enum tls_aead_alg alg)
{
	/* RFC 8446 5.5: 2^24.5 full-sized records for AES-GCM; ChaCha20-Poly1305 wraps its sequence number
	 * first */
	return alg == TLS_AEAD_CHACHA20_POLY1305 ? UINT64_C(1) << 62 : UINT64_C(1) << 23;
}
