/* SPDX-License-Identifier: BSD-3-Clause */
/* Tickets as client: the newest few of each next hop, with the chain that was verified when they came. A next
 * hop is local identity, profile (trust and lists included), remote address and port, SNI and expected name:
 * never the address alone. */
#include <string.h>

#include "dataplane/tls/core.h"

enum { WAYS = 4 };

void tls_client_key(struct tls_core *core, struct tls_handshake *h, const struct tls_client_params *p)
{
	uint8_t text[TLS_HASH_LEN + 16 + 2 + 1 + 2 * (TLS_EXPECT_MAX + 1)];
	struct siphash_key second = {core->hash_key.k1, ~core->hash_key.k0};
	size_t n = 0;

	memcpy(text + n, h->context->id, TLS_HASH_LEN);
	n += TLS_HASH_LEN;
	memcpy(text + n, p->remote.b, 16);
	n += 16;
	memcpy(text + n, &p->remote_port, 2);
	n += 2;
	text[n++] = p->wildcard;
	text[n++] = (uint8_t)p->sni.len;
	if (p->sni.len)
		memcpy(text + n, p->sni.ptr, p->sni.len);
	n += p->sni.len;
	text[n++] = (uint8_t)p->expect.len;
	if (p->expect.len)
		memcpy(text + n, p->expect.ptr, p->expect.len);
	n += p->expect.len;
	h->cache_key[0] = siphash24(&core->hash_key, text, n);
	h->cache_key[1] = siphash24(&second, text, n);
}

static struct tls_client_entry *set_of(struct tls_core *core, const uint64_t key[2])
{
	return &core->client[(uint32_t)key[0] & core->client_mask & ~(uint32_t)(WAYS - 1)];
}

static void drop(struct tls_core *core, struct tls_client_entry *e)
{
	if (!e->session)
		return;
	SSL_SESSION_free(e->session);
	tls_chain_release(&core->chains, e->chain);
	*e = (struct tls_client_entry){0};
}

/* 1: the session is ours now */
int tls_client_session_new(SSL *ssl, SSL_SESSION *session)
{
	struct tls_handshake *h = tls_handshake_of(ssl);
	struct tls_core *core = tls_core_of(ssl);
	struct tls_session *s = base_pool_at(&core->sessions, h->session);
	struct tls_client_entry *set = set_of(core, h->cache_key), *to = set;
	uint32_t chain = s->chain != TLS_NONE	   ? s->chain
			 : SSL_session_reused(ssl) ? h->resume_chain
						   : TLS_NONE;

	h->ticket_seen = true;
	if (h->probe || chain == TLS_NONE || !SSL_SESSION_is_resumable(session))
		return 0;
	for (unsigned i = 0; i < WAYS; i++) {
		/* an empty one, else the oldest */
		if (!set[i].session || (to->session && (int32_t)(set[i].age - to->age) < 0))
			to = &set[i];
	}
	drop(core, to);
	tls_chain_hold(&core->chains, chain);
	*to = (struct tls_client_entry){.key = {h->cache_key[0], h->cache_key[1]},
					.session = session,
					.chain = chain,
					.age = ++core->client_age};
	core->stats.counters[TLS_COUNTER_client_tickets]++;
	return 1;
}

void tls_client_session_offer(struct tls_core *core, struct tls_handshake *h)
{
	struct tls_client_entry *set = set_of(core, h->cache_key), *e = NULL;

	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].session && set[i].key[0] == h->cache_key[0] && set[i].key[1] == h->cache_key[1] &&
		    (!e || (int32_t)(set[i].age - e->age) > 0))
			e = &set[i];
	}
	if (!e)
		return;
	if (!tls_verify_again(core, h, e->chain)) {
		drop(core, e);
		return;
	}
	if (SSL_set_session(h->ssl, e->session)) {
		tls_chain_hold(&core->chains, e->chain);
		h->resume_chain = e->chain;
	}
	/* RFC 8446 C.4: a ticket is used once; those of 1.2 may serve again */
	if (SSL_SESSION_get_protocol_version(e->session) >= TLS1_3_VERSION)
		drop(core, e);
}

void tls_client_sessions_clear(struct tls_core *core)
{
	for (uint32_t i = 0; i <= core->client_mask; i++)
		drop(core, &core->client[i]);
}
