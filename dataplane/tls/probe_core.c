/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/objects.h>

#include "dataplane/tls/core.h"
#include "dataplane/tls/tls_probe.h"

enum { LIST = 2048 };

static bool left_out(const struct tls_probe *p, uint16_t suite)
{
	for (unsigned i = 0; i < p->n_without; i++)
		if (p->without[i] == suite)
			return true;
	return false;
}

/* names of the profile's suites of that age which are not left out; how many */
static unsigned list(const struct tls_probe *p, const SSL *ssl, bool v13, char *text)
{
	STACK_OF(SSL_CIPHER) *all = SSL_get_ciphers(ssl);
	unsigned n = 0;
	size_t at = 0;

	text[0] = '\0';
	for (int i = 0; i < sk_SSL_CIPHER_num(all); i++) {
		const SSL_CIPHER *c = sk_SSL_CIPHER_value(all, i);
		const char *name = SSL_CIPHER_get_name(c);

		if (v13 != (SSL_CIPHER_get_protocol_id(c) >> 8 == 0x13) ||
		    left_out(p, SSL_CIPHER_get_protocol_id(c)) || at + strlen(name) + 2 > LIST)
			continue;
		at += (size_t)snprintf(text + at, LIST - at, "%s%s", n ? ":" : "", name);
		n++;
	}
	return n;
}

int tls_probe_offer(struct tls_handshake *h, struct tls_probe *p)
{
	SSL *ssl = h->ssl;
	long low = SSL_get_min_proto_version(ssl), high = SSL_get_max_proto_version(ssl);
	char old[LIST], fresh[LIST];
	unsigned n_old, n_fresh;

	p->agreed_version = p->suite = 0;
	p->suite_name = NULL;
	p->group[0] = p->signature[0] = '\0';
	p->has_peer = false;
	if (p->version && (p->version < low || (high && p->version > high)))
		return -ENODATA;
	if (p->version) {
		SSL_set_min_proto_version(ssl, p->version);
		SSL_set_max_proto_version(ssl, p->version);
		low = high = p->version;
	}
	n_fresh = high == 0 || high >= TLS1_3_VERSION ? list(p, ssl, true, fresh) : 0;
	n_old = low <= TLS1_2_VERSION ? list(p, ssl, false, old) : 0;
	if (!n_fresh && !n_old)
		return -ENODATA;
	/* a list that became empty is a version that is not offered */
	if (!n_fresh)
		SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
	else if (!n_old)
		SSL_set_min_proto_version(ssl, TLS1_3_VERSION);
	if ((n_fresh && !SSL_set_ciphersuites(ssl, fresh)) || (n_old && !SSL_set_cipher_list(ssl, old)))
		return -ENOMEM;
	h->probe = p;
	return 0;
}

static void group_of(const SSL *ssl, char *out, size_t room)
{
	/* both are reads, and are declared otherwise */
	SSL *s = (SSL *)(uintptr_t)ssl;
	long nid = SSL_get_negotiated_group(s);
	EVP_PKEY *key = NULL;
	const char *name;

	/* the group of a handshake of 1.2 is that of its key */
	if (nid <= 0 && SSL_get_peer_tmp_key(s, &key) == 1) {
		if (EVP_PKEY_is_a(key, "DH"))
			snprintf(out, room, "DH-%d", EVP_PKEY_get_bits(key));
		EVP_PKEY_free(key);
		return;
	}
	name = nid > 0 ? nid == NID_X9_62_prime256v1 ? "P-256"
			 : nid == NID_secp384r1	     ? "P-384"
			 : nid == NID_secp521r1	     ? "P-521"
			 : nid & 0x1000000	     ? NULL
						     : OBJ_nid2sn((int)nid)
		       : NULL;
	if (name)
		snprintf(out, room, "%s", name);
}

static void signature_of(const SSL *ssl, char *out, size_t room)
{
	int type, hash;
	const char *name;

	if (SSL_get_peer_signature_type_nid(ssl, &type) != 1)
		return;
	name = type == EVP_PKEY_EC	  ? "ECDSA"
	       : type == EVP_PKEY_RSA	  ? "RSA"
	       : type == EVP_PKEY_RSA_PSS ? "RSA-PSS"
					  : OBJ_nid2sn(type);
	if (SSL_get_peer_signature_nid((SSL *)(uintptr_t)ssl, &hash) == 1 && hash != NID_undef)
		snprintf(out, room, "%s+%s", name, OBJ_nid2sn(hash));
	else
		snprintf(out, room, "%s", name);
}

void tls_probe_seen(struct tls_handshake *h)
{
	struct tls_probe *p = h->probe;
	const SSL_CIPHER *c = SSL_get_pending_cipher(h->ssl);

	if (!c)
		c = SSL_get_current_cipher(h->ssl);
	if (!c)
		return;
	p->agreed_version = (uint16_t)SSL_version(h->ssl);
	p->suite = SSL_CIPHER_get_protocol_id(c);
	p->suite_name = SSL_CIPHER_get_name(c);
	group_of(h->ssl, p->group, sizeof(p->group));
	signature_of(h->ssl, p->signature, sizeof(p->signature));
}

void tls_probe_certificate(struct tls_handshake *h, X509 *certificate)
{
	/* reading asks the default context for hashes */
	OSSL_LIB_CTX *before = OSSL_LIB_CTX_set0_default(h->world->core->lib);

	h->probe->has_peer = certificate && tls_peer_read(certificate, &h->probe->peer) == 0;
	OSSL_LIB_CTX_set0_default(before);
}
