/* SPDX-License-Identifier: BSD-3-Clause */
/* A session's life, apart from the bytes: events of the stream, deadlines, the end. */
#include <errno.h>
#include <string.h>

#include "dataplane/tls/core.h"

/* ---- names ---- */

uint64_t tls_session_id(const struct tls_core *core, const struct tls_session *s)
{
	return (uint64_t)s->generation << 32 | tls_slot(core, s);
}

/* A generation is odd while the slot is in use, so an id is never 0. */
struct tls_session *tls_session_of(struct tls_core *core, uint64_t id)
{
	uint32_t slot = (uint32_t)id, generation = (uint32_t)(id >> 32);
	struct tls_session *s;

	if (slot >= core->sessions.touched || !(generation & 1))
		return NULL;
	s = base_pool_at(&core->sessions, slot);
	return s->generation == generation ? s : NULL;
}

void tls_session_chain(struct tls_core *core, struct tls_session *s, uint32_t chain)
{
	if (chain != TLS_NONE)
		tls_chain_hold(&core->chains, chain);
	if (s->chain != TLS_NONE)
		tls_chain_release(&core->chains, s->chain);
	s->chain = chain;
}

/* ---- clock and deadlines ---- */

void tls_core_clock(struct tls_core *core, uint64_t now_ns, int64_t wall_s)
{
	core->now_ns = now_ns;
	core->wall_s = wall_s;
	tls_arena_use(core->arena);
}

static int32_t left(const struct tls_core *core, uint32_t due_ms)
{
	return (int32_t)(due_ms - tls_now_ms(core));
}

void tls_session_arm(struct tls_core *core, struct tls_session *s)
{
	int32_t in = INT32_MAX;

	if (s->due_ms && left(core, s->due_ms) < in)
		in = left(core, s->due_ms);
	if (in < 0)
		in = 0;
	core->wire->deadline(core->wire_ctx, s->stream,
			     in == INT32_MAX ? 0 : core->now_ns + (uint64_t)in * 1000000);
}

void tls_session_due(struct tls_core *core, struct tls_session *s, uint32_t in_ms)
{
	/* 0 is "none": one millisecond in 49 days comes early */
	s->due_ms = in_ms ? (tls_now_ms(core) + in_ms) | (tls_now_ms(core) + in_ms == 0) : 0;
	tls_session_arm(core, s);
}

/* ---- the queue of handshakes that have something to do ---- */

void tls_session_queue(struct tls_core *core, struct tls_session *s)
{
	uint32_t slot = tls_slot(core, s);

	if (s->flags & TLS_F_QUEUED)
		return;
	s->flags |= TLS_F_QUEUED;
	s->ready_next = TLS_NONE;
	if (core->ready_tail == TLS_NONE)
		core->ready_head = slot;
	else
		((struct tls_session *)base_pool_at(&core->sessions, core->ready_tail))->ready_next = slot;
	core->ready_tail = slot;
}

static struct tls_session *queue_pop(struct tls_core *core)
{
	struct tls_session *s = base_pool_at(&core->sessions, core->ready_head);

	core->ready_head = s->ready_next;
	if (core->ready_head == TLS_NONE)
		core->ready_tail = TLS_NONE;
	s->flags &= (uint16_t)~TLS_F_QUEUED;
	return s;
}

bool tls_turn(struct tls_core *core)
{
	for (uint32_t i = 0; i < core->config.handshake_steps && core->ready_head != TLS_NONE;) {
		struct tls_session *s = queue_pop(core);

		if (s->state == TLS_S_FREE) { /* ended while it waited: the slot was kept for the list */
			base_pool_put(&core->sessions, tls_slot(core, s));
			continue;
		}
		if (s->state != TLS_S_HANDSHAKE)
			continue;
		i++;
		if (tls_handshake_step(core, s))
			tls_session_queue(core, s);
	}
	if (core->ready_head == TLS_NONE)
		return false;
	core->stats.counters[TLS_COUNTER_handshakes_put_off]++;
	return true;
}

/* ---- input ---- */

int tls_session_frame(struct tls_core *core, struct tls_session *s, bool v13)
{
	uint8_t head[TLS_RECORD_HEADER];
	struct tls_view v;
	uint32_t have;
	int n;

	if (core->wire->peek(core->wire_ctx, s->stream, &v, 1) == 0)
		return 0;
	if (v.len < TLS_RECORD_HEADER) {
		have = core->wire->copy(core->wire_ctx, s->stream, 0, head, sizeof(head));
		v = (struct tls_view){head, have};
	}
	n = tls_record_frame(v.data, v.len, v13);
	if (n > 0 && v.len < (uint32_t)n && core->wire->readable(core->wire_ctx, s->stream) < (uint32_t)n)
		return 0;
	return n;
}

