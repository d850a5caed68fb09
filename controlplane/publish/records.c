/* SPDX-License-Identifier: BSD-3-Clause */
/* Each noun of the schema into its record. */
#include "controlplane/publish/records_make.h"
#include "config/policy/tls_shipped.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool make_site(void *arg, const char *key, const char *body, size_t len)
{
	struct maker *m = arg;
	struct policy_site s = {.id = records_id(m->ids, RECORDS_SITE, key)};
	char scope[SCHEMA_KEY_MAX + 8];

	snprintf(scope, sizeof(scope), "site/%.600s", key);
	s.rights = record_rights_of(m->source, scope);
	record_begin(&m->t, sizeof(s));
	s.name = record_string(&m->t, key);
	m->r = record_end(&m->t, &s, sizeof(s), &m->table[POLICY_SMALL_SITES]);
	return m->r == 0;
}

static bool first_key(void *arg, const char *key, const char *body, size_t len)
{
	snprintf(arg, SCHEMA_KEY_MAX, "%s", key);
	return false;
}

static bool make_own_domain(void *arg, const char *key, const char *body, size_t len)
{
	struct maker *m = arg;
	struct policy_own_domain d = {0};
	char scope[SCHEMA_KEY_MAX + 8], only[SCHEMA_KEY_MAX] = "";
	const char *identity, *federated, *discovery;
	struct hops *h = calloc(1, sizeof(*h));
	int field;

	if (!h || !record_load(m, "sip-domain", key, body, len)) {
		m->r = h ? m->r : -ENOMEM;
		free(h);
		return false;
	}
	identity = schema_object_find(&m->o, "identity");
	if (!identity) {
		m->source->each(m->source->ctx, schema_noun_index(schema_noun_named("identity")), first_key,
				only);
		identity = *only ? only : NULL;
	}
	d.identity = records_id(m->ids, RECORDS_IDENTITY, identity);
	d.shared_provider =
		records_id(m->ids, RECORDS_PROVIDER, schema_object_find(&m->o, "shared-address-space"));
	federated = record_said(&m->o, "allow-federated-users");
	if (federated && strcmp(federated, "no") == 0)
		d.flags |= POLICY_OWN_NO_FEDERATION;
	discovery = record_said(&m->o, "partner-discovery");
	if (discovery)
		d.flags |= strcmp(discovery, "no") == 0 ? POLICY_OWN_NO_DISCOVERY : POLICY_OWN_DISCOVERY;
	snprintf(scope, sizeof(scope), "domain/%.600s", key);
	d.rights = record_rights_of(m->source, scope);
	field = schema_field_named(m->o.noun, "next-hop");
	for (unsigned i = 0; i < m->o.n && h->n < POLICY_ROUTE_HOPS; i++)
		if (m->o.item[i].field == (unsigned)field) {
			struct policy_hop *p = &h->hop[h->n];

			p->priority = (uint16_t)(h->n + 1);
			p->weight = 1;
			p->flags = (uint16_t)(POLICY_HOP_IN_SERVICE |
					      (record_said(&m->o, "insecure") ? POLICY_HOP_INSECURE : 0));
			record_hop_target(schema_object_value(&m->o, &m->o.item[i]), p, h->host[h->n]);
			h->n++;
		}
	if (h->n) {
		char id_name[SCHEMA_KEY_MAX + 8];

		m->r = record_route_set(m, NULL, key, h);
		snprintf(id_name, sizeof(id_name), "inside %.600s", key);
		d.inside_route = records_id(m->ids, RECORDS_ROUTE, id_name);
	}
	free(h);
	record_begin(&m->t, sizeof(d));
	d.name = record_string(&m->t, key);
	m->r = m->r ? m->r : record_end(&m->t, &d, sizeof(d), &m->table[POLICY_SMALL_OWN_DOMAINS]);
	return m->r == 0;
}

static bool make_provider(void *arg, const char *key, const char *body, size_t len)
{
	struct maker *m = arg;
	struct policy_provider p = {.id = records_id(m->ids, RECORDS_PROVIDER, key)};
	bool public, enabled;

	if (!record_load(m, "provider", key, body, len))
		return false;
	public = strcmp(schema_object_find(&m->o, "type"), "public") == 0;
	enabled = schema_object_yes(&m->o, "enabled");
	p.kind = public ? POLICY_PROVIDER_PUBLIC : POLICY_PROVIDER_HOSTING;
	p.flags = (uint8_t)((enabled ? POLICY_PROVIDER_ENABLED : 0) |
			    (schema_object_yes(&m->o, "shared-address-space") ? POLICY_PROVIDER_SHARED : 0) |
			    (schema_object_yes(&m->o, "hosts-ocs-users") ? POLICY_PROVIDER_HOSTS_OCS : 0) |
			    (schema_object_yes(&m->o, "local") ? POLICY_PROVIDER_LOCAL : 0));
	p.verification = record_verification(schema_object_find(&m->o, "verification"));
	p.eku = record_eku(record_said(&m->o, "eku"));
	p.services = record_services(&m->o, "service");
	p.limit_class = (uint8_t)records_id(m->ids, RECORDS_LIMIT, record_said(&m->o, "limits"));
	p.tls_profile = (uint8_t)records_id(m->ids, RECORDS_TLS, record_said(&m->o, "tls-profile"));
	if (enabled)
		m->box_flags |= public ? POLICY_BOX_PUBLIC_PROVIDER : POLICY_BOX_HOSTING_PROVIDER;
	if (enabled && (p.flags & POLICY_PROVIDER_SHARED) && !m->shared_provider)
		m->shared_provider = p.id;
	record_begin(&m->t, sizeof(p));
	p.fqdn = record_string(&m->t, schema_object_find(&m->o, "proxy-fqdn"));
	p.name = record_string(&m->t, key);
	m->r = record_end(&m->t, &p, sizeof(p), &m->table[POLICY_SMALL_PROVIDERS]);
	return m->r == 0;
}

