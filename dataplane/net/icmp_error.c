/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP errors of ours. Rules: RFC 1122 section 3.2.2 and RFC 4443 section 2.4 (e): never about an error, a
 * group, a broadcast, a fragment or a source that is no single host; and never faster than the configured
 * rate (2.4 (f)). Fragments, groups on IPv4 and martian sources have been dropped before anybody comes here.
 */
#include "dataplane/net/net_internal.h"

#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ndp.h"

static bool rate_allows(struct net *net, const struct base_addr *to, uint64_t now_ns)
{
	const struct net_shared *s = net->shared;
	bool total_is_empty;

	if (net_prefix_token(net, &net->error_full_at, &s->error_total, net->error_buckets, &s->error_prefix,
			     to, now_ns, &total_is_empty))
		return true;
	net_count(net, NET_COUNTER_errors_limited);
	return false;
}

/* The datagram cut to what is quoted, with room for an ICMP header before it; NULL: no room */
static uint8_t *quote(struct rte_mbuf *m, uint32_t quote_max, unsigned headers)
{
	/* what is cut off: whole buffers first, then the end of the last one left */
	if (m->nb_segs > 1) {
		rte_pktmbuf_free(m->next);
		m->next = NULL;
		m->nb_segs = 1;
		m->pkt_len = m->data_len;
	}
	if (m->pkt_len > quote_max)
		rte_pktmbuf_trim(m, (uint16_t)(m->pkt_len - quote_max));
	return (uint8_t *)rte_pktmbuf_prepend(m, (uint16_t)headers);
}

int net_icmp4_error_send(struct net *net, unsigned port, struct rte_mbuf *m, uint8_t type, uint8_t code,
			 enum net_drop why, uint64_t now_ns)
{
	const uint8_t *q = rte_pktmbuf_mtod(m, const uint8_t *);
	struct base_addr to = base_addr_v4(q + 12);
	uint8_t tos = q[1];
	uint16_t sum;
	uint32_t us;
	uint8_t *p;

	if (rte_pktmbuf_headroom(m) < WIRE_IP4_LEN + WIRE_ICMP_LEN || !rate_allows(net, &to, now_ns))
		return why;
	memcpy(&us, q + 16, 4);
	p = quote(m, WIRE_ICMP4_QUOTE_MAX, WIRE_IP4_LEN + WIRE_ICMP_LEN);
	wire_icmp_emit(p + WIRE_IP4_LEN, type, code, 0);
	sum = (uint16_t)~wire_sum_fold(net_mbuf_sum(net->shared, m, WIRE_IP4_LEN, m->pkt_len - WIRE_IP4_LEN));
	memcpy(p + WIRE_IP4_LEN + 2, &sum, 2);
	wire_ip4_emit(p, tos & 0xfc, (uint16_t)m->pkt_len, (uint16_t)base_rng_next(&net->rng), false, 64,
		      WIRE_PROTO_ICMP4, &us, &to.w[3]);
	net_count(net, NET_COUNTER_errors_sent);
	net_send(net, port, m, &to, now_ns);
	return (int)why | NET_ERROR_SENT;
}

/* RFC 4443 section 2.4 (e.1), behind whatever extension headers: an error, or a redirect */
static bool is_about_error(const uint8_t *q, unsigned avail)
{
	uint8_t type = q[6];
	unsigned at = WIRE_IP6_LEN;

	for (unsigned n = 0; n < WIRE_IP6_HEADERS_MAX && at + 8 <= avail; n++) {
		if (type == WIRE_PROTO_ICMP6)
			return wire_icmp6_is_error(q[at]) || q[at] == WIRE_NDP_REDIRECT;
		if (type != WIRE_IP6_HOP_BY_HOP && type != WIRE_IP6_DEST_OPTIONS && type != WIRE_IP6_ROUTING)
			return false;
		type = q[at];
		at += 8u + q[at + 1] * 8u;
	}
	return false;
}

int net_icmp6_error_send(struct net *net, unsigned port, struct rte_mbuf *m, uint8_t type, uint8_t code,
			 uint32_t pointer, bool to_group_too, enum net_drop why, uint64_t now_ns)
{
	const uint8_t *q = rte_pktmbuf_mtod(m, const uint8_t *);
	struct base_addr to = base_addr_v6(q + 8);
	struct base_addr us = base_addr_v6(q + 24);
	uint16_t sum;
	uint8_t *p;

	if (wire_ip6_is_unspecified(to.b) || (wire_ip6_is_group(us.b) && !to_group_too) ||
	    is_about_error(q, m->data_len))
		return why;
	if (wire_ip6_is_group(us.b)) {
		const struct net_port *pt = &net->shared->ports[port];

		if (net_source_on(pt, &to, &us) < 0)
			return why;
	} else {
		const struct net_own *own = net_own6(&net->shared->ports[port], &us);

		if (own == NULL || !net_own_ready(own))
			return why;
	}
	if (rte_pktmbuf_headroom(m) < WIRE_IP6_LEN + WIRE_ICMP_LEN || !rate_allows(net, &to, now_ns))
		return why;
	p = quote(m, WIRE_ICMP6_QUOTE_MAX, WIRE_IP6_LEN + WIRE_ICMP_LEN);
	wire_ip6_emit(p, 0, (uint16_t)(m->pkt_len - WIRE_IP6_LEN), WIRE_PROTO_ICMP6, 64, us.b, to.b);
	wire_icmp_emit(p + WIRE_IP6_LEN, type, code, pointer);
	sum = (uint16_t)~wire_sum_fold(
		wire_sum_pseudo(p + 8, p + 24, 16, WIRE_PROTO_ICMP6, m->pkt_len - WIRE_IP6_LEN) +
		net_mbuf_sum(net->shared, m, WIRE_IP6_LEN, m->pkt_len - WIRE_IP6_LEN));
	memcpy(p + WIRE_IP6_LEN + 2, &sum, 2);
	net_count(net, NET_COUNTER_errors_sent);
	net_send(net, port, m, &to, now_ns);
	return (int)why | NET_ERROR_SENT;
}
