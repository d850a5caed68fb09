/* SPDX-License-Identifier: BSD-3-Clause */
/* tls.h: sending, asking, and handing over worlds and keys. */
#include <errno.h>
#include <string.h>

#include "dataplane/tls/core.h"

static int sendable(const struct tls_session *s)
{
	if (!s)
		return -ENOTCONN;
	if (s->state == TLS_S_HANDSHAKE)
		return -EAGAIN;
	return s->state == TLS_S_CLOSING || (s->flags & TLS_F_SHUT) ? -EPIPE : 0;
}

int64_t tls_send(struct tls_core *core, uint64_t id, const void *data, size_t len)
{
	struct tls_session *s = tls_session_of(core, id);
	int err = sendable(s);
	int64_t n;

	if (err)
		return err;
	tls_session_data_seen(core, s);
	if (s->handshake != TLS_NONE)
		tls_take_over(core, s);
	n = s->handshake != TLS_NONE ? tls_libssl_send(core, s, data, len) : tls_own_send(core, s, data, len);
	if (n < 0)
		return n;
	core->stats.counters[TLS_COUNTER_bytes_out] += (uint64_t)n;
	if ((size_t)n < len)
		tls_session_blocked(core, s);
	return n;
}

void tls_warm(struct tls_core *core, uint64_t id, unsigned step)
{
	const struct tls_session *s;

	if (step == 0) {
		for (size_t at = 0; at < sizeof(*s); at += 64)
			__builtin_prefetch((const uint8_t *)base_pool_at(&core->sessions, (uint32_t)id) + at,
					   1);
		return;
	}
	s = tls_session_of(core, id);
	if (s && s->state == TLS_S_OPEN && s->handshake == TLS_NONE) {
		tls_aead_key_warm(core->aead, tls_key_id(core, s, true), step - 1);
		if (step == 1 && core->wire->warm)
			core->wire->warm(core->wire_ctx, s->stream);
	}
}

bool tls_commits_whole(struct tls_core *core, uint64_t id)
{
	const struct tls_session *s = tls_session_of(core, id);

	return s && s->state == TLS_S_OPEN && s->handshake == TLS_NONE;
}

int tls_reserve(struct tls_core *core, uint64_t id, struct tls_out *out)
{
	struct tls_session *s = tls_session_of(core, id);
	const struct tls_suite *suite;
	int err = sendable(s);

	if (err)
		return err;
	err = -EAGAIN;
	if (core->wire->room(core->wire_ctx, s->stream))
		err = core->wire->alloc(core->wire_ctx, s->stream, &out->buffer);
	if (err) {
		tls_session_blocked(core, s);
		return err;
	}
	/* whichever path it goes in the end, there is room for a header in front */
	suite = s->suite == UINT8_MAX ? NULL : tls_suite_at(s->suite);
	out->data = out->buffer.data + (suite ? tls_record_front(suite) : 0);
	out->room =
		out->buffer.room - (suite ? (uint32_t)(tls_record_front(suite) + tls_record_back(suite)) : 0);
	if (out->room > TLS_PLAIN_MAX)
		out->room = TLS_PLAIN_MAX;
	return 0;
}

int tls_commit(struct tls_core *core, uint64_t id, struct tls_out *out, uint32_t len)
{
	struct tls_session *s = tls_session_of(core, id);
	int err = sendable(s);
	int64_t n;

	if (len == 0 || err) {
		core->wire->discard(core->wire_ctx, &out->buffer);
		return err;
	}
	tls_session_data_seen(core, s);
	if (s->handshake != TLS_NONE)
		tls_take_over(core, s);
	if (s->handshake != TLS_NONE) {
		n = tls_libssl_send(core, s, out->data, len);
		core->wire->discard(core->wire_ctx, &out->buffer);
		if (n < 0)
			return (int)n;
		if (n < (int64_t)len) {
			tls_session_blocked(core, s);
			return -EAGAIN;
		}
	} else {
		if (s->tx.seq >= tls_aead_record_limit(tls_suite_at(s->suite)->alg) ||
		    (s->flags & TLS_F_UPDATE_DUE)) {
			/* the rare way: a key change goes first */
			n = tls_own_send(core, s, out->data, len);
			core->wire->discard(core->wire_ctx, &out->buffer);
			return n < 0 ? (int)n : n < (int64_t)len ? -EAGAIN : 0;
		}
		err = tls_own_seal(core, s, &out->buffer, TLS_APPLICATION, out->data, len);
		if (err) {
			tls_session_blocked(core, s);
			return err;
		}
	}
	core->stats.counters[TLS_COUNTER_bytes_out] += len;
	return 0;
}

