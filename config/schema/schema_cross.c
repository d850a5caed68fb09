/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/schema/schema_cross.h"
#include "config/schema/schema_value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VIA_DEPTH = 16, ROUTES_MAX = 100, FEW = 256, REPEAT_MAX = 20 };

struct cross {
	const struct schema_source *source;
	schema_report_fn report;
	void *ctx;
	long errors;
	int fault; /* -errno of the source */
	struct schema_object o, other;
	struct schema_text body;
	/* partners that are blocked, when they were collected */
	struct schema_map blocks;
	bool blocks_known, scan_all;
	unsigned same; /* findings of one kind, to cut them off */
	uint32_t line;
};

static void say(struct cross *c, enum schema_severity severity, const char *noun, const char *key,
		const char *format, ...) __attribute__((format(printf, 5, 6)));

static void say(struct cross *c, enum schema_severity severity, const char *noun, const char *key,
		const char *format, ...)
{
	char text[SCHEMA_WHY_MAX];
	struct schema_finding f = {severity, noun, key, c->line, text};
	va_list ap;

	if (severity == SCHEMA_ERROR)
		c->errors++;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	c->report(c->ctx, &f);
}

static unsigned noun_index(const char *name)
{
	return schema_noun_index(schema_noun_named(name));
}

static bool exists(struct cross *c, unsigned noun, const char *key)
{
	int r;

	schema_text_reset(&c->body);
	r = c->source->get(c->source->ctx, noun, key, &c->body);
	if (r < 0)
		c->fault = r;
	return r == 1;
}

/* loads into c->other */
static bool load(struct cross *c, const char *noun, const char *key)
{
	return exists(c, noun_index(noun), key) &&
	       schema_object_load(&c->other, schema_noun_named(noun), key, c->body.p ? c->body.p : "",
				  c->body.n) == 0;
}

static void each(struct cross *c, const char *noun, schema_each_fn fn, void *arg)
{
	int r = c->source->each(c->source->ctx, noun_index(noun), fn, arg);

	if (r)
		c->fault = r;
}

/* ---- references ---- */

/* what is there without being written (config/policy/tls_shipped.h) */
static bool shipped(const char *noun, const char *name)
{
	return strcmp(noun, "tls-profile") == 0 &&
	       (strcmp(name, "modern") == 0 || strcmp(name, "compat") == 0);
}

static void check_references(struct cross *c, const struct schema_object *o)
{
	for (unsigned i = 0; i < o->n; i++) {
		const struct schema_field *f = &o->noun->fields[o->item[i].field];
		const char *v = schema_object_value(o, &o->item[i]);

		if (f->refers && !shipped(f->refers, v) && !exists(c, noun_index(f->refers), v))
			say(c, SCHEMA_ERROR, o->noun->name, o->key, "%s: there is no %s %s", f->name,
			    f->refers, v);
	}
}

struct still_used {
	struct cross *c;
	const struct schema_noun *noun;
	const char *gone, *key;
	char needle[200];
	bool found;
};

static bool uses(void *arg, const char *key, const char *body, size_t len)
{
	struct still_used *u = arg;

	if (!memmem(body, len, u->gone, strlen(u->gone)))
		return true;
	if (schema_object_load(&u->c->o, u->noun, key, body, len))
		return true;
	for (unsigned i = 0; i < u->c->o.n; i++) {
		const struct schema_field *f = &u->noun->fields[u->c->o.item[i].field];

		if (f->refers && strcmp(f->refers, u->needle) == 0 &&
		    strcmp(schema_object_value(&u->c->o, &u->c->o.item[i]), u->gone) == 0) {
			say(u->c, SCHEMA_ERROR, u->needle, u->gone, "is gone, but %s %s refers to it (%s)",
			    u->noun->name, key, f->name);
			u->found = true;
			return false;
		}
	}
	return true;
}

static void check_removed(struct cross *c, const struct schema_entry *e)
{
	const char *name = schema_nouns[e->noun].name;

	if (shipped(name, e->key))
		return;
	for (unsigned i = 0; i < schema_nouns_n; i++) {
		const struct schema_noun *n = &schema_nouns[i];
		struct still_used u = {.c = c, .noun = n, .gone = e->key};
		bool refers = false;

		for (unsigned k = 0; k < n->fields_n; k++)
			refers |= n->fields[k].refers && strcmp(n->fields[k].refers, name) == 0;
		if (!refers)
			continue;
		snprintf(u.needle, sizeof(u.needle), "%s", name);
		each(c, n->name, uses, &u);
		if (u.found)
			return;
	}
}

