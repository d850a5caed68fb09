/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/schema/schema_line.h"
#include "config/schema/schema_value.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static int bad(struct schema_error *e, unsigned column, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int bad(struct schema_error *e, unsigned column, const char *format, ...)
{
	va_list ap;

	e->column = column;
	va_start(ap, format);
	vsnprintf(e->why, sizeof(e->why), format, ap);
	va_end(ap);
	return -EINVAL;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f';
}

int schema_words_split(struct schema_words *ws, const char *line, bool lenient, struct schema_error *error)
{
	const char *p = line;
	char *out = ws->text, *limit = ws->text + sizeof(ws->text) - 2;

	ws->n = 0;
	ws->open = false;
	ws->space = true;
	for (;;) {
		struct schema_word *w;

		while (blank(*p))
			p++;
		if (!*p || *p == '#')
			break;
		if (ws->n == SCHEMA_WORDS_MAX)
			return bad(error, (unsigned)(p - line) + 1, "more than %d words; use several lines",
				   SCHEMA_WORDS_MAX);
		w = &ws->w[ws->n++];
		*w = (struct schema_word){.s = out, .column = (unsigned)(p - line) + 1};
		if (*p == '|') {
			*out++ = *p++;
		} else {
			bool in = false;

			while (*p && (in || (!blank(*p) && *p != '|'))) {
				if (out >= limit)
					return bad(error, w->column, "the line is longer than %d bytes",
						   SCHEMA_LINE_MAX - 2);
				/* it would be another line when it is printed and read again */
				if (in && !lenient && *p != '\t' && ((unsigned char)*p < 0x20 || *p == 0x7f))
					return bad(
						error, (unsigned)(p - line) + 1,
						"a line break or another control character cannot stand in a "
						"word");
				if (*p == '"') {
					in = !in;
					w->quoted = true;
				} else if (in && *p == '\\' && (p[1] == '"' || p[1] == '\\')) {
					*out++ = *++p;
				} else {
					*out++ = *p;
				}
				p++;
			}
			if (in && !lenient)
				return bad(error, w->column, "the quote that begins here does not end");
			ws->open = in;
		}
		w->raw = (unsigned)(p - line) + 1 - w->column;
		if (out >= limit)
			return bad(error, w->column, "the line is longer than %d bytes", SCHEMA_LINE_MAX - 2);
		*out++ = '\0';
		ws->space = blank(*p) || *p == '#';
	}
	return 0;
}

bool schema_is_edit_word(const char *w)
{
	size_t n = strlen(w);

	return (n >= 2 && strncasecmp(w, "set", n) == 0) || (n >= 3 && strncasecmp(w, "delete", n) == 0) ||
	       strcasecmp(w, "no") == 0;
}

void schema_edit_fini(struct schema_edit *e)
{
	schema_text_fini(&e->text);
}

static int add_item(struct schema_edit *e, unsigned field, const char *value, struct schema_error *error)
{
	struct schema_edit_item *it = &e->item[e->n++];

	*it = (struct schema_edit_item){field, value != NULL, (uint32_t)e->text.n};
	if (value && (schema_text_add(&e->text, value, strlen(value)) || schema_text_add(&e->text, "", 1)))
		return bad(error, 1, "out of memory");
	return 0;
}

/* "allow … block" on one line: none of the two is what was meant for sure */
static int add_value(struct schema_edit *e, unsigned field, const char *value, unsigned column,
		     struct schema_error *error)
{
	const struct schema_field *f = &e->noun->fields[field];

	for (unsigned i = 0; i < e->n && !e->remove && !(f->flags & SCHEMA_MULTI); i++)
		if (e->item[i].field == field && strcmp(e->text.p + e->item[i].at, value))
			return bad(error, column, "%s is both '%.60s' and '%.60s' on this line", f->name,
				   e->text.p + e->item[i].at, value);
	return add_item(e, field, value, error);
}

static int parse_key(struct schema_edit *e, const struct schema_words *ws, unsigned *at, schema_idn_fn idn,
		     struct schema_error *error)
{
	const struct schema_noun *n = e->noun;
	char value[SCHEMA_VALUE_MAX], second[SCHEMA_VALUE_MAX];
	unsigned end = ws->n ? ws->w[ws->n - 1].column + ws->w[ws->n - 1].raw : 1;

