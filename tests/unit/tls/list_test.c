/* SPDX-License-Identifier: BSD-3-Clause */
/* Revocation lists as tables: whatever libcrypto says of a certificate and a list, they say. */
#include <stdio.h>

#include <openssl/pem.h>

#include "dataplane/tls/crl.h"
#include "tests/unit/tls/kit.h"

static struct {
	struct kit_cert ca, other, us;
} w;

static int setup(void **state)
{
	w.ca = kit_cert(NULL, (struct kit_ask){.cn = "test ca", .ca = true});
	w.other = kit_cert(NULL, (struct kit_ask){.cn = "other ca", .ca = true});
	w.us = kit_cert(&w.ca, (struct kit_ask){.cn = "us", .san = "DNS:us.test"});
	return 0;
}

static int teardown(void **state)
{
	kit_cert_free(&w.ca);
	kit_cert_free(&w.other);
	kit_cert_free(&w.us);
	return 0;
}

/* an entry by its serial number in hex, "-" in front of negative ones; an extension: "OID[!]=DER in hex" */
struct entry {
	const char *serial, *extension;
};

static X509_EXTENSION *extension_of(const char *text)
{
	const char *is = strchr(text, '=');
	bool critical = is[-1] == '!';
	char oid[64];
	long len;
	unsigned char *der = OPENSSL_hexstr2buf(is + 1, &len);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *e;
	ASN1_OBJECT *o;

	snprintf(oid, sizeof(oid), "%.*s", (int)(is - text - critical), text);
	o = OBJ_txt2obj(oid, 1);
	ASN1_OCTET_STRING_set(value, der, (int)len);
	e = X509_EXTENSION_create_by_OBJ(NULL, o, critical, value);
	ASN1_OBJECT_free(o);
	ASN1_OCTET_STRING_free(value);
	OPENSSL_free(der);
	return e;
}

static X509_CRL *list_of(const struct kit_cert *ca, const struct entry *entries, size_t n, const EVP_MD *md)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *t = ASN1_TIME_new();

	X509_CRL_set_version(crl, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->x));
	X509_gmtime_adj(t, -3600);
	X509_CRL_set1_lastUpdate(crl, t);
	for (size_t i = 0; i < n; i++) {
		X509_REVOKED *r = X509_REVOKED_new();
		BIGNUM *bn = NULL;
		ASN1_INTEGER *s;

		assert_true(BN_hex2bn(&bn, entries[i].serial) > 0);
		s = BN_to_ASN1_INTEGER(bn, NULL);
		X509_REVOKED_set_serialNumber(r, s);
		X509_REVOKED_set_revocationDate(r, t);
		if (entries[i].extension) {
			X509_EXTENSION *e = extension_of(entries[i].extension);

			assert_true(X509_REVOKED_add_ext(r, e, -1));
			X509_EXTENSION_free(e);
		}
		X509_CRL_add0_revoked(crl, r);
		ASN1_INTEGER_free(s);
		BN_free(bn);
	}
	X509_gmtime_adj(t, 86400);
	X509_CRL_set1_nextUpdate(crl, t);
	ASN1_TIME_free(t);
	assert_true(X509_CRL_sign(crl, ca->key, md) > 0);
	return crl;
}

static char *pem_of(const unsigned char *der, long len)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *text, *copy;
	long n;

	assert_true(PEM_write_bio(b, PEM_STRING_X509_CRL, "", der, len) > 0);
	n = BIO_get_mem_data(b, &text);
	copy = malloc((size_t)n + 1);
	assert_non_null(copy);
	memcpy(copy, text, (size_t)n);
	copy[n] = '\0';
	BIO_free(b);
	return copy;
}

static struct tls_lists *read_list(X509_CRL *crl)
{
	unsigned char *der = NULL;
	int len = i2d_X509_CRL(crl, &der);
	struct tls_lists *all;
	char *pem = pem_of(der, len);

	assert_int_equal(tls_lists_read(kit_blob(pem), &all), 0);
	assert_int_equal(all->n, 1);
	free(pem);
	OPENSSL_free(der);
	return all;
}

static bool named(const struct tls_lists *all, const struct kit_cert *ca, const char *serial)
{
	uint8_t issuer[32], id[32];
	unsigned char number[64];
	BIGNUM *bn = NULL;
	int len;

	X509_NAME_digest(X509_get_subject_name(ca->x), EVP_sha256(), issuer, NULL);
	BN_hex2bn(&bn, serial);
	len = BN_is_zero(bn) ? 1 : BN_bn2bin(bn, number);
	if (BN_is_zero(bn))
		number[0] = 0;
	BN_free(bn);
	return tls_list_entry(issuer, number, (size_t)len, id) && tls_lists_name(all, id);
}

