/* SPDX-License-Identifier: BSD-3-Clause */
/* What one object shows by itself. What needs a look at others (references, blocks above an allow, names used
 * twice) is judged over the whole configuration, where that is. */
#include "config/schema/schema_object.h"
#include "config/schema/schema_value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int bad(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int bad(char *why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, SCHEMA_WHY_MAX, format, ap);
	va_end(ap);
	return -EINVAL;
}

static bool is(const struct schema_object *o, const char *field, const char *value)
{
	const char *v = schema_object_find(o, field);

	return v && strcmp(v, value) == 0;
}

static bool has(const struct schema_object *o, const char *field)
{
	return schema_object_get(o, (unsigned)schema_field_named(o->noun, field)) != NULL;
}

static int check_partner(const struct schema_object *o, char *why)
{
	bool subtree = strncmp(o->key, "*.", 2) == 0;

	if (is(o, "action", "block")) {
		if (has(o, "exact") && subtree)
			return bad(why, "exact goes with a plain name; *.domain is the whole subtree");
		if (!has(o, "exact") && !subtree)
			return bad(why, "a block of one name only says exact");
		for (unsigned i = 0; i < o->n; i++) {
			const char *name = o->noun->fields[o->item[i].field].name;

			if (strcmp(name, "action") && strcmp(name, "exact") && strcmp(name, "comment") &&
			    strcmp(name, "monitor"))
				return bad(why, "%s has no meaning for a blocked domain; delete it", name);
		}
		return 0;
	}
	if (has(o, "exact"))
		return bad(why, "exact goes with block; an allowed plain name is always exact");
	if (has(o, "proxy-fqdn") && has(o, "via-domain"))
		return bad(why, "proxy-fqdn and via-domain exclude each other: one next hop only");
	if (is(o, "identity-check", "pinned") && !has(o, "spki"))
		return bad(why, "identity-check pinned needs at least one spki");
	if (has(o, "spki") && !is(o, "identity-check", "pinned"))
		return bad(why, "spki counts only with identity-check pinned");
	return 0;
}

static int check_federation(const struct schema_object *o, char *why)
{
	if (is(o, "routing", "default-route")) {
		if (!has(o, "default-route"))
			return bad(why, "routing default-route needs default-route HOST");
		if (schema_object_yes(o, "partner-discovery"))
			return bad(why, "partner-discovery needs routing dns");
	} else if (has(o, "default-route-public")) {
		return bad(why, "default-route-public counts only with routing default-route");
	}
	if (schema_object_number(o, "refused-alarm-error") < schema_object_number(o, "refused-alarm-warn"))
		return bad(why, "refused-alarm-error is below refused-alarm-warn");
	return 0;
}

static int check_limits(const struct schema_object *o, char *why)
{
	if (schema_object_number(o, "suspicious-rate") > schema_object_number(o, "rate"))
		return bad(why, "suspicious-rate is above rate");
	if (schema_object_number(o, "calm-percent") >= schema_object_number(o, "suspicious-percent"))
		return bad(why, "calm-percent has to be below suspicious-percent");
	return 0;
}

/* the next word of a line; false: there is none */
static bool word(const char **at, char out[64])
{
	size_t n;

	*at += strspn(*at, " \t");
	n = strcspn(*at, " \t");
	snprintf(out, 64, "%.*s", n < 64 ? (int)n : 63, *at);
	*at += n;
	return n != 0;
}

static bool is_number(const char *text, unsigned long most)
{
	return *text && strspn(text, "0123456789") == strlen(text) && strlen(text) < 11 &&
	       strtoul(text, NULL, 10) <= most;
}

/* RFC 1035 section 5.1, a line of one record: NAME [TTL] [IN] TYPE DATA. What libunbound would not take of
 * the types that matter here; it judges the rest. */
static bool is_record(const char *at)
{
	char type[64], data[64], ip[16];

	if (!word(&at, data) || !word(&at, type))
		return false;
	if (is_number(type, UINT32_MAX) && !word(&at, type))
		return false;
	if (strcasecmp(type, "IN") == 0 && !word(&at, type))
		return false;
	if (strspn(type, "0123456789") || !word(&at, data))
		return false;
	if (strcasecmp(type, "A") == 0)
		return inet_pton(AF_INET, data, ip) == 1;
	if (strcasecmp(type, "AAAA") == 0)
		return inet_pton(AF_INET6, data, ip) == 1;
	if (strcasecmp(type, "SRV") != 0)
		return true;
	for (unsigned i = 0; i < 3; i++)
		if (!is_number(data, UINT16_MAX) || !word(&at, data))
			return false;
	return true;
}

