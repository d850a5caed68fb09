/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP in: ping is answered in the buffer it came in; errors go to the core that owns the flow they speak of.
 */
#include "dataplane/net/net_internal.h"

#include "dataplane/wire/eth.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ndp.h"

/* A /24 or /56 as the key of a bucket; strangers in one bucket share its rate. */
static unsigned prefix_bucket(const struct net *net, const struct base_addr *src)
{
	uint64_t a = src->q[0];
	uint64_t b = src->q[1];

	if (base_addr_is_v4(src))
		b &= UINT64_C(0x00ffffffffffffff); /* the last byte of the address lies highest */
	else {
		a &= UINT64_C(0x00ffffffffffffff);
		b = 0;
	}
	return (unsigned)(net_mix(net->shared, a, b) % NET_PREFIX_BUCKETS);
}

bool net_prefix_token(struct net *net, uint64_t *total, const struct gcra_rate *total_rate, uint64_t *buckets,
		      const struct gcra_rate *prefix_rate, const struct base_addr *src, uint64_t now_ns,
		      bool *total_is_empty)
{
	uint64_t *bucket = &buckets[prefix_bucket(net, src)];

	/* the prefix is asked first: who is over his own rate does not use up everybody's */
	*total_is_empty = false;
	if (!gcra_ready(bucket, prefix_rate, now_ns))
		return false;
	if (!gcra_ready(total, total_rate, now_ns)) {
		*total_is_empty = true;
		return false;
	}
	gcra_take(bucket, prefix_rate, now_ns);
	gcra_take(total, total_rate, now_ns);
	return true;
}

/* -1: go on */
static int echo_limit(struct net *net, const struct base_addr *src, uint64_t now_ns)
{
	const struct net_shared *s = net->shared;
	bool total_is_empty;

	if (net_prefix_token(net, &net->echo_full_at, &s->echo_total, net->echo_buckets, &s->echo_prefix, src,
			     now_ns, &total_is_empty))
		return -1;
	return total_is_empty ? NET_DROP_echo_limit_total : NET_DROP_echo_limit_prefix;
}

/* RFC 1122 section 3.2.2.6: source and destination swapped, data and TOS as they were. */
static int echo4(struct net *net, unsigned port, struct rte_mbuf *m, uint64_t now_ns)
{
	uint8_t *p = rte_pktmbuf_mtod(m, uint8_t *);
	struct base_addr peer = base_addr_v4(p + 12);
	uint16_t checksum;
	uint32_t us;
	int drop = echo_limit(net, &peer, now_ns);

	if (drop >= 0)
		return drop;
	memcpy(&us, p + 16, 4);
	memcpy(&checksum, p + WIRE_IP4_LEN + 2, 2);
	/* the type lies in the low byte of its word */
	checksum = wire_checksum_update16(checksum, WIRE_ICMP4_ECHO, WIRE_ICMP4_ECHO_REPLY);
	p[WIRE_IP4_LEN] = WIRE_ICMP4_ECHO_REPLY;
	memcpy(p + WIRE_IP4_LEN + 2, &checksum, 2);
	/* no DF: an answer as long as its request may cross a narrower path back */
	wire_ip4_emit(p, p[1], (uint16_t)m->pkt_len, (uint16_t)base_rng_next(&net->rng), false, 64,
		      WIRE_PROTO_ICMP4, &us, &peer.w[3]);
	net_count(net, NET_COUNTER_echo_answered);
	net_send(net, port, m, &peer, now_ns);
	return NET_ANSWERED;
}

/* RFC 4443 section 4.2; the sum of the pseudo header does not change when its two addresses change places */
static int echo6(struct net *net, unsigned port, struct rte_mbuf *m, const struct wire_ip6 *ip6,
		 uint64_t now_ns)
{
	uint8_t *p = rte_pktmbuf_mtod(m, uint8_t *);
	struct base_addr peer = base_addr_v6(p + 8);
	struct base_addr us = base_addr_v6(p + 24);
	unsigned l3_len = ip6->upper_offset;
	uint16_t checksum;
	int drop;

	drop = echo_limit(net, &peer, now_ns);
	if (drop >= 0)
		return drop;
	memcpy(&checksum, p + l3_len + 2, 2);
	checksum = wire_checksum_update16(checksum, WIRE_ICMP6_ECHO, WIRE_ICMP6_ECHO_REPLY);
	p[l3_len] = WIRE_ICMP6_ECHO_REPLY;
	memcpy(p + l3_len + 2, &checksum, 2);
	/* extension headers of the request are not the answer's */
	rte_pktmbuf_adj(m, (uint16_t)(l3_len - WIRE_IP6_LEN));
	p += l3_len - WIRE_IP6_LEN;
	wire_ip6_emit(p, ip6->traffic_class, (uint16_t)(m->pkt_len - WIRE_IP6_LEN), WIRE_PROTO_ICMP6, 64,
		      us.b, peer.b);
	net_count(net, NET_COUNTER_echo_answered);
	net_send(net, port, m, &peer, now_ns);
	return NET_ANSWERED;
}

