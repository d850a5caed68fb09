/* SPDX-License-Identifier: BSD-3-Clause */
/* Looking over libssl's shoulder: traffic secrets from its key log, and how many records each key has
 * protected, which are the sequence numbers when our own record path takes over. (The key log names the
 * secrets when they are put into use, so the counts begin there; records under the handshake keys and
 * change_cipher_spec of TLS 1.3 are not counted.) */
#include <string.h>

#include "dataplane/tls/core.h"

enum { MESSAGE_KEY_UPDATE = 24 };

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

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "LABEL client-random secret" */
static void key_logged(const SSL *ssl, const char *line)
{
	struct tls_handshake *h = tls_handshake_of(ssl);
	const char *label_end = strchr(line, ' '), *at = strrchr(line, ' ');
	bool client, ours;
	uint8_t *secret;
	size_t n = 0;

	if (!label_end || at == label_end)
		return;
	if (tls_core_of(ssl)->keylog)
		tls_keylog_line(tls_core_of(ssl), h, line);
	client = strncmp(line, "CLIENT_TRAFFIC_SECRET_0 ", 24) == 0;
	if (!client && strncmp(line, "SERVER_TRAFFIC_SECRET_0 ", 24) != 0)
		return;
	ours = client != (SSL_is_server(ssl) == 1);
	secret = ours ? h->secret_tx : h->secret_rx;
	for (at++; n < TLS_SECRET_MAX && hex(at[0]) >= 0 && hex(at[1]) >= 0; at += 2)
		secret[n++] = (uint8_t)(hex(at[0]) << 4 | hex(at[1]));
	h->secret_len = (uint8_t)n;
	if (ours) {
		h->have_tx = true;
		h->count_tx = 0;
	} else {
		h->have_rx = true;
		h->count_rx = 0;
	}
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
	tls_kdf_next_secret(tls_aead_mb(core->aead), suite->hash, out ? h->secret_tx : h->secret_rx);
	if (out)
		h->count_tx = 0;
	else
		h->count_rx = 0;
}

static void message_seen(int out, int version, int type, const void *bytes, size_t len, SSL *ssl, void *arg)
{
	struct tls_handshake *h = tls_handshake_of(ssl);
	const uint8_t *b = bytes;

	if (type == SSL3_RT_HEADER && len >= 1)
		record_seen(h, ssl, out, b[0]);
	else if (type == SSL3_RT_HANDSHAKE && h->finished && len >= 1 && b[0] == MESSAGE_KEY_UPDATE)
		key_updated(h, ssl, out);
	else if (type == SSL3_RT_ALERT && len >= 2 && b[1] != SSL_AD_CLOSE_NOTIFY)
		session_of(ssl)->alert = b[1];
}

void tls_watch_install(SSL_CTX *ctx)
{
	SSL_CTX_set_keylog_callback(ctx, key_logged);
	SSL_CTX_set_msg_callback(ctx, message_seen);
}
