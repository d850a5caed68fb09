/* SPDX-License-Identifier: BSD-3-Clause */
/* A request that just came: is it one (RFC 3261 section 16.3), is it known already (section 17.2.3), is it
 * for us; else on its way. */
#include "dataplane/proxy/proxy_conn.h"
#include "dataplane/proxy/proxy_mail.h"
#include "dataplane/proxy/proxy_self.h"
#include "dataplane/proxy/server_half.h"

void proxy_malformed_in(struct proxy *p, uint32_t conn, const struct sip_msg *m, enum sip_reason why)
{
	struct proxy_conn *c = proxy_conn_at(p, conn);
	struct refusal r;

	if (sip_reason_infos[why].action == SIP_ACTION_CLOSE) {
		PROXY_DROPPED(p, malformed_silent);
		return;
	}
	if (m->response) {
		PROXY_DROPPED(p, malformed_response);
		return;
	}
	PROXY_COUNT(p, malformed);
	proxy_refusal_init(p, &r, c->side, c->identity, c);
	r.sip_reason = why;
	proxy_refuse(p, c, m, &r);
}

static void local_reason(struct proxy *p, struct proxy_passing *r, enum policy_reason reason)
{
	struct refusal how;

	proxy_refusal_init(p, &how, r->c->side, r->c->identity, r->c);
	how.reason = reason;
	how.core = &r->core;
	proxy_refuse(p, r->c, r->m, &how);
}

bool proxy_cancel_key(struct proxy *p, uint64_t key)
{
	struct server_half *s = server_half_find(p, key);

	if (s)
		server_half_cancel(p, s);
	return s != NULL;
}

void proxy_cancel_answer(struct proxy *p, struct proxy_conn *c, const struct sip_msg *m, bool found)
{
	struct refusal how;

	if (found) {
		PROXY_COUNT(p, cancels);
		proxy_refuse_status(p, c, m, 200);
		return;
	}
	proxy_refusal_init(p, &how, c->side, c->identity, c);
	how.reason = POLICY_REASON_NO_TRANSACTION;
	proxy_refuse(p, c, m, &how);
}

static void cancel_in(struct proxy *p, struct proxy_passing *r)
{
	uint64_t key = via_server_key(&p->table_key, r->m, &r->core, SIP_METHOD_INVITE, r->c->who_hash);
	struct server_half *s = server_half_find(p, key);

	if (!s) {
		if (!proxy_mail_follow(p, r->c, r->m, key) && !proxy_mail_cancel(p, r->c, r->m, key))
			proxy_cancel_answer(p, r->c, r->m, false);
		return;
	}
	/* section 9.2: 200 at once, whatever becomes of the INVITE */
	proxy_cancel_answer(p, r->c, r->m, true);
	server_half_cancel(p, s);
}

/* True: it ends here. */
static bool ack_in(struct proxy *p, struct proxy_passing *r)
{
	uint64_t key = via_server_key(&p->table_key, r->m, &r->core, SIP_METHOD_INVITE, r->c->who_hash);
	struct server_half *s = server_half_find(p, key);

	if (!s && !(r->core.to.flags & SIP_NA_TAG))
		return false;
	if (!s)
		return proxy_mail_follow(p, r->c, r->m, key);
	if (s->state == SERVER_ACCEPTED)
		return false;
	PROXY_DROPPED(p, ack_absorbed);
	if (s->state == SERVER_COMPLETED)
		server_half_free(p, s); /* timer I is 0 */
	return true;
}

/* OPTIONS to the box itself: no user, and a host of ours (section 11; Max-Forwards 0 is fine) */
static bool to_us(const struct proxy *p, const struct proxy_passing *r)
{
	return r->m->method == SIP_METHOD_OPTIONS && !r->core.uri.user.len &&
	       (r->core.uri.scheme == SIP_SCHEME_SIP || r->core.uri.scheme == SIP_SCHEME_SIPS) &&
	       proxy_self_is(p, r->c, r->m, &r->core.uri.host);
}

void proxy_request_in(struct proxy *p, uint32_t conn, const struct sip_msg *m)
{
	struct proxy_passing *r = p->pass;
	enum sip_reason why;
	bool ours;

	r->c = proxy_conn_at(p, conn);
	if (!r->c->shadow)
		PROXY_COUNT(p, requests_in);
	r->conn = conn;
	r->m = m;
	r->s = NULL;
	why = sip_validate(m, &proxy_rules, &r->core);
	ours = (why == SIP_REASON_OK || why == SIP_REASON_MAX_FORWARDS_ZERO) && to_us(p, r);
	if (ours)
		why = sip_validate(m, &proxy_rules_end, &r->core);
	if (why != SIP_REASON_OK) {
		proxy_malformed_in(p, conn, m, why);
		if (sip_reason_closes(why))
			proxy_conn_close(p, r->c, "a message whose end cannot be told");
		return;
	}
	if (m->method == SIP_METHOD_CANCEL) {
		cancel_in(p, r);
		return;
	}
	if (m->method == SIP_METHOD_ACK) {
		if (ack_in(p, r))
			return;
		/* one that begins nothing and belongs to nothing */
		if (!(r->core.to.flags & SIP_NA_TAG)) {
			PROXY_DROPPED(p, stray_ack);
			return;
		}
	}
	if (ours) {
		PROXY_COUNT(p, local);
		proxy_refuse_status(p, r->c, m, 200);
		return;
	}
	if (m->method == SIP_METHOD_NEGOTIATE) {
		local_reason(p, r, POLICY_REASON_NEGOTIATE);
		return;
	}
	r->key = via_server_key(&p->table_key, m, &r->core, m->method, r->c->who_hash);
	__builtin_prefetch(&p->server_index[r->key & p->server_mask], 1);
	proxy_vias(p, r);
	if (r->vias.loop) {
		if (!proxy_repeats(p, r))
			local_reason(p, r, POLICY_REASON_LOOP);
		return;
	}
	proxy_forward(p, r);
}