/* The flow that an error speaks of, as its segments reach us; -1: found */
static int error_tuple(const struct net *net, unsigned port_index, const struct wire_icmp_error *error,
		       bool v4, struct net_tuple *tuple)
{
	const struct net_port *port = &net->shared->ports[port_index];
	const struct net_own *own;

	tuple->local = v4 ? base_addr_v4(error->src) : base_addr_v6(error->src);
	tuple->remote = v4 ? base_addr_v4(error->dst) : base_addr_v6(error->dst);
	tuple->local_port = error->sport;
	tuple->remote_port = error->dport;
	own = v4 ? net_own4(port, tuple->local.w[3]) : net_own6(port, &tuple->local);
	return own == NULL ? NET_DROP_icmp_embedded : -1;
}

static int error_parse(const uint8_t *p, size_t len, bool v4, struct wire_icmp_error *error)
{
	int rc = v4 ? wire_icmp4_error_parse(p, len, error) : wire_icmp6_error_parse(p, len, error);

	if (rc > 0)
		return -1;
	return rc == WIRE_ICMP_SHORT  ? NET_DROP_icmp_short
	       : rc == WIRE_ICMP_TYPE ? NET_DROP_icmp_type
				      : NET_DROP_icmp_embedded;
}

static int error_input(struct net *net, unsigned port, struct rte_mbuf *m, bool v4, unsigned l3_len,
		       uint64_t now_ns)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	struct wire_icmp_error error;
	struct net_tuple t;
	unsigned owner;
	int drop = error_parse(p + l3_len, m->data_len - l3_len, v4, &error);

	if (drop < 0)
		drop = error_tuple(net, port, &error, v4, &t);
	if (drop >= 0)
		return drop;
	owner = net_owner(net->shared, &t.remote, &t.local, t.remote_port, t.local_port);
	if (owner == net->core)
		return net_icmp_error_local(net, port, m, v4, l3_len, now_ns);
	m->l3_len = l3_len & 0x1ff;
	return net_steer(net, owner, m, v4 ? NET_STEER_ERROR4 : NET_STEER_ERROR6, port);
}

/* What the router claims, as TCP shall see it; 0: not to be believed */
static uint16_t mtu_judge(const struct wire_icmp_error *error, bool v4)
{
	uint32_t mtu = error->mtu;

	if (v4 && mtu == 0)
		mtu = wire_icmp4_plateau(error->quoted_len);
	/* a router that complains about a datagram that fits is no router: RFC 5927 section 7.2 */
	if (mtu >= error->quoted_len)
		return 0;
	if (!v4)
		return mtu < PATH_MTU_MIN6 ? 0 : (uint16_t)mtu;
	/* RFC 1191 section 3: 68 is the least that there can be */
	return mtu < 68 ? 0 : (uint16_t)mtu;
}

int net_icmp_error_local(struct net *net, unsigned port, struct rte_mbuf *m, bool v4, unsigned l3_len,
			 uint64_t now_ns)
{
	static const enum net_error kinds[] = {
		[WIRE_ICMP_MEANS_UNREACHABLE] = NET_ERROR_UNREACHABLE,
		[WIRE_ICMP_MEANS_REFUSED] = NET_ERROR_REFUSED,
		[WIRE_ICMP_MEANS_TOO_BIG] = NET_ERROR_TOO_BIG,
	};
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	struct net_icmp_error up = {0};
	struct wire_icmp_error error;
	uint16_t mtu = 0;
	int drop = error_parse(p + l3_len, m->data_len - l3_len, v4, &error);

	if (drop < 0)
		drop = error_tuple(net, port, &error, v4, &up.tuple);
	if (drop >= 0)
		return drop;
	up.kind = kinds[error.meaning];
	up.seq = error.seq;
	if (up.kind == NET_ERROR_TOO_BIG) {
		mtu = mtu_judge(&error, v4);
		if (mtu == 0)
			return NET_DROP_icmp_embedded;
		up.mtu = v4 && mtu < PATH_MTU_MIN4 ? PATH_MTU_MIN4 : mtu;
	}
	if (net->ops->icmp_error == NULL || !net->ops->icmp_error(net->ctx, &up, now_ns))
		return NET_DROP_icmp_no_flow;
	net_count(net, NET_COUNTER_icmp_errors);
	if (up.kind == NET_ERROR_TOO_BIG) {
		uint16_t current = net_path_mtu(net, &up.tuple.local, &up.tuple.remote, now_ns);
		enum path_mtu_verdict v = path_mtu_lower(&net->paths, &up.tuple.remote, mtu, current, now_ns);

		if (v != PATH_MTU_NO_NEWS)
			net_count(net, NET_COUNTER_pmtu_learned);
		if (v == PATH_MTU_FLOORED)
			net_count(net, NET_COUNTER_pmtu_clamped);
	}
	return NET_CONSUMED;
}

