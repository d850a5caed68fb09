/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/proxy/facts_from.h"

#include <string.h>

#include "dataplane/proxy/header_rules.h"

enum policy_method facts_method(enum sip_method method)
{
	static const uint8_t of[SIP_METHOD_COUNT] = {
		[SIP_METHOD_INVITE] = POLICY_METHOD_INVITE,
		[SIP_METHOD_ACK] = POLICY_METHOD_ACK,
		[SIP_METHOD_BYE] = POLICY_METHOD_BYE,
		[SIP_METHOD_CANCEL] = POLICY_METHOD_CANCEL,
		[SIP_METHOD_OPTIONS] = POLICY_METHOD_OPTIONS,
		[SIP_METHOD_REGISTER] = POLICY_METHOD_REGISTER,
		[SIP_METHOD_PRACK] = POLICY_METHOD_PRACK,
		[SIP_METHOD_UPDATE] = POLICY_METHOD_UPDATE,
		[SIP_METHOD_INFO] = POLICY_METHOD_INFO,
		[SIP_METHOD_SUBSCRIBE] = POLICY_METHOD_SUBSCRIBE,
		[SIP_METHOD_NOTIFY] = POLICY_METHOD_NOTIFY,
		[SIP_METHOD_REFER] = POLICY_METHOD_REFER,
		[SIP_METHOD_MESSAGE] = POLICY_METHOD_MESSAGE,
		[SIP_METHOD_PUBLISH] = POLICY_METHOD_PUBLISH,
		[SIP_METHOD_SERVICE] = POLICY_METHOD_SERVICE,
		[SIP_METHOD_BENOTIFY] = POLICY_METHOD_BENOTIFY,
		/* NEGOTIATE has no rule of its own: answered before decide() */
	};

	return method < SIP_METHOD_COUNT ? of[method] : POLICY_METHOD_OTHER;
}

static struct policy_name name_of(const struct sip_msg *m, const struct sip_uri *uri,
				  char text[POLICY_NAME_MAX + 1])
{
	const struct policy_name none = {"", 0};
	struct policy_name name;

	_Static_assert(POLICY_NAME_MAX == SIP_HOST_NAME_MAX, "one length of names");
	if (uri->scheme != SIP_SCHEME_SIP && uri->scheme != SIP_SCHEME_SIPS)
		return none;
	name = (struct policy_name){text, sip_host_canon(m, &uri->host, text)};
	/* what the parser takes for a name and policy does not (a hyphen at the end of a label) is none */
	return name.len && policy_name_check(name) == POLICY_NAME_OK ? name : none;
}

uint32_t facts_user(const struct sip_msg *m, const struct sip_uri *uri, char *out, uint32_t size)
{
	int n;

	if (!(uri->flags & SIP_URI_HAS_USER) ||
	    (uri->scheme != SIP_SCHEME_SIP && uri->scheme != SIP_SCHEME_SIPS))
		return 0;
	n = sip_uri_unescape(m, uri->user, (uint8_t *)out, size);
	for (int i = 0; i < n; i++) {
		/* parameters of a user part (RFC 3261 section 19.1.6) make no other person of it */
		if (out[i] == ';')
			return (uint32_t)i;
		if (out[i] >= 'A' && out[i] <= 'Z')
			out[i] |= 0x20;
	}
	return n > 0 ? (uint32_t)n : 0;
}

static struct policy_name user_of(const struct sip_msg *m, const struct sip_uri *uri,
				  char text[FACTS_USER_MAX])
{
	return (struct policy_name){text, facts_user(m, uri, text, FACTS_USER_MAX)};
}

/* RFC 3325: one sip(s): and one tel: at most. A tel: has no domain to be judged by; any other scheme counts
 * as one that names nobody. */
static void facts_pais(const struct sip_msg *m, struct facts_from *out)
{
	struct sip_iter it = sip_iter_start(m, SIP_HDR_P_ASSERTED_IDENTITY);
	struct policy_facts *f = &out->facts;
	struct sip_nameaddr na;
	unsigned tels = 0;

	while (f->pais < 3 && sip_nameaddr_next(m, SIP_HDR_P_ASSERTED_IDENTITY, &it, &na) > 0) {
		if (na.uri.scheme == SIP_SCHEME_TEL && tels++ == 0)
			continue;
		if (f->pais < 2)
			f->pai[f->pais] = name_of(m, &na.uri, out->domain[3 + f->pais]);
		f->pais++;
	}
}

static void facts_route(const struct facts_in *in, struct policy_facts *f)
{
	const struct route_found *r = in->route;

	if (!r)
		return;
	f->route = r->state;
	f->edge_route = r->edge;
	if (r->has_entry && (r->state == POLICY_ROUTE_OURS || r->state == POLICY_ROUTE_EDGE))
		f->stored = &r->entry.stored;
}

enum policy_reason facts_from_message(const struct facts_in *in, struct facts_from *out)
{
	const struct sip_msg *m = in->m;
	const struct sip_core *core = in->core;
	const struct policy_name none = {"", 0};
	struct policy_facts *f = &out->facts;

	*f = (struct policy_facts){.direction = in->direction,
				   .peer = in->peer,
				   .now_ns = in->now_ns,
				   .ruri_user = none,
				   .ruri_domain = none,
				   .pai = {none, none},
				   .edge_route = none};
	f->from_domain = name_of(m, &core->from.uri, out->domain[0]);
	f->from_user = user_of(m, &core->from.uri, out->user[0]);
	f->to_domain = name_of(m, &core->to.uri, out->domain[1]);
	f->to_user = user_of(m, &core->to.uri, out->user[1]);
	f->mark = header_mark(m);
	f->split = header_split(m);
	facts_pais(m, out);
	if (in->direction == POLICY_OUTBOUND)
		f->inner = header_rights(m);
	if (m->response) {
		f->message = POLICY_RESPONSE;
		f->method = facts_method(core->cseq.method);
		f->stored = in->stored;
		return POLICY_REASON_ACCEPTED;
	}
	f->message = core->to.flags & SIP_NA_TAG ? POLICY_IN_DIALOG : POLICY_REQUEST;
	f->method = facts_method(m->method);
	f->ruri_domain =
		name_of(m, in->route && in->route->strict ? &in->route->target : &core->uri, out->domain[2]);
	f->ruri_user =
		user_of(m, in->route && in->route->strict ? &in->route->target : &core->uri, out->user[2]);
	f->service = facts_service(m, m->method);
	f->shared_hop = in->shared_hop;
	facts_route(in, f);
	return facts_is_rcc(m) ? POLICY_REASON_RCC : POLICY_REASON_ACCEPTED;
}
