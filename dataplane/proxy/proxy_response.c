/* SPDX-License-Identifier: BSD-3-Clause */
/* A response (RFC 3261 section 16.7): found by the branch that we gave, taken only from whom that branch was
 * sent to, judged by the policy of this moment, then up. */
#include <errno.h>

#include "dataplane/proxy/client_half.h"
#include "dataplane/proxy/header_rules.h"
#include "dataplane/proxy/proxy_conn.h"
#include "dataplane/proxy/proxy_event.h"
#include "dataplane/proxy/proxy_self.h"
#include "dataplane/proxy/proxy_shadow.h"
#include "dataplane/proxy/proxy_sweep.h"
#include "dataplane/proxy/server_half.h"

static struct client_half *find(struct proxy *p, uint32_t conn, const struct sip_msg *m,
				const struct sip_core *core)
{
	struct via_branch b;
	struct client_half *k;

	if (!via_branch_of(&p->via_key, m, &core->via, &b) || b.epoch != p->via_key.epoch ||
	    b.core != p->core) {
		PROXY_DROPPED(p, stray_response);
		return NULL;
	}
	k = client_half_of(p, (struct proxy_half){b.slot, b.generation});
	if (!k) {
		PROXY_DROPPED(p, stray_response);
		return NULL;
	}
	if (k->conn != conn || k->conn_gen != proxy_conn_at(p, conn)->gen) {
		PROXY_DROPPED(p, forged_response);
		proxy_event_conn(p, proxy_conn_at(p, conn), EXCHANGE_EVENT_FORGED,
				 "a response from a peer that was not asked");
		return NULL;
	}
	if (core->cseq.method != k->method) {
		/* the answer to our CANCEL has the branch of its INVITE, and nothing to say */
		if (core->cseq.method != SIP_METHOD_CANCEL || !k->sent_cancel)
			PROXY_DROPPED(p, stray_response);
		return NULL;
	}
	return k;
}

/* the half that waits upstream */
static void warm_server(const struct proxy *p, const struct client_half *k)
{
	for (size_t at = 0; at < sizeof(struct server_half); at += 64)
		__builtin_prefetch((const uint8_t *)server_at(p, k->server.slot) + at, 1);
}

/* and its conn, without which nothing of the link can be called for */
static void warm_upstream(const struct proxy *p, const struct server_half *s)
{
	for (size_t at = 0; at < sizeof(struct proxy_conn); at += 64)
		__builtin_prefetch((const uint8_t *)proxy_conn_at(p, s->conn) + at, 1);
}

/* The partner's later requests may go by what the pool recorded, and by nothing else; to where the other end
 * says that it is, or to our SIP domains (section 12.1.2). */
static int resign(struct proxy *p, const struct proxy_conn *c, struct client_half *k,
		  const struct server_half *s, const struct sip_msg *m, const struct sip_core *core)
{
	const struct sip_uri *aim;

	if (!s->external)
		return 0;
	aim = c->side == LINK_INTERNAL ? proxy_aim_answered(p, k, m, core) : NULL;
	if (!k->routes || core->n_record_routes <= k->routes ||
	    (!aim && core->n_record_routes == k->routes + 1))
		return 0;
	return route_resign(&p->route_keys, p->edit, core, core->n_record_routes - k->routes - 1u, aim);
}

