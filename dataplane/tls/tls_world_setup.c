/* SPDX-License-Identifier: BSD-3-Clause */
/* Longer than other files: a world is made whole or not at all, and whatever fails undoes what was before it.
 */
#include "dataplane/tls/tls_world.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "dataplane/tls/compat.h"
#include "dataplane/tls/core.h"
#include "dataplane/tls/crl.h"

const struct tls_profile_spec tls_profile_modern = {
	.name = "modern",
	.version_min = TLS1_2_VERSION,
	.version_max = TLS1_3_VERSION,
	.suites_13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256",
	.suites_12 = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
		     "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
		     "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305",
	.groups = TLS_GROUPS_MODERN,
	.revocation = TLS_REVOCATION_SOFT,
};

/* old Lync peers know no elliptic curve, neither in the certificate nor in the key exchange */
const struct tls_profile_spec tls_profile_compat = {
	.name = "compat",
	.version_min = TLS1_2_VERSION,
	.version_max = TLS1_3_VERSION,
	.suites_13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256",
	.suites_12 = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
		     "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
		     "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
		     "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:"
		     "AES128-GCM-SHA256:AES256-GCM-SHA384:"
		     "DHE-RSA-AES128-SHA:DHE-RSA-AES256-SHA:AES128-SHA:AES256-SHA",
	.groups = TLS_GROUPS_COMPAT,
	.revocation = TLS_REVOCATION_SOFT,
};

bool tls_profile_needs_ec(const struct tls_profile_spec *p)
{
	const char *at = p->suites_12;

	if (p->version_min > TLS1_2_VERSION)
		return true;
	while (at && *at) {
		size_t n = strcspn(at, ":");

		if (n && strncmp(at, "ECDHE-", 6) != 0 && *at != '!' && *at != '-')
			return false;
		at += n + (at[n] == ':');
	}
	return true;
}

struct build {
	struct tls_core *core;
	struct tls_world *world;
	const struct tls_world_spec *spec;
	char *why;
	size_t why_len;
};

/* says what is wrong with "KIND NAME", with libcrypto's own words when it has some */
__attribute__((format(printf, 4, 5))) static int wrong(struct build *b, const char *kind, const char *name,
						       const char *format, ...)
{
	unsigned long e = ERR_peek_error();
	const char *reason = e ? ERR_reason_error_string(e) : NULL;
	char text[160];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(b->why, b->why_len, "%s %s: %s%s%s%s", kind, name, text, reason ? " (" : "",
		 reason ? reason : "", reason ? ")" : "");
	ERR_clear_error();
	return -EINVAL;
}

static int hash_of(uint8_t out[TLS_HASH_LEN], const struct tls_blob *parts, unsigned n)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	int ok = c && EVP_DigestInit_ex(c, EVP_sha256(), NULL);

	for (unsigned i = 0; ok && i < n; i++) {
		uint64_t len = parts[i].len; /* with its length, so that no two lists of parts are alike */

		ok = EVP_DigestUpdate(c, &len, sizeof(len)) &&
		     (len == 0 || EVP_DigestUpdate(c, parts[i].bytes, parts[i].len));
	}
	ok = ok && EVP_DigestFinal_ex(c, out, NULL);
	EVP_MD_CTX_free(c);
	return ok ? 0 : -ENOMEM;
}

static struct tls_blob text_blob(const char *text)
{
	return (struct tls_blob){text, text ? strlen(text) : 0};
}

/* the next certificate of a PEM text; NULL at its end, *bad when there is something else */
static X509 *next_certificate(struct build *b, BIO *pem, bool *bad)
{
	X509 *x = X509_new_ex(b->core->lib, NULL);

	*bad = false;
	ERR_clear_error();
	if (x && PEM_read_bio_X509(pem, &x, tls_no_passphrase, NULL))
		return x;
	X509_free(x);
	*bad = ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE;
	if (!*bad)
		ERR_clear_error();
	return NULL;
}

