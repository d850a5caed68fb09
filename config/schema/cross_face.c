/* SPDX-License-Identifier: BSD-3-Clause */
/* Our own side: identities, SIP domains, users and their rights. */
#include "config/schema/cross_check.h"

#include <stdio.h>
#include <string.h>

static bool count_one(void *arg, const char *key, const char *body, size_t len)
{
	++*(size_t *)arg;
	return true;
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
		cross_say(c, SCHEMA_ERROR, "identity", s->o->key, "public-fqdn %s is that of identity %s too",
			  a, key);
	for (unsigned i = 0; i < s->o->n; i++)
		for (unsigned k = 0; k < c->other.n; k++) {
			const char *name = s->o->noun->fields[s->o->item[i].field].name;

			if (strstr(name, "listen") &&
			    strstr(c->other.noun->fields[c->other.item[k].field].name, "listen") &&
			    strcmp(schema_object_value(s->o, &s->o->item[i]),
				   schema_object_value(&c->other, &c->other.item[k])) == 0)
				cross_say(c, SCHEMA_ERROR, "identity", s->o->key,
					  "%s %s is taken by identity %s", name,
					  schema_object_value(s->o, &s->o->item[i]), key);
		}
	return true;
}

/* a partner whose server has the name that is ours now */
static bool same_server(void *arg, const char *key, const char *body, size_t len)
{
	struct listen_search *s = arg;
	const char *fqdn = schema_object_find(s->o, "public-fqdn");

	if (!memmem(body, len, fqdn, strlen(fqdn)) ||
	    schema_object_load(&s->c->other, schema_noun_named("partner"), key, body, len))
		return true;
	for (unsigned i = 0; i < s->c->other.n; i++) {
		const char *field = s->c->other.noun->fields[s->c->other.item[i].field].name;

		if ((strcmp(field, "proxy-fqdn") == 0 || strcmp(field, "peer-name") == 0) &&
		    strcmp(schema_object_value(&s->c->other, &s->c->other.item[i]), fqdn) == 0)
			cross_say(s->c, SCHEMA_ERROR, "identity", s->o->key,
				  "public-fqdn %s is the %s of partner %s: messages would come back to us",
				  fqdn, field, key);
	}
	return true;
}

/* "198.18.0.1:5061" and "198.18.0.1:5060": the part before the port */
static size_t host_len(const char *endpoint)
{
	const char *colon = strrchr(endpoint, ':');

	return colon ? (size_t)(colon - endpoint) : strlen(endpoint);
}

struct insecure_search {
	struct cross *c;
	const struct schema_object *o;
	bool found;
};

/* a SIP domain of this identity whose next hops are addresses, and insecure */
static bool insecure_domain(void *arg, const char *key, const char *body, size_t len)
{
	struct insecure_search *s = arg;
	const char *identity;

	if (schema_object_load(&s->c->other, schema_noun_named("sip-domain"), key, body, len) ||
	    !schema_object_find(&s->c->other, "insecure"))
		return true;
	identity = schema_object_find(&s->c->other, "identity");
	if (identity && strcmp(identity, s->o->key))
		return true;
	for (unsigned i = 0; i < s->c->other.n; i++)
		if (strcmp(s->c->other.noun->fields[s->c->other.item[i].field].name, "next-hop") == 0 &&
		    cross_is_address(schema_object_value(&s->c->other, &s->c->other.item[i])))
			s->found = true;
	return !s->found;
}

static void check_insecure_address(struct cross *c, const struct schema_object *o, const char *listen)
{
	size_t n = host_len(listen);

	if (strncmp(listen, "0.0.0.0:", 8) == 0 || strncmp(listen, "[::]:", 5) == 0)
		cross_say(c, SCHEMA_ERROR, "identity", o->key,
			  "insecure-listen %s would be every address, those outside too: name one of the "
			  "internal side",
			  listen);
	for (unsigned i = 0; i < o->n; i++) {
		const char *name = o->noun->fields[o->item[i].field].name;
		const char *v = schema_object_value(o, &o->item[i]);

		if ((strcmp(name, "external-listen") == 0 || strcmp(name, "xmpp-listen") == 0) &&
		    host_len(v) == n && memcmp(v, listen, n) == 0)
			cross_say(c, SCHEMA_ERROR, "identity", o->key,
				  "insecure-listen %s is on the address of %s: without TLS there is nothing "
				  "outside",
				  listen, name);
		if (strcmp(name, "internal-listen") == 0 && strcmp(v, listen) == 0)
			cross_say(c, SCHEMA_ERROR, "identity", o->key,
				  "insecure-listen %s is an internal-listen too: one port, one protocol",
				  listen);
	}
}

