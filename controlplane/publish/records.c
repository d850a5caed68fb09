/* SPDX-License-Identifier: BSD-3-Clause */
/* Each noun of the schema into its record. Longer than other files: the nouns name each other by id, and the
 * ids are given out here alone; to be cut by noun once that map is a file of its own. */
#include "controlplane/publish/records.h"
#include "config/schema/schema_value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers ---- */

uint32_t records_id(struct records_ids *ids, enum records_kind kind, const char *name)
{
	const struct schema_entry *e;
	char text[16];

	if (!name)
		return 0;
	e = schema_map_get(&ids->map[kind], 0, name);
	if (e)
		return (uint32_t)strtoul(e->body, NULL, 10);
	if ((kind == RECORDS_LIMIT || kind == RECORDS_TLS) && ids->last[kind] >= 255)
		return 0;
	snprintf(text, sizeof(text), "%u", ids->last[kind] + 1);
	if (schema_map_put(&ids->map[kind], 0, name, text, strlen(text), 0))
		return 0;
	return ++ids->last[kind];
}

void records_id_known(struct records_ids *ids, enum records_kind kind, const char *name, size_t len,
		      uint32_t id)
{
	char text[16], key[SCHEMA_KEY_MAX];

	snprintf(text, sizeof(text), "%u", id);
	snprintf(key, sizeof(key), "%.*s", (int)len, name);
	schema_map_put(&ids->map[kind], 0, key, text, strlen(text), 0);
	if (id > ids->last[kind])
		ids->last[kind] = id;
}

void records_ids_fini(struct records_ids *ids)
{
	for (unsigned i = 0; i < RECORDS_KINDS; i++)
		schema_map_fini(&ids->map[i]);
}

/* ---- records: a struct, then its strings ---- */

static void begin(struct schema_text *t, size_t bytes)
{
	static const char zero[256];

	schema_text_reset(t);
	schema_text_add(t, zero, bytes);
}

static struct policy_str string(struct schema_text *t, const char *s)
{
	struct policy_str r = {(uint16_t)t->n, (uint16_t)(s ? strlen(s) : 0)};

	if (!r.len)
		return (struct policy_str){0, 0};
	schema_text_add(t, s, r.len);
	return r;
}

static void align4(struct schema_text *t)
{
	schema_text_add(t, "\0\0\0", (4 - t->n % 4) % 4);
}

/* seals the record (its size stands first) and keeps a copy */
static int seal(struct schema_text *t, struct records_table *table)
{
	uint32_t size;
	void *copy;

	align4(t);
	size = (uint32_t)t->n;
	memcpy(t->p, &size, sizeof(size));
	if (table->n == table->cap) {
		unsigned cap = table->cap ? table->cap * 2 : 16;
		void **p = realloc(table->record, cap * sizeof(*p));

		if (!p)
			return -ENOMEM;
		table->record = p;
		table->cap = cap;
	}
	copy = malloc(t->n);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, t->p, t->n);
	table->record[table->n++] = copy;
	return 0;
}

void records_table_fini(struct records_table *t)
{
	for (unsigned i = 0; i < t->n; i++)
		free(t->record[i]);
	free(t->record);
	memset(t, 0, sizeof(*t));
}

/* ---- words ---- */

static uint8_t verification(const char *v)
{
	return !v			  ? POLICY_VERIFY_DEFAULT
	       : strcmp(v, "always") == 0 ? POLICY_VERIFY_ALWAYS
	       : strcmp(v, "never") == 0  ? POLICY_VERIFY_NEVER
					  : POLICY_VERIFY_SOURCE;
}

static uint8_t identity_check(const char *v)
{
	int i = v ? schema_choice_index("lync|rfc5922|either|dnssec|pinned", v, strlen(v)) : -1;

	return (uint8_t)(i < 0 ? POLICY_IDENTITY_DEFAULT : POLICY_IDENTITY_LYNC + i);
}

static uint8_t eku(const char *v)
{
	int i = v ? schema_choice_index("strict|accept-serverauth|any", v, strlen(v)) : -1;

	return (uint8_t)(i < 0 ? POLICY_EKU_DEFAULT : POLICY_EKU_STRICT + i);
}