/* ---- partners: blocks above allows ---- */

static bool is_block(const char *body, size_t len)
{
	static const char block[] = "action block";

	return len >= sizeof(block) - 1 && memcmp(body, block, sizeof(block) - 1) == 0;
}

static bool is_except(const char *body, size_t len)
{
	return memmem(body, len, "\nexcept", 7) != NULL;
}

static bool collect_block(void *arg, const char *key, const char *body, size_t len)
{
	struct cross *c = arg;

	if (is_block(body, len) && schema_map_put(&c->blocks, 0, key, "", 0, 0)) {
		c->fault = -ENOMEM;
		return false;
	}
	return true;
}

static bool blocked_key(struct cross *c, const char *key)
{
	if (c->blocks_known)
		return schema_map_get(&c->blocks, 0, key) != NULL;
	return exists(c, noun_index("partner"), key) && is_block(c->body.p, c->body.n);
}

/* the longest block that covers an allow of `key`; NULL when none does */
static const char *block_above(struct cross *c, const char *key, char *out)
{
	bool tree = strncmp(key, "*.", 2) == 0;
	const char *name = tree ? key + 2 : key;

	/* a name and a block of exactly this name cannot both stand; a subtree's block covers the name itself
	 */
	if (!tree) {
		snprintf(out, SCHEMA_KEY_MAX, "*.%s", name);
		if (blocked_key(c, out))
			return out;
	}
	while ((name = strchr(name, '.'))) {
		name++;
		snprintf(out, SCHEMA_KEY_MAX, "*.%s", name);
		if (blocked_key(c, out))
			return out;
	}
	return NULL;
}

static void check_allow(struct cross *c, const char *key, const char *body, size_t len)
{
	char above[SCHEMA_KEY_MAX];

	if (is_block(body, len) || is_except(body, len) || !block_above(c, key, above))
		return;
	if (c->same++ == REPEAT_MAX)
		say(c, SCHEMA_ERROR, "partner", key, "and more of the same kind");
	if (c->same > REPEAT_MAX) {
		c->errors++;
		return;
	}
	say(c, SCHEMA_ERROR, "partner", key,
	    "is allowed below the block %s: say except if that is meant, or delete one of them", above);
}

static bool check_each_allow(void *arg, const char *key, const char *body, size_t len)
{
	check_allow(arg, key, body, len);
	return true;
}

struct fqdn_search {
	struct cross *c;
	const char *fqdn, *provider;
};

static bool same_proxy(void *arg, const char *key, const char *body, size_t len)
{
	struct fqdn_search *s = arg;
	char needle[SCHEMA_KEY_MAX + 16];
	size_t n = (size_t)snprintf(needle, sizeof(needle), "\nproxy-fqdn %s", s->fqdn);
	const char *hit = memmem(body, len, needle, n);

	if (hit && (hit + n == body + len || hit[n] == '\n'))
		say(s->c, SCHEMA_ERROR, "provider", s->provider,
		    "its proxy-fqdn %s is also that of partner %s: one name cannot be both", s->fqdn, key);
	return true;
}

static bool same_provider(void *arg, const char *key, const char *body, size_t len)
{
	struct fqdn_search *s = arg;
	const char *fqdn;

	if (schema_object_load(&s->c->other, schema_noun_named("provider"), key, body, len))
		return true;
	fqdn = schema_object_find(&s->c->other, "proxy-fqdn");
	if (!fqdn || strcmp(fqdn, s->fqdn))
		return true;
	if (!s->provider)
		say(s->c, SCHEMA_ERROR, "partner", s->c->o.key,
		    "its proxy-fqdn %s is that of provider %s: one name cannot be both", s->fqdn, key);
	else if (strcmp(s->provider, key))
		say(s->c, SCHEMA_ERROR, "provider", s->provider,
		    "its proxy-fqdn %s is that of provider %s too", s->fqdn, key);
	return true;
}

