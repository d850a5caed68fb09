/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/daemon/show.h"
#include "config/schema/schema_value.h"
#include "controlplane/daemon/text.h"
#include "controlplane/publish/publish.h"
#include "controlplane/store/idn.h"
#include "controlplane/store/merge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { ROWS_A_PUMP = 256 };

/* ---- streams of objects ---- */

enum form { FORM_SET, FORM_DOMAINS, FORM_ACL };

struct stream {
	struct merge merge;
	struct schema_object object;
	struct schema_text text;
	struct schema_map own; /* for a revision: what to lay over */
	struct store *reader;
	enum form form;
	char exact[SCHEMA_KEY_MAX], exact_tree[SCHEMA_KEY_MAX + 2];
	bool one;
	size_t rows;
};

static void stream_gone(struct request *r)
{
	struct stream *s = r->state;

	merge_close(&s->merge);
	schema_object_fini(&s->object);
	schema_text_fini(&s->text);
	schema_map_fini(&s->own);
	free(s);
}

/* "set partner X allow y" without its first two words, as load domains reads it */
static void domain_line(struct request *r, struct stream *s)
{
	const char *line = s->text.p + strlen("set partner ");

	reply_raw(r, line, s->text.n - strlen("set partner "));
}

static void acl_row(struct request *r, struct stream *s, const char *key)
{
	const char *proxy = schema_object_find(&s->object, "proxy-fqdn");
	const char *via = schema_object_find(&s->object, "via-domain");
	const char *name = strncmp(key, "*.", 2) == 0 ? key + 2 : key;
	const char *action = schema_object_find(&s->object, "action");
	bool block = action && strcmp(action, "block") == 0;

	schema_text_reset(&s->text);
	if (r->json) {
		schema_text_puts(&s->text, "{\"domain\":");
		schema_json_string(&s->text, key);
		schema_text_printf(&s->text, ",\"access\":\"%s\",\"peer\":", block ? "deny" : "permit");
		schema_json_string(&s->text, block ? "" : proxy ? proxy : via ? via : name);
		schema_text_puts(&s->text, "}");
		reply_row(r, s->text.p, s->text.n);
		return;
	}
	text_pad(&s->text, block ? "deny" : "permit", 6);
	text_pad(&s->text, key, 40);
	if (!block)
		schema_text_printf(&s->text, "%s%s",
				   proxy ? "certificate "
				   : via ? "through "
					 : "SRV of ",
				   proxy ? proxy
				   : via ? via
					 : name);
	schema_text_puts(&s->text, "\n");
	reply_raw(r, s->text.p, s->text.n);
}

static int stream_pump(struct request *r)
{
	struct stream *s = r->state;

	for (unsigned i = 0; i < ROWS_A_PUMP; i++) {
		const char *key, *body;
		unsigned noun;
		size_t len;
		int rc = merge_next(&s->merge, &noun, &key, &body, &len);

		if (rc <= 0)
			return rc;
		if (s->one && strcmp(key, s->exact) && strcmp(key, s->exact_tree))
			continue;
		if (schema_object_load(&s->object, &schema_nouns[noun], key, body, len)) {
			reply_error(r, "store", 0, 0, "%s %s has settings that are not known here",
				    schema_nouns[noun].name, key);
			continue;
		}
		s->rows++;
		schema_text_reset(&s->text);
		if (s->form == FORM_ACL) {
			acl_row(r, s, key);
		} else if (r->json) {
			schema_object_json(&s->object, &s->text);
			reply_row(r, s->text.p, s->text.n);
		} else {
			schema_object_print(&s->object, &s->text);
			if (s->form == FORM_DOMAINS)
				domain_line(r, s);
			else
				reply_raw(r, s->text.p, s->text.n);
		}
	}
	return 1;
}

static void stream_start(struct request *r, struct stream *s, const struct schema_map *over, int noun,
			 const char *prefix)
{
	int rc = merge_open(&s->merge, r->control->store, over, noun, prefix);

	r->state = s;
	r->gone = stream_gone;
	if (rc) {
		reply_error(r, "store", 0, 0, "the store cannot be read: %s", strerror(-rc));
		reply_end(r, 1);
		return;
	}
	r->pump = stream_pump;
	reply_stream(r);
}

