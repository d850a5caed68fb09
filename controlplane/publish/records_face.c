/* SPDX-License-Identifier: BSD-3-Clause */
/* Identities: what they show, and where they listen. */
#include "controlplane/publish/records_make.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>

/* the good ones of a field; how many there are */
static unsigned certificates(struct maker *m, const char *field, uint32_t out[POLICY_CERTIFICATES])
{
	int index = schema_field_named(m->o.noun, field);
	unsigned n = 0;

	for (unsigned i = 0; i < m->o.n && n < POLICY_CERTIFICATES; i++) {
		uint32_t id;

		if (m->o.item[i].field != (unsigned)index)
			continue;
		id = record_certificate_id(m, schema_object_value(&m->o, &m->o.item[i]));
		if (id)
			out[n++] = id;
	}
	return n;
}

/* "198.18.2.0/24", which the schema has looked at */
static void add_prefix(struct maker *m, const char *text)
{
	const char *slash = strchr(text, '/');
	struct policy_prefix p = {0};
	char address[INET6_ADDRSTRLEN];
	bool v6 = strchr(text, ':') != NULL;

	if (!slash)
		return;
	snprintf(address, sizeof(address), "%.*s", (int)(slash - text), text);
	if (!v6)
		p.ip[10] = p.ip[11] = 0xff;
	if (inet_pton(v6 ? AF_INET6 : AF_INET, address, v6 ? p.ip : p.ip + 12) != 1)
		return;
	p.bits = (uint8_t)(strtoul(slash + 1, NULL, 10) + (v6 ? 0 : 96));
	schema_text_add(&m->t, (const char *)&p, sizeof(p));
}

/* who may connect there */
static void add_prefixes(struct maker *m)
{
	int field = schema_field_named(m->o.noun, "insecure-allow-from");

	for (unsigned i = 0; i < m->o.n; i++)
		if (m->o.item[i].field == (unsigned)field)
			add_prefix(m, schema_object_value(&m->o, &m->o.item[i]));
}

static int make_listener(struct maker *m, uint32_t identity, enum policy_side side,
			 enum policy_protocol protocol, const char *endpoint)
{
	struct policy_listener l = {
		.identity = identity, .side = (uint8_t)side, .protocol = (uint8_t)protocol};
	struct policy_hop at = {0};
	char name[80], host[SCHEMA_KEY_MAX];
	int n;

	record_hop_target(endpoint, &at, host);
	memcpy(l.ip, at.ip, sizeof(l.ip));
	l.port = at.port;
	n = records_listener_name(&l, name, sizeof(name));
	l.id = n > 0 ? records_id(m->ids, RECORDS_LISTENER, name) : 0;
	record_begin(&m->t, sizeof(l));
	if (protocol == POLICY_PROTOCOL_SIP_TCP)
		add_prefixes(m);
	return record_end(&m->t, &l, sizeof(l), &m->table[POLICY_SMALL_LISTENERS]);
}

static int make_listeners(struct maker *m, uint32_t identity)
{
	static const struct {
		const char *field;
		enum policy_side side;
		enum policy_protocol protocol;
	} sorts[] = {
		{"external-listen", POLICY_SIDE_EXTERNAL, POLICY_PROTOCOL_SIP},
		{"internal-listen", POLICY_SIDE_INTERNAL, POLICY_PROTOCOL_SIP},
		{"insecure-listen", POLICY_SIDE_INTERNAL, POLICY_PROTOCOL_SIP_TCP},
		{"xmpp-listen", POLICY_SIDE_EXTERNAL, POLICY_PROTOCOL_XMPP},
	};
	int r = 0;

	for (unsigned i = 0; i < m->o.n && !r; i++)
		for (unsigned k = 0; k < sizeof(sorts) / sizeof(sorts[0]) && !r; k++)
			if (strcmp(m->o.noun->fields[m->o.item[i].field].name, sorts[k].field) == 0)
				r = make_listener(m, identity, sorts[k].side, sorts[k].protocol,
						  schema_object_value(&m->o, &m->o.item[i]));
	return r;
}

bool record_identity(void *arg, const char *key, const char *body, size_t len)
{
	struct maker *m = arg;
	struct policy_identity i = {.id = records_id(m->ids, RECORDS_IDENTITY, key)};

	if (!record_load(m, "identity", key, body, len))
		return false;
	certificates(m, "server-certificate", i.server_certificate);
	if (!certificates(m, "client-certificate", i.client_certificate))
		memcpy(i.client_certificate, i.server_certificate, sizeof(i.client_certificate));
	if (!certificates(m, "internal-certificate", i.internal_certificate))
		memcpy(i.internal_certificate, i.server_certificate, sizeof(i.internal_certificate));
	record_begin(&m->t, sizeof(i));
	i.public_fqdn = record_string(&m->t, schema_object_find(&m->o, "public-fqdn"));
	i.name = record_string(&m->t, key);
	m->r = record_end(&m->t, &i, sizeof(i), &m->table[POLICY_SMALL_IDENTITIES]);
	m->r = m->r ? m->r : make_listeners(m, i.id);
	return m->r == 0;
}
