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

struct members {
	struct publish *p;
	struct schema_map *sites;
};

static bool site_members(void *arg, const char *key, const char *body, size_t len)
{
	struct members *m = arg;
	struct schema_object o = {0};
	char id[16];

	if (schema_object_load(&o, schema_noun_named("site"), key, body, len) == 0) {
		snprintf(id, sizeof(id), "%u", records_id(&m->p->ids, RECORDS_SITE, key));
		for (unsigned i = 0; i < o.n; i++)
			if (o.item[i].field == 0)
				schema_map_put(m->sites, 0, schema_object_value(&o, &o.item[i]), id,
					       strlen(id), 0);
	}
	schema_object_fini(&o);
	return true;
}

static void touch_members(struct publish *p, struct schema_map *users, const char *key, const char *body,
			  size_t len)
{
	if (schema_object_load(&p->o, schema_noun_named("site"), key, body, len))
		return;
	for (unsigned i = 0; i < p->o.n; i++)
		if (p->o.item[i].field == 0)
			schema_map_put(users, 0, schema_object_value(&p->o, &p->o.item[i]), "", 0, 0);
}

void publish_touch_users(struct publish *p, struct schema_map *users, unsigned noun, const char *key,
			 const char *body, size_t len)
{
	if (noun == noun_of("access")) {
		if (strncmp(key, "user/", 5) == 0)
			schema_map_put(users, 0, key + 5, "", 0, 0);
		return;
	}
	if (noun != noun_of("site"))
		return;
	schema_text_reset(&p->body);
	if (p->live.store->ops->get(p->live.store, noun, key, &p->body) == 1)
		touch_members(p, users, key, p->body.p, p->body.n);
	if (body)
		touch_members(p, users, key, body, len);
}

int publish_site_members(struct publish *p, const struct schema_source *source, struct schema_map *sites)
{
	struct members m = {p, sites};

	return source->each(source->ctx, noun_of("site"), site_members, &m);
}

int publish_user_record(struct publish *p, const struct schema_source *source, const struct schema_map *sites,
			const char *address, struct policy_address *a, struct policy_user *u)
{
	const struct schema_noun *access = schema_noun_named("access");
	const struct schema_entry *site = schema_map_get(sites, 0, address);
	const char *at = strrchr(address, '@');
	char scope[SCHEMA_KEY_MAX + 8];
	int has;

	*a = (struct policy_address){{address, (uint32_t)(at - address)}, policy_name_of(at + 1)};
	memset(u, 0, sizeof(*u));
	snprintf(scope, sizeof(scope), "user/%.600s", address);
	schema_text_reset(&p->body);
	has = source->get(source->ctx, schema_noun_index(access), scope, &p->body);
	if (has < 0)
		return has;
	if (has && schema_object_load(&p->o, access, scope, p->body.p ? p->body.p : "", p->body.n) == 0)
		u->rights = records_rights(&p->o);
	if (site)
		u->site = (uint16_t)strtoul(site->body, NULL, 10);
	return has || site;
}

int publish_put_user(struct publish *p, const char *address)
{
	struct policy_address a;
	struct policy_user u;
	int has;

	if (!p->users_known) {
		int r = publish_site_members(p, &p->source, &p->sites);

		if (r)
			return r;
		p->users_known = true;
	}
	has = publish_user_record(p, &p->source, &p->sites, address, &a, &u);
	if (has < 0)
		return has;
	return has ? policy_txn_put_user(p->txn, a, &u, (struct policy_name){"", 0})
		   : policy_txn_del_user(p->txn, a);
}
