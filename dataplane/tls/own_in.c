/* SPDX-License-Identifier: BSD-3-Clause */
/* Record path (b), input: records are opened where they lie in the stream's buffers; one that straddles
 * buffers is gathered into the core's scratch first. */
#include <errno.h>
#include <string.h>

#include "dataplane/tls/core.h"

enum {
	MESSAGE_HELLO_REQUEST = 0,
	MESSAGE_NEW_SESSION_TICKET = 4,
	MESSAGE_KEY_UPDATE = 24,
	ALERT_CLOSE_NOTIFY = 0,
	ALERT_INTERNAL_ERROR = 80,
	ALERT_USER_CANCELED = 90,
	ALERT_NO_RENEGOTIATION = 100,
	ALERT_WARNING = 1,
	ALERT_FATAL = 2,
};

static void fatal(struct tls_core *core, struct tls_session *s, uint8_t alert, enum tls_end end)
{
	s->alert = alert;
	if (!(s->flags & TLS_F_SHUT))
		tls_own_alert(core, s, ALERT_FATAL, alert);
	tls_session_end(core, s, end);
}

/* ---- plaintext upward ---- */

/* what was opened in scratch and not taken goes back where it came from, so that it waits in the stream */
static void put_back(struct tls_core *core, struct tls_session *s, const uint8_t *record)
{
	struct tls_view v[64];
	unsigned n = core->wire->peek(core->wire_ctx, s->stream, v, 64);
	uint32_t at = 0, want = s->record_len;

	for (unsigned i = 0; i < n && at < want; i++) {
		uint32_t len = v[i].len < want - at ? v[i].len : want - at;

		memcpy(v[i].data, record + at, len);
		at += len;
	}
}

/* false: stop reading */
static bool deliver(struct tls_core *core, struct tls_session *s, uint8_t *record, bool gathered)
{
	uint32_t taken = tls_session_deliver(core, s, record + s->plain_at, s->plain_left);

	if (s->state != TLS_S_OPEN)
		return false;
	s->plain_at = (uint16_t)(s->plain_at + taken);
	s->plain_left = (uint16_t)(s->plain_left - taken);
	if (s->plain_left) {
		if (gathered)
			put_back(core, s, record);
		return false;
	}
	core->wire->consume(core->wire_ctx, s->stream, s->record_len);
	return true;
}

/* `len` bytes of the head of the stream in one piece */
static uint8_t *whole(struct tls_core *core, struct tls_session *s, uint32_t len, bool *gathered)
{
	struct tls_view v;

	*gathered = false;
	if (core->wire->peek(core->wire_ctx, s->stream, &v, 1) == 0)
		return NULL;
	if (v.len >= len)
		return v.data;
	*gathered = true;
	core->stats.counters[TLS_COUNTER_records_gathered]++;
	return core->wire->copy(core->wire_ctx, s->stream, 0, core->scratch, len) == len ? core->scratch
											 : NULL;
}

static bool deliver_rest(struct tls_core *core, struct tls_session *s)
{
	bool gathered;
	uint8_t *record = whole(core, s, s->record_len, &gathered);

	return record && deliver(core, s, record, gathered);
}

/* ---- what is not data ---- */

static bool alert_in(struct tls_core *core, struct tls_session *s, const struct tls_opened *o)
{
	const struct tls_suite *suite = tls_suite_at(s->suite);

	/* RFC 8446 5.1: alerts are neither split nor joined */
	if (o->len != 2) {
		fatal(core, s, TLS_ALERT_DECODE_ERROR, TLS_END_protocol);
		return false;
	}
	if (o->data[1] == ALERT_CLOSE_NOTIFY) {
		tls_session_eof(core, s);
		return false;
	}
	/* RFC 8446 6: the level means nothing in 1.3; user_canceled announces a close_notify */
	if (o->data[1] == ALERT_USER_CANCELED ||
	    (!suite->v13 && o->data[0] == ALERT_WARNING && o->data[1] == ALERT_NO_RENEGOTIATION)) {
		if (++s->empties <= TLS_EMPTY_MAX)
			return true;
		fatal(core, s, TLS_ALERT_UNEXPECTED_MESSAGE, TLS_END_empty_flood);
		return false;
	}
	s->alert = o->data[1];
	tls_session_end(core, s, TLS_END_peer_alert);
	return false;
}

static bool key_update_in(struct tls_core *core, struct tls_session *s, uint8_t request)
{
	const struct tls_suite *suite = tls_suite_at(s->suite);

	if (request > 1) {
		fatal(core, s, 47, TLS_END_protocol); /* RFC 8446 4.6.3: illegal_parameter */
		return false;
	}
	core->stats.counters[TLS_COUNTER_key_updates_in]++;
	if (tls_session_updated(core, s)) {
		fatal(core, s, TLS_ALERT_UNEXPECTED_MESSAGE, TLS_END_key_update_flood);
		return false;
	}
	tls_direction_update(core->aead, suite, &s->rx, tls_key_id(core, s, false));
	s->rx_epoch++;
	if (request)
		s->flags |= TLS_F_UPDATE_DUE;
	return true;
}

/* RFC 8446 4.6: tickets and key updates; a message may straddle records, a key update may not be followed by
 * anything under the old key. */
