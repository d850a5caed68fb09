/* SPDX-License-Identifier: BSD-3-Clause */
/* The record path against libcrypto: its KDFs, its AEADs, the form of its tickets, and our two engines
 * against each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "dataplane/base/rng.h"
#include "dataplane/tls/aead.h"
#include "dataplane/tls/compat.h"
#include "dataplane/tls/kdf.h"
#include "dataplane/tls/ticket_form.h"
#include "dataplane/tls/tls_record.h"

static void fill(struct base_rng *r, uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)base_rng_next(r);
}

static void evp_kdf(const char *name, OSSL_PARAM *params, uint8_t *out, size_t len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, name, NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);

	assert_int_equal(EVP_KDF_derive(ctx, out, len, params), 1);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

static char *digest_name(enum tls_hash h)
{
	static char names[2][8] = {"SHA256", "SHA384"};

	return names[h == TLS_HASH_SHA384];
}

/* RFC 8446 7.1 */
static void expand_label_agrees(void **state)
{
	static const char *const labels[] = {"key", "iv", "traffic upd", "finished"};
	struct base_rng r;

	base_rng_seed(&r, 1);
	for (unsigned round = 0; round < 64; round++) {
		enum tls_hash h = round % 2 ? TLS_HASH_SHA384 : TLS_HASH_SHA256;
		const char *label = labels[round / 2 % 4];
		uint8_t secret[48], ours[48], theirs[48];
		size_t n = 1 + base_rng_below(&r, (uint32_t)tls_hash_len(h));
		int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
		OSSL_PARAM p[] = {
			OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
			OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest_name(h), 0),
			OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret, tls_hash_len(h)),
			OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, (void *)"tls13 ", 6),
			OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, (void *)(uintptr_t)label,
							  strlen(label)),
			OSSL_PARAM_construct_end()};

		fill(&r, secret, sizeof(secret));
		tls_kdf_expand_label(h, secret, label, ours, n);
		evp_kdf("TLS13-KDF", p, theirs, n);
		assert_memory_equal(ours, theirs, n);
	}
}

/* RFC 5246 5 and 6.3 */
static void key_block_agrees(void **state)
{
	struct base_rng r;

	base_rng_seed(&r, 2);
	for (unsigned round = 0; round < 32; round++) {
		enum tls_hash h = round % 2 ? TLS_HASH_SHA384 : TLS_HASH_SHA256;
		uint8_t master[48], randoms[64], ours[128], theirs[128];
		size_t n = 1 + base_rng_below(&r, 128);
		OSSL_PARAM p[] = {
			OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest_name(h), 0),
			OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, master, 48),
			OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, (void *)"key expansion", 13),
			OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, randoms, 64),
			OSSL_PARAM_construct_end()};

		fill(&r, master, 48);
		fill(&r, randoms, 64);
		tls_kdf_key_block(h, master, randoms, randoms + 32, ours, n);
		evp_kdf("TLS1-PRF", p, theirs, n);
		assert_memory_equal(ours, theirs, n);
	}
}

static const uint16_t suite_ids[] = {0x1301, 0x1302, 0x1303, 0xc02b, 0xc030, 0xcca9};

enum { SUITES = sizeof(suite_ids) / sizeof(suite_ids[0]), ROOM = 64 };

