/* SPDX-License-Identifier: BSD-3-Clause */
/* What the configuration says of names: whom to ask, which addresses count, how long answers live. */
#include "controlplane/resolve/resolve_internal.h"

#include "config/schema/schema_value.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool own_addresses(void *arg, const char *key, const char *body, size_t len)
{
	struct resolve *r = arg;
	struct schema_object o = {0};

	if (schema_object_load(&o, schema_noun_named("port"), key, body, len) == 0)
		for (unsigned i = 0; i < o.n && r->rules.own_n < RESOLVE_RANGES_MAX; i++)
			if (strcmp(o.noun->fields[o.item[i].field].name, "address") == 0) {
				struct address_range *range = &r->own[r->rules.own_n];

				if (address_range_read(schema_object_value(&o, &o.item[i]), range) == 0) {
					range->bits = 128;
					r->rules.own_n++;
				}
			}
	schema_object_fini(&o);
	return true;
}

static bool inside_hosts(void *arg, const char *key, const char *body, size_t len)
{
	struct resolve *r = arg;
	struct schema_object o = {0};
	char host[SCHEMA_VALUE_MAX];

	if (schema_object_load(&o, schema_noun_named("sip-domain"), key, body, len) == 0)
		for (unsigned i = 0; i < o.n; i++)
			if (strcmp(o.noun->fields[o.item[i].field].name, "next-hop") == 0) {
				snprintf(host, sizeof(host), "%s", schema_object_value(&o, &o.item[i]));
				host[strcspn(host, ":")] = '\0';
				schema_map_put(&r->named, 0, host, "inside", 6, 0);
			}
	schema_object_fini(&o);
	return true;
}

static bool own_names(void *arg, const char *key, const char *body, size_t len)
{
	struct resolve *r = arg;
	struct schema_object o = {0};

	if (schema_object_load(&o, schema_noun_named("identity"), key, body, len) == 0)
		schema_map_put(&r->named, 0, schema_object_find(&o, "public-fqdn"), "own", 3, 0);
	schema_object_fini(&o);
	return true;
}

static int option(struct ub_ctx *ub, const char *name, const char *value)
{
	return ub_ctx_set_option(ub, name, value);
}

/* "198.18.0.1:53" → "198.18.0.1@53" */
static void forwarder(const char *endpoint, char *out, size_t cap)
{
	const char *colon = strrchr(endpoint, ':');

	if (*endpoint == '[')
		snprintf(out, cap, "%.*s@%s", (int)(colon - endpoint - 2), endpoint + 1, colon + 1);
	else
		snprintf(out, cap, "%.*s@%s", (int)(colon - endpoint), endpoint, colon + 1);
}

static void on_readable(int fd, short what, void *arg)
{
	struct resolve *r = arg;

	ub_process(r->ub);
}

static int make_context(struct resolve *r, const struct schema_object *o, char *why)
{
	const char *anchor = schema_object_find(o, "trust-anchor");
	char text[80];
	const char *bad = NULL;
	bool forwarded = false;
	int rc = 0;

	r->ub = ub_ctx_create();
	if (!r->ub)
		return -ENOMEM;
	/* it would write to our standard error, and wait when nobody reads there */
	rc = ub_ctx_debugout(r->ub, NULL);
	/* a thread of libunbound's own does the asking; its results come through a pipe into the loop */
	rc = rc ? rc : ub_ctx_async(r->ub, 1);
	rc = rc ? rc : option(r->ub, "do-not-query-localhost:", "no");
	rc = rc ? rc : option(r->ub, "cache-max-negative-ttl:", "60");
	snprintf(text, sizeof(text), "%llu", (unsigned long long)r->cache.set.max_ttl);
	rc = rc ? rc : option(r->ub, "cache-max-ttl:", text);
	for (unsigned i = 0; i < o->n && !rc; i++)
		if (strcmp(o->noun->fields[o->item[i].field].name, "server") == 0) {
			forwarder(schema_object_value(o, &o->item[i]), text, sizeof(text));
			rc = ub_ctx_set_fwd(r->ub, text);
			forwarded = true;
		}
	if (!rc && anchor)
		rc = ub_ctx_add_ta_file(r->ub, anchor);
	if (!rc && !forwarded && !schema_object_yes(o, "recursive"))
		ub_ctx_resolvconf(r->ub, NULL); /* without one, it asks the root */
	/* Zones and data come last: with the first of them libunbound takes no more settings. It denies test.
	 * by itself (RFC 6761); laboratories have servers for it. */
	rc = rc ? rc : ub_ctx_zone_add(r->ub, "test.", "transparent");
	for (unsigned i = 0; i < o->n && !rc; i++)
		if (strcmp(o->noun->fields[o->item[i].field].name, "local-data") == 0) {
			const char *v = schema_object_value(o, &o->item[i]);

			/* the others, and the DNS, are needed all the same */
			bad = ub_ctx_data_add(r->ub, v) ? v : bad;
		}
	if (rc) {
		snprintf(why, SCHEMA_WHY_MAX, "the resolver cannot be set up: %s", ub_strerror(rc));
		return -EINVAL;
	}
	r->readable = event_new(r->base, ub_fd(r->ub), EV_READ | EV_PERSIST, on_readable, r);
	event_add(r->readable, NULL);
	if (bad)
		snprintf(why, SCHEMA_WHY_MAX, "local-data '%.200s' is no record, and is left out", bad);
	return bad ? -EINVAL : 0;
}

