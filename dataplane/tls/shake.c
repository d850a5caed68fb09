/* SPDX-License-Identifier: BSD-3-Clause */
/* Handshakes: admission, one budgeted step, the finish. */
#include <errno.h>
#include <string.h>
#include <x86intrin.h>

#include <openssl/err.h>

#include "dataplane/tls/core.h"

/* ---- admission ---- */

/* Unfinished handshakes per source prefix, in a sketch of two rows: a bucket may hold several prefixes, the
 * smaller of the two is never too low and rarely too high. */
static void buckets_of(const struct tls_core *core, const struct base_addr *a, uint32_t out[2])
{
	struct base_addr prefix = *a;
	uint64_t h;

	if (base_addr_is_v4(a))
		prefix.b[15] = 0;
	else
		memset(prefix.b + 7, 0, 9);
	h = siphash13(&core->hash_key, &prefix, sizeof(prefix));
	out[0] = (uint32_t)h % TLS_SKETCH;
	out[1] = (uint32_t)(h >> 32) % TLS_SKETCH;
}

static int admit(struct tls_core *core, const struct base_addr *remote, bool server, uint32_t bucket[2])
{
	uint64_t *c = core->stats.counters;

	buckets_of(core, remote, bucket);
	if (core->sessions.used == core->sessions.capacity) {
		c[TLS_COUNTER_refused_sessions]++;
		return -ENFILE;
	}
	if (core->handshakes.used == core->handshakes.capacity ||
	    core->stats.handshakes >= core->config.open_handshakes) {
		c[TLS_COUNTER_refused_handshakes]++;
		return -EBUSY;
	}
	/* ours are bounded by whoever connects */
	if (server && core->sketch[0][bucket[0]] >= core->config.prefix_handshakes &&
	    core->sketch[1][bucket[1]] >= core->config.prefix_handshakes) {
		c[TLS_COUNTER_refused_prefix]++;
		return -EMFILE;
	}
	return 0;
}

void tls_handshake_uncount(struct tls_core *core, struct tls_handshake *h)
{
	if (!h->counted)
		return;
	h->counted = false;
	core->stats.handshakes--;
	core->sketch[0][h->bucket[0]]--;
	core->sketch[1][h->bucket[1]]--;
}

static int ops_index(struct tls_core *core, const struct tls_ops *ops)
{
	for (unsigned i = 0; i < core->n_ops; i++) {
		if (core->ops[i] == ops)
			return (int)i;
	}
	if (core->n_ops == TLS_OPS_MAX)
		return -ENOSPC;
	core->ops[core->n_ops] = ops;
	return (int)core->n_ops++;
}

static struct tls_session *session_new(struct tls_core *core, uint64_t stream, void *user, int ops)
{
	uint32_t slot = base_pool_get(&core->sessions);
	struct tls_session *s = base_pool_at(&core->sessions, slot);
	uint32_t generation = s->generation + 1;

	memset(s, 0, sizeof(*s));
	s->generation = generation;
	s->core = core;
	s->stream = stream;
	s->user = user;
	s->ops = (uint8_t)ops;
	s->handshake = s->chain = s->ready_next = TLS_NONE;
	s->suite = UINT8_MAX;
	s->state = TLS_S_HANDSHAKE;
	core->stats.sessions++;
	return s;
}

static int ssl_new(struct tls_core *core, struct tls_session *s, struct tls_handshake *h)
{
	BIO *bio;

	h->ssl = SSL_new(h->context->ctx);
	bio = BIO_new_ex(core->lib, core->bio);
	if (!h->ssl || !bio) {
		BIO_free(bio);
		return -ENOMEM;
	}
	BIO_set_data(bio, s);
	BIO_set_app_data(bio, core);
	SSL_set_bio(h->ssl, bio, bio);
	SSL_set_app_data(h->ssl, h);
	return 0;
}

static int start(struct tls_core *core, uint64_t stream, const struct base_addr *remote, unsigned identity,
		 unsigned profile, bool server, const struct tls_ops *ops, void *user,
		 struct tls_session **out)
{
	struct tls_world *w = core->world;
	struct tls_context *c;
	struct tls_handshake *h;
	struct tls_session *s;
	uint32_t bucket[2], slot;
	int err, op;

