/* SPDX-License-Identifier: BSD-3-Clause */
/* Looking over libssl's shoulder: secrets from our key derivation, and how many records each key has
 * protected, which are the sequence numbers when our own record path takes over. (libssl derives the traffic
 * secrets when it puts them into use, so the counts begin there; records under the handshake keys and
 * change_cipher_spec of TLS 1.3 are not counted.) */
#include <string.h>

#include "dataplane/tls/core.h"
#include "dataplane/tls/tls_digest.h"

enum { MESSAGE_CERTIFICATE = 11, MESSAGE_KEY_UPDATE = 24 };

struct tls_handshake *tls_handshake_of(const SSL *ssl)
{
	return SSL_get_app_data(ssl);
}

struct tls_core *tls_core_of(const SSL *ssl)
{
	return tls_handshake_of(ssl)->world->core;
}

static struct tls_session *session_of(const SSL *ssl)
{
	return base_pool_at(&tls_core_of(ssl)->sessions, tls_handshake_of(ssl)->session);
}

static bool take(struct tls_provider_secret *from, uint8_t to[TLS_SECRET_MAX])
{
	if (!from->there)
		return false;
	memcpy(to, from->bytes, TLS_SECRET_MAX);
	tls_wipe(from, sizeof(*from));
	return true;
}

void tls_watch_secrets(struct tls_core *core, const struct tls_session *s, struct tls_handshake *h)
{
	struct tls_provider_secret *from = core->providers.ours->secrets;
	bool server = s->flags & TLS_F_SERVER;

	if (take(&from[server ? TLS_PROVIDER_CLIENT : TLS_PROVIDER_SERVER], h->secret_rx)) {
		h->have_rx = true;
		h->count_rx = 0;
	}
	if (take(&from[server ? TLS_PROVIDER_SERVER : TLS_PROVIDER_CLIENT], h->secret_tx)) {
		h->have_tx = true;
		h->count_tx = 0;
	}
	if (take(&from[TLS_PROVIDER_RESUMPTION], h->resumption))
		h->have_resumption = true;
}

static void record_seen(struct tls_handshake *h, const SSL *ssl, bool out, uint8_t type)
{
	uint64_t *count = out ? &h->count_tx : &h->count_rx;
	bool *counts = out ? &h->tx_counts : &h->rx_counts;

	if (SSL_version(ssl) >= TLS1_3_VERSION) {
		if (type != TLS_CHANGE_CIPHER_SPEC)
			++*count;
	} else if (type == TLS_CHANGE_CIPHER_SPEC) {
		*count = 0;
		*counts = true;
	} else if (*counts) {
		++*count;
	}
}

static void key_updated(struct tls_handshake *h, const SSL *ssl, bool out)
{
	const struct tls_suite *suite =
		tls_suite_find(SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl)));
	struct tls_core *core = tls_core_of(ssl);
	struct tls_session *s = session_of(ssl);

	if (!out && tls_session_updated(core, s))
		s->flags |= TLS_F_FLOOD;
	if (!suite)
		return;
	tls_kdf_next_secret(suite->hash, out ? h->secret_tx : h->secret_rx);
	if (out)
		h->count_tx = 0;
	else
		h->count_rx = 0;
}

/* libssl refuses each request with a warning, for ever */
static void renegotiation_refused(struct tls_session *s)
{
	if (s->renegotiations <= TLS_RENEGOTIATIONS_MAX)
		s->renegotiations++;
}

/* it comes here before it is verified (verify.c) */
static void certificate_seen(struct tls_handshake *h, const void *message, size_t len)
{
	struct tls_digest d;

	tls_digest_init(&d, TLS_HASH_SHA256);
	tls_digest_add(&d, message, len);
	tls_digest_final(&d, h->presented);
	h->have_presented = true;
}

static void message_seen(int out, int version, int type, const void *bytes, size_t len, SSL *ssl, void *arg)
{
	struct tls_handshake *h = tls_handshake_of(ssl);
	const uint8_t *b = bytes;

	/* this record may be the first under a key that was derived in the same call */
	tls_watch_secrets(tls_core_of(ssl), session_of(ssl), h);
	if (type == SSL3_RT_HEADER && len >= 1)
		record_seen(h, ssl, out, b[0]);
	else if (type == SSL3_RT_HANDSHAKE && h->finished && len >= 1 && b[0] == MESSAGE_KEY_UPDATE)
		key_updated(h, ssl, out);
	else if (type == SSL3_RT_HANDSHAKE && !out && len >= 1 && b[0] == MESSAGE_CERTIFICATE)
		certificate_seen(h, bytes, len);
	else if (type == SSL3_RT_ALERT && out && len >= 2 && b[1] == SSL_AD_NO_RENEGOTIATION)
		renegotiation_refused(session_of(ssl));
	else if (type == SSL3_RT_ALERT && len >= 2 && b[1] != SSL_AD_CLOSE_NOTIFY)
		session_of(ssl)->alert = b[1];
}

void tls_watch_install(SSL_CTX *ctx)
{
	SSL_CTX_set_msg_callback(ctx, message_seen);
}
