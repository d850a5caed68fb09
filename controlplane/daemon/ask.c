/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/daemon/ask.h"
#include "controlplane/daemon/ask_print.h"
#include "controlplane/daemon/duty.h"
#include "controlplane/daemon/text.h"
#include "controlplane/resolve/resolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TESTS_MAX = 512 };

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

/* what the DNS says is half of it: the configuration may know another way, or none */
static void partner_way(struct testing *t)
{
	struct request *r = t->r;
	char name[POLICY_NAME_MAX + 1];

	snprintf(name, sizeof(name), "%s", t->name);
	r->state = NULL;
	r->gone = NULL;
	testing_free(t);
	ask_way(r, name);
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
		/* a static route to an address needs none */
		reply_say(r, "%s: the DNS did not answer in time", t->name);
		partner_way(t);
		return;
	}
	parts = resolve_parts(r->control->resolve, t->name, POLICY_DNS_FEDERATION);
	ask_print_answer(r, t->name, d, parts, resolve_now());
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
	partner_way(t);
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
	char addr[64];

	for (unsigned i = 0; i < policy_dns_count(d); i++)
		for (unsigned k = 0; policy_dns_target_addr(d, i, k); k++) {
			text_address(policy_dns_target_addr(d, i, k), addr);
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
		ask_print_answer(l->r, e->name, &e->answer, e->answer.more ? e->parts : NULL, now);
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