/* What one engine seals the other opens, for every suite and many lengths; a flipped bit anywhere is seen. */
static void engines_agree(void **state)
{
	struct tls_aead *mb = tls_aead_create(TLS_AEAD_IPSEC_MB, 64),
			*evp = tls_aead_create(TLS_AEAD_EVP, 64);
	static uint8_t buf[ROOM + TLS_PLAIN_MAX + ROOM], plain[TLS_PLAIN_MAX];
	struct base_rng r;

	if (!mb) {
		print_message("this CPU has no AES-NI: one engine only\n");
		tls_aead_destroy(evp);
		skip();
	}
	base_rng_seed(&r, 3);
	for (unsigned round = 0; round < 600; round++) {
		const struct tls_suite *s = tls_suite_find(suite_ids[round % SUITES]);
		struct tls_aead *from = round / SUITES % 2 ? mb : evp, *to = from == mb ? evp : mb;
		struct tls_direction out = {.seq = round}, in;
		size_t len = round < 300 ? round : base_rng_below(&r, TLS_PLAIN_MAX + 1), total;
		uint8_t *record = buf + ROOM - tls_record_front(s);
		struct tls_opened got;

		fill(&r, out.secret, sizeof(out.secret));
		fill(&r, plain, len);
		in = out;
		memcpy(buf + ROOM, plain, len);
		total = tls_record_seal(from, s, &out, round + 1, TLS_APPLICATION, buf + ROOM, len);
		assert_int_equal(tls_record_frame(record, total, s->v13), total);
		if (round % 3 == 0) {
			/* in TLS 1.3 the whole header is authenticated; in 1.2 type, version and length are
			 */
			size_t at = base_rng_below(&r, (uint32_t)total);

			record[at] ^= (uint8_t)(1u << base_rng_below(&r, 8));
			if (s->v13 || at != 1) {
				if (s->v13 || at >= TLS_RECORD_HEADER || at == 0)
					assert_true(tls_record_open(to, s, &in, round + 1, record, total,
								    &got) < 0);
			}
			assert_int_equal(in.seq, round);
		} else {
			assert_int_equal(tls_record_open(to, s, &in, round + 1, record, total, &got), 0);
			assert_int_equal(got.type, TLS_APPLICATION);
			assert_int_equal(got.len, len);
			assert_memory_equal(got.data, plain, len);
			assert_int_equal(in.seq, round + 1);
		}
	}
	tls_aead_destroy(mb);
	tls_aead_destroy(evp);
}

/* more keys than the cache holds: each is derived again and stays right */
static void cache_turns_over(void **state)
{
	struct tls_aead *a = tls_aead_create(TLS_AEAD_BEST, 8);
	const struct tls_suite *s = tls_suite_find(0x1301);
	struct tls_direction out[100] = {0}, in[100];
	struct tls_opened got;
	struct base_rng r;
	uint8_t buf[256];

	base_rng_seed(&r, 4);
	for (unsigned i = 0; i < 100; i++) {
		fill(&r, out[i].secret, 48);
		in[i] = out[i];
	}
	for (unsigned i = 0; i < 5000; i++) {
		unsigned n = base_rng_below(&r, 100);
		uint8_t *p = buf + tls_record_front(s);
		size_t len;

		memcpy(p, &i, 4);
		len = tls_record_seal(a, s, &out[n], 2 * n + 1, TLS_APPLICATION, p, 4);
		assert_int_equal(tls_record_open(a, s, &in[n], 2 * n + 1, buf, len, &got), 0);
		assert_memory_equal(got.data, &i, 4);
		if (i % 97 == 0) { /* RFC 8446 7.2 */
			tls_direction_update(a, s, &out[n], 2 * n + 1);
			tls_direction_update(a, s, &in[n], 2 * n + 1);
		}
	}
	assert_true(tls_aead_stats_get(a)->misses > 100);
	assert_int_equal(tls_aead_stats_get(a)->forged, 0);
	tls_aead_destroy(a);
}

/* RFC 8446 5.1, 5.2 */
static void frames(void **state)
{
	assert_int_equal(tls_record_frame((uint8_t[]){23, 3, 3, 0}, 4, true), 0);
	assert_int_equal(tls_record_frame((uint8_t[]){23, 3, 3, 0x41, 0x00}, 5, true), 5 + 16640);
	assert_int_equal(tls_record_frame((uint8_t[]){23, 3, 3, 0x41, 0x01}, 5, true),
			 -TLS_ALERT_RECORD_OVERFLOW);
	assert_int_equal(tls_record_frame((uint8_t[]){23, 3, 3, 0x41, 0x01}, 5, false), 5 + 16641);
	assert_int_equal(tls_record_frame((uint8_t[]){24, 3, 3, 0, 1}, 5, true),
			 -TLS_ALERT_UNEXPECTED_MESSAGE);
	assert_int_equal(tls_record_frame((uint8_t[]){23, 2, 0, 0, 1}, 5, true), -TLS_ALERT_PROTOCOL_VERSION);
}

