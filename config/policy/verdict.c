/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/policy/verdict.h"

#include <string.h>

static const char ms_text_0[] = "";
#define X(id, text) static const char ms_text_##id[] = text;
#include "config/policy/ms_reason.def"
#undef X

const struct policy_reason_info *policy_reason_info(unsigned reason)
{
	static const struct policy_reason_info table[POLICY_REASONS] = {
#define X(name, id, status, ms, text) {#name, id, status, ms, ms_text_##ms, text},
#include "config/policy/reason.def"
#undef X
	};
	static const struct policy_reason_info unknown = {"UNKNOWN", 0, 500, 0, ms_text_0, "unknown"};

	return reason < POLICY_REASONS ? &table[reason] : &unknown;
}

const char *policy_ms_text(unsigned ms_id)
{
	switch (ms_id) {
#define X(id, text) \
	case id:    \
		return ms_text_##id;
#include "config/policy/ms_reason.def"
#undef X
	default:
		return ms_text_0;
	}
}

const struct policy_rule_info *policy_rule_info(unsigned rule)
{
	static const struct policy_rule_info table[POLICY_RULES] = {
#define X(name, section, text) {#name, section, text},
#include "config/policy/rule.def"
#undef X
	};

	return &table[rule < POLICY_RULES ? rule : POLICY_RULE_NONE];
}

const char *policy_source_type_text(unsigned source)
{
	switch (source) {
	case POLICY_SOURCE_DIRECT:
		return "DirectPartner";
	case POLICY_SOURCE_AUTO:
		return "AutoFederation";
	case POLICY_SOURCE_AUTHORIZED:
	case POLICY_SOURCE_PUBLIC:
		return "AuthorizedServer";
	default:
		return "EdgeProxyGenerated";
	}
}

const char *policy_source_network_text(unsigned source)
{
	return source == POLICY_SOURCE_PUBLIC ? "publiccloud" : "federation";
}

const char *policy_outcome_text(unsigned outcome)
{
	switch (outcome) {
	case POLICY_PASSED:
		return "passed";
	case POLICY_NO_MATCH:
		return "no match";
	case POLICY_REFUSED:
		return "refused";
	case POLICY_ASKED:
		return "waits for DNS";
	case POLICY_ACCEPTED:
		return "accepted";
	default:
		return "unknown";
	}
}

bool policy_verdict_differs(const struct policy_verdict *a, const struct policy_verdict *b)
{
	const uint16_t kept = (uint16_t) ~(POLICY_VERDICT_REFRESH | POLICY_VERDICT_REPIN);

	if (a->action != b->action || a->reason != b->reason)
		return true;
	if (a->action != POLICY_ACCEPT)
		return false;
	return a->type != b->type || a->source != b->source || a->mark != b->mark ||
	       a->limit_class != b->limit_class || a->tls_profile != b->tls_profile ||
	       (a->flags & kept) != (b->flags & kept) || a->route.way != b->route.way ||
	       !policy_name_equal(a->route.host, b->route.host) ||
	       !policy_name_equal(a->route.domain, b->route.domain) || a->route.port != b->route.port;
}

struct verdict_writer {
	char *buf;
	size_t cap, len;
	bool full;
};

static void verdict_append(struct verdict_writer *w, const char *text, size_t len)
{
	if (w->full || len > w->cap - w->len) {
		w->full = true;
		return;
	}
	memcpy(w->buf + w->len, text, len);
	w->len += len;
}

static void verdict_text(struct verdict_writer *w, const char *text)
{
	verdict_append(w, text, strlen(text));
}

/* Only what is a name goes into a header: a target out of a hostile DNS answer could else end the quotes. */
static void verdict_name(struct verdict_writer *w, const char *attribute, struct policy_name name,
			 const char *after)
{
	if (policy_name_check(name) != POLICY_NAME_OK)
		return;
	verdict_text(w, ";");
	verdict_text(w, attribute);
	verdict_text(w, "=\"");
	verdict_append(w, name.ptr, name.len);
	verdict_text(w, after);
	verdict_text(w, "\"");
}

size_t policy_diagnostics_write(const struct policy_verdict *v, struct policy_name source, char *buf,
				size_t cap)
{
	const struct policy_reason_info *info = policy_reason_info(v->reason);
	struct verdict_writer w = {buf, cap, 0, false};
	const char id[4] = {(char)('0' + info->ms_id / 1000), (char)('0' + info->ms_id / 100 % 10),
			    (char)('0' + info->ms_id / 10 % 10), (char)('0' + info->ms_id % 10)};

	if (info->ms_id == 0)
		return 0;
	verdict_append(&w, id, sizeof(id));
	verdict_text(&w, ";reason=\"");
	verdict_text(&w, info->ms_text);
	verdict_text(&w, "\"");
	switch (info->ms_id) {
	case 1008:
	case 1014:
		verdict_name(&w, "domain", v->domain, "");
		verdict_name(&w, "fqdn", v->detail, "");
		break;
	case 1009:
		verdict_name(&w, "domain", v->domain, "");
		verdict_name(&w, "fqdn1", v->detail, ":5061");
		break;
	case 1010:
		verdict_text(&w, ";ErrorType=\"The peer certificate does not contain a matching FQDN\"");
		verdict_name(&w, "tls-target", v->detail, "");
		verdict_name(&w, "PeerServer", v->identity, "");
		verdict_text(&w, ";HRESULT=\"0x80090322(SEC_E_WRONG_PRINCIPAL)\"");
		break;
	default:
		break;
	}
	verdict_name(&w, "source", source, "");
	return w.full ? 0 : w.len;
}
