/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/store/candidate.h"

#include <errno.h>
#include <string.h>

enum { MANY = 4096 };

static int below(void *ctx, unsigned noun, const char *key, struct schema_text *body)
{
	struct candidate *c = ctx;

	return c->store->ops->get(c->store, noun, key, body);
}

void candidate_init(struct candidate *c, struct store *store, schema_idn_fn idn)
{
	memset(c, 0, sizeof(*c));
	c->store = store;
	c->reader.map = &c->map;
	c->reader.below = below;
	c->reader.below_ctx = c;
	c->reader.idn = idn;
}

void candidate_clear(struct candidate *c)
{
	schema_map_fini(&c->map);
}

void candidate_fini(struct candidate *c)
{
	schema_reader_fini(&c->reader);
	schema_map_fini(&c->map);
}

int candidate_copy(struct candidate *c, const struct candidate *from)
{
	int r = 0;

	for (size_t i = 0; i < from->map.n && !r; i++) {
		const struct schema_entry *e = &from->map.entry[i];

		if (!e->dead)
			r = schema_map_put(&c->map, e->noun, e->key, e->body, e->body_len, e->line);
	}
	return r;
}

int candidate_line(struct candidate *c, const char *line, unsigned number, struct schema_error *error)
{
	return schema_reader_line(&c->reader, line, number, error);
}

/* many changes: one walk through what is in force instead of a question each */
static int normalise_many(struct candidate *c)
{
	struct store_cursor *cursor;
	const char *key, *body;
	unsigned noun;
	size_t len, removals = 0;
	int r = c->store->ops->open_cursor(c->store, -1, NULL, &cursor);

	if (r)
		return r;
	for (size_t i = 0; i < c->map.n; i++)
		removals += !c->map.entry[i].dead && !c->map.entry[i].body;
	while ((r = c->store->ops->next(cursor, &noun, &key, &body, &len)) == 1) {
		const struct schema_entry *e = schema_map_get(&c->map, noun, key);

		if (!e)
			continue;
		if (e->body && e->body_len == len && memcmp(e->body, body, len) == 0)
			schema_map_drop(&c->map, noun, key);
	}
	c->store->ops->close_cursor(cursor);
	/* what is taken away without having been there */
	for (size_t i = 0; removals && i < c->map.n && r >= 0; i++) {
		const struct schema_entry *e = &c->map.entry[i];
		struct schema_text old = {0};

		if (e->dead || e->body)
			continue;
		r = c->store->ops->get(c->store, e->noun, e->key, &old);
		if (r == 0)
			schema_map_drop(&c->map, e->noun, e->key);
		schema_text_fini(&old);
	}
	return r < 0 ? r : 0;
}

int candidate_normalise(struct candidate *c)
{
	struct schema_text body = {0};
	int r = 0;

	if (schema_map_count(&c->map) > MANY)
		return normalise_many(c);
	for (size_t i = 0; i < c->map.n && r >= 0; i++) {
		const struct schema_entry *e = &c->map.entry[i];

		if (e->dead)
			continue;
		schema_text_reset(&body);
		r = c->store->ops->get(c->store, e->noun, e->key, &body);
		if ((r == 0 && !e->body) ||
		    (r == 1 && e->body && body.n == e->body_len && memcmp(body.p, e->body, body.n) == 0))
			schema_map_drop(&c->map, e->noun, e->key);
	}
	schema_text_fini(&body);
	return r < 0 ? r : 0;
}

static int source_get(void *ctx, unsigned noun, const char *key, struct schema_text *body)
{
	struct candidate *c = ctx;
	const struct schema_entry *e = schema_map_get(&c->map, noun, key);

	if (!e)
		return c->store->ops->get(c->store, noun, key, body);
	if (!e->body)
		return 0;
	return schema_text_add(body, e->body, e->body_len) ? -ENOMEM : 1;
}

static int source_each(void *ctx, unsigned noun, schema_each_fn each, void *arg)
{
	struct candidate *c = ctx;
	struct store_cursor *cursor;
	const char *key, *body;
	unsigned n;
	size_t len;
	int r = c->store->ops->open_cursor(c->store, (int)noun, NULL, &cursor);

	if (r)
		return r;
	while ((r = c->store->ops->next(cursor, &n, &key, &body, &len)) == 1)
		if (!schema_map_get(&c->map, noun, key) && !each(arg, key, body, len))
			break;
	c->store->ops->close_cursor(cursor);
	if (r < 0)
		return r;
	if (r == 1)
		return 0; /* the callback has enough */
	return schema_source_map(&c->map).each(&c->map, noun, each, arg);
}

