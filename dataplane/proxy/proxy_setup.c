/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "dataplane/base/pages.h"
#include "dataplane/proxy/proxy_limit.h"
#include "dataplane/proxy/proxy_self.h"
#include "dataplane/proxy/proxy_tables.h"

const struct proxy_metric proxy_counter_info[PROXY_COUNTERS] = {
#define X(name, help) {#name, help},
#include "dataplane/proxy/proxy_counter.def"
#undef X
};

const struct proxy_metric proxy_drop_info[PROXY_DROPS] = {
#define X(name, help) {#name, help},
#include "dataplane/proxy/proxy_drop.def"
#undef X
};

enum { HOPS = 8192, FLAT = 1280 << 10, INDEX_MAX = 1 << 17 };

void proxy_config_default(struct proxy_config *c)
{
	*c = (struct proxy_config){
		.conns = 1 << 17,
		.transactions = 1 << 17,
		.parked = 4096,
		.parked_bytes = 16 << 20,
		.parked_ms = 5000,
		.connect_ms = 5000,
		.open_ms = 12000,
		.per_hop = 4,
		.head_max = SIP_LIMITS_DEFAULT.head,
		.headers_max = SIP_LIMITS_DEFAULT.headers,
		.body_max = SIP_LIMITS_DEFAULT.body,
		.out_bytes = 2 << 20,
		.buffers_2k = 1 << 18,
		.buffers_16k = 1 << 14,
		.buffers_128k = 1 << 11,
		.buffers_1m = 1 << 8,
		.back_off_ms = 1000,
		.refusals_close_ms = 60000,
		.idle_close_ms = 600000,
		.timer_c_ms = 185000,
		.limit_peers = 8192,
		.limit_sets = 1024,
		.health_ms = 10000,
	};
}

uint32_t proxy_transaction_bytes(void)
{
	return sizeof(struct server_half) + sizeof(struct client_half);
}

void proxy_keys_set(struct proxy *p, const struct proxy_keys *keys)
{
	memcpy(p->keys.route, keys->route, sizeof(p->keys.route));
	route_keys_load(&p->route_keys, p->keys.route);
}

static int make_pools(struct proxy *p)
{
	const struct proxy_config *c = &p->config;
	const uint32_t buffers[PROXY_BUF_CLASSES] = {c->buffers_2k, c->buffers_16k, c->buffers_128k,
						     c->buffers_1m};
	enum { KEEP = 8, STATE_KEEP = 12 }; /* pool's word, generation; what says that it is in use */
	int r = base_pool_init(&p->conn_pool, c->conns, sizeof(struct proxy_conn), STATE_KEEP);

	if (r == 0)
		r = base_pool_init(&p->server_pool, c->transactions, sizeof(struct server_half), STATE_KEEP);
	if (r == 0)
		r = base_pool_init(&p->client_pool, c->transactions, sizeof(struct client_half), KEEP);
	if (r == 0)
		r = base_pool_init(&p->hop_pool, HOPS, sizeof(struct next_hop), STATE_KEEP);
	if (r == 0)
		r = proxy_bufs_init(&p->bufs, buffers);
	return r;
}

/* What is looked into at random with each message, side by side: the index of transactions, what was seen of
 * partners, the shares of peers. */
static bool make_ground(struct proxy *p)
{
	uint32_t n = 1024, most = p->config.transactions < INDEX_MAX ? p->config.transactions : INDEX_MAX;
	size_t index, sets = PROXY_PARTNERS / PROXY_PARTNERS_WAYS * sizeof(*p->partner_sets),
		      partners = PROXY_PARTNERS * sizeof(*p->partners);
	uint8_t *at;

	/* most of what a large pool is for is calls that were answered and wait for timer L: nobody looks for
	 * them, and an index that stays in the cache is worth more than short chains */
	while (n < most)
		n *= 2;
	index = n * sizeof(*p->server_index);
	p->ground_bytes = index + sets + partners + PROXY_SHARES * sizeof(*p->shares);
	at = p->ground = base_pages_map(&p->ground_bytes);
	if (!at)
		return false;
	p->server_index = (uint32_t *)(void *)at;
	p->server_mask = n - 1;
	memset(at, 0xff, index);
	p->partner_sets = (struct proxy_partner_set *)(void *)(at += index);
	p->partners = (struct proxy_partner *)(void *)(at += sets);
	p->shares = (struct proxy_share *)(void *)(at + partners);
	return true;
}

static uint32_t *make_index(uint32_t objects, uint32_t *mask)
{
	uint32_t n = 1024, *index;

	while (n < objects)
		n *= 2;
	index = malloc(n * sizeof(*index));
	if (index)
		memset(index, 0xff, n * sizeof(*index));
	*mask = n - 1;
	return index;
}

