/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/schema/cross_check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FEW = 256 };

void cross_say(struct cross *c, enum schema_severity severity, const char *noun, const char *key,
	       const char *format, ...)
{
	char text[SCHEMA_WHY_MAX];
	struct schema_finding f = {severity, noun, key, c->line, text};
	va_list ap;

	if (severity == SCHEMA_ERROR)
		c->errors++;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	c->report(c->ctx, &f);
}

unsigned cross_noun(const char *name)
{
	return schema_noun_index(schema_noun_named(name));
}

bool cross_exists(struct cross *c, unsigned noun, const char *key)
{
	int r;

	schema_text_reset(&c->body);
	r = c->source->get(c->source->ctx, noun, key, &c->body);
	if (r < 0)
		c->fault = r;
	return r == 1;
}

/* loads into c->other */
bool cross_load(struct cross *c, const char *noun, const char *key)
{
	return cross_exists(c, cross_noun(noun), key) &&
	       schema_object_load(&c->other, schema_noun_named(noun), key, c->body.p ? c->body.p : "",
				  c->body.n) == 0;
}

void cross_each(struct cross *c, const char *noun, schema_each_fn fn, void *arg)
{
	int r = c->source->each(c->source->ctx, cross_noun(noun), fn, arg);

	if (r)
		c->fault = r;
}

/* ---- references ---- */

/* what is there without being written (config/policy/tls_shipped.h) */
static bool shipped(const char *noun, const char *name)
{
	return strcmp(noun, "tls-profile") == 0 &&
	       (strcmp(name, "modern") == 0 || strcmp(name, "compat") == 0);
}

static void check_references(struct cross *c, const struct schema_object *o)
{
	for (unsigned i = 0; i < o->n; i++) {
		const struct schema_field *f = &o->noun->fields[o->item[i].field];
		const char *v = schema_object_value(o, &o->item[i]);

		if (f->refers && !shipped(f->refers, v) && !cross_exists(c, cross_noun(f->refers), v))
			cross_say(c, SCHEMA_ERROR, o->noun->name, o->key, "%s: there is no %s %s", f->name,
				  f->refers, v);
	}
}

/* what is kept and has no effect is not to be believed in */
static void check_kept(struct cross *c, const struct schema_object *o)
{
	for (unsigned i = 0; i < o->n; i++) {
		const struct schema_field *f = &o->noun->fields[o->item[i].field];

		if ((f->flags & SCHEMA_KEPT) && (i == 0 || o->item[i - 1].field != o->item[i].field) &&
		    !(f->fallback && strcmp(schema_object_value(o, &o->item[i]), f->fallback) == 0))
			cross_say(c, SCHEMA_WARNING, o->noun->name, o->key,
				  "%s is kept, and has no effect in this version", f->name);
	}
}

struct still_used {
	struct cross *c;
	const struct schema_noun *noun;
	const char *gone, *key;
	char needle[200];
	bool found;
};

static bool uses(void *arg, const char *key, const char *body, size_t len)
{
	struct still_used *u = arg;

	if (!memmem(body, len, u->gone, strlen(u->gone)))
		return true;
	if (schema_object_load(&u->c->o, u->noun, key, body, len))
		return true;
	for (unsigned i = 0; i < u->c->o.n; i++) {
		const struct schema_field *f = &u->noun->fields[u->c->o.item[i].field];

		if (f->refers && strcmp(f->refers, u->needle) == 0 &&
		    strcmp(schema_object_value(&u->c->o, &u->c->o.item[i]), u->gone) == 0) {
			cross_say(u->c, SCHEMA_ERROR, u->needle, u->gone,
				  "is gone, but %s %s refers to it (%s)", u->noun->name, key, f->name);
			u->found = true;
			return false;
		}
	}
	return true;
}

static void check_removed(struct cross *c, const struct schema_entry *e)
{
	const char *name = schema_nouns[e->noun].name;

	if (shipped(name, e->key))
		return;
	for (unsigned i = 0; i < schema_nouns_n; i++) {
		const struct schema_noun *n = &schema_nouns[i];
		struct still_used u = {.c = c, .noun = n, .gone = e->key};
		bool refers = false;

		for (unsigned k = 0; k < n->fields_n; k++)
			refers |= n->fields[k].refers && strcmp(n->fields[k].refers, name) == 0;
		if (!refers)
			continue;
		snprintf(u.needle, sizeof(u.needle), "%s", name);
		cross_each(c, n->name, uses, &u);
		if (u.found)
			return;
	}
}