	e->key[0] = '\0';
	if (!n->key_name)
		return 0;
	if (*at >= ws->n)
		return bad(error, end, "%s %s: which one?", n->name, n->key_name);
	if (schema_key_canon(n->key_type, 0, ws->w[*at].s, value, error->why, idn))
		return error->column = ws->w[*at].column, -EINVAL;
	(*at)++;
	if (!n->key2_word) {
		if (strlen(value) >= sizeof(e->key))
			return bad(error, ws->w[*at - 1].column, "the name is too long");
		memcpy(e->key, value, strlen(value) + 1);
		return 0;
	}
	if (*at >= ws->n || strcasecmp(ws->w[*at].s, n->key2_word))
		return bad(error, *at < ws->n ? ws->w[*at].column : end, "%s %s %s %s: '%s' is expected here",
			   n->name, n->key_name, n->key2_word, n->key2_name, n->key2_word);
	if (++*at >= ws->n)
		return bad(error, end, "%s %s: which one?", n->key2_word, n->key2_name);
	if (schema_key_canon(n->key2_type, n->key2_min, ws->w[*at].s, second, error->why, idn))
		return error->column = ws->w[*at].column, -EINVAL;
	(*at)++;
	if (snprintf(e->key, sizeof(e->key), "%s %s", value, second) >= (int)sizeof(e->key))
		return bad(error, ws->w[*at - 1].column, "the name is too long");
	return 0;
}

static int parse_item(struct schema_edit *e, const struct schema_words *ws, unsigned *at, schema_idn_fn idn,
		      struct schema_error *error)
{
	const struct schema_word *w = &ws->w[*at];
	size_t len = strlen(w->s), choice_n = 0;
	const char *choice = NULL;
	char value[SCHEMA_VALUE_MAX];
	const struct schema_field *f;
	int field = schema_field_find(e->noun, w->s, len);

	if (field < 0 || (e->noun->fields[field].flags & SCHEMA_BARE)) {
		int bare = schema_field_bare(e->noun, w->s, len, &choice, &choice_n);

		/* a whole field name beats a choice; a choice beats an abbreviation */
		if (bare >= 0 && field != bare) {
			memcpy(value, choice, choice_n);
			value[choice_n] = '\0';
			(*at)++;
			return add_value(e, (unsigned)bare, value, w->column, error);
		}
	}
	if (field == -2)
		return bad(error, w->column, "'%.60s' could be several settings of %s; write more of it",
			   w->s, e->noun->name);
	if (field < 0 && schema_field_gone(e->noun, w->s, len))
		return bad(error, w->column, "%s %.60s: %s", e->noun->name, w->s,
			   schema_field_gone(e->noun, w->s, len));
	if (field < 0)
		return bad(error, w->column, "%s has no setting '%.60s'; '?' or 'help set %s' lists them",
			   e->noun->name, w->s, e->noun->name);
	f = &e->noun->fields[field];
	(*at)++;
	if (f->type == SCHEMA_FLAG)
		return add_item(e, (unsigned)field, e->remove ? NULL : "", error);
	if (*at >= ws->n) {
		char form[256];

		if (e->remove)
			return add_item(e, (unsigned)field, NULL, error);
		return bad(error, w->column + w->raw, "%s needs a value: %s", f->name,
			   schema_value_form(f, form, sizeof(form)));
	}
	if (schema_value_canon(f, ws->w[*at].s, value, error->why, idn)) {
		char why[SCHEMA_WHY_MAX];

		/* "delete partner x comment verification": the next word is a field, not a value */
		if (e->remove && !(f->flags & SCHEMA_MULTI) &&
		    schema_field_find(e->noun, ws->w[*at].s, strlen(ws->w[*at].s)) >= 0)
			return add_item(e, (unsigned)field, NULL, error);
		snprintf(why, sizeof(why), "%s: %.400s", f->name, error->why);
		return bad(error, ws->w[*at].column, "%s", why);
	}
	(*at)++;
	return add_value(e, (unsigned)field, value, w->column, error);
}

