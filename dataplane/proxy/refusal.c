/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/proxy/refusal.h"

#include "dataplane/base/sipmac.h"
#include "dataplane/proxy/header_rules.h"
#include "dataplane/proxy/proxy_text.h"

static const char refusal_allow[] =
	"INVITE, ACK, CANCEL, BYE, OPTIONS, MESSAGE, SUBSCRIBE, NOTIFY, BENOTIFY, INFO, "
	"REFER, UPDATE, PRACK";

enum { VALUE_MAX = 1024, LINES_MAX = 8, LINE_MAX = VALUE_MAX + 32 };

/* the policy's reason that counts; NULL: the parser's, or a plain answer */
static const struct policy_reason_info *reason_of(const struct refusal *r)
{
	if (r->sip_reason != SIP_REASON_OK)
		return NULL;
	if (r->verdict)
		return policy_reason_info(r->verdict->reason);
	return r->reason ? policy_reason_info(r->reason) : NULL;
}

unsigned refusal_status(const struct refusal *r)
{
	const struct policy_reason_info *info = reason_of(r);

	if (r->status)
		return r->status;
	if (r->sip_reason != SIP_REASON_OK)
		return r->sip_reason < SIP_REASON_COUNT && sip_reason_infos[r->sip_reason].status
			       ? sip_reason_infos[r->sip_reason].status
			       : 400;
	return info ? info->status : 500;
}

static uint64_t tag_mac_read(const struct siphash_key *key, const struct sip_msg *m,
			     const struct sip_header *call_id)
{
	const struct sip_header *from = sip_msg_first(m, SIP_HDR_FROM),
				*cseq = sip_msg_first(m, SIP_HDR_CSEQ);
	struct sip_iter it = sip_iter_start(m, SIP_HDR_VIA);
	struct sip_nameaddr na;
	struct sip_cseq number;
	struct sip_via via;
	struct siptab s;

	siptab_init(&s, key);
	/* what cannot be read is left out: refusals of malformed requests get their tag too */
	if (sip_via_next(m, &it, &via) > 0)
		siptab_field(&s, m->buf + via.branch.off, via.flags & SIP_VIA_BRANCH ? via.branch.len : 0);
	if (call_id)
		siptab_field(&s, m->buf + call_id->value, call_id->value_end - call_id->value);
	if (from && sip_nameaddr_one(m, from, &na))
		siptab_field(&s, m->buf + na.tag.off, na.tag.len);
	if (cseq && sip_cseq_read(m, cseq, &number))
		siptab_field(&s, &number.number, sizeof(number.number));
	return siptab_final(&s);
}

static uint64_t tag_mac_known(const struct siphash_key *key, const struct sip_msg *m,
			      const struct sip_core *core, const struct sip_header *call_id)
{
	struct siptab s;

	siptab_init(&s, key);
	siptab_field(&s, m->buf + core->via.branch.off,
		     core->via.flags & SIP_VIA_BRANCH ? core->via.branch.len : 0);
	siptab_field(&s, m->buf + call_id->value, call_id->value_end - call_id->value);
	siptab_field(&s, m->buf + core->from.tag.off, core->from.tag.len);
	siptab_field(&s, &core->cseq.number, sizeof(core->cseq.number));
	return siptab_final(&s);
}

void refusal_tag(const struct siphash_key *key, const struct sip_msg *m, const struct sip_core *core,
		 char out[17])
{
	const struct sip_header *call_id = sip_msg_first(m, SIP_HDR_CALL_ID);
	struct proxy_text t = proxy_text_of(out, 16);
	/* ACK and CANCEL have another method in CSeq, so that only its number counts */
	uint64_t mac = core && call_id ? tag_mac_known(key, m, core, call_id) : tag_mac_read(key, m, call_id);

	proxy_text_hex(&t, (const uint8_t *)&mac, sizeof(mac));
	out[16] = '\0';
}

static const char *own_text(const struct refusal *r)
{
	const struct policy_reason_info *info = reason_of(r);

	if (r->sip_reason != SIP_REASON_OK)
		return r->sip_reason < SIP_REASON_COUNT ? sip_reason_infos[r->sip_reason].text : "refused";
	return info ? info->text : "";
}

uint32_t refusal_reason_write(const struct refusal *r, char *out, uint32_t size)
{
	const struct policy_reason_info *info = reason_of(r);
	struct proxy_text t = proxy_text_of(out, size);

	if (!info && r->sip_reason == SIP_REASON_OK)
		return 0;
	proxy_text_put(&t, "SIP;cause=");
	proxy_text_number(&t, refusal_status(r));
	proxy_text_put(&t, ";text=\"");
	proxy_text_put(&t, own_text(r));
	/* reason-extension of RFC 3326 section 2: our diagnostic id, or the name of the parser's verdict */
	proxy_text_put(&t, "\";sallyport=");
	if (info)
		proxy_text_number(&t, info->id);
	else
		proxy_text_put(&t, r->sip_reason < SIP_REASON_COUNT ? sip_reason_infos[r->sip_reason].name
								    : "unknown");
	return t.full ? 0 : t.n;
}