static int add_trust(struct build *b, X509_STORE *store, const struct tls_profile_spec *p)
{
	BIO *pem = BIO_new_mem_buf(p->trust.bytes, (int)p->trust.len);
	unsigned n = 0;
	bool bad;
	X509 *x;

	if (!pem)
		return -ENOMEM;
	while ((x = next_certificate(b, pem, &bad))) {
		X509_STORE_add_cert(store, x);
		X509_free(x);
		n++;
	}
	BIO_free(pem);
	if (bad)
		return wrong(b, "profile", p->name, "trust anchor %u cannot be read", n + 1);
	return 0;
}

static int add_lists(struct build *b, unsigned i)
{
	const struct tls_profile_spec *p = &b->spec->profiles[i];
	struct tls_profile *out = &b->world->profiles[i];
	int bad;

	out->lists = tls_lists_use(p->lists);
	if (!out->lists && p->crls.len) {
		bad = tls_lists_read(p->crls, &out->lists);
		if (bad)
			return bad > 0 ? wrong(b, "profile", p->name, "revocation list %d cannot be read",
					       bad)
				       : bad;
	}
	return out->lists ? tls_crl_add_all(out->store, b->world->crl_method, b->core->lib, out->lists) : 0;
}

static int build_profile(struct build *b, unsigned i)
{
	const struct tls_profile_spec *p = &b->spec->profiles[i];
	struct tls_profile *out = &b->world->profiles[i];
	uint8_t modes[8] = {p->eku,
			    p->revocation,
			    p->depth,
			    p->anonymous,
			    (uint8_t)(p->version_min >> 8),
			    (uint8_t)p->version_min,
			    (uint8_t)(p->version_max >> 8),
			    (uint8_t)p->version_max};
	struct tls_blob parts[] = {text_blob(p->name),
				   {modes, sizeof(modes)},
				   text_blob(p->suites_13),
				   text_blob(p->suites_12),
				   text_blob(p->groups),
				   p->trust,
				   {NULL, 0}};
	int err;

	if (!p->name)
		return 0;
	out->store = X509_STORE_new();
	if (!out->store)
		return -ENOMEM;
	err = add_lists(b, i);
	if (err)
		return err;
	if (out->lists)
		parts[6] = (struct tls_blob){out->lists->digest, sizeof(out->lists->digest)};
	out->eku = p->eku;
	out->revocation = p->revocation;
	out->anonymous = p->anonymous;
	if (hash_of(out->hash, parts, sizeof(parts) / sizeof(parts[0])))
		return -ENOMEM;
	if (p->trust.len) {
		err = add_trust(b, out->store, p);
		if (err)
			return err;
	}
	if (p->revocation != TLS_REVOCATION_OFF)
		X509_STORE_set_flags(out->store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	return 0;
}

/* certificate, rest of the chain, key */
struct pair {
	X509 *certificate;
	STACK_OF(X509) * chain;
	EVP_PKEY *key;
};

static void pair_free(struct pair *p)
{
	X509_free(p->certificate);
	sk_X509_pop_free(p->chain, X509_free);
	EVP_PKEY_free(p->key);
}

int tls_no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	return 0;
}

/* Decoders of private keys are in the other library context; its keys would be exported anew to that of the
 * handshakes by whoever uses them first. */
static EVP_PKEY *key_read(struct build *b, BIO *pem)
{
	EVP_PKEY *there =
		PEM_read_bio_PrivateKey_ex(pem, NULL, tls_no_passphrase, NULL, b->core->base_lib, NULL);
	EVP_PKEY *here = NULL;
	OSSL_PARAM *params = NULL;
	EVP_PKEY_CTX *c = NULL;

	if (there && EVP_PKEY_todata(there, EVP_PKEY_KEYPAIR, &params) == 1)
		c = EVP_PKEY_CTX_new_from_name(b->core->lib, EVP_PKEY_get0_type_name(there), NULL);
	if (c && EVP_PKEY_fromdata_init(c) == 1 && EVP_PKEY_fromdata(c, &here, EVP_PKEY_KEYPAIR, params) != 1)
		here = NULL;
	EVP_PKEY_CTX_free(c);
	for (OSSL_PARAM *p = params; p && p->key; p++)
		tls_wipe(p->data, p->data_size);
	OSSL_PARAM_free(params);
	EVP_PKEY_free(there);
	return here;
}

