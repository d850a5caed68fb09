/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/edge_probe.h"

#include <errno.h>
#include <string.h>

#include "dataplane/worker/edge_link.h"

enum {
	MS = 1000000,
	FIRST_MS = 4000, /* as long as a message would wait, nearly */
	NEXT_MS = 2000,
	PACE_MS = 50,	 /* between two handshakes */
	LINGER_MS = 400, /* TLS 1.3: a peer that does not like our certificate says so after we are done */
	CLOSE_MS = 300,	 /* how long the peer may take to follow */
};

enum stage { STAGE_FIRST, STAGE_13, STAGE_12 };

static uint8_t put(char *to, size_t room, const char *from)
{
	return exchange_event_put(to, (uint32_t)room, from ? from : "", from ? (uint32_t)strlen(from) : 0);
}

static void tell(const struct edge_probe *p, const struct exchange_probed *what)
{
	ring_produce(&p->edge->events, EXCHANGE_PROBED, what, sizeof(*what));
}

static void end(struct edge_probe *p, enum exchange_probed_state state)
{
	struct exchange_probed m = {.id = p->asked.id,
				    .what = EXCHANGE_PROBED_END,
				    .state = (uint8_t)state,
				    .handshakes = p->handshakes};

	tell(p, &m);
	p->asked.id = 0;
}

static void put_agreed(const struct edge_probe *p, struct exchange_probed *m)
{
	m->id = p->asked.id;
	m->version = p->tls.agreed_version;
	m->handshakes = p->handshakes;
	m->suite_len = put(m->suite, sizeof(m->suite), p->tls.suite_name);
	m->group_len = put(m->group, sizeof(m->group), p->tls.group);
	m->signature_len = put(m->signature, sizeof(m->signature), p->tls.signature);
}

static void put_peer(const struct edge_probe *p, struct exchange_probed *m)
{
	const struct tls_peer *peer = &p->tls.peer;

	if (!p->tls.has_peer)
		return;
	m->has_key = true;
	m->eku = peer->eku;
	memcpy(m->spki, peer->spki, sizeof(m->spki));
	for (unsigned i = 0; i < peer->names; i++) {
		struct policy_name n = tls_peer_name(peer, i);

		if (m->names_len + 1u + n.len > sizeof(m->names))
			break;
		m->names[m->names_len] = (char)n.len;
		memcpy(m->names + m->names_len + 1, n.ptr, n.len);
		m->names_len = (uint16_t)(m->names_len + 1 + n.len);
		m->names_n++;
	}
}

static enum exchange_probed_state state_of(const struct edge_probe *p)
{
	if (!p->info.begun)
		return EXCHANGE_PROBED_UNREACHABLE;
	if (p->late)
		return EXCHANGE_PROBED_SILENT;
	if (p->subject || (!p->ready && p->end == TLS_END_verify))
		return EXCHANGE_PROBED_REFUSED;
	/* what ends before we end it was not wanted */
	return p->ready && p->closing ? EXCHANGE_PROBED_OK : EXCHANGE_PROBED_FAILED;
}

static void tell_first(const struct edge_probe *p)
{
	struct exchange_probed m = {.what = EXCHANGE_PROBED_FIRST,
				    .state = (uint8_t)state_of(p),
				    .alert = p->info.alert,
				    .pinned = p->info.verdict == TLS_VERDICT_pinned};
	char why[EXCHANGE_EVENT_TEXT + 1];

	put_agreed(p, &m);
	put_peer(p, &m);
	m.verdict_len = put(m.verdict, sizeof(m.verdict), tls_verdict_info[p->info.verdict].name);
	if (p->subject) {
		m.text_len = put(m.text, sizeof(m.text),
				 "no name of the certificate is among the profile's peer-subjects");
	} else if (m.state != EXCHANGE_PROBED_OK) {
		edge_tell_why(why, (enum tls_end)p->end, &p->info);
		m.text_len = put(m.text, sizeof(m.text), why);
	}
	tell(p, &m);
}

/* ---- one handshake ---- */

static void on_ready(void *user, uint64_t id)
{
	struct edge_probe *p = user;
	struct edge *e = p->edge;

	tls_info_get(e->tls.core, id, &p->info);
	p->ready = true;
	p->subject = !edge_secure_subject_fits(e, p->info.profile, tls_peer_get(e->tls.core, id),
					       p->info.verdict == TLS_VERDICT_pinned);
	p->due_ns = e->now_ns + (p->stage == STAGE_FIRST && p->info.v13 ? LINGER_MS * MS : 0);
}

static uint32_t on_data(void *user, uint64_t id, uint8_t *plain, uint32_t len)
{
	return len; /* nobody asked */
}

static void on_eof(void *user, uint64_t id)
{
	struct edge_probe *p = user;

	p->closing = p->ready;
	tls_close(p->edge->tls.core, id);
}

static void on_failed(void *user, uint64_t id, enum tls_end how)
{
	struct edge_probe *p = user;

	tls_info_get(p->edge->tls.core, id, &p->info);
	p->end = (uint8_t)how;
	p->closing = true;
	p->due_ns = p->edge->now_ns + CLOSE_MS * MS;
}

static void on_closed(void *user, uint64_t id, enum tls_end how)
{
	struct edge_probe *p = user;

	if (!p->closing) {
		tls_info_get(p->edge->tls.core, id, &p->info);
		p->end = (uint8_t)how;
	}
	p->live = false;
	p->over = true;
}

static const struct tls_ops ops = {
	.ready = on_ready, .data = on_data, .eof = on_eof, .failed = on_failed, .closed = on_closed};

