/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/secret/pem.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
	/* what libssl takes at security level 2, at which the dataplane runs */
	RSA_BITS_MIN = 2048,
	EC_BITS_MIN = 224,
	CHAIN_MAX = 8, /* certificates that the dataplane's handshake has room for */
};

static int bad(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int bad(char *why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, PEM_WHY_MAX, format, ap);
	va_end(ap);
	ERR_clear_error();
	return -EINVAL;
}

static void warn(struct pem_info *info, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* the first one is told */
static void warn(struct pem_info *info, const char *format, ...)
{
	va_list ap;

	if (info->warning[0])
		return;
	va_start(ap, format);
	vsnprintf(info->warning, sizeof(info->warning), format, ap);
	va_end(ap);
}

static unsigned count_of(const char *text, size_t len, const char *what)
{
	unsigned n = 0;

	for (const char *p = text; (p = memmem(p, len - (size_t)(p - text), what, strlen(what))); n++)
		p += strlen(what);
	return n;
}

/* A file that somebody is still writing ends in the middle. */
static int whole(const char *what, const char *pem, size_t len, char *why)
{
	unsigned begun = count_of(pem, len, "-----BEGIN "), ended = count_of(pem, len, "-----END ");

	if (!len)
		return bad(why, "the %s file is empty", what);
	if (!begun)
		return bad(why, "the %s file has no PEM block ('-----BEGIN …'); DER has to be converted",
			   what);
	if (begun != ended)
		return bad(why, "the %s file is cut: %u blocks begin and %u end", what, begun, ended);
	return 0;
}

static int64_t seconds(const ASN1_TIME *t)
{
	struct tm tm;

	memset(&tm, 0, sizeof(tm));
	return ASN1_TIME_to_tm(t, &tm) ? (int64_t)timegm(&tm) : 0;
}

static const char *day(int64_t at, char buf[16])
{
	time_t t = (time_t)at;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(buf, 16, "%Y-%m-%d", &tm);
	return buf;
}

static void name_text(const X509_NAME *name, char *out, size_t cap)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n;

	out[0] = '\0';
	if (!bio)
		return;
	if (X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
		n = BIO_get_mem_data(bio, &p);
		snprintf(out, cap, "%.*s", n > 0 ? (int)n : 0, n > 0 ? p : "");
	}
	BIO_free(bio);
}

/* only what can be shown on one line, in one word */
static void add_name(char *out, size_t cap, const char *prefix, const unsigned char *s, int len)
{
	size_t at = strlen(out);

	for (int i = 0; i < len; i++)
		if (s[i] <= ' ' || s[i] >= 0x7f)
			return;
	if (at + strlen(prefix) + (size_t)len + 2 > cap)
		return;
	snprintf(out + at, cap - at, "%s%s%.*s", at ? " " : "", prefix, len, (const char *)s);
}

static void names_of(X509 *x, char *out, size_t cap)
{
	GENERAL_NAMES *sans = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

	out[0] = '\0';
	for (int i = 0; i < sk_GENERAL_NAME_num(sans); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(sans, i);
		const ASN1_IA5STRING *s = g->type == GEN_DNS   ? g->d.dNSName
					  : g->type == GEN_URI ? g->d.uniformResourceIdentifier
							       : NULL;

		if (s)
			add_name(out, cap, "", ASN1_STRING_get0_data(s), ASN1_STRING_length(s));
	}
	GENERAL_NAMES_free(sans);
	if (!out[0]) {
		const X509_NAME *subject = X509_get_subject_name(x);
		int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
		const ASN1_STRING *cn =
			at < 0 ? NULL : X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));

		if (cn)
			add_name(out, cap, "", ASN1_STRING_get0_data(cn), ASN1_STRING_length(cn));
	}
}