struct schema_source candidate_source(struct candidate *c)
{
	return (struct schema_source){c, source_get, source_each};
}

int candidate_become(struct candidate *c, const struct schema_map *target)
{
	struct store_cursor *cursor;
	const char *key, *body;
	unsigned noun;
	size_t len;
	int r = c->store->ops->open_cursor(c->store, -1, NULL, &cursor), put = 0;

	if (r)
		return r;
	candidate_clear(c);
	while (!put && (r = c->store->ops->next(cursor, &noun, &key, &body, &len)) == 1)
		if (!schema_map_get(target, noun, key))
			put = schema_map_put(&c->map, noun, key, NULL, 0, 0);
	c->store->ops->close_cursor(cursor);
	for (size_t i = 0; i < target->n && !put; i++) {
		const struct schema_entry *e = &target->entry[i];

		if (!e->dead && e->body)
			put = schema_map_put(&c->map, e->noun, e->key, e->body, e->body_len, e->line);
	}
	if (put || r < 0)
		return put ? put : r;
	return candidate_normalise(c);
}

int candidate_return(struct candidate *c, uint64_t id)
{
	struct store_cursor *cursor;
	const char *key, *body;
	unsigned noun;
	size_t len;
	int r = c->store->ops->open_undo(c->store, id, &cursor), put = 0;

	if (r)
		return r;
	candidate_clear(c);
	while (!put && (r = c->store->ops->next(cursor, &noun, &key, &body, &len)) == 1)
		put = schema_map_put(&c->map, noun, key, body, body ? len : 0, 0);
	c->store->ops->close_cursor(cursor);
	if (put || r < 0)
		return put ? put : r;
	return candidate_normalise(c);
}

static void lines(struct schema_text *out, const char *text, char sign)
{
	while (text && *text) {
		size_t n = strcspn(text, "\n");

		schema_text_printf(out, "%c ", sign);
		schema_text_add(out, text, n);
		schema_text_add(out, "\n", 1);
		text += n + (text[n] == '\n');
	}
}

static bool has_line(const char *text, const char *line, size_t n)
{
	for (; text && *text; text += strcspn(text, "\n"), text += *text == '\n')
		if (strcspn(text, "\n") == n && memcmp(text, line, n) == 0)
			return true;
	return false;
}

/* lines of `text` that `other` does not have */
static void only(struct schema_text *out, const char *text, const char *other, char sign)
{
	while (text && *text) {
		size_t n = strcspn(text, "\n");

		if (!has_line(other, text, n)) {
			schema_text_printf(out, "%c ", sign);
			schema_text_add(out, text, n);
			schema_text_add(out, "\n", 1);
		}
		text += n + (text[n] == '\n');
	}
}

int candidate_diff_text(unsigned noun, const char *key, const char *before, size_t before_len,
			const char *after, size_t after_len, struct schema_text *out)
{
	struct schema_object o = {0};
	struct schema_text a = {0}, b = {0};
	int r = 0;

	if (before)
		r = schema_object_load(&o, &schema_nouns[noun], key, before, before_len) ||
		    schema_object_print(&o, &a);
	if (after && !r)
		r = schema_object_load(&o, &schema_nouns[noun], key, after, after_len) ||
		    schema_object_print(&o, &b);
	if (!r && schema_nouns[noun].split) {
		only(out, a.p, b.p, '-');
		only(out, b.p, a.p, '+');
	} else if (!r) {
		lines(out, a.p, '-');
		lines(out, b.p, '+');
	}
	schema_object_fini(&o);
	schema_text_fini(&a);
	schema_text_fini(&b);
	return r ? -EINVAL : 0;
}

int candidate_diff_json(unsigned noun, const char *key, const char *before, size_t before_len,
			const char *after, size_t after_len, struct schema_text *out)
{
	struct schema_object o = {0};
	int r = schema_text_printf(out, "{\"change\":\"%s\",\"noun\":\"%s\",\"key\":",
				   !before  ? "add"
				   : !after ? "remove"
					    : "modify",
				   schema_nouns[noun].name);

	r = r ? r : schema_json_string(out, key);
	if (before && !r) {
		schema_text_puts(out, ",\"before\":");
		r = schema_object_load(&o, &schema_nouns[noun], key, before, before_len) ||
		    schema_object_json(&o, out);
	}
	if (after && !r) {
		schema_text_puts(out, ",\"after\":");
		r = schema_object_load(&o, &schema_nouns[noun], key, after, after_len) ||
		    schema_object_json(&o, out);
	}
	schema_object_fini(&o);
	return r ? -EINVAL : schema_text_add(out, "}", 1);
}