static void check_insecure(struct cross *c, const struct schema_object *o)
{
	int listen = schema_field_named(o->noun, "insecure-listen");
	int from = schema_field_named(o->noun, "insecure-allow-from");
	struct insecure_search s = {c, o, false};
	unsigned listens = 0, prefixes = 0;

	for (unsigned i = 0; i < o->n; i++) {
		const char *v = schema_object_value(o, &o->item[i]);

		if (o->item[i].field == (unsigned)listen) {
			check_insecure_address(c, o, v);
			listens++;
		} else if (o->item[i].field == (unsigned)from) {
			if (strcmp(strchr(v, '/'), "/0") == 0)
				cross_say(c, SCHEMA_ERROR, "identity", o->key,
					  "insecure-allow-from %s is everybody: name the servers", v);
			prefixes++;
		}
	}
	if (!listens) {
		if (prefixes)
			cross_say(c, SCHEMA_WARNING, "identity", o->key,
				  "insecure-allow-from without insecure-listen: nobody connects that way");
		return;
	}
	cross_say(c, SCHEMA_WARNING, "identity", o->key,
		  "INSECURE: insecure-listen takes SIP without TLS: everything there is readable and "
		  "forgeable, and whoever has one of the addresses named may speak for our domains");
	if (prefixes)
		return;
	cross_each(c, "sip-domain", insecure_domain, &s);
	if (!s.found)
		cross_say(c, SCHEMA_ERROR, "identity", o->key,
			  "insecure-listen lets nobody in: say insecure-allow-from ADDRESS/LENGTH, or give a "
			  "SIP domain insecure next hops by address");
}

void cross_identity(struct cross *c, const struct schema_object *o)
{
	struct listen_search s = {c, o};

	cross_each(c, "identity", same_listen, &s);
	cross_listen(c, o);
	cross_count(c, o);
	if (schema_object_find(o, "public-fqdn"))
		cross_each(c, "partner", same_server, &s);
	check_insecure(c, o);
	if (!schema_object_find(o, "server-certificate"))
		cross_say(c, SCHEMA_WARNING, "identity", o->key,
			  "no server-certificate: nobody can connect to it");
}

/* partners that cannot stand beside a SIP domain of this name */
static bool same_domain(void *arg, const char *key, const char *body, size_t len)
{
	struct listen_search *s = arg;
	const char *via;

	if (!memmem(body, len, s->o->key, strlen(s->o->key)) ||
	    schema_object_load(&s->c->other, schema_noun_named("partner"), key, body, len))
		return true;
	via = schema_object_find(&s->c->other, "via-domain");
	if (via && strcmp(via, s->o->key) == 0)
		cross_say(s->c, SCHEMA_ERROR, "sip-domain", s->o->key,
			  "is the via-domain of partner %s: that has to be a clearing house outside", key);
	return true;
}

static void check_partner_of(struct cross *c, const struct schema_object *o)
{
	char key[SCHEMA_KEY_MAX];
	struct listen_search s = {c, o};

	for (unsigned tree = 0; tree < 2; tree++) {
		snprintf(key, sizeof(key), "%s%.600s", tree ? "*." : "", o->key);
		if (cross_exists(c, cross_noun("partner"), key) && !cross_is_block(c->body.p, c->body.n))
			cross_say(c, SCHEMA_ERROR, "sip-domain", o->key,
				  "is allowed as partner %s too: delete one of them", key);
	}
	if (cross_block_of(c, o->key, key))
		cross_say(c, SCHEMA_WARNING, "sip-domain", o->key,
			  "lies below the block %s: nobody who shares its address space can reach us", key);
	cross_each(c, "partner", same_domain, &s);
}

struct sharing {
	struct cross *c;
	unsigned n;
};

static bool count_sharing(void *arg, const char *key, const char *body, size_t len)
{
	struct sharing *s = arg;

	if (schema_object_load(&s->c->other, schema_noun_named("provider"), key, body, len) == 0)
		s->n += schema_object_yes(&s->c->other, "enabled") &&
			schema_object_yes(&s->c->other, "shared-address-space");
	return true;
}