static void discard_input(struct tls_core *core, struct tls_session *s)
{
	uint32_t n = core->wire->readable(core->wire_ctx, s->stream);

	if (n)
		core->wire->consume(core->wire_ctx, s->stream, n);
}

void tls_session_data_seen(struct tls_core *core, struct tls_session *s)
{
	if (s->flags & TLS_F_DATA)
		return;
	s->flags |= TLS_F_DATA;
	if (s->handshake != TLS_NONE && !(s->flags & TLS_F_SERVER))
		tls_session_due(core, s, core->config.take_over_ms);
}

uint32_t tls_session_deliver(struct tls_core *core, struct tls_session *s, uint8_t *plain, uint32_t len)
{
	const struct tls_ops *ops = tls_ops_of(core, s);
	uint32_t taken = len;

	tls_session_data_seen(core, s);
	if (ops->data)
		taken = ops->data(s->user, tls_session_id(core, s), plain, len);
	core->stats.counters[TLS_COUNTER_bytes_in] += taken;
	if (taken < len && s->state == TLS_S_OPEN)
		s->flags |= TLS_F_PAUSED;
	return taken;
}

void tls_session_eof(struct tls_core *core, struct tls_session *s)
{
	const struct tls_ops *ops = tls_ops_of(core, s);

	if (s->flags & TLS_F_EOF)
		return;
	s->flags |= TLS_F_EOF;
	discard_input(core, s);
	if (s->flags & TLS_F_SHUT)
		tls_session_end(core, s, TLS_END_closed);
	else if (ops->eof)
		ops->eof(s->user, tls_session_id(core, s));
}

bool tls_session_updated(struct tls_core *core, struct tls_session *s)
{
	uint32_t now = tls_now_ms(core);

	if (s->updates == 0 || now - s->updates_ms >= TLS_KEY_UPDATES_MS) {
		s->updates = 0;
		s->updates_ms = now;
	}
	return ++s->updates > TLS_KEY_UPDATES_MAX;
}

void tls_session_input(struct tls_core *core, struct tls_session *s)
{
	if (s->flags & TLS_F_EOF)
		discard_input(core, s); /* RFC 8446 6.1: what follows close_notify is ignored */
	else if (s->handshake != TLS_NONE)
		tls_libssl_input(core, s);
	else
		tls_own_input(core, s);
	/* what is left is half a record, and no more will come */
	if (s->state == TLS_S_OPEN && (s->flags & TLS_F_STREAM_EOF) &&
	    !(s->flags & (TLS_F_EOF | TLS_F_PAUSED)))
		tls_session_end(core, s, TLS_END_truncated);
}

void tls_stream_readable(struct tls_core *core, uint64_t id)
{
	struct tls_session *s = tls_session_of(core, id);

	if (!s)
		return;
	if (s->state == TLS_S_HANDSHAKE)
		tls_session_queue(core, s);
	else if (s->state == TLS_S_OPEN)
		tls_session_input(core, s);
	else
		discard_input(core, s);
}

void tls_resume(struct tls_core *core, uint64_t id)
{
	struct tls_session *s = tls_session_of(core, id);

	if (!s || s->state != TLS_S_OPEN || !(s->flags & TLS_F_PAUSED))
		return;
	s->flags &= (uint16_t)~TLS_F_PAUSED;
	tls_session_input(core, s);
}

void tls_session_blocked(struct tls_core *core, struct tls_session *s)
{
	s->flags |= TLS_F_BLOCKED;
	/* No room: the stream says when there is some. No buffer: nobody does, so we look again. */
	if (!s->due_ms)
		tls_session_due(core, s, 20);
}

void tls_stream_writable(struct tls_core *core, uint64_t id)
{
	struct tls_session *s = tls_session_of(core, id);
	const struct tls_ops *ops;

	if (!s)
		return;
	if (s->state == TLS_S_HANDSHAKE) {
		tls_session_queue(core, s);
	} else if (s->state == TLS_S_OPEN && (s->flags & TLS_F_BLOCKED)) {
		s->flags &= (uint16_t)~TLS_F_BLOCKED;
		ops = tls_ops_of(core, s);
		if (ops->writable)
			ops->writable(s->user, id);
	}
}

void tls_stream_eof(struct tls_core *core, uint64_t id)
{
	struct tls_session *s = tls_session_of(core, id);

	if (!s)
		return;
	s->flags |= TLS_F_STREAM_EOF;
	if (s->state == TLS_S_CLOSING) {
		discard_input(core, s);
		core->wire->close(core->wire_ctx, s->stream);
	} else if (s->state == TLS_S_HANDSHAKE) {
		/* what is queued may still finish it or hold an alert */
		tls_session_queue(core, s);
	} else if (!(s->flags & TLS_F_EOF)) {
		tls_session_input(core, s);
	}
}