static uint8_t services(const struct schema_object *o, const char *field)
{
	int index = schema_field_named(o->noun, field);
	uint8_t bits = 0;

	for (unsigned i = 0; i < o->n; i++)
		if (o->item[i].field == (unsigned)index) {
			const char *v = schema_object_value(o, &o->item[i]);

			bits |= (uint8_t)(1u << schema_choice_index("im|presence|calls|xmpp", v, strlen(v)));
		}
	return bits ? bits : POLICY_SERVICE_ALL;
}

/* NULL when the operator said nothing: the box's own default decides then */
static const char *said(const struct schema_object *o, const char *field)
{
	return schema_object_get(o, (unsigned)schema_field_named(o->noun, field));
}

struct policy_rights records_rights(const struct schema_object *o)
{
	static const struct {
		const char *field;
		uint8_t bit;
	} bits[] = {{"federation", POLICY_RIGHT_FEDERATION},
		    {"public", POLICY_RIGHT_PUBLIC},
		    {"xmpp", POLICY_RIGHT_XMPP},
		    {"outside", POLICY_RIGHT_OUTSIDE}};
	struct policy_rights r = {0};

	for (unsigned i = 0; i < 4; i++) {
		const char *v = said(o, bits[i].field);

		if (!v)
			continue;
		r.stated |= bits[i].bit;
		if (strcmp(v, "yes") == 0)
			r.granted |= bits[i].bit;
	}
	return r;
}

static struct policy_rights rights_of(const struct schema_source *s, const char *scope)
{
	const struct schema_noun *noun = schema_noun_named("access");
	struct schema_text body = {0};
	struct schema_object o = {0};
	struct policy_rights r = {0};

	if (s->get(s->ctx, schema_noun_index(noun), scope, &body) == 1 &&
	    schema_object_load(&o, noun, scope, body.p ? body.p : "", body.n) == 0)
		r = records_rights(&o);
	schema_object_fini(&o);
	schema_text_fini(&body);
	return r;
}

/* ---- partners ---- */

struct policy_name records_name(const char *key, bool *subtree)
{
	*subtree = strncmp(key, "*.", 2) == 0;
	return policy_name_of(*subtree ? key + 2 : key);
}

static void hex_bytes(const char *hex, uint8_t out[POLICY_SPKI_LEN])
{
	for (unsigned i = 0; i < POLICY_SPKI_LEN; i++) {
		unsigned b = 0;

		sscanf(hex + 2 * i, "%2x", &b);
		out[i] = (uint8_t)b;
	}
}

static void partner_record(const struct schema_object *o, struct schema_text *t)
{
	struct policy_partner p = {0};
	int name_field = schema_field_named(o->noun, "peer-name"),
	    pin_field = schema_field_named(o->noun, "spki");
	const char *proxy = schema_object_find(o, "proxy-fqdn"), *via = schema_object_find(o, "via-domain");
	struct policy_str *names;
	unsigned n = 0;

	for (unsigned i = 0; i < o->n; i++) {
		p.peer_names += o->item[i].field == (unsigned)name_field;
		p.pins += o->item[i].field == (unsigned)pin_field;
	}
	schema_text_reset(t);
	if (!proxy && !via && !p.peer_names && !p.pins)
		return;
	begin(t, sizeof(p));
	p.pin_at = (uint16_t)t->n;
	for (unsigned i = 0; i < o->n; i++)
		if (o->item[i].field == (unsigned)pin_field) {
			uint8_t pin[POLICY_SPKI_LEN];

			hex_bytes(schema_object_value(o, &o->item[i]) + strlen("sha256:"), pin);
			schema_text_add(t, (const char *)pin, sizeof(pin));
		}
	p.peer_name_at = (uint16_t)t->n;
	names = calloc((size_t)p.peer_names + 1, sizeof(*names));
	if (!names) {
		schema_text_reset(t);
		return;
	}
	schema_text_add(t, (const char *)names, p.peer_names * sizeof(*names));
	for (unsigned i = 0; i < o->n; i++)
		if (o->item[i].field == (unsigned)name_field)
			names[n++] = string(t, schema_object_value(o, &o->item[i]));
	p.proxy_fqdn = string(t, proxy);
	p.via_domain = string(t, via);
	align4(t);
	p.size = (uint32_t)t->n;
	memcpy(t->p, &p, sizeof(p));
	memcpy(t->p + p.peer_name_at, names, p.peer_names * sizeof(*names));
	free(names);
}

