/* SPDX-License-Identifier: BSD-3-Clause */
/* Users of ours: a number for the site of each, and whose record changes. */
#include "controlplane/publish/publish_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned noun_of(const char *name)
{
	return schema_noun_index(schema_noun_named(name));
}

static bool site_members(void *arg, const char *key, const char *body, size_t len)
{
	struct publish *p = arg;
	struct schema_object o = {0};
	char id[16];

	if (schema_object_load(&o, schema_noun_named("site"), key, body, len) == 0) {
		snprintf(id, sizeof(id), "%u", records_id(&p->ids, RECORDS_SITE, key));
		for (unsigned i = 0; i < o.n; i++)
			if (o.item[i].field == 0)
				schema_map_put(&p->sites, 0, schema_object_value(&o, &o.item[i]), id,
					       strlen(id), 0);
	}
	schema_object_fini(&o);
	return true;
}

static void touch_members(struct publish *p, const char *key, const char *body, size_t len)
{
	if (schema_object_load(&p->o, schema_noun_named("site"), key, body, len))
		return;
	for (unsigned i = 0; i < p->o.n; i++)
		if (p->o.item[i].field == 0)
			schema_map_put(&p->users, 0, schema_object_value(&p->o, &p->o.item[i]), "", 0, 0);
}

void publish_touch_users(struct publish *p, unsigned noun, const char *key, const char *body, size_t len)
{
	if (noun == noun_of("access")) {
		if (strncmp(key, "user/", 5) == 0)
			schema_map_put(&p->users, 0, key + 5, "", 0, 0);
		return;
	}
	if (noun != noun_of("site"))
		return;
	schema_text_reset(&p->body);
	if (p->live.store->ops->get(p->live.store, noun, key, &p->body) == 1)
		touch_members(p, key, p->body.p, p->body.n);
	if (body)
		touch_members(p, key, body, len);
}

int publish_put_user(struct publish *p, const char *address)
{
	const struct schema_noun *access = schema_noun_named("access");
	const struct schema_entry *site;
	const char *at = strrchr(address, '@');
	struct policy_address a = {{address, (uint32_t)(at - address)}, policy_name_of(at + 1)};
	struct policy_user u = {0};
	char scope[SCHEMA_KEY_MAX + 8];
	int has;

	if (!p->users_known) {
		int r = p->source.each(p->source.ctx, noun_of("site"), site_members, p);

		if (r)
			return r;
		p->users_known = true;
	}
	site = schema_map_get(&p->sites, 0, address);
	snprintf(scope, sizeof(scope), "user/%.600s", address);
	schema_text_reset(&p->body);
	has = p->source.get(p->source.ctx, schema_noun_index(access), scope, &p->body);
	if (has < 0)
		return has;
	if (!has && !site)
		return policy_txn_del_user(p->txn, a);
	if (has && schema_object_load(&p->o, access, scope, p->body.p ? p->body.p : "", p->body.n) == 0)
		u.rights = records_rights(&p->o);
	if (site)
		u.site = (uint16_t)strtoul(site->body, NULL, 10);
	return policy_txn_put_user(p->txn, a, &u, (struct policy_name){"", 0});
}