void tls_stream_deadline(struct tls_core *core, uint64_t id)
{
	struct tls_session *s = tls_session_of(core, id);

	if (!s)
		return;
	if (s->due_ms && left(core, s->due_ms) <= 0) {
		s->due_ms = 0;
		if (s->state == TLS_S_HANDSHAKE) {
			tls_session_end(core, s, TLS_END_handshake_timeout);
			return;
		}
		if (s->state == TLS_S_CLOSING) {
			core->wire->abort(core->wire_ctx, s->stream);
			return;
		}
		s->flags |= TLS_F_WAITED;
		if (s->handshake != TLS_NONE && !(s->flags & TLS_F_PAUSED))
			tls_session_input(core, s);
		if (s->state == TLS_S_OPEN)
			tls_stream_writable(core, id);
	}
	if (s->state != TLS_S_CLOSING)
		tls_session_arm(core, s);
}

/* ---- the end ---- */

static void secrets_wipe(struct tls_core *core, struct tls_session *s)
{
	if (s->handshake == TLS_NONE) {
		tls_aead_key_drop(core->aead, tls_key_id(core, s, false));
		tls_aead_key_drop(core->aead, tls_key_id(core, s, true));
	}
	tls_wipe(&s->rx, sizeof(s->rx));
	tls_wipe(&s->tx, sizeof(s->tx));
}

void tls_session_end(struct tls_core *core, struct tls_session *s, enum tls_end end)
{
	bool failed = s->state == TLS_S_HANDSHAKE && end != TLS_END_closed && end != TLS_END_aborted;
	const struct tls_ops *ops = tls_ops_of(core, s);
	uint64_t id = tls_session_id(core, s);
	struct tls_handshake *h = tls_hs(core, s);

	if (s->state == TLS_S_CLOSING)
		return;
	s->state = TLS_S_CLOSING;
	s->end = (uint8_t)end;
	secrets_wipe(core, s);
	if (h) {
		/* the session stays until the stream is gone; what libcrypto said is kept where its secrets
		 * were */
		s->rx.seq = (uint64_t)(uint32_t)h->x509_error << 32 | (uint32_t)h->depth;
		tls_handshake_free(core, s);
	}
	s->plain_left = 0;
	discard_input(core, s);
	core->wire->shutdown(core->wire_ctx, s->stream);
	if (s->flags & TLS_F_STREAM_EOF)
		core->wire->close(core->wire_ctx, s->stream);
	else
		tls_session_due(core, s, core->config.close_ms);
	if (failed && ops->failed && tls_session_of(core, id) == s)
		ops->failed(s->user, id, end);
}

static void notify_close(struct tls_core *core, struct tls_session *s)
{
	struct tls_handshake *h = tls_hs(core, s);

	if (s->flags & TLS_F_SHUT)
		return;
	s->flags |= TLS_F_SHUT;
	if (h)
		SSL_shutdown(h->ssl);
	else
		tls_own_alert(core, s, 1, 0);
}

void tls_close(struct tls_core *core, uint64_t id)
{
	struct tls_session *s = tls_session_of(core, id);

	if (!s || s->state == TLS_S_CLOSING)
		return;
	if (s->state == TLS_S_OPEN)
		notify_close(core, s);
	tls_session_end(core, s, TLS_END_closed);
}

void tls_abort(struct tls_core *core, uint64_t id)
{
	struct tls_session *s = tls_session_of(core, id);

	if (!s)
		return;
	tls_session_end(core, s, TLS_END_aborted);
	core->wire->abort(core->wire_ctx, s->stream);
}

void tls_session_forget(struct tls_core *core, struct tls_session *s)
{
	secrets_wipe(core, s);
	if (s->handshake != TLS_NONE)
		tls_handshake_free(core, s);
	tls_session_chain(core, s, TLS_NONE);
	s->state = TLS_S_FREE;
	s->generation++;
	core->stats.sessions--;
	if (!(s->flags & TLS_F_QUEUED))
		base_pool_put(&core->sessions, tls_slot(core, s));
}

void tls_stream_closed(struct tls_core *core, uint64_t id, enum tls_end end)
{
	struct tls_session *s = tls_session_of(core, id);
	const struct tls_ops *ops;

	if (!s)
		return;
	if (s->state != TLS_S_CLOSING) {
		if (end == TLS_END_closed && !(s->flags & TLS_F_EOF))
			end = TLS_END_truncated;
		s->end = (uint8_t)end;
	}
	core->stats.ends[s->end]++;
	ops = tls_ops_of(core, s);
	if (ops->closed)
		ops->closed(s->user, id, (enum tls_end)s->end);
	tls_session_forget(core, s);
}