void show_configuration(struct request *r)
{
	const char *noun_word = schema_call_get(&r->call, "noun"), *key = schema_call_get(&r->call, "key");
	const char *revision = schema_call_get(&r->call, "revision");
	struct stream *s = calloc(1, sizeof(*s));
	const struct schema_map *over = NULL;
	const struct schema_noun *noun = NULL;
	char canon[SCHEMA_VALUE_MAX] = "", why[SCHEMA_WHY_MAX];
	bool many = false, prefix = false;
	size_t n;

	if (!s)
		return reply_end(r, 1);
	if (noun_word) {
		noun = schema_noun_find(noun_word, strlen(noun_word), &many);
		n = strlen(noun_word);
		if (!noun && !many && n > 1 && noun_word[n - 1] == 's') /* show configuration partners */
			noun = schema_noun_find(noun_word, n - 1, &many);
		if (!noun) {
			free(s);
			reply_error(r, "syntax", 0, 0, "'%s' %s", noun_word,
				    many ? "could be several things" : "is nothing that is set");
			return reply_end(r, 64);
		}
	}
	if (key && noun) {
		n = strlen(key);
		prefix = n && key[n - 1] == '*';
		if (prefix || noun->key2_word || !noun->key_name)
			snprintf(canon, sizeof(canon), "%.*s", (int)(prefix ? n - 1 : n), key);
		else if (schema_key_canon(noun->key_type, noun->key2_min, key, canon, why, idn_to_ascii)) {
			free(s);
			reply_error(r, "syntax", 0, 0, "%s", why);
			return reply_end(r, 64);
		}
		if (!prefix && !noun->key2_word) {
			s->one = true;
			snprintf(s->exact, sizeof(s->exact), "%.600s", canon);
			snprintf(s->exact_tree, sizeof(s->exact_tree), "*.%.600s", canon);
		}
	}
	if (schema_call_get(&r->call, "candidate"))
		over = &r->control->candidate.map;
	if (revision) {
		int rc = show_overlay(r, strtoull(revision, NULL, 10), &s->own);

		if (rc) {
			schema_map_fini(&s->own);
			free(s);
			reply_error(r, "none", 0, 0, "there is no revision %s", revision);
			return reply_end(r, 1);
		}
		over = &s->own;
	}
	/* one key: its own row and, for partners, the subtree's; both are found without a walk */
	if (s->one && !over) {
		const char *keys[2] = {s->exact, s->exact_tree};

		for (unsigned i = 0; i < 2; i++) {
			struct schema_text body = {0};
			int rc = r->control->store->ops->get(r->control->store, schema_noun_index(noun),
							     keys[i], &body);

			if (rc == 1 &&
			    !schema_object_load(&s->object, noun, keys[i], body.p ? body.p : "", body.n)) {
				schema_text_reset(&s->text);
				if (r->json) {
					schema_object_json(&s->object, &s->text);
					reply_row(r, s->text.p, s->text.n);
				} else {
					schema_object_print(&s->object, &s->text);
					reply_raw(r, s->text.p, s->text.n);
				}
			}
			schema_text_fini(&body);
		}
		schema_object_fini(&s->object);
		schema_text_fini(&s->text);
		free(s);
		return reply_end(r, 0);
	}
	stream_start(r, s, over, noun ? (int)schema_noun_index(noun) : -1, key && !s->one ? canon : NULL);
}

void export_configuration(struct request *r)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s)
		return reply_end(r, 1);
	stream_start(r, s, NULL, -1, NULL);
}

void export_domains(struct request *r)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s)
		return reply_end(r, 1);
	s->form = FORM_DOMAINS;
	stream_start(r, s, NULL, (int)schema_noun_index(schema_noun_named("partner")), NULL);
}

void show_acl(struct request *r)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s)
		return reply_end(r, 1);
	s->form = FORM_ACL;
	stream_start(r, s, NULL, (int)schema_noun_index(schema_noun_named("partner")), NULL);
}

/* ---- one partner: every entry that covers the name ---- */

struct cover {
	const char *name;
	char hard[SCHEMA_KEY_MAX];
};

static bool covers(const char *name, const char *domain)
{
	size_t n = strlen(name), d = strlen(domain);

	return n >= d && strcmp(name + n - d, domain) == 0 && (n == d || name[n - d - 1] == '.');
}

static bool find_hard(void *ctx, const struct store_block *b)
{
	struct cover *c = ctx;

	if (covers(c->name, b->domain))
		snprintf(c->hard, sizeof(c->hard), "%s", b->domain);
	return !c->hard[0];
}

static bool print_entry(struct request *r, const char *key, bool *found)
{
	const struct schema_noun *noun = schema_noun_named("partner");
	struct schema_object o = {0};
	struct schema_text body = {0}, t = {0};
	int rc = r->control->store->ops->get(r->control->store, schema_noun_index(noun), key, &body);

	if (rc == 1 && schema_object_load(&o, noun, key, body.p, body.n) == 0) {
		if (r->json) {
			schema_object_json(&o, &t);
			reply_row(r, t.p, t.n);
		} else {
			schema_object_print(&o, &t);
			reply_raw(r, t.p, t.n);
		}
		*found = true;
	}
	schema_object_fini(&o);
	schema_text_fini(&body);
	schema_text_fini(&t);
	return rc == 1;
}

void show_partner(struct request *r)
{
	const char *name = schema_call_get(&r->call, "domain");
	struct cover cover = {.name = name};
	char key[SCHEMA_KEY_MAX + 2];
	bool found = false;

	if (strncmp(name, "*.", 2) == 0)
		name = cover.name = name + 2;
	r->control->store->ops->blocks(r->control->store, find_hard, &cover);
	if (cover.hard[0]) {
		reply_say(r, "blocked by the emergency block %s: this beats everything below", cover.hard);
		found = true;
	}
	print_entry(r, name, &found);
	for (const char *p = name; p; p = strchr(p, '.') ? strchr(p, '.') + 1 : NULL) {
		snprintf(key, sizeof(key), "*.%.600s", p);
		print_entry(r, key, &found);
	}
	if (!found)
		reply_say(r, "%s is not listed: discovery decides", name);
	reply_end(r, 0);
}
