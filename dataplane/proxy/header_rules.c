/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/proxy/header_rules.h"

#include "dataplane/proxy/proxy_text.h"

enum { LINE_MAX = 1024, MAX_FORWARDS = 70 };

static const char mark_line[] = "ms-asserted-verification-level: ms-source-verified-user=verified";

static int strip_ids(struct sip_edit *e, const uint8_t *ids, unsigned n)
{
	int r = 0;

	for (unsigned i = 0; i < n && r >= 0; i++)
		r = sip_edit_remove_id(e, ids[i]);
	return r < 0 ? r : 0;
}

/* A request without To tag has no route set: what Route it brings from outside besides ours is foreign. */
static bool starts_something(const struct sip_msg *m)
{
	const struct sip_header *to = sip_msg_first(m, SIP_HDR_TO);
	struct sip_nameaddr na;

	return !m->response && sip_msg_first(m, SIP_HDR_ROUTE) && to && sip_nameaddr_one(m, to, &na) &&
	       !(na.flags & SIP_NA_TAG);
}

static int header_rules_strip(struct sip_edit *e, const struct header_rules *r)
{
	/* in neither direction: words between the edge and its own servers, and claims that were judged and
	 * are said anew by us */
	static const uint8_t always[] = {SIP_HDR_MS_EDGE_PROXY_MESSAGE_TRUST,
					 SIP_HDR_MS_ASSERTED_VERIFICATION_LEVEL, SIP_HDR_P_PREFERRED_IDENTITY,
					 SIP_HDR_REMOTE_PARTY_ID};
	/* RFC 3325, RFC 6050: inside of a trust domain only */
	static const uint8_t asserted[] = {SIP_HDR_P_ASSERTED_IDENTITY, SIP_HDR_P_ASSERTED_SERVICE};
	bool clearing = r->arrived == POLICY_INBOUND && r->leaves_external;
	unsigned flags = r->verdict->flags;
	int n = strip_ids(e, always, sizeof(always));

	if (n < 0 || (n = sip_edit_remove_name(e, HEADER_RIGHTS)) < 0)
		return n;
	/* whom the sender trusts is not whom the third party trusts */
	if ((!(flags & POLICY_VERDICT_KEEP_PAI) || clearing) &&
	    (n = strip_ids(e, asserted, sizeof(asserted))) < 0)
		return n;
	if (!(flags & POLICY_VERDICT_KEEP_SPLIT) &&
	    (n = sip_edit_remove_id(e, SIP_HDR_MS_SPLIT_DOMAIN_INFO)) < 0)
		return n;
	if (r->leaves_external && !r->diagnostics_out &&
	    (n = sip_edit_remove_id(e, SIP_HDR_MS_DIAGNOSTICS)) < 0)
		return n;
	if (r->arrived == POLICY_INBOUND && starts_something(e->m) &&
	    (n = sip_edit_remove_id(e, SIP_HDR_ROUTE)) < 0)
		return n;
	return 0;
}

int header_rules_trust_line(struct policy_name edge, const struct policy_verdict *v, char *out, uint32_t size)
{
	struct proxy_text t = proxy_text_of(out, size);

	proxy_text_put(&t, "ms-edge-proxy-message-trust: ms-source-type=");
	proxy_text_put(&t, policy_source_type_text(v ? v->source : POLICY_SOURCE_NONE));
	proxy_text_put(&t, ";ms-ep-fqdn=");
	proxy_text_name(&t, edge);
	proxy_text_put(&t, ";ms-source-verified-user=");
	proxy_text_put(&t, !v || v->mark == POLICY_MARK_VERIFIED ? "verified" : "unverified");
	if (!v)
		return proxy_text_done(&t);
	proxy_text_put(&t, ";ms-source-network=");
	proxy_text_put(&t, policy_source_network_text(v->source));
	/* clients show which public provider it was; a wildcard or a broken name is none */
	if (v->source == POLICY_SOURCE_PUBLIC && policy_name_check(v->identity) == POLICY_NAME_OK) {
		proxy_text_put(&t, ";ms-remote-fqdn=");
		proxy_text_name(&t, v->identity);
	}
	return proxy_text_done(&t);
}

static int header_rules_trust(struct sip_edit *e, const struct header_rules *r)
{
	char line[LINE_MAX];
	int n = header_rules_trust_line(r->edge, r->verdict, line, sizeof(line));

	return n < 0 ? n : sip_edit_append(e, line, (uint32_t)n);
}

/* A partner's failure that says nothing gets 1034, that of a shared address space 1036; the status stays. */
static int unexplained(struct sip_edit *e, const struct header_rules *r)
{
	unsigned id = r->verdict->type == POLICY_TYPE_SHARED ? 1036 : 1034;
	char line[LINE_MAX];
	struct proxy_text t = proxy_text_of(line, sizeof(line));

	if (e->m->status < 400 || sip_msg_first(e->m, SIP_HDR_MS_DIAGNOSTICS))
		return 0;
	proxy_text_put(&t, "ms-diagnostics: ");
	proxy_text_number(&t, id);
	proxy_text_put(&t, ";reason=\"");
	proxy_text_put(&t, policy_ms_text(id));
	proxy_text_put(&t, "\"");
	proxy_text_attribute(&t, "Domain", r->verdict->domain);
	proxy_text_attribute(&t, "PeerServer", r->peer);
	proxy_text_attribute(&t, "source", r->edge);
	return t.full ? -ENOSPC : sip_edit_append(e, line, t.n);
}

/* RFC 3261 section 16.6 item 3; 0 was refused before */
static int forwards(struct sip_edit *e, const struct header_rules *r)
{
	struct proxy_text t;
	char number[12];

	if (e->m->response)
		return 0;
	if (r->max_forwards <= 0)
		return sip_edit_max_forwards(e, MAX_FORWARDS);
	t = proxy_text_of(number, sizeof(number));
	proxy_text_number(&t, (uint32_t)r->max_forwards - 1);
	return sip_edit_set_value(e, SIP_HDR_MAX_FORWARDS, number, t.n);
}

/* MarkSourceVerifiable of what our own people send; a clearing house passes on what it found */
static bool marked(const struct header_rules *r)
{
	if (r->arrived == POLICY_OUTBOUND)
		return (r->verdict->flags & POLICY_VERDICT_MARK_OUTGOING) != 0;
	return r->verdict->mark == POLICY_MARK_VERIFIED;
}

int header_rules_apply(struct sip_edit *e, const struct header_rules *r)
{
	int n = header_rules_strip(e, r);

	if (n < 0 || (n = forwards(e, r)) < 0)
		return n;
	if (r->leaves_external)
		return marked(r) ? sip_edit_append(e, mark_line, sizeof(mark_line) - 1) : 0;
	if (r->arrived != POLICY_INBOUND)
		return 0;
	n = header_rules_trust(e, r);
	if (n < 0 || !e->m->response)
		return n;
	return unexplained(e, r);
}
