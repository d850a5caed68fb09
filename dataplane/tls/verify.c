/* SPDX-License-Identifier: BSD-3-Clause */
/* Is this peer's certificate good? libcrypto builds and checks the chain; usage, names, what revocation means
 * and what is remembered are ours. */
#include <string.h>

#include <openssl/x509v3.h>

#include "dataplane/tls/core.h"
#include "dataplane/tls/issuers.h"
#include "dataplane/tls/tls_digest.h"

enum {
	VALID_S_MAX = 24 * 3600, /* even a good chain is looked at once a day */
	KEY_BITS_MIN = 112,
};

static const struct {
	int error;
	uint8_t verdict;
} verdicts[] = {
	{X509_V_ERR_CERT_HAS_EXPIRED, TLS_VERDICT_expired},
	{X509_V_ERR_CERT_NOT_YET_VALID, TLS_VERDICT_not_yet_valid},
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, TLS_VERDICT_untrusted},
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, TLS_VERDICT_untrusted},
	{X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, TLS_VERDICT_untrusted},
	{X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, TLS_VERDICT_untrusted},
	{X509_V_ERR_CERT_UNTRUSTED, TLS_VERDICT_untrusted},
	{X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, TLS_VERDICT_self_signed},
	{X509_V_ERR_CERT_REVOKED, TLS_VERDICT_revoked},
	{X509_V_ERR_UNABLE_TO_GET_CRL, TLS_VERDICT_crl_missing},
	{X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, TLS_VERDICT_crl_missing},
	{X509_V_ERR_CRL_HAS_EXPIRED, TLS_VERDICT_crl_stale},
	{X509_V_ERR_CRL_NOT_YET_VALID, TLS_VERDICT_crl_stale},
	{X509_V_ERR_INVALID_PURPOSE, TLS_VERDICT_usage},
	{X509_V_ERR_HOSTNAME_MISMATCH, TLS_VERDICT_name},
	{X509_V_ERR_EE_KEY_TOO_SMALL, TLS_VERDICT_weak},
	{X509_V_ERR_CA_KEY_TOO_SMALL, TLS_VERDICT_weak},
	{X509_V_ERR_CA_MD_TOO_WEAK, TLS_VERDICT_weak},
};

static enum tls_verdict verdict_of(int error)
{
	for (unsigned i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		if (verdicts[i].error == error)
			return (enum tls_verdict)verdicts[i].verdict;
	}
	return TLS_VERDICT_chain_form;
}

static struct tls_handshake *handshake_of(X509_STORE_CTX *ctx)
{
	return tls_handshake_of(X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx()));
}

/* everything that was presented, the profile (with trust and lists) and the role; false: libssl asks about a
 * chain that nobody has sent */
static bool chain_key(const struct tls_handshake *h, const struct tls_profile *profile, bool server,
		      uint8_t key[TLS_HASH_LEN])
{
	struct tls_digest d;
	uint8_t role = server;

	tls_digest_init(&d, TLS_HASH_SHA256);
	tls_digest_add(&d, profile->hash, sizeof(profile->hash));
	tls_digest_add(&d, &role, 1);
	tls_digest_add(&d, h->presented, sizeof(h->presented));
	tls_digest_final(&d, key);
	return h->have_presented;
}

/* A list that is missing or outdated is noted, and what comes of it is said when the rest of the chain is
 * known to be good: soft-fail forgives it, and who fetches lists is told of nobody whom no anchor vouches
 * for. (libcrypto looks at signatures last.) A certificate that a list names is never forgiven. */
static int on_error(int ok, X509_STORE_CTX *ctx)
{
	struct tls_handshake *h = handshake_of(ctx);

	if (ok)
		return ok;
	switch (X509_STORE_CTX_get_error(ctx)) {
	case X509_V_ERR_UNABLE_TO_GET_CRL:
	case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
	case X509_V_ERR_CRL_HAS_EXPIRED:
	case X509_V_ERR_CRL_NOT_YET_VALID:
		if (h->world->profiles[h->context->profile].revocation == TLS_REVOCATION_SOFT) {
			h->crl_soft = true;
		} else if (!h->crl_error) {
			h->crl_error = X509_STORE_CTX_get_error(ctx);
			h->crl_depth = X509_STORE_CTX_get_error_depth(ctx);
		}
		X509_STORE_CTX_set_error(ctx, X509_V_OK);
		return 1;
	default:
		return 0;
	}
}

