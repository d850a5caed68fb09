/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/proxy/proxy_share.h"

/* of all there is, how much is used */
static void share_of_all(const struct proxy *p, unsigned kind, uint32_t *all, uint32_t *used)
{
	switch (kind) {
	case PROXY_SHARE_SERVERS:
		*all = p->config.transactions;
		*used = p->server_pool.used;
		break;
	case PROXY_SHARE_PARKED:
		*all = p->config.parked;
		*used = p->stats.parked;
		break;
	case PROXY_SHARE_PARKED_BYTES:
		*all = p->config.parked_bytes;
		*used = p->parked_bytes;
		break;
	default:
		*all = p->bufs.pool[kind - PROXY_SHARE_BUFFERS].capacity;
		*used = p->bufs.pool[kind - PROXY_SHARE_BUFFERS].used;
		break;
	}
}

static uint32_t *share_at(struct proxy *p, const struct proxy_conn *c, unsigned kind)
{
	return &p->shares[c->who_hash % PROXY_SHARES].n[kind];
}

bool proxy_share_take(struct proxy *p, const struct proxy_conn *c, unsigned kind, uint32_t n)
{
	uint32_t *has, all, used;

	if (c->side != LINK_EXTERNAL)
		return true;
	has = share_at(p, c, kind);
	share_of_all(p, kind, &all, &used);
	if (used >= all / 2 && *has + n > all / PROXY_SHARE)
		return false;
	*has += n;
	return true;
}

void proxy_share_give(struct proxy *p, const struct proxy_conn *c, unsigned kind, uint32_t n)
{
	if (c->side == LINK_EXTERNAL)
		*share_at(p, c, kind) -= n;
}

static unsigned share_kind(uint32_t handle)
{
	return PROXY_SHARE_BUFFERS + (handle >> PROXY_BUF_SHIFT);
}

uint32_t proxy_share_buf_get(struct proxy *p, const struct proxy_conn *c, uint32_t size)
{
	uint32_t b = proxy_buf_get(&p->bufs, size);

	if (b == PROXY_BUF_NONE || proxy_share_take(p, c, share_kind(b), 1))
		return b;
	proxy_buf_put(&p->bufs, b);
	return PROXY_BUF_NONE;
}

void proxy_share_buf_put(struct proxy *p, const struct proxy_conn *c, uint32_t handle)
{
	if (handle == PROXY_BUF_NONE)
		return;
	proxy_share_give(p, c, share_kind(handle), 1);
	proxy_buf_put(&p->bufs, handle);
}
