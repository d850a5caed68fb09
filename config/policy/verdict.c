/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/policy/verdict.h"

#include <stdarg.h>
#include <stdio.h>

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

__attribute__((format(printf, 2, 3))) static void verdict_write(struct verdict_writer *w, const char *format,
								...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(w->buf + w->len, w->cap - w->len, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= w->cap - w->len)
		w->full = true;
	else
		w->len += (size_t)n;
}

/* Only what is a name goes into a header: a target out of a hostile DNS answer could else end the quotes. */
static void verdict_write_name(struct verdict_writer *w, const char *attribute, struct policy_name name,
			       const char *after)
{
	if (!w->full && policy_name_check(name) == POLICY_NAME_OK)
		verdict_write(w, ";%s=\"%.*s%s\"", attribute, (int)name.len, name.ptr, after);
}

size_t policy_diagnostics_write(const struct policy_verdict *v, struct policy_name source, char *buf,
				size_t cap)
{
	const struct policy_reason_info *info = policy_reason_info(v->reason);
	struct verdict_writer w = {buf, cap, 0, cap == 0};

	if (info->ms_id == 0 || w.full)
		return 0;
	verdict_write(&w, "%u;reason=\"%s\"", info->ms_id, info->ms_text);
	switch (info->ms_id) {
	case 1008:
	case 1014:
		verdict_write_name(&w, "domain", v->domain, "");
		verdict_write_name(&w, "fqdn", v->detail, "");
		break;
	case 1009:
		verdict_write_name(&w, "domain", v->domain, "");
		verdict_write_name(&w, "fqdn1", v->detail, ":5061");
		break;
	case 1010:
		if (!w.full)
			verdict_write(&w,
				      ";ErrorType=\"The peer certificate does not contain a matching FQDN\"");
		verdict_write_name(&w, "tls-target", v->detail, "");
		if (!w.full)
			verdict_write(&w, ";HRESULT=\"0x80090322(SEC_E_WRONG_PRINCIPAL)\"");
		break;
	default:
		break;
	}
	verdict_write_name(&w, "source", source, "");
	return w.full ? 0 : w.len;
}
