/* SPDX-License-Identifier: BSD-3-Clause */
/* From libssl to our own record path: at a record boundary, with nothing pending and no half message. */
#include <string.h>

#include "dataplane/tls/core.h"

const char *tls_take_over_never(struct tls_core *core, struct tls_session *s)
{
	struct tls_handshake *h = tls_hs(core, s);

	if (!h)
		return NULL;
	if (!core->config.own_records)
		return "switched off";
	if (s->suite == UINT8_MAX)
		return "suite";
	if (SSL_version(h->ssl) >= TLS1_3_VERSION && (!h->have_rx || !h->have_tx))
		return "no secrets";
	if (SSL_SESSION_get_max_fragment_length(SSL_get0_session(h->ssl)) !=
	    TLSEXT_max_fragment_length_DISABLED)
		return "short records were agreed on"; /* RFC 6066 4: rare, and libssl knows how */
	return NULL;
}

/* a client's tickets can be used by libssl alone: the key log does not have the resumption secret */
static bool tickets_settled(const struct tls_session *s, const struct tls_handshake *h)
{
	return (s->flags & (TLS_F_SERVER | TLS_F_WAITED)) || h->ticket_seen ||
	       SSL_version(h->ssl) < TLS1_3_VERSION;
}

static bool at_boundary(const struct tls_handshake *h)
{
	return h->offer == 0 && SSL_is_init_finished(h->ssl) && !SSL_has_pending(h->ssl) &&
	       !SSL_want_write(h->ssl) && SSL_get_shutdown(h->ssl) == 0 && !h->broken &&
	       SSL_get_key_update_type(h->ssl) == SSL_KEY_UPDATE_NONE;
}

/* RFC 5246 6.3. What libssl has used of the explicit nonces so far began at a random number of 64 bits; ours
 * begin at the sequence number. */
static void keys_12(struct tls_core *core, const struct tls_suite *suite, struct tls_session *s,
		    struct tls_handshake *h)
{
	uint8_t master[48], server[32], client[32], block[2 * (TLS_KEY_MAX + TLS_NONCE_LEN)];
	size_t key = tls_aead_key_len(suite->alg);
	size_t iv = suite->alg == TLS_AEAD_CHACHA20_POLY1305 ? 12 : 4;
	bool is_server = s->flags & TLS_F_SERVER;
	uint8_t *to[2] = {is_server ? s->rx.secret : s->tx.secret, is_server ? s->tx.secret : s->rx.secret};

	SSL_SESSION_get_master_key(SSL_get_session(h->ssl), master, sizeof(master));
	SSL_get_server_random(h->ssl, server, sizeof(server));
	SSL_get_client_random(h->ssl, client, sizeof(client));
	tls_kdf_key_block(suite->hash, master, server, client, block, 2 * (key + iv));
	for (unsigned i = 0; i < 2; i++) {
		memset(to[i], 0, TLS_SECRET_MAX);
		memcpy(to[i], block + i * key, key);
		memcpy(to[i] + TLS_KEY_MAX, block + 2 * key + i * iv, iv);
	}
	tls_wipe(master, sizeof(master));
	tls_wipe(block, sizeof(block));
}

bool tls_take_over(struct tls_core *core, struct tls_session *s)
{
	struct tls_handshake *h = tls_hs(core, s);
	struct tls_fresh_ticket ticket = {0};
	const struct tls_suite *suite;
	bool issue;

	if (!h || (s->flags & (TLS_F_SHUT | TLS_F_EOF)) || tls_take_over_never(core, s) ||
	    !tickets_settled(s, h) || !at_boundary(h))
		return false;
	suite = tls_suite_at(s->suite);
	if (suite->v13) {
		memcpy(s->rx.secret, h->secret_rx, TLS_SECRET_MAX);
		memcpy(s->tx.secret, h->secret_tx, TLS_SECRET_MAX);
	} else {
		keys_12(core, suite, s, h);
	}
	s->rx.seq = h->count_rx;
	s->tx.seq = h->count_tx;
	issue = suite->v13 && (s->flags & TLS_F_SERVER) && h->have_resumption;
	if (issue) {
		ticket.context = h->context;
		memcpy(ticket.secret, h->resumption, sizeof(ticket.secret));
	}
	tls_handshake_free(core, s);
	s->flags &= (uint16_t)~TLS_F_WAITED;
	tls_session_due(core, s, 0);
	core->stats.counters[TLS_COUNTER_taken_over]++;
	if (issue) {
		tls_ticket_send(core, s, &ticket);
		tls_wipe(&ticket, sizeof(ticket));
	}
	return true;
}