static int pair_read(struct build *b, const struct tls_pair *in, bool in_force, const char *name,
		     const char *slot, struct pair *out)
{
	struct tls_peer facts;
	bool bad = false;
	BIO *pem;
	X509 *x;

	*out = (struct pair){0};
	if (!in->chain.len || !in->key.len)
		return wrong(b, "identity", name, "the %s %s is missing", slot,
			     in->key.len ? "certificate" : "key");
	pem = BIO_new_mem_buf(in->chain.bytes, (int)in->chain.len);
	out->chain = sk_X509_new_null();
	if (!pem || !out->chain) {
		BIO_free(pem);
		return -ENOMEM;
	}
	while ((x = next_certificate(b, pem, &bad))) {
		if (!out->certificate)
			out->certificate = x;
		else
			sk_X509_push(out->chain, x);
	}
	BIO_free(pem);
	if (bad || !out->certificate)
		return wrong(b, "identity", name, "the %s certificate or its chain cannot be read", slot);
	pem = BIO_new_mem_buf(in->key.bytes, (int)in->key.len);
	if (!pem)
		return -ENOMEM;
	out->key = key_read(b, pem);
	BIO_free(pem);
	if (!out->key)
		return wrong(b, "identity", name, "the %s key cannot be read", slot);
	if (!X509_check_private_key(out->certificate, out->key))
		return wrong(b, "identity", name, "the %s key is not that of the certificate", slot);
	if (tls_peer_read(out->certificate, &facts))
		return wrong(b, "identity", name, "the %s certificate is malformed", slot);
	if (facts.not_after < b->spec->wall_s && !in_force)
		return wrong(b, "identity", name, "the %s certificate has expired", slot);
	if (facts.not_before > b->spec->wall_s)
		return wrong(b, "identity", name, "the %s certificate is not valid yet", slot);
	return 0;
}

/* RFC 8446 4.2.3: of elliptic curves these alone have a signature in TLS 1.3 */
static bool key_speaks_13(const EVP_PKEY *key)
{
	static const char *const curves[] = {SN_X9_62_prime256v1, SN_secp384r1, SN_secp521r1};
	char curve[32];

	if (!EVP_PKEY_is_a(key, "EC"))
		return true;
	if (!EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL))
		return false;
	for (unsigned i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		if (strcmp(curve, curves[i]) == 0)
			return true;
	}
	return false;
}

static int certificates_stay(SSL *ssl, void *arg)
{
	return 1;
}

static int use_pairs(struct build *b, SSL_CTX *ctx, const struct tls_identity_spec *spec,
		     const struct tls_pair *pairs, struct tls_identity *id, bool server)
{
	const char *slot = server ? "server" : "client";

	for (unsigned i = 0; i < TLS_SLOT_PAIRS; i++) {
		struct pair p;
		int err;

		if (!pairs[i].chain.len && !pairs[i].key.len)
			continue;
		err = pair_read(b, &pairs[i], spec->in_force, spec->name, slot, &p);
		if (!err && !SSL_CTX_use_cert_and_key(ctx, p.certificate, p.key, p.chain, 0))
			err = wrong(b, "identity", spec->name,
				    "the %s certificate cannot be used beside the other one", slot);
		/* Before a server speaks TLS 1.3 libssl looks for a certificate that it can sign with there,
		 * and asks each key for its curve by name, in every handshake; not where a callback may
		 * choose others. */
		if (!err && server && key_speaks_13(p.key))
			SSL_CTX_set_cert_cb(ctx, certificates_stay, NULL);
		if (!err && pairs[i].ocsp.len && !id->ocsp[i]) {
			id->ocsp[i] = malloc(pairs[i].ocsp.len);
			if (!id->ocsp[i]) {
				err = -ENOMEM;
			} else {
				memcpy(id->ocsp[i], pairs[i].ocsp.bytes, pairs[i].ocsp.len);
				id->ocsp_len[i] = pairs[i].ocsp.len;
				id->ocsp_type[i] = EVP_PKEY_get_base_id(p.key);
			}
		}
		pair_free(&p);
		if (err)
			return err;
	}
	return 0;
}

