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

/* what lies over the live configuration so that it is revision `id` */
static int overlay(struct request *r, struct stream *s, uint64_t id)
{
	struct store_revision rev;
	struct candidate back;
	int rc = r->control->store->ops->revision(r->control->store, id, &rev);

	if (rc)
		return rc;
	candidate_init(&back, r->control->store, NULL);
	rc = candidate_return(&back, id);
	s->own = back.map;
	memset(&back.map, 0, sizeof(back.map));
	candidate_fini(&back);
	return rc;
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
	if (key) {
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
		int rc = overlay(r, s, strtoull(revision, NULL, 10));

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

/* ---- lists ---- */

struct list {
	struct request *r;
	struct schema_text t;
	unsigned left, n;
};

static unsigned count_of(struct request *r)
{
	const char *v = schema_call_get(&r->call, "count");

	return v ? (unsigned)strtoul(v, NULL, 10) : 20;
}

static bool block_row(void *ctx, const struct store_block *b)
{
	struct list *l = ctx;
	char when[32];

	schema_text_reset(&l->t);
	if (l->r->json) {
		schema_text_puts(&l->t, "{\"domain\":");
		schema_json_string(&l->t, b->domain);
		schema_text_printf(&l->t, ",\"revision\":%llu,\"at\":%llu,\"user\":",
				   (unsigned long long)b->revision, (unsigned long long)b->at);
		schema_json_string(&l->t, b->user);
		schema_text_puts(&l->t, ",\"comment\":");
		schema_json_string(&l->t, b->comment);
		schema_text_puts(&l->t, "}");
		reply_row(l->r, l->t.p, l->t.n);
	} else {
		text_pad(&l->t, b->domain, 32);
		text_pad(&l->t, text_time(b->at, when), 20);
		text_pad(&l->t, b->user, 10);
		schema_text_printf(&l->t, "%s\n", b->comment);
		reply_raw(l->r, l->t.p, l->t.n);
	}
	l->n++;
	return true;
}

void show_blocks(struct request *r)
{
	struct list l = {.r = r};

	for (struct control_unstored *u = r->control->unstored; u; u = u->next)
		reply_say(r, "%s %s is in force but not stored yet; it is tried again",
			  u->remove ? "unblock" : "block", u->block.domain);
	for (struct control_unshown *u = r->control->unshown; u; u = u->next)
		reply_say(r, "block %s is stored but not in force yet; it is tried again", u->domain);
	r->control->store->ops->blocks(r->control->store, block_row, &l);
	if (!l.n && !r->json)
		reply_text(r, "no emergency blocks\n");
	schema_text_fini(&l.t);
	reply_end(r, 0);
}

static bool revision_row(void *ctx, const struct store_revision *v)
{
	struct list *l = ctx;
	char buf[64];

	schema_text_reset(&l->t);
	if (l->r->json) {
		text_revision_json(v, &l->t);
		reply_row(l->r, l->t.p, l->t.n);
	} else {
		snprintf(buf, sizeof(buf), "%llu", (unsigned long long)v->id);
		text_pad(&l->t, buf, 6);
		text_pad(&l->t, text_time(v->at, buf), 20);
		text_pad(&l->t, v->user, 12);
		text_pad(&l->t, v->kind, 9);
		snprintf(buf, sizeof(buf), "%llu", (unsigned long long)v->changes);
		text_pad(&l->t, buf, 8);
		snprintf(buf, sizeof(buf), "%.12s", v->fingerprint);
		text_pad(&l->t, buf, 13);
		schema_text_printf(&l->t, "%s%s\n", v->comment, v->revert_at ? "  (waits for confirm)" : "");
		reply_raw(l->r, l->t.p, l->t.n);
	}
	return --l->left > 0;
}

void show_revisions(struct request *r)
{
	struct list l = {.r = r, .left = count_of(r)};

	if (!r->json)
		reply_text(r, "%-6s %-20s %-12s %-9s %-8s %-13s %s\n", "number", "when (UTC)", "who", "what",
			   "objects", "hash", "why");
	if (l.left)
		r->control->store->ops->revisions(r->control->store, 0, revision_row, &l);
	schema_text_fini(&l.t);
	reply_end(r, 0);
}

static bool audit_row(void *ctx, const struct store_audit *a)
{
	struct list *l = ctx;
	char when[32];

	schema_text_reset(&l->t);
	if (l->r->json) {
		schema_text_printf(&l->t,
				   "{\"id\":%llu,\"at\":%llu,\"uid\":%u,\"user\":", (unsigned long long)a->id,
				   (unsigned long long)a->at, a->uid);
		schema_json_string(&l->t, a->user);
		schema_text_puts(&l->t, ",\"action\":");
		schema_json_string(&l->t, a->action);
		schema_text_puts(&l->t, ",\"result\":");
		schema_json_string(&l->t, a->result);
		schema_text_puts(&l->t, "}");
		reply_row(l->r, l->t.p, l->t.n);
	} else {
		text_pad(&l->t, text_time(a->at, when), 20);
		text_pad(&l->t, a->user, 12);
		text_pad(&l->t, a->result, 12);
		schema_text_printf(&l->t, "%s\n", a->action);
		reply_raw(l->r, l->t.p, l->t.n);
	}
	return true;
}

void show_audit(struct request *r)
{
	struct list l = {.r = r};

	r->control->store->ops->audits(r->control->store, count_of(r), audit_row, &l);
	schema_text_fini(&l.t);
	reply_end(r, 0);
}

/* ---- differences ---- */

static void diff_row(struct request *r, unsigned noun, const char *key, const char *before, size_t before_len,
		     const char *after, size_t after_len)
{
	struct schema_text t = {0};

	if (r->json) {
		candidate_diff_json(noun, key, before, before_len, after, after_len, &t);
		reply_row(r, t.p, t.n);
	} else {
		candidate_diff_text(noun, key, before, before_len, after, after_len, &t);
		if (t.n)
			reply_raw(r, t.p, t.n);
	}
	schema_text_fini(&t);
}

/* what `map` would make of what is in force; `turn`: seen the other way round */
static int diff_map(struct request *r, const struct schema_map *map, bool turn)
{
	struct store *s = r->control->store;
	const struct schema_entry **e;
	struct schema_text live = {0};
	size_t n;
	int rc = schema_map_sorted(map, &e, &n);

	for (size_t i = 0; !rc && i < n; i++) {
		int has;

		schema_text_reset(&live);
		has = s->ops->get(s, e[i]->noun, e[i]->key, &live);
		if (has < 0)
			rc = has;
		else if (turn)
			diff_row(r, e[i]->noun, e[i]->key, e[i]->body, e[i]->body_len, has ? live.p : NULL,
				 live.n);
		else
			diff_row(r, e[i]->noun, e[i]->key, has ? live.p : NULL, live.n, e[i]->body,
				 e[i]->body_len);
	}
	if (rc >= 0)
		free(e);
	schema_text_fini(&live);
	return rc;
}

void show_compare(struct request *r)
{
	const char *revision = schema_call_get(&r->call, "revision");
	struct stream s = {0};
	int rc;

	if (!revision) {
		rc = candidate_normalise(&r->control->candidate);
		rc = rc ? rc : diff_map(r, &r->control->candidate.map, false);
	} else {
		rc = overlay(r, &s, strtoull(revision, NULL, 10));
		rc = rc ? rc : diff_map(r, &s.own, true);
		schema_map_fini(&s.own);
	}
	if (rc)
		reply_error(r, "none", 0, 0,
			    rc == -ENOENT ? "there is no revision %s" : "the store cannot be read%s",
			    rc == -ENOENT ? revision : "");
	reply_end(r, rc ? 1 : 0);
}

void show_revision(struct request *r)
{
	uint64_t id = strtoull(schema_call_get(&r->call, "revision"), NULL, 10);
	struct store *s = r->control->store;
	struct list l = {.r = r, .left = 1};
	struct store_revision v;
	struct store_cursor *c;
	const char *key, *body;
	struct schema_text after = {0};
	unsigned noun;
	size_t len;
	int rc = s->ops->revision(s, id, &v);

	if (rc) {
		reply_error(r, "none", 0, 0, "there is no revision %llu", (unsigned long long)id);
		return reply_end(r, 1);
	}
	revision_row(&l, &v);
	schema_text_fini(&l.t);
	/* after this revision = before the next one that touched it, or now */
	rc = s->ops->open_changes(s, id, &c);
	if (rc)
		return reply_end(r, 1);
	{
		struct stream now = {0};

		rc = overlay(r, &now, id);
		while (!rc && s->ops->next(c, &noun, &key, &body, &len) == 1) {
			const struct schema_entry *e = schema_map_get(&now.own, noun, key);
			int has = e ? e->body != NULL : 0;

			schema_text_reset(&after);
			if (e && e->body)
				schema_text_add(&after, e->body, e->body_len);
			else if (!e)
				has = s->ops->get(s, noun, key, &after) == 1;
			diff_row(r, noun, key, body, len, has ? after.p : NULL, after.n);
		}
		schema_map_fini(&now.own);
	}
	s->ops->close_cursor(c);
	schema_text_fini(&after);
	reply_end(r, 0);
}

/* ---- status ---- */

void show_status(struct request *r)
{
	struct control *c = r->control;
	struct store_revision head, pending;
	struct publish_state p = {0};
	struct timespec now;
	char when[32];
	uint64_t up;

	clock_gettime(CLOCK_MONOTONIC, &now);
	up = (uint64_t)now.tv_sec - c->started;
	c->store->ops->head(c->store, &head);
	if (c->publish)
		publish_state(c->publish, &p);
	if (r->json) {
		struct schema_text t = {0};

		schema_text_printf(&t,
				   "{\"uptime\":%llu,\"revision\":%llu,\"objects\":%llu,\"hash\":\"%s\","
				   "\"candidate\":%zu,"
				   "\"changing\":%s,\"unstored_blocks\":%s,\"segment\":",
				   (unsigned long long)up, (unsigned long long)head.id,
				   (unsigned long long)head.objects, head.fingerprint,
				   schema_map_count(&c->candidate.map), c->change ? "true" : "false",
				   c->unstored ? "true" : "false");
		if (c->publish)
			schema_text_printf(
				&t,
				"{\"generation\":%llu,\"revision\":%llu,\"domains\":%llu,\"dataplane\":%s,"
				"\"heartbeat_age_ms\":%llu}}",
				(unsigned long long)p.generation, (unsigned long long)p.revision,
				(unsigned long long)p.domains, p.dataplane_alive ? "true" : "false",
				(unsigned long long)p.heartbeat_age_ms);
		else
			schema_text_puts(&t, "null}");
		reply_row(r, t.p, t.n);
		schema_text_fini(&t);
		return reply_end(r, 0);
	}
	reply_text(r, "control     up %llu s, store %s\n", (unsigned long long)up, c->store_dir);
	reply_text(r, "revision    %llu of %s by %s: %llu objects, hash %.16s\n", (unsigned long long)head.id,
		   head.id ? text_time(head.at, when) : "never", head.id ? head.user : "nobody",
		   (unsigned long long)head.objects, head.fingerprint);
	if (c->store->ops->pending(c->store, &pending) == 1)
		reply_text(r, "waiting     revision %llu reverts to %llu at %s unless you say confirm\n",
			   (unsigned long long)pending.id, (unsigned long long)pending.revert_to,
			   text_time(pending.revert_at, when));
	reply_text(r, "candidate   %zu objects differ%s%s\n", schema_map_count(&c->candidate.map),
		   *c->edited_by ? ", edited by " : "", c->edited_by);
	if (c->unstored)
		reply_text(r, "WARNING     a block is in force but not stored; it is tried again\n");
	if (!c->publish)
		reply_text(r, "segment     none: nothing is published\n");
	else
		reply_text(r, "segment     generation %llu shows revision %llu, %llu domains\n",
			   (unsigned long long)p.generation, (unsigned long long)p.revision,
			   (unsigned long long)p.domains);
	if (c->publish)
		reply_text(r, "dataplane   %s%s\n", p.dataplane_alive ? "alive" : "not running", p.text);
	if (c->shadowing)
		reply_text(r, "shadow      %zu objects are tried\n", c->shadow_objects);
	reply_end(r, 0);
}
