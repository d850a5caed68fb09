/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tcp/handshake.h"

#include "dataplane/tcp/isn.h"
#include "dataplane/tcp/tcp_output.h"
#include "dataplane/tcp/pmtu.h"
#include "dataplane/tcp/reasm.h"
#include "dataplane/tcp/rto.h"

static const struct tcp_listener *find_listener(const struct tcp_stack *st, const struct base_addr *local,
						uint16_t port)
{
	const struct tcp_listener *any = NULL;

	for (unsigned i = 0; i < st->n_listeners; i++) {
		const struct tcp_listener *l = &st->listeners[i];

		if (!l->used || l->port != port)
			continue;
		if (l->any)
			any = l;
		else if (base_addr_equal(&l->local, local))
			return l;
	}
	return any;
}

static void open_window(struct tcp_stack *st, struct tcp_conn *c)
{
	uint32_t w = st->config.rcv_buffer > 65535 ? 65535 : st->config.rcv_buffer;

	c->rcv_adv = c->rcv_nxt + w;
}

/* what both have agreed upon; of our own offers only those that the peer takes up remain */
static void agree(struct tcp_stack *st, struct tcp_conn *c, const struct tcp_options *o)
{
	uint32_t offered = (st->config.sack ? TCP_F_SACK : 0) | (st->config.timestamps ? TCP_F_TS : 0) |
			   (st->config.window_scale ? TCP_F_WS : 0);
	uint32_t taken = (o->has_sack_ok ? TCP_F_SACK : 0) | (o->has_ts ? TCP_F_TS : 0) |
			 (o->has_scale ? TCP_F_WS : 0);

	c->flags = (c->flags & ~(uint32_t)(TCP_F_SACK | TCP_F_TS | TCP_F_WS)) | (offered & taken);
	c->scales = (c->flags & TCP_F_WS) ? (uint8_t)(o->scale | st->rcv_scale << 4) : 0;
	if (c->flags & TCP_F_TS)
		c->ts_recent = o->ts_val;
	tcp_pmtu_init(st, c, o->has_mss ? o->mss : 0);
}

static struct net_tuple tuple_of(const struct net_packet *p, const struct tcp_segment *s)
{
	return (struct net_tuple){
		.local = p->dst, .remote = p->src, .local_port = s->dport, .remote_port = s->sport};
}

/* ---- SYN cookies: no state, so nothing to exhaust ---- */

static void send_cookie(struct tcp_stack *st, const struct net_packet *p, const struct tcp_segment *s)
{
	struct net_tuple t = tuple_of(p, s);
	struct tcp_segment r = {
		.sport = s->dport, .dport = s->sport, .ack = s->seq + 1, .flags = TCP_SYN | TCP_ACK};
	struct tcp_cookie_options keep = {.scale = TCP_COOKIE_NO_SCALE};
	uint16_t mss = s->opt.has_mss ? s->opt.mss : TCP_MSS_MIN;

	r.seq = tcp_cookie_make(&st->secrets.cookie, &t, s->seq, mss, st->now);
	r.window = (uint16_t)(st->config.rcv_buffer > 65535 ? 65535 : st->config.rcv_buffer);
	r.opt.has_mss = true;
	r.opt.mss = tcp_emit_mss(st, &p->dst, &p->src);
	/* without timestamps there is nowhere to remember the rest */
	if (s->opt.has_ts && st->config.timestamps) {
		keep.sack = s->opt.has_sack_ok && st->config.sack;
		keep.ecn = st->config.ecn && (s->flags & (TCP_ECE | TCP_CWR)) == (TCP_ECE | TCP_CWR);
		if (s->opt.has_scale && st->config.window_scale)
			keep.scale = s->opt.scale;
		r.opt.has_ts = true;
		r.opt.ts_val = tcp_cookie_ts(st->ts + st->secrets.timestamp_offset, &keep);
		r.opt.ts_ecr = s->opt.ts_val;
		r.opt.has_sack_ok = keep.sack;
		r.opt.has_scale = keep.scale != TCP_COOKIE_NO_SCALE;
		r.opt.scale = st->rcv_scale;
		if (keep.ecn)
			r.flags |= TCP_ECE;
	}
	/* accepted a slot and a bit longer than the last one went out */
	st->cookie_until = st->now + (1ull << 36);
	TCP_COUNT(st, cookies_sent);
	tcp_emit_raw(st, &p->dst, &p->src, &r);
}