static void check_object(struct cross *c, const struct schema_entry *e)
{
	static const struct {
		const char *noun;
		void (*check)(struct cross *, const struct schema_object *);
	} checks[] = {
		{"route", cross_route},
		{"identity", cross_identity},
		{"sip-domain", cross_sip_domain},
		{"access", cross_access},
		{"site", cross_site},
		{"provider", cross_provider},
		{"federation", cross_federation},
		{"observe", cross_observe},
		{"limit-class", cross_count},
		{"tls-profile", cross_count},
	};
	const struct schema_noun *n = &schema_nouns[e->noun];
	static const char plain[] = "action allow";
	bool partner = strcmp(n->name, "partner") == 0;
	char why[SCHEMA_WHY_MAX];

	c->line = e->line;
	/* the many: nothing but the name */
	if (partner && e->body_len == sizeof(plain) - 1 && memcmp(e->body, plain, e->body_len) == 0) {
		cross_partner_plain(c, e);
		return;
	}
	if (schema_object_load(&c->o, n, e->key, e->body, e->body_len) || schema_object_check(&c->o, why)) {
		cross_say(c, SCHEMA_ERROR, n->name, e->key, "%s",
			  c->o.noun == n ? why : "has settings that are not known here");
		return;
	}
	check_references(c, &c->o);
	check_kept(c, &c->o);
	if (partner)
		cross_partner(c, &c->o, e);
	for (unsigned i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		if (strcmp(checks[i].noun, n->name) == 0)
			checks[i].check(c, &c->o);
}

long schema_cross_check(const struct schema_source *source, const struct schema_entry *const *changed,
			size_t n, schema_report_fn report, void *ctx)
{
	struct cross c = {.source = source, .report = report, .ctx = ctx};
	unsigned partner = cross_noun("partner"), boot = 0;
	size_t partners = 0;
	long r;

	for (size_t i = 0; i < n; i++) {
		if (changed[i]->noun == partner) {
			partners++;
			if (changed[i]->body && cross_is_block(changed[i]->body, changed[i]->body_len))
				c.scan_all = true;
		}
		boot += schema_nouns[changed[i]->noun].applies == SCHEMA_BOOT;
	}
	/* many partners, or a new block: look at all of them once instead of asking for each */
	if (partners > FEW || c.scan_all)
		cross_scan_partners(&c);
	for (size_t i = 0; i < n && !c.fault; i++) {
		if (changed[i]->body)
			check_object(&c, changed[i]);
		else
			check_removed(&c, changed[i]);
	}
	c.line = 0;
	if (boot)
		cross_say(&c, SCHEMA_NOTE, "dataplane", "",
			  "%u of the changes take effect when the dataplane starts anew", boot);
	r = c.fault ? c.fault : c.errors;
	schema_object_fini(&c.o);
	schema_object_fini(&c.other);
	schema_text_fini(&c.body);
	schema_map_fini(&c.blocks);
	schema_map_fini(&c.own);
	return r;
}

static int map_get(void *ctx, unsigned noun, const char *key, struct schema_text *body)
{
	const struct schema_entry *e = schema_map_get(ctx, noun, key);

	if (!e || !e->body)
		return 0;
	return schema_text_add(body, e->body, e->body_len) ? -ENOMEM : 1;
}

static int map_each(void *ctx, unsigned noun, schema_each_fn fn, void *arg)
{
	const struct schema_map *m = ctx;

	for (size_t i = 0; i < m->n; i++) {
		const struct schema_entry *e = &m->entry[i];

		if (!e->dead && e->body && e->noun == noun && !fn(arg, e->key, e->body, e->body_len))
			break;
	}
	return 0;
}

struct schema_source schema_source_map(const struct schema_map *map)
{
	return (struct schema_source){(void *)(uintptr_t)map, map_get, map_each};
}