int records_domain(const struct schema_object *o, struct records_ids *ids, struct policy_domain *d,
		   struct schema_text *partner, const char **comment)
{
	const char *action = schema_object_find(o, "action");
	bool subtree;

	memset(d, 0, sizeof(*d));
	schema_text_reset(partner);
	*comment = schema_object_find(o, "comment");
	records_name(o->key, &subtree);
	if (!action)
		return -EINVAL;
	d->flags = (uint8_t)((subtree ? POLICY_DOMAIN_SUBTREE : 0) |
			     (schema_object_yes(o, "monitor") ? POLICY_DOMAIN_MONITOR : 0));
	d->services = services(o, "service");
	if (strcmp(action, "block") == 0) {
		d->type = POLICY_DOMAIN_BLOCKED;
		return 0;
	}
	d->type = schema_object_find(o, "proxy-fqdn") ? POLICY_DOMAIN_SERVER : POLICY_DOMAIN_ALLOWED;
	d->flags |=
		(uint8_t)((said(o, "except") ? POLICY_DOMAIN_EXCEPT : 0) |
			  (schema_object_yes(o, "wildcard") ? POLICY_DOMAIN_CERT_WILDCARD : 0) |
			  (schema_object_yes(o, "trust-asserted-identity") ? POLICY_DOMAIN_TRUST_PAI : 0) |
			  (schema_object_yes(o, "reject-unmarked") ? POLICY_DOMAIN_REJECT_UNMARKED : 0));
	d->verification = verification(said(o, "verification"));
	d->identity_check = identity_check(said(o, "identity-check"));
	d->eku = eku(said(o, "eku"));
	d->limit_class = (uint8_t)records_id(ids, RECORDS_LIMIT, said(o, "limits"));
	d->tls_profile = (uint8_t)records_id(ids, RECORDS_TLS, said(o, "tls-profile"));
	partner_record(o, partner);
	return partner->n > RECORDS_PARTNER_MAX - 1 ? -EINVAL : 0;
}

/* ---- small tables ---- */

struct maker {
	const struct schema_source *source;
	struct records_ids *ids;
	struct records_table *table;
	struct schema_object o;
	struct schema_text t;
	uint32_t box_flags;
	uint32_t shared_provider;
	int r;
	/* routes of one pattern, collected while they come in order of their key */
	struct schema_map routes;
};

static bool load(struct maker *m, const char *noun, const char *key, const char *body, size_t len)
{
	if (schema_object_load(&m->o, schema_noun_named(noun), key, body, len) == 0)
		return true;
	m->r = -EINVAL;
	return false;
}

static bool make_site(void *arg, const char *key, const char *body, size_t len)
{
	struct maker *m = arg;
	struct policy_site s = {.id = records_id(m->ids, RECORDS_SITE, key)};
	char scope[SCHEMA_KEY_MAX + 8];

	snprintf(scope, sizeof(scope), "site/%.600s", key);
	s.rights = rights_of(m->source, scope);
	begin(&m->t, sizeof(s));
	s.name = string(&m->t, key);
	memcpy(m->t.p, &s, sizeof(s));
	m->r = seal(&m->t, &m->table[POLICY_SMALL_SITES]);
	return m->r == 0;
}

/* "host:port" or "[v6]:port" */
static void hop_target(const char *target, struct policy_hop *h, char host[SCHEMA_KEY_MAX])
{
	const char *colon = strrchr(target, ':');
	struct in_addr v4;

	h->port = (uint16_t)strtoul(colon + 1, NULL, 10);
	if (*target == '[')
		snprintf(host, SCHEMA_KEY_MAX, "%.*s", (int)(colon - target - 2), target + 1);
	else
		snprintf(host, SCHEMA_KEY_MAX, "%.*s", (int)(colon - target), target);
	if (inet_pton(AF_INET6, host, h->ip) == 1) {
		h->flags |= POLICY_HOP_IP;
		*host = '\0';
	} else if (inet_pton(AF_INET, host, &v4) == 1) {
		h->flags |= POLICY_HOP_IP;
		memset(h->ip, 0, 10);
		memset(h->ip + 10, 0xff, 2);
		memcpy(h->ip + 12, &v4, 4);
		*host = '\0';
	}
}