static void check_via(struct cross *c, const struct schema_object *o)
{
	const char *via = schema_object_find(o, "via-domain");
	char at[SCHEMA_KEY_MAX];

	if (!via)
		return;
	snprintf(at, sizeof(at), "%s", via);
	for (unsigned depth = 0; depth < VIA_DEPTH; depth++) {
		if (strcmp(at, o->key) == 0) {
			say(c, SCHEMA_ERROR, "partner", o->key, "via-domain leads back to itself");
			return;
		}
		if (!load(c, "partner", at)) {
			if (depth == 0)
				say(c, SCHEMA_WARNING, "partner", o->key,
				    "via-domain %s is no partner itself: nothing vouches for it but DNS", at);
			return;
		}
		if (strcmp(schema_object_find(&c->other, "action"), "block") == 0) {
			say(c, SCHEMA_ERROR, "partner", o->key, "via-domain %s is blocked", at);
			return;
		}
		via = schema_object_find(&c->other, "via-domain");
		if (!via)
			return;
		snprintf(at, sizeof(at), "%s", via);
	}
	say(c, SCHEMA_ERROR, "partner", o->key, "via-domain: a chain longer than %d", VIA_DEPTH);
}

static void check_partner(struct cross *c, const struct schema_object *o, const struct schema_entry *e)
{
	const char *fqdn = schema_object_find(o, "proxy-fqdn");
	const char *name = strncmp(o->key, "*.", 2) == 0 ? o->key + 2 : o->key;

	if (!c->scan_all)
		check_allow(c, o->key, e->body, e->body_len);
	if (fqdn) {
		struct fqdn_search s = {c, fqdn, NULL};

		each(c, "provider", same_provider, &s);
	}
	check_via(c, o);
	if (exists(c, noun_index("sip-domain"), name))
		say(c, SCHEMA_WARNING, "partner", o->key,
		    "%s is a SIP domain of ours; messages from outside that claim it are "
		    "refused anyway",
		    name);
}

/* ---- the other nouns ---- */

static bool count_one(void *arg, const char *key, const char *body, size_t len)
{
	++*(size_t *)arg;
	return true;
}

struct route_count {
	const char *pattern;
	size_t n;
};

static bool count_routes(void *arg, const char *key, const char *body, size_t len)
{
	struct route_count *r = arg;
	size_t n = strlen(r->pattern);

	r->n += strncmp(key, r->pattern, n) == 0 && key[n] == ' ';
	return true;
}

static bool is_address_target(const char *target)
{
	unsigned char b[16];
	char host[64];
	size_t n = strcspn(target, ":");

	if (*target == '[')
		return true;
	if (n >= sizeof(host))
		return false;
	memcpy(host, target, n);
	host[n] = '\0';
	return inet_pton(AF_INET, host, b) == 1;
}

static void check_route(struct cross *c, const struct schema_object *o)
{
	char pattern[SCHEMA_KEY_MAX];
	const char *to = schema_object_key2(o, pattern);
	struct route_count count = {pattern, 0};

	each(c, "route", count_routes, &count);
	if (count.n > ROUTES_MAX)
		say(c, SCHEMA_ERROR, "route", o->key, "%zu routes have this pattern; at most %d may", count.n,
		    ROUTES_MAX);
	if (is_address_target(to)) {
		say(c, SCHEMA_WARNING, "route", o->key, "a bare address: it does not follow DNS");
		if (!schema_object_find(o, "insecure"))
			say(c, SCHEMA_WARNING, "route", o->key,
			    "an address says nothing about the certificate to expect: give its partner a "
			    "peer-name");
	}
	if (schema_object_find(o, "insecure"))
		say(c, SCHEMA_WARNING, "route", o->key,
		    "INSECURE: everything on this route is readable and forgeable");
}

struct listen_search {
	struct cross *c;
	const struct schema_object *o;
};

static bool same_listen(void *arg, const char *key, const char *body, size_t len)
{
	struct listen_search *s = arg;
	struct cross *c = s->c;
	const char *a, *b;

	if (strcmp(key, s->o->key) == 0 ||
	    schema_object_load(&c->other, schema_noun_named("identity"), key, body, len))
		return true;
	a = schema_object_find(s->o, "public-fqdn");
	b = schema_object_find(&c->other, "public-fqdn");
	if (a && b && strcmp(a, b) == 0)
		say(c, SCHEMA_ERROR, "identity", s->o->key, "public-fqdn %s is that of identity %s too", a,
		    key);
	for (unsigned i = 0; i < s->o->n; i++)
		for (unsigned k = 0; k < c->other.n; k++) {
			const char *name = s->o->noun->fields[s->o->item[i].field].name;

			if (strstr(name, "listen") &&
			    strstr(c->other.noun->fields[c->other.item[k].field].name, "listen") &&
			    strcmp(schema_object_value(s->o, &s->o->item[i]),
				   schema_object_value(&c->other, &c->other.item[k])) == 0)
				say(c, SCHEMA_ERROR, "identity", s->o->key, "%s %s is taken by identity %s",
				    name, schema_object_value(s->o, &s->o->item[i]), key);
		}
	return true;
}

