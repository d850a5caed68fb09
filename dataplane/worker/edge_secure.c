/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions of TLS as links of the proxy. The user pointer of a session is its link. */
#include <errno.h>
#include <string.h>

#include "dataplane/tls/peer.h"
#include "dataplane/worker/edge_link.h"

enum { SWEEP = 64 };

void *edge_secure_accept(void *listener, uint64_t id, const struct net_tuple *tuple)
{
	struct edge_listener *s = listener;
	struct edge_link *l = edge_link_new(s->edge, (enum policy_side)s->side, tuple);

	if (l)
		l->below = id;
	return l;
}

bool edge_secure_pinned(void *ctx, unsigned profile, const uint8_t spki[POLICY_SPKI_LEN])
{
	const struct edge *e = ctx;

	/* inside, everybody has a certificate of ours; the view is that of this burst */
	return e->config && e->view && profile < TLS_PROFILES_MAX &&
	       e->config->profiles[profile].side == POLICY_SIDE_EXTERNAL &&
	       policy_small_named(e->view, POLICY_SMALL_PINS,
				  (struct policy_name){(const char *)spki, POLICY_SPKI_LEN}) != NULL;
}

static const struct edge_place *identity_at(const struct edge_config *c, unsigned place)
{
	return &c->identities[place % TLS_IDENTITIES_MAX];
}

/* The profile that the connection is to have: the caller's by its number, else that of the identity. */
static int profile_for(const struct edge_config *c, unsigned identity, uint32_t id)
{
	const struct edge_place *own = identity_at(c, identity);

	for (unsigned i = 0; id && own->side == POLICY_SIDE_EXTERNAL && i < TLS_PROFILES_MAX; i++)
		if (c->profiles[i].id == id && c->profiles[i].side == own->side)
			return (int)i;
	return own->profile == UINT8_MAX ? -ENOENT : own->profile;
}

int edge_secure_choose(const struct edge *e, uint8_t side, uint32_t identity, uint32_t tls_profile,
		       struct tls_client_params *p)
{
	int profile;

	for (unsigned i = 0;; i++) {
		if (i == TLS_IDENTITIES_MAX)
			return -ENOENT;
		if (e->config->identities[i].id && e->config->identities[i].side == side &&
		    (!identity || e->config->identities[i].id == identity)) {
			p->identity = i;
			break;
		}
	}
	profile = profile_for(e->config, p->identity, tls_profile);
	if (profile < 0)
		return profile;
	p->profile = (unsigned)profile;
	return 0;
}

int edge_secure_connect(struct edge_link *l, const struct link_connect *to, const struct net_tuple *tuple)
{
	struct edge *e = l->edge;
	struct tls_client_params p = {.sni = to->sni};
	int err = edge_secure_choose(e, l->side, to->identity, to->tls_profile, &p);

	return err ? err : tls_tcp_connect(&e->tls, tuple, &p, &edge_secure_ops, l, &l->below);
}

/* what the profile says of names is judged here; whose name it is, above */
static bool subject_fits(const struct edge_place *profile, const struct tls_peer *peer, bool pinned)
{
	for (unsigned i = 0; peer && !pinned && i < peer->names; i++)
		for (unsigned k = 0; k < profile->subjects; k++)
			if (policy_name_equal(tls_peer_name(peer, i), profile->subject[k]))
				return true;
	return profile->subjects == 0;
}

bool edge_secure_subject_fits(const struct edge *e, unsigned profile, const struct tls_peer *peer,
			      bool pinned)
{
	return e->config && subject_fits(&e->config->profiles[profile % TLS_PROFILES_MAX], peer, pinned);
}

static void judge(struct edge_link *l)
{
	struct edge *e = l->edge;
	const struct tls_lists *lists = e->config->profiles[l->profile].lists;
	const struct tls_peer *peer = tls_peer_get(e->tls.core, l->below);

	if (l->revoked || !lists || !peer || !tls_lists_name(lists, peer->issuer_serial))
		return;
	l->revoked = true;
	e->counters[EDGE_COUNTER_revoked]++;
	proxy_link_revoked(e->proxy, l->conn);
}

static void on_ready(void *user, uint64_t id)
{
	struct edge_link *l = user;
	struct edge *e = l->edge;
	const struct tls_peer *peer = tls_peer_get(e->tls.core, id);
	struct link_facts facts = {.secure = true};
	struct tls_info info;

	tls_info_get(e->tls.core, id, &info);
	l->pinned = info.verdict == TLS_VERDICT_pinned;
	if (!e->config || !subject_fits(&e->config->profiles[info.profile], peer, l->pinned)) {
		e->counters[EDGE_COUNTER_refused_subject]++;
		l->refused = true;
		edge_tell_failed(l, peer, TLS_END_closed, &info,
				 "no name of the certificate is among the profile's peer-subjects");
		edge_link_lost(l, LINK_END_CERTIFICATE, NULL);
		tls_close(e->tls.core, id);
		return;
	}
	facts.identity = identity_at(e->config, info.identity)->id;
	if (peer) {
		facts.certificate = info.verdict == TLS_VERDICT_good;
		facts.pinned_only = l->pinned;
		facts.has_spki = true;
		facts.eku = peer->eku;
		facts.names_n = l->pinned ? 0 : peer->names;
		memcpy(facts.spki, peer->spki, sizeof(facts.spki));
		memcpy(facts.issuer_serial, peer->issuer_serial, sizeof(facts.issuer_serial));
	}
	facts.suite = info.suite_name;
	l->profile = (uint8_t)info.profile;
	if (!edge_link_up(l, &facts))
		tls_close(e->tls.core, id);
	else
		judge(l); /* lists may have come since its handshake began */
}

