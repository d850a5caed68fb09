/* SPDX-License-Identifier: BSD-3-Clause */
/* Record path (b), output: payload is laid into the wire's buffer behind room for the record header, sealed
 * there and queued. */
#include <errno.h>
#include <string.h>

#include "dataplane/tls/core.h"

int tls_own_seal(struct tls_core *core, struct tls_session *s, struct tls_buffer *b, enum tls_content type,
		 uint8_t *payload, uint32_t len)
{
	const struct tls_suite *suite = tls_suite_at(s->suite);
	size_t n = tls_record_seal(core->aead, suite, &s->tx, tls_key_id(core, s, true), type, payload, len);
	int err = core->wire->send(core->wire_ctx, s->stream, b, (uint32_t)n);

	if (err)
		s->tx.seq--; /* nobody has seen it, so its number is free */
	else
		core->stats.counters[TLS_COUNTER_records_out]++;
	return err;
}

int tls_own_write(struct tls_core *core, struct tls_session *s, enum tls_content type, const void *data,
		  size_t len)
{
	const struct tls_suite *suite = tls_suite_at(s->suite);
	struct tls_buffer b;
	int err = core->wire->alloc(core->wire_ctx, s->stream, &b);

	if (err)
		return err;
	if (tls_record_front(suite) + len + tls_record_back(suite) > b.room) {
		core->wire->discard(core->wire_ctx, &b);
		return -EMSGSIZE;
	}
	memcpy(b.data + tls_record_front(suite), data, len);
	return tls_own_seal(core, s, &b, type, b.data + tls_record_front(suite), (uint32_t)len);
}

void tls_own_alert(struct tls_core *core, struct tls_session *s, uint8_t level, uint8_t what)
{
	uint8_t alert[2] = {level, what};

	tls_own_write(core, s, TLS_ALERT, alert, sizeof(alert));
}

int tls_own_key_update(struct tls_core *core, struct tls_session *s, bool request)
{
	const struct tls_suite *suite = tls_suite_at(s->suite);
	uint8_t message[5] = {24, 0, 0, 1, request};
	int err;

	if (!suite->v13)
		return -ENOTSUP;
	err = tls_own_write(core, s, TLS_HANDSHAKE, message, sizeof(message));
	if (err)
		return err;
	tls_direction_update(core->aead, suite, &s->tx, tls_key_id(core, s, true));
	s->tx_epoch++;
	core->stats.counters[TLS_COUNTER_key_updates_out]++;
	return 0;
}

void tls_own_answer_update(struct tls_core *core, struct tls_session *s)
{
	/* no room now: the next send tries again */
	if (!(s->flags & TLS_F_SHUT) && core->wire->room(core->wire_ctx, s->stream) &&
	    tls_own_key_update(core, s, false) == 0)
		s->flags &= (uint16_t)~TLS_F_UPDATE_DUE;
}

/* true: this key may protect another record */
static bool tx_key_good(struct tls_core *core, struct tls_session *s, const struct tls_suite *suite)
{
	if (s->flags & TLS_F_UPDATE_DUE)
		tls_own_answer_update(core, s);
	if (s->tx.seq < tls_aead_record_limit(suite->alg))
		return true;
	return suite->v13 && tls_own_key_update(core, s, false) == 0;
}

int64_t tls_own_send(struct tls_core *core, struct tls_session *s, const uint8_t *data, size_t len)
{
	const struct tls_suite *suite = tls_suite_at(s->suite);
	uint32_t front = (uint32_t)tls_record_front(suite), back = (uint32_t)tls_record_back(suite);
	size_t at = 0;

	while (at < len) {
		struct tls_buffer b;
		size_t n = len - at;

		if (core->wire->room(core->wire_ctx, s->stream) == 0)
			break;
		if (!tx_key_good(core, s, suite)) {
			tls_session_end(core, s, TLS_END_key_exhausted);
			return -EPIPE;
		}
		if (core->wire->alloc(core->wire_ctx, s->stream, &b))
			break;
		if (n > b.room - front - back)
			n = b.room - front - back;
		if (n > TLS_PLAIN_MAX)
			n = TLS_PLAIN_MAX;
		memcpy(b.data + front, data + at, n);
		if (tls_own_seal(core, s, &b, TLS_APPLICATION, b.data + front, (uint32_t)n))
			break;
		at += n;
	}
	return (int64_t)at;
}