static void check_identity(struct cross *c, const struct schema_object *o)
{
	struct listen_search s = {c, o};

	each(c, "identity", same_listen, &s);
	if (!schema_object_find(o, "server-certificate"))
		say(c, SCHEMA_WARNING, "identity", o->key, "no server-certificate: nobody can connect to it");
}

static void check_sip_domain(struct cross *c, const struct schema_object *o)
{
	const char *identity = schema_object_find(o, "identity"), *fqdn, *parent;
	size_t n = 0;

	if (!identity) {
		each(c, "identity", count_one, &n);
		if (n > 1)
			say(c, SCHEMA_ERROR, "sip-domain", o->key,
			    "there are %zu identities: say which is its face", n);
		if (n == 0)
			say(c, SCHEMA_WARNING, "sip-domain", o->key,
			    "there is no identity yet: nobody can reach it");
		return;
	}
	if (!load(c, "identity", identity))
		return;
	fqdn = schema_object_find(&c->other, "public-fqdn");
	parent = fqdn ? strchr(fqdn, '.') : NULL;
	if (parent && strcmp(parent + 1, o->key))
		say(c, SCHEMA_WARNING, "sip-domain", o->key,
		    "its public name %s lies in another domain: partners that ask for the same domain "
		    "(Lync's rule) refuse it; "
		    "use a name such as sip.%.200s",
		    fqdn, o->key);
	if (!schema_object_find(o, "next-hop"))
		say(c, SCHEMA_WARNING, "sip-domain", o->key,
		    "no next-hop: messages for it have nowhere to go inside");
}

static void check_access(struct cross *c, const struct schema_object *o)
{
	if (strncmp(o->key, "site/", 5) == 0 && !exists(c, noun_index("site"), o->key + 5))
		say(c, SCHEMA_ERROR, "access", o->key, "there is no site %s", o->key + 5);
	if (strncmp(o->key, "domain/", 7) == 0 && !exists(c, noun_index("sip-domain"), o->key + 7))
		say(c, SCHEMA_WARNING, "access", o->key, "%s is no SIP domain of ours", o->key + 7);
	if (strncmp(o->key, "user/", 5) == 0) {
		const char *at = strrchr(o->key, '@');

		if (at && !exists(c, noun_index("sip-domain"), at + 1))
			say(c, SCHEMA_WARNING, "access", o->key, "%s is no SIP domain of ours", at + 1);
	}
}

static bool same_user(void *arg, const char *key, const char *body, size_t len)
{
	struct listen_search *s = arg;
	struct cross *c = s->c;

	if (strcmp(key, s->o->key) == 0 ||
	    schema_object_load(&c->other, schema_noun_named("site"), key, body, len))
		return true;
	for (unsigned i = 0, k = 0; i < s->o->n && k < c->other.n;) {
		const char *a = schema_object_value(s->o, &s->o->item[i]);
		const char *b = schema_object_value(&c->other, &c->other.item[k]);
		int order = s->o->item[i].field ? 1 : c->other.item[k].field ? -1 : strcmp(a, b);

		if (s->o->item[i].field || c->other.item[k].field)
			break;
		if (order == 0) {
			say(c, SCHEMA_ERROR, "site", s->o->key, "%s is in site %s too; a user has one site",
			    a, key);
			return false;
		}
		if (order < 0)
			i++;
		else
			k++;
	}
	return true;
}

static void check_site(struct cross *c, const struct schema_object *o)
{
	struct listen_search s = {c, o};

	each(c, "site", same_user, &s);
}

static void check_provider(struct cross *c, const struct schema_object *o)
{
	const char *fqdn = schema_object_find(o, "proxy-fqdn");
	struct fqdn_search s = {c, fqdn, o->key};

	if (!fqdn)
		return;
	each(c, "provider", same_provider, &s);
	each(c, "partner", same_proxy, &s);
}

static void check_federation(struct cross *c, const struct schema_object *o)
{
	const char *target = schema_object_find(o, "default-route");
	size_t providers = 0;

	if (!schema_object_yes(o, "allow-federated-users"))
		say(c, SCHEMA_WARNING, "federation", "",
		    "allow-federated-users is no: nobody gets in or out");
	if (strcmp(schema_object_find(o, "routing"), "default-route") == 0) {
		each(c, "provider", count_one, &providers);
		if (providers)
			say(c, SCHEMA_ERROR, "federation", "",
			    "routing default-route: delete the %zu providers first", providers);
		if (target && is_address_target(target))
			say(c, SCHEMA_WARNING, "federation", "",
			    "default-route is a bare address: it does not follow DNS");
	}
}