static struct tcp_conn *take_cookie(struct tcp_stack *st, const struct net_packet *p,
				    const struct tcp_segment *s, uint32_t hash, const struct tcp_listener *l)
{
	struct net_tuple t = tuple_of(p, s);
	struct tcp_options o = {.has_mss = true};
	struct tcp_conn *c;

	o.mss = tcp_cookie_check(&st->secrets.cookie, &t, s->seq - 1, s->ack - 1, st->now);
	if (!o.mss) {
		TCP_COUNT(st, cookies_bad);
		TCP_DISCARD(st, cookie_bad);
		return NULL;
	}
	c = tcp_conn_new(st, hash, &p->src, &p->dst, s->sport, s->dport);
	if (!c)
		return NULL;
	if (s->opt.has_ts && st->config.timestamps) {
		struct tcp_cookie_options k = tcp_cookie_ts_options(s->opt.ts_ecr);

		o.has_ts = true;
		o.ts_val = s->opt.ts_val;
		o.has_sack_ok = k.sack;
		o.has_scale = k.scale != TCP_COOKIE_NO_SCALE;
		o.scale = k.scale > TCP_SCALE_MAX ? 0 : k.scale;
		if (k.ecn && st->config.ecn)
			c->flags |= TCP_F_ECN;
	}
	TCP_COUNT(st, cookies_good);
	c->app = l->app;
	agree(st, c, &o);
	c->rcv_nxt = c->last_ack_sent = s->seq;
	c->snd_una = c->snd_nxt = s->ack;
	c->snd_wnd = (uint32_t)s->window << tcp_snd_scale(c);
	c->max_wnd = s->window;
	c->snd_wl1 = s->seq;
	c->snd_wl2 = s->ack;
	open_window(st, c);
	tcp_conn_establish(st, c);
	return c;
}

/* ---- LISTEN ---- */

static bool under_pressure(const struct tcp_stack *st)
{
	return st->stats->half_open >= st->config.half_open / 4 * 3;
}

static void passive_open(struct tcp_stack *st, const struct net_packet *p, const struct tcp_segment *s,
			 uint32_t hash, uint32_t iss_floor, const struct tcp_listener *l)
{
	struct net_tuple t = tuple_of(p, s);
	struct tcp_conn *c = tcp_conn_new(st, hash, &p->src, &p->dst, s->sport, s->dport);

	if (!c)
		return;
	/* one prefix may not fill the table for everybody */
	if (st->config.cookies && c->prefix != TCP_ACCOUNT_SHARED &&
	    st->account.prefixes[c->prefix].half_open >= st->config.half_open / 4) {
		send_cookie(st, p, s);
		tcp_conn_end(st, c, TCP_END_LIMIT);
		return;
	}
	c->state = TCP_SYN_RECEIVED;
	c->app = l->app;
	c->flags |= TCP_F_HALF_OPEN;
	st->stats->half_open++;
	st->account.prefixes[c->prefix].half_open++;
	TCP_COUNT(st, half_open);
	agree(st, c, &s->opt);
	if (st->config.ecn && (s->flags & (TCP_ECE | TCP_CWR)) == (TCP_ECE | TCP_CWR))
		c->flags |= TCP_F_ECN;
	c->rcv_nxt = s->seq + 1;
	c->snd_una = c->snd_nxt = tcp_isn(&st->secrets.isn, &t, st->now);
	if (iss_floor && seq_le(c->snd_una, iss_floor))
		c->snd_una = c->snd_nxt = iss_floor + 1 + (uint32_t)(base_rng_next(&st->rng) >> 48);
	c->snd_wnd = s->window;
	c->max_wnd = s->window;
	c->snd_wl1 = s->seq;
	open_window(st, c);
	tcp_output(st, c);
}