static void check_sharing(struct cross *c, const struct schema_object *o)
{
	const char *provider = schema_object_find(o, "shared-address-space");
	struct sharing s = {c, 0};

	if (provider) {
		if (cross_load(c, "provider", provider) &&
		    !schema_object_yes(&c->other, "shared-address-space"))
			cross_say(
				c, SCHEMA_ERROR, "sip-domain", o->key,
				"provider %s does not share our address space: say shared-address-space yes "
				"there, or name another",
				provider);
		return;
	}
	cross_each(c, "provider", count_sharing, &s);
	if (s.n > 1)
		cross_say(c, SCHEMA_ERROR, "sip-domain", o->key,
			  "%u providers could share its address space: say which (shared-address-space NAME)",
			  s.n);
}

void cross_sip_domain(struct cross *c, const struct schema_object *o)
{
	const char *identity = schema_object_find(o, "identity"), *fqdn, *parent;
	size_t n = 0;

	check_partner_of(c, o);
	check_sharing(c, o);
	for (unsigned i = 0; i < o->n; i++)
		if (strcmp(o->noun->fields[o->item[i].field].name, "next-hop") == 0)
			cross_target(c, o, "next-hop", schema_object_value(o, &o->item[i]));
	if (schema_object_find(o, "insecure"))
		cross_say(
			c, SCHEMA_WARNING, "sip-domain", o->key,
			"INSECURE: between this box and its next hops everything is readable and forgeable, "
			"and who answers there may speak for our domains");
	if (!identity) {
		cross_each(c, "identity", count_one, &n);
		if (n > 1)
			cross_say(c, SCHEMA_ERROR, "sip-domain", o->key,
				  "there are %zu identities: say which is its face", n);
		if (n == 0)
			cross_say(c, SCHEMA_WARNING, "sip-domain", o->key,
				  "there is no identity yet: nobody can reach it");
		return;
	}
	if (!cross_load(c, "identity", identity))
		return;
	fqdn = schema_object_find(&c->other, "public-fqdn");
	parent = fqdn ? strchr(fqdn, '.') : NULL;
	if (parent && strcmp(parent + 1, o->key))
		cross_say(c, SCHEMA_WARNING, "sip-domain", o->key,
			  "its public name %s lies in another domain: partners that ask for the same domain "
			  "(Lync's rule) refuse it; "
			  "use a name such as sip.%.200s",
			  fqdn, o->key);
	if (!schema_object_find(o, "next-hop"))
		cross_say(c, SCHEMA_WARNING, "sip-domain", o->key,
			  "no next-hop: messages for it have nowhere to go inside");
}

void cross_observe(struct cross *c, const struct schema_object *o)
{
	int field = schema_field_named(o->noun, "metrics-listen");

	for (unsigned i = 0; i < o->n; i++) {
		const char *v = schema_object_value(o, &o->item[i]);

		if (o->item[i].field == (unsigned)field && strncmp(v, "127.", 4) && strncmp(v, "[::1]:", 6))
			cross_say(c, SCHEMA_WARNING, "observe", "",
				  "metrics-listen %s: whoever reaches it reads partners and events; there is "
				  "no "
				  "password",
				  v);
	}
}

void cross_access(struct cross *c, const struct schema_object *o)
{
	if (strncmp(o->key, "site/", 5) == 0 && !cross_exists(c, cross_noun("site"), o->key + 5))
		cross_say(c, SCHEMA_ERROR, "access", o->key, "there is no site %s", o->key + 5);
	if (strncmp(o->key, "domain/", 7) == 0 && !cross_exists(c, cross_noun("sip-domain"), o->key + 7))
		cross_say(c, SCHEMA_WARNING, "access", o->key, "%s is no SIP domain of ours", o->key + 7);
	if (strncmp(o->key, "user/", 5) == 0) {
		const char *at = strrchr(o->key, '@');

		if (at && !cross_exists(c, cross_noun("sip-domain"), at + 1))
			cross_say(c, SCHEMA_WARNING, "access", o->key, "%s is no SIP domain of ours", at + 1);
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
			cross_say(c, SCHEMA_ERROR, "site", s->o->key,
				  "%s is in site %s too; a user has one site", a, key);
			return false;
		}
		if (order < 0)
			i++;
		else
			k++;
	}
	return true;
}

void cross_site(struct cross *c, const struct schema_object *o)
{
	struct listen_search s = {c, o};

	cross_each(c, "site", same_user, &s);
}
