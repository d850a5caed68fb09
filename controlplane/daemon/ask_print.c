/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/daemon/ask_print.h"
#include "controlplane/daemon/text.h"

static const char *const state_words[] = {"unknown", "ok", "nothing", "failed", "bogus"};
static const char *const kind_words[] = {"", "federation", "host", "xmpp"};

static void print_target(struct request *r, struct schema_text *t, const struct policy_dns *d, unsigned i,
			 bool first)
{
	struct policy_name n = policy_dns_target_name(d, i);
	const struct policy_dns_target *at = &d->target[i];
	char addr[64];

	if (r->json)
		schema_text_printf(t,
				   "%s{\"name\":\"%.*s\",\"port\":%u,\"priority\":%u,\"weight\":%u,"
				   "\"addresses\":[",
				   first ? "" : ",", (int)n.len, n.ptr, at->port, at->priority, at->weight);
	else if (d->kind == POLICY_DNS_HOST)
		schema_text_printf(t, "    %.*s:", (int)n.len, n.ptr);
	else
		schema_text_printf(t, "    %.*s:%u priority %u weight %u:", (int)n.len, n.ptr, at->port,
				   at->priority, at->weight);
	for (unsigned k = 0; policy_dns_target_addr(d, i, k); k++) {
		text_address(policy_dns_target_addr(d, i, k), addr);
		if (r->json)
			schema_text_printf(t, "%s\"%s\"", k ? "," : "", addr);
		else
			schema_text_printf(t, " %s", addr);
	}
	if (r->json)
		schema_text_puts(t, "]}");
	else
		schema_text_puts(t, at->addr_count ? "\n" : " no usable address\n");
}

void ask_print_answer(struct request *r, const char *name, const struct policy_dns *d,
		      const struct policy_dns *parts, uint64_t now)
{
	long long left = ((long long)d->expires_ns - (long long)now) / 1000000000;
	struct schema_text t = {0};
	unsigned state = d->state < 5 ? d->state : 0, kind = d->kind < 4 ? d->kind : 0;
	bool cut = d->cut || (d->more && !parts);

	if (r->json) {
		schema_text_puts(&t, "{\"dns\":");
		schema_json_string(&t, name);
		schema_text_printf(&t,
				   ",\"kind\":\"%s\",\"state\":\"%s\",\"secure\":%s,\"ttl\":%lld,\"cut\":%s,"
				   "\"targets\":[",
				   kind_words[kind], state_words[state], d->secure ? "true" : "false", left,
				   cut ? "true" : "false");
	} else {
		schema_text_printf(&t, "  %s %s: %s, %s %lld s%s%s\n", kind_words[kind], name,
				   state_words[state], left < 0 ? "stale for" : "holds",
				   left < 0 ? -left : left, d->secure ? ", DNSSEC validated" : "",
				   cut ? ", cut" : "");
	}
	for (unsigned page = 0; page <= (parts ? d->more : 0u); page++) {
		const struct policy_dns *p = page ? &parts[page - 1] : d;

		for (unsigned i = 0; i < policy_dns_count(p); i++)
			print_target(r, &t, p, i, page == 0 && i == 0);
	}
	if (r->json) {
		schema_text_puts(&t, "]}");
		reply_row(r, t.p, t.n);
	} else {
		reply_raw(r, t.p, t.n);
	}
	schema_text_fini(&t);
}