/* federation.md section 1.3: block contoso.com means the subtree unless exact is said */
static int partner_key(struct schema_edit *e, struct schema_error *error)
{
	bool block = false, exact = false;

	if (strcmp(e->noun->name, "partner") || e->remove || strncmp(e->key, "*.", 2) == 0)
		return 0;
	for (unsigned i = 0; i < e->n; i++) {
		const char *name = e->noun->fields[e->item[i].field].name;

		if (strcmp(name, "action") == 0)
			block = strcmp(e->text.p + e->item[i].at, "block") == 0;
		exact |= strcmp(name, "exact") == 0;
	}
	if (!block || exact)
		return 0;
	if (strlen(e->key) + 3 > sizeof(e->key))
		return bad(error, 1, "the name is too long");
	memmove(e->key + 2, e->key, strlen(e->key) + 1);
	memcpy(e->key, "*.", 2);
	return 0;
}

int schema_edit_parse(struct schema_edit *e, const struct schema_words *ws, unsigned at, schema_idn_fn idn,
		      struct schema_error *error)
{
	const char *verb = at < ws->n ? ws->w[at].s : "";
	size_t n = strlen(verb);
	unsigned verb_column = at < ws->n ? ws->w[at].column : 1;
	bool many;

	e->n = 0;
	schema_text_reset(&e->text);
	if (n && strncasecmp(verb, "set", n) == 0)
		e->remove = false;
	else if ((n >= 3 && strncasecmp(verb, "delete", n) == 0) || strcasecmp(verb, "no") == 0)
		e->remove = true;
	else
		return bad(error, verb_column, "'%.60s': a line begins with set or delete", verb);
	if (++at >= ws->n)
		return bad(error, verb_column + (unsigned)n, "%s what? '?' lists what there is", verb);
	e->noun = schema_noun_find(ws->w[at].s, strlen(ws->w[at].s), &many);
	if (!e->noun)
		return bad(error, ws->w[at].column, "'%.60s' %s", ws->w[at].s,
			   many ? "could be several things; write more of it" : "is nothing that can be set");
	at++;
	if (parse_key(e, ws, &at, idn, error))
		return -EINVAL;
	e->whole = e->remove && at >= ws->n;
	if (!e->remove && at >= ws->n && e->noun->fields_n) {
		bool required = false;

		for (unsigned i = 0; i < e->noun->fields_n; i++)
			required |= e->noun->fields[i].flags & SCHEMA_REQUIRED;
		if (!e->noun->key_name || required)
			return bad(error, ws->w[at - 1].column + ws->w[at - 1].raw,
				   "what of it? '?' lists the settings");
	}
	while (at < ws->n) {
		if (e->n == SCHEMA_WORDS_MAX / 2)
			return bad(error, ws->w[at].column, "too many settings on one line");
		if (parse_item(e, ws, &at, idn, error))
			return -EINVAL;
	}
	/* "no partner contoso.com allow" takes the entry away: what it is cannot be taken from it */
	for (unsigned i = 0; e->remove && i < e->n; i++) {
		const struct schema_field *f = &e->noun->fields[e->item[i].field];

		if ((f->flags & SCHEMA_BARE) && (f->flags & SCHEMA_REQUIRED))
			e->whole = true;
	}
	return partner_key(e, error);
}

int schema_edit_apply(const struct schema_edit *e, struct schema_object *o, bool exists, char *why)
{
	for (unsigned i = 0; i < e->n; i++) {
		const struct schema_edit_item *it = &e->item[i];
		const struct schema_field *f = &e->noun->fields[it->field];
		const char *value = it->has_value ? e->text.p + it->at : NULL;
		int r;

		if (e->remove) {
			if (!exists || schema_object_unset(o, it->field, value) == 0) {
				snprintf(why, SCHEMA_WHY_MAX, "%s %.200s has no %s %.200s", e->noun->name,
					 e->key, f->name, value ? value : "");
				return -ENOENT;
			}
			continue;
		}
		r = schema_object_set(o, it->field, value ? value : "");
		if (r) {
			snprintf(why, SCHEMA_WHY_MAX,
				 r == -E2BIG ? "%s: at most %d values" : "%s: out of memory (%d)", f->name,
				 SCHEMA_MULTI_MAX);
			return r;
		}
	}
	return 0;
}
