/* SPDX-License-Identifier: BSD-3-Clause */
/* Static routes: how many of one pattern, whom they serve, by what their hosts are known. */
#include "config/schema/cross_check.h"

#include <arpa/inet.h>
#include <string.h>

enum { ROUTES_MAX = 100 };

bool cross_is_address(const char *target)
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

struct route_count {
	const char *pattern;
	size_t n, open;
};

static bool count_routes(void *arg, const char *key, const char *body, size_t len)
{
	struct route_count *r = arg;
	size_t n = strlen(r->pattern);

	if (strncmp(key, r->pattern, n) == 0 && key[n] == ' ') {
		r->n++;
		r->open += !memmem(body, len, "block", 5);
	}
	return true;
}

static bool discovery(struct cross *c)
{
	return cross_load(c, "federation", "") && schema_object_yes(&c->other, "partner-discovery");
}

void cross_route(struct cross *c, const struct schema_object *o)
{
	char pattern[SCHEMA_KEY_MAX], key[SCHEMA_KEY_MAX];
	const char *to = schema_object_key2(o, pattern), *name = pattern;
	struct route_count count = {pattern, 0, 0};
	bool named = false, known;

	cross_each(c, "route", count_routes, &count);
	if (count.n > ROUTES_MAX)
		cross_say(c, SCHEMA_ERROR, "route", o->key, "%zu routes have this pattern; at most %d may",
			  count.n, ROUTES_MAX);
	if (count.n && !count.open && strcmp(pattern, "*"))
		cross_say(c, SCHEMA_WARNING, "route", o->key,
			  "every route of this pattern is blocked: that closes the domain; say block for the "
			  "partner if it is meant");
	name += strncmp(name, "*.", 2) == 0 ? 2 : 0;
	known = strcmp(pattern, "*") && cross_partner_of(c, name, key);
	if (known)
		named = schema_object_get(&c->other,
					  (unsigned)schema_field_named(c->other.noun, "peer-name"));
	if (!known && name == pattern && strcmp(pattern, "*") && !discovery(c))
		cross_say(c, SCHEMA_WARNING, "route", o->key,
			  "%s is neither allowed nor discoverable: a route alone admits nobody", name);
	if (cross_is_address(to)) {
		cross_say(c, SCHEMA_WARNING, "route", o->key, "a bare address: it does not follow DNS");
		if (!schema_object_find(o, "insecure") && !named)
			cross_say(
				c, SCHEMA_WARNING, "route", o->key,
				"an address says nothing about the certificate to expect: give its partner a "
				"peer-name");
	}
	cross_target(c, o, "to", to);
	if (schema_object_find(o, "insecure"))
		cross_say(c, SCHEMA_WARNING, "route", o->key,
			  "INSECURE: everything on this route is readable and forgeable");
}