#define TEXT_64 "7f00000000000000000000000000000000000000000000000000000000000000"

/* entries of every kind are found, whoever has to judge their list; and nothing else is */
static void every_kind(void **state)
{
	static const struct {
		const char *what;
		struct entry e[3];
		bool bare;
	} table[] = {
		{"one", {{"1234", NULL}}, true},
		{"three",
		 {{"7f", NULL}, {"80", NULL}, {"ffffffffffffffffffffffffffffffffffffffff", NULL}},
		 true},
		{"naught", {{"0", NULL}}, true},
		{"a reason", {{"1234", "2.5.29.21=0a0101"}}, true},
		{"a date of invalidity", {{"1234", "2.5.29.24=180f32303230303130313030303030305a"}}, true},
		{"an extension that nobody knows", {{"1234", "1.2.3.4=0500"}}, true},
		{"the last of many", {{"1", NULL}, {"2", NULL}, {"1234", "2.5.29.21=0a0104"}}, true},
		/* these are libcrypto's to judge */
		{"taken back", {{"1234", "2.5.29.21=0a0108"}}, false},
		{"a reason of two bytes", {{"1234", "2.5.29.21=0a020001"}}, false},
		{"a critical one", {{"1234", "1.2.3.4!=0500"}}, false},
		{"another issuer", {{"1234", "2.5.29.29=3000"}}, false},
		{"the second", {{"1", NULL}, {"1234", "1.2.3.4!=0500"}, {"3", NULL}}, false},
		{"a negative one", {{"-1234", NULL}}, false},
		{"64 octets", {{TEXT_64 TEXT_64, NULL}}, true},
		{"65 octets", {{"1234", NULL}, {"80" TEXT_64 TEXT_64, NULL}}, false},
	};

	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct tls_lists *all;
		X509_CRL *crl;
		size_t n = 0;

		while (n < 3 && table[i].e[n].serial)
			n++;
		crl = list_of(&w.ca, table[i].e, n, EVP_sha256());
		all = read_list(crl);
		if (all->list[0].bare != table[i].bare)
			fail_msg("%s: %d", table[i].what, all->list[0].bare);
		for (size_t k = 0; k < n; k++) {
			const char *serial = table[i].e[k].serial + (table[i].e[k].serial[0] == '-');

			if (strlen(serial) > 128)
				continue;
			if (!named(all, &w.ca, serial))
				fail_msg("%s: %s is not found", table[i].what, serial);
			if (named(all, &w.other, serial))
				fail_msg("%s: that of another issuer is found", table[i].what);
		}
		assert_false(named(all, &w.ca, "1235"));
		assert_false(named(all, &w.ca, "12"));
		assert_false(named(all, &w.ca, "123400"));
		tls_lists_drop(all);
		X509_CRL_free(crl);
	}
}

