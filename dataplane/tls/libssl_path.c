/* SPDX-License-Identifier: BSD-3-Clause */
/* Record path (a): libssl keeps the session. Input is peeked, offered upward, and only what was taken is
 * read, so nothing that the upper layer has no room for leaves libssl. */
#include <errno.h>
#include <string.h>

#include <openssl/err.h>

#include "dataplane/tls/compat.h"
#include "dataplane/tls/core.h"

void tls_libssl_fail(struct tls_core *core, struct tls_session *s, bool handshake)
{
	struct tls_handshake *h = tls_hs(core, s);
	unsigned long e = tls_compat_error();
	int reason = ERR_GET_REASON(e);
	enum tls_end end = TLS_END_protocol;

	if (ERR_GET_LIB(e) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET) {
		end = TLS_END_peer_alert;
		s->alert = (uint8_t)(reason - SSL_AD_REASON_OFFSET);
	} else if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
		s->verdict = TLS_VERDICT_absent;
		core->stats.verdicts[TLS_VERDICT_absent]++;
		end = TLS_END_verify;
	} else if (handshake && s->verdict > TLS_VERDICT_good) {
		end = TLS_END_verify;
	} else if (h->broken || reason == ERR_R_MALLOC_FAILURE) {
		end = TLS_END_memory;
	} else if (reason == SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC || reason == SSL_R_BAD_RECORD_TYPE) {
		end = TLS_END_forged;
	}
	tls_session_end(core, s, end);
}

/* false: wait for more, or over */
static bool feed(struct tls_core *core, struct tls_session *s, struct tls_handshake *h)
{
	int n;

	if (h->offer)
		return false;
	n = tls_session_frame(core, s, false);
	if (n == 0)
		return false;
	h->offer = n > 0 ? (uint32_t)n : core->wire->readable(core->wire_ctx, s->stream);
	return true;
}

void tls_libssl_input(struct tls_core *core, struct tls_session *s)
{
	uint32_t left = 0;

	while (s->state == TLS_S_OPEN && s->handshake != TLS_NONE && !(s->flags & TLS_F_PAUSED)) {
		struct tls_handshake *h = tls_hs(core, s);
		uint32_t taken, offered;
		size_t n = 0;
		bool again;
		int r;

		if (tls_take_over(core, s)) {
			tls_own_input(core, s);
			return;
		}
		ERR_clear_error();
		r = SSL_peek_ex(h->ssl, core->scratch, TLS_CHUNK, &n);
		if (s->flags & TLS_F_FLOOD) {
			tls_session_end(core, s, TLS_END_key_update_flood);
			return;
		}
		if (s->renegotiations > TLS_RENEGOTIATIONS_MAX) {
			tls_session_end(core, s, TLS_END_renegotiation);
			return;
		}
		if (r == 1) {
			taken = tls_session_deliver(core, s, core->scratch, (uint32_t)n);
			if (s->handshake != TLS_NONE && taken)
				SSL_read_ex(h->ssl, core->scratch, taken, &n);
			continue;
		}
		switch (SSL_get_error(h->ssl, r)) {
		case SSL_ERROR_WANT_READ:
			if (SSL_get_key_update_type(h->ssl) != SSL_KEY_UPDATE_NONE)
				SSL_do_handshake(h->ssl); /* libssl would answer with the next data only */
			offered = h->offer;
			/* Having answered a key update libssl returns before it looks at the record that was
			 * offered since: asked again it does. Twice the same is no progress. */
			again = h->offer ? h->offer != left : feed(core, s, h);
			left = offered;
			if (again)
				break;
			tls_take_over(core, s); /* what came last may have been the ticket */
			return;
		case SSL_ERROR_WANT_WRITE:
			return;
		case SSL_ERROR_ZERO_RETURN:
			tls_session_eof(core, s);
			return;
		default:
			tls_libssl_fail(core, s, false);
			return;
		}
	}
}

int64_t tls_libssl_send(struct tls_core *core, struct tls_session *s, const uint8_t *data, size_t len)
{
	struct tls_handshake *h = tls_hs(core, s);
	size_t at = 0, n;

	while (at < len) {
		/* Asked before each record, and a record fits into one buffer, which is then taken whole: so
		 * libssl is never left with half a record that it wants back. */
		if (core->wire->room(core->wire_ctx, s->stream) == 0)
			break;
		ERR_clear_error();
		n = len - at < TLS_LIBSSL_RECORD ? len - at : TLS_LIBSSL_RECORD;
		if (SSL_write_ex(h->ssl, data + at, n, &n) != 1)
			break;
		at += n;
	}
	if (h->broken)
		return -ENOBUFS;
	return (int64_t)at;
}