void tls_core_pins(struct tls_core *core, tls_pinned_fn fn, void *ctx)
{
	core->pinned = fn;
	core->pinned_ctx = ctx;
}

bool tls_chain_stands(const struct tls_core *core, unsigned profile, uint32_t chain)
{
	const struct tls_chain *c = tls_chain_at(&core->chains, chain);

	return !c->pinned || (core->pinned && core->pinned(core->pinned_ctx, profile, c->peer.spki));
}

static bool names_expected(const struct tls_handshake *h, const struct tls_chain *c)
{
	struct policy_name want = {h->expect, h->expect_len};
	const struct tls_peer *p = &c->peer;

	if (!want.len)
		return true;
	if (c->pinned) /* he wrote his names himself */
		return false;
	for (unsigned i = 0; i < p->names; i++) {
		if (policy_name_presented(tls_peer_name(p, i), want, h->wildcard))
			return true;
	}
	return false;
}

bool tls_verify_again(struct tls_core *core, struct tls_handshake *h, uint32_t chain)
{
	const struct tls_chain *c = tls_chain_at(&core->chains, chain);

	return core->wall_s <= c->valid_until && core->wall_s >= c->peer.not_before &&
	       tls_chain_stands(core, h->context->profile, chain) && names_expected(h, c);
}

/* the earliest end of anything in the chain */
static int64_t valid_until(X509_STORE_CTX *ctx, int64_t wall_s)
{
	const STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
	int64_t until = wall_s + VALID_S_MAX;

	for (int i = 0; i < sk_X509_num(chain); i++) {
		struct tm tm;
		int64_t end;

		if (!ASN1_TIME_to_tm(X509_get0_notAfter(sk_X509_value(chain, i)), &tm))
			return wall_s;
		end = timegm(&tm);
		if (end < until)
			until = end;
	}
	return until;
}

/* Nobody vouches for this chain. When somebody pins the key of the certificate itself, that is all that was
 * asked for: possession of it the handshake proves. What libcrypto had not come to yet is looked at here.
 * `error`, or X509_V_OK. */
static int key_alone(X509_STORE_CTX *ctx, const struct tls_core *core, const struct tls_handshake *h,
		     const struct tls_peer *peer, int error)
{
	enum tls_verdict verdict = verdict_of(error);
	const EVP_PKEY *key = X509_get0_pubkey(X509_STORE_CTX_get0_cert(ctx));

	if ((verdict != TLS_VERDICT_untrusted && verdict != TLS_VERDICT_self_signed) || !core->pinned ||
	    !core->pinned(core->pinned_ctx, h->context->profile, peer->spki))
		return error;
	if (core->wall_s > peer->not_after)
		return X509_V_ERR_CERT_HAS_EXPIRED;
	if (core->wall_s < peer->not_before)
		return X509_V_ERR_CERT_NOT_YET_VALID;
	/* as much as security level 2 asks of keys */
	return key && EVP_PKEY_get_security_bits(key) >= KEY_BITS_MIN ? X509_V_OK
								      : X509_V_ERR_EE_KEY_TOO_SMALL;
}

/* full verification; X509_V_OK and *peer, or what is wrong */
static int verify(X509_STORE_CTX *ctx, struct tls_core *core, struct tls_handshake *h,
		  const struct tls_profile *profile, bool server, struct tls_peer *peer, bool *pinned)
{
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);

	/* usage is judged below, by the profile's mode */
	X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_ANY);
	X509_VERIFY_PARAM_set_time(param, (time_t)core->wall_s);
	X509_STORE_CTX_set_verify_cb(ctx, on_error);
	core->stats.counters[TLS_COUNTER_chain_verified]++;
	h->crl_error = 0;
	if (X509_verify_cert(ctx) <= 0) {
		int error = X509_STORE_CTX_get_error(ctx);

		h->depth = X509_STORE_CTX_get_error_depth(ctx);
		if (error == X509_V_OK)
			return X509_V_ERR_UNSPECIFIED;
		if (tls_peer_read(X509_STORE_CTX_get0_cert(ctx), peer))
			return error;
		error = key_alone(ctx, core, h, peer, error);
		if (error != X509_V_OK)
			return error;
		*pinned = true;
		h->depth = 0;
	} else if (tls_peer_read(X509_STORE_CTX_get0_cert(ctx), peer)) {
		return X509_V_ERR_INVALID_EXTENSION;
	} else {
		tls_issuers_usage(X509_STORE_CTX_get0_chain(ctx), peer);
		if (!tls_issuers_key_signs(X509_STORE_CTX_get0_cert(ctx), server))
			return X509_V_ERR_INVALID_PURPOSE;
		if (!tls_issuers_permit(X509_STORE_CTX_get0_chain(ctx)))
			return X509_V_ERR_PERMITTED_VIOLATION;
	}
	if (!policy_eku_fits((enum policy_eku_mode)profile->eku, peer->eku, server))
		return X509_V_ERR_INVALID_PURPOSE;
	if (!h->crl_error || *pinned)
		return X509_V_OK;
	h->depth = h->crl_depth;
	return h->crl_error;
}