/* heads of every length */
static void long_ones(void **state)
{
	static const char name[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	struct kit_cert ca = kit_cert(NULL, (struct kit_ask){.cn = name, .ca = true, .key = KIT_RSA});
	static struct entry e[3000];
	static char serials[3000][8];

	for (unsigned n = 0; n < 3000; n = n < 20 ? n + 1 : 3 * n) {
		struct tls_lists *all;
		X509_CRL *crl;

		for (unsigned i = 0; i < n; i++) {
			snprintf(serials[i], sizeof(serials[i]), "%X", 17 + 7 * i);
			e[i] = (struct entry){serials[i], NULL};
		}
		crl = list_of(&ca, e, n, EVP_sha384());
		all = read_list(crl);
		assert_true(all->list[0].bare);
		assert_int_equal(all->list[0].n, n);
		for (unsigned i = 0; i < n; i++)
			assert_true(named(all, &ca, serials[i]));
		assert_false(named(all, &ca, "12"));
		tls_lists_drop(all);
		X509_CRL_free(crl);
	}
	kit_cert_free(&ca);
}

/* signed in a way that has no hash of its own */
static void not_hashed(void **state)
{
	struct kit_cert ca = kit_cert(NULL, (struct kit_ask){.cn = "ed", .ca = true});
	EVP_PKEY *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	struct entry e = {"1234", NULL};
	struct tls_lists *all;
	X509_CRL *crl;

	EVP_PKEY_free(ca.key);
	ca.key = ed;
	crl = list_of(&ca, &e, 1, NULL);
	all = read_list(crl);
	assert_false(all->list[0].bare);
	assert_true(named(all, &ca, "1234"));
	tls_lists_drop(all);
	X509_CRL_free(crl);
	kit_cert_free(&ca);
}

static void empty_and_broken(void **state)
{
	char *one = kit_crl(&w.ca, &w.us, 86400), *none = kit_crl(&w.other, NULL, 86400), *text;
	struct tls_lists *all, *again;
	struct tls_peer peer;

	text = kit_join(one, none, (char *)NULL);
	assert_int_equal(tls_lists_read(kit_blob(text), &all), 0);
	assert_int_equal(all->n, 2);
	assert_true(all->list[0].bare && all->list[1].bare);
	assert_int_equal(tls_peer_read(w.us.x, &peer), 0);
	assert_true(tls_lists_name(all, peer.issuer_serial));
	assert_int_equal(tls_peer_read(w.other.x, &peer), 0);
	assert_false(tls_lists_name(all, peer.issuer_serial));
	assert_false(tls_lists_name(NULL, peer.issuer_serial));
	/* the last user frees */
	again = tls_lists_use(all);
	tls_lists_drop(all);
	assert_int_equal(again->n, 2);
	tls_lists_drop(again);
	tls_lists_drop(NULL);
	free(text);

	text = kit_join(one, none, "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", (char *)NULL);
	assert_int_equal(tls_lists_read(kit_blob(text), &all), 3);
	assert_null(all);
	free(text);
	text = kit_join(one, "-----BEGIN X509 CRL-----\nAAAA", (char *)NULL);
	assert_int_equal(tls_lists_read(kit_blob(text), &all), 2);
	free(text);
	assert_int_equal(tls_lists_read((struct tls_blob){"", 0}, &all), 0);
	assert_int_equal(all->n, 0);
	tls_lists_drop(all);
	free(one);
	free(none);
}

/* One byte of it is another one, at each place: what libcrypto reads whole and finds nothing odd in is read
 * the same way, what it cannot read is nobody's list. */
static void every_byte(void **state)
{
	static const struct entry e[] = {{"1234", "2.5.29.21=0a0101"}, {"80ff", NULL}, {"5", "1.2.3.4=0500"}};
	X509_CRL *crl = list_of(&w.ca, e, 3, EVP_sha256());
	unsigned char *der = NULL;
	int len = i2d_X509_CRL(crl, &der);
	unsigned read = 0, bare = 0;

	for (int at = 0; at < len; at++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			const unsigned char *p = der;
			struct tls_lists *all;
			X509_CRL *other;
			char *pem;
			int bad;

			der[at] ^= (unsigned char)(1 << bit);
			pem = pem_of(der, len);
			bad = tls_lists_read(kit_blob(pem), &all);
			other = d2i_X509_CRL(NULL, &p, len);
			if (!bad && all->list[0].bare) {
				STACK_OF(X509_REVOKED) *they = other ? X509_CRL_get_REVOKED(other) : NULL;
				uint8_t issuer[32], id[32];

				bare++;
				/* a list that libcrypto cannot read at all is signed by nobody */
				if (they && all->list[0].n != (size_t)sk_X509_REVOKED_num(they))
					fail_msg("byte %d, bit %u: %zu entries, not %d", at, bit,
						 all->list[0].n, sk_X509_REVOKED_num(they));
				for (int i = 0; i < sk_X509_REVOKED_num(they); i++) {
					const ASN1_INTEGER *s = X509_REVOKED_get0_serialNumber(
						sk_X509_REVOKED_value(they, i));

					X509_NAME_digest(X509_CRL_get_issuer(other), EVP_sha256(), issuer,
							 NULL);
					assert_true(tls_list_entry(issuer, ASN1_STRING_get0_data(s),
								   (size_t)ASN1_STRING_length(s), id));
					if (!tls_lists_name(all, id))
						fail_msg("byte %d, bit %u: entry %d is lost", at, bit, i);
				}
			}
			if (other && bad)
				fail_msg("byte %d, bit %u: libcrypto reads it", at, bit);
			read += !bad;
			tls_lists_drop(all);
			X509_CRL_free(other);
			free(pem);
			der[at] ^= (unsigned char)(1 << bit);
		}
	}
	/* most bytes are those of names, numbers, times and the signature */
	assert_true(read > 800 && bare > 600);
	OPENSSL_free(der);
	X509_CRL_free(crl);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind), cmocka_unit_test(long_ones),
		cmocka_unit_test(not_hashed), cmocka_unit_test(empty_and_broken),
		cmocka_unit_test(every_byte),
	};

	if (tls_memory_init())
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