/* RFC 6066 8: the response for the certificate that was chosen */
static int staple(SSL *ssl, void *arg)
{
	const struct tls_handshake *h = tls_handshake_of(ssl);
	const struct tls_identity *id = &h->world->identities[h->context->identity];
	EVP_PKEY *key = SSL_get_privatekey(ssl);
	unsigned char *copy;

	for (unsigned i = 0; key && i < TLS_SLOT_PAIRS; i++) {
		if (!id->ocsp[i] || id->ocsp_type[i] != EVP_PKEY_get_base_id(key))
			continue;
		copy = OPENSSL_memdup(id->ocsp[i], id->ocsp_len[i]);
		if (!copy || !SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)id->ocsp_len[i]))
			return SSL_TLSEXT_ERR_NOACK;
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_NOACK;
}

static bool sni_equal(const char *ours, const char *theirs, size_t len)
{
	const char *dot;

	if (ours[0] == '*') {
		dot = memchr(theirs, '.', len);
		return dot && dot != theirs && strlen(ours + 1) == len - (size_t)(dot - theirs) &&
		       strncasecmp(ours + 1, dot, len - (size_t)(dot - theirs)) == 0;
	}
	return strlen(ours) == len && strncasecmp(ours, theirs, len) == 0;
}

/* the same on all cores and after every start */
static uint64_t sni_hash(const unsigned char *name, size_t len)
{
	static const struct siphash_key key;
	char lower[TLS_EXPECT_MAX + 1];

	if (len > sizeof(lower))
		len = sizeof(lower);
	for (size_t i = 0; i < len; i++)
		lower[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
	return siphash13(&key, lower, len) | 1;
}

/* RFC 6066 3: ServerNameList of one host_name. A name that is not ours gets the identity of the listener:
 * partners send the SIP domain, the server's name or nothing. */
static int choose_identity(SSL *ssl, int *alert, void *arg)
{
	struct tls_handshake *h = tls_handshake_of(ssl);
	struct tls_world *w = h->world;
	const unsigned char *ext;
	size_t len, n;

	if (!SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &ext, &len) || len < 5)
		return SSL_CLIENT_HELLO_SUCCESS;
	n = (size_t)ext[3] << 8 | ext[4];
	if (ext[2] != TLSEXT_NAMETYPE_host_name || n == 0 || n > len - 5)
		return SSL_CLIENT_HELLO_SUCCESS;
	if (ext[5 + n - 1] == '.')
		n--;
	h->sni = sni_hash(ext + 5, n);
	for (unsigned i = 0; i < w->n_identities; i++) {
		const struct tls_identity *id = &w->identities[i];
		struct tls_context *c = &w->contexts[(i * w->n_profiles + h->context->profile) * 2 + 1];

		for (unsigned k = 0; c->ctx && k < id->n_sni; k++) {
			if (!sni_equal(id->sni[k], (const char *)ext + 5, n))
				continue;
			h->context = c;
			return SSL_set_SSL_CTX(ssl, c->ctx) ? SSL_CLIENT_HELLO_SUCCESS
							    : SSL_CLIENT_HELLO_ERROR;
		}
	}
	return SSL_CLIENT_HELLO_SUCCESS;
}