static bool make_scratch(struct proxy *p)
{
	p->msg = calloc(1, sizeof(*p->msg));
	p->again = calloc(1, sizeof(*p->again));
	p->edit = calloc(1, sizeof(*p->edit));
	p->self = calloc(1, sizeof(*p->self));
	p->pass = calloc(1, sizeof(*p->pass));
	p->pass_again = calloc(1, sizeof(*p->pass_again));
	p->scratch = malloc(PROXY_SCRATCH);
	p->flat = malloc(FLAT);
	p->flat_size = FLAT;
	p->hop_index = make_index(HOPS, &p->hop_mask);
	p->kin_index = make_index(p->config.conns, &p->kin_mask);
	p->aliases = calloc(PROXY_ALIASES, sizeof(*p->aliases));
	p->crossed = calloc(PROXY_CROSSED, sizeof(*p->crossed));
	if (p->cores == 1)
		p->moved_own = calloc(1, sizeof(*p->moved_own));
	p->shadow_index = malloc(PROXY_SHADOWS * sizeof(*p->shadow_index));
	if (p->shadow_index)
		memset(p->shadow_index, 0xff, PROXY_SHADOWS * sizeof(*p->shadow_index));
	return p->msg && p->again && p->edit && p->self && p->pass && p->pass_again && p->scratch &&
	       p->flat && p->aliases && p->crossed && p->shadow_index && (p->moved_own || p->cores > 1) &&
	       p->hop_index && p->kin_index;
}

static void load_keys(struct proxy *p, const struct proxy_keys *keys)
{
	memcpy(p->keys.branch, keys->branch, sizeof(p->keys.branch));
	memcpy(&p->table_key, keys->branch + VIA_SECRET_LEN, sizeof(p->table_key));
	p->tag_key.k0 = siphash24(&p->table_key, "tag 0", 5);
	p->tag_key.k1 = siphash24(&p->table_key, "tag 1", 5);
	via_key_load(&p->via_key, keys->branch, (uint16_t)siphash24(&p->table_key, "epoch", 5));
	proxy_keys_set(p, keys);
}

void proxy_moved_attach(struct proxy *p, struct moved *moved)
{
	struct siphash_key key;

	memcpy(&key, moved->secret, sizeof(key));
	p->moved = moved;
	p->dialog_key = (struct siphash_key){siphash24(&key, "dialog 0", 8), siphash24(&key, "dialog 1", 8)};
	p->aim_key = (struct route_key){.mac = {siphash24(&key, "aim 0", 5), siphash24(&key, "aim 1", 5)},
					.there = true};
}

struct proxy *proxy_create(const struct proxy_config *config, const struct proxy_keys *keys, unsigned core,
			   unsigned cores, const struct link_ops *link, const struct proxy_ops *ops,
			   void *ctx, uint64_t seed)
{
	struct proxy *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return NULL;
	p->config = *config;
	p->core = core;
	p->cores = cores ? cores : 1;
	p->link = link;
	p->ops = ops;
	p->ctx = ctx;
	p->held_head = p->held_tail = PROXY_NONE;
	p->kernel = sip_kernel_choose();
	p->limits = (struct sip_limits){config->head_max, config->headers_max, config->body_max};
	base_rng_seed(&p->rng, seed);
	load_keys(p, keys);
	backoff_init(&p->backoff, &p->table_key, config->back_off_ms, 0);
	r = make_pools(p);
	if (r == 0 && (!make_ground(p) || !make_scratch(p)))
		r = -ENOMEM;
	if (r == 0 && p->moved_own) {
		moved_begin(p->moved_own, keys->branch);
		proxy_moved_attach(p, p->moved_own);
	}
	if (r == 0)
		r = proxy_limit_open(p);
	if (r < 0) {
		proxy_destroy(p);
		errno = -r;
		return NULL;
	}
	return p;
}

void proxy_destroy(struct proxy *p)
{
	if (!p)
		return;
	base_pool_fini(&p->conn_pool);
	base_pool_fini(&p->server_pool);
	base_pool_fini(&p->client_pool);
	base_pool_fini(&p->hop_pool);
	proxy_bufs_fini(&p->bufs);
	proxy_limit_close(p);
	free(p->msg);
	free(p->again);
	free(p->edit);
	free(p->self);
	free(p->pass);
	free(p->pass_again);
	free(p->scratch);
	free(p->flat);
	free(p->aliases);
	free(p->crossed);
	free(p->moved_own);
	free(p->shadow_index);
	base_pages_unmap(p->ground, p->ground_bytes);
	free(p->hop_index);
	free(p->kin_index);
	free(p);
}
