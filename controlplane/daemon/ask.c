/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/daemon/ask.h"
#include "controlplane/daemon/duty.h"
#include "controlplane/daemon/text.h"
#include "controlplane/publish/explain.h"
#include "controlplane/publish/publish.h"
#include "controlplane/resolve/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ROUNDS = 4, TESTS_MAX = 512 };

static const char *const state_words[] = {"unknown", "ok", "nothing", "failed", "bogus"};
static const char *const kind_words[] = {"", "federation", "host", "xmpp"};

static void address_text(const uint8_t *a, char out[INET6_ADDRSTRLEN])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (memcmp(a, mapped, 12) == 0)
		inet_ntop(AF_INET, a + 12, out, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, a, out, INET6_ADDRSTRLEN);
}

static void print_target(struct request *r, struct schema_text *t, const struct policy_dns *d, unsigned i,
			 bool first)
{
	struct policy_name n = policy_dns_target_name(d, i);
	const struct policy_dns_target *at = &d->target[i];
	char addr[INET6_ADDRSTRLEN];

	if (r->json)
		schema_text_printf(t,
				   "%s{\"name\":\"%.*s\",\"port\":%u,\"priority\":%u,\"weight\":%u,"
				   "\"addresses\":[",
				   first ? "" : ",", (int)n.len, n.ptr, at->port, at->priority, at->weight);
	else
		schema_text_printf(t, "    %.*s:%u priority %u weight %u:", (int)n.len, n.ptr, at->port,
				   at->priority, at->weight);
	for (unsigned k = 0; policy_dns_target_addr(d, i, k); k++) {
		address_text(policy_dns_target_addr(d, i, k), addr);
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

/* One answer, with what is left of its life; `now` in CLOCK_MONOTONIC nanoseconds. `parts` are what its
 * `more` counts; NULL: they are not at hand, and the answer is shown as cut. */
static void print_answer(struct request *r, const char *name, const struct policy_dns *d,
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

/* ---- explain ---- */

struct explaining {
	struct request *r; /* NULL: the asker went away */
	struct explain_question q;
	unsigned rounds, waiting;
};

static void explain_round(struct explaining *x);

static void explain_gone(struct request *r)
{
	struct explaining *x = r->state;

	/* answers that are still awaited find nobody; the last of them frees */
	x->r = NULL;
	if (!x->waiting)
		free(x);
}

static void on_dns(void *ctx, const struct policy_dns *answer)
{
	struct explaining *x = ctx;

	if (--x->waiting)
		return;
	if (!x->r)
		free(x);
	else
		explain_round(x);
}

static void print_line(struct request *r, const struct policy_trace_line *l)
{
	const struct policy_rule_info *rule = policy_rule_info(l->rule);
	struct schema_text t = {0};
	char subject[POLICY_NAME_MAX + 1];

	snprintf(subject, sizeof(subject), "%.*s", (int)l->subject.len, l->subject.ptr);
	if (r->json) {
		schema_text_printf(&t, "{\"rule\":\"%s\",\"section\":\"%s\",\"asks\":", rule->name,
				   rule->section);
		schema_json_string(&t, rule->text);
		schema_text_printf(&t, ",\"outcome\":\"%s\",\"subject\":", policy_outcome_text(l->outcome));
		schema_json_string(&t, subject);
		schema_text_puts(&t, "}");
		reply_row(r, t.p, t.n);
	} else {
		text_pad(&t, policy_outcome_text(l->outcome), 10);
		text_pad(&t, rule->section, 12);
		schema_text_printf(&t, "%s%s%s%s\n", rule->text, *subject ? " (" : "", subject,
				   *subject ? ")" : "");
		reply_raw(r, t.p, t.n);
	}
	schema_text_fini(&t);
}

static void print_next_hop(struct request *r, const struct explain *e)
{
	static const char *const ways[] = {"none",
					   "inside",
					   "static route",
					   "its own server",
					   "DNS SRV of the domain",
					   "as the dialog says"};
	static const char *const ekus[] = {"accept-serverauth", "strict", "accept-serverauth", "any"};
	const struct policy_verdict *v = &e->verdict;
	struct policy_name host = v->route.host, domain = v->route.domain;

	if (v->action != POLICY_ACCEPT)
		return;
	if (r->json) {
		struct schema_text t = {0};

		schema_text_printf(
			&t, "{\"next_hop\":\"%s\",\"host\":\"%.*s\",\"domain\":\"%.*s\",\"eku\":\"%s\"}",
			ways[v->route.way < 6 ? v->route.way : 0], (int)host.len, host.ptr, (int)domain.len,
			domain.ptr, ekus[v->eku < 4 ? v->eku : 0]);
		reply_row(r, t.p, t.n);
		schema_text_fini(&t);
		return;
	}
	reply_text(r, "next hop: %s", ways[v->route.way < 6 ? v->route.way : 0]);
	if (host.len)
		reply_text(r, " %.*s:%u", (int)host.len, host.ptr, v->route.port ? v->route.port : 5061);
	else if (domain.len)
		reply_text(r, " %.*s", (int)domain.len, domain.ptr);
	reply_text(r, "; certificate: %s, eku %s\n",
		   v->flags & POLICY_VERDICT_EXPECT_PIN		  ? "one of the pinned keys"
		   : v->flags & POLICY_VERDICT_EXPECT_ONLY_DOMAIN ? "has to name the domain"
		   : v->flags & POLICY_VERDICT_EXPECT_DOMAIN	  ? "has to name the next hop, or the domain"
								  : "has to name the next hop",
		   ekus[v->eku < 4 ? v->eku : 0]);
}

static void print_verdict(struct request *r, const struct explaining *x, const struct explain *e)
{
	static const char *const actions[] = {"accept", "refuse", "drop", "ask the DNS"};
	const struct policy_verdict *v = &e->verdict;
	const struct policy_reason_info *reason = policy_reason_info(v->reason);
	struct schema_text t = {0};

	if (e->assumed)
		reply_say(r, "no peer was named: judged as if its certificate named %s", e->assumed_name);
	for (unsigned i = 0; i < e->trace.n; i++)
		print_line(r, &e->trace.line[i]);
	for (unsigned i = 0; i < 2; i++) {
		struct policy_name n = i ? e->facts.to_domain : e->facts.from_domain;
		struct policy_dns scratch;
		const struct policy_dns *d = e->view->ops->dns(e->view, n, POLICY_DNS_FEDERATION, &scratch);
		char name[POLICY_NAME_MAX + 1];

		snprintf(name, sizeof(name), "%.*s", (int)n.len, n.ptr);
		if (d && d->state != POLICY_DNS_UNKNOWN)
			print_answer(r, name, d,
				     resolve_parts(r->control->resolve, name, POLICY_DNS_FEDERATION),
				     resolve_now());
	}
	print_next_hop(r, e);
	if (r->json) {
		schema_text_printf(&t,
				   "{\"verdict\":\"%s\",\"direction\":\"%s\",\"generation\":%u,\"rule\":\"%"
				   "s\",\"reason\":\"%s\","
				   "\"id\":%u,\"status\":%u,\"ms_id\":%u,\"text\":",
				   actions[v->action & 3], x->q.inbound ? "inbound" : "outbound",
				   e->view->generation, policy_rule_info(v->rule)->name, reason->name,
				   reason->id, reason->status, reason->ms_id);
		schema_json_string(&t, reason->text ? reason->text : "");
		schema_text_puts(&t, "}");
		reply_row(r, t.p, t.n);
	} else if (v->action == POLICY_ACCEPT) {
		reply_text(r, "verdict: accept (%s, generation %u)\n", x->q.inbound ? "inbound" : "outbound",
			   e->view->generation);
	} else {
		reply_text(r, "verdict: %s (%s, generation %u): %u %s; diagnostic %u, ms-diagnostics %u\n",
			   actions[v->action & 3], x->q.inbound ? "inbound" : "outbound", e->view->generation,
			   reason->status, reason->text ? reason->text : reason->name, reason->id,
			   reason->ms_id);
	}
	if (e->shadow && policy_verdict_differs(&e->verdict, &e->shadow_verdict)) {
		const struct policy_reason_info *other = policy_reason_info(e->shadow_verdict.reason);

		reply_say(r, "shadow: %s instead: %u %s", actions[e->shadow_verdict.action & 3],
			  other->status, other->text ? other->text : other->name);
	} else if (e->shadow) {
		reply_say(r, "shadow: the same");
	}
	schema_text_fini(&t);
}

static void explain_round(struct explaining *x)
{
	struct request *r = x->r;
	struct explain *e = calloc(1, sizeof(*e));
	char why[SCHEMA_WHY_MAX] = "";
	char name[POLICY_ASKS][POLICY_NAME_MAX + 1];
	uint8_t kind[POLICY_ASKS];
	unsigned asks;

	if (!e || explain_open(e, publish_dir(r->control->publish), why)) {
		free(e);
		reply_error(r, "segment", 0, 0, "%s", *why ? why : "out of memory");
		return reply_end(r, 1);
	}
	explain_judge(e, &x->q, resolve_now());
	/* what rests on an answer past its TTL is judged anew, as the dataplane would soon */
	if ((e->verdict.action != POLICY_ASK && !(e->verdict.flags & POLICY_VERDICT_REFRESH)) ||
	    x->rounds++ >= ROUNDS) {
		print_verdict(r, x, e);
		explain_close(e);
		free(e);
		return reply_end(r, 0);
	}
	asks = e->verdict.asks < POLICY_ASKS ? e->verdict.asks : POLICY_ASKS;
	for (unsigned i = 0; i < asks; i++) {
		snprintf(name[i], sizeof(name[i]), "%.*s", (int)e->verdict.ask[i].name.len,
			 e->verdict.ask[i].name.ptr);
		kind[i] = e->verdict.ask[i].kind;
	}
	explain_close(e);
	free(e);
	x->waiting = asks + 1;
	for (unsigned i = 0; i < asks; i++)
		if (resolve_ask(r->control->resolve, name[i], (enum policy_dns_kind)kind[i], 0, on_dns, x))
			x->waiting--;
	on_dns(x, NULL);
}

static void split_user(const char *address, char *user, size_t user_cap, char *domain, size_t domain_cap)
{
	const char *at = strrchr(address, '@');

	snprintf(user, user_cap, "%.*s", (int)(at - address), address);
	snprintf(domain, domain_cap, "%s", at + 1);
}

static enum policy_method method_of(const char *word)
{
	static const char *const words[POLICY_METHODS] = {
		[POLICY_METHOD_INVITE] = "INVITE",   [POLICY_METHOD_ACK] = "ACK",
		[POLICY_METHOD_BYE] = "BYE",	     [POLICY_METHOD_CANCEL] = "CANCEL",
		[POLICY_METHOD_MESSAGE] = "MESSAGE", [POLICY_METHOD_SUBSCRIBE] = "SUBSCRIBE",
		[POLICY_METHOD_NOTIFY] = "NOTIFY",   [POLICY_METHOD_BENOTIFY] = "BENOTIFY",
		[POLICY_METHOD_OPTIONS] = "OPTIONS", [POLICY_METHOD_INFO] = "INFO",
		[POLICY_METHOD_REFER] = "REFER",     [POLICY_METHOD_UPDATE] = "UPDATE",
		[POLICY_METHOD_PRACK] = "PRACK",     [POLICY_METHOD_REGISTER] = "REGISTER",
		[POLICY_METHOD_PUBLISH] = "PUBLISH", [POLICY_METHOD_SERVICE] = "SERVICE"};

	for (unsigned i = 0; word && i < POLICY_METHODS; i++)
		if (words[i] && strcasecmp(words[i], word) == 0)
			return (enum policy_method)i;
	return word ? POLICY_METHOD_OTHER : POLICY_METHOD_MESSAGE;
}

void ask_explain(struct request *r)
{
	struct explaining *x = calloc(1, sizeof(*x));

	if (!x || !r->control->publish) {
		free(x);
		reply_error(r, "segment", 0, 0, "there is no segment");
		return reply_end(r, 1);
	}
	x->r = r;
	split_user(schema_call_get(&r->call, "from"), x->q.from_user, sizeof(x->q.from_user),
		   x->q.from_domain, sizeof(x->q.from_domain));
	split_user(schema_call_get(&r->call, "to"), x->q.to_user, sizeof(x->q.to_user), x->q.to_domain,
		   sizeof(x->q.to_domain));
	for (unsigned i = 0; i < r->call.n && x->q.peers < EXPLAIN_PEERS; i++)
		if (strcmp(r->call.arg[i].arg->name, "peer") == 0)
			snprintf(x->q.peer[x->q.peers++], sizeof(x->q.peer[0]), "%s", r->call.arg[i].value);
	x->q.method = method_of(schema_call_get(&r->call, "method"));
	x->q.inbound = schema_call_get(&r->call, "inbound") != NULL;
	x->q.outbound = !x->q.inbound && schema_call_get(&r->call, "outbound") != NULL;
	r->state = x;
	r->gone = explain_gone;
	explain_round(x);
}

/* ---- test partner ---- */

struct testing {
	struct request *r;
	unsigned waiting;
	char name[POLICY_NAME_MAX + 1];
	/* test dns */
	struct duty_record *record;
	unsigned n, wrong;
	struct tested {
		struct testing *of;
		unsigned i;
	} * each;
};

static void testing_free(struct testing *t)
{
	free(t->record);
	free(t->each);
	free(t);
}

static void testing_gone(struct request *r)
{
	struct testing *t = r->state;

	t->r = NULL;
	if (!t->waiting)
		testing_free(t);
}

/* federation.md section 1.3: the target's domain part is the domain itself */
static bool same_domain(struct policy_name target, const char *domain)
{
	struct policy_name parent = policy_name_parent(target);

	return parent.len == strlen(domain) && memcmp(parent.ptr, domain, parent.len) == 0;
}

static void on_partner(void *ctx, const struct policy_dns *d)
{
	struct testing *t = ctx;
	struct request *r = t->r;
	const struct policy_dns *parts;
	unsigned same = 0, usable = 0, total = 0;

	t->waiting--;
	if (!r) {
		testing_free(t);
		return;
	}
	if (!d) {
		reply_error(r, "dns", 0, 0, "%s: the DNS did not answer in time", t->name);
		return reply_end(r, 1);
	}
	parts = resolve_parts(r->control->resolve, t->name, POLICY_DNS_FEDERATION);
	print_answer(r, t->name, d, parts, resolve_now());
	for (unsigned page = 0; page <= (parts ? d->more : 0u); page++) {
		const struct policy_dns *p = page ? &parts[page - 1] : d;

		for (unsigned i = 0; i < policy_dns_count(p); i++, total++) {
			same += same_domain(policy_dns_target_name(p, i), t->name);
			usable += p->target[i].addr_count > 0;
		}
	}
	if (d->state == POLICY_DNS_NOTHING)
		reply_say(r,
			  "%s publishes no _sipfederationtls record: it is reached only by proxy-fqdn or a "
			  "static route",
			  t->name);
	else if (d->state == POLICY_DNS_BOGUS)
		reply_say(r, "%s: the answer is forged, or its zone is signed wrongly (DNSSEC)", t->name);
	else if (d->state == POLICY_DNS_FAILED)
		reply_say(r, "%s: its name servers do not answer properly", t->name);
	else if (!usable)
		reply_say(r, "%s: no target has an address that may be used", t->name);
	else if (!same)
		reply_say(r,
			  "%s: no target lies in %s itself: only a provider may do so (Lync's same-domain "
			  "rule)",
			  t->name, t->name);
	else
		reply_say(r, "%s: found; %u of %u targets lie in its own domain", t->name, same, total);
	reply_end(r, d->state == POLICY_DNS_OK && usable && same ? 0 : 1);
}

void ask_test_partner(struct request *r)
{
	struct testing *t = calloc(1, sizeof(*t));
	const char *domain = schema_call_get(&r->call, "domain");

	if (!t)
		return reply_end(r, 1);
	snprintf(t->name, sizeof(t->name), "%s", strncmp(domain, "*.", 2) == 0 ? domain + 2 : domain);
	t->r = r;
	r->state = t;
	r->gone = testing_gone;
	t->waiting = 1;
	/* anew: what is known is not what is asked */
	resolve_forget(r->control->resolve, t->name);
	if (resolve_ask(r->control->resolve, t->name, POLICY_DNS_FEDERATION, 0, on_partner, t)) {
		t->waiting = 0;
		reply_error(r, "dns", 0, 0, "too many names are being asked for");
		reply_end(r, 1);
	}
}

/* ---- test dns ---- */

static void record_row(struct request *r, const struct duty_record *d, const char *seen)
{
	struct schema_text t = {0};

	if (r->json) {
		schema_text_puts(&t, "{\"name\":");
		schema_json_string(&t, d->name);
		schema_text_printf(&t, ",\"type\":\"%s\",\"data\":", d->type);
		schema_json_string(&t, d->data);
		schema_text_puts(&t, ",\"seen\":");
		schema_json_string(&t, seen);
		schema_text_puts(&t, "}");
		reply_row(r, t.p, t.n);
	} else {
		text_pad(&t, seen, 24);
		schema_text_printf(&t, "%s %s %s\n", d->name, d->type, d->data);
		reply_raw(r, t.p, t.n);
	}
	schema_text_fini(&t);
}

static bool has_target(const struct policy_dns *d, const char *data)
{
	unsigned p, w, port;
	char name[POLICY_NAME_MAX + 1];

	if (sscanf(data, "%u %u %u %253s", &p, &w, &port, name) != 4)
		return false;
	for (unsigned i = 0; i < policy_dns_count(d); i++) {
		struct policy_name n = policy_dns_target_name(d, i);

		if (d->target[i].port == port && n.len == strlen(name) && memcmp(n.ptr, name, n.len) == 0)
			return true;
	}
	return false;
}

static bool has_address(const struct policy_dns *d, const char *data)
{
	char addr[INET6_ADDRSTRLEN];

	for (unsigned i = 0; i < policy_dns_count(d); i++)
		for (unsigned k = 0; policy_dns_target_addr(d, i, k); k++) {
			address_text(policy_dns_target_addr(d, i, k), addr);
			if (strcmp(addr, data) == 0)
				return true;
		}
	return false;
}

static void tests_end(struct testing *t)
{
	struct request *r = t->r;

	if (--t->waiting)
		return;
	if (!r) {
		testing_free(t);
		return;
	}
	reply_say(r, "%u of %u records are as they have to be", t->n - t->wrong, t->n);
	reply_end(r, t->wrong ? 1 : 0);
}

static void on_record(void *ctx, const struct policy_dns *d)
{
	struct tested *one = ctx;
	struct testing *t = one->of;
	const struct duty_record *rec = &t->record[one->i];
	const char *seen = "no answer in time";
	bool right = false;

	if (d && d->state == POLICY_DNS_OK) {
		right = strcmp(rec->type, "SRV") == 0 ? has_target(d, rec->data) : has_address(d, rec->data);
		seen = right ? "right" : "other data";
	} else if (d) {
		seen = d->state == POLICY_DNS_NOTHING ? "not there"
		       : d->state == POLICY_DNS_BOGUS ? "forged (DNSSEC)"
						      : "failed";
	}
	t->wrong += !right;
	if (t->r)
		record_row(t->r, rec, seen);
	tests_end(t);
}

static void collect_record(void *ctx, const struct duty_record *d)
{
	struct testing *t = ctx;

	if (t->n < TESTS_MAX)
		t->record[t->n++] = *d;
}

void ask_test_dns(struct request *r)
{
	struct testing *t = calloc(1, sizeof(*t));
	struct candidate live = {.store = r->control->store};
	struct schema_source s = candidate_source(&live);

	if (!t || !(t->record = calloc(TESTS_MAX, sizeof(*t->record))) ||
	    !(t->each = calloc(TESTS_MAX, sizeof(*t->each)))) {
		if (t)
			testing_free(t);
		reply_error(r, "memory", 0, 0, "out of memory");
		return reply_end(r, 1);
	}
	t->r = r;
	r->state = t;
	r->gone = testing_gone;
	duty_dns(&s, collect_record, t);
	t->waiting = 1;
	for (unsigned i = 0; i < t->n; i++) {
		const struct duty_record *d = &t->record[i];
		enum policy_dns_kind kind = strcmp(d->type, "SRV") ? POLICY_DNS_HOST
					    : d->name[1] == 'x'	   ? POLICY_DNS_XMPP
								   : POLICY_DNS_FEDERATION;
		const char *name = kind == POLICY_DNS_HOST ? d->name : strstr(d->name, "_tcp.") + 5;

		t->each[i] = (struct tested){t, i};
		t->waiting++;
		resolve_forget(r->control->resolve, name);
		if (resolve_ask(r->control->resolve, name, kind, 0, on_record, &t->each[i]))
			t->waiting--;
	}
	tests_end(t);
}

/* ---- show and reset ---- */

struct listing {
	struct request *r;
	const char *name;
};

static void list_one(void *ctx, const struct cache_entry *e, uint64_t now)
{
	struct listing *l = ctx;

	if (e->known && (!l->name || strcmp(l->name, e->name) == 0))
		print_answer(l->r, e->name, &e->answer, e->answer.more ? e->parts : NULL, now);
}

void ask_show_dns(struct request *r)
{
	struct listing l = {r, schema_call_get(&r->call, "name")};
	const struct cache *c = resolve_cache(r->control->resolve);

	resolve_each(r->control->resolve, list_one, &l);
	if (!r->json)
		reply_text(r,
			   "%u names; %llu asked, %llu waited for somebody else's question, %llu refused, "
			   "%llu served stale\n",
			   c->n, (unsigned long long)c->asked, (unsigned long long)c->coalesced,
			   (unsigned long long)c->refused, (unsigned long long)c->served_stale);
	reply_end(r, 0);
}

void ask_reset_dns(struct request *r)
{
	reply_say(r, "%u answers forgotten",
		  resolve_forget(r->control->resolve, schema_call_get(&r->call, "name")));
	reply_end(r, 0);
}
