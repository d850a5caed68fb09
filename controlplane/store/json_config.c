/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/store/json_config.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_SOFT = SCHEMA_LINE_MAX / 2, VALUES_SOFT = 100 };

bool json_config_is(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len && isspace((unsigned char)text[i]))
		i++;
	return i < len && (text[i] == '{' || text[i] == '[');
}

static int bad(struct schema_error *e, unsigned line, unsigned column, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static int bad(struct schema_error *e, unsigned line, unsigned column, const char *format, ...)
{
	va_list ap;

	e->line = line;
	e->column = column;
	va_start(ap, format);
	vsnprintf(e->why, sizeof(e->why), format, ap);
	va_end(ap);
	return -EINVAL;
}

struct converting {
	struct json_config *j;
	struct schema_error *error;
	unsigned object, words;
	size_t from; /* where the line begins in the text */
	struct schema_text head;
};

static int end_line(struct converting *c)
{
	struct json_config *j = c->j;

	if (j->lines == j->cap) {
		unsigned cap = j->cap ? j->cap * 2 : 256;
		unsigned *p = realloc(j->object, cap * sizeof(*p));

		if (!p)
			return -ENOMEM;
		j->object = p;
		j->cap = cap;
	}
	j->object[j->lines++] = c->object;
	return schema_text_puts(&j->text, "\n");
}

/* a line has an end; a site with a thousand users is said in several */
static int room(struct converting *c)
{
	int r;

	if (c->j->text.n - c->from < LINE_SOFT && c->words < VALUES_SOFT)
		return 0;
	r = end_line(c);
	c->from = c->j->text.n;
	c->words = 0;
	return r ? r : schema_text_add(&c->j->text, c->head.p, c->head.n);
}

/* A line break inside of a value would begin another line: no value has one. */
static int word(struct converting *c, const char *w)
{
	for (const char *p = w; *p; p++)
		if ((unsigned char)*p < ' ')
			return bad(c->error, c->object, 1, "a value has a control character");
	if (schema_text_puts(&c->j->text, " "))
		return -ENOMEM;
	return schema_word_print(&c->j->text, w);
}

/* name and value; `field` NULL: a member that the table does not know, which the reader will say */
static int one_value(struct converting *c, const char *name, const struct schema_field *field,
		     const json_t *v)
{
	char number[32];
	const char *text = number;
	int r = room(c);

	if (r)
		return r;
	switch (json_typeof(v)) {
	case JSON_NULL:
		return 0;
	case JSON_TRUE:
		if (field && field->type == SCHEMA_FLAG)
			return word(c, name);
		text = "yes";
		break;
	case JSON_FALSE:
		if (field && field->type == SCHEMA_FLAG)
			return 0;
		text = "no";
		break;
	case JSON_INTEGER:
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(v));
		break;
	case JSON_STRING:
		text = json_string_value(v);
		if (strlen(text) != json_string_length(v))
			return bad(c->error, c->object, 1, "%s: a value has a NUL in it", name);
		break;
	default:
		return bad(c->error, c->object, 1, "%s: a text, a number, true or false is wanted", name);
	}
	c->words++;
	if (!field || !(field->flags & SCHEMA_BARE))
		r = word(c, name);
	return r ? r : word(c, text);
}

static int member(struct converting *c, const struct schema_noun *noun, const char *name, const json_t *v)
{
	int at = schema_field_find(noun, name, strlen(name)), r = 0;
	const struct schema_field *field = at >= 0 ? &noun->fields[at] : NULL;

	if (!json_is_array(v))
		return one_value(c, name, field, v);
	for (size_t i = 0; i < json_array_size(v) && !r; i++)
		r = one_value(c, name, field, json_array_get(v, i));
	return r;
}

