/* SPDX-License-Identifier: BSD-3-Clause */
/* What an operator may want to know. Every refusal names its rule. */
#include "dataplane/proxy/proxy_event.h"

#include "dataplane/proxy/proxy_text.h"

enum { REFUSALS_TOLD = 200, SHADOWS_TOLD = 10 }; /* a second */

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

static struct exchange_event make(const struct proxy *p, enum exchange_event_kind kind)
{
	return (struct exchange_event){
		.kind = (uint8_t)kind, .wall_ns = p->wall_ns, .worker = (uint16_t)p->core};
}

static bool heard(const struct proxy *p)
{
	return p->ops && p->ops->event;
}

void proxy_event_conn(struct proxy *p, const struct proxy_conn *c, enum exchange_event_kind kind,
		      const char *text)
{
	struct exchange_event e = make(p, kind);

	if (!heard(p))
		return;
	of_conn(&e, c);
	say(&e, text);
	p->ops->event(p->ctx, &e);
}

void proxy_event_source(struct proxy *p, const struct proxy_conn *c)
{
	struct exchange_event e = make(p, EXCHANGE_EVENT_REFUSED);

	if (!heard(p) || p->told_refused >= REFUSALS_TOLD) {
		p->untold_refused++;
		return;
	}
	p->told_refused++;
	e.count = p->untold_refused + 1;
	p->untold_refused = 0;
	of_conn(&e, c);
	e.reason = POLICY_REASON_INTERNAL_UNTRUSTED;
	e.rule = POLICY_RULE_INTERNAL;
	say(&e, "TCP without TLS from an address that nobody named");
	p->ops->event(p->ctx, &e);
}

void proxy_event_limit(struct proxy *p, const struct proxy_conn *c, const struct limit_event *event)
{
	static const struct {
		uint8_t kind;
		const char *text;
	} words[] = {
		[LIMIT_EVENT_MANY] = {EXCHANGE_EVENT_WATCH, "many local addresses tried"},
		[LIMIT_EVENT_WATCHED] = {EXCHANGE_EVENT_WATCH, "more local addresses than its class allows"},
		[LIMIT_EVENT_SUSPICIOUS] = {EXCHANGE_EVENT_SUSPICIOUS, "its requests fail too often"},
		[LIMIT_EVENT_CALM] = {EXCHANGE_EVENT_CALM, "its requests fail no more"},
		[LIMIT_EVENT_OVER] = {EXCHANGE_EVENT_LIMIT, "faster than its class allows"},
		[LIMIT_EVENT_FORGOTTEN] = {EXCHANGE_EVENT_OVERLOAD, "too many peers to remember this one"},
	};
	struct exchange_event e;

	if (event->kind == LIMIT_EVENT_NONE || event->kind >= sizeof(words) / sizeof(words[0]))
		return;
	if (p->ops && p->ops->watch)
		p->ops->watch(p->ctx, &event->watch);
	if (!heard(p))
		return;
	e = make(p, words[event->kind].kind);
	of_conn(&e, c);
	if (!c) {
		e.peer = siphash24(&p->table_key, event->watch.key, sizeof(event->watch.key));
		e.side = POLICY_SIDE_EXTERNAL;
	}
	say(&e, words[event->kind].text);
	e.count = event->watch.uris;
	e.domain_len = exchange_event_put(e.domain, sizeof(e.domain), event->watch.domains,
					  (uint32_t)strnlen(event->watch.domains, POLICY_WATCH_DOMAINS));
	p->ops->event(p->ctx, &e);
}

void proxy_event_refused(struct proxy *p, const struct proxy_conn *c, const struct sip_msg *m,
			 const struct refusal *r, unsigned status)
{
	const struct sip_header *id;
	struct policy_name domain = r->domain;
	struct exchange_event e;

	if (r->verdict && r->verdict->reason == POLICY_REASON_UNKNOWN_DOMAIN)
		p->unknown_domains++;
	/* a flood of refusals is told as a number */
	if (!heard(p) || p->told_refused >= REFUSALS_TOLD) {
		p->untold_refused++;
		return;
	}
	p->told_refused++;
	e = make(p, EXCHANGE_EVENT_REFUSED);
	id = sip_msg_first(m, SIP_HDR_CALL_ID);
	e.count = p->untold_refused + 1;
	p->untold_refused = 0;
	e.status = (uint16_t)status;
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

void proxy_event_shadow(struct proxy *p, const struct proxy_passing *r, const struct policy_verdict *other)
{
	const struct policy_verdict *v = &r->verdict;
	const struct policy_reason_info *reason = policy_reason_info(other->reason);
	struct policy_name domain = v->domain.len ? v->domain : other->domain;
	struct exchange_event e;
	struct proxy_text t;

	if (!heard(p) || p->told_shadow >= SHADOWS_TOLD) {
		p->untold_shadow++;
		return;
	}
	p->told_shadow++;
	e = make(p, EXCHANGE_EVENT_SHADOW);
	e.count = p->untold_shadow + 1;
	p->untold_shadow = 0;
	of_conn(&e, r->c);
	e.reason = v->reason;
	e.rule = v->rule;
	e.status = policy_reason_info(v->reason)->status;
	e.domain_len = exchange_event_put(e.domain, sizeof(e.domain), domain.ptr, domain.len);
	t = proxy_text_of(e.text, sizeof(e.text));
	proxy_text_put(&t, v->action == POLICY_ACCEPT ? "accepted, " : "refused, ");
	if (other->action == POLICY_ACCEPT) {
		proxy_text_put(&t, v->action == POLICY_ACCEPT ? "would go another way" : "would be accepted");
	} else if (other->action == POLICY_ASK) {
		proxy_text_put(&t, "would wait for DNS");
	} else {
		proxy_text_put(&t, v->action == POLICY_ACCEPT ? "would be refused: "
							      : "would be for another reason: ");
		proxy_text_number(&t, reason->status);
		proxy_text_put(&t, " reason ");
		proxy_text_number(&t, reason->id);
		proxy_text_put(&t, " ");
		proxy_text_put(&t, reason->name);
	}
	proxy_text_put(&t, ", rule ");
	proxy_text_put(&t, policy_rule_info(other->rule)->section);
	proxy_text_put(&t, " ");
	proxy_text_put(&t, policy_rule_info(other->rule)->name);
	e.text_len = (uint8_t)t.n;
	p->ops->event(p->ctx, &e);
}
