/* SPDX-License-Identifier: BSD-3-Clause */
/* One object of the configuration: a noun, a key, values. Its body is the canonical text that is stored,
 * compared and hashed: one line "field value" each, in the table's order, multi-values sorted (or as given
 * when ORDERED). */
#ifndef CONFIG_SCHEMA_SCHEMA_OBJECT_H
#define CONFIG_SCHEMA_SCHEMA_OBJECT_H

#include "config/schema/schema.h"

enum { SCHEMA_MULTI_MAX = 10000 };

/* a growing text; p is NUL terminated once anything was added */
struct schema_text {
	char *p;
	size_t n, cap;
};

int schema_text_add(struct schema_text *t, const char *s, size_t n); /* 0 or -ENOMEM */
int schema_text_puts(struct schema_text *t, const char *s);
int schema_text_printf(struct schema_text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void schema_text_reset(struct schema_text *t);
void schema_text_fini(struct schema_text *t);

struct schema_item {
	unsigned field;
	uint32_t at; /* into text */
};

struct schema_object {
	const struct schema_noun *noun;
	char key[SCHEMA_KEY_MAX]; /* canonical; "" when there is one of it; two parts are joined by a blank */
	struct schema_item *item;
	unsigned n, cap;
	struct schema_text text;
};

/* zeroed memory is an initialised object; fini frees what it owns */
void schema_object_fini(struct schema_object *o);
/* makes it empty, for noun and key */
void schema_object_reset(struct schema_object *o, const struct schema_noun *noun, const char *key);
/* Reads a body. Fields that the table does not know are refused: 0, -EINVAL or -ENOMEM. */
int schema_object_load(struct schema_object *o, const struct schema_noun *noun, const char *key,
		       const char *body, size_t len);
/* appends the body to `out` */
int schema_object_body(const struct schema_object *o, struct schema_text *out);
/* `value` is canonical. A single value is replaced, a further one of a MULTI is added: 0, -ENOMEM, -E2BIG */
int schema_object_set(struct schema_object *o, unsigned field, const char *value);
/* removes one value, or all of the field with NULL; how many went */
unsigned schema_object_unset(struct schema_object *o, unsigned field, const char *value);
/* first value, NULL when unset */
const char *schema_object_get(const struct schema_object *o, unsigned field);
const char *schema_object_value(const struct schema_object *o, const struct schema_item *item);
/* by name; the table's default when unset; NULL when there is none */
const char *schema_object_find(const struct schema_object *o, const char *field);
bool schema_object_yes(const struct schema_object *o, const char *field);
uint64_t schema_object_number(const struct schema_object *o, const char *field);
/* the second part of a key, NULL when it has none; `first` receives the first (SCHEMA_KEY_MAX bytes) or is
 * NULL */
const char *schema_object_key2(const struct schema_object *o, char *first);

/* What one object shows by itself: required fields, combinations, ranges between fields. 0 or -EINVAL. */
int schema_object_check(const struct schema_object *o, char *why);

/* "set partner contoso.com allow …\n": one line, or one a field when the noun is `split`. Appends to `out`.
 */
int schema_object_print(const struct schema_object *o, struct schema_text *out);
/* one JSON object, appended; numbers and times as numbers, yes/no as booleans, MULTI as an array */
int schema_object_json(const struct schema_object *o, struct schema_text *out);
/* one string in JSON's quotes; bytes that are not UTF-8 become question marks */
int schema_json_string(struct schema_text *out, const char *s);
/* one word as the shell reads it: quoted when it has to be */
int schema_word_print(struct schema_text *out, const char *word);

#endif
