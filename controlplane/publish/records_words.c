/* SPDX-License-Identifier: BSD-3-Clause */
/* Words of the configuration as numbers of the policy. */
#include "controlplane/publish/records_make.h"
#include "config/schema/schema_value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint8_t record_verification(const char *v)
{
	return !v			  ? POLICY_VERIFY_DEFAULT
	       : strcmp(v, "always") == 0 ? POLICY_VERIFY_ALWAYS
	       : strcmp(v, "never") == 0  ? POLICY_VERIFY_NEVER
					  : POLICY_VERIFY_SOURCE;
}

uint8_t record_identity_check(const char *v)
{
	int i = v ? schema_choice_index("lync|rfc5922|either|dnssec|pinned", v, strlen(v)) : -1;

	return (uint8_t)(i < 0 ? POLICY_IDENTITY_DEFAULT : POLICY_IDENTITY_LYNC + i);
}

uint8_t record_eku(const char *v)
{
	int i = v ? schema_choice_index("strict|accept-serverauth|any", v, strlen(v)) : -1;

	return (uint8_t)(i < 0 ? POLICY_EKU_DEFAULT : POLICY_EKU_STRICT + i);
}

uint8_t record_services(const struct schema_object *o, const char *field)
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

const char *record_said(const struct schema_object *o, const char *field)
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
		const char *v = record_said(o, bits[i].field);

		if (!v)
			continue;
		r.stated |= bits[i].bit;
		if (strcmp(v, "yes") == 0)
			r.granted |= bits[i].bit;
	}
	return r;
}

struct policy_rights record_rights_of(const struct schema_source *s, const char *scope)
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

bool record_load(struct maker *m, const char *noun, const char *key, const char *body, size_t len)
{
	if (schema_object_load(&m->o, schema_noun_named(noun), key, body, len) == 0)
		return true;
	m->r = -EINVAL;
	return false;
}

void record_hop_target(const char *target, struct policy_hop *h, char host[SCHEMA_KEY_MAX])
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