static void usage_of(X509 *x, char *out, size_t cap)
{
	EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);

	out[0] = '\0';
	for (int i = 0; i < sk_ASN1_OBJECT_num(eku); i++) {
		int nid = OBJ_obj2nid(sk_ASN1_OBJECT_value(eku, i));
		char oid[64];
		const char *word =
			nid == NID_server_auth	 ? "serverAuth"
			: nid == NID_client_auth ? "clientAuth"
			: nid == NID_anyExtendedKeyUsage
				? "any"
				: (OBJ_obj2txt(oid, sizeof(oid), sk_ASN1_OBJECT_value(eku, i), 1), oid);

		add_name(out, cap, "", (const unsigned char *)word, (int)strlen(word));
	}
	if (!eku)
		snprintf(out, cap, "any");
	EXTENDED_KEY_USAGE_free(eku);
}

/* Never asks on a terminal, as libcrypto would for any block that says that it is encrypted. `arg` is NULL
 * where nobody wants to know. */
static int no_password(char *buf, int size, int rwflag, void *arg)
{
	if (arg)
		*(bool *)arg = true;
	return -1;
}

/* The end of a file is "no start line"; anything else is damage. */
static bool at_end(void)
{
	unsigned long e = ERR_peek_last_error();
	bool end = ERR_GET_LIB(e) == ERR_LIB_PEM && ERR_GET_REASON(e) == PEM_R_NO_START_LINE;

	ERR_clear_error();
	return end;
}

static int check_key(X509 *x, EVP_PKEY *key, struct pem_info *info, char *why)
{
	char curve[32] = "";
	int bits = EVP_PKEY_get_bits(key);

	info->ec = EVP_PKEY_is_a(key, "EC");
	if (info->ec) {
		EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL);
		snprintf(info->key, sizeof(info->key), "EC %s", curve);
		if (bits < EC_BITS_MIN)
			return bad(why, "its EC key has %d bits; at least %d are asked", bits, EC_BITS_MIN);
	} else if (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS")) {
		snprintf(info->key, sizeof(info->key), "%s %d", EVP_PKEY_get0_type_name(key), bits);
		if (bits < RSA_BITS_MIN)
			return bad(why, "its RSA key has %d bits; at least %d are asked", bits, RSA_BITS_MIN);
	} else {
		const char *type = EVP_PKEY_get0_type_name(key);

		snprintf(info->key, sizeof(info->key), "%s", type ? type : "unknown");
		warn(info, "its key is neither RSA nor EC (%s): hardly any SIP server knows that", info->key);
	}
	if (X509_check_private_key(x, key) != 1)
		return bad(why,
			   "the key does not belong to the certificate (%.120s): is one of the two files "
			   "older than the other?",
			   info->subject);
	return 0;
}

static int read_chain(const char *pem, size_t len, int64_t now, X509 **leaf, struct pem_info *info, char *why)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)len);
	X509 *x, *before = NULL;
	char from[16];
	int r = bio ? 0 : -ENOMEM;

	info->not_before = 0;
	info->not_after = INT64_MAX;
	while (!r && (x = PEM_read_bio_X509(bio, NULL, no_password, NULL))) {
		int64_t begin = seconds(X509_get0_notBefore(x)), end = seconds(X509_get0_notAfter(x));

		if (!before) {
			name_text(X509_get_subject_name(x), info->subject, sizeof(info->subject));
			name_text(X509_get_issuer_name(x), info->issuer, sizeof(info->issuer));
			names_of(x, info->names, sizeof(info->names));
			usage_of(x, info->usage, sizeof(info->usage));
			*leaf = x;
		} else if (X509_check_issued(x, before) != X509_V_OK) {
			warn(info,
			     "certificate %u of the file did not issue the one before it: write the "
			     "certificate first, then its issuer, then the issuer's",
			     info->chain + 1);
		}
		info->chain++;
		if (begin > info->not_before)
			info->not_before = begin;
		if (end < info->not_after)
			info->not_after = end;
		if (end <= now)
			r = bad(why, "certificate %u of the file has expired on %s: get a new one",
				info->chain, day(end, from));
		else if (begin > now)
			r = bad(why, "certificate %u of the file is not good before %s (is the clock right?)",
				info->chain, day(begin, from));
		if (before && before != *leaf)
			X509_free(before);
		before = x;
	}
	if (before && before != *leaf)
		X509_free(before);
	BIO_free(bio);
	if (!r && !at_end())
		r = bad(why, "the chain file is damaged after its certificate %u", info->chain);
	if (!r && !info->chain)
		r = bad(why, "the chain file has no certificate");
	if (!r && info->chain > CHAIN_MAX)
		r = bad(why, "the chain file has %u certificates; at most %d may be sent", info->chain,
			CHAIN_MAX);
	return r;
}