static bool make_limits(void *arg, const char *key, const char *body, size_t len)
{
	struct maker *m = arg;
	struct policy_limit_class c = {.id = records_id(m->ids, RECORDS_LIMIT, key)};

	if (!record_load(m, "limit-class", key, body, len))
		return false;
	c.rate = (uint32_t)schema_object_number(&m->o, "rate");
	c.burst = (uint32_t)schema_object_number(&m->o, "burst");
	c.suspicious_rate = (uint32_t)schema_object_number(&m->o, "suspicious-rate");
	c.window_s = (uint32_t)schema_object_number(&m->o, "suspicious-window");
	c.min_finals = (uint32_t)schema_object_number(&m->o, "suspicious-finals");
	c.enter_percent = (uint32_t)schema_object_number(&m->o, "suspicious-percent");
	c.leave_percent = (uint32_t)schema_object_number(&m->o, "calm-percent");
	c.leave_s = (uint32_t)schema_object_number(&m->o, "calm-window");
	c.uri_max = schema_object_yes(&m->o, "contacts-limit")
			    ? (uint32_t)schema_object_number(&m->o, "contacts")
			    : 0;
	c.uri_warn = c.uri_max
			     ? 100
			     : 0; /* federation.md section 1.5: from here on counts are kept over restarts */
	c.uri_reset_s = (uint32_t)schema_object_number(&m->o, "contacts-expire");
	c.pause_ms = (uint32_t)schema_object_number(&m->o, "pause") * 1000;
	c.retry_after_s = (uint32_t)schema_object_number(&m->o, "retry-after");
	record_begin(&m->t, sizeof(c));
	c.name = record_string(&m->t, key);
	m->r = record_end(&m->t, &c, sizeof(c), &m->table[POLICY_SMALL_LIMITS]);
	return m->r == 0;
}

/* DefaultRouteFqdn is a provider of its own kind */
static int default_route(struct maker *m, uint32_t *id)
{
	const char *target = schema_object_find(&m->federation, "default-route");
	struct policy_provider p = {.kind = POLICY_PROVIDER_DEFAULT_ROUTE, .services = POLICY_SERVICE_ALL};
	struct policy_hop h = {0};
	char host[SCHEMA_KEY_MAX];

	if (!target)
		return 0;
	record_hop_target(target, &h, host);
	*id = p.id = records_id(m->ids, RECORDS_PROVIDER, "default route");
	p.flags =
		(uint8_t)(POLICY_PROVIDER_ENABLED | (schema_object_yes(&m->federation, "default-route-public")
							     ? POLICY_PROVIDER_IS_PUBLIC
							     : 0));
	p.verification =
		record_verification(schema_object_find(&m->federation, "default-route-verification"));
	p.port = h.port;
	record_begin(&m->t, sizeof(p));
	p.fqdn = record_string(&m->t, host);
	p.name = record_string(&m->t, "default route");
	return record_end(&m->t, &p, sizeof(p), &m->table[POLICY_SMALL_PROVIDERS]);
}

static int load_federation(struct maker *m)
{
	const struct schema_noun *noun = schema_noun_named("federation");
	struct schema_text body = {0};
	int r = m->source->get(m->source->ctx, schema_noun_index(noun), "", &body);

	if (r == 1 && body.n)
		r = schema_object_load(&m->federation, noun, "", body.p, body.n);
	else
		schema_object_reset(&m->federation, noun, "");
	schema_text_fini(&body);
	return r < 0 ? r : 0;
}

static uint8_t profile_id(struct maker *m, const char *field)
{
	const char *name = schema_object_find(&m->federation, field);

	return (uint8_t)records_id(m->ids, RECORDS_TLS, name ? name : POLICY_TLS_MODERN);
}

