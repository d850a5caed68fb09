/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/secret/crl_list.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

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

static int no_password(char *buf, int size, int writing, void *ctx)
{
	return -1;
}

static BIO *bytes_bio(const void *p, size_t n)
{
	return n <= INT32_MAX ? BIO_new_mem_buf(p, (int)n) : NULL;
}

/* ---- where lists are ---- */

static void say(struct crl_urls *u, const char *what, const char *url, size_t len)
{
	if (!u->said[0])
		snprintf(u->said, sizeof(u->said), "%s: %.*s", what, (int)(len < 200 ? len : 200), url);
}

void crl_urls_add(struct crl_urls *u, const char *url, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (url[i] <= ' ' || url[i] > '~') {
			say(u, "a distribution point that is no URL is not used", "", 0);
			return;
		}
	if (len < 8 || strncasecmp(url, "http://", 7)) {
		say(u, "lists are fetched with http alone, not from", url, len);
		return;
	}
	if (len >= CRL_URL_MAX) {
		say(u, "a URL of more than 511 characters is not used", url, len);
		return;
	}
	for (unsigned i = 0; i < u->n; i++)
		if (strlen(u->url[i]) == len && memcmp(u->url[i], url, len) == 0)
			return;
	if (u->n == CRL_URLS_MAX) {
		say(u, "more than 32 URLs: not used is", url, len);
		return;
	}
	memcpy(u->url[u->n], url, len);
	u->url[u->n++][len] = '\0';
}

void crl_urls_of_one(struct crl_urls *u, X509 *x)
{
	STACK_OF(DIST_POINT) *points = X509_get_ext_d2i(x, NID_crl_distribution_points, NULL, NULL);

	for (int i = 0; i < sk_DIST_POINT_num(points); i++) {
		const DIST_POINT *p = sk_DIST_POINT_value(points, i);

		if (p->reasons || p->CRLissuer) {
			say(u, "a distribution point of some reasons, or of another issuer, is not used", "",
			    0);
			continue;
		}
		if (!p->distpoint || p->distpoint->type != 0) {
			say(u, "a distribution point without a full name is not used", "", 0);
			continue;
		}
		for (int k = 0; k < sk_GENERAL_NAME_num(p->distpoint->name.fullname); k++) {
			int type;
			const ASN1_STRING *s = GENERAL_NAME_get0_value(
				sk_GENERAL_NAME_value(p->distpoint->name.fullname, k), &type);

			if (type == GEN_URI)
				crl_urls_add(u, (const char *)ASN1_STRING_get0_data(s),
					     (size_t)ASN1_STRING_length(s));
		}
	}
	CRL_DIST_POINTS_free(points);
}

/* the certificates of a file */
static STACK_OF(X509) * certificates(const char *pem, size_t len)
{
	STACK_OF(X509) *all = sk_X509_new_null();
	BIO *bio = all ? bytes_bio(pem, len) : NULL;
	X509 *x;

	while (bio && (x = PEM_read_bio_X509(bio, NULL, no_password, NULL)))
		if (!sk_X509_push(all, x)) {
			X509_free(x);
			break;
		}
	BIO_free(bio);
	ERR_clear_error();
	return all;
}

static bool issued_by(STACK_OF(X509) * anchors, X509 *x)
{
	for (int i = 0; i < sk_X509_num(anchors); i++)
		if (X509_check_issued(sk_X509_value(anchors, i), x) == X509_V_OK)
			return true;
	return false;
}

void crl_urls_of(struct crl_urls *u, const char *pem, size_t len, const char *anchors, size_t anchors_len)
{
	STACK_OF(X509) *all = certificates(pem, len);
	STACK_OF(X509) *by = anchors ? certificates(anchors, anchors_len) : NULL;

	for (int i = 0; i < sk_X509_num(all); i++)
		if (!anchors || issued_by(by, sk_X509_value(all, i)))
			crl_urls_of_one(u, sk_X509_value(all, i));
	sk_X509_pop_free(all, X509_free);
	sk_X509_pop_free(by, X509_free);
	ERR_clear_error();
}

/* ---- may it count? ---- */

static int64_t seconds(const ASN1_TIME *t)
{
	struct tm tm;

	memset(&tm, 0, sizeof(tm));
	return t && ASN1_TIME_to_tm(t, &tm) ? (int64_t)timegm(&tm) : 0;
}