uint32_t refusal_diagnostics_write(const struct refusal *r, char *out, uint32_t size)
{
	const struct policy_reason_info *info = reason_of(r);
	struct proxy_text t = proxy_text_of(out, size);
	unsigned id = r->ms_id ? r->ms_id : info ? info->ms_id : 0;

	if (!id)
		return 0;
	if (r->verdict && r->sip_reason == SIP_REASON_OK && !r->ms_id)
		return (uint32_t)policy_diagnostics_write(r->verdict, r->edge, out, size);
	proxy_text_number(&t, id);
	proxy_text_put(&t, ";reason=\"");
	proxy_text_put(&t, policy_ms_text(id));
	proxy_text_put(&t, "\"");
	switch (id) {
	case 1008:
	case 1014:
		proxy_text_attribute(&t, "domain", r->domain);
		proxy_text_attribute(&t, "fqdn", r->peer);
		break;
	case 1010:
		proxy_text_put(&t, ";ErrorType=\"The peer certificate does not contain a matching FQDN\"");
		proxy_text_attribute(&t, "tls-target", r->peer);
		proxy_text_put(&t, ";HRESULT=\"0x80090322(SEC_E_WRONG_PRINCIPAL)\"");
		break;
	case 1038:
	case 1046:
	case 1047:
		if (r->detail) {
			proxy_text_put(&t, ";WinsockFailureCode=\"");
			proxy_text_number(&t, r->detail);
			proxy_text_put(&t, "\"");
		}
		proxy_text_attribute(&t, "Domain", r->domain);
		proxy_text_attribute(&t, "PeerServer", r->peer);
		break;
	default:
		break;
	}
	proxy_text_attribute(&t, "source", r->edge);
	return t.full ? 0 : t.n;
}

struct refusal_lines {
	const char *line[LINES_MAX];
	unsigned n;
	char text[LINES_MAX][LINE_MAX];
};

static struct proxy_text line_open(struct refusal_lines *l, const char *name)
{
	struct proxy_text t = proxy_text_of(l->text[l->n], LINE_MAX - 1);

	proxy_text_put(&t, name);
	return t;
}

static void line_close(struct refusal_lines *l, struct proxy_text *t)
{
	if (t->full)
		return;
	t->p[t->n] = '\0';
	l->line[l->n] = t->p;
	l->n++;
}

static void line_add(struct refusal_lines *l, const char *name, const char *value)
{
	struct proxy_text t = line_open(l, name);

	proxy_text_put(&t, value);
	line_close(l, &t);
}

/* what a status must or should say (RFC 3261 section 21, RFC 3265) */
static void lines_status(struct refusal_lines *l, const struct sip_msg *m, const struct refusal *r,
			 unsigned status)
{
	struct proxy_text t;
	char list[VALUE_MAX];

	switch (status) {
	case 200:
		if (m->method != SIP_METHOD_OPTIONS)
			break;
		line_add(l, "Allow: ", refusal_allow);
		line_add(l, "Accept: ", "*/*");
		line_add(l, "Accept-Encoding: ", "identity");
		line_add(l, "Accept-Language: ", "en");
		line_add(l, "Supported: ", "");
		break;
	case 405:
		line_add(l, "Allow: ", refusal_allow);
		break;
	case 415:
		line_add(l, "Accept: ", "*/*");
		break;
	case 420:
		if (sip_unsupported_list(m, r->rules, list, sizeof(list)))
			line_add(l, "Unsupported: ", list);
		break;
	default:
		break;
	}
	if (r->retry_after_s && status >= 300) {
		t = line_open(l, "Retry-After: ");
		proxy_text_number(&t, r->retry_after_s);
		line_close(l, &t);
	}
}

static void lines_why(struct refusal_lines *l, const struct refusal *r, unsigned status)
{
	bool inside = r->side == POLICY_OUTBOUND;
	struct proxy_text t;
	uint32_t n;

	if (inside && status > 100) {
		int len = header_rules_trust_line(r->edge, NULL, l->text[l->n], LINE_MAX - 1);

		t = proxy_text_of(l->text[l->n], LINE_MAX - 1);
		t.n = len > 0 ? (uint32_t)len : 0;
		t.full = len <= 0;
		line_close(l, &t);
	}
	if (status < 300 || (!inside && !r->diagnostics_out))
		return;
	t = line_open(l, "ms-diagnostics: ");
	n = refusal_diagnostics_write(r, t.p + t.n, t.size - t.n);
	if (n) {
		t.n += n;
		line_close(l, &t);
	}
	t = line_open(l, "Reason: ");
	n = refusal_reason_write(r, t.p + t.n, t.size - t.n);
	if (n) {
		t.n += n;
		line_close(l, &t);
	}
}

int refusal_build(const struct sip_msg *m, const struct refusal *r, char *out, uint32_t size)
{
	unsigned status = refusal_status(r);
	struct refusal_lines l;
	char tag[17];
	struct sip_response response = {
		.status = status, .core = r->core, .to_tag = tag, .received = r->received, .lines = l.line};

	if (m->response || m->method == SIP_METHOD_ACK || m->method == SIP_METHOD_BENOTIFY)
		return 0;
	l.n = 0;
	refusal_tag(&r->tag_key, m, r->core, tag);
	lines_status(&l, m, r, status);
	lines_why(&l, r, status);
	response.lines_n = l.n;
	return sip_build_response(m, &response, out, size);
}
