/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tls/peer.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>
#include <openssl/x509v3.h>

struct policy_name tls_peer_name(const struct tls_peer *peer, unsigned i)
{
	return (struct policy_name){peer->text + peer->name_at[i], peer->name_len[i]};
}

/* Takes one presented name: lower case, no trailing dot, optionally "*." in front, else counted as refused.
 */
static void name_add(struct tls_peer *p, const char *text, size_t len)
{
	char buf[POLICY_NAME_MAX + 3];
	struct policy_name n, base;

	if (len && text[len - 1] == '.')
		len--;
	if (len == 0 || len >= sizeof(buf)) {
		p->names_refused += p->names_refused < UINT8_MAX;
		return;
	}
	for (size_t i = 0; i < len; i++)
		buf[i] = (text[i] >= 'A' && text[i] <= 'Z') ? (char)(text[i] | 0x20) : text[i];
	n = base = (struct policy_name){buf, (uint32_t)len};
	if (len > 2 && buf[0] == '*' && buf[1] == '.')
		base = (struct policy_name){buf + 2, (uint32_t)len - 2};
	if (policy_name_check(base) != POLICY_NAME_OK || n.len > POLICY_NAME_MAX) {
		p->names_refused += p->names_refused < UINT8_MAX;
		return;
	}
	for (unsigned i = 0; i < p->names; i++) {
		if (policy_name_equal(tls_peer_name(p, i), n))
			return;
	}
	if (p->names == TLS_PEER_NAMES || p->text_len + n.len > TLS_PEER_TEXT) {
		p->names_cut += p->names_cut < UINT8_MAX;
		return;
	}
	memcpy(p->text + p->text_len, buf, n.len);
	p->name_at[p->names] = p->text_len;
	p->name_len[p->names] = (uint8_t)n.len;
	p->names++;
	p->text_len = (uint16_t)(p->text_len + n.len);
}

/* RFC 5922 7.1: the host of a sip: URI without a user part; anything else in it makes it no domain identity.
 * sips: is taken alike. */
bool tls_peer_uri_host(const char *uri, size_t len, const char **host, size_t *host_len)
{
	size_t scheme;

	if (len > 4 && strncasecmp(uri, "sip:", 4) == 0)
		scheme = 4;
	else if (len > 5 && strncasecmp(uri, "sips:", 5) == 0)
		scheme = 5;
	else
		return false;
	*host = uri + scheme;
	*host_len = len - scheme;
	return memchr(*host, '@', *host_len) == NULL;
}

/* true: there was at least one identity of a kind that SIP knows, so that the CN must not be asked */
static int read_san(X509 *x, struct tls_peer *p, bool *identity)
{
	int crit = -1;
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, &crit, NULL);

	*identity = false;
	if (!names)
		return crit == -1 ? 0 : -EINVAL; /* -1: not there; else twice or undecodable */
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
		const char *text, *host;
		size_t len, host_len;

		if (g->type != GEN_DNS && g->type != GEN_URI)
			continue;
		text = (const char *)ASN1_STRING_get0_data(g->d.ia5);
		len = (size_t)ASN1_STRING_length(g->d.ia5);
		if (g->type == GEN_DNS) {
			*identity = true;
			name_add(p, text, len);
		} else if (tls_peer_uri_host(text, len, &host, &host_len)) {
			*identity = true;
			name_add(p, host, host_len);
		} else {
			p->names_refused += p->names_refused < UINT8_MAX;
		}
	}
	GENERAL_NAMES_free(names);
	return 0;
}

/* RFC 6125 6.4.4: the most specific, that is the last, common name */
static void read_cn(X509 *x, struct tls_peer *p)
{
	X509_NAME *subject = X509_get_subject_name(x);
	int at = -1, last = -1;
	unsigned char *utf8 = NULL;
	int len;

	while ((at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0)
		last = at;
	if (last < 0)
		return;
	len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)));
	if (len > 0) {
		name_add(p, (const char *)utf8, (size_t)len);
		p->from_cn = p->names > 0;
	}
	OPENSSL_free(utf8);
}

int tls_peer_usage(X509 *x, uint8_t *out)
{
	int crit = -1;
	EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(x, NID_ext_key_usage, &crit, NULL);

	if (!eku) {
		*out = POLICY_EKU_ABSENT;
		return crit == -1 ? 0 : -EINVAL;
	}
	*out = 0;
	for (int i = 0; i < sk_ASN1_OBJECT_num(eku); i++) {
		const ASN1_OBJECT *o = sk_ASN1_OBJECT_value(eku, i);
		char oid[64];

		switch (OBJ_obj2nid(o)) {
		case NID_client_auth:
			*out |= POLICY_EKU_CLIENT;
			continue;
		case NID_server_auth:
			*out |= POLICY_EKU_SERVER;
			continue;
		case NID_anyExtendedKeyUsage:
			*out |= POLICY_EKU_ANY_USAGE;
			continue;
		}
		/* RFC 5924: libcrypto has no name for it */
		if (OBJ_obj2txt(oid, sizeof(oid), o, 1) > 0 && strcmp(oid, "1.3.6.1.5.5.7.3.20") == 0)
			*out |= POLICY_EKU_SIP_DOMAIN;
	}
	EXTENDED_KEY_USAGE_free(eku);
	return 0;
}

static int read_time(const ASN1_TIME *t, int64_t *out)
{
	struct tm tm;

	if (!t || !ASN1_TIME_to_tm(t, &tm))
		return -EINVAL;
	*out = timegm(&tm);
	return 0;
}

/* what the discovered-partner limits know a peer by when its key changes */
int tls_peer_issuer_serial(const X509_NAME *name, const ASN1_INTEGER *serial, uint8_t out[TLS_HASH_LEN])
{
	unsigned char issuer[EVP_MAX_MD_SIZE], both[EVP_MAX_MD_SIZE + 64];
	unsigned n, len = 0;

	if (!X509_NAME_digest(name, EVP_sha256(), issuer, &len))
		return -EINVAL;
	n = (unsigned)ASN1_STRING_length(serial);
	if (n > 64)
		return -EINVAL; /* RFC 5280 4.1.2.2 allows 20 octets */
	memcpy(both, issuer, len);
	memcpy(both + len, ASN1_STRING_get0_data(serial), n);
	return EVP_Digest(both, len + n, out, NULL, EVP_sha256(), NULL) ? 0 : -EINVAL;
}

static int hash_spki(X509 *x, uint8_t out[TLS_HASH_LEN])
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
	int ok = len > 0 && EVP_Digest(der, (size_t)len, out, NULL, EVP_sha256(), NULL);

	OPENSSL_free(der);
	return ok ? 0 : -EINVAL;
}

int tls_peer_read(X509 *x, struct tls_peer *p)
{
	bool identity;

	memset(p, 0, sizeof(*p));
	if (!X509_digest(x, EVP_sha256(), p->certificate, NULL) || hash_spki(x, p->spki) ||
	    tls_peer_issuer_serial(X509_get_issuer_name(x), X509_get0_serialNumber(x), p->issuer_serial) ||
	    read_time(X509_get0_notBefore(x), &p->not_before) ||
	    read_time(X509_get0_notAfter(x), &p->not_after) || tls_peer_usage(x, &p->eku) ||
	    read_san(x, p, &identity))
		return -EINVAL;
	if (!identity)
		read_cn(x, p);
	return 0;
}