/* Without those that security level 2 forbids anyhow, DSA and SHA-224: libssl judges each one several times
 * in every handshake. */
static const char signatures[] =
	"ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:ed448:"
	"rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:"
	"rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:RSA+SHA256:RSA+SHA384:RSA+SHA512";

static int configure(struct build *b, struct tls_context *c, const struct tls_profile_spec *p,
		     const struct tls_profile *profile)
{
	SSL_CTX *ctx = c->ctx;
	int verify = SSL_VERIFY_PEER;

	if (!SSL_CTX_set_min_proto_version(ctx, p->version_min) ||
	    !SSL_CTX_set_max_proto_version(ctx, p->version_max))
		return wrong(b, "profile", p->name, "the versions cannot be used");
	if (p->version_max >= TLS1_3_VERSION && !SSL_CTX_set_ciphersuites(ctx, p->suites_13))
		return wrong(b, "profile", p->name, "the suites of TLS 1.3 cannot be used");
	if (p->version_min <= TLS1_2_VERSION && !SSL_CTX_set_cipher_list(ctx, p->suites_12))
		return wrong(b, "profile", p->name, "the suites of TLS 1.2 cannot be used");
	if (!SSL_CTX_set1_groups_list(ctx, p->groups))
		return wrong(b, "profile", p->name, "the groups cannot be used");
	if (!SSL_CTX_set1_sigalgs_list(ctx, signatures))
		return -ENOTSUP;
	SSL_CTX_set_security_level(ctx, 2);
	SSL_CTX_set_dh_auto(ctx, 1);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_SSLv3);
	SSL_CTX_clear_options(ctx, SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION);
	tls_compat_harden(ctx);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_max_cert_list(ctx, 32768);
	SSL_CTX_set1_cert_store(ctx, profile->store);
	SSL_CTX_set_cert_verify_callback(ctx, tls_verify_chain, NULL);
	if (c->server && !profile->anonymous)
		verify |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	SSL_CTX_set_verify(ctx, verify, NULL);
	/* libssl counts what lies between the peer's own and the anchor */
	SSL_CTX_set_verify_depth(ctx, p->depth ? p->depth - 1 : 8);
	if (!SSL_CTX_set_session_id_context(ctx, c->id, sizeof(c->id)))
		return -EINVAL;
	tls_watch_install(ctx);
	if (c->server) {
		SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
		/* each costs as much as a key agreement; on our own record path the ticket is ours too */
		SSL_CTX_set_num_tickets(ctx, b->core->config.own_records ? 0 : 1);
		SSL_CTX_set_client_hello_cb(ctx, choose_identity, NULL);
		SSL_CTX_set_tlsext_status_cb(ctx, staple);
		tls_ticket_install(c);
	} else {
		SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
		SSL_CTX_sess_set_new_cb(ctx, tls_client_session_new);
	}
	return 0;
}

static int build_context(struct build *b, unsigned i, unsigned p, bool server)
{
	const struct tls_identity_spec *spec = &b->spec->identities[i];
	struct tls_world *w = b->world;
	struct tls_context *c = &w->contexts[(i * w->n_profiles + p) * 2 + server];
	struct tls_blob parts[] = {{w->identities[i].hash, TLS_HASH_LEN},
				   {w->profiles[p].hash, TLS_HASH_LEN}};
	int err;

	if (!b->spec->profiles[p].name || (spec->profiles && !(spec->profiles >> p & 1)))
		return 0;
	c->core = b->core;
	c->world = w;
	c->identity = (uint8_t)i;
	c->profile = (uint8_t)p;
	c->server = server;
	if (hash_of(c->id, parts, 2))
		return -ENOMEM;
	/* an identity without server certificate serves nobody; as client it may go without one */
	if (server && !spec->server[0].chain.len && !spec->server[1].chain.len)
		return 0;
	c->ctx = SSL_CTX_new_ex(b->core->lib, NULL, server ? TLS_server_method() : TLS_client_method());
	if (!c->ctx)
		return -ENOMEM;
	SSL_CTX_set_app_data(c->ctx, c);
	err = configure(b, c, &b->spec->profiles[p], &w->profiles[p]);
	if (err)
		return err;
	return use_pairs(b, c->ctx, spec, server ? spec->server : spec->client, &w->identities[i], server);
}

