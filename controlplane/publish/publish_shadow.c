/* SPDX-License-Identifier: BSD-3-Clause */
/* A candidate beside what is in force. */
#include "config/policy/overlay.h"
#include "controlplane/publish/publish_internal.h"

#include <errno.h>
#include <string.h>

static int shadow_domain(struct publish *p, struct policy_overlay *o, const struct schema_entry *e)
{
	struct policy_domain d;
	const char *comment;
	bool subtree;
	struct policy_name name = records_name(e->key, &subtree);
	int r;

	if (!e->body)
		return policy_overlay_domain(o, name, subtree ? 1 : 0, NULL, NULL);
	r = schema_object_load(&p->o, schema_noun_named("partner"), e->key, e->body, e->body_len);
	r = r ? r : records_domain(&p->o, &p->ids, &d, &p->partner, &comment);
	return r ? r
		 : policy_overlay_domain(
			   o, name, subtree ? 1 : 0, &d,
			   p->partner.n ? (const struct policy_partner *)(const void *)p->partner.p : NULL);
}

/* the users of ours whose record the candidate changes */
static int shadow_users(struct publish *p, struct policy_overlay *o, const struct schema_source *source,
			const struct schema_map *users)
{
	struct schema_map sites = {0};
	int r = users->n ? publish_site_members(p, source, &sites) : 0;

	for (size_t i = 0; i < users->n && !r; i++) {
		struct policy_address a;
		struct policy_user u;
		int has = publish_user_record(p, source, &sites, users->entry[i].key, &a, &u);

		r = has < 0 ? has : policy_overlay_user(o, a, has ? &u : NULL);
		for (unsigned k = 0; k < FLIP_TRIES && r == -EAGAIN; k++) {
			policy_writer_step(p->w, UNITS);
			r = policy_overlay_user(o, a, has ? &u : NULL);
		}
	}
	schema_map_fini(&sites);
	return r;
}

/* Whose rights differ: those that are named, and the members of sites that change. */
static void touched_users(struct publish *p, const struct schema_entry *const *changed, size_t n,
			  struct schema_map *users)
{
	for (size_t i = 0; i < n; i++)
		publish_touch_users(p, users, changed[i]->noun, changed[i]->key, changed[i]->body,
				    changed[i]->body_len);
}

static int shadow_fill(struct publish *p, struct policy_overlay *o, const struct schema_source *source,
		       const struct schema_entry *const *changed, size_t n)
{
	struct records_secrets secrets = publish_secrets(p);
	struct records_table table[POLICY_SMALLS] = {0};
	bool smalls = false;
	int r = 0;

	for (size_t i = 0; i < n && !r; i++) {
		if (strcmp(schema_nouns[changed[i]->noun].name, "partner")) {
			smalls = true;
			continue;
		}
		r = shadow_domain(p, o, changed[i]);
		for (unsigned k = 0; k < FLIP_TRIES && r == -EAGAIN; k++) {
			policy_writer_step(p->w, UNITS);
			r = shadow_domain(p, o, changed[i]);
		}
	}
	if (!r && smalls)
		r = records_small(source, &secrets, &p->ids, table);
	for (unsigned i = 0; i < POLICY_SMALL_REVISION && !r && smalls; i++)
		r = policy_overlay_small(o, (enum policy_small)i, (const void *const *)table[i].record,
					 table[i].n);
	for (unsigned i = 0; i < POLICY_SMALLS; i++)
		records_table_fini(&table[i]);
	return r;
}

int publish_shadow(struct publish *p, const struct schema_source *source,
		   const struct schema_entry *const *changed, size_t n, char *why)
{
	struct policy_overlay *o = NULL;
	struct schema_map users = {0};
	int r = -EAGAIN;

	if (!p->w)
		return publish_refuse(why, -EBUSY);
	touched_users(p, changed, n, &users);
	for (unsigned i = 0; i < FLIP_TRIES && !o && r == -EAGAIN; i++) {
		o = policy_overlay_begin(p->w, n + 1, users.n + 1, &r);
		if (!o)
			policy_writer_step(p->w, UNITS);
	}
	if (o) {
		r = shadow_fill(p, o, source, changed, n);
		r = r ? r : shadow_users(p, o, source, &users);
		r = r ? r : policy_overlay_publish(o);
		for (unsigned k = 0; k < FLIP_TRIES && r == -EAGAIN; k++) {
			policy_writer_step(p->w, UNITS);
			r = policy_overlay_publish(o);
		}
		if (r)
			policy_overlay_abort(o);
	}
	schema_map_fini(&users);
	return r ? publish_refuse(why, r) : 0;
}

void publish_unshadow(struct publish *p)
{
	if (p->w)
		policy_overlay_withdraw(p->w);
}
