/* SPDX-License-Identifier: BSD-3-Clause */
/* Tickets as server (RFC 5077, RFC 8446 4.6.1). libssl runs no verification when it resumes, so each ticket
 * names the chain that was verified, identity and profile, and holds what was found of the peer
 * (ticket_record.h): any core that has our key can judge it again by the profile as it is now. A verification
 * that ended, or was made with other trust or other lists, means a full handshake.
 *
 * Who has the ticket key can make a ticket in anybody's name. That was so before tickets held the record: the
 * hash of a chain is no secret either. */
#include <errno.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/rand.h>

#include "dataplane/tls/compat.h"
#include "dataplane/tls/core.h"
#include "dataplane/tls/ticket_form.h"
#include "dataplane/tls/ticket_record.h"
#include "dataplane/tls/tls_digest.h"

enum {
	TICKET_S_MAX = 24 * 3600,
	TICKET_CLOCK_S = 60, /* by so much the clock may have been set back since a verification */
	TICKET_PLAIN_MAX = 208 + TLS_TICKET_DATA_MAX,
};

struct ticket_data {
	uint8_t bytes[TLS_TICKET_DATA_MAX];
	size_t len;
};

static bool key_there(const struct tls_ticket_key *k)
{
	static const struct tls_ticket_key none;

	return memcmp(k, &none, sizeof(none)) != 0;
}

static const struct tls_ticket_key *key_named(const struct tls_ticket_keys *keys, const uint8_t *name)
{
	const struct tls_ticket_key *k[3] = {&keys->current, &keys->next, &keys->previous};

	for (unsigned i = 0; i < 3; i++) {
		if (key_there(k[i]) && CRYPTO_memcmp(k[i]->name, name, sizeof(k[i]->name)) == 0)
			return k[i];
	}
	return NULL;
}

static int ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
		      EVP_MAC_CTX *mac, int enc)
{
	struct tls_core *core = tls_core_of(ssl);
	const struct tls_ticket_key *k = enc ? &core->tickets.current : key_named(&core->tickets, name);
	OSSL_PARAM params[3];
	char digest[] = "SHA256";
	uint8_t mac_key[32];
	int good;

	if (!k) {
		core->stats.counters[TLS_COUNTER_tickets_unknown_key]++;
		return 0;
	}
	if (enc) {
		memcpy(name, k->name, sizeof(k->name));
		if (RAND_bytes_ex(core->lib, iv, 16, 0) <= 0)
			return -1;
		core->stats.counters[TLS_COUNTER_tickets_issued]++;
	}
	memcpy(mac_key, k->mac, sizeof(mac_key));
	params[0] = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, mac_key, sizeof(mac_key));
	params[1] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0);
	params[2] = OSSL_PARAM_construct_end();
	good = EVP_MAC_CTX_set_params(mac, params) &&
	       EVP_CipherInit_ex2(cipher, core->ticket_cipher, k->aes, iv, enc, NULL);
	tls_wipe(mac_key, sizeof(mac_key));
	if (!good)
		return -1;
	/* under an old key it is accepted and replaced */
	return k == &core->tickets.previous ? 2 : 1;
}

static uint32_t chain_of(struct tls_core *core, const SSL *ssl)
{
	struct tls_handshake *h = tls_handshake_of(ssl);
	struct tls_session *s = base_pool_at(&core->sessions, h->session);

	if (s->chain != TLS_NONE)
		return s->chain;
	return SSL_session_reused(ssl) ? h->resume_chain : TLS_NONE;
}

/* Under what a ticket is good: identity and profile; in TLS 1.2 the name that was asked for too (RFC 6066 3).
 * In TLS 1.3 a name belongs to each handshake alone (RFC 8446 4.2.11). */
static void good_under(const SSL *ssl, const struct tls_handshake *h, uint8_t out[TLS_HASH_LEN])
{
	struct tls_digest d;

	memcpy(out, h->context->id, TLS_HASH_LEN);
	if (SSL_version(ssl) >= TLS1_3_VERSION)
		return;
	tls_digest_init(&d, TLS_HASH_SHA256);
	tls_digest_add(&d, out, TLS_HASH_LEN);
	tls_digest_add(&d, &h->sni, sizeof(h->sni));
	tls_digest_final(&d, out);
}

