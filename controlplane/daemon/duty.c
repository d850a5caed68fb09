/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/daemon/duty.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* federation.md section 1.8 */

static unsigned noun_of(const char *name)
{
	return schema_noun_index(schema_noun_named(name));
}

static bool load(const struct schema_source *s, const char *noun, const char *key, struct schema_object *o)
{
	struct schema_text body = {0};
	bool ok = s->get(s->ctx, noun_of(noun), key, &body) == 1 &&
		  schema_object_load(o, schema_noun_named(noun), key, body.p ? body.p : "", body.n) == 0;

	schema_text_fini(&body);
	return ok;
}

struct first {
	char key[SCHEMA_KEY_MAX];
};

static bool take_first(void *arg, const char *key, const char *body, size_t len)
{
	snprintf(((struct first *)arg)->key, SCHEMA_KEY_MAX, "%s", key);
	return false;
}

/* the face of a SIP domain, loaded into `o` */
static bool face(const struct schema_source *s, const struct schema_object *domain, struct schema_object *o)
{
	const char *identity = schema_object_find(domain, "identity");
	struct first f = {""};

	if (!identity) {
		s->each(s->ctx, noun_of("identity"), take_first, &f);
		identity = f.key;
	}
	return *identity && load(s, "identity", identity, o);
}

static bool xmpp_on(const struct schema_source *s)
{
	struct schema_object o = {0};
	bool on = load(s, "xmpp", "", &o) && schema_object_yes(&o, "enabled");

	schema_object_fini(&o);
	return on;
}

/* "198.18.1.2:5061" → "198.18.1.2"; the type of its record */
static const char *bare(const char *endpoint, char *out, size_t cap)
{
	if (*endpoint == '[') {
		snprintf(out, cap, "%.*s", (int)strcspn(endpoint + 1, "]"), endpoint + 1);
		return "AAAA";
	}
	snprintf(out, cap, "%.*s", (int)strcspn(endpoint, ":"), endpoint);
	return "A";
}

/* ---- DNS ---- */

struct dns_walk {
	const struct schema_source *s;
	void (*each)(void *, const struct duty_record *);
	void *ctx;
	bool xmpp, discovery;
	struct schema_object domain, identity;
};

static bool domain_records(void *arg, const char *key, const char *body, size_t len)
{
	struct dns_walk *w = arg;
	struct duty_record r = {.type = "SRV"};
	const char *fqdn, *port = "5061";

	if (schema_object_load(&w->domain, schema_noun_named("sip-domain"), key, body, len) ||
	    !face(w->s, &w->domain, &w->identity))
		return true;
	fqdn = schema_object_find(&w->identity, "public-fqdn");
	for (unsigned i = 0; i < w->identity.n; i++)
		if (strcmp(w->identity.noun->fields[w->identity.item[i].field].name, "external-listen") ==
		    0) {
			port = strrchr(schema_object_value(&w->identity, &w->identity.item[i]), ':') + 1;
			break;
		}
	snprintf(r.name, sizeof(r.name), "_sipfederationtls._tcp.%.600s", key);
	snprintf(r.data, sizeof(r.data), "0 0 %.8s %.600s", port, fqdn);
	snprintf(r.why, sizeof(r.why), "partners find %.100s by it; leave it out to stay closed", key);
	if (strcmp(strchr(fqdn, '.') + 1, key))
		snprintf(r.why, sizeof(r.why),
			 "partners find %.60s by it; those with Lync's same-domain rule refuse a target "
			 "outside of "
			 "%.60s",
			 key, key);
	w->each(w->ctx, &r);
	if (w->xmpp) {
		snprintf(r.name, sizeof(r.name), "_xmpp-server._tcp.%.600s", key);
		snprintf(r.data, sizeof(r.data), "0 0 5269 xmpp.%.600s", key);
		snprintf(r.why, sizeof(r.why), "XMPP servers find %.100s by it", key);
		w->each(w->ctx, &r);
	}
	return true;
}

static bool identity_records(void *arg, const char *key, const char *body, size_t len)
{
	struct dns_walk *w = arg;

	if (schema_object_load(&w->identity, schema_noun_named("identity"), key, body, len))
		return true;
	for (unsigned i = 0; i < w->identity.n; i++) {
		struct duty_record r = {0};

		if (strcmp(w->identity.noun->fields[w->identity.item[i].field].name, "external-listen"))
			continue;
		snprintf(r.name, sizeof(r.name), "%s", schema_object_find(&w->identity, "public-fqdn"));
		r.type =
			bare(schema_object_value(&w->identity, &w->identity.item[i]), r.data, sizeof(r.data));
		snprintf(
			r.why, sizeof(r.why),
			"public name of identity %.60s (write the address outside of a NAT, if there is one)",
			key);
		w->each(w->ctx, &r);
	}
	return true;
}

