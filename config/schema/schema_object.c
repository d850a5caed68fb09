/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/schema/schema_object.h"
#include "config/schema/schema_value.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int schema_text_add(struct schema_text *t, const char *s, size_t n)
{
	if (t->n + n + 1 > t->cap) {
		size_t cap = t->cap ? t->cap : 256;
		char *p;

		while (cap < t->n + n + 1)
			cap *= 2;
		p = realloc(t->p, cap);
		if (!p)
			return -ENOMEM;
		t->p = p;
		t->cap = cap;
	}
	memcpy(t->p + t->n, s, n);
	t->n += n;
	t->p[t->n] = '\0';
	return 0;
}

int schema_text_puts(struct schema_text *t, const char *s)
{
	return schema_text_add(t, s, strlen(s));
}

int schema_text_printf(struct schema_text *t, const char *format, ...)
{
	char buf[2048];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(buf, sizeof(buf), format, ap);
	va_end(ap);
	if (n < 0)
		return -EINVAL;
	return schema_text_add(t, buf, (size_t)n < sizeof(buf) ? (size_t)n : sizeof(buf) - 1);
}

void schema_text_reset(struct schema_text *t)
{
	t->n = 0;
	if (t->p)
		t->p[0] = '\0';
}

void schema_text_fini(struct schema_text *t)
{
	free(t->p);
	memset(t, 0, sizeof(*t));
}

void schema_object_fini(struct schema_object *o)
{
	free(o->item);
	schema_text_fini(&o->text);
	memset(o, 0, sizeof(*o));
}

void schema_object_reset(struct schema_object *o, const struct schema_noun *noun, const char *key)
{
	o->noun = noun;
	snprintf(o->key, sizeof(o->key), "%s", key);
	o->n = 0;
	schema_text_reset(&o->text);
}

const char *schema_object_value(const struct schema_object *o, const struct schema_item *item)
{
	return o->text.p + item->at;
}

static int insert(struct schema_object *o, unsigned at, unsigned field, const char *value, size_t len)
{
	uint32_t where = (uint32_t)o->text.n;

	if (o->n == o->cap) {
		unsigned cap = o->cap ? o->cap * 2 : 16;
		struct schema_item *p = realloc(o->item, cap * sizeof(*p));

		if (!p)
			return -ENOMEM;
		o->item = p;
		o->cap = cap;
	}
	if (schema_text_add(&o->text, value, len) || schema_text_add(&o->text, "", 1))
		return -ENOMEM;
	memmove(o->item + at + 1, o->item + at, (o->n - at) * sizeof(*o->item));
	o->item[at] = (struct schema_item){field, where};
	o->n++;
	return 0;
}

int schema_object_set(struct schema_object *o, unsigned field, const char *value)
{
	const struct schema_field *f = &o->noun->fields[field];
	unsigned lo = 0, hi;

	while (lo < o->n && o->item[lo].field < field)
		lo++;
	for (hi = lo; hi < o->n && o->item[hi].field == field; hi++)
		if (strcmp(schema_object_value(o, &o->item[hi]), value) == 0)
			return 0;
	if (!(f->flags & SCHEMA_MULTI)) {
		if (hi > lo) {
			o->item[lo].at = (uint32_t)o->text.n;
			return schema_text_add(&o->text, value, strlen(value)) ||
					       schema_text_add(&o->text, "", 1)
				       ? -ENOMEM
				       : 0;
		}
		return insert(o, lo, field, value, strlen(value));
	}
	if (hi - lo >= SCHEMA_MULTI_MAX)
		return -E2BIG;
	if (!(f->flags & SCHEMA_ORDERED))
		while (hi > lo && strcmp(schema_object_value(o, &o->item[hi - 1]), value) > 0)
			hi--;
	return insert(o, hi, field, value, strlen(value));
}

unsigned schema_object_unset(struct schema_object *o, unsigned field, const char *value)
{
	unsigned w = 0, gone;

	for (unsigned i = 0; i < o->n; i++)
		if (o->item[i].field != field ||
		    (value && strcmp(schema_object_value(o, &o->item[i]), value)))
			o->item[w++] = o->item[i];
	gone = o->n - w;
	o->n = w;
	return gone;
}

const char *schema_object_get(const struct schema_object *o, unsigned field)
{
	for (unsigned i = 0; i < o->n; i++)
		if (o->item[i].field == field)
			return schema_object_value(o, &o->item[i]);
	return NULL;
}

const char *schema_object_find(const struct schema_object *o, const char *field)
{
	int i = schema_field_named(o->noun, field);
	const char *v;

	if (i < 0)
		return NULL;
	v = schema_object_get(o, (unsigned)i);
	return v ? v : o->noun->fields[i].fallback;
}

bool schema_object_yes(const struct schema_object *o, const char *field)
{
	int i = schema_field_named(o->noun, field);
	const char *v = schema_object_find(o, field);

	return v && (o->noun->fields[i].type == SCHEMA_FLAG || strcmp(v, "yes") == 0);
}

uint64_t schema_object_number(const struct schema_object *o, const char *field)
{
	const char *v = schema_object_find(o, field);

	return v ? schema_value_number(v) : 0;
}

const char *schema_object_key2(const struct schema_object *o, char *first)
{
	const char *blank = o->noun->key2_word ? strchr(o->key, ' ') : NULL;

	if (first)
		snprintf(first, SCHEMA_KEY_MAX, "%.*s", blank ? (int)(blank - o->key) : SCHEMA_KEY_MAX - 1,
			 o->key);
	return blank ? blank + 1 : NULL;
}

/* a store that was written before a field got another name has the old one */
static bool is_called(const struct schema_field *f, const char *name, size_t n)
{
	return (strlen(f->name) == n && memcmp(f->name, name, n) == 0) ||
	       (f->alias && schema_word_in(f->alias, name, n));
}

int schema_object_load(struct schema_object *o, const struct schema_noun *noun, const char *key,
		       const char *body, size_t len)
{
	const char *end = body + len;
	unsigned at = 0; /* the table's order: each line's field stands at or after the one before */

	schema_object_reset(o, noun, key);
	while (body < end) {
		const char *nl = memchr(body, '\n', (size_t)(end - body));
		const char *stop = nl ? nl : end;
		const char *blank = memchr(body, ' ', (size_t)(stop - body));
		size_t name_n = (size_t)((blank ? blank : stop) - body);
		const char *name = body;
		unsigned field = at;
		int r;

		body = nl ? nl + 1 : end;
		while (field < noun->fields_n && !is_called(&noun->fields[field], name, name_n))
			field++;
		if (field == noun->fields_n) {
			if (schema_field_gone(noun, name, name_n))
				continue;
			return -EINVAL;
		}
		at = field;
		r = insert(o, o->n, at, blank ? blank + 1 : "", blank ? (size_t)(stop - blank - 1) : 0);
		if (r)
			return r;
	}
	return 0;
}

int schema_object_body(const struct schema_object *o, struct schema_text *out)
{
	int r = 0;

	for (unsigned i = 0; i < o->n && !r; i++) {
		const char *v = schema_object_value(o, &o->item[i]);

		if (i)
			r = schema_text_add(out, "\n", 1);
		r = r ? r : schema_text_puts(out, o->noun->fields[o->item[i].field].name);
		if (*v && !r) {
			r = schema_text_add(out, " ", 1);
			r = r ? r : schema_text_puts(out, v);
		}
	}
	/* an object without values still has a body: the empty text */
	return r ? r : schema_text_add(out, "", 0);
}
