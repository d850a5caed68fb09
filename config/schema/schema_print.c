/* SPDX-License-Identifier: BSD-3-Clause */
/* An object as lines of the shell and as JSON. */
#include "config/schema/schema_object.h"
#include "config/schema/schema_value.h"

#include <stdio.h>
#include <string.h>

int schema_word_print(struct schema_text *out, const char *w)
{
	int r;

	if (*w && !strpbrk(w, " \t\r\n\v\f\"#|;\\"))
		return schema_text_puts(out, w);
	r = schema_text_add(out, "\"", 1);
	for (; *w && !r; w++) {
		if (*w == '"' || *w == '\\')
			r = schema_text_add(out, "\\", 1);
		r = r ? r : schema_text_add(out, w, 1);
	}
	return r ? r : schema_text_add(out, "\"", 1);
}

static int print_head(const struct schema_object *o, struct schema_text *out)
{
	char first[SCHEMA_KEY_MAX];
	const char *second = schema_object_key2(o, first);
	int r = schema_text_puts(out, "set ");

	r = r ? r : schema_text_puts(out, o->noun->name);
	if (o->noun->key_name && !r) {
		r = schema_text_add(out, " ", 1);
		r = r ? r : schema_word_print(out, first);
	}
	if (second && !r) {
		r = schema_text_printf(out, " %s ", o->noun->key2_word);
		r = r ? r : schema_word_print(out, second);
	}
	return r;
}

static int print_item(const struct schema_object *o, const struct schema_item *it, struct schema_text *out)
{
	const struct schema_field *f = &o->noun->fields[it->field];
	int r = schema_text_add(out, " ", 1);

	if (!(f->flags & SCHEMA_BARE)) {
		r = r ? r : schema_text_puts(out, f->name);
		if (f->type == SCHEMA_FLAG)
			return r;
		r = r ? r : schema_text_add(out, " ", 1);
	}
	return r ? r : schema_word_print(out, schema_object_value(o, it));
}

int schema_object_print(const struct schema_object *o, struct schema_text *out)
{
	int r = 0;

	if (o->noun->split && o->n) {
		for (unsigned i = 0; i < o->n && !r; i++) {
			r = print_head(o, out);
			r = r ? r : print_item(o, &o->item[i], out);
			r = r ? r : schema_text_add(out, "\n", 1);
		}
		return r;
	}
	r = print_head(o, out);
	for (unsigned i = 0; i < o->n && !r; i++)
		r = print_item(o, &o->item[i], out);
	return r ? r : schema_text_add(out, "\n", 1);
}

/* length of the UTF-8 sequence at s, 0 when it is none (RFC 3629 section 4) */
static unsigned utf8_len(const unsigned char *s)
{
	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		return (s[1] & 0xc0) == 0x80 ? 2 : 0;
	if ((s[0] & 0xf0) == 0xe0) {
		if ((s[1] & 0xc0) != 0x80 || (s[2] & 0xc0) != 0x80)
			return 0;
		if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0))
			return 0;
		return 3;
	}
	if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		if ((s[1] & 0xc0) != 0x80 || (s[2] & 0xc0) != 0x80 || (s[3] & 0xc0) != 0x80)
			return 0;
		if ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90))
			return 0;
		return 4;
	}
	return 0;
}

int schema_json_string(struct schema_text *out, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	int r = schema_text_add(out, "\"", 1);

	while (*s && !r) {
		unsigned n = utf8_len(s);

		if (n == 0) { /* not longer than it was, or a value that fits would not when it comes back */
			r = schema_text_add(out, "?", 1);
			s++;
		} else if (*s == '"' || *s == '\\') {
			r = schema_text_printf(out, "\\%c", *s++);
		} else if (*s < 0x20 || *s == 0x7f) {
			r = schema_text_printf(out, "\\u%04x", *s++);
		} else {
			r = schema_text_add(out, (const char *)s, n);
			s += n;
		}
	}
	return r ? r : schema_text_add(out, "\"", 1);
}

static int json_value(const struct schema_field *f, const char *v, struct schema_text *out)
{
	switch (f->type) {
	case SCHEMA_FLAG:
		return schema_text_puts(out, "true");
	case SCHEMA_BOOL:
		return schema_text_puts(out, strcmp(v, "yes") == 0 ? "true" : "false");
	case SCHEMA_UINT:
	case SCHEMA_DURATION:
		return schema_text_printf(out, "%llu", (unsigned long long)schema_value_number(v));
	default:
		return schema_json_string(out, v);
	}
}

int schema_object_json(const struct schema_object *o, struct schema_text *out)
{
	char first[SCHEMA_KEY_MAX];
	const char *second = schema_object_key2(o, first);
	int r = schema_text_printf(out, "{\"noun\":\"%s\"", o->noun->name);

	if (o->noun->key_name && !r) {
		r = schema_text_puts(out, ",\"key\":");
		r = r ? r : schema_json_string(out, first);
	}
	if (second && !r) {
		r = schema_text_printf(out, ",\"%s\":", o->noun->key2_word);
		r = r ? r : schema_json_string(out, second);
	}
	for (unsigned i = 0; i < o->n && !r; i++) {
		unsigned field = o->item[i].field;
		const struct schema_field *f = &o->noun->fields[field];
		bool multi = f->flags & SCHEMA_MULTI;
		bool begins = i == 0 || o->item[i - 1].field != field;
		bool ends = i + 1 == o->n || o->item[i + 1].field != field;

		r = schema_text_add(out, ",", 1);
		if (begins && !r)
			r = schema_text_printf(out, "\"%s\":%s", f->name, multi ? "[" : "");
		r = r ? r : json_value(f, schema_object_value(o, &o->item[i]), out);
		if (multi && ends && !r)
			r = schema_text_add(out, "]", 1);
	}
	return r ? r : schema_text_add(out, "}", 1);
}