struct hops {
	struct policy_hop hop[POLICY_ROUTE_HOPS];
	char host[POLICY_ROUTE_HOPS][SCHEMA_KEY_MAX];
	unsigned n;
};

static int hop_order(const void *a, const void *b)
{
	const struct policy_hop *x = a, *y = b;

	return x->priority < y->priority ? -1 : x->priority > y->priority;
}

static int route_set(struct maker *m, const char *pattern, const char *name, struct hops *h)
{
	struct policy_route_set s = {.hops = (uint16_t)h->n};
	char id_name[SCHEMA_KEY_MAX + 8];

	snprintf(id_name, sizeof(id_name), "%s%.600s", pattern ? "" : "inside ", pattern ? pattern : name);
	s.id = records_id(m->ids, RECORDS_ROUTE, id_name);
	begin(&m->t, sizeof(s));
	s.hop_at = (uint16_t)m->t.n;
	schema_text_add(&m->t, (const char *)h->hop, h->n * sizeof(h->hop[0]));
	for (unsigned i = 0; i < h->n; i++)
		h->hop[i].host = string(&m->t, h->host[i]);
	if (!pattern) {
		s.flags = POLICY_ROUTE_NAMED;
		s.name = string(&m->t, id_name);
	} else if (strcmp(pattern, "*") == 0) {
		s.flags = POLICY_ROUTE_ANY;
	} else if (strncmp(pattern, "*.", 2) == 0) {
		s.flags = POLICY_ROUTE_SUBTREE;
		s.pattern = string(&m->t, pattern + 2);
	} else {
		s.pattern = string(&m->t, pattern);
	}
	if (m->t.n > UINT16_MAX)
		return -E2BIG;
	memcpy(m->t.p, &s, sizeof(s));
	/* hosts were placed in the order given; the best priority stands first */
	qsort(h->hop, h->n, sizeof(h->hop[0]), hop_order);
	memcpy(m->t.p + s.hop_at, h->hop, h->n * sizeof(h->hop[0]));
	return seal(&m->t, &m->table[POLICY_SMALL_ROUTES]);
}

static bool collect_route(void *arg, const char *key, const char *body, size_t len)
{
	struct maker *m = arg;

	m->r = schema_map_put(&m->routes, 0, key, body, len, 0);
	return m->r == 0;
}

static void add_hop(struct maker *m, struct hops *h)
{
	struct policy_hop *p = &h->hop[h->n];

	memset(p, 0, sizeof(*p));
	p->priority = (uint16_t)schema_object_number(&m->o, "priority");
	p->weight = (uint16_t)schema_object_number(&m->o, "weight");
	p->flags = (uint16_t)((schema_object_yes(&m->o, "in-service") ? POLICY_HOP_IN_SERVICE : 0) |
			      (said(&m->o, "block") ? POLICY_HOP_BLOCK : 0) |
			      (schema_object_yes(&m->o, "less-specific") ? POLICY_HOP_LESS_SPECIFIC : 0) |
			      (said(&m->o, "insecure") ? POLICY_HOP_INSECURE : 0) |
			      (said(&m->o, "srv") ? POLICY_HOP_SRV : 0));
	hop_target(schema_object_key2(&m->o, NULL), p, h->host[h->n]);
	h->n++;
}