void edge_secure_sweep(struct edge *e)
{
	uint32_t end = e->sweep_at + SWEEP; /* wraps when there is nothing to do */

	if (e->sweep_at == BASE_POOL_NONE || !e->config)
		return;
	for (; e->sweep_at < end && e->sweep_at < e->links.touched; e->sweep_at++) {
		struct edge_link *l = base_pool_at(&e->links, e->sweep_at);

		/* one that is free is known by its even generation, which stays readable */
		if ((l->generation & 1) && l->up && !l->plain)
			judge(l);
	}
	if (e->sweep_at >= e->links.touched)
		e->sweep_at = BASE_POOL_NONE;
}

static uint32_t on_data(void *user, uint64_t id, uint8_t *plain, uint32_t len)
{
	struct edge_link *l = user;
	uint32_t taken = l->conn ? proxy_link_data(l->edge->proxy, l->conn, plain, len) : len;

	l->edge->counters[EDGE_COUNTER_bytes_in] += taken;
	return taken;
}

static void on_writable(void *user, uint64_t id)
{
	struct edge_link *l = user;

	if (l->conn && l->up)
		proxy_link_writable(l->edge->proxy, l->conn);
}

static void on_eof(void *user, uint64_t id)
{
	struct edge_link *l = user;

	if (l->conn)
		proxy_link_eof(l->edge->proxy, l->conn);
	else
		tls_close(l->edge->tls.core, id);
}

/* what the proxy is told of a session that never came up */
static enum link_end end_before_up(enum tls_end end, const struct tls_info *info)
{
	static const uint8_t ends[TLS_ENDS] = {
		[TLS_END_closed] = LINK_END_CLOSED,	    [TLS_END_truncated] = LINK_END_TLS,
		[TLS_END_reset] = LINK_END_REFUSED,	    [TLS_END_stream_timeout] = LINK_END_UNREACHABLE,
		[TLS_END_peer_alert] = LINK_END_TLS,	    [TLS_END_protocol] = LINK_END_TLS,
		[TLS_END_verify] = LINK_END_CERTIFICATE,    [TLS_END_forged] = LINK_END_TLS,
		[TLS_END_handshake_timeout] = LINK_END_TLS, [TLS_END_handshake_size] = LINK_END_TLS,
		[TLS_END_key_update_flood] = LINK_END_TLS,  [TLS_END_empty_flood] = LINK_END_TLS,
		[TLS_END_renegotiation] = LINK_END_TLS,	    [TLS_END_key_exhausted] = LINK_END_TLS,
		[TLS_END_memory] = LINK_END_LOCAL,	    [TLS_END_aborted] = LINK_END_LOCAL,
	};

	/* whom TCP reached was reached: that it went away since is a handshake that failed (1047, not 1046).
	 * An operator whose handshake does not begin in time looks at the network, not at certificates. */
	if (info->begun && (end == TLS_END_reset || end == TLS_END_stream_timeout))
		return LINK_END_TLS;
	if (!info->begun && end == TLS_END_handshake_timeout)
		return LINK_END_UNREACHABLE;
	return (enum link_end)ends[end];
}

static void on_failed(void *user, uint64_t id, enum tls_end end)
{
	struct edge_link *l = user;
	struct tls_info info;

	tls_info_get(l->edge->tls.core, id, &info);
	edge_tell_failed(l, NULL, end, &info, NULL);
	edge_link_lost(l, end_before_up(end, &info), NULL);
}

static void on_closed(void *user, uint64_t id, enum tls_end end)
{
	struct edge_link *l = user;
	const struct tls_peer *peer = tls_peer_get(l->edge->tls.core, id);
	char why[EXCHANGE_EVENT_TEXT + 1];
	struct tls_info info;

	tls_info_get(l->edge->tls.core, id, &info);
	/* of one that the proxy knows, the proxy tells */
	if (!l->up || !l->conn)
		edge_tell_failed(l, peer, end, &info, l->up ? "no room for its connection" : NULL);
	if (!l->up) {
		edge_link_closed(l, l->refused ? LINK_END_CERTIFICATE : end_before_up(end, &info), NULL);
		return;
	}
	edge_tell_why(why, end, &info);
	edge_link_closed(l, end == TLS_END_closed ? LINK_END_CLOSED : LINK_END_RESET, why);
}

static void on_warm(void *user, unsigned step)
{
	const struct edge_link *l = user;

	if (step == 0) {
		__builtin_prefetch(l);
		__builtin_prefetch((const uint8_t *)l + sizeof(*l) - 1);
	} else if (l->conn) {
		proxy_link_warm(l->edge->proxy, l->conn, step - 1);
	}
}

const struct tls_ops edge_secure_ops = {.ready = on_ready,
					.data = on_data,
					.writable = on_writable,
					.eof = on_eof,
					.closed = on_closed,
					.failed = on_failed,
					.warm = on_warm};