int pem_pair(const char *chain, size_t chain_len, const char *key, size_t key_len, int64_t now,
	     struct pem_info *info, char *why)
{
	bool password = false;
	EVP_PKEY *pkey = NULL;
	X509 *leaf = NULL;
	BIO *bio = NULL;
	int r;

	memset(info, 0, sizeof(*info));
	r = whole("chain", chain, chain_len, why);
	r = r ? r : whole("key", key, key_len, why);
	r = r ? r : read_chain(chain, chain_len, now, &leaf, info, why);
	if (!r) {
		bio = BIO_new_mem_buf(key, (int)key_len);
		pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, &password) : NULL;
		if (!pkey)
			r = password ? bad(why,
					   "the key is encrypted; write it without a password, readable by "
					   "this daemon alone")
				     : bad(why, "the key file has no private key that can be read");
	}
	r = r ? r : check_key(leaf, pkey, info, why);
	if (!r && !info->names[0])
		warn(info, "it names nobody: neither a subject alternative name nor a common name");
	BIO_free(bio);
	EVP_PKEY_free(pkey);
	X509_free(leaf);
	ERR_clear_error();
	return r;
}

int pem_anchors(const char *pem, size_t len, int64_t now, struct pem_info *info, char *why)
{
	unsigned expired = 0;
	X509 *x;
	BIO *bio;
	int r;

	memset(info, 0, sizeof(*info));
	r = whole("ca", pem, len, why);
	if (r)
		return r;
	bio = BIO_new_mem_buf(pem, (int)len);
	info->not_after = INT64_MAX;
	while (bio && (x = PEM_read_bio_X509(bio, NULL, no_password, NULL))) {
		int64_t end = seconds(X509_get0_notAfter(x));

		if (!info->chain)
			name_text(X509_get_subject_name(x), info->subject, sizeof(info->subject));
		info->chain++;
		expired += end <= now;
		if (end > now && end < info->not_after)
			info->not_after = end;
		if (X509_check_ca(x) == 0)
			warn(info, "certificate %u of the ca file is no CA", info->chain);
		X509_free(x);
	}
	BIO_free(bio);
	if (!at_end())
		return bad(why, "the ca file is damaged after its certificate %u", info->chain);
	if (!info->chain)
		return bad(why, "the ca file has no certificate");
	if (expired == info->chain)
		return bad(why, "every certificate of the ca file has expired");
	if (expired)
		warn(info, "%u of %u certificates of the ca file have expired", expired, info->chain);
	return 0;
}

int pem_lists(const char *pem, size_t len, int64_t now, struct pem_info *info, char *why)
{
	char at[16];
	X509_CRL *x;
	BIO *bio;
	int r;

	memset(info, 0, sizeof(*info));
	r = whole("crl", pem, len, why);
	if (r)
		return r;
	bio = BIO_new_mem_buf(pem, (int)len);
	info->not_after = INT64_MAX;
	while (bio && (x = PEM_read_bio_X509_CRL(bio, NULL, no_password, NULL))) {
		const ASN1_TIME *next = X509_CRL_get0_nextUpdate(x);
		int64_t end = next ? seconds(next) : INT64_MAX;

		if (!info->chain)
			name_text(X509_CRL_get_issuer(x), info->issuer, sizeof(info->issuer));
		info->chain++;
		if (end < info->not_after)
			info->not_after = end;
		if (end <= now)
			warn(info, "list %u of the crl file is out of date since %s: fetch it anew",
			     info->chain, day(end, at));
		X509_CRL_free(x);
	}
	BIO_free(bio);
	if (!at_end())
		return bad(why, "the crl file is damaged after its list %u", info->chain);
	if (!info->chain)
		return bad(why, "the crl file has no revocation list");
	return 0;
}