static int number_of(X509_CRL *crl, char out[CRL_NUMBER_MAX], char *why)
{
	ASN1_INTEGER *number;
	uint8_t octets[(CRL_NUMBER_MAX - 1) / 2] = {0};
	BIGNUM *bn;
	int crit = -1, r = 0;

	out[0] = '\0';
	number = X509_CRL_get_ext_d2i(crl, NID_crl_number, &crit, NULL);
	if (!number)
		return crit == -1 ? 0 : bad(why, "its number cannot be read");
	bn = ASN1_INTEGER_to_BN(number, NULL);
	if (!bn || BN_is_negative(bn) || BN_bn2binpad(bn, octets, sizeof(octets)) < 0)
		r = bad(why, "its number is negative or has more than 20 octets");
	for (unsigned i = 0; !r && i < sizeof(octets); i++)
		snprintf(out + 2 * (size_t)i, 3, "%02x", octets[i]);
	BN_free(bn);
	ASN1_INTEGER_free(number);
	return r;
}

/* What must be understood and is not makes the list unusable (RFC 5280 sections 5.2 and 5.3): libcrypto would
 * refuse each handshake with it. */
static int understood(X509_CRL *crl, char *why)
{
	STACK_OF(X509_REVOKED) *all = X509_CRL_get_REVOKED(crl);

	for (int i = 0; i < X509_CRL_get_ext_count(crl); i++) {
		X509_EXTENSION *e = X509_CRL_get_ext(crl, i);
		int nid = OBJ_obj2nid(X509_EXTENSION_get_object(e));

		if (X509_EXTENSION_get_critical(e) && nid != NID_issuing_distribution_point &&
		    nid != NID_authority_key_identifier)
			return bad(why, "it has a critical extension that is not understood");
	}
	for (int i = 0; i < sk_X509_REVOKED_num(all); i++) {
		X509_REVOKED *r = sk_X509_REVOKED_value(all, i);

		for (int k = 0; k < X509_REVOKED_get_ext_count(r); k++)
			if (X509_EXTENSION_get_critical(X509_REVOKED_get_ext(r, k)))
				return bad(why, "an entry has a critical extension that is not understood");
	}
	return 0;
}

/* a list that says everything of one issuer (RFC 5280 sections 5.2.4 and 5.2.5) */
static int complete(X509_CRL *crl, char *why)
{
	ISSUING_DIST_POINT *idp;
	int crit = -1, r = 0;

	if (X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) >= 0)
		return bad(why, "it holds differences alone (a delta list)");
	idp = X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, &crit, NULL);
	if (!idp)
		return crit == -1 ? 0 : bad(why, "its issuing distribution point cannot be read");
	if (idp->indirectCRL > 0)
		r = bad(why, "it is an indirect list");
	else if (idp->onlysomereasons || idp->onlyattr > 0)
		r = bad(why, "it is a list of some reasons, or of attribute certificates");
	ISSUING_DIST_POINT_free(idp);
	return r;
}

static int signed_by(X509_CRL *crl, const char *anchors, size_t len, const char *issuer, char *why)
{
	STACK_OF(X509) *all = certificates(anchors, len);
	unsigned named = 0, may = 0;
	int r = -EINVAL;

	for (int i = 0; r && i < sk_X509_num(all); i++) {
		X509 *x = sk_X509_value(all, i);

		if (X509_NAME_cmp(X509_get_subject_name(x), X509_CRL_get_issuer(crl)))
			continue;
		named++;
		/* without the extension it is all ones */
		if (!(X509_get_key_usage(x) & KU_CRL_SIGN))
			continue;
		may++;
		if (X509_CRL_verify(crl, X509_get0_pubkey(x)) == 1)
			r = 0;
	}
	sk_X509_pop_free(all, X509_free);
	ERR_clear_error();
	if (!r)
		return 0;
	if (!named)
		return bad(why, "its issuer %.200s is none of the trusted CAs", issuer);
	if (!may)
		return bad(why, "its issuer %.200s may not sign lists (key usage)", issuer);
	return bad(why, "its signature is not that of %.200s", issuer);
}

/* not back behind what we have (RFC 5280 section 5.2.3): a number counts up, and so does time */
static int not_back(const struct crl_facts *had, const struct crl_facts *is, char *why)
{
	if (!had || strcmp(had->issuer, is->issuer))
		return 0;
	if (had->number[0] && !is->number[0])
		return bad(why, "it has no number, and the one that we have has");
	if (had->number[0] && strcmp(is->number, had->number) < 0)
		return bad(why, "its number is below that of the one that we have");
	if (is->this_update < had->this_update)
		return bad(why, "it is older than the one that we have");
	return 0;
}

