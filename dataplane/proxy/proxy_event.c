/* SPDX-License-Identifier: BSD-3-Clause */
/* What an operator may want to know. Every refusal names its rule. */
#include "config/exchange/event.h"

#include "dataplane/proxy/proxy_message.h"

static void of_conn(struct exchange_event *e, const struct proxy_conn *c)
{
	if (!c)
		return;
	e->peer = c->who_hash;
	e->side = c->side == LINK_EXTERNAL ? POLICY_SIDE_EXTERNAL : POLICY_SIDE_INTERNAL;
	memcpy(e->address, c->remote.b, sizeof(e->address));
	e->port = c->remote_port;
	if (c->peer.names_n)
		e->peer_len = exchange_event_put(e->peer_name, sizeof(e->peer_name), c->peer.names[0].ptr,
						 c->peer.names[0].len);
}

static void say(struct exchange_event *e, const char *text)
{
	e->text_len = exchange_event_put(e->text, sizeof(e->text), text, (uint32_t)strlen(text));
}

void proxy_event_refused(struct proxy *p, const struct proxy_conn *c, const struct sip_msg *m,
			 const struct refusal *r, unsigned status)
{
	struct exchange_event e = {.kind = EXCHANGE_EVENT_REFUSED,
				   .wall_ns = (uint64_t)p->wall_s * UINT64_C(1000000000),
				   .status = (uint16_t)status,
				   .worker = (uint16_t)p->core};
	const struct sip_header *id = sip_msg_first(m, SIP_HDR_CALL_ID);
	struct policy_name domain = r->domain;

	if (!p->ops || !p->ops->event)
		return;
	of_conn(&e, c);
	if (id)
		e.call_id = siphash13(&p->table_key, m->buf + id->value, id->value_end - id->value);
	if (r->sip_reason) {
		say(&e, sip_reason_infos[r->sip_reason].name);
	} else if (r->verdict || r->reason) {
		unsigned reason = r->verdict ? r->verdict->reason : r->reason;

		e.reason = (uint8_t)reason;
		e.ms_id = policy_reason_info(reason)->ms_id;
		if (r->verdict) {
			e.rule = r->verdict->rule;
			domain = r->verdict->domain;
			e.text_len = exchange_event_put(e.text, sizeof(e.text), r->verdict->detail.ptr,
							r->verdict->detail.len);
		}
	}
	e.domain_len = exchange_event_put(e.domain, sizeof(e.domain), domain.ptr, domain.len);
	p->ops->event(p->ctx, &e);
}
