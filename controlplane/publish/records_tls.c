/* SPDX-License-Identifier: BSD-3-Clause */
/* TLS profiles, and the names of secrets: certificates, trust stores, rotating keys. */
#include "controlplane/publish/records_make.h"
#include "config/policy/tls_shipped.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* what a profile leaves open */
struct shipped {
	const char *name, *suites12, *groups;
};

static const struct shipped shipped[] = {
	{POLICY_TLS_MODERN, POLICY_TLS_SUITES12_MODERN, POLICY_TLS_GROUPS_MODERN},
	{POLICY_TLS_COMPAT, POLICY_TLS_SUITES12_COMPAT, POLICY_TLS_GROUPS_COMPAT},
};

static const char *or_else(const char *said, const char *other)
{
	return said ? said : other;
}

static uint32_t trust_id(const struct maker *m, const char *name)
{
	const struct shelf_item *it = shelf_find(m->secrets ? m->secrets->shelf : NULL, SHELF_TRUST,
						 or_else(name, SHELF_SYSTEM_TRUST));

	return it && it->good ? records_id(m->ids, RECORDS_TRUST, it->name) : 0;
}

uint32_t record_certificate_id(const struct maker *m, const char *name)
{
	const struct shelf_item *it =
		shelf_find(m->secrets ? m->secrets->shelf : NULL, SHELF_CERTIFICATE, name);

	return it && it->good ? records_id(m->ids, RECORDS_CERTIFICATE, it->name) : 0;
}

/* the profile in m->o; NULL: what is shipped of that name */
static int make_profile(struct maker *m, const struct schema_object *o, const char *name)
{
	const struct shipped *base = strcmp(name, POLICY_TLS_COMPAT) ? &shipped[0] : &shipped[1];
	const char *revocation = or_else(o ? schema_object_find(o, "revocation") : NULL, "crl");
	const char *eku = o ? record_said(o, "eku") : NULL;
	struct policy_tls_profile p = {
		.id = records_id(m->ids, RECORDS_TLS, name), .version_min = 0x0303, .version_max = 0x0304};
	int subject = o ? schema_field_named(o->noun, "peer-subject") : -1;
	struct policy_str *subjects;
	bool v12 = false, v13 = false;
	unsigned n = 0;

	for (unsigned i = 0; o && i < o->n; i++) {
		const char *field = o->noun->fields[o->item[i].field].name,
			   *v = schema_object_value(o, &o->item[i]);

		if (strcmp(field, "version") == 0) {
			v12 |= strcmp(v, "1.2") == 0;
			v13 |= strcmp(v, "1.3") == 0;
		}
		p.peer_subjects = (uint16_t)(p.peer_subjects + (o->item[i].field == (unsigned)subject));
	}
	if (v12 != v13)
		p.version_min = p.version_max = v12 ? 0x0303 : 0x0304;
	p.eku = record_eku(or_else(eku, schema_object_find(&m->federation, "eku")));
	p.flags = (uint8_t)((strcmp(revocation, "off") ? POLICY_TLS_CRL : 0) |
			    (strcmp(revocation, "crl-required") == 0 ? POLICY_TLS_REVOCATION_HARD : 0));
	p.depth = (uint8_t)(o ? schema_object_number(o, "depth") : 4);
	p.trust = trust_id(m, o ? record_said(o, "trust") : NULL);
	subjects = calloc((size_t)p.peer_subjects + 1, sizeof(*subjects));
	if (!subjects)
		return -ENOMEM;
	record_begin(&m->t, sizeof(p));
	p.peer_subject_at = (uint16_t)m->t.n;
	schema_text_add(&m->t, (const char *)subjects, p.peer_subjects * sizeof(*subjects));
	for (unsigned i = 0; o && i < o->n; i++)
		if (o->item[i].field == (unsigned)subject)
			subjects[n++] = record_string(&m->t, schema_object_value(o, &o->item[i]));
	p.suites12 =
		record_string(&m->t, or_else(o ? schema_object_find(o, "ciphers") : NULL, base->suites12));
	p.suites13 = record_string(&m->t,
				   or_else(o ? schema_object_find(o, "suites") : NULL, POLICY_TLS_SUITES13));
	p.groups = record_string(&m->t, or_else(o ? schema_object_find(o, "groups") : NULL, base->groups));
	p.name = record_string(&m->t, name);
	if (m->t.n > UINT16_MAX) {
		free(subjects);
		return -E2BIG;
	}
	memcpy(m->t.p + p.peer_subject_at, subjects, n * sizeof(*subjects));
	free(subjects);
	return record_end(&m->t, &p, sizeof(p), &m->table[POLICY_SMALL_TLS]);
}

bool record_tls_profile(void *arg, const char *key, const char *body, size_t len)
{
	struct maker *m = arg;

	if (!record_load(m, "tls-profile", key, body, len))
		return false;
	m->r = make_profile(m, &m->o, key);
	return m->r == 0;
}

int record_tls_shipped(struct maker *m)
{
	unsigned noun = schema_noun_index(schema_noun_named("tls-profile"));
	int r = 0;

	for (unsigned i = 0; i < sizeof(shipped) / sizeof(shipped[0]) && !r; i++) {
		struct schema_text body = {0};

		r = m->source->get(m->source->ctx, noun, shipped[i].name, &body);
		schema_text_fini(&body);
		if (r == 0)
			r = make_profile(m, NULL, shipped[i].name);
		else if (r == 1)
			r = 0;
	}
	return r;
}

static int make_certificate(struct maker *m, const struct shelf_item *it)
{
	struct policy_certificate c = {.id = records_id(m->ids, RECORDS_CERTIFICATE, it->name)};

	record_begin(&m->t, sizeof(c));
	c.name = record_string(&m->t, it->name);
	c.chain = record_string(&m->t, it->chain);
	c.key = record_string(&m->t, it->key);
	c.ocsp = record_string(&m->t, it->ocsp);
	return record_end(&m->t, &c, sizeof(c), &m->table[POLICY_SMALL_CERTIFICATES]);
}

static int make_trust(struct maker *m, const struct shelf_item *it)
{
	struct policy_trust t = {.id = records_id(m->ids, RECORDS_TRUST, it->name)};

	record_begin(&m->t, sizeof(t));
	t.name = record_string(&m->t, it->name);
	t.ca = record_string(&m->t, it->chain);
	t.crl = record_string(&m->t, it->key);
	return record_end(&m->t, &t, sizeof(t), &m->table[POLICY_SMALL_TRUSTS]);
}

static int make_key(struct maker *m, unsigned kind, unsigned slot)
{
	struct policy_secret s = {
		.id = (kind + 1) << 8 | (slot + 1), .kind = (uint8_t)(kind + 1), .slot = (uint8_t)(slot + 1)};

	record_begin(&m->t, sizeof(s));
	s.hash = record_string(&m->t, m->secrets->keys->hash[kind][slot]);
	return record_end(&m->t, &s, sizeof(s), &m->table[POLICY_SMALL_SECRETS]);
}

int record_secrets(struct maker *m)
{
	const struct shelf *s = m->secrets ? m->secrets->shelf : NULL;
	int r = 0;

	for (unsigned i = 0; s && i < s->n && !r; i++)
		if (s->item[i].good)
			r = s->item[i].sort == SHELF_TRUST ? make_trust(m, &s->item[i])
							   : make_certificate(m, &s->item[i]);
	for (unsigned i = 0; m->secrets && m->secrets->keys && i < ROTATION_KINDS * ROTATION_SLOTS && !r; i++)
		r = make_key(m, i / ROTATION_SLOTS, i % ROTATION_SLOTS);
	return r;
}