/* RFC 8446 5.4: padding is skipped; a record of padding alone is refused */
static void padding(void **state)
{
	struct tls_aead *a = tls_aead_create(TLS_AEAD_BEST, 8);
	const struct tls_suite *s = tls_suite_find(0x1301);
	struct tls_direction out = {0}, in = {0};
	uint8_t buf[128] = {0};
	struct tls_opened got;
	size_t len;

	/* the sealed "payload" is content, type and zeros; the type byte that sealing adds is then a zero too
	 */
	memcpy(buf + 5, "hi\x17\0\0\0", 6);
	len = tls_record_seal(a, s, &out, 1, 0, buf + 5, 6);
	assert_int_equal(tls_record_open(a, s, &in, 1, buf, len, &got), 0);
	assert_int_equal(got.len, 2);
	assert_int_equal(got.type, TLS_APPLICATION);
	memset(buf, 0, sizeof(buf));
	len = tls_record_seal(a, s, &out, 1, 0, buf + 5, 6);
	assert_int_equal(tls_record_open(a, s, &in, 1, buf, len, &got), -TLS_ALERT_UNEXPECTED_MESSAGE);
	tls_aead_destroy(a);
}

/* the bytes that libssl writes for the same session, and reads */
static void ticket_form_agrees(void **state)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	SSL *ssl = SSL_new(ctx);
	struct base_rng r;

	base_rng_seed(&r, 3);
	for (unsigned round = 0; round < 200; round++) {
		static const uint16_t suites[3] = {0x1301, 0x1302, 0x1303};
		static const int64_t lives[6] = {1, 127, 128, 32767, 32768, 86400};
		static const int64_t times[3] = {0x69000000, 0x7fffffff, 0x80000000};
		uint8_t psk[48], context[32], appdata[1000], ours[1400], theirs[1400], *at = theirs;
		struct tls_ticket_session t = {.suite = suites[round % 3],
					       .psk = psk,
					       .context = context,
					       .appdata = appdata,
					       .psk_len = round % 3 == 1 ? 48 : 32,
					       .context_len = 32,
					       .appdata_len = 1 + base_rng_below(&r, round % 2 ? 300 : 1000),
					       .made_at = times[round / 6 % 3],
					       .life = lives[round % 6]};
		SSL_SESSION *s = SSL_SESSION_new();
		size_t len;

		fill(&r, psk, sizeof(psk));
		fill(&r, context, sizeof(context));
		fill(&r, appdata, sizeof(appdata));
		SSL_SESSION_set_protocol_version(s, TLS1_3_VERSION);
		SSL_SESSION_set_cipher(
			s, SSL_CIPHER_find(ssl, (uint8_t[]){(uint8_t)(t.suite >> 8), (uint8_t)t.suite}));
		SSL_SESSION_set1_master_key(s, psk, t.psk_len);
		SSL_SESSION_set1_id_context(s, context, 32);
		SSL_SESSION_set1_ticket_appdata(s, appdata, t.appdata_len);
		tls_compat_session_time_set(s, t.made_at);
		SSL_SESSION_set_timeout(s, (long)t.life);
		len = tls_ticket_form(&t, ours, sizeof(ours));
		assert_int_equal(len, i2d_SSL_SESSION(s, NULL));
		i2d_SSL_SESSION(s, &at);
		assert_memory_equal(ours, theirs, len);
		assert_int_equal(tls_ticket_form(&t, ours, len), len);
		assert_int_equal(tls_ticket_form(&t, ours, len - 1), 0);
		SSL_SESSION_free(s);
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expand_label_agrees),
		cmocka_unit_test(key_block_agrees),
		cmocka_unit_test(engines_agree),
		cmocka_unit_test(cache_turns_over),
		cmocka_unit_test(frames),
		cmocka_unit_test(padding),
		cmocka_unit_test(ticket_form_agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