/* what a ticket says besides the secret; returns its life in seconds */
static int64_t describe(const struct tls_core *core, const uint8_t context[TLS_HASH_LEN], uint32_t chain,
			bool whole, struct ticket_data *d)
{
	const struct tls_chain *c = chain == TLS_NONE ? NULL : tls_chain_at(&core->chains, chain);
	int64_t life = TICKET_S_MAX;

	d->len = tls_ticket_data_put(d->bytes, context, c, whole);
	if (c && c->valid_until - core->wall_s < life)
		life = c->valid_until - core->wall_s;
	return life > 0 ? life : 0;
}

static int ticket_write(SSL *ssl, void *arg)
{
	struct tls_handshake *h = tls_handshake_of(ssl);
	struct tls_core *core = tls_core_of(ssl);
	SSL_SESSION *session = SSL_get_session(ssl);
	uint8_t context[TLS_HASH_LEN];
	struct ticket_data d;

	good_under(ssl, h, context);
	SSL_SESSION_set_timeout(session, (long)describe(core, context, chain_of(core, ssl), true, &d));
	return SSL_SESSION_set1_ticket_appdata(session, d.bytes, d.len);
}

/* ---- a ticket without libssl ---- */

/* Initialization vectors and the like: the generator's price is by the call, not by the byte. */
static bool random_take(struct tls_core *core, uint8_t *out, size_t len)
{
	if (core->random_left < len) {
		if (RAND_bytes_ex(core->lib, core->random, sizeof(core->random), 0) <= 0)
			return false;
		core->random_left = sizeof(core->random);
	}
	core->random_left -= len;
	memcpy(out, core->random + core->random_left, len);
	return true;
}

/* key name, IV, ciphertext, MAC, as libssl lays them out (RFC 5077 4); the length, 0: no ticket */
static size_t seal(struct tls_core *core, uint8_t *plain, int len, const uint8_t iv[16], uint8_t *out)
{
	const struct tls_ticket_key *k = &core->tickets.current;
	int n = 0, more = 0;
	size_t at = 32;

	memcpy(out, k->name, 16);
	memcpy(out + 16, iv, 16);
	if (!EVP_EncryptInit_ex2(core->ticket_ctx, core->ticket_cipher, k->aes, iv, NULL) ||
	    !EVP_EncryptUpdate(core->ticket_ctx, out + at, &n, plain, len) ||
	    !EVP_EncryptFinal_ex(core->ticket_ctx, out + at + n, &more))
		return 0;
	at += (size_t)(n + more);
	tls_kdf_hmac(TLS_HASH_SHA256, k->mac, sizeof(k->mac), out, at, out + at);
	return at + 32;
}

/* 0 or -errno */
static int ticket_send(struct tls_core *core, struct tls_session *s, struct tls_fresh_ticket *t, bool whole)
{
	const struct tls_suite *suite = tls_suite_at(s->suite);
	size_t hash = tls_hash_len(suite->hash), len;
	uint8_t psk[TLS_SECRET_MAX], plain[TICKET_PLAIN_MAX], random[20];
	/* type, length, lifetime, age_add, nonce of one byte, ticket, extensions (RFC 8446 4.6.1) */
	uint8_t message[4 + 4 + 4 + 2 + 2 + 32 + TICKET_PLAIN_MAX + 16 + 32 + 2], *p = message + 4;
	struct ticket_data d;
	int64_t life = describe(core, t->context->id, s->chain, whole, &d);
	struct tls_ticket_session in = {
		.suite = suite->id,
		.psk = psk,
		.context = t->context->id,
		.appdata = d.bytes,
		.psk_len = hash,
		.context_len = sizeof(t->context->id),
		.appdata_len = d.len,
		.made_at = core->wall_s,
		.life = life,
	};

	if (!core->wire->room(core->wire_ctx, s->stream) || !random_take(core, random, sizeof(random)))
		return -EAGAIN;
	/* one ticket a session, so its nonce is always the same */
	tls_kdf_expand_context(suite->hash, t->secret, "resumption", (const uint8_t[1]){0}, 1, psk, hash);
	/* without the peer's certificate, which libssl would encode, decode and encode again */
	len = tls_ticket_form(&in, plain, sizeof(plain));
	if (len)
		len = seal(core, plain, (int)len, random, message + 16);
	tls_wipe(psk, sizeof(psk));
	tls_wipe(plain, sizeof(plain));
	if (len == 0)
		return -ENOMEM;
	for (unsigned i = 0; i < 4; i++)
		*p++ = (uint8_t)(life >> (24 - 8 * i));
	memcpy(p, random + 16, 4); /* age_add: nobody here asks how old a ticket says it is */
	p += 4;
	*p++ = 1;
	*p++ = 0;
	*p++ = (uint8_t)(len >> 8);
	*p++ = (uint8_t)len;
	p += len;
	*p++ = 0;
	*p++ = 0;
	len = (size_t)(p - message) - 4;
	message[0] = 4;
	message[1] = 0;
	message[2] = (uint8_t)(len >> 8);
	message[3] = (uint8_t)len;
	return tls_own_write(core, s, TLS_HANDSHAKE, message, len + 4);
}