int net_icmp4_input(struct net *net, unsigned port, struct rte_mbuf *m, uint64_t now_ns)
{
	const uint8_t *icmp = rte_pktmbuf_mtod_offset(m, const uint8_t *, WIRE_IP4_LEN);

	if (unlikely(m->data_len < WIRE_IP4_LEN + WIRE_ICMP_LEN))
		return NET_DROP_icmp_short;
	if (unlikely(wire_sum_fold(net_mbuf_sum(net->shared, m, WIRE_IP4_LEN, m->pkt_len - WIRE_IP4_LEN)) !=
		     0xffff))
		return NET_DROP_icmp_checksum;
	if (likely(icmp[0] == WIRE_ICMP4_ECHO && icmp[1] == 0))
		return echo4(net, port, m, now_ns);
	if (wire_icmp4_is_error(icmp[0]))
		return error_input(net, port, m, true, WIRE_IP4_LEN, now_ns);
	return NET_DROP_icmp_type;
}

static int nd_dispatch(struct net *net, unsigned port, struct rte_mbuf *m, const struct wire_ip6 *ip6,
		       uint64_t now_ns)
{
	if (ip6->hop_limit != WIRE_NDP_HOP_LIMIT)
		return NET_DROP_nd_bad;
	if (net->neigh != NULL)
		return net_nd_input(net, port, m, ip6->upper_offset, now_ns);
	m->l3_len = ip6->upper_offset & 0x1ff;
	return net_steer(net, NET_NEIGH_CORE, m, NET_STEER_ND, port);
}

int net_icmp6_input(struct net *net, unsigned port_index, struct rte_mbuf *m, const struct wire_ip6 *ip6,
		    bool group, uint64_t now_ns)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	const uint8_t *icmp = p + ip6->upper_offset;
	uint32_t len = m->pkt_len - ip6->upper_offset;
	const struct net_own *own;
	struct base_addr src;
	struct base_addr dst;
	uint64_t sum;

	if (unlikely(m->data_len < ip6->upper_offset + WIRE_ICMP_LEN))
		return NET_DROP_icmp_short;
	sum = wire_sum_pseudo(p + 8, p + 24, 16, WIRE_PROTO_ICMP6, len);
	if (unlikely(wire_sum_fold(sum + net_mbuf_sum(net->shared, m, ip6->upper_offset, len)) != 0xffff))
		return NET_DROP_icmp_checksum;
	if (icmp[0] >= WIRE_NDP_RS && icmp[0] <= WIRE_NDP_REDIRECT)
		return nd_dispatch(net, port_index, m, ip6, now_ns);
	src = base_addr_v6(p + 8);
	if (unlikely(wire_ip6_is_unspecified(src.b) ||
		     net_own6(&net->shared->ports[port_index], &src) != NULL))
		return NET_DROP_ip6_source;
	if (group)
		return NET_DROP_icmp_group;
	dst = base_addr_v6(p + 24);
	own = net_own6(&net->shared->ports[port_index], &dst);
	if (own == NULL || !net_own_ready(own))
		return NET_DROP_ip6_tentative;
	if (likely(icmp[0] == WIRE_ICMP6_ECHO && icmp[1] == 0))
		return echo6(net, port_index, m, ip6, now_ns);
	if (wire_icmp6_is_error(icmp[0]))
		return error_input(net, port_index, m, false, ip6->upper_offset, now_ns);
	return NET_DROP_icmp_type;
}
