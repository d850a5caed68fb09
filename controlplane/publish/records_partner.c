/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/publish/records_make.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	record_begin(t, sizeof(p));
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
			names[n++] = record_string(t, schema_object_value(o, &o->item[i]));
	p.proxy_fqdn = record_string(t, proxy);
	p.via_domain = record_string(t, via);
	record_align(t);
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
	d->services = record_services(o, "service");
	if (strcmp(action, "block") == 0) {
		d->type = POLICY_DOMAIN_BLOCKED;
		return 0;
	}
	d->type = schema_object_find(o, "proxy-fqdn") ? POLICY_DOMAIN_SERVER : POLICY_DOMAIN_ALLOWED;
	d->flags |=
		(uint8_t)((record_said(o, "except") ? POLICY_DOMAIN_EXCEPT : 0) |
			  (schema_object_yes(o, "wildcard") ? POLICY_DOMAIN_CERT_WILDCARD : 0) |
			  (schema_object_yes(o, "trust-asserted-identity") ? POLICY_DOMAIN_TRUST_PAI : 0) |
			  (schema_object_yes(o, "reject-unmarked") ? POLICY_DOMAIN_REJECT_UNMARKED : 0));
	d->verification = record_verification(record_said(o, "verification"));
	d->identity_check = record_identity_check(record_said(o, "identity-check"));
	d->eku = record_eku(record_said(o, "eku"));
	d->limit_class = (uint8_t)records_id(ids, RECORDS_LIMIT, record_said(o, "limits"));
	d->tls_profile = (uint8_t)records_id(ids, RECORDS_TLS, record_said(o, "tls-profile"));
	partner_record(o, partner);
	return partner->n > RECORDS_PARTNER_MAX - 1 ? -EINVAL : 0;
}