static int build_identity(struct build *b, unsigned i)
{
	const struct tls_identity_spec *spec = &b->spec->identities[i];
	struct tls_identity *id = &b->world->identities[i];
	struct tls_blob name = text_blob(spec->name);
	int err = hash_of(id->hash, &name, 1);

	if (err || !spec->name)
		return err;
	while (id->n_sni < TLS_SNI_MAX && spec->sni[id->n_sni]) {
		if (strlen(spec->sni[id->n_sni]) > TLS_EXPECT_MAX)
			return wrong(b, "identity", spec->name, "a name for SNI is too long");
		snprintf(id->sni[id->n_sni], sizeof(id->sni[0]), "%s", spec->sni[id->n_sni]);
		id->n_sni++;
	}
	for (unsigned p = 0; p < b->spec->n_profiles; p++) {
		for (unsigned role = 0; role < 2; role++) {
			err = build_context(b, i, p, role == 1);
			if (err)
				return err;
		}
	}
	return 0;
}

struct tls_world *tls_world_create(struct tls_core *core, const struct tls_world_spec *spec, char *why,
				   size_t why_len)
{
	struct tls_world *w = calloc(1, sizeof(*w));
	struct build b = {.core = core, .world = w, .spec = spec, .why = why, .why_len = why_len};
	int err = -ENOMEM;

	snprintf(why, why_len, "no memory");
	ERR_clear_error();
	if (!w)
		return NULL;
	w->core = core;
	if (!spec->n_identities || spec->n_identities > TLS_IDENTITIES_MAX || !spec->n_profiles ||
	    spec->n_profiles > TLS_PROFILES_MAX) {
		snprintf(why, why_len, "between 1 and %u identities and profiles are possible",
			 TLS_IDENTITIES_MAX);
		goto fail;
	}
	w->n_identities = spec->n_identities;
	w->n_profiles = spec->n_profiles;
	w->identities = calloc(w->n_identities, sizeof(*w->identities));
	w->profiles = calloc(w->n_profiles, sizeof(*w->profiles));
	w->contexts = calloc((size_t)w->n_identities * w->n_profiles * 2, sizeof(*w->contexts));
	w->crl_method = tls_crl_method_new();
	if (!w->identities || !w->profiles || !w->contexts || !w->crl_method)
		goto fail;
	for (unsigned i = 0; i < w->n_profiles; i++) {
		err = build_profile(&b, i);
		if (err)
			goto fail;
	}
	for (unsigned i = 0; i < w->n_identities; i++) {
		err = build_identity(&b, i);
		if (err)
			goto fail;
	}
	return w;
fail:
	tls_world_destroy(w);
	return NULL;
}

void tls_world_destroy(struct tls_world *w)
{
	if (!w)
		return;
	for (unsigned i = 0; w->contexts && i < w->n_identities * w->n_profiles * 2; i++)
		SSL_CTX_free(w->contexts[i].ctx);
	for (unsigned i = 0; w->profiles && i < w->n_profiles; i++)
		X509_STORE_free(w->profiles[i].store);
	for (unsigned i = 0; w->identities && i < w->n_identities; i++) {
		for (unsigned k = 0; k < TLS_SLOT_PAIRS; k++)
			free(w->identities[i].ocsp[k]);
	}
	for (unsigned i = 0; w->profiles && i < w->n_profiles; i++)
		tls_lists_drop(w->profiles[i].lists);
	X509_CRL_METHOD_free(w->crl_method);
	free(w->contexts);
	free(w->profiles);
	free(w->identities);
	free(w);
}