struct tcp_conn *tcp_listen_input(struct tcp_stack *st, const struct net_packet *p,
				  const struct tcp_segment *s, uint32_t hash, uint32_t iss_floor)
{
	const struct tcp_listener *l;

	if (s->flags & TCP_RST) {
		TCP_DISCARD(st, rst_no_connection);
		return NULL;
	}
	l = find_listener(st, &p->dst, s->dport);
	if (!l || (s->flags & TCP_ACK)) {
		if (l && !(s->flags & TCP_SYN) && st->now < st->cookie_until) {
			struct tcp_conn *c = take_cookie(st, p, s, hash, l);

			if (c)
				return c;
		} else {
			TCP_DISCARD(st, no_connection);
		}
		tcp_emit_reset_for(st, p, s);
		return NULL;
	}
	if (!(s->flags & TCP_SYN)) {
		TCP_DISCARD(st, no_ack);
		return NULL;
	}
	if (base_addr_equal(&p->src, &p->dst) && s->sport == s->dport) {
		TCP_DISCARD(st, bad_source);
		return NULL;
	}
	if (under_pressure(st)) {
		if (st->config.cookies) {
			send_cookie(st, p, s);
			return NULL;
		}
		if (st->stats->half_open >= st->config.half_open) {
			TCP_DISCARD(st, half_open_full);
			return NULL;
		}
	}
	passive_open(st, p, s, hash, iss_floor, l);
	return NULL;
}

/* ---- SYN-SENT ---- */

void tcp_handshake_connect(struct tcp_stack *st, struct tcp_conn *c)
{
	struct net_tuple t = {c->local, c->remote, c->local_port, c->remote_port};

	c->state = TCP_SYN_SENT;
	c->flags |= TCP_F_ACTIVE_OPEN | (st->config.sack ? TCP_F_SACK : 0) |
		    (st->config.timestamps ? TCP_F_TS : 0) | (st->config.window_scale ? TCP_F_WS : 0) |
		    (st->config.ecn ? TCP_F_ECN : 0);
	c->scales = (uint8_t)(st->rcv_scale << 4);
	c->snd_una = c->snd_nxt = tcp_isn(&st->secrets.isn, &t, st->now);
	c->mss = c->mss_max = TCP_MSS_MIN;
	tcp_conn_ready(st, c);
}

void tcp_syn_sent_input(struct tcp_stack *st, struct tcp_conn *c, const struct net_packet *p,
			const struct tcp_segment *s)
{
	bool acked = false;

	if (s->flags & TCP_ACK) {
		/* first: RFC 9293 3.10.7.3 */
		if (seq_le(s->ack, c->snd_una) || seq_gt(s->ack, c->snd_nxt)) {
			TCP_DISCARD(st, syn_state);
			if (!(s->flags & TCP_RST))
				tcp_emit_reset_for(st, p, s);
			return;
		}
		acked = true;
	}
	if (s->flags & TCP_RST) {
		if (!acked) {
			TCP_DISCARD(st, syn_state);
			return;
		}
		TCP_COUNT(st, resets_in);
		tcp_conn_end(st, c, TCP_END_REFUSED);
		return;
	}
	if (!(s->flags & TCP_SYN)) {
		TCP_DISCARD(st, syn_state);
		return;
	}
	c->last_rx_tick = st->tick;
	agree(st, c, &s->opt);
	if (acked ? (s->flags & (TCP_ECE | TCP_CWR)) != TCP_ECE
		  : (s->flags & (TCP_ECE | TCP_CWR)) != (TCP_ECE | TCP_CWR))
		c->flags &= ~TCP_F_ECN;
	c->rcv_nxt = s->seq + 1;
	c->snd_wnd = s->window;
	/* this one is not scaled yet, later ones are: in their unit it is that much less */
	c->max_wnd = (uint16_t)((s->window + (1u << tcp_snd_scale(c)) - 1) >> tcp_snd_scale(c));
	c->snd_wl1 = s->seq;
	open_window(st, c);
	if (!acked) {
		/* simultaneous open: the timer of our SYN goes on for the SYN-ACK */
		c->state = TCP_SYN_RECEIVED;
		tcp_emit_syn(st, c);
		return;
	}
	tcp_rtt_handshake(st, c, s);
	c->snd_wl2 = s->ack;
	c->snd_una = s->ack;
	c->flags |= TCP_F_ACK_NOW;
	tcp_conn_establish(st, c);
}
