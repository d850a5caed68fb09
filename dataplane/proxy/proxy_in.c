/* SPDX-License-Identifier: BSD-3-Clause */
/* Input of a conn, cut into messages. A message that lies whole in what the link shows is read there; pieces
 * are put together in a buffer that grows with what has come, never with what was announced. Each conn has a
 * share of a turn, so that one peer cannot keep the others waiting. */
#include "dataplane/proxy/proxy_conn.h"
#include "dataplane/proxy/proxy_message.h"
#include "dataplane/proxy/proxy_share.h"
#include "dataplane/proxy/proxy_sweep.h"

enum { STEP = 4096 };

/* `held` conns form a queue */
void proxy_conn_hold(struct proxy *p, struct proxy_conn *c)
{
	uint32_t i = base_pool_index(&p->conn_pool, c);

	if (c->in_ready)
		return;
	c->in_ready = true;
	p->held++;
	c->held_at = (struct proxy_member){PROXY_NONE, p->held_tail};
	if (p->held_tail == PROXY_NONE)
		p->held_head = i;
	else
		proxy_conn_at(p, p->held_tail)->held_at.next = i;
	p->held_tail = i;
}

void proxy_conn_unhold(struct proxy *p, struct proxy_conn *c)
{
	if (!c->in_ready)
		return;
	c->in_ready = false;
	p->held--;
	if (c->held_at.prev == PROXY_NONE)
		p->held_head = c->held_at.next;
	else
		proxy_conn_at(p, c->held_at.prev)->held_at.next = c->held_at.next;
	if (c->held_at.next == PROXY_NONE)
		p->held_tail = c->held_at.prev;
	else
		proxy_conn_at(p, c->held_at.next)->held_at.prev = c->held_at.prev;
}

static bool goes_on(const struct proxy_conn *c)
{
	return c->state == PROXY_CONN_UP && !c->stopped;
}

/* Messages of buf[0, len): how many bytes were taken; *more: what is left is the begin of a message. */
static uint32_t in_messages(struct proxy *p, struct proxy_conn *c, const uint8_t *buf, uint32_t len,
			    unsigned *budget, bool *more)
{
	uint32_t at = 0, index = base_pool_index(&p->conn_pool, c);

	*more = false;
	while (at < len && goes_on(c) && *budget) {
		struct sip_frame_result r =
			sip_frame_next(&c->frame, p->msg, p->kernel, &p->limits, buf + at, len - at);

		at += r.consumed;
		switch (r.what) {
		case SIP_FRAME_MORE:
			*more = true;
			return at;
		case SIP_FRAME_PING:
			/* one answer for all pings that came together; between messages only (RFC 5626
			 * section 3.5.1) */
			PROXY_COUNT(p, pings);
			proxy_out_flat(p, c, "\r\n", 2);
			break;
		case SIP_FRAME_PONG:
			proxy_alive_pong(p, c);
			break;
		case SIP_FRAME_MESSAGE:
			--*budget;
			if (p->msg->response)
				proxy_response_in(p, index, p->msg);
			else
				proxy_request_in(p, index, p->msg);
			break;
		case SIP_FRAME_BAD:
			proxy_malformed_in(p, index, p->msg, r.reason);
			proxy_conn_close(p, c);
			return len;
		}
	}
	return c->state == PROXY_CONN_UP ? at : len;
}

/* room for `want` bytes in all; false: there is none */
static bool in_grow(struct proxy *p, struct proxy_conn *c, uint32_t want)
{
	uint32_t bigger;

	if (c->in != PROXY_BUF_NONE && want <= proxy_buf_size(&p->bufs, c->in))
		return true;
	bigger = proxy_share_buf_get(p, c, want);
	if (bigger == PROXY_BUF_NONE)
		return false;
	if (c->in == PROXY_BUF_NONE)
		proxy_conn_partial(p, c);
	if (c->in != PROXY_BUF_NONE) {
		memcpy(proxy_buf_at(&p->bufs, bigger), proxy_buf_at(&p->bufs, c->in), c->in_len);
		proxy_share_buf_put(p, c, c->in);
	}
	c->in = bigger;
	return true;
}

static void in_drop(struct proxy *p, struct proxy_conn *c)
{
	proxy_share_buf_put(p, c, c->in);
	c->in = PROXY_BUF_NONE;
	c->in_len = 0;
}

/* messages that are whole in our buffer */
static void in_buffered(struct proxy *p, struct proxy_conn *c, unsigned *budget)
{
	uint8_t *buf = proxy_buf_at(&p->bufs, c->in);
	bool more;
	uint32_t at = in_messages(p, c, buf, c->in_len, budget, &more);

	if (c->state != PROXY_CONN_UP || at == c->in_len) {
		in_drop(p, c);
		return;
	}
	if (at) {
		memmove(buf, buf + at, c->in_len - at);
		c->in_len -= at;
		proxy_conn_partial(p, c);
	}
}

static uint32_t in_step(const struct proxy_conn *c, uint32_t left)
{
	if (c->frame.need > c->in_len)
		return c->frame.need - c->in_len < left ? c->frame.need - c->in_len : left;
	return left < STEP ? left : STEP;
}

uint32_t proxy_link_data(struct proxy *p, uint64_t conn, uint8_t *bytes, uint32_t len)
{
	struct proxy_conn *c = proxy_conn_of(p, conn);
	unsigned budget = PROXY_BURST;
	uint32_t at = 0;

	if (!c || c->state != PROXY_CONN_UP)
		return len;
	if (c->stopped || c->in_ready)
		return 0;
	c->used_ms = p->now_ms;
	while (at < len && goes_on(c) && budget) {
		uint32_t step = len - at;
		bool more = true;

		if (c->in == PROXY_BUF_NONE) {
			at += in_messages(p, c, bytes + at, step, &budget, &more);
			if (!more)
				continue;
			step = len - at;
		}
		step = in_step(c, step);
		if (!in_grow(p, c, c->in_len + step)) {
			PROXY_COUNT(p, overload);
			proxy_conn_abort(p, c);
			break;
		}
		memcpy(proxy_buf_at(&p->bufs, c->in) + c->in_len, bytes + at, step);
		c->in_len += step;
		at += step;
		if (c->frame.need <= c->in_len)
			in_buffered(p, c, &budget);
	}
	if (c->state != PROXY_CONN_UP)
		at = len;
	else if (!c->stopped && (at < len || (!budget && c->in != PROXY_BUF_NONE)))
		proxy_conn_hold(p, c);
	p->stats.counters[PROXY_COUNTER_bytes_in] += at;
	return at;
}

unsigned proxy_conn_turn(struct proxy *p)
{
	unsigned n = 0;

	/* those that are held meanwhile come next turn */
	for (uint32_t left = p->held; left && p->held_head != PROXY_NONE; left--) {
		struct proxy_conn *c = proxy_conn_at(p, p->held_head);
		unsigned budget = PROXY_BURST;

		proxy_conn_unhold(p, c);
		if (c->shadow) {
			proxy_out_flush(p, c);
			if (c->out_head != PROXY_BUF_NONE && c->state == PROXY_CONN_UP)
				proxy_conn_hold(p, c);
			continue;
		}
		n++;
		if (c->in != PROXY_BUF_NONE)
			in_buffered(p, c, &budget);
		if (c->state == PROXY_CONN_UP && !c->stopped) {
			if (budget)
				p->link->resume(p->ctx, c->id);
			else
				proxy_conn_hold(p, c);
		}
	}
	return n;
}