static int make_box(struct maker *m)
{
	const struct schema_object *f = &m->federation;
	struct policy_box b = {.flags = m->box_flags};
	int r = 0;

	b.flags |= schema_object_yes(f, "allow-federated-users") ? POLICY_BOX_FEDERATION : 0;
	b.flags |= schema_object_yes(f, "partner-discovery") ? POLICY_BOX_DISCOVERY : 0;
	b.flags |= schema_object_yes(f, "clearing-house") ? POLICY_BOX_CLEARING_HOUSE : 0;
	b.flags |= schema_object_yes(f, "mark-source-verifiable") ? POLICY_BOX_MARK_OUTGOING : 0;
	b.flags |= schema_object_yes(f, "reject-unmarked") ? POLICY_BOX_REJECT_UNMARKED : 0;
	b.flags |= schema_object_yes(f, "diagnostics-to-partners") ? POLICY_BOX_DIAGNOSTICS_OUT : 0;
	b.flags |= schema_object_yes(f, "hold-to-contact") ? 0 : POLICY_BOX_ANY_CONTACT;
	b.flags |= schema_object_yes(f, "archiving-disclaimer") ? POLICY_BOX_ARCHIVING : 0;
	if (strcmp(schema_object_find(f, "routing"), "default-route") == 0) {
		b.flags |= POLICY_BOX_DEFAULT_ROUTING;
		r = default_route(m, &b.default_route);
	}
	b.allowed_verification = POLICY_VERIFY_SOURCE;
	b.discovered_verification = record_verification(schema_object_find(f, "discovered-verification"));
	b.identity_check = record_identity_check(schema_object_find(f, "identity-check"));
	b.eku = record_eku(schema_object_find(f, "eku"));
	b.discovered_limit_class =
		(uint8_t)records_id(m->ids, RECORDS_LIMIT, schema_object_find(f, "discovered-limits"));
	b.discovered_services = record_services(f, "discovered-service");
	/* discovered partners are limited also where nobody said how; the blank keeps the name from being
	 * anybody's */
	if (!b.discovered_limit_class) {
		if (!make_limits(m, "discovered partners", "", 0))
			return m->r;
		b.discovered_limit_class = (uint8_t)records_id(m->ids, RECORDS_LIMIT, "discovered partners");
	}
	b.rights = record_rights_of(m->source, "global");
	b.shared_provider = m->shared_provider;
	b.external_tls_profile = profile_id(m, "tls-profile");
	b.internal_tls_profile = profile_id(m, "internal-tls-profile");
	b.connections_per_partner = (uint8_t)schema_object_number(f, "connections-per-partner");
	b.refused_warn = (uint32_t)schema_object_number(f, "refused-alarm-warn");
	b.refused_error = (uint32_t)schema_object_number(f, "refused-alarm-error");
	record_begin(&m->t, sizeof(b));
	return r ? r : record_end(&m->t, &b, sizeof(b), &m->table[POLICY_SMALL_BOX]);
}

static int make_inner(struct maker *m, const char *name, uint32_t server)
{
	struct policy_inner i = {.id = records_id(m->ids, RECORDS_INNER, name), .server = server};

	if (!server)
		i.server = i.id;
	record_begin(&m->t, sizeof(i));
	i.name = record_string(&m->t, name);
	return record_end(&m->t, &i, sizeof(i), &m->table[POLICY_SMALL_INNER]);
}

static bool make_inner_server(void *arg, const char *key, const char *body, size_t len)
{
	struct maker *m = arg;
	uint32_t server = records_id(m->ids, RECORDS_INNER, key);

	if (!record_load(m, "internal-server", key, body, len))
		return false;
	m->r = make_inner(m, key, 0);
	for (unsigned i = 0; i < m->o.n && !m->r; i++)
		if (strcmp(m->o.noun->fields[m->o.item[i].field].name, "certificate-name") == 0 &&
		    strcmp(schema_object_value(&m->o, &m->o.item[i]), key))
			m->r = make_inner(m, schema_object_value(&m->o, &m->o.item[i]), server);
	return m->r == 0;
}

int records_small(const struct schema_source *source, const struct records_secrets *secrets,
		  struct records_ids *ids, struct records_table table[POLICY_SMALLS])
{
	static const struct {
		const char *noun;
		schema_each_fn make;
	} makers[] = {
		{"limit-class", make_limits},
		{"tls-profile", record_tls_profile},
		{"site", make_site},
		{"identity", record_identity},
		{"internal-server", make_inner_server},
		{"provider", make_provider},
		{"route", record_collect_route},
		{"sip-domain", make_own_domain},
	};
	struct maker m = {.source = source, .secrets = secrets, .ids = ids, .table = table};
	int r = load_federation(&m);

	for (unsigned i = 0; i < sizeof(makers) / sizeof(makers[0]) && !r; i++) {
		r = source->each(source->ctx, schema_noun_index(schema_noun_named(makers[i].noun)),
				 makers[i].make, &m);
		r = r ? r : m.r;
	}
	r = r ? r : record_routes(&m);
	r = r ? r : record_tls_shipped(&m);
	r = r ? r : record_secrets(&m);
	r = r ? r : make_box(&m);
	schema_map_fini(&m.routes);
	schema_object_fini(&m.o);
	schema_object_fini(&m.federation);
	schema_text_fini(&m.t);
	return r;
}
