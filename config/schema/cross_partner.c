/* SPDX-License-Identifier: BSD-3-Clause */
/* Partners: blocks above allows, servers that somebody else is, clearing houses (federation.md sections 1.2,
 * 1.3). */
#include "config/schema/cross_check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { VIA_DEPTH = 16, REPEAT_MAX = 20 };

static const char *bare(const char *key)
{
	return strncmp(key, "*.", 2) == 0 ? key + 2 : key;
}

bool cross_is_block(const char *body, size_t len)
{
	static const char block[] = "action block";

	return len >= sizeof(block) - 1 && memcmp(body, block, sizeof(block) - 1) == 0;
}

static bool is_except(const char *body, size_t len)
{
	return memmem(body, len, "\nexcept", 7) != NULL;
}

static bool collect_block(void *arg, const char *key, const char *body, size_t len)
{
	struct cross *c = arg;

	if (cross_is_block(body, len) && schema_map_put(&c->blocks, 0, key, "", 0, 0)) {
		c->fault = -ENOMEM;
		return false;
	}
	return true;
}

static bool blocked_key(struct cross *c, const char *key)
{
	if (c->blocks_known)
		return schema_map_get(&c->blocks, 0, key) != NULL;
	return cross_exists(c, cross_noun("partner"), key) && cross_is_block(c->body.p, c->body.n);
}

/* every subtree that `name` lies in, the longest first, from itself or from its parent on */
static const char *tree_block(struct cross *c, const char *name, bool itself, char out[SCHEMA_KEY_MAX])
{
	for (const char *p = itself ? name : strchr(name, '.'); p; p = strchr(p, '.')) {
		p += *p == '.';
		snprintf(out, SCHEMA_KEY_MAX, "*.%.600s", p);
		if (blocked_key(c, out))
			return out;
	}
	return NULL;
}

const char *cross_block_of(struct cross *c, const char *name, char key[SCHEMA_KEY_MAX])
{
	snprintf(key, SCHEMA_KEY_MAX, "%.600s", name);
	return blocked_key(c, key) ? key : tree_block(c, name, true, key);
}

/* the block that contradicts an allow of `key`; NULL when none does */
static const char *block_above(struct cross *c, const char *key, char out[SCHEMA_KEY_MAX])
{
	const char *name = bare(key);

	/* the other form of the same name */
	snprintf(out, SCHEMA_KEY_MAX, "%s%.600s", name == key ? "*." : "", name);
	if (blocked_key(c, out))
		return out;
	return tree_block(c, name, false, out);
}

static bool collect_own(void *arg, const char *key, const char *body, size_t len)
{
	struct cross *c = arg;

	if (schema_map_put(&c->own, 0, key, "", 0, 0)) {
		c->fault = -ENOMEM;
		return false;
	}
	return true;
}

/* our SIP domains are few; a million partners are compared with them in memory */
static bool is_own(struct cross *c, const char *name)
{
	if (!c->own_known) {
		cross_each(c, "sip-domain", collect_own, c);
		c->own_known = true;
	}
	return schema_map_get(&c->own, 0, name) != NULL;
}

/* false when enough of this kind was said */
static bool more_of(struct cross *c, const char *key)
{
	if (c->same++ == REPEAT_MAX)
		cross_say(c, SCHEMA_ERROR, "partner", key, "and more of the same kind");
	if (c->same <= REPEAT_MAX)
		return true;
	c->errors++;
	return false;
}

static void check_allow(struct cross *c, const char *key, const char *body, size_t len)
{
	char above[SCHEMA_KEY_MAX];

	if (cross_is_block(body, len) || is_except(body, len) || !block_above(c, key, above) ||
	    !more_of(c, key))
		return;
	if (strcmp(bare(above), bare(key)) == 0)
		cross_say(c, SCHEMA_ERROR, "partner", key,
			  "is allowed, and blocked as %s: say except if that is meant, or delete one of them",
			  above);
	else
		cross_say(c, SCHEMA_ERROR, "partner", key,
			  "is allowed below the block %s: say except if that is meant, or delete one of them",
			  above);
}