int resolve_configure(struct resolve *r, const struct schema_source *source, char *why)
{
	static const struct address_range everything; /* no bits: every address is in it */
	const struct schema_noun *noun = schema_noun_named("dns");
	struct schema_object o = {0};
	struct schema_text body = {0};
	int rc = source->get(source->ctx, schema_noun_index(noun), "", &body);

	schema_text_add(&body, "", 0);
	schema_object_reset(&o, noun, "");
	if (rc == 1 && schema_object_load(&o, noun, "", body.p, body.n))
		schema_object_reset(&o, noun, "");
	r->cache.set = (struct cache_settings){
		.min_ttl = schema_object_number(&o, "min-ttl"),
		.max_ttl = schema_object_number(&o, "max-ttl"),
		.negative_ttl = schema_object_number(&o, "negative-ttl"),
		.serve_stale = schema_object_number(&o, "serve-stale"),
		.prefetch = (unsigned)schema_object_number(&o, "prefetch"),
		.max = (unsigned)schema_object_number(&o, "cache"),
		.deadline_ns = schema_object_number(&o, "timeout") * 1000000000u,
		.ask_rate = (unsigned)schema_object_number(&o, "ask-rate"),
		.ask_burst = (unsigned)schema_object_number(&o, "ask-burst"),
	};
	r->max_targets = (unsigned)schema_object_number(&o, "max-targets");
	r->rules = (struct address_rules){.allowed = r->allowed, .own = r->own};
	for (unsigned i = 0; i < o.n && r->rules.allowed_n < RESOLVE_RANGES_MAX; i++)
		if (strcmp(noun->fields[o.item[i].field].name, "private-addresses") == 0 &&
		    address_range_read(schema_object_value(&o, &o.item[i]),
				       &r->allowed[r->rules.allowed_n]) == 0)
			r->rules.allowed_n++;
	source->each(source->ctx, schema_noun_index(schema_noun_named("port")), own_addresses, r);
	r->inside_rules = (struct address_rules){
		.allowed = &everything, .allowed_n = 1, .own = r->own, .own_n = r->rules.own_n};
	r->own_rules = (struct address_rules){.allowed = &everything, .allowed_n = 1};
	schema_map_fini(&r->named);
	source->each(source->ctx, schema_noun_index(schema_noun_named("sip-domain")), inside_hosts, r);
	source->each(source->ctx, schema_noun_index(schema_noun_named("identity")), own_names, r);
	rc = 0;
	if (!r->ub || strcmp(r->last.p ? r->last.p : "", body.p)) {
		resolve_drop_context(r);
		resolve_forget(r, NULL);
		schema_text_reset(&r->last);
		schema_text_add(&r->last, body.p, body.n);
		rc = make_context(r, &o, why);
	}
	schema_object_fini(&o);
	schema_text_fini(&body);
	return rc;
}

void resolve_servers(const struct resolve *r, struct schema_text *out)
{
	const struct schema_noun *noun = schema_noun_named("dns");
	struct schema_object o = {0};
	bool any = false;

	schema_object_reset(&o, noun, "");
	if (r->last.n && schema_object_load(&o, noun, "", r->last.p, r->last.n))
		schema_object_reset(&o, noun, "");
	for (unsigned i = 0; i < o.n; i++)
		if (strcmp(noun->fields[o.item[i].field].name, "server") == 0) {
			schema_text_printf(out, "%s%s", any ? ", " : "", schema_object_value(&o, &o.item[i]));
			any = true;
		}
	if (!any)
		schema_text_puts(out, schema_object_yes(&o, "recursive")
					      ? "the name servers from the root down"
					      : "those of /etc/resolv.conf");
	schema_object_fini(&o);
}