/* Is this one about the leaf? By the digest that the responder chose (RFC 6960 4.1.1). Chain files end below
 * their root, so the issuer may not be at hand: then its key is not compared, its name is. */
static bool is_about(const OCSP_CERTID *single, X509 *leaf, X509 *issuer)
{
	ASN1_OCTET_STRING *name, *key;
	unsigned char md[EVP_MAX_MD_SIZE];
	const EVP_MD *digest;
	ASN1_INTEGER *serial;
	ASN1_OBJECT *kind;
	unsigned len;

	if (!OCSP_id_get0_info(&name, &kind, &key, &serial, (OCSP_CERTID *)single))
		return false;
	digest = EVP_get_digestbyobj(kind);
	if (!digest || ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(leaf)))
		return false;
	if (!X509_NAME_digest(X509_get_issuer_name(leaf), digest, md, &len) ||
	    len != (unsigned)ASN1_STRING_length(name) || memcmp(ASN1_STRING_get0_data(name), md, len))
		return false;
	return !issuer ||
	       (X509_pubkey_digest(issuer, digest, md, &len) && len == (unsigned)ASN1_STRING_length(key) &&
		!memcmp(ASN1_STRING_get0_data(key), md, len));
}

static int check_response(OCSP_BASICRESP *basic, X509 *leaf, X509 *issuer, int64_t now, struct pem_info *info,
			  char *why)
{
	ASN1_GENERALIZEDTIME *this_update = NULL, *next_update = NULL;
	OCSP_SINGLERESP *single = NULL;
	char at[16];
	int status;

	for (int i = 0; i < OCSP_resp_count(basic) && !single; i++) {
		single = OCSP_resp_get0(basic, i);
		if (!is_about(OCSP_SINGLERESP_get0_id(single), leaf, issuer))
			single = NULL;
	}
	if (!single)
		return bad(why, "the OCSP response is about another certificate");
	status = OCSP_single_get0_status(single, NULL, NULL, &this_update, &next_update);
	if (status != V_OCSP_CERTSTATUS_GOOD)
		return bad(why, "the OCSP response says that the certificate is %s",
			   OCSP_cert_status_str(status));
	info->not_before = seconds(this_update);
	info->not_after = next_update ? seconds(next_update) : INT64_MAX;
	if (info->not_after <= now)
		return bad(why, "the OCSP response is out of date since %s: fetch it anew",
			   day(info->not_after, at));
	return 0;
}

int pem_ocsp(const char *der, size_t len, const char *chain, size_t chain_len, int64_t now,
	     struct pem_info *info, char *why)
{
	const unsigned char *p = (const unsigned char *)der;
	OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &p, (long)len);
	OCSP_BASICRESP *basic = NULL;
	X509 *leaf, *issuer;
	BIO *bio;
	int r;

	memset(info, 0, sizeof(*info));
	if (!response)
		return bad(why, "the ocsp file is no OCSP response (DER), or it is cut");
	if (OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
		basic = OCSP_response_get1_basic(response);
	bio = BIO_new_mem_buf(chain, (int)chain_len);
	leaf = bio ? PEM_read_bio_X509(bio, NULL, no_password, NULL) : NULL;
	issuer = leaf ? PEM_read_bio_X509(bio, NULL, no_password, NULL) : NULL;
	if (!basic)
		r = bad(why, "the OCSP response tells of a failure of its responder");
	else if (!leaf)
		r = bad(why, "the chain file has no certificate");
	else
		r = check_response(basic, leaf, issuer, now, info, why);
	X509_free(issuer);
	X509_free(leaf);
	BIO_free(bio);
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(response);
	ERR_clear_error();
	return r;
}