static int refuse(X509_STORE_CTX *ctx, struct tls_core *core, struct tls_session *s, struct tls_handshake *h,
		  int error)
{
	enum tls_verdict verdict =
		error == X509_V_ERR_INVALID_EXTENSION ? TLS_VERDICT_unreadable : verdict_of(error);

	X509_STORE_CTX_set_error(ctx, error);
	h->x509_error = error;
	s->verdict = (uint8_t)verdict;
	core->stats.verdicts[verdict]++;
	core->stats.counters[TLS_COUNTER_verify_failed]++;
	return 0;
}

int tls_verify_chain(X509_STORE_CTX *ctx, void *arg)
{
	struct tls_handshake *h = handshake_of(ctx);
	struct tls_core *core = h->world->core;
	struct tls_session *s = base_pool_at(&core->sessions, h->session);
	const struct tls_profile *profile = &h->world->profiles[h->context->profile];
	bool server = SSL_is_server(h->ssl);
	uint8_t key[TLS_HASH_LEN];
	bool pinned = false;
	struct tls_peer peer;
	uint32_t chain;
	int error;

	if (h->probe)
		tls_probe_certificate(h, X509_STORE_CTX_get0_cert(ctx));
	if (!chain_key(h, profile, server, key))
		return refuse(ctx, core, s, h, X509_V_ERR_OUT_OF_MEM);
	chain = tls_chain_find(&core->chains, key, core->wall_s);
	if (chain != TLS_NONE && tls_chain_stands(core, h->context->profile, chain)) {
		core->stats.counters[TLS_COUNTER_chain_cached]++;
		s->flags |= TLS_F_CACHED;
	} else {
		/* libcrypto's checks ask the default context for hashes */
		OSSL_LIB_CTX *before = OSSL_LIB_CTX_set0_default(core->lib);
		int64_t told = INT64_MAX;
		struct tls_chain *c;

		error = verify(ctx, core, h, profile, server, &peer, &pinned);
		if (!pinned && profile->revocation != TLS_REVOCATION_OFF &&
		    (error == X509_V_OK || (h->crl_error && error == h->crl_error)))
			told = tls_points_tell(core, h->context->profile, key, ctx);
		OSSL_LIB_CTX_set0_default(before);
		if (error != X509_V_OK)
			return refuse(ctx, core, s, h, error);
		chain = tls_chain_add(&core->chains, key);
		if (chain == TLS_NONE)
			return refuse(ctx, core, s, h, X509_V_ERR_OUT_OF_MEM);
		c = tls_chain_at(&core->chains, chain);
		c->crl_soft = h->crl_soft;
		c->verified_at = core->wall_s;
		c->valid_until = valid_until(ctx, core->wall_s);
		if (pinned && c->valid_until > peer.not_after)
			c->valid_until = peer.not_after;
		if (c->valid_until > told)
			c->valid_until = told;
		c->pinned = pinned;
		c->peer = peer;
	}
	/* the name belongs to this connection, not to the chain */
	if (!names_expected(h, tls_chain_at(&core->chains, chain)))
		return refuse(ctx, core, s, h, X509_V_ERR_HOSTNAME_MISMATCH);
	tls_session_chain(core, s, chain);
	s->verdict = (uint8_t)tls_chain_verdict(core, chain);
	core->stats.verdicts[s->verdict]++;
	X509_STORE_CTX_set_error(ctx, X509_V_OK);
	return 1;
}