int duty_dns(const struct schema_source *s, void (*each)(void *, const struct duty_record *), void *ctx)
{
	struct dns_walk w = {.s = s, .each = each, .ctx = ctx, .xmpp = xmpp_on(s)};
	int r = s->each(s->ctx, noun_of("sip-domain"), domain_records, &w);

	r = r ? r : s->each(s->ctx, noun_of("identity"), identity_records, &w);
	schema_object_fini(&w.domain);
	schema_object_fini(&w.identity);
	return r;
}

/* ---- ports ---- */

struct port_walk {
	void (*each)(void *, const struct duty_port *);
	void *ctx;
	struct schema_object o;
};

static void port(struct port_walk *w, const char *side, const char *way, const char *proto, const char *local,
		 const char *remote, const char *why)
{
	struct duty_port p = {.side = side, .way = way};

	snprintf(p.proto, sizeof(p.proto), "%s", proto);
	snprintf(p.local, sizeof(p.local), "%s", local);
	snprintf(p.remote, sizeof(p.remote), "%s", remote);
	snprintf(p.why, sizeof(p.why), "%s", why);
	w->each(w->ctx, &p);
}

static void insecure_port(struct port_walk *w, const char *listen)
{
	static const char why[] = "SIP WITHOUT TLS from our own servers (INSECURE), known by their address";
	int field = schema_field_named(w->o.noun, "insecure-allow-from");

	for (unsigned i = 0; i < w->o.n; i++)
		if (w->o.item[i].field == (unsigned)field)
			port(w, "internal", "in", "TCP", listen, schema_object_value(&w->o, &w->o.item[i]),
			     why);
	port(w, "internal", "in", "TCP", listen, "insecure next hops of its SIP domains", why);
}

static bool identity_ports(void *arg, const char *key, const char *body, size_t len)
{
	struct port_walk *w = arg;

	if (schema_object_load(&w->o, schema_noun_named("identity"), key, body, len))
		return true;
	for (unsigned i = 0; i < w->o.n; i++) {
		const char *name = w->o.noun->fields[w->o.item[i].field].name;
		const char *v = schema_object_value(&w->o, &w->o.item[i]);

		if (strcmp(name, "external-listen") == 0)
			port(w, "external", "in", "TCP", v, "any", "SIP over mutual TLS from partners");
		else if (strcmp(name, "xmpp-listen") == 0)
			port(w, "external", "in", "TCP", v, "any", "XMPP from partners");
		else if (strcmp(name, "internal-listen") == 0)
			port(w, "internal", "in", "TCP", v, "internal servers",
			     "SIP over mutual TLS from our own servers");
		else if (strcmp(name, "insecure-listen") == 0)
			insecure_port(w, v);
	}
	return true;
}

static bool next_hop_ports(void *arg, const char *key, const char *body, size_t len)
{
	struct port_walk *w = arg;

	if (schema_object_load(&w->o, schema_noun_named("sip-domain"), key, body, len))
		return true;
	for (unsigned i = 0; i < w->o.n; i++)
		if (strcmp(w->o.noun->fields[w->o.item[i].field].name, "next-hop") == 0)
			port(w, "internal", "out", "TCP", "any", schema_object_value(&w->o, &w->o.item[i]),
			     schema_object_find(&w->o, "insecure")
				     ? "SIP WITHOUT TLS to our own servers (INSECURE)"
				     : "SIP over mutual TLS to our own servers");
	return true;
}

static bool route_ports(void *arg, const char *key, const char *body, size_t len)
{
	struct port_walk *w = arg;
	const char *to;

	if (schema_object_load(&w->o, schema_noun_named("route"), key, body, len))
		return true;
	to = schema_object_key2(&w->o, NULL);
	if (strcmp(strrchr(to, ':'), ":5061"))
		port(w, "external", "out", "TCP", "any", to, "static route");
	return true;
}

static bool observe_ports(void *arg, const char *key, const char *body, size_t len)
{
	struct port_walk *w = arg;

	if (schema_object_load(&w->o, schema_noun_named("observe"), key, body, len))
		return true;
	for (unsigned i = 0; i < w->o.n; i++)
		if (strcmp(w->o.noun->fields[w->o.item[i].field].name, "metrics-listen") == 0)
			port(w, "management", "in", "TCP", schema_object_value(&w->o, &w->o.item[i]),
			     "monitoring alone", "metrics and status page, without a password");
	return true;
}

