/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses: whether a listener can be reached, and whether a next hop is a place to which anything can be
 * sent, and not ourselves. */
#include "config/policy/room.h"
#include "config/schema/cross_check.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* the host of "198.18.0.1:5061", "[2001:db8::1]:5061" or "198.18.0.1/24", without brackets */
static void host_of(const char *text, char out[INET6_ADDRSTRLEN])
{
	bool v6 = *text == '[';
	size_t n;

	text += v6;
	n = v6 ? strcspn(text, "]") : strchr(text, '/') ? strcspn(text, "/") : strcspn(text, ":");
	snprintf(out, INET6_ADDRSTRLEN, "%.*s", (int)(n < INET6_ADDRSTRLEN ? n : 0), text);
}

/* ---- our own ---- */

struct of_port {
	struct cross *c;
	char host[INET6_ADDRSTRLEN];
	const char *side; /* that is wanted */
	char other[64];	  /* a port of the other side has it */
	unsigned ports;	  /* of that side */
	bool found;
};

static bool look_at_port(void *arg, const char *key, const char *body, size_t len)
{
	struct of_port *p = arg;
	const char *side;
	bool wanted;

	if (schema_object_load(&p->c->other, schema_noun_named("port"), key, body, len))
		return true;
	side = schema_object_find(&p->c->other, "side");
	wanted = side && strcmp(side, p->side) == 0;
	p->ports += wanted;
	for (unsigned i = 0; i < p->c->other.n; i++) {
		char host[INET6_ADDRSTRLEN];

		if (strcmp(p->c->other.noun->fields[p->c->other.item[i].field].name, "address"))
			continue;
		host_of(schema_object_value(&p->c->other, &p->c->other.item[i]), host);
		if (strcmp(host, p->host) == 0 && wanted)
			p->found = true;
		else if (strcmp(host, p->host) == 0)
			snprintf(p->other, sizeof(p->other), "%.60s", key);
	}
	return !p->found;
}

static void check_port_of(struct cross *c, const struct schema_object *o, const char *name, const char *value)
{
	struct of_port p = {.c = c, .side = strncmp(name, "in", 2) == 0 ? "internal" : "external"};

	host_of(value, p.host);
	if (strcmp(p.host, "0.0.0.0") == 0 || strcmp(p.host, "::") == 0)
		return;
	cross_each(c, "port", look_at_port, &p);
	if (p.found || !p.ports)
		return;
	if (*p.other)
		cross_say(c, SCHEMA_WARNING, "identity", o->key,
			  "%s %s is the address of port %s, which is not the %s side", name, value, p.other,
			  p.side);
	else
		cross_say(c, SCHEMA_WARNING, "identity", o->key,
			  "%s %s is no address of an %s port: nobody can connect there", name, value, p.side);
}

void cross_listen(struct cross *c, const struct schema_object *o)
{
	for (unsigned i = 0; i < o->n; i++) {
		const char *name = o->noun->fields[o->item[i].field].name;
		const char *value = schema_object_value(o, &o->item[i]);

		if (!strstr(name, "-listen"))
			continue;
		check_port_of(c, o, name, value);
		for (unsigned k = 0; k < i; k++) {
			const char *before = o->noun->fields[o->item[k].field].name;

			if (strstr(before, "-listen") && strcmp(before, name) &&
			    strcmp(schema_object_value(o, &o->item[k]), value) == 0)
				cross_say(c, SCHEMA_ERROR, "identity", o->key, "%s %s is its %s too", name,
					  value, before);
		}
	}
}

struct listens {
	struct cross *c;
	size_t n;
};

static bool count_listens(void *arg, const char *key, const char *body, size_t len)
{
	struct listens *l = arg;

	if (schema_object_load(&l->c->other, schema_noun_named("identity"), key, body, len))
		return true;
	for (unsigned i = 0; i < l->c->other.n; i++) {
		const struct schema_field *f = &l->c->other.noun->fields[l->c->other.item[i].field];

		l->n += strstr(f->name, "-listen") && !(f->flags & SCHEMA_KEPT);
	}
	return true;
}

void cross_count_listens(struct cross *c, const struct schema_object *o)
{
	struct listens l = {.c = c};

	cross_each(c, "identity", count_listens, &l);
	if (l.n > POLICY_LISTENERS_MAX)
		cross_say(c, SCHEMA_ERROR, "identity", o->key, "%zu listeners of all identities; at most %u",
			  l.n, POLICY_LISTENERS_MAX);
}

/* ---- where we send to ---- */

struct ourselves {
	struct cross *c;
	const char *target; /* with its port */
	char host[256];
	const char *field; /* of an identity that has it */
	char identity[64];
};

static bool look_at_identity(void *arg, const char *key, const char *body, size_t len)
{
	struct ourselves *s = arg;

	if (schema_object_load(&s->c->other, schema_noun_named("identity"), key, body, len))
		return true;
	for (unsigned i = 0; i < s->c->other.n && !s->field; i++) {
		const char *name = s->c->other.noun->fields[s->c->other.item[i].field].name;
		const char *value = schema_object_value(&s->c->other, &s->c->other.item[i]);

		if ((strcmp(name, "public-fqdn") == 0 && strcmp(value, s->host) == 0) ||
		    (strstr(name, "-listen") && strcmp(value, s->target) == 0)) {
			s->field = name;
			snprintf(s->identity, sizeof(s->identity), "%.60s", key);
		}
	}
	return !s->field;
}

/* why nothing can be sent to this address; NULL: something can */
static const char *nowhere(const char *target)
{
	char host[INET6_ADDRSTRLEN];
	uint8_t a[16];

	if (!cross_is_address(target))
		return NULL;
	host_of(target, host);
	if (inet_pton(AF_INET, host, a) == 1)
		return a[0] == 0     ? "is no address of a host"
		       : a[0] == 127 ? "is this machine's loopback"
		       : a[0] >= 224 ? "is no address of a host"
				     : NULL;
	if (inet_pton(AF_INET6, host, a) != 1)
		return NULL;
	if (a[0] == 0xff)
		return "is no address of a host";
	for (unsigned i = 0; i < 15; i++)
		if (a[i])
			return NULL;
	return a[15] == 0 ? "is no address of a host" : a[15] == 1 ? "is this machine's loopback" : NULL;
}

void cross_target(struct cross *c, const struct schema_object *o, const char *what, const char *target)
{
	struct ourselves s = {.c = c, .target = target};
	const char *why = nowhere(target);

	if (why) {
		cross_say(c, SCHEMA_ERROR, o->noun->name, o->key, "%s %s %s: nothing can be sent there", what,
			  target, why);
		return;
	}
	snprintf(s.host, sizeof(s.host), "%.*s", (int)strcspn(target, ":"), target);
	cross_each(c, "identity", look_at_identity, &s);
	if (!s.field)
		return;
	/* inside, a name may well lead elsewhere than outside */
	if (strcmp(s.field, "public-fqdn") == 0 && strcmp(what, "next-hop") == 0)
		cross_say(c, SCHEMA_WARNING, o->noun->name, o->key,
			  "next-hop %s is the public-fqdn of our own identity %s: the DNS inside has to lead "
			  "elsewhere",
			  target, s.identity);
	else
		cross_say(c, SCHEMA_ERROR, o->noun->name, o->key,
			  "%s %s is the %s of our own identity %s: messages would come back to us", what,
			  target, s.field, s.identity);
}
