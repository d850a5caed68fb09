/* SPDX-License-Identifier: BSD-3-Clause */
/* Providers, and what holds for the whole box. */
#include "config/policy/room.h"
#include "config/schema/cross_check.h"

#include <stdio.h>
#include <string.h>

struct provider_search {
	struct cross *c;
	const char *fqdn, *provider;
};

static bool same_server(void *arg, const char *key, const char *body, size_t len)
{
	struct provider_search *s = arg;

	if (!memmem(body, len, s->fqdn, strlen(s->fqdn)) ||
	    schema_object_load(&s->c->other, schema_noun_named("partner"), key, body, len))
		return true;
	for (unsigned i = 0; i < s->c->other.n; i++) {
		const char *field = s->c->other.noun->fields[s->c->other.item[i].field].name;

		if ((strcmp(field, "proxy-fqdn") == 0 || strcmp(field, "peer-name") == 0) &&
		    strcmp(schema_object_value(&s->c->other, &s->c->other.item[i]), s->fqdn) == 0)
			cross_say(s->c, SCHEMA_ERROR, "provider", s->provider,
				  "its proxy-fqdn %s is also the %s of partner %s: one name cannot be both",
				  s->fqdn, field, key);
	}
	return true;
}

static bool same_provider(void *arg, const char *key, const char *body, size_t len)
{
	struct provider_search *s = arg;
	const char *fqdn;

	if (strcmp(s->provider, key) == 0 ||
	    schema_object_load(&s->c->other, schema_noun_named("provider"), key, body, len))
		return true;
	fqdn = schema_object_find(&s->c->other, "proxy-fqdn");
	if (fqdn && strcmp(fqdn, s->fqdn) == 0)
		cross_say(s->c, SCHEMA_ERROR, "provider", s->provider,
			  "its proxy-fqdn %s is that of provider %s too", s->fqdn, key);
	return true;
}

/* SIP domains that this provider's leaves without a clear answer */
static bool shares(void *arg, const char *key, const char *body, size_t len)
{
	struct provider_search *s = arg;
	const char *named;

	if (schema_object_load(&s->c->other, schema_noun_named("sip-domain"), key, body, len))
		return true;
	named = schema_object_find(&s->c->other, "shared-address-space");
	if (named && strcmp(named, s->provider) == 0 && !s->fqdn)
		cross_say(s->c, SCHEMA_ERROR, "provider", s->provider,
			  "has to share the address space: sip-domain %s names it for that", key);
	return true;
}

struct others_sharing {
	struct cross *c;
	const char *provider;
	char other[SCHEMA_KEY_MAX], domain[SCHEMA_KEY_MAX];
};

static bool other_sharing(void *arg, const char *key, const char *body, size_t len)
{
	struct others_sharing *s = arg;

	if (strcmp(key, s->provider) == 0 ||
	    schema_object_load(&s->c->other, schema_noun_named("provider"), key, body, len) ||
	    !schema_object_yes(&s->c->other, "enabled") ||
	    !schema_object_yes(&s->c->other, "shared-address-space"))
		return true;
	snprintf(s->other, sizeof(s->other), "%s", key);
	return false;
}

static bool undecided(void *arg, const char *key, const char *body, size_t len)
{
	struct others_sharing *s = arg;

	if (memmem(body, len, "shared-address-space ", 21))
		return true;
	snprintf(s->domain, sizeof(s->domain), "%s", key);
	return false;
}

static void check_sharing(struct cross *c, const struct schema_object *o)
{
	struct provider_search none = {c, NULL, o->key};
	struct others_sharing s = {.c = c, .provider = o->key};

	if (!schema_object_yes(o, "shared-address-space")) {
		cross_each(c, "sip-domain", shares, &none);
		return;
	}
	if (!schema_object_yes(o, "enabled"))
		return;
	cross_each(c, "provider", other_sharing, &s);
	if (!*s.other)
		return;
	cross_each(c, "sip-domain", undecided, &s);
	if (*s.domain)
		cross_say(c, SCHEMA_ERROR, "provider", o->key,
			  "shares our address space, as provider %s does: say at sip-domain %s which one is "
			  "meant",
			  s.other, s.domain);
}

void cross_provider(struct cross *c, const struct schema_object *o)
{
	const char *fqdn = schema_object_find(o, "proxy-fqdn");
	struct provider_search s = {c, fqdn, o->key};

	if (cross_load(c, "federation", "") &&
	    strcmp(schema_object_find(&c->other, "routing"), "default-route") == 0)
		cross_say(c, SCHEMA_ERROR, "provider", o->key,
			  "routing is default-route: there can be no providers beside it");
	check_sharing(c, o);
	if (!fqdn)
		return;
	cross_each(c, "provider", same_provider, &s);
	cross_each(c, "partner", same_server, &s);
}

static bool count_one(void *arg, const char *key, const char *body, size_t len)
{
	++*(size_t *)arg;
	return true;
}

void cross_federation(struct cross *c, const struct schema_object *o)
{
	const char *target = schema_object_find(o, "default-route");
	size_t providers = 0;

	if (!schema_object_yes(o, "allow-federated-users"))
		cross_say(c, SCHEMA_WARNING, "federation", "",
			  "allow-federated-users is no: nobody gets in or out");
	if (strcmp(schema_object_find(o, "routing"), "default-route") == 0) {
		cross_each(c, "provider", count_one, &providers);
		if (providers)
			cross_say(c, SCHEMA_ERROR, "federation", "",
				  "routing default-route: delete the %zu providers first", providers);
		if (target && cross_is_address(target))
			cross_say(c, SCHEMA_WARNING, "federation", "",
				  "default-route is a bare address: it does not follow DNS");
	}
}

static bool first_of_noun(struct cross *c, const struct schema_object *o)
{
	uint64_t bit = UINT64_C(1) << schema_noun_index(o->noun);
	bool first = !(c->counted & bit);

	c->counted |= bit;
	return first;
}

void cross_count(struct cross *c, const struct schema_object *o)
{
	static const struct {
		const char *noun;
		size_t most;
	} bounds[] = {
		/* their numbers are a byte in every partner; one is made by ourselves */
		{"limit-class", 250},
		{"tls-profile", POLICY_TLS_PROFILES_MAX},
		{"identity", POLICY_IDENTITIES_MAX},
	};
	size_t n = 0;

	if (!first_of_noun(c, o))
		return;
	cross_each(c, o->noun->name, count_one, &n);
	for (unsigned i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++)
		if (strcmp(bounds[i].noun, o->noun->name) == 0 && n > bounds[i].most)
			cross_say(c, SCHEMA_ERROR, o->noun->name, o->key, "%zu of them; at most %zu", n,
				  bounds[i].most);
	if (strcmp(o->noun->name, "identity") == 0)
		cross_count_listens(c, o);
}
