/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tls/tls_tcp.h"

#include <errno.h>

#include <rte_mbuf.h>

#include "dataplane/tls/core.h"

/* ---- the wire ---- */

static unsigned wire_peek(void *ctx, uint64_t stream, struct tls_view *views, unsigned max)
{
	struct tls_tcp *t = ctx;
	struct tcp_view v[64];
	unsigned n = tcp_peek(t->stack, stream, v, max < 64 ? max : 64);

	for (unsigned i = 0; i < n; i++)
		views[i] = (struct tls_view){v[i].data, v[i].len};
	return n;
}

static uint32_t wire_readable(void *ctx, uint64_t stream)
{
	struct tls_tcp *t = ctx;

	return tcp_readable(t->stack, stream);
}

static uint32_t wire_copy(void *ctx, uint64_t stream, uint32_t offset, void *to, uint32_t len)
{
	struct tls_tcp *t = ctx;

	return tcp_copy(t->stack, stream, offset, to, len);
}

static void wire_consume(void *ctx, uint64_t stream, uint32_t len)
{
	struct tls_tcp *t = ctx;

	tcp_consume(t->stack, stream, len);
}

static uint32_t wire_room(void *ctx, uint64_t stream)
{
	struct tls_tcp *t = ctx;

	/* bytes are not all that the stack counts: entries, the prefix's and the core's share too */
	return tcp_ask(t->stack, stream);
}

/* One buffer is one segment: a record never costs the stack a copy. */
static int wire_alloc(void *ctx, uint64_t stream, struct tls_buffer *out)
{
	struct tls_tcp *t = ctx;
	struct rte_mbuf *m = tcp_alloc(t->stack);
	uint32_t mss;

	if (!m)
		return -ENOBUFS;
	mss = tcp_mss(t->stack, stream);
	out->handle = m;
	out->data = rte_pktmbuf_mtod(m, uint8_t *);
	/* where the headers go, which are read again as soon as they are written: for the checksum */
	__builtin_prefetch(out->data - 64, 1);
	/* and the buffer's own second line, for whom it is queued by */
	__builtin_prefetch((const uint8_t *)m + 64, 1);
	out->room = rte_pktmbuf_tailroom(m);
	if (mss >= TLS_WIRE_ROOM_MIN && out->room > mss)
		out->room = mss;
	return 0;
}

static int wire_send(void *ctx, uint64_t stream, struct tls_buffer *b, uint32_t len)
{
	struct tls_tcp *t = ctx;
	int err;

	rte_pktmbuf_append(b->handle, (uint16_t)len);
	err = tcp_send(t->stack, stream, b->handle);
	if (err)
		rte_pktmbuf_free(b->handle);
	return err;
}

static void wire_discard(void *ctx, struct tls_buffer *b)
{
	rte_pktmbuf_free(b->handle);
}

static void wire_shutdown(void *ctx, uint64_t stream)
{
	struct tls_tcp *t = ctx;

	tcp_shutdown(t->stack, stream);
}

static void wire_close(void *ctx, uint64_t stream)
{
	struct tls_tcp *t = ctx;

	tcp_close(t->stack, stream);
}

static void wire_abort(void *ctx, uint64_t stream)
{
	struct tls_tcp *t = ctx;

	tcp_abort(t->stack, stream);
}

static void wire_warm(void *ctx, uint64_t stream)
{
	struct tls_tcp *t = ctx;

	tcp_warm(t->stack, stream);
}

static void wire_deadline(void *ctx, uint64_t stream, uint64_t at_ns)
{
	struct tls_tcp *t = ctx;

	tcp_deadline(t->stack, stream, at_ns);
}

const struct tls_wire tls_tcp_wire = {
	.peek = wire_peek,
	.readable = wire_readable,
	.copy = wire_copy,
	.consume = wire_consume,
	.room = wire_room,
	.alloc = wire_alloc,
	.send = wire_send,
	.discard = wire_discard,
	.shutdown = wire_shutdown,
	.close = wire_close,
	.abort = wire_abort,
	.deadline = wire_deadline,
	.warm = wire_warm,
};

/* ---- events of the stack; the user pointer of a connection is its session ---- */

