/* SPDX-License-Identifier: BSD-3-Clause */
/* Answers of our own, and what happens instead where nothing may be answered. */
#include "dataplane/proxy/proxy_conn.h"
#include "dataplane/proxy/proxy_event.h"
#include "dataplane/proxy/proxy_limit.h"
#include "dataplane/proxy/proxy_self.h"
#include "dataplane/proxy/proxy_tables.h"
#include "dataplane/proxy/server_half.h"

void proxy_refusal_init(struct proxy *p, struct refusal *r, uint8_t side, uint32_t identity,
			const struct proxy_conn *c)
{
	memset(r, 0, sizeof(*r));
	r->side = side == LINK_EXTERNAL ? POLICY_INBOUND : POLICY_OUTBOUND;
	r->diagnostics_out = p->view && (p->view->box->flags & POLICY_BOX_DIAGNOSTICS_OUT);
	/* ms-diagnostics names the edge by its public name, to the inside as well */
	r->edge = proxy_self_face(p, LINK_EXTERNAL, identity, c).host;
	r->tag_key = p->tag_key;
	r->rules = &proxy_rules;
	if (c && c->peer.names_n)
		r->peer = c->peer.names[0];
}

static void discard(struct proxy *p, const struct sip_msg *m, const struct refusal *how)
{
	if (m->method == SIP_METHOD_ACK && how->sip_reason)
		PROXY_DROPPED(p, malformed_ack);
	else if (m->method == SIP_METHOD_ACK)
		PROXY_DROPPED(p, ack_refused);
	else if (m->method == SIP_METHOD_BENOTIFY)
		PROXY_DROPPED(p, notify_refused);
	else
		PROXY_DROPPED(p, malformed_silent);
}

/* section 18.2.1: an answer says where the request came from */
static const char *received(const struct proxy_conn *c, char out[PROXY_ADDRESS_TEXT])
{
	size_t n;

	proxy_address_text(&c->remote, out);
	n = strlen(out);
	if (out[0] != '[')
		return out;
	out[n - 1] = '\0';
	return out + 1;
}

void proxy_refuse(struct proxy *p, struct proxy_conn *c, const struct sip_msg *m, struct refusal *how)
{
	unsigned status = refusal_status(how);
	char address[PROXY_ADDRESS_TEXT];
	int n;

	how->received = received(c, address);
	/* the rest of it has just been read from */
	proxy_conn_warm(p, c, 2);
	n = refusal_build(m, how, (char *)p->flat, p->flat_size);
	proxy_conn_warm(p, c, 3);
	if (status >= 300)
		proxy_event_refused(p, c, m, how, status);
	if (n <= 0)
		discard(p, m, how);
	else if (proxy_out_flat(p, c, p->flat, (uint32_t)n))
		PROXY_COUNT(p, responses_out);
	else
		PROXY_DROPPED(p, response_no_link);
	if (status >= 300)
		proxy_conn_refused(p, c);
}

void proxy_refuse_status(struct proxy *p, struct proxy_conn *c, const struct sip_msg *m, unsigned status)
{
	struct refusal r;

	proxy_refusal_init(p, &r, c->side, c->identity, c);
	r.status = status;
	proxy_refuse(p, c, m, &r);
}

static void refuse_passing(struct proxy *p, struct proxy_passing *r, struct refusal *how)
{
	PROXY_COUNT(p, refused);
	if (how->reason != POLICY_REASON_ENUMERATION)
		proxy_limit_refused(p, r, refusal_status(how), how->verdict != NULL);
	proxy_tables_note(p, r, refusal_status(how), how->verdict ? how->verdict->reason : how->reason);
	if (!r->s) {
		how->core = &r->core;
		proxy_refuse(p, r->c, r->m, how);
		return;
	}
	server_half_refuse(p, r->s, how);
	r->s = NULL;
	proxy_conn_refused(p, r->c);
}

void proxy_refuse_verdict(struct proxy *p, struct proxy_passing *r)
{
	struct refusal how;

	proxy_refusal_init(p, &how, r->c->side, proxy_identity(r), r->c);
	how.verdict = &r->verdict;
	refuse_passing(p, r, &how);
}

void proxy_refuse_reason(struct proxy *p, struct proxy_passing *r, enum policy_reason reason)
{
	struct refusal how;

	proxy_refusal_init(p, &how, r->c->side, proxy_identity(r), r->c);
	how.reason = reason;
	how.domain = r->verdict.domain;
	if (reason == POLICY_REASON_OVERLOAD || reason == POLICY_REASON_NO_POLICY) {
		PROXY_COUNT(p, overload);
		how.retry_after_s = PROXY_RETRY_S;
	}
	refuse_passing(p, r, &how);
}

void proxy_refuse_limit(struct proxy *p, struct proxy_passing *r, uint32_t retry_after_s)
{
	struct refusal how;

	proxy_refusal_init(p, &how, r->c->side, proxy_identity(r), r->c);
	how.reason = POLICY_REASON_RATE;
	how.domain = r->verdict.domain;
	how.retry_after_s = retry_after_s;
	refuse_passing(p, r, &how);
}