static void check_own(struct cross *c, const char *key, bool block)
{
	const char *name = bare(key);

	if (!block && is_own(c, name) && more_of(c, key))
		cross_say(c, SCHEMA_ERROR, "partner", key,
			  "%s is a SIP domain of ours, no partner: delete one of them", name);
}

/* a clearing house that a new block closes */
static void check_via_open(struct cross *c, const char *key, const char *body, size_t len)
{
	static const char field[] = "\nvia-domain ";
	const char *via = memmem(body, len, field, sizeof(field) - 1);
	char name[SCHEMA_KEY_MAX], above[SCHEMA_KEY_MAX];
	size_t n;

	if (!via || cross_is_block(body, len))
		return;
	via += sizeof(field) - 1;
	n = (size_t)(body + len - via);
	snprintf(name, sizeof(name), "%.*s", (int)(memchr(via, '\n', n) ? strcspn(via, "\n") : n), via);
	if (cross_block_of(c, name, above) && !cross_partner_of(c, name, above) && more_of(c, key))
		cross_say(c, SCHEMA_ERROR, "partner", key, "via-domain %s is blocked: choose another", name);
}

static bool check_each(void *arg, const char *key, const char *body, size_t len)
{
	check_allow(arg, key, body, len);
	check_via_open(arg, key, body, len);
	return true;
}

void cross_scan_partners(struct cross *c)
{
	cross_each(c, "partner", collect_block, c);
	c->blocks_known = true;
	if (c->scan_all)
		cross_each(c, "partner", check_each, c);
}

bool cross_partner_of(struct cross *c, const char *name, char key[SCHEMA_KEY_MAX])
{
	bool found;

	snprintf(key, SCHEMA_KEY_MAX, "%.600s", name);
	found = cross_load(c, "partner", key);
	for (const char *p = name; !found && p; p = strchr(p, '.')) {
		p += *p == '.';
		snprintf(key, SCHEMA_KEY_MAX, "*.%.600s", p);
		found = cross_load(c, "partner", key);
	}
	return found && strcmp(schema_object_find(&c->other, "action"), "block") != 0;
}

/* ---- servers ---- */

struct server_search {
	struct cross *c;
	const char *partner, *field, *fqdn;
};

static bool is_provider(void *arg, const char *key, const char *body, size_t len)
{
	struct server_search *s = arg;
	const char *fqdn;

	if (schema_object_load(&s->c->other, schema_noun_named("provider"), key, body, len))
		return true;
	fqdn = schema_object_find(&s->c->other, "proxy-fqdn");
	if (fqdn && strcmp(fqdn, s->fqdn) == 0)
		cross_say(s->c, SCHEMA_ERROR, "partner", s->partner,
			  "its %s %s is that of provider %s: one name cannot be both", s->field, s->fqdn,
			  key);
	return true;
}

static bool is_face(void *arg, const char *key, const char *body, size_t len)
{
	struct server_search *s = arg;
	const char *fqdn;

	if (schema_object_load(&s->c->other, schema_noun_named("identity"), key, body, len))
		return true;
	fqdn = schema_object_find(&s->c->other, "public-fqdn");
	if (fqdn && strcmp(fqdn, s->fqdn) == 0)
		cross_say(s->c, SCHEMA_ERROR, "partner", s->partner,
			  "its %s %s is our own identity %s: messages would come back to us", s->field,
			  s->fqdn, key);
	return true;
}

static void check_servers(struct cross *c, const struct schema_object *o)
{
	for (unsigned i = 0; i < o->n; i++) {
		struct server_search s = {c, o->key, o->noun->fields[o->item[i].field].name,
					  schema_object_value(o, &o->item[i])};

		if (strcmp(s.field, "proxy-fqdn") && strcmp(s.field, "peer-name"))
			continue;
		cross_each(c, "provider", is_provider, &s);
		cross_each(c, "identity", is_face, &s);
	}
}

/* ---- clearing houses ---- */