	if (!w || identity >= w->n_identities || profile >= w->n_profiles)
		return -ENOENT;
	c = &w->contexts[(identity * w->n_profiles + profile) * 2 + server];
	op = ops_index(core, ops);
	if (!c->ctx || op < 0)
		return c->ctx ? op : -ENOENT;
	err = admit(core, remote, server, bucket);
	if (err)
		return err;
	s = session_new(core, stream, user, op);
	slot = base_pool_get(&core->handshakes);
	h = base_pool_at(&core->handshakes, slot);
	memset(h, 0, sizeof(*h));
	s->handshake = slot;
	s->identity = (uint8_t)identity;
	s->profile = (uint8_t)profile;
	s->flags = server ? TLS_F_SERVER : 0;
	h->session = tls_slot(core, s);
	h->world = w;
	w->users++;
	h->context = c;
	h->resume_chain = TLS_NONE;
	h->waiting = server;
	h->counted = true;
	memcpy(h->bucket, bucket, sizeof(bucket));
	core->stats.handshakes++;
	core->stats.ssl_objects++;
	core->sketch[0][bucket[0]]++;
	core->sketch[1][bucket[1]]++;
	err = ssl_new(core, s, h);
	if (err) {
		tls_session_forget(core, s);
		return err;
	}
	tls_session_due(core, s, core->config.handshake_ms);
	*out = s;
	return 0;
}

int tls_accept(struct tls_core *core, uint64_t stream, const struct tls_server_params *p,
	       const struct tls_ops *ops, void *user, uint64_t *id)
{
	struct tls_session *s;
	int err = start(core, stream, &p->remote, p->identity, p->profile, true, ops, user, &s);

	if (err)
		return err;
	core->stats.counters[TLS_COUNTER_accepted]++;
	SSL_set_accept_state(tls_hs(core, s)->ssl);
	*id = tls_session_id(core, s);
	return 0;
}

int tls_connect(struct tls_core *core, uint64_t stream, const struct tls_client_params *p,
		const struct tls_ops *ops, void *user, uint64_t *id)
{
	char sni[TLS_EXPECT_MAX + 1];
	struct tls_session *s;
	struct tls_handshake *h;
	int err;

	if (p->sni.len > TLS_EXPECT_MAX || p->expect.len > TLS_EXPECT_MAX)
		return -EINVAL;
	err = start(core, stream, &p->remote, p->identity, p->profile, false, ops, user, &s);
	if (err)
		return err;
	core->stats.counters[TLS_COUNTER_connected]++;
	h = tls_hs(core, s);
	SSL_set_connect_state(h->ssl);
	if (p->sni.len) {
		memcpy(sni, p->sni.ptr, p->sni.len);
		sni[p->sni.len] = 0;
		SSL_set_tlsext_host_name(h->ssl, sni);
	}
	h->expect_len = (uint8_t)p->expect.len;
	if (p->expect.len)
		memcpy(h->expect, p->expect.ptr, p->expect.len);
	h->wildcard = p->wildcard;
	if (p->probe) {
		err = tls_probe_offer(h, p->probe);
		if (err) {
			tls_session_forget(core, s);
			return err;
		}
	} else {
		tls_client_key(core, h, p);
		tls_client_session_offer(core, h);
	}
	if (!p->later)
		tls_session_queue(core, s);
	*id = tls_session_id(core, s);
	return 0;
}