static void check_limit_class(struct cross *c, const struct schema_object *o)
{
	size_t n = 0;

	each(c, "limit-class", count_one, &n);
	if (n > 255)
		say(c, SCHEMA_ERROR, "limit-class", o->key, "%zu classes; at most 255", n);
}

static void check_tls_profile(struct cross *c, const struct schema_object *o)
{
	size_t n = 0;

	each(c, "tls-profile", count_one, &n);
	if (n > 255)
		say(c, SCHEMA_ERROR, "tls-profile", o->key, "%zu profiles; at most 255", n);
}

static void check_object(struct cross *c, const struct schema_entry *e)
{
	static const struct {
		const char *noun;
		void (*check)(struct cross *, const struct schema_object *);
	} checks[] = {
		{"route", check_route},
		{"identity", check_identity},
		{"sip-domain", check_sip_domain},
		{"access", check_access},
		{"site", check_site},
		{"provider", check_provider},
		{"federation", check_federation},
		{"limit-class", check_limit_class},
		{"tls-profile", check_tls_profile},
	};
	const struct schema_noun *n = &schema_nouns[e->noun];
	static const char plain[] = "action allow";
	bool partner = strcmp(n->name, "partner") == 0;
	char why[SCHEMA_WHY_MAX];

	c->line = e->line;
	/* the many: nothing but the name */
	if (partner && e->body_len == sizeof(plain) - 1 && memcmp(e->body, plain, e->body_len) == 0) {
		if (!c->scan_all)
			check_allow(c, e->key, e->body, e->body_len);
		return;
	}
	if (schema_object_load(&c->o, n, e->key, e->body, e->body_len) || schema_object_check(&c->o, why)) {
		say(c, SCHEMA_ERROR, n->name, e->key, "%s",
		    c->o.noun == n ? why : "has settings that are not known here");
		return;
	}
	check_references(c, &c->o);
	if (partner)
		check_partner(c, &c->o, e);
	for (unsigned i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		if (strcmp(checks[i].noun, n->name) == 0)
			checks[i].check(c, &c->o);
}

long schema_cross_check(const struct schema_source *source, const struct schema_entry *const *changed,
			size_t n, schema_report_fn report, void *ctx)
{
	struct cross c = {.source = source, .report = report, .ctx = ctx};
	unsigned partner = noun_index("partner"), boot = 0;
	size_t partners = 0;
	long r;

	for (size_t i = 0; i < n; i++) {
		if (changed[i]->noun == partner) {
			partners++;
			if (changed[i]->body && is_block(changed[i]->body, changed[i]->body_len))
				c.scan_all = true;
		}
		boot += schema_nouns[changed[i]->noun].applies == SCHEMA_BOOT;
	}
	/* many partners, or a new block: look at all of them once instead of asking for each */
	if (partners > FEW || c.scan_all) {
		each(&c, "partner", collect_block, &c);
		c.blocks_known = true;
	}
	if (c.scan_all)
		each(&c, "partner", check_each_allow, &c);
	for (size_t i = 0; i < n && !c.fault; i++) {
		if (changed[i]->body)
			check_object(&c, changed[i]);
		else
			check_removed(&c, changed[i]);
	}
	c.line = 0;
	if (boot)
		say(&c, SCHEMA_NOTE, "dataplane", "",
		    "%u of the changes take effect when the dataplane starts anew", boot);
	r = c.fault ? c.fault : c.errors;
	schema_object_fini(&c.o);
	schema_object_fini(&c.other);
	schema_text_fini(&c.body);
	schema_map_fini(&c.blocks);
	return r;
}

static int map_get(void *ctx, unsigned noun, const char *key, struct schema_text *body)
{
	const struct schema_entry *e = schema_map_get(ctx, noun, key);

	if (!e || !e->body)
		return 0;
	return schema_text_add(body, e->body, e->body_len) ? -ENOMEM : 1;
}

static int map_each(void *ctx, unsigned noun, schema_each_fn fn, void *arg)
{
	const struct schema_map *m = ctx;

	for (size_t i = 0; i < m->n; i++) {
		const struct schema_entry *e = &m->entry[i];

		if (!e->dead && e->body && e->noun == noun && !fn(arg, e->key, e->body, e->body_len))
			break;
	}
	return 0;
}

struct schema_source schema_source_map(const struct schema_map *map)
{
	return (struct schema_source){(void *)(uintptr_t)map, map_get, map_each};
}
