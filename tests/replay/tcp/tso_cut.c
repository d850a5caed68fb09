/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/replay/tcp/tso_cut.h"

#include <string.h>

#include "dataplane/tcp/header.h"

enum {
	ROOM = 128,
	BUFFERS_MAX = 40, /* the least that drivers with TSO take */
	DATAGRAM = 65535 - 40 - 14,
};

static const char *judge(const struct rte_mbuf *m, const struct tcp_segment *s)
{
	uint32_t len = 0, n = 0;

	for (const struct rte_mbuf *k = m; k; k = k->next, n++) {
		len += k->data_len;
		if ((k != m && k->data_len == 0) || k->data_off + k->data_len > k->buf_len)
			return "a buffer of the chain has no or too much data";
	}
	if (n != m->nb_segs || len != m->pkt_len)
		return "numbers of the chain are wrong";
	if (n > BUFFERS_MAX || len > DATAGRAM)
		return "chain too long";
	if (m->l4_len != s->header_len || m->data_len < s->header_len)
		return "length of the header is wrong";
	if (s->len <= m->tso_segsz)
		return "nothing to cut";
	if (s->flags & (TCP_SYN | TCP_RST | TCP_URG | TCP_CWR))
		return "flags that must not be repeated";
	return NULL;
}

const char *tso_cut(const struct rte_mbuf *m, struct rte_mempool *pool,
		    void (*take)(void *ctx, struct rte_mbuf *segment), void *ctx)
{
	struct tcp_segment s;
	const char *why;

	if (tcp_header_parse(&s, rte_pktmbuf_mtod(m, const uint8_t *), m->data_len, m->pkt_len) !=
	    TCP_HEADER_OK)
		return "no header";
	why = judge(m, &s);
	for (uint32_t at = 0; !why && at < s.len; at += m->tso_segsz) {
		uint32_t n = s.len - at < m->tso_segsz ? s.len - at : m->tso_segsz;
		struct rte_mbuf *to = rte_pktmbuf_alloc(pool);
		struct tcp_segment h = s;
		const void *from;
		uint8_t *p;

		if (!to)
			return NULL; /* lost, as it may */
		to->data_off = ROOM;
		p = (uint8_t *)rte_pktmbuf_append(to, (uint16_t)(s.header_len + n));
		memcpy(p, rte_pktmbuf_mtod(m, const uint8_t *), s.header_len);
		h.seq += at;
		if (at + n < s.len)
			h.flags &= (uint8_t) ~(TCP_FIN | TCP_PSH);
		tcp_header_write(p, &h, s.header_len);
		from = rte_pktmbuf_read(m, s.header_len + at, n, p + s.header_len);
		if (from != p + s.header_len)
			memcpy(p + s.header_len, from, n);
		take(ctx, to);
	}
	return why;
}
