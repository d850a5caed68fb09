/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tls/core.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "dataplane/base/rng.h"

const struct tls_metric tls_end_info[TLS_ENDS] = {
#define X(name, help) {#name, help},
#include "dataplane/tls/tls_end.def"
#undef X
};
const struct tls_metric tls_counter_info[TLS_COUNTERS] = {
#define X(name, help) {#name, help},
#include "dataplane/tls/tls_counter.def"
#undef X
};
const struct tls_metric tls_verdict_info[TLS_VERDICTS] = {
#define X(name, help) {#name, help},
#include "dataplane/tls/tls_verdict.def"
#undef X
};

void tls_core_config_default(struct tls_core_config *c)
{
	*c = (struct tls_core_config){
		.sessions = 131072,
		.open_handshakes = 4096,
		.prefix_handshakes = 256,
		.handshake_steps = 4,
		.handshake_ms = 10000,
		.close_ms = 5000,
		.take_over_ms = 2000,
		.peers = 4096,
		.client_sessions = 1024,
		.cached_keys = 1024,
		.own_records = true,
	};
}

static int create(struct tls_core *core, uint64_t seed)
{
	struct tls_core_config *c = &core->config;
	struct base_rng rng;
	uint32_t n = 4;
	int err;

	if (!c->handshakes)
		c->handshakes = c->sessions;
	if (!c->open_handshakes || c->open_handshakes > c->handshakes)
		c->open_handshakes = c->handshakes;
	if (!c->prefix_handshakes)
		c->prefix_handshakes = (c->open_handshakes + 3) / 4;
	base_rng_seed(&rng, seed);
	core->hash_key = (struct siphash_key){base_rng_next(&rng), base_rng_next(&rng)};
	core->ready_head = core->ready_tail = TLS_NONE;
	err = base_pool_init(&core->sessions, c->sessions, sizeof(struct tls_session), 8);
	if (!err)
		err = base_pool_init(&core->handshakes, c->handshakes, sizeof(struct tls_handshake), 4);
	if (!err)
		err = tls_chains_init(&core->chains, c->peers);
	if (err)
		return err;
	while (n < c->client_sessions)
		n *= 2;
	core->client = calloc(n, sizeof(*core->client));
	core->client_mask = n - 1;
	core->scratch = malloc(TLS_SCRATCH);
	core->aead = tls_aead_create(c->evp ? TLS_AEAD_EVP : TLS_AEAD_BEST, c->cached_keys);
	core->lib = OSSL_LIB_CTX_new();
	core->bio = tls_bio_method();
	core->base_lib = OSSL_LIB_CTX_new();
	core->bare_lib = OSSL_LIB_CTX_new();
	if (!core->lib || !core->base_lib || !core->bare_lib || !core->aead)
		return -ENOMEM;
	/* or it would load the default one by itself */
	core->nothing = OSSL_PROVIDER_load(core->bare_lib, "null");
	if (!core->nothing)
		return -ENOTSUP;
	if (tls_provider_load(core->lib, core->base_lib, core->aead, !c->libcrypto_x25519, &core->providers))
		return -ENOTSUP;
	core->ticket_cipher = EVP_CIPHER_fetch(core->lib, "AES-256-CBC", NULL);
	core->ticket_ctx = EVP_CIPHER_CTX_new();
	if (!core->client || !core->scratch || !core->aead || !core->lib || !core->bio ||
	    !core->ticket_cipher || !core->ticket_ctx)
		return -ENOMEM;
	/* until the shared keys come, tickets of this core are good on this core */
	if (RAND_bytes_ex(core->lib, (unsigned char *)&core->tickets.current, sizeof(core->tickets.current),
			  0) <= 0)
		return -EIO;
	return 0;
}

struct tls_core *tls_core_create(const struct tls_core_config *config, const struct tls_wire *wire,
				 void *wire_ctx, struct tls_arena *arena, uint64_t seed)
{
	struct tls_core *core = calloc(1, sizeof(*core));
	struct tls_arena *before;
	int err;

	if (!core)
		return NULL;
	core->config = *config;
	core->wire = wire;
	core->wire_ctx = wire_ctx;
	core->arena = arena;
	before = tls_arena_use(arena);
	err = create(core, seed);
	tls_arena_use(before);
	if (err) {
		tls_core_destroy(core);
		errno = -err;
		return NULL;
	}
	return core;
}

static void sessions_free(struct tls_core *core)
{
	for (uint32_t i = 0; i < core->sessions.touched; i++) {
		struct tls_session *s = base_pool_at(&core->sessions, i);

		/* the generation is odd while a slot is in use (session.c) */
		if (!(s->generation & 1))
			continue;
		if (s->handshake != TLS_NONE)
			tls_handshake_free(core, s);
		tls_wipe(&s->rx, sizeof(s->rx));
		tls_wipe(&s->tx, sizeof(s->tx));
	}
}

void tls_core_destroy(struct tls_core *core)
{
	struct tls_arena *before;

	if (!core)
		return;
	before = tls_arena_use(core->arena);
	if (core->sessions.base)
		sessions_free(core);
	if (core->client)
		tls_client_sessions_clear(core);
	free(core->client);
	if (core->world) {
		core->world->users--;
		tls_world_destroy(core->world);
	}
	while (core->retired) {
		struct tls_world *w = core->retired;

		core->retired = w->next;
		tls_world_destroy(w);
	}
	if (core->chains.buckets)
		tls_chains_fini(&core->chains);
	if (core->handshakes.base)
		base_pool_fini(&core->handshakes);
	if (core->sessions.base)
		base_pool_fini(&core->sessions);
	if (core->scratch)
		tls_wipe(core->scratch, TLS_SCRATCH);
	free(core->scratch);
	BIO_meth_free(core->bio);
	EVP_CIPHER_CTX_free(core->ticket_ctx);
	EVP_CIPHER_free(core->ticket_cipher);
	tls_provider_unload(&core->providers);
	if (core->nothing)
		OSSL_PROVIDER_unload(core->nothing);
	OSSL_LIB_CTX_free(core->lib);
	OSSL_LIB_CTX_free(core->base_lib);
	OSSL_LIB_CTX_free(core->bare_lib);
	tls_aead_destroy(core->aead);
	tls_wipe(&core->tickets, sizeof(core->tickets));
	tls_arena_use(before);
	free(core);
}

struct tls_world *tls_core_retired(struct tls_core *core)
{
	struct tls_world **at = &core->retired, *w;

	for (; (w = *at); at = &w->next) {
		if (w->users)
			continue;
		*at = w->next;
		return w;
	}
	return NULL;
}