int tls_key_update(struct tls_core *core, uint64_t id, bool request)
{
	struct tls_session *s = tls_session_of(core, id);
	struct tls_handshake *h;
	int err = sendable(s);

	if (err)
		return err;
	h = tls_hs(core, s);
	if (!h)
		return tls_own_key_update(core, s, request);
	if (SSL_version(h->ssl) < TLS1_3_VERSION)
		return -ENOTSUP;
	if (!SSL_key_update(h->ssl, request ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED))
		return -EAGAIN;
	return SSL_do_handshake(h->ssl) == 1 ? 0 : -EAGAIN;
}

const struct tls_peer *tls_peer_get(struct tls_core *core, uint64_t id)
{
	struct tls_session *s = tls_session_of(core, id);

	return s && s->chain != TLS_NONE ? &tls_chain_at(&core->chains, s->chain)->peer : NULL;
}

bool tls_info_get(struct tls_core *core, uint64_t id, struct tls_info *info)
{
	struct tls_session *s = tls_session_of(core, id);
	struct tls_handshake *h;

	memset(info, 0, sizeof(*info));
	if (!s)
		return false;
	h = tls_hs(core, s);
	info->server = s->flags & TLS_F_SERVER;
	info->open = s->state == TLS_S_OPEN;
	info->begun = s->flags & TLS_F_BEGUN;
	info->resumed = s->flags & TLS_F_RESUMED;
	info->chain_cached = s->flags & TLS_F_CACHED;
	info->own_records = s->state == TLS_S_OPEN && !h;
	info->identity = s->identity;
	info->profile = s->profile;
	info->verdict = (enum tls_verdict)s->verdict;
	info->alert = s->alert;
	if (s->suite != UINT8_MAX) {
		info->suite = tls_suite_at(s->suite)->id;
		info->suite_name = tls_suite_at(s->suite)->name;
		info->v13 = tls_suite_at(s->suite)->v13;
	} else if (h && h->finished) {
		info->suite = SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(h->ssl));
		info->suite_name = SSL_CIPHER_standard_name(SSL_get_current_cipher(h->ssl));
	}
	if (h && h->finished) {
		info->own_records_why_not = tls_take_over_never(core, s);
		if (!info->own_records_why_not)
			info->own_records_why_not = "not yet";
	}
	if (s->state == TLS_S_CLOSING) {
		info->x509_error = (int)(s->rx.seq >> 32);
		info->depth = (int)(uint32_t)s->rx.seq;
	}
	if (s->chain != TLS_NONE)
		info->crl_soft = tls_chain_at(&core->chains, s->chain)->crl_soft;
	return true;
}

const struct tls_stats *tls_stats_get(struct tls_core *core)
{
	core->stats.peers = core->chains.pool.used;
	return &core->stats;
}

void tls_core_world(struct tls_core *core, struct tls_world *world)
{
	if (core->world) {
		core->world->users--;
		core->world->next = core->retired;
		core->retired = core->world;
	}
	world->users++;
	core->world = world;
	if (core->keylog)
		tls_keylog_world(core, world);
}

void tls_core_ticket_keys(struct tls_core *core, const struct tls_ticket_keys *keys)
{
	core->tickets = *keys;
}