static int facts_of(X509_CRL *crl, int64_t now, struct crl_facts *out, char *why)
{
	const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
	BIO *bio = BIO_new(BIO_s_mem());
	int r = bio ? 0 : -ENOMEM, n;

	memset(out, 0, sizeof(*out));
	if (!r) {
		X509_NAME_print_ex(bio, X509_CRL_get_issuer(crl), 0, XN_FLAG_RFC2253);
		n = BIO_read(bio, out->issuer, sizeof(out->issuer) - 1);
		out->issuer[n > 0 ? n : 0] = '\0';
	}
	BIO_free(bio);
	out->this_update = seconds(X509_CRL_get0_lastUpdate(crl));
	out->next_update = seconds(next);
	out->entries =
		(unsigned)(X509_CRL_get_REVOKED(crl) ? sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)) : 0);
	if (!r && (!out->this_update || (next && out->next_update <= out->this_update)))
		r = bad(why, "its times make no sense");
	if (!r && out->this_update > now + CRL_AHEAD_S)
		r = bad(why, "it is from the future (is the clock right?)");
	r = r ? r : number_of(crl, out->number, why);
	return r;
}

/* one list, as DER; *own is to be freed by OPENSSL_free */
static int unwrap(const void *bytes, size_t len, const uint8_t **der, long *der_len, uint8_t **own, char *why)
{
	static const char mark[] = "-----BEGIN ";
	const char *p;
	BIO *bio;
	int r;

	*own = NULL;
	if (len && *(const uint8_t *)bytes == 0x30) {
		*der = bytes;
		*der_len = (long)len;
		return 0;
	}
	p = memmem(bytes, len, mark, sizeof(mark) - 1);
	if (!p)
		return bad(why, "it is no revocation list: neither DER nor PEM");
	if (memmem(p + 1, len - (size_t)(p + 1 - (const char *)bytes), mark, sizeof(mark) - 1))
		return bad(why, "it holds more than one thing");
	bio = bytes_bio(bytes, len);
	r = bio && PEM_bytes_read_bio(own, der_len, NULL, PEM_STRING_X509_CRL, bio, no_password, NULL);
	BIO_free(bio);
	if (!r)
		return bad(why, "its PEM is damaged, or no revocation list");
	*der = *own;
	return 0;
}

static int wrap(const uint8_t *der, long len, char **pem, size_t *pem_len)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n;
	int r = -ENOMEM;

	if (bio && PEM_write_bio(bio, PEM_STRING_X509_CRL, "", der, len) > 0) {
		n = BIO_get_mem_data(bio, &p);
		*pem = n > 0 ? malloc((size_t)n) : NULL;
		if (*pem) {
			memcpy(*pem, p, (size_t)n);
			*pem_len = (size_t)n;
			r = 0;
		}
	}
	BIO_free(bio);
	ERR_clear_error();
	return r;
}

int crl_check(const void *bytes, size_t len, const char *anchors, size_t anchors_len,
	      const struct crl_facts *had, int64_t now, struct crl_facts *out, char **pem, size_t *pem_len,
	      char *why)
{
	const uint8_t *der = NULL, *p;
	X509_CRL *crl = NULL;
	uint8_t *own = NULL;
	long der_len = 0;
	int r;

	why[0] = '\0';
	if (!len)
		return bad(why, "it is empty");
	r = unwrap(bytes, len, &der, &der_len, &own, why);
	if (!r) {
		p = der;
		crl = d2i_X509_CRL(NULL, &p, der_len);
		if (!crl || p != der + der_len)
			r = bad(why, "it is no revocation list, or a damaged one");
	}
	r = r ? r : facts_of(crl, now, out, why);
	r = r ? r : complete(crl, why);
	r = r ? r : understood(crl, why);
	r = r ? r : signed_by(crl, anchors, anchors_len, out->issuer, why);
	r = r ? r : not_back(had, out, why);
	if (!r && pem)
		r = wrap(der, der_len, pem, pem_len);
	if (r == -ENOMEM)
		snprintf(why, PEM_WHY_MAX, "out of memory");
	X509_CRL_free(crl);
	OPENSSL_free(own);
	ERR_clear_error();
	return r;
}
