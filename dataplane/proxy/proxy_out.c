/* SPDX-License-Identifier: BSD-3-Clause */
/* Output of a conn: into the link's own buffer where it has room, else into a bounded chain of ours. Who does
 * not read what we owe him is not read either, and in the end cut off. */
#include <errno.h>

#include "dataplane/proxy/proxy_conn.h"
#include "dataplane/proxy/proxy_mail.h"

struct piece {
	uint32_t link_in_pool, next, at, len;
};

static void gather(uint8_t *to, const struct iovec *iov, int n)
{
	for (int i = 0; i < n; i++) {
		memcpy(to, iov[i].iov_base, iov[i].iov_len);
		to += iov[i].iov_len;
	}
}

static int out_direct(struct proxy *p, struct proxy_conn *c, const struct iovec *iov, int n, uint32_t len)
{
	struct link_out out;
	int r;

	if (c->shadow)
		return proxy_mail_out(p, c, iov, n, len);
	r = p->link->reserve(p->ctx, c->id, &out);
	if (r < 0)
		return r;
	if (out.room < len) {
		p->link->commit(p->ctx, c->id, &out, 0);
		return -EAGAIN;
	}
	gather(out.data, iov, n);
	return p->link->commit(p->ctx, c->id, &out, len);
}

static bool out_queue(struct proxy *p, struct proxy_conn *c, const struct iovec *iov, int n, uint32_t len)
{
	uint32_t b = PROXY_BUF_NONE;
	struct piece *piece;

	if (len <= p->config.out_bytes - c->out_bytes)
		b = proxy_buf_get(&p->bufs, len + (uint32_t)sizeof(*piece));
	if (b == PROXY_BUF_NONE)
		return false;
	piece = (struct piece *)(void *)proxy_buf_at(&p->bufs, b);
	*piece = (struct piece){.next = PROXY_BUF_NONE, .at = sizeof(*piece), .len = len};
	gather((uint8_t *)piece + sizeof(*piece), iov, n);
	if (c->out_head == PROXY_BUF_NONE) {
		c->out_head = b;
		proxy_conn_owes(p, c);
	} else {
		((struct piece *)(void *)proxy_buf_at(&p->bufs, c->out_tail))->next = b;
	}
	c->out_tail = b;
	c->out_bytes += len;
	return true;
}

void proxy_out_flush(struct proxy *p, struct proxy_conn *c)
{
	while (c->out_head != PROXY_BUF_NONE && c->state == PROXY_CONN_UP) {
		uint32_t b = c->out_head;
		struct piece *piece = (struct piece *)(void *)proxy_buf_at(&p->bufs, b);
		struct iovec v = {(uint8_t *)piece + piece->at, piece->len};
		int64_t n;

		if (c->shadow)
			n = proxy_mail_out(p, c, &v, 1, piece->len) < 0 ? 0 : piece->len;
		else
			n = p->link->send(p->ctx, c->id, v.iov_base, v.iov_len);
		if (n < 0) {
			if (n != -EAGAIN)
				proxy_conn_abort(p, c);
			return;
		}
		c->out_bytes -= (uint32_t)n;
		if (n)
			c->out_ms = p->now_ms;
		if ((uint32_t)n < piece->len) {
			piece->at += (uint32_t)n;
			piece->len -= (uint32_t)n;
			return;
		}
		c->out_head = piece->next;
		proxy_buf_put(&p->bufs, b);
	}
	if (c->stopped && c->out_head == PROXY_BUF_NONE) {
		c->stopped = false;
		proxy_conn_hold(p, c);
	}
}

void proxy_out_free(struct proxy *p, struct proxy_conn *c)
{
	while (c->out_head != PROXY_BUF_NONE) {
		uint32_t b = c->out_head;

		c->out_head = ((struct piece *)(void *)proxy_buf_at(&p->bufs, b))->next;
		proxy_buf_put(&p->bufs, b);
	}
	c->out_bytes = 0;
}

bool proxy_out(struct proxy *p, struct proxy_conn *c, const struct iovec *iov, int n, uint32_t len)
{
	int r = -EAGAIN;

	if (c->state != PROXY_CONN_UP)
		return false;
	/* a shadow's bytes are counted where they leave */
	if (!c->shadow)
		p->stats.counters[PROXY_COUNTER_bytes_out] += len;
	if (c->out_head == PROXY_BUF_NONE)
		r = out_direct(p, c, iov, n, len);
	if (r >= 0)
		return true;
	if (r == -EAGAIN || r == -ENOBUFS) {
		bool first = c->out_head == PROXY_BUF_NONE;

		if (out_queue(p, c, iov, n, len)) {
			/* nobody says when a ring has room: it is tried each turn */
			if (c->shadow)
				proxy_conn_hold(p, c);
			if (first)
				proxy_out_flush(p, c);
			if (c->out_bytes > p->config.out_bytes / 4)
				c->stopped = true;
			return c->state == PROXY_CONN_UP;
		}
		PROXY_COUNT(p, links_closed_slow);
	}
	proxy_conn_abort(p, c);
	return false;
}

bool proxy_out_flat(struct proxy *p, struct proxy_conn *c, const void *bytes, uint32_t len)
{
	struct iovec v = {(void *)(uintptr_t)bytes, len};

	return proxy_out(p, c, &v, 1, len);
}
