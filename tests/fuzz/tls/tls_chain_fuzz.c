/* SPDX-License-Identifier: BSD-3-Clause */
/* A presented chain through the verification: the input is a list of edits (which certificate, where, what)
 * to a good chain of three, or a certificate of its own in place of one. Whatever is called good was not
 * edited in anything that is signed. */
#include <openssl/err.h>

#include "dataplane/tls/core.h"
#include "dataplane/tls/tls_digest.h"
#include "tests/unit/tls/kit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHAIN = 3, DER_MAX = 2048 };

static struct kit_side side;
static struct kit_cert ca, middle, lower, leaf;
static struct {
	uint8_t der[DER_MAX];
	int len;
} good[CHAIN];

static void prepare(void)
{
	struct tls_pair pair;
	struct tls_identity_spec id = {.name = "a"};
	struct tls_profile_spec p = tls_profile_modern;
	struct tls_world_spec spec = {.identities = &id, .n_identities = 1, .profiles = &p, .n_profiles = 1};
	const struct kit_cert *order[CHAIN];

	tls_memory_init();
	ca = kit_cert(NULL, (struct kit_ask){.cn = "ca", .ca = true});
	middle = kit_cert(&ca, (struct kit_ask){.cn = "middle", .ca = true});
	lower = kit_cert(&middle, (struct kit_ask){.cn = "lower", .ca = true});
	leaf = kit_cert(&lower, (struct kit_ask){.cn = "leaf",
						 .san = "DNS:sip.fabrikam.test,URI:sip:fabrikam.test",
						 .eku = "clientAuth,serverAuth"});
	order[0] = &leaf;
	order[1] = &lower;
	order[2] = &middle;
	for (unsigned i = 0; i < CHAIN; i++) {
		uint8_t *at = good[i].der;

		if (i2d_X509(order[i]->x, NULL) > DER_MAX)
			__builtin_trap();
		good[i].len = i2d_X509(order[i]->x, &at);
	}
	pair = (struct tls_pair){kit_blob(leaf.pem), kit_blob(leaf.key_pem), {0}};
	id.server[0] = pair;
	p.trust = kit_blob(ca.pem);
	p.revocation = TLS_REVOCATION_OFF;
	kit_side_init(&side, NULL);
	kit_world(&side, &spec);
}

static X509 *certificate(const uint8_t *der, int len)
{
	const unsigned char *p = der;
	X509 *x = X509_new_ex(side.core->lib, NULL);

	if (!d2i_X509(&x, &p, len)) {
		X509_free(x);
		return NULL;
	}
	return x;
}

static void presented(X509 *first, STACK_OF(X509) * rest, uint8_t hash[TLS_HASH_LEN])
{
	struct tls_digest d;

	tls_digest_init(&d, TLS_HASH_SHA256);
	for (int i = -1; i < sk_X509_num(rest); i++) {
		uint8_t *der = NULL;
		int len = i2d_X509(i < 0 ? first : sk_X509_value(rest, i), &der);

		if (len > 0)
			tls_digest_add(&d, der, (size_t)len);
		OPENSSL_free(der);
	}
	tls_digest_final(&d, hash);
}

/* as libssl does it; true: good */
static bool verify(X509 *first, STACK_OF(X509) * rest)
{
	struct tls_session *s = tls_session_of(side.core, side.id);
	struct tls_handshake *h = tls_hs(side.core, s);
	X509_STORE_CTX *c = X509_STORE_CTX_new_ex(side.core->lib, NULL);
	bool is;

	X509_STORE_CTX_init(c, side.core->world->profiles[0].store, first, rest);
	/* the hash of the message that it came in */
	presented(first, rest, h->presented);
	h->have_presented = true;
	X509_STORE_CTX_set_ex_data(c, SSL_get_ex_data_X509_STORE_CTX_idx(), h->ssl);
	is = tls_verify_chain(c, NULL) == 1;
	if (is != (s->verdict == TLS_VERDICT_good))
		__builtin_trap();
	X509_STORE_CTX_free(c);
	return is;
}

/* is what was signed the same? */
static bool same(X509 *x, X509 *as)
{
	uint8_t *a = NULL, *b = NULL;
	int n = i2d_re_X509_tbs(x, &a), m = i2d_re_X509_tbs(as, &b);
	bool is = n > 0 && n == m && memcmp(a, b, (size_t)n) == 0;

	OPENSSL_free(a);
	OPENSSL_free(b);
	return is;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t der[CHAIN][DER_MAX];
	const struct kit_cert *origin[CHAIN] = {&leaf, &lower, &middle};
	STACK_OF(X509) * rest;
	int len[CHAIN];
	X509 *x[CHAIN];
	size_t at = 0;

	if (!side.core)
		prepare();
	for (unsigned i = 0; i < CHAIN; i++) {
		memcpy(der[i], good[i].der, (size_t)good[i].len);
		len[i] = good[i].len;
	}
	/* 0x80 and which one: the rest of the input takes its place */
	for (; at + 4 <= size && !(data[at] & 0x80); at += 4) {
		unsigned i = data[at] % CHAIN;

		der[i][(data[at + 1] | (unsigned)data[at + 2] << 8) % (unsigned)good[i].len] = data[at + 3];
	}
	if (at < size && (data[at] & 0x80) && size - at - 1 <= DER_MAX) {
		unsigned i = data[at] % CHAIN;

		len[i] = (int)(size - at - 1);
		memcpy(der[i], data + at + 1, (size_t)len[i]);
	}
	kit_accept(&side, 0);
	rest = sk_X509_new_null();
	for (unsigned i = 0; i < CHAIN; i++) {
		x[i] = certificate(der[i], len[i]);
		if (i && x[i])
			sk_X509_push(rest, x[i]);
	}
	if (x[0] && verify(x[0], rest) && !same(x[0], origin[0]->x))
		__builtin_trap();
	for (unsigned i = 0; i < CHAIN; i++)
		X509_free(x[i]);
	sk_X509_free(rest);
	ERR_clear_error();
	kit_side_reset(&side);
	while (tls_turn(side.core))
		;
	return 0;
}