static int connect_one(struct edge_probe *p)
{
	static const uint16_t versions[] = {[STAGE_FIRST] = 0, [STAGE_13] = 0x0304, [STAGE_12] = 0x0303};
	struct edge *e = p->edge;
	struct net_tuple tuple = {.remote_port = p->asked.port};
	struct tls_client_params params = {.sni = {p->asked.sni, p->asked.sni_len}, .probe = &p->tls};
	int err;

	memcpy(tuple.remote.b, p->asked.address, sizeof(tuple.remote.b));
	if (!e->config)
		return -ENOENT;
	err = edge_secure_choose(e, POLICY_SIDE_EXTERNAL, p->asked.identity, p->asked.tls_profile, &params);
	if (!err)
		err = edge_link_source(e, p->asked.identity, POLICY_SIDE_EXTERNAL, &tuple.remote,
				       &tuple.local);
	if (err)
		return err;
	p->tls.version = versions[p->stage];
	p->live = true;
	p->over = p->ready = p->closing = p->late = p->subject = false;
	memset(&p->info, 0, sizeof(p->info));
	err = tls_tcp_connect(&e->tls, &tuple, &params, &ops, p, &p->session);
	p->live = err == 0;
	return err;
}

static void refuse(struct edge_probe *p, int err)
{
	struct exchange_probed m = {
		.id = p->asked.id, .what = EXCHANGE_PROBED_FIRST, .state = EXCHANGE_PROBED_BUSY};

	m.text_len = put(m.text, sizeof(m.text),
			 err == -ENOENT || err == -ENODATA ? "no identity with this TLS profile is in use"
			 : err == -EBUSY || err == -ENFILE || err == -ENOMEM
				 ? "there is no room for another handshake now"
				 : "no port leads to this address");
	tell(p, &m);
	end(p, EXCHANGE_PROBED_CUT);
}

static void next_stage(struct edge_probe *p)
{
	if (p->stage == STAGE_13)
		p->stage = STAGE_12;
	else
		end(p, EXCHANGE_PROBED_OK);
}

static void start(struct edge_probe *p)
{
	int err;

	if (p->handshakes == EXCHANGE_PROBE_HANDSHAKES || p->tls.n_without == TLS_PROBE_SUITES)
		return end(p, EXCHANGE_PROBED_CUT);
	err = connect_one(p);
	if (!err) {
		p->handshakes++;
		p->due_ns = p->edge->now_ns + (uint64_t)(p->stage == STAGE_FIRST ? FIRST_MS : NEXT_MS) * MS;
	} else if (p->stage == STAGE_FIRST) {
		refuse(p, err);
	} else if (err == -ENODATA) {
		next_stage(p);
	} else {
		end(p, EXCHANGE_PROBED_CUT);
	}
}

static void judge(struct edge_probe *p)
{
	bool agreed = p->tls.suite != 0;

	p->over = false;
	p->next_ns = p->edge->now_ns + PACE_MS * MS;
	if (p->stage == STAGE_FIRST)
		tell_first(p);
	if (agreed) {
		if (p->stage == STAGE_FIRST) {
			/* who has 1.3 and a suite of it takes that */
			p->stage = p->tls.agreed_version >= 0x0304 ? STAGE_13 : STAGE_12;
		} else {
			struct exchange_probed m = {.what = EXCHANGE_PROBED_SUITE};

			put_agreed(p, &m);
			tell(p, &m);
		}
		p->tls.without[p->tls.n_without++] = p->tls.suite;
	} else if (!p->info.begun || p->late) {
		end(p, EXCHANGE_PROBED_CUT);
	} else if (p->stage == STAGE_FIRST) {
		/* an alert of it says so; whatever else happened, nothing is known */
		end(p, p->end == TLS_END_peer_alert ? EXCHANGE_PROBED_OK : EXCHANGE_PROBED_CUT);
	} else {
		next_stage(p);
	}
}

/* ---- all of them ---- */

void edge_probe_begin(struct edge *e, const struct exchange_probe *asked)
{
	struct edge_probe *p = &e->probe;

	if (p->asked.id || p->live) {
		struct edge_probe other = {.edge = e, .asked = *asked};

		return end(&other, EXCHANGE_PROBED_BUSY);
	}
	memset(p, 0, sizeof(*p));
	p->edge = e;
	p->asked = *asked;
	if (p->asked.sni_len > sizeof(p->asked.sni))
		p->asked.sni_len = 0;
	p->until_ns = e->now_ns + (uint64_t)EXCHANGE_PROBE_MS * MS;
}

void edge_probe_turn(struct edge *e)
{
	struct edge_probe *p = &e->probe;
	struct tls_info now;

	if (p->live) {
		bool out_of_time = e->now_ns >= p->due_ns || e->now_ns >= p->until_ns;

		/* a ticket comes from who is content */
		if (p->ready && !p->closing &&
		    (out_of_time || (tls_info_get(e->tls.core, p->session, &now) && now.own_records))) {
			p->closing = true;
			p->due_ns = e->now_ns + CLOSE_MS * MS;
			tls_close(e->tls.core, p->session);
		} else if (out_of_time && !p->ready && !p->closing) {
			p->late = p->closing = true;
			tls_info_get(e->tls.core, p->session, &p->info);
			p->end = TLS_END_handshake_timeout;
			p->due_ns = e->now_ns + CLOSE_MS * MS;
			tls_abort(e->tls.core, p->session);
		} else if (e->now_ns >= p->due_ns && p->closing) {
			p->due_ns = e->now_ns + CLOSE_MS * MS;
			tls_abort(e->tls.core, p->session);
		}
		return;
	}
	if (!p->asked.id)
		return;
	if (p->over)
		judge(p);
	else if (e->now_ns >= p->until_ns)
		end(p, EXCHANGE_PROBED_CUT);
	else if (e->now_ns >= p->next_ns)
		start(p);
}