static bool post_handshake(struct tls_core *core, struct tls_session *s, const uint8_t *p, uint32_t len)
{
	if (len == 0) {
		fatal(core, s, TLS_ALERT_UNEXPECTED_MESSAGE, TLS_END_protocol);
		return false;
	}
	while (len) {
		uint32_t n, size;
		bool update;

		if (s->skip_left) {
			n = len < s->skip_left ? len : s->skip_left;
			s->skip_left -= n;
			p += n;
			len -= n;
			continue;
		}
		s->part[s->part_len++] = *p++;
		len--;
		update = s->part[0] == MESSAGE_KEY_UPDATE;
		/* a post-handshake CertificateRequest was not agreed on, everything else has no place here */
		if (!update && (s->part[0] != MESSAGE_NEW_SESSION_TICKET || (s->flags & TLS_F_SERVER))) {
			fatal(core, s, TLS_ALERT_UNEXPECTED_MESSAGE, TLS_END_protocol);
			return false;
		}
		if (s->part_len < 4)
			continue;
		size = (uint32_t)s->part[1] << 16 | (uint32_t)s->part[2] << 8 | s->part[3];
		if (update ? size != 1 : size == 0 || size > 0x20000) {
			fatal(core, s, TLS_ALERT_DECODE_ERROR, TLS_END_protocol);
			return false;
		}
		if (!update) {
			s->part_len = 0;
			s->skip_left = size;
			core->stats.counters[TLS_COUNTER_tickets_ignored]++;
			continue;
		}
		if (s->part_len < 5)
			continue;
		s->part_len = 0;
		if (len) {
			fatal(core, s, TLS_ALERT_UNEXPECTED_MESSAGE, TLS_END_protocol);
			return false;
		}
		return key_update_in(core, s, s->part[4]);
	}
	return true;
}

static bool handshake_in(struct tls_core *core, struct tls_session *s, const struct tls_opened *o)
{
	if (tls_suite_at(s->suite)->v13)
		return post_handshake(core, s, o->data, o->len);
	/* TLS 1.2: HelloRequest or ClientHello. Both mean renegotiation (RFC 5246 7.2.2), which we refuse. */
	if (++s->renegotiations > TLS_RENEGOTIATIONS_MAX) {
		fatal(core, s, 40, TLS_END_renegotiation);
		return false;
	}
	tls_own_alert(core, s, ALERT_WARNING, ALERT_NO_RENEGOTIATION);
	return true;
}

/* ---- records ---- */

/* One record of `n` bytes. False: stop reading. */
static bool record_in(struct tls_core *core, struct tls_session *s, const struct tls_suite *suite, uint32_t n)
{
	struct tls_opened o;
	bool gathered, go_on;
	uint8_t *record = whole(core, s, n, &gathered);
	int err;

	if (!record)
		return false;
	err = tls_record_open(core->aead, suite, &s->rx, tls_key_id(core, s, false), record, n, &o);
	if (err) {
		fatal(core, s, (uint8_t)-err,
		      err == -TLS_ALERT_BAD_RECORD_MAC ? TLS_END_forged : TLS_END_protocol);
		return false;
	}
	core->stats.counters[TLS_COUNTER_records_in]++;
	if (o.type != TLS_HANDSHAKE && (s->part_len || s->skip_left)) {
		/* RFC 8446 5.1: nothing comes between the records of one message */
		fatal(core, s, TLS_ALERT_UNEXPECTED_MESSAGE, TLS_END_protocol);
		return false;
	}
	if (o.type == TLS_APPLICATION && o.len) {
		s->empties = 0;
		s->record_len = (uint16_t)n;
		s->plain_at = (uint16_t)(o.data - record);
		s->plain_left = (uint16_t)o.len;
		return deliver(core, s, record, gathered);
	}
	if (o.type == TLS_APPLICATION) {
		go_on = ++s->empties <= TLS_EMPTY_MAX;
		if (!go_on)
			fatal(core, s, TLS_ALERT_UNEXPECTED_MESSAGE, TLS_END_empty_flood);
	} else if (o.type == TLS_ALERT) {
		go_on = alert_in(core, s, &o);
	} else if (o.type == TLS_HANDSHAKE) {
		go_on = handshake_in(core, s, &o);
	} else {
		fatal(core, s, TLS_ALERT_UNEXPECTED_MESSAGE, TLS_END_protocol);
		return false;
	}
	if (go_on)
		core->wire->consume(core->wire_ctx, s->stream, n);
	return go_on;
}

/* RFC 8446 5.5: the peer should have changed its key; we ask once, then end it */
static bool rx_exhausted(struct tls_core *core, struct tls_session *s, const struct tls_suite *suite)
{
	uint64_t limit = tls_aead_record_limit(suite->alg);

	if (s->rx.seq < limit)
		return false;
	if (suite->v13 && s->rx.seq == limit)
		tls_own_key_update(core, s, true);
	if (s->rx.seq < 2 * limit)
		return false;
	fatal(core, s, ALERT_INTERNAL_ERROR, TLS_END_key_exhausted);
	return true;
}

void tls_own_input(struct tls_core *core, struct tls_session *s)
{
	const struct tls_suite *suite = tls_suite_at(s->suite);

	while (s->state == TLS_S_OPEN && !(s->flags & (TLS_F_PAUSED | TLS_F_EOF))) {
		int n;

		if (s->plain_left) {
			if (!deliver_rest(core, s))
				break;
			continue;
		}
		if (rx_exhausted(core, s, suite))
			return;
		n = tls_session_frame(core, s, suite->v13);
		if (n < 0)
			fatal(core, s, (uint8_t)-n, TLS_END_protocol);
		if (n <= 0 || !record_in(core, s, suite, (uint32_t)n))
			break;
	}
	/* once for all updates of this flight */
	if (s->state == TLS_S_OPEN && (s->flags & TLS_F_UPDATE_DUE))
		tls_own_answer_update(core, s);
}