static int make_routes(struct maker *m)
{
	const struct schema_entry **e;
	struct hops *h = calloc(1, sizeof(*h));
	char pattern[SCHEMA_KEY_MAX] = "", next[SCHEMA_KEY_MAX];
	size_t n;
	int r = h ? schema_map_sorted(&m->routes, &e, &n) : -ENOMEM;

	if (r) {
		free(h);
		return r;
	}
	for (size_t i = 0; i <= n && !r; i++) {
		snprintf(next, sizeof(next), "%.*s", i < n ? (int)strcspn(e[i]->key, " ") : 0,
			 i < n ? e[i]->key : "");
		if (h->n && strcmp(next, pattern)) {
			r = route_set(m, pattern, NULL, h);
			h->n = 0;
		}
		if (i == n)
			break;
		memcpy(pattern, next, strlen(next) + 1);
		if (!load(m, "route", e[i]->key, e[i]->body, e[i]->body_len))
			r = m->r;
		else if (h->n == POLICY_ROUTE_HOPS)
			r = -E2BIG;
		else
			add_hop(m, h);
	}
	free(e);
	free(h);
	return r;
}

static bool make_identity(void *arg, const char *key, const char *body, size_t len)
{
	struct maker *m = arg;
	struct policy_identity i = {.id = records_id(m->ids, RECORDS_IDENTITY, key)};

	if (!load(m, "identity", key, body, len))
		return false;
	begin(&m->t, sizeof(i));
	i.public_fqdn = string(&m->t, schema_object_find(&m->o, "public-fqdn"));
	i.name = string(&m->t, key);
	memcpy(m->t.p, &i, sizeof(i));
	m->r = seal(&m->t, &m->table[POLICY_SMALL_IDENTITIES]);
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
	const char *identity, *federated;
	struct hops *h = calloc(1, sizeof(*h));
	int field;

	if (!h || !load(m, "sip-domain", key, body, len)) {
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
	federated = said(&m->o, "allow-federated-users");
	if (federated && strcmp(federated, "no") == 0)
		d.flags |= POLICY_OWN_NO_FEDERATION;
	snprintf(scope, sizeof(scope), "domain/%.600s", key);
	d.rights = rights_of(m->source, scope);
	field = schema_field_named(m->o.noun, "next-hop");
	for (unsigned i = 0; i < m->o.n && h->n < POLICY_ROUTE_HOPS; i++)
		if (m->o.item[i].field == (unsigned)field) {
			struct policy_hop *p = &h->hop[h->n];

			p->priority = (uint16_t)(h->n + 1);
			p->weight = 1;
			p->flags = POLICY_HOP_IN_SERVICE;
			hop_target(schema_object_value(&m->o, &m->o.item[i]), p, h->host[h->n]);
			h->n++;
		}
	if (h->n) {
		char id_name[SCHEMA_KEY_MAX + 8];

		m->r = route_set(m, NULL, key, h);
		snprintf(id_name, sizeof(id_name), "inside %.600s", key);
		d.inside_route = records_id(m->ids, RECORDS_ROUTE, id_name);
	}
	free(h);
	begin(&m->t, sizeof(d));
	d.name = string(&m->t, key);
	memcpy(m->t.p, &d, sizeof(d));
	m->r = m->r ? m->r : seal(&m->t, &m->table[POLICY_SMALL_OWN_DOMAINS]);
	return m->r == 0;
}

static bool make_provider(void *arg, const char *key, const char *body, size_t len)
{
	struct maker *m = arg;
	struct policy_provider p = {.id = records_id(m->ids, RECORDS_PROVIDER, key)};
	bool public, enabled;

	if (!load(m, "provider", key, body, len))
		return false;
	public = strcmp(schema_object_find(&m->o, "type"), "public") == 0;
	enabled = schema_object_yes(&m->o, "enabled");
	p.kind = public ? POLICY_PROVIDER_PUBLIC : POLICY_PROVIDER_HOSTING;
	p.flags = (uint8_t)((enabled ? POLICY_PROVIDER_ENABLED : 0) |
			    (schema_object_yes(&m->o, "shared-address-space") ? POLICY_PROVIDER_SHARED : 0) |
			    (schema_object_yes(&m->o, "hosts-ocs-users") ? POLICY_PROVIDER_HOSTS_OCS : 0) |
			    (schema_object_yes(&m->o, "local") ? POLICY_PROVIDER_LOCAL : 0));
	p.verification = verification(schema_object_find(&m->o, "verification"));
	p.eku = eku(said(&m->o, "eku"));
	p.services = services(&m->o, "service");
	p.limit_class = (uint8_t)records_id(m->ids, RECORDS_LIMIT, said(&m->o, "limits"));
	p.tls_profile = (uint8_t)records_id(m->ids, RECORDS_TLS, said(&m->o, "tls-profile"));
	if (enabled)
		m->box_flags |= public ? POLICY_BOX_PUBLIC_PROVIDER : POLICY_BOX_HOSTING_PROVIDER;
	if (enabled && (p.flags & POLICY_PROVIDER_SHARED) && !m->shared_provider)
		m->shared_provider = p.id;
	begin(&m->t, sizeof(p));
	p.fqdn = string(&m->t, schema_object_find(&m->o, "proxy-fqdn"));
	p.name = string(&m->t, key);
	memcpy(m->t.p, &p, sizeof(p));
	m->r = seal(&m->t, &m->table[POLICY_SMALL_PROVIDERS]);
	return m->r == 0;
}

static bool make_limits(void *arg, const char *key, const char *body, size_t len)
{
	struct maker *m = arg;
	struct policy_limit_class c = {.id = records_id(m->ids, RECORDS_LIMIT, key)};

	if (!load(m, "limit-class", key, body, len))
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
	begin(&m->t, sizeof(c));
	c.name = string(&m->t, key);
	memcpy(m->t.p, &c, sizeof(c));
	m->r = seal(&m->t, &m->table[POLICY_SMALL_LIMITS]);
	return m->r == 0;
}

static bool make_tls(void *arg, const char *key, const char *body, size_t len)
{
	struct maker *m = arg;
	struct policy_tls_profile p = {
		.id = records_id(m->ids, RECORDS_TLS, key), .version_min = 0x0303, .version_max = 0x0304};
	const char *revocation;
	bool v12 = false, v13 = false;

	if (!load(m, "tls-profile", key, body, len))
		return false;
	for (unsigned i = 0; i < m->o.n; i++)
		if (strcmp(m->o.noun->fields[m->o.item[i].field].name, "version") == 0) {
			v12 |= strcmp(schema_object_value(&m->o, &m->o.item[i]), "1.2") == 0;
			v13 |= strcmp(schema_object_value(&m->o, &m->o.item[i]), "1.3") == 0;
		}
	if (v12 != v13)
		p.version_min = p.version_max = v12 ? 0x0303 : 0x0304;
	p.eku = eku(said(&m->o, "eku"));
	revocation = schema_object_find(&m->o, "revocation");
	p.flags = (uint8_t)((strcmp(revocation, "off") ? POLICY_TLS_CRL : 0) |
			    (strcmp(revocation, "crl-required") == 0 ? POLICY_TLS_REVOCATION_HARD : 0));
	begin(&m->t, sizeof(p));
	p.suites12 = string(&m->t, schema_object_find(&m->o, "ciphers"));
	p.suites13 = string(&m->t, schema_object_find(&m->o, "suites"));
	p.groups = string(&m->t, schema_object_find(&m->o, "groups"));
	p.name = string(&m->t, key);
	memcpy(m->t.p, &p, sizeof(p));
	m->r = seal(&m->t, &m->table[POLICY_SMALL_TLS]);
	return m->r == 0;
}

/* DefaultRouteFqdn is a provider of its own kind */
static int default_route(struct maker *m, uint32_t *id)
{
	const char *target = schema_object_find(&m->o, "default-route");
	struct policy_provider p = {.kind = POLICY_PROVIDER_DEFAULT_ROUTE, .services = POLICY_SERVICE_ALL};
	struct policy_hop h = {0};
	char host[SCHEMA_KEY_MAX];

	if (!target)
		return 0;
	hop_target(target, &h, host);
	*id = p.id = records_id(m->ids, RECORDS_PROVIDER, "default route");
	p.flags =
		(uint8_t)(POLICY_PROVIDER_ENABLED |
			  (schema_object_yes(&m->o, "default-route-public") ? POLICY_PROVIDER_IS_PUBLIC : 0));
	p.verification = verification(schema_object_find(&m->o, "default-route-verification"));
	p.port = h.port;
	begin(&m->t, sizeof(p));
	p.fqdn = string(&m->t, host);
	p.name = string(&m->t, "default route");
	memcpy(m->t.p, &p, sizeof(p));
	return seal(&m->t, &m->table[POLICY_SMALL_PROVIDERS]);
}

static int make_box(struct maker *m)
{
	const struct schema_noun *noun = schema_noun_named("federation");
	struct schema_text body = {0};
	struct policy_box b = {0};
	int r = m->source->get(m->source->ctx, schema_noun_index(noun), "", &body);

	if (r >= 0)
		r = r ? schema_object_load(&m->o, noun, "", body.p, body.n) : 0;
	if (!body.n)
		schema_object_reset(&m->o, noun, "");
	schema_text_fini(&body);
	if (r)
		return r;
	b.flags = m->box_flags;
	b.flags |= schema_object_yes(&m->o, "allow-federated-users") ? POLICY_BOX_FEDERATION : 0;
	b.flags |= schema_object_yes(&m->o, "partner-discovery") ? POLICY_BOX_DISCOVERY : 0;
	b.flags |= schema_object_yes(&m->o, "clearing-house") ? POLICY_BOX_CLEARING_HOUSE : 0;
	b.flags |= schema_object_yes(&m->o, "mark-source-verifiable") ? POLICY_BOX_MARK_OUTGOING : 0;
	b.flags |= schema_object_yes(&m->o, "reject-unmarked") ? POLICY_BOX_REJECT_UNMARKED : 0;
	if (strcmp(schema_object_find(&m->o, "routing"), "default-route") == 0) {
		b.flags |= POLICY_BOX_DEFAULT_ROUTING;
		r = default_route(m, &b.default_route);
	}
	b.allowed_verification = POLICY_VERIFY_SOURCE;
	b.discovered_verification = verification(schema_object_find(&m->o, "discovered-verification"));
	b.identity_check = identity_check(schema_object_find(&m->o, "identity-check"));
	b.eku = eku(schema_object_find(&m->o, "eku"));
	b.discovered_limit_class =
		(uint8_t)records_id(m->ids, RECORDS_LIMIT, schema_object_find(&m->o, "discovered-limits"));
	b.discovered_services = services(&m->o, "discovered-service");
	/* discovered partners are limited also where nobody said how; the blank keeps the name from being
	 * anybody's */
	if (!b.discovered_limit_class) {
		if (!make_limits(m, "discovered partners", "", 0))
			return m->r;
		b.discovered_limit_class = (uint8_t)records_id(m->ids, RECORDS_LIMIT, "discovered partners");
	}
	b.rights = rights_of(m->source, "global");
	b.shared_provider = m->shared_provider;
	begin(&m->t, sizeof(b));
	memcpy(m->t.p, &b, sizeof(b));
	return r ? r : seal(&m->t, &m->table[POLICY_SMALL_BOX]);
}

int records_revision_add(struct records_table *t, uint64_t revision, const char *fingerprint)
{
	struct records_revision v = {.id = 1, .revision = revision};
	struct schema_text text = {0};
	int r;

	memcpy(v.fingerprint, fingerprint, strnlen(fingerprint, sizeof(v.fingerprint)));
	begin(&text, sizeof(v));
	memcpy(text.p, &v, sizeof(v));
	r = seal(&text, t);
	schema_text_fini(&text);
	return r;
}

int records_small(const struct schema_source *source, struct records_ids *ids,
		  struct records_table table[POLICY_SMALLS])
{
	static const struct {
		const char *noun;
		schema_each_fn make;
	} makers[] = {
		{"limit-class", make_limits},	 {"tls-profile", make_tls},   {"site", make_site},
		{"identity", make_identity},	 {"provider", make_provider}, {"route", collect_route},
		{"sip-domain", make_own_domain},
	};
	struct maker m = {.source = source, .ids = ids, .table = table};
	int r = 0;

	for (unsigned i = 0; i < sizeof(makers) / sizeof(makers[0]) && !r; i++) {
		r = source->each(source->ctx, schema_noun_index(schema_noun_named(makers[i].noun)),
				 makers[i].make, &m);
		r = r ? r : m.r;
	}
	r = r ? r : make_routes(&m);
	r = r ? r : make_box(&m);
	schema_map_fini(&m.routes);
	schema_object_fini(&m.o);
	schema_text_fini(&m.t);
	return r;
}
