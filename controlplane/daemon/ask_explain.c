/* SPDX-License-Identifier: BSD-3-Clause */
/* explain: the very decide() of the dataplane, with the DNS asked where it wants to know. test partner ends
 * with it: may we talk to the domain, where would we go, and what would we show? */
#include "controlplane/daemon/ask.h"
#include "controlplane/daemon/ask_print.h"
#include "controlplane/daemon/ask_probe.h"
#include "controlplane/daemon/text.h"
#include "controlplane/publish/explain.h"
#include "controlplane/publish/publish.h"
#include "controlplane/resolve/resolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	ROUNDS = 4,
	PATIENCE_S = 3, /* for the DNS, all rounds together: somebody sits and waits */
};

struct explaining {
	struct request *r; /* NULL: the asker went away */
	struct explain_question q;
	unsigned rounds, waiting;
	char asked[POLICY_NAME_MAX + 1]; /* the name that is waited for, one of them */
	bool way;			 /* of test partner: the way there alone */
	bool hosted;			 /* the next hop's addresses were asked for anew */
	struct event *patience;
};

static void explain_round(struct explaining *x);

static void explain_gone(struct request *r)
{
	struct explaining *x = r->state;

	/* answers that are still awaited find nobody; the last of them frees */
	x->r = NULL;
	event_free(x->patience);
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

/* Without TLS: none of the hops that the operator wrote down, all of them, or some. */
static const char *without_tls(const struct policy_verdict *v)
{
	bool written = v->route.way == POLICY_WAY_INSIDE || v->route.way == POLICY_WAY_STATIC;
	unsigned n = 0, plain = 0;
	struct policy_hop hop;

	for (; written && v->route.set && policy_route_hop(v->route.set, n, &hop); n++)
		plain += (hop.flags & POLICY_HOP_INSECURE) != 0;
	if (!plain)
		return "none";
	return plain == n ? "all" : "some";
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
	const char *plain = without_tls(v);

	if (v->action != POLICY_ACCEPT)
		return;
	if (r->json) {
		struct schema_text t = {0};

		schema_text_printf(
			&t,
			"{\"next_hop\":\"%s\",\"host\":\"%.*s\",\"domain\":\"%.*s\",\"eku\":\"%s\","
			"\"insecure\":\"%s\"}",
			ways[v->route.way < 6 ? v->route.way : 0], (int)host.len, host.ptr, (int)domain.len,
			domain.ptr, ekus[v->eku < 4 ? v->eku : 0], plain);
		reply_row(r, t.p, t.n);
		schema_text_fini(&t);
		return;
	}
	reply_text(r, "next hop: %s", ways[v->route.way < 6 ? v->route.way : 0]);
	if (host.len)
		reply_text(r, " %.*s:%u", (int)host.len, host.ptr, v->route.port ? v->route.port : 5061);
	else if (domain.len)
		reply_text(r, " %.*s", (int)domain.len, domain.ptr);
	if (*plain == 'a')
		return reply_text(r, "; INSECURE: TCP without TLS, no certificate is asked for\n");
	reply_text(r, "; certificate: %s, eku %s%s\n",
		   v->flags & POLICY_VERDICT_EXPECT_PIN		  ? "pinned only: one of the pinned keys"
		   : v->flags & POLICY_VERDICT_EXPECT_ONLY_DOMAIN ? "has to name the domain"
		   : v->flags & POLICY_VERDICT_EXPECT_DOMAIN	  ? "has to name the next hop, or the domain"
								  : "has to name the next hop",
		   ekus[v->eku < 4 ? v->eku : 0],
		   *plain == 's' ? "; some of its hops INSECURE: without TLS" : "");
}

static void print_answer(struct request *r, const struct explain *e, struct policy_name n,
			 enum policy_dns_kind kind)
{
	struct policy_dns scratch;
	const struct policy_dns *d = n.len ? e->view->ops->dns(e->view, n, kind, &scratch) : NULL;
	char name[POLICY_NAME_MAX + 1];

	if (!d || d->state == POLICY_DNS_UNKNOWN)
		return;
	snprintf(name, sizeof(name), "%.*s", (int)n.len, n.ptr);
	ask_print_answer(r, name, d, resolve_parts(r->control->resolve, name, kind), resolve_now());
}

static bool same_name(struct policy_name a, struct policy_name b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* What the DNS says of whoever is not ours (the sender of what comes in, the receiver of what goes out), and
 * of the next hop that was chosen. */
static void print_answers(struct request *r, const struct explain *e)
{
	const struct policy_facts *f = &e->facts;
	bool inbound = f->direction == POLICY_INBOUND;
	struct policy_name remote = inbound ? f->from_domain : f->to_domain,
			   other = inbound ? f->to_domain : f->from_domain;
	const struct policy_verdict *v = &e->verdict;

	print_answer(r, e, remote, POLICY_DNS_FEDERATION);
	/* both are foreign where the box is a clearing house */
	if (inbound && !e->view->ops->own_domain(e->view, other))
		print_answer(r, e, other, POLICY_DNS_FEDERATION);
	if (v->action != POLICY_ACCEPT)
		return;
	if (!same_name(v->route.domain, remote) && !same_name(v->route.domain, other))
		print_answer(r, e, v->route.domain, POLICY_DNS_FEDERATION);
	print_answer(r, e, v->route.host, POLICY_DNS_HOST);
}

static void print_verdict(struct request *r, const struct explaining *x, const struct explain *e)
{
	static const char *const actions[] = {"accept", "refuse", "drop", "ask the DNS"};
	const struct policy_verdict *v = &e->verdict;
	const struct policy_reason_info *reason = policy_reason_info(v->reason);
	struct schema_text t = {0};

	if (e->pinned)
		reply_say(r, "no peer was named: judged as pinned only, known by a key that the partner pins "
			     "and by nothing else");
	else if (e->assumed)
		reply_say(r, "no peer was named: judged as if its certificate named %s", e->assumed_name);
	for (unsigned i = 0; i < e->trace.n; i++)
		print_line(r, &e->trace.line[i]);
	print_answers(r, e);
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

static void ask_names(struct explaining *x, unsigned n, char name[][POLICY_NAME_MAX + 1], const uint8_t *kind)
{
	x->waiting = n + 1;
	snprintf(x->asked, sizeof(x->asked), "%.*s", POLICY_NAME_MAX, n ? name[0] : "");
	for (unsigned i = 0; i < n; i++)
		if (resolve_ask(x->r->control->resolve, name[i], (enum policy_dns_kind)kind[i], 0, on_dns, x))
			x->waiting--;
	on_dns(x, NULL);
}

/* TLS of the connection that would be opened: what both sides have of it is for the handshake to find */
static void print_offer(struct request *r, const struct explain *e)
{
	const struct policy_verdict *v = &e->verdict;
	uint32_t id = v->tls_profile ? v->tls_profile : e->view->box->external_tls_profile;
	const struct policy_tls_profile *p = e->view->ops->tls_profile(e->view, id);
	struct policy_name name, old, fresh, groups;

	if (!p)
		return;
	name = policy_str_get(p, p->size, p->name);
	old = p->version_min <= 0x0303 ? policy_str_get(p, p->size, p->suites12)
				       : (struct policy_name){"", 0};
	fresh = p->version_max >= 0x0304 ? policy_str_get(p, p->size, p->suites13)
					 : (struct policy_name){"", 0};
	groups = policy_str_get(p, p->size, p->groups);
	if (r->json) {
		struct schema_text t = {0};

		schema_text_printf(&t,
				   "{\"tls_profile\":\"%.*s\",\"suites12\":\"%.*s\",\"suites13\":\"%.*s\","
				   "\"groups\":\"%.*s\"}",
				   (int)name.len, name.ptr, (int)old.len, old.ptr, (int)fresh.len, fresh.ptr,
				   (int)groups.len, groups.ptr);
		reply_row(r, t.p, t.n);
		schema_text_fini(&t);
		return;
	}
	reply_text(r, "we offer: profile %.*s\n", (int)name.len, name.ptr);
	if (fresh.len)
		reply_text(r, "  TLS 1.3  %.*s\n", (int)fresh.len, fresh.ptr);
	if (old.len)
		reply_text(r, "  TLS 1.2  %.*s\n", (int)old.len, old.ptr);
	reply_text(r, "  groups   %.*s\n", (int)groups.len, groups.ptr);
}

/* where we would go, and with what; or what stands in the way */
static int print_way(struct request *r, const struct explain *e)
{
	const struct policy_verdict *v = &e->verdict;
	const struct policy_reason_info *reason = policy_reason_info(v->reason);
	struct policy_dns scratch;
	const struct policy_dns *d;

	if (v->action != POLICY_ACCEPT) {
		reply_say(r, "a message to it: refused, %u %s (diagnostic %u)", reason->status,
			  reason->text ? reason->text : reason->name, reason->id);
		return 1;
	}
	print_next_hop(r, e);
	if (*without_tls(v) != 'a')
		print_offer(r, e);
	if (!v->route.host.len)
		return 0;
	print_answer(r, e, v->route.host, POLICY_DNS_HOST);
	d = e->view->ops->dns(e->view, v->route.host, POLICY_DNS_HOST, &scratch);
	if (d && d->state == POLICY_DNS_OK && policy_dns_count(d) && d->target[0].addr_count)
		return 0;
	reply_say(r, "%.*s has no address that may be used", (int)v->route.host.len, v->route.host.ptr);
	return 1;
}

static bool is_name(struct policy_name n)
{
	return n.len && !(n.ptr[n.len - 1] >= '0' && n.ptr[n.len - 1] <= '9') && !memchr(n.ptr, ':', n.len);
}

static void way_end(struct explaining *x, struct explain *e)
{
	struct policy_name host = e->verdict.route.host;
	struct request *r = x->r;
	bool taken;
	int status;

	if (e->verdict.action == POLICY_ACCEPT && is_name(host) && !x->hosted) {
		char name[1][POLICY_NAME_MAX + 1];
		const uint8_t kind[1] = {POLICY_DNS_HOST};

		snprintf(name[0], sizeof(name[0]), "%.*s", (int)host.len, host.ptr);
		x->hosted = true;
		explain_close(e);
		free(e);
		resolve_forget(r->control->resolve, name[0]);
		ask_names(x, 1, name, kind);
		return;
	}
	status = print_way(r, e);
	taken = status == 0 && *without_tls(&e->verdict) != 'a' && ask_probe_begin(r, &x->q, e, &status);
	explain_close(e);
	free(e);
	if (taken) {
		event_free(x->patience);
		free(x);
	} else {
		reply_end(r, status);
	}
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
		if (x->way)
			return way_end(x, e);
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
	ask_names(x, asks, name, kind);
}

/* the rules that were judged, up to the one that asks */
static void print_so_far(struct explaining *x)
{
	struct explain *e = calloc(1, sizeof(*e));
	char why[SCHEMA_WHY_MAX] = "";

	if (e && explain_open(e, publish_dir(x->r->control->publish), why) == 0) {
		explain_judge(e, &x->q, resolve_now());
		print_verdict(x->r, x, e);
		explain_close(e);
	}
	free(e);
}

/* The DNS keeps silent. The verdict is then the dataplane's of that hour: it waits as long as it may (`dns
 * timeout`), and refuses. */
static void on_silence(int fd, short what, void *arg)
{
	struct explaining *x = arg;
	struct request *r = x->r;
	struct schema_text asked = {0};

	if (!x->way)
		print_so_far(x);
	resolve_servers(r->control->resolve, &asked);
	reply_error(r, "dns", 0, 0, "%.253s: the DNS did not answer within %u s; asked were %s", x->asked,
		    (unsigned)PATIENCE_S, asked.n ? asked.p : "none");
	schema_text_fini(&asked);
	reply_end(r, 1);
}

static bool explain_begin(struct explaining *x, struct request *r)
{
	static const struct timeval patience = {PATIENCE_S, 0};

	x->patience = event_new(r->control->base, -1, 0, on_silence, x);
	if (!x->patience)
		return false;
	event_add(x->patience, &patience);
	x->r = r;
	r->state = x;
	r->gone = explain_gone;
	return true;
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
	if (!explain_begin(x, r)) {
		free(x);
		reply_error(r, "memory", 0, 0, "out of memory");
		return reply_end(r, 1);
	}
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
	explain_round(x);
}

static bool first_domain(struct control *c, char out[POLICY_NAME_MAX + 1])
{
	struct store_cursor *cursor;
	const char *key, *body;
	unsigned n;
	size_t len;
	bool found;

	if (c->store->ops->open_cursor(c->store, (int)schema_noun_index(schema_noun_named("sip-domain")),
				       NULL, &cursor))
		return false;
	found = c->store->ops->next(cursor, &n, &key, &body, &len) == 1;
	if (found)
		snprintf(out, POLICY_NAME_MAX + 1, "%s", key);
	c->store->ops->close_cursor(cursor);
	return found;
}

void ask_way(struct request *r, const char *domain)
{
	struct explaining *x = r->control->publish ? calloc(1, sizeof(*x)) : NULL;

	if (!x || !first_domain(r->control, x->q.from_domain)) {
		reply_say(r, x ? "there is no sip-domain of ours: nobody could write to it"
			       : "there is no segment yet: the way there cannot be judged");
		free(x);
		return reply_end(r, 1);
	}
	if (!explain_begin(x, r)) {
		free(x);
		reply_error(r, "memory", 0, 0, "out of memory");
		return reply_end(r, 1);
	}
	x->way = true;
	snprintf(x->q.from_user, sizeof(x->q.from_user), "test");
	snprintf(x->q.to_user, sizeof(x->q.to_user), "test");
	snprintf(x->q.to_domain, sizeof(x->q.to_domain), "%s", domain);
	x->q.method = POLICY_METHOD_MESSAGE;
	x->q.outbound = true;
	explain_round(x);
}