static void *on_accept(void *listener, uint64_t stream, const struct net_tuple *tuple)
{
	struct tls_tcp_listener *l = listener;
	struct tls_core *core = l->tls->core;
	struct tls_server_params p = {
		.profile = l->profile, .identity = l->identity, .remote = tuple->remote};
	struct tls_session *s;
	uint64_t id;

	if (tls_accept(core, stream, &p, l->ops, NULL, &id))
		return NULL;
	s = tls_session_of(core, id);
	s->user = l->accept(l->ctx, id, tuple);
	if (!s->user) {
		tls_session_forget(core, s);
		return NULL;
	}
	return s;
}

static void on_writable(void *user, uint64_t stream)
{
	struct tls_session *s = user;

	tls_stream_writable(s->core, tls_session_id(s->core, s));
}

static void on_readable(void *user, uint64_t stream)
{
	struct tls_session *s = user;

	tls_stream_readable(s->core, tls_session_id(s->core, s));
}

static void on_eof(void *user, uint64_t stream)
{
	struct tls_session *s = user;

	tls_stream_eof(s->core, tls_session_id(s->core, s));
}

static void on_deadline(void *user, uint64_t stream)
{
	struct tls_session *s = user;

	tls_stream_deadline(s->core, tls_session_id(s->core, s));
}

static void on_closed(void *user, uint64_t stream, enum tcp_end end)
{
	static const uint8_t ends[TCP_ENDS] = {
		[TCP_END_CLOSED] = TLS_END_closed,	    [TCP_END_RESET] = TLS_END_reset,
		[TCP_END_REFUSED] = TLS_END_reset,	    [TCP_END_TIMEOUT] = TLS_END_stream_timeout,
		[TCP_END_STALLED] = TLS_END_stream_timeout, [TCP_END_UNREACHABLE] = TLS_END_reset,
		[TCP_END_DATA_LOST] = TLS_END_reset,	    [TCP_END_ABORTED] = TLS_END_aborted,
		[TCP_END_LIMIT] = TLS_END_memory,
	};
	struct tls_session *s = user;

	tls_stream_closed(s->core, tls_session_id(s->core, s), (enum tls_end)ends[end]);
}

/* session, then where its key may be, then the key; the upper layer's one step behind */
static void on_warm(void *user, unsigned step)
{
	const struct tls_session *s = user;
	const struct tls_core *core;
	const struct tls_ops *ops;

	if (step == 0) {
		for (size_t at = 0; at < sizeof(*s); at += 64)
			__builtin_prefetch((const uint8_t *)s + at, 1);
		return;
	}
	/* of a free one no more may be read than its generation, which is even */
	if (!(s->generation & 1) || s->state != TLS_S_OPEN || s->handshake != TLS_NONE)
		return;
	core = s->core;
	ops = tls_ops_of(core, s);
	if (step < 3)
		tls_aead_key_warm(core->aead, tls_key_id(core, s, false), step - 1);
	if (ops->warm)
		ops->warm(s->user, step - 1);
}
_Static_assert(TLS_WARM_STEPS == TCP_WARM_STEPS - 1, "one step is the session's own");

static const struct tcp_ops stack_ops = {
	.accept = on_accept,
	.connected = on_writable,
	.readable = on_readable,
	.writable = on_writable,
	.eof = on_eof,
	.deadline = on_deadline,
	.closed = on_closed,
	.warm = on_warm,
};

int tls_tcp_listen(struct tls_tcp_listener *l, const struct base_addr *local, uint16_t port)
{
	return tcp_listen(l->tls->stack, local, port, &stack_ops, l);
}

int tls_tcp_connect(struct tls_tcp *t, const struct net_tuple *tuple, const struct tls_client_params *params,
		    const struct tls_ops *ops, void *user, uint64_t *id)
{
	struct tls_client_params p = *params;
	struct tls_session *s;
	int err;

	p.remote = tuple->remote;
	p.remote_port = tuple->remote_port;
	p.later = true; /* `connected` is when libssl may write */
	err = tls_connect(t->core, TCP_ID_NONE, &p, ops, user, id);
	if (err)
		return err;
	s = tls_session_of(t->core, *id);
	err = tcp_connect(t->stack, tuple, &stack_ops, s, &s->stream);
	if (err) {
		tls_session_forget(t->core, s);
		return err;
	}
	tls_session_arm(t->core, s);
	return 0;
}

uint32_t tls_tcp_stuck_ms(struct tls_tcp *t, uint64_t id)
{
	const struct tls_session *s = tls_session_of(t->core, id);

	return s ? tcp_stuck_ms(t->stack, s->stream) : 0;
}