static void check_via(struct cross *c, const struct schema_object *o)
{
	const char *via = schema_object_find(o, "via-domain"), *name = bare(o->key), *next;
	char at[SCHEMA_KEY_MAX], key[SCHEMA_KEY_MAX], first[SCHEMA_KEY_MAX];

	if (!via)
		return;
	snprintf(first, sizeof(first), "%.600s", via);
	snprintf(at, sizeof(at), "%.600s", via);
	if (is_own(c, via))
		cross_say(c, SCHEMA_ERROR, "partner", o->key,
			  "via-domain %s is a SIP domain of ours: name a clearing house outside", via);
	for (unsigned depth = 0; depth < VIA_DEPTH; depth++) {
		if (strcmp(at, name) == 0) {
			cross_say(c, SCHEMA_ERROR, "partner", o->key, "via-domain leads back to itself");
			return;
		}
		if (!cross_partner_of(c, at, key)) {
			if (depth == 0 && cross_block_of(c, at, key))
				cross_say(c, SCHEMA_ERROR, "partner", o->key,
					  "via-domain %s is blocked: choose another", first);
			else if (depth == 0)
				cross_say(
					c, SCHEMA_WARNING, "partner", o->key,
					"via-domain %s is no partner itself: nothing vouches for it but DNS",
					first);
			return;
		}
		next = schema_object_find(&c->other, "via-domain");
		if (!next)
			return;
		if (strcmp(key, o->key) == 0 || strcmp(next, at) == 0) {
			/* an entry of the clearing house that is this one, or names itself */
			cross_say(c, SCHEMA_ERROR, "partner", o->key, "via-domain leads back to itself");
			return;
		}
		if (depth == 0)
			cross_say(c, SCHEMA_WARNING, "partner", o->key,
				  "via-domain %s goes via %s itself: one clearing house is used, never two",
				  first, next);
		snprintf(at, sizeof(at), "%.600s", next);
	}
	cross_say(c, SCHEMA_ERROR, "partner", o->key, "via-domain %s comes back to itself: break the chain",
		  first);
}

/* ---- one partner ---- */

static bool covers_own(void *arg, const char *key, const char *body, size_t len)
{
	struct cross *c = arg;
	const struct schema_object *o = &c->o; /* the block */
	const char *name = bare(o->key);
	size_t n = strlen(key), d = strlen(name);
	bool tree = name != o->key;

	if (n == d ? strcmp(key, name) == 0
		   : tree && n > d && key[n - d - 1] == '.' && strcmp(key + n - d, name) == 0)
		cross_say(c, SCHEMA_WARNING, "partner", o->key,
			  "blocks our own SIP domain %s: nobody who shares its address space can reach us",
			  key);
	return true;
}

static bool identity_check_pinned(struct cross *c)
{
	return cross_load(c, "federation", "") &&
	       strcmp(schema_object_find(&c->other, "identity-check"), "pinned") == 0;
}

void cross_partner_plain(struct cross *c, const struct schema_entry *e)
{
	if (!c->scan_all)
		check_allow(c, e->key, e->body, e->body_len);
	check_own(c, e->key, false);
}

void cross_partner(struct cross *c, const struct schema_object *o, const struct schema_entry *e)
{
	bool block = strcmp(schema_object_find(o, "action"), "block") == 0;
	char above[SCHEMA_KEY_MAX];

	if (!c->scan_all)
		check_allow(c, o->key, e->body, e->body_len);
	check_own(c, o->key, block);
	if (block) {
		cross_each(c, "sip-domain", covers_own, c);
		return;
	}
	if (is_except(e->body, e->body_len) && !block_above(c, o->key, above))
		cross_say(c, SCHEMA_WARNING, "partner", o->key,
			  "says except, but nothing blocks it: delete that");
	check_servers(c, o);
	check_via(c, o);
	/* the box's own mode holds where the partner says none */
	if (!schema_object_get(o, (unsigned)schema_field_named(o->noun, "identity-check")) &&
	    !schema_object_get(o, (unsigned)schema_field_named(o->noun, "spki")) && identity_check_pinned(c))
		cross_say(c, SCHEMA_WARNING, "partner", o->key,
			  "federation's identity-check is pinned, and it has no spki: nobody can prove to be "
			  "it");
}