static int take_object(struct converting *c, json_t *o)
{
	const char *noun_name, *key, *second = NULL, *name;
	const struct schema_noun *noun;
	json_t *v;
	bool many;
	int r;

	if (!json_is_object(o))
		return bad(c->error, c->object, 1, "is no object");
	noun_name = json_string_value(json_object_get(o, "noun"));
	key = json_string_value(json_object_get(o, "key"));
	if (!noun_name)
		return bad(c->error, c->object, 1, "does not say its noun");
	noun = schema_noun_find(noun_name, strlen(noun_name), &many);
	if (!noun)
		return bad(c->error, c->object, 1, "there is no noun '%.60s'", noun_name);
	if (noun->key_name && !key)
		return bad(c->error, c->object, 1, "%s: does not say its key", noun->name);
	if (noun->key2_word)
		second = json_string_value(json_object_get(o, noun->key2_word));
	if (noun->key2_word && !second)
		return bad(c->error, c->object, 1, "%s %.100s: does not say '%s'", noun->name, key,
			   noun->key2_word);
	c->from = c->j->text.n;
	c->words = 0;
	r = schema_text_printf(&c->j->text, "set %s", noun->name);
	if (noun->key_name && !r)
		r = word(c, key);
	if (second && !r) {
		r = schema_text_printf(&c->j->text, " %s", noun->key2_word);
		r = r ? r : word(c, second);
	}
	schema_text_reset(&c->head);
	r = r ? r : schema_text_add(&c->head, c->j->text.p + c->from, c->j->text.n - c->from);
	json_object_foreach(o, name, v)
	{
		if (r)
			break;
		if (strcmp(name, "noun") == 0 || strcmp(name, "key") == 0 ||
		    (noun->key2_word && strcmp(name, noun->key2_word) == 0))
			continue;
		r = member(c, noun, name, v);
	}
	return r ? r : end_line(c);
}

int json_config_read(struct json_config *j, const char *text, size_t len, struct schema_error *error)
{
	json_error_t where;
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where), *rows;
	struct converting c = {.j = j, .error = error};
	int r = 0;

	memset(j, 0, sizeof(*j));
	if (!root)
		return bad(error, where.line > 0 ? (unsigned)where.line : 1,
			   where.column > 0 ? (unsigned)where.column : 1, "this is no JSON: %s", where.text);
	rows = json_is_array(root) ? root : json_object_get(root, "rows");
	if (!json_is_array(rows)) {
		json_decref(root);
		return bad(error, 1, 1, "an array of objects is wanted, or an object whose \"rows\" are one");
	}
	for (size_t i = 0; i < json_array_size(rows) && !r; i++) {
		c.object = (unsigned)i + 1;
		r = take_object(&c, json_array_get(rows, i));
	}
	schema_text_fini(&c.head);
	json_decref(root);
	return r;
}

void json_config_fini(struct json_config *j)
{
	schema_text_fini(&j->text);
	free(j->object);
	memset(j, 0, sizeof(*j));
}

struct complaining {
	const struct json_config *j;
	schema_complain_fn complain;
	void *ctx;
};

static bool complain_object(void *ctx, const struct schema_error *e)
{
	struct complaining *c = ctx;
	struct schema_error of = *e;

	if (e->line && e->line <= c->j->lines)
		of.line = c->j->object[e->line - 1];
	of.column = 1; /* of a line that nobody wrote */
	return c->complain(c->ctx, &of);
}

int json_config_file(struct schema_reader *r, const char *text, size_t len, schema_complain_fn complain,
		     void *ctx, schema_progress_fn progress, void *progress_ctx)
{
	struct json_config j;
	struct complaining c = {&j, complain, ctx};
	struct schema_error error;
	int rc;

	if (!json_config_is(text, len))
		return schema_file_read(r, text, len, complain, ctx, progress, progress_ctx);
	rc = json_config_read(&j, text, len, &error);
	if (rc == -EINVAL)
		complain(ctx, &error);
	if (!rc)
		rc = schema_file_read(r, j.text.p ? j.text.p : "", j.text.n, complain_object, &c, progress,
				      progress_ctx);
	json_config_fini(&j);
	return rc;
}