int duty_firewall(const struct schema_source *s, void (*each)(void *, const struct duty_port *), void *ctx)
{
	struct port_walk w = {.each = each, .ctx = ctx};
	int r = s->each(s->ctx, noun_of("identity"), identity_ports, &w);

	port(&w, "external", "out", "TCP", "any", "any:5061", "SIP over mutual TLS to partners");
	if (xmpp_on(s))
		port(&w, "external", "out", "TCP", "any", "any:5269", "XMPP to partners");
	r = r ? r : s->each(s->ctx, noun_of("route"), route_ports, &w);
	r = r ? r : s->each(s->ctx, noun_of("sip-domain"), next_hop_ports, &w);
	r = r ? r : s->each(s->ctx, noun_of("observe"), observe_ports, &w);
	port(&w, "management", "out", "UDP+TCP", "any", "any:53", "DNS, from the host's own address");
	port(&w, "management", "out", "TCP", "any", "any:80",
	     "for whoever fetches revocation lists and OCSP responses");
	schema_object_fini(&w.o);
	return r;
}

/* ---- certificates ---- */

struct cert_walk {
	const struct schema_source *s;
	void (*each)(void *, const struct duty_certificate *);
	void *ctx;
	struct schema_object identity, domain, face;
	struct duty_certificate c;
	bool xmpp;
};

static bool add_domain(void *arg, const char *key, const char *body, size_t len)
{
	struct cert_walk *w = arg;

	if (schema_object_load(&w->domain, schema_noun_named("sip-domain"), key, body, len) ||
	    !face(w->s, &w->domain, &w->face) || strcmp(w->face.key, w->identity.key))
		return true;
	if (strcmp(strchr(w->c.subject, '.') ? strchr(w->c.subject, '.') + 1 : "", key))
		schema_text_printf(&w->c.san, " sip.%s", key);
	/* RFC 5922 section 7.1: the domain itself */
	schema_text_printf(&w->c.san, " %s", key);
	if (w->xmpp)
		schema_text_printf(&w->c.san, " xmpp.%s *.%s", key, key);
	return true;
}

static bool identity_certificates(void *arg, const char *key, const char *body, size_t len)
{
	static const struct {
		const char *field, *slot, *eku;
	} slots[] = {
		{"server-certificate", "server", "serverAuth"},
		{"client-certificate", "client",
		 "clientAuth (partners that ask strictly), serverAuth is enough for the others"},
		{"internal-certificate", "internal",
		 "serverAuth; a private CA and a name that our own servers know are fine"},
	};
	struct cert_walk *w = arg;

	if (schema_object_load(&w->identity, schema_noun_named("identity"), key, body, len))
		return true;
	for (unsigned i = 0; i < 3; i++) {
		int field = schema_field_named(w->identity.noun, slots[i].field);
		bool any = false;

		snprintf(w->c.identity, sizeof(w->c.identity), "%s", key);
		w->c.slot = slots[i].slot;
		w->c.eku = slots[i].eku;
		snprintf(w->c.subject, sizeof(w->c.subject), "%s",
			 schema_object_find(&w->identity, "public-fqdn"));
		schema_text_reset(&w->c.san);
		/* our own servers are told the name that they shall see: whatever it is */
		w->c.private_name = i == 2;
		schema_text_puts(&w->c.san, w->c.subject);
		if (i < 2)
			w->s->each(w->s->ctx, noun_of("sip-domain"), add_domain, w);
		for (unsigned k = 0; k < w->identity.n; k++) {
			if (w->identity.item[k].field != (unsigned)field)
				continue;
			snprintf(w->c.name, sizeof(w->c.name), "%s",
				 schema_object_value(&w->identity, &w->identity.item[k]));
			w->each(w->ctx, &w->c);
			any = true;
		}
		/* where none is named the server's is used */
		if (!any && !i) {
			snprintf(w->c.name, sizeof(w->c.name), "(missing)");
			w->each(w->ctx, &w->c);
		}
	}
	return true;
}

int duty_certificates(const struct schema_source *s, void (*each)(void *, const struct duty_certificate *),
		      void *ctx)
{
	struct cert_walk w = {.s = s, .each = each, .ctx = ctx, .xmpp = xmpp_on(s)};
	int r = s->each(s->ctx, noun_of("identity"), identity_certificates, &w);

	schema_object_fini(&w.identity);
	schema_object_fini(&w.domain);
	schema_object_fini(&w.face);
	schema_text_fini(&w.c.san);
	return r;
}