/* Judges and edits: length of what lies in p->flat; 0: refused, *reason says why; -1: it cannot be edited */
static int pass(struct proxy *p, struct proxy_conn *c, struct client_half *k, const struct server_half *s,
		const struct sip_msg *m, const struct sip_core *core, enum policy_reason *reason)
{
	struct policy_stored stored;
	struct facts_in in = {.m = m,
			      .core = core,
			      .direction = c->side == LINK_EXTERNAL ? POLICY_INBOUND : POLICY_OUTBOUND,
			      .peer = &c->peer,
			      .now_ns = p->now_ns};
	struct proxy_passing *r = p->pass;
	const struct proxy_conn *to;
	struct header_rules rules;
	struct iovec iov[SIP_EDIT_IOV_MAX];
	uint32_t len, at = 0;
	int n;

	if (client_half_stored(p, k, &stored))
		in.stored = &stored;
	warm_upstream(p, s);
	proxy_self_trusts(p, c);
	*reason = facts_from_message(&in, &r->facts);
	if (*reason != POLICY_REASON_ACCEPTED)
		return 0;
	to = proxy_conn_up(p, s->conn, s->conn_gen);
	if (to) {
		proxy_conn_near(p, to);
		proxy_conn_warm(p, to, 0);
	}
	policy_decide(p->view, &r->facts.facts, &r->verdict, NULL);
	proxy_shadow_answered(p, c, r);
	if (to)
		proxy_conn_warm(p, to, 1);
	*reason = r->verdict.reason;
	if (r->verdict.action != POLICY_ACCEPT)
		return 0;
	rules = (struct header_rules){
		.edge = proxy_self_face(p, LINK_EXTERNAL, c->identity, c).host,
		.diagnostics_out = (p->view->box->flags & POLICY_BOX_DIAGNOSTICS_OUT) != 0,
		.arrived = in.direction,
		.leaves_external = s->external,
		.verdict = &r->verdict,
		.peer = c->peer.names_n ? c->peer.names[0] : (struct policy_name){"", 0},
	};
	sip_edit_init(p->edit, m, p->scratch, PROXY_SCRATCH);
	if (to)
		proxy_conn_warm(p, to, 2);
	if (sip_edit_pop(p->edit, SIP_HDR_VIA, 1) < 0 || header_rules_apply(p->edit, &rules) < 0)
		return -1;
	if (resign(p, c, k, s, m, core) == -E2BIG)
		return -1;
	if (to)
		proxy_conn_warm(p, to, 3);
	len = sip_edit_length(p->edit);
	n = len <= p->flat_size ? sip_edit_emit(p->edit, iov, SIP_EDIT_IOV_MAX) : -1;
	if (n < 0)
		return -1;
	for (int i = 0; i < n; i++) {
		memcpy(p->flat + at, iov[i].iov_base, iov[i].iov_len);
		at += (uint32_t)iov[i].iov_len;
	}
	return (int)len;
}

static void up(struct proxy *p, struct proxy_conn *c, struct client_half *k, const struct sip_msg *m,
	       const struct sip_core *core)
{
	struct server_half *s = k->lone ? NULL : server_half_of(p, k->server);
	const struct sip_header *h = sip_msg_first(m, SIP_HDR_RETRY_AFTER);
	struct client_answer a = {.status = m->status, .bytes = p->flat};
	enum policy_reason reason;
	int n;

	if (m->status == 503) {
		if (h && !sip_retry_after_read(m, h, &a.retry_after_s))
			a.retry_after_s = 0;
		backoff_failed(&p->backoff, c->remote.b, c->remote_port, c->identity, a.retry_after_s,
			       base_rng_next(&p->rng), p->now_ns);
	} else if (m->status >= 200) {
		backoff_answered(&p->backoff, c->remote.b, c->remote_port, c->identity, p->now_ns);
	}
	if (!s) {
		PROXY_DROPPED(p, response_no_link);
		return;
	}
	if (core->n_vias < 2 || !p->view) {
		PROXY_DROPPED(p, stray_response);
		return;
	}
	n = pass(p, c, k, s, m, core, &reason);
	if (n > 0) {
		a.len = (uint32_t)n;
		server_half_answered(p, s, &a);
		return;
	}
	if (n == 0)
		PROXY_DROPPED(p, response_refused);
	else
		PROXY_DROPPED(p, edit_failed);
	/* who waits is not left waiting */
	if (m->status >= 200)
		server_half_failed(p, s, n == 0 ? reason : POLICY_REASON_TOO_LARGE, false);
}

void proxy_response_in(struct proxy *p, uint32_t conn, const struct sip_msg *m)
{
	struct proxy_conn *c = proxy_conn_at(p, conn);
	struct client_half *k;
	struct sip_core core;
	enum client_event what;
	enum sip_reason why;
	bool ended;

	PROXY_COUNT(p, responses_in);
	why = sip_validate(m, NULL, &core);
	if (why != SIP_REASON_OK) {
		PROXY_DROPPED(p, malformed_response);
		if (sip_reason_closes(why))
			proxy_conn_close(p, c, "a message whose end cannot be told");
		return;
	}
	k = find(p, conn, m, &core);
	if (!k)
		return;
	warm_server(p, k);
	what = client_half_take(p, k, m, &ended);
	if (what == CLIENT_PASS && k->health)
		proxy_alive_answer(p, conn, m->status);
	else if (what == CLIENT_PASS)
		up(p, c, k, m, &core);
	if (ended)
		client_half_free(p, k);
}