void tls_ticket_send(struct tls_core *core, struct tls_session *s, struct tls_fresh_ticket *t)
{
	int err = ticket_send(core, s, t, true);

	/* half a message that the next buffer does not continue would be the end: one record or none */
	if (err == -EMSGSIZE)
		err = ticket_send(core, s, t, false);
	if (err == 0)
		core->stats.counters[TLS_COUNTER_tickets_issued]++;
}

/* What a ticket says of a peer that this core does not know: as good as if this core had verified it, while
 * that verification holds. The profile is the one of then, lists included, or its context were another. */
static uint32_t recall(struct tls_core *core, const struct tls_chain *record)
{
	struct tls_chain *c;
	uint32_t i;

	if (core->wall_s > record->valid_until || core->wall_s < record->peer.not_before ||
	    record->verified_at > core->wall_s + TICKET_CLOCK_S)
		return TLS_NONE;
	i = tls_chain_add(&core->chains, record->key);
	if (i == TLS_NONE)
		return TLS_NONE;
	c = tls_chain_at(&core->chains, i);
	c->crl_soft = record->crl_soft;
	c->pinned = record->pinned;
	c->verified_at = record->verified_at;
	c->valid_until = record->valid_until;
	c->peer = record->peer;
	core->stats.counters[TLS_COUNTER_tickets_recalled]++;
	return i;
}

static bool acceptable(struct tls_core *core, const SSL *ssl, struct tls_handshake *h, SSL_SESSION *session)
{
	struct tls_ticket_claim claim;
	uint8_t context[TLS_HASH_LEN];
	struct tls_chain record;
	uint32_t chain;
	size_t len;
	void *p;

	if (!SSL_SESSION_get0_ticket_appdata(session, &p, &len) ||
	    !tls_ticket_data_get(p, len, &claim, &record))
		return false;
	if (core->wall_s > tls_compat_session_time(session) + SSL_SESSION_get_timeout(session))
		return false; /* libssl looks at its age in TLS 1.2 only */
	good_under(ssl, h, context);
	if (memcmp(claim.context, context, sizeof(claim.context)) != 0) {
		core->stats.counters[TLS_COUNTER_tickets_other_identity]++;
		return false;
	}
	if (claim.chain == TLS_TICKET_NOBODY)
		return h->world->profiles[h->context->profile].anonymous;
	chain = tls_chain_find(&core->chains, claim.key, core->wall_s);
	if (chain == TLS_NONE && claim.chain == TLS_TICKET_WHOLE)
		chain = recall(core, &record);
	if (chain == TLS_NONE || !tls_chain_stands(core, h->context->profile, chain)) {
		core->stats.counters[TLS_COUNTER_tickets_unverified]++;
		return false;
	}
	tls_chain_hold(&core->chains, chain);
	if (h->resume_chain != TLS_NONE)
		tls_chain_release(&core->chains, h->resume_chain);
	h->resume_chain = chain;
	return true;
}

static SSL_TICKET_RETURN ticket_read(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
				     size_t name_len, SSL_TICKET_STATUS status, void *arg)
{
	struct tls_handshake *h = tls_handshake_of(ssl);

	if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	if (!acceptable(tls_core_of(ssl), ssl, h, session))
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	/* a client of 1.3 uses each ticket once (RFC 8446 C.4), so it gets another */
	if (SSL_version(ssl) >= TLS1_3_VERSION || status == SSL_TICKET_SUCCESS_RENEW)
		return SSL_TICKET_RETURN_USE_RENEW;
	return SSL_TICKET_RETURN_USE;
}

void tls_ticket_install(struct tls_context *c)
{
	SSL_CTX_set_tlsext_ticket_key_evp_cb(c->ctx, ticket_key);
	SSL_CTX_set_session_ticket_cb(c->ctx, ticket_write, ticket_read, NULL);
}
