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

/* upper-case letters of eight bytes become lower-case; what is no ASCII stays */
static uint64_t lower8(uint64_t x)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t low = x & (0x7f * ones);
	uint64_t upper = (low + (0x80 - 'A') * ones) ^ (low + (0x7f - 'Z') * ones);

	return x | (upper & ~x & (0x80 * ones)) >> 2;
}

/* n bytes at off in lower case; out has room for FACTS_SLACK more */
static void lower_copy(const struct sip_msg *m, uint32_t off, uint32_t n, char *out)
{
	uint64_t w;
	uint32_t i;

	for (i = 0; i < n && m->len - (off + i) >= 8; i += 8) {
		memcpy(&w, m->buf + off + i, 8);
		w = lower8(w);
		memcpy(out + i, &w, 8);
	}
	for (; i < n; i++) {
		char c = (char)m->buf[off + i];

		out[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
	}
}

static bool is_sip(const struct sip_uri *uri)
{
	return uri->scheme == SIP_SCHEME_SIP || uri->scheme == SIP_SCHEME_SIPS;
}

/* What the parser takes for a name is one for policy, but for case and a trailing dot: both have the grammar
 * of RFC 3261 section 25.1 with the bounds of RFC 1035. */
static struct policy_name name_of(const struct sip_msg *m, const struct sip_uri *uri,
				  char text[FACTS_NAME_ROOM])
{
	uint32_t n = uri->host.text.len;

	_Static_assert((unsigned)POLICY_NAME_MAX == (unsigned)SIP_HOST_NAME_MAX, "one length of names");
	if (!is_sip(uri) || uri->host.kind != SIP_HOST_NAME || n == 0)
		return (struct policy_name){"", 0};
	if (m->buf[uri->host.text.off + n - 1] == '.')
		n--;
	if (n > POLICY_NAME_MAX)
		return (struct policy_name){"", 0};
	lower_copy(m, uri->host.text.off, n, text);
	return (struct policy_name){text, n};
}

/* The lower-case unescaped user part as decide() wants it, up to the first ';': length; 0: none, or longer
 * than FACTS_USER_MAX */
static uint32_t facts_user(const struct sip_msg *m, const struct sip_uri *uri, char out[FACTS_USER_ROOM])
{
	const char *params;
	int n = (int)uri->user.len;

	if (!(uri->flags & SIP_URI_HAS_USER) || !is_sip(uri))
		return 0;
	if (uri->flags & SIP_URI_ESCAPED) {
		n = sip_uri_unescape(m, uri->user, (uint8_t *)out, FACTS_USER_MAX);
		for (int i = 0; i < n; i++)
			if (out[i] >= 'A' && out[i] <= 'Z')
				out[i] |= 0x20;
	} else if (n <= FACTS_USER_MAX) {
		lower_copy(m, uri->user.off, (uint32_t)n, out);
	}
	if (n <= 0 || n > FACTS_USER_MAX)
		return 0;
	/* parameters of a user part (RFC 3261 section 19.1.6) make no other person of it */
	params = memchr(out, ';', (size_t)n);
	return params ? (uint32_t)(params - out) : (uint32_t)n;
}

static struct policy_name user_of(const struct sip_msg *m, const struct sip_uri *uri,
				  char text[FACTS_USER_ROOM])
{
	return (struct policy_name){text, facts_user(m, uri, text)};
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
	f->ruri_strange = r->strange;
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
