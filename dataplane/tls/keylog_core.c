/* SPDX-License-Identifier: BSD-3-Clause */
/* The worker's half of keylog.h. */
#include <string.h>

#include "dataplane/tls/core.h"
#include "dataplane/tls/keylog.h"

void tls_core_keylog(struct tls_core *core, struct tls_keylog *k)
{
	core->keylog = k;
	core->keylog_turn++;
	if (core->world)
		tls_keylog_world(core, core->world);
	/* of handshakes that began before a change of certificates */
	for (struct tls_world *w = core->retired; w; w = w->next)
		tls_keylog_world(core, w);
}

static void key_logged(const SSL *ssl, const char *line)
{
	tls_keylog_line(tls_core_of(ssl), tls_handshake_of(ssl), line);
}

void tls_keylog_world(struct tls_core *core, struct tls_world *w)
{
	/* libssl writes the lines of every handshake for whoever listens, so nobody does without need */
	for (unsigned i = 0; i < w->n_identities * w->n_profiles * 2; i++)
		if (w->contexts[i].ctx)
			SSL_CTX_set_keylog_callback(w->contexts[i].ctx, core->keylog ? key_logged : NULL);
}

/* what a handshake has in a log that was replaced is wiped with that */
static struct tls_keylog_slot *slot_of(const struct tls_core *core, const struct tls_handshake *h)
{
	return core->keylog && h->keylog && h->keylog_turn == core->keylog_turn
		       ? &core->keylog->slots[h->keylog - 1]
		       : NULL;
}

static void slot_put(struct tls_keylog_slot *s)
{
	tls_wipe(s->text, s->len);
	s->len = 0;
	s->used = false;
}

static struct tls_keylog_slot *slot_get(const struct tls_core *core, struct tls_handshake *h)
{
	struct tls_keylog *k = core->keylog;

	for (uint32_t i = 0; i < TLS_KEYLOG_SLOTS; i++) {
		uint32_t at = (k->hint + i) % TLS_KEYLOG_SLOTS;

		if (k->slots[at].used)
			continue;
		k->slots[at].used = true;
		k->hint = at + 1;
		h->keylog = (uint16_t)(at + 1);
		h->keylog_turn = core->keylog_turn;
		h->keylog_missed = false;
		return &k->slots[at];
	}
	return NULL;
}

static void missed(struct tls_keylog *k)
{
	atomic_store_explicit(&k->missed, atomic_load_explicit(&k->missed, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

void tls_keylog_line(struct tls_core *core, struct tls_handshake *h, const char *line)
{
	struct tls_keylog *k = core->keylog;
	struct tls_keylog_slot *s;
	size_t n = strlen(line);

	if (!k || core->now_ns >= k->until_ns || h->finished)
		return;
	/* of one that was under way when the log began the lines that are still to come */
	s = slot_of(core, h);
	if (!s && !h->keylog_missed)
		s = slot_get(core, h);
	if (!s || s->len + n + 1 > sizeof(s->text)) {
		if (!h->keylog_missed)
			missed(k);
		h->keylog_missed = true;
		return;
	}
	memcpy(s->text + s->len, line, n);
	s->text[s->len + n] = '\n';
	s->len = (uint16_t)(s->len + n + 1);
}

static bool is_peer(const struct tls_keylog *k, const struct tls_peer *peer)
{
	struct policy_name want = {k->name, k->name_len};

	for (unsigned i = 0; i < peer->names; i++)
		if (policy_name_presented(tls_peer_name(peer, i), want, true))
			return true;
	return false;
}

void tls_keylog_known(struct tls_core *core, struct tls_handshake *h, uint32_t chain)
{
	struct tls_keylog *k = core->keylog;
	struct tls_keylog_slot *s = slot_of(core, h);
	uint32_t in = atomic_load_explicit(&k->in, memory_order_relaxed);

	if (!s)
		return;
	if (chain != TLS_NONE && core->now_ns < k->until_ns &&
	    is_peer(k, &tls_chain_at(&core->chains, chain)->peer)) {
		/* acquire: the reader is done with the bytes */
		if (in + s->len - atomic_load_explicit(&k->out, memory_order_acquire) > TLS_KEYLOG_RING) {
			missed(k);
		} else {
			for (uint32_t i = 0; i < s->len; i++)
				k->ring[(in + i) % TLS_KEYLOG_RING] = s->text[i];
			/* release: they are complete */
			atomic_store_explicit(&k->in, in + s->len, memory_order_release);
			atomic_store_explicit(&k->sessions,
					      atomic_load_explicit(&k->sessions, memory_order_relaxed) + 1,
					      memory_order_relaxed);
		}
	}
	tls_keylog_drop(core, h);
}

void tls_keylog_drop(struct tls_core *core, struct tls_handshake *h)
{
	struct tls_keylog_slot *s = slot_of(core, h);

	if (s)
		slot_put(s);
	h->keylog = 0;
}