void tls_handshake_free(struct tls_core *core, struct tls_session *s)
{
	struct tls_handshake *h = tls_hs(core, s);

	tls_handshake_uncount(core, h);
	tls_keylog_drop(core, h);
	if (h->resume_chain != TLS_NONE)
		tls_chain_release(&core->chains, h->resume_chain);
	if (h->probe && h->ssl)
		tls_probe_seen(h);
	if (h->ssl) {
		/* without this, libssl calls the session bad and its ticket is never used again */
		if (h->finished && SSL_is_init_finished(h->ssl))
			SSL_set_shutdown(h->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
		SSL_free(h->ssl);
	}
	h->world->users--;
	core->stats.ssl_objects--;
	tls_wipe(h, sizeof(*h));
	base_pool_put(&core->handshakes, s->handshake);
	s->handshake = TLS_NONE;
}

/* ---- a step ---- */

static void finish(struct tls_core *core, struct tls_session *s, struct tls_handshake *h)
{
	const struct tls_ops *ops = tls_ops_of(core, s);
	const SSL_CIPHER *cipher = SSL_get_current_cipher(h->ssl);
	uint64_t *c = core->stats.counters;
	bool v13 = SSL_version(h->ssl) >= TLS1_3_VERSION, stays;

	tls_handshake_uncount(core, h);
	h->finished = true;
	s->identity = h->context->identity;
	for (unsigned i = 0; tls_suite_at(i); i++) {
		if (tls_suite_at(i)->id == SSL_CIPHER_get_protocol_id(cipher))
			s->suite = (uint8_t)i;
	}
	if (SSL_session_reused(h->ssl)) {
		s->flags |= TLS_F_RESUMED;
		c[TLS_COUNTER_handshakes_resumed]++;
		tls_session_chain(core, s, h->resume_chain);
		if (s->chain != TLS_NONE)
			s->verdict = (uint8_t)tls_chain_verdict(core, s->chain);
		if (SSL_is_server(h->ssl))
			c[TLS_COUNTER_tickets_accepted]++;
	} else {
		c[TLS_COUNTER_handshakes_full]++;
	}
	if (v13)
		c[TLS_COUNTER_handshakes_13]++;
	if (core->keylog)
		tls_keylog_known(core, h, s->chain);
	if (s->chain == TLS_NONE && !(h->world->profiles[s->profile].anonymous && SSL_is_server(h->ssl))) {
		/* libssl let somebody through whom nobody verified: never */
		s->verdict = TLS_VERDICT_absent;
		tls_session_end(core, s, TLS_END_verify);
		return;
	}
	stays = tls_take_over_never(core, s) != NULL;
	/* a session that stays with libssl gets its ticket there */
	if (v13 && SSL_is_server(h->ssl) && core->config.own_records && stays) {
		OSSL_LIB_CTX *before = tls_libssl_enter(core);

		if (SSL_new_session_ticket(h->ssl))
			SSL_do_handshake(h->ssl); /* what it cannot write now goes out with the next record */
		tls_libssl_leave(core, before);
	}
	if (stays)
		tls_session_slim(core, h->ssl);
	s->state = TLS_S_OPEN;
	s->skip_left = 0;
	/* a client that hears nothing does not wait for tickets for ever */
	tls_session_due(core, s, s->flags & TLS_F_SERVER ? 0 : core->config.take_over_ms * 4);
	if (ops->ready)
		ops->ready(s->user, tls_session_id(core, s));
	if (s->state == TLS_S_OPEN)
		tls_session_input(core, s);
}

/* Gives libssl the next record. False: there is none yet, or the session has ended. */
static bool feed(struct tls_core *core, struct tls_session *s, struct tls_handshake *h)
{
	int n = tls_session_frame(core, s, false);

	if (n == 0) {
		if (s->flags & TLS_F_STREAM_EOF)
			tls_session_end(core, s, TLS_END_truncated);
		return false;
	}
	/* no TLS at all: libssl finds the alert for it */
	h->offer = n > 0 ? (uint32_t)n : core->wire->readable(core->wire_ctx, s->stream);
	h->received += h->offer;
	if (h->received > TLS_HANDSHAKE_BYTES_MAX) {
		tls_session_end(core, s, TLS_END_handshake_size);
		return false;
	}
	return true;
}

bool tls_handshake_step(struct tls_core *core, struct tls_session *s)
{
	struct tls_handshake *h = tls_hs(core, s);

	s->flags |= TLS_F_BEGUN;
	for (unsigned i = 0; i < TLS_STEP_RECORDS; i++) {
		OSSL_LIB_CTX *before;
		uint64_t begin;
		int r;

		if (h->waiting && h->offer == 0 && !feed(core, s, h))
			return false;
		if (ERR_peek_error()) /* clearing takes its time even where there is none */
			ERR_clear_error();
		begin = __rdtsc();
		before = tls_libssl_enter(core);
		r = SSL_do_handshake(h->ssl);
		tls_libssl_leave(core, before);
		tls_watch_secrets(core, s, h);
		core->stats.counters[TLS_COUNTER_handshake_steps]++;
		core->stats.counters[TLS_COUNTER_handshake_ticks] += __rdtsc() - begin;
		if (r == 1) {
			finish(core, s, h);
			return false;
		}
		switch (SSL_get_error(h->ssl, r)) {
		case SSL_ERROR_WANT_READ:
			h->waiting = true;
			break;
		case SSL_ERROR_WANT_WRITE:
			h->waiting = false;
			return false; /* `writable` comes */
		default:
			tls_libssl_fail(core, s, true);
			return false;
		}
	}
	return true;
}