static int check_dns(const struct schema_object *o, char *why)
{
	if (schema_object_number(o, "min-ttl") > schema_object_number(o, "max-ttl"))
		return bad(why, "min-ttl is above max-ttl");
	if (schema_object_yes(o, "recursive") && has(o, "server"))
		return bad(why, "recursive yes and server exclude each other");
	for (unsigned i = 0; i < o->n; i++) {
		const char *v = schema_object_value(o, &o->item[i]);

		if (strcmp(o->noun->fields[o->item[i].field].name, "local-data") == 0 && !is_record(v))
			return bad(why,
				   "local-data '%.120s' is no record: write \"NAME [TTL] TYPE DATA\", as "
				   "\"sip.example.com 60 A 192.0.2.1\"",
				   v);
	}
	return 0;
}

static int check_route(const struct schema_object *o, char *why)
{
	const char *to = schema_object_key2(o, NULL);

	if (has(o, "srv") && (to[0] == '[' || strspn(to, "0123456789.:") == strlen(to)))
		return bad(why, "srv needs a domain, not an address");
	return 0;
}

/* federation.md section 3: what TLS, SASL and dialback may be together */
static int check_xmpp_partner(const struct schema_object *o, char *why)
{
	bool no_tls = is(o, "tls", "not-supported");

	if (is(o, "action", "block"))
		return 0;
	if (!schema_object_yes(o, "dialback") && (no_tls || is(o, "sasl", "not-supported")))
		return bad(why, "without dialback, tls and sasl have to be required or optional");
	if (no_tls && !has(o, "insecure"))
		return bad(
			why,
			"tls not-supported leaves only dialback without TLS: say insecure if that is meant");
	return 0;
}

static int check_dataplane(const struct schema_object *o, char *why)
{
	if (schema_object_number(o, "reserve-mbufs") >= schema_object_number(o, "mbufs"))
		return bad(why, "reserve-mbufs is not below mbufs, raise mbufs or lower reserve-mbufs");
	return 0;
}

static int check_port(const struct schema_object *o, char *why)
{
	unsigned families[2] = {0};
	int field = schema_field_named(o->noun, "gateway");

	for (unsigned i = 0; i < o->n; i++)
		if (o->item[i].field == (unsigned)field &&
		    ++families[strchr(schema_object_value(o, &o->item[i]), ':') != NULL] > 1)
			return bad(why, "one gateway a family");
	return 0;
}

int schema_object_check(const struct schema_object *o, char *why)
{
	static const struct {
		const char *noun;
		int (*check)(const struct schema_object *, char *);
	} checks[] = {
		{"partner", check_partner},
		{"dataplane", check_dataplane},
		{"federation", check_federation},
		{"limit-class", check_limits},
		{"dns", check_dns},
		{"route", check_route},
		{"port", check_port},
		{"xmpp-partner", check_xmpp_partner},
	};

	for (unsigned i = 0; i < o->noun->fields_n; i++) {
		const struct schema_field *f = &o->noun->fields[i];
		char form[256];

		if (!(f->flags & SCHEMA_REQUIRED) || schema_object_get(o, i))
			continue;
		if (f->flags & SCHEMA_BARE)
			return bad(why, "say which: %s", schema_value_form(f, form, sizeof(form)));
		return bad(why, "%s is missing: %s", f->name, f->help);
	}
	for (unsigned i = 0, run = 0; i < o->n; i++) {
		const struct schema_field *f = &o->noun->fields[o->item[i].field];

		run = i && o->item[i].field == o->item[i - 1].field ? run + 1 : 1;
		if ((f->type == SCHEMA_NAME || f->type == SCHEMA_PREFIX) && f->max && run > f->max)
			return bad(why, "%s: at most %u values", f->name, (unsigned)f->max);
	}
	for (unsigned i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		if (strcmp(o->noun->name, checks[i].noun) == 0)
			return checks[i].check(o, why);
	return 0;
}
