/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/schema/schema_complete.h"
#include "config/schema/schema_value.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct state {
	const struct schema_completion *c;
	const struct schema_words *ws;
	unsigned first, n; /* complete words are [first, n) */
	const char *partial;
};

static bool begins(const char *word, const char *partial)
{
	return strncasecmp(word, partial, strlen(partial)) == 0;
}

static void offer(struct state *s, const char *word, const char *help)
{
	if (begins(word, s->partial))
		s->c->emit(s->c->ctx, word, help, true);
}

static void offer_list(struct state *s, const char *list, const char *help)
{
	char word[128];

	for (const char *p = list; *p;) {
		size_t n = strcspn(p, "|");

		snprintf(word, sizeof(word), "%.*s", (int)n, p);
		offer(s, word, help);
		p += n + (p[n] == '|');
	}
}

static void describe(struct state *s, enum schema_type type, const char *form, const char *help)
{
	char word[300];

	snprintf(word, sizeof(word), "<%s>", form ? form : schema_type_word(type));
	s->c->emit(s->c->ctx, word, help, false);
}

static void offer_keys(struct state *s, const struct schema_noun *noun, const char *what)
{
	if (s->c->keys)
		s->c->keys(s->c->ctx, noun, what, s->partial);
}

static void offer_value(struct state *s, const struct schema_field *f)
{
	char form[256];

	if (f->type == SCHEMA_ENUM) {
		offer_list(s, f->choices, f->help);
	} else if (f->type == SCHEMA_BOOL) {
		offer_list(s, "yes|no", f->help);
	} else {
		describe(s, f->type, schema_value_form(f, form, sizeof(form)), f->help);
		if (f->refers)
			offer_keys(s, schema_noun_named(f->refers), f->refers);
	}
}

static void offer_fields(struct state *s, const struct schema_noun *noun)
{
	for (unsigned i = 0; i < noun->fields_n; i++) {
		const struct schema_field *f = &noun->fields[i];

		if (f->flags & SCHEMA_BARE)
			offer_list(s, f->choices, f->help);
		else
			offer(s, f->name, f->help);
	}
}

static void complete_edit(struct state *s)
{
	const struct schema_words *ws = s->ws;
	unsigned at = s->first + 1;
	bool remove = tolower(ws->w[s->first].s[0]) != 's', many;
	const struct schema_noun *noun;

	if (at >= s->n) {
		for (unsigned i = 0; i < schema_nouns_n; i++)
			offer(s, schema_nouns[i].name, schema_nouns[i].help);
		return;
	}
	noun = schema_noun_find(ws->w[at].s, strlen(ws->w[at].s), &many);
	if (!noun)
		return;
	at++;
	if (noun->key_name) {
		if (at >= s->n) {
			describe(s, noun->key_type, noun->key_name, noun->help);
			offer_keys(s, noun, noun->name);
			return;
		}
		at++;
		if (noun->key2_word) {
			if (at >= s->n) {
				offer(s, noun->key2_word, noun->key2_name);
				return;
			}
			at++;
			if (at >= s->n) {
				describe(s, noun->key2_type, noun->key2_name, noun->help);
				return;
			}
			at++;
		}
	}
	while (at < s->n) {
		const char *choice, *w = ws->w[at].s;
		size_t choice_n;
		int field = schema_field_find(noun, w, strlen(w));

		if (schema_field_bare(noun, w, strlen(w), &choice, &choice_n) >= 0) {
			at++;
			continue;
		}
		if (field < 0)
			return;
		at++;
		if (noun->fields[field].type == SCHEMA_FLAG)
			continue;
		if (at >= s->n) {
			offer_value(s, &noun->fields[field]);
			if (remove)
				offer_fields(s, noun);
			return;
		}
		at++;
	}
	offer_fields(s, noun);
	if (!*s->partial && s->n > s->first + 2)
		s->c->emit(s->c->ctx, "<Enter>", "the line is whole", false);
}

static void offer_arg(struct state *s, const struct schema_arg *a)
{
	const struct schema_field f = {
		.name = a->name, .type = a->type, .choices = a->choices, .max = UINT64_MAX, .help = a->help};

	if (a->refers && strcmp(a->refers, "noun") == 0) {
		for (unsigned i = 0; i < schema_nouns_n; i++)
			offer(s, schema_nouns[i].name, schema_nouns[i].help);
		return;
	}
	if (a->refers && strcmp(a->refers, "of-noun") == 0) {
		bool many;
		const char *w = s->n ? s->ws->w[s->n - 1].s : "";
		const struct schema_noun *noun = schema_noun_find(w, strlen(w), &many);

		describe(s, a->type, NULL, a->help);
		if (noun)
			offer_keys(s, noun, noun->name);
		return;
	}
	if (a->type == SCHEMA_ENUM) {
		offer_value(s, &f);
		return;
	}
	describe(s, a->type, NULL, a->help);
	if (a->refers)
		offer_keys(s, schema_noun_named(a->refers), a->refers);
}

static const struct schema_arg *keyword_of(const struct schema_command *c, const char *word)
{
	for (unsigned i = 0; i < c->args_n; i++)
		if (c->args[i].word && strcasecmp(c->args[i].word, word) == 0)
			return &c->args[i];
	return NULL;
}

static void complete_args(struct state *s, const struct schema_command *c, unsigned at)
{
	unsigned position = 0;
	bool seen[32] = {false}, whole = true;

	for (;; at++) {
		const struct schema_arg *a;

		while (position < c->args_n && c->args[position].word)
			position++;
		if (at >= s->n)
			break;
		a = keyword_of(c, s->ws->w[at].s);
		if (!a) {
			if (position < c->args_n) {
				seen[position] = true;
				if (!(c->args[position].flags & (SCHEMA_ARG_REPEAT | SCHEMA_ARG_REST)))
					position++;
			}
			continue;
		}
		seen[a - c->args] = true;
		if (a->type == SCHEMA_FLAG)
			continue;
		if (++at >= s->n) {
			offer_arg(s, a);
			return;
		}
	}
	if (position < c->args_n)
		offer_arg(s, &c->args[position]);
	for (unsigned i = 0; i < c->args_n; i++) {
		const struct schema_arg *a = &c->args[i];

		if (a->word && (!seen[i] || (a->flags & SCHEMA_ARG_REPEAT)))
			offer(s, a->word, a->help);
		if ((a->flags & SCHEMA_ARG_REQUIRED) && !seen[i])
			whole = false;
	}
	if (whole && !*s->partial)
		s->c->emit(s->c->ctx, "<Enter>", c->help, false);
}

/* the word of `words` after `skip` words; copies it */
static bool nth_word(const char *words, unsigned skip, char *out, size_t cap)
{
	while (skip--) {
		words = strchr(words, ' ');
		if (!words)
			return false;
		words++;
	}
	snprintf(out, cap, "%.*s", (int)strcspn(words, " "), words);
	return true;
}

static void complete_command(struct state *s)
{
	const struct schema_command *whole = NULL;
	unsigned whole_n = 0, typed = s->n - s->first;
	char seen[64][32];
	unsigned seen_n = 0;

	for (unsigned i = 0; i < schema_commands_n; i++) {
		const struct schema_command *c = &schema_commands[i];
		unsigned k = 0;
		char word[32];

		for (; k < typed && nth_word(c->words, k, word, sizeof(word)); k++)
			if (!begins(word, s->ws->w[s->first + k].s))
				break;
		if (!nth_word(c->words, k, word, sizeof(word))) {
			/* all its words are typed: its arguments come next, unless a longer command fits as
			 * well */
			if (k > whole_n || !whole) {
				whole = c;
				whole_n = k;
			}
			continue;
		}
		if (k == typed && begins(word, s->partial) && seen_n < 64) {
			unsigned d = 0;
			const char *help = c->help;
			char rest[32];

			while (d < seen_n && strcmp(seen[d], word))
				d++;
			if (d < seen_n)
				continue;
			snprintf(seen[seen_n++], sizeof(seen[0]), "%s", word);
			if (nth_word(c->words, k + 1, rest, sizeof(rest)))
				help = "…";
			s->c->emit(s->c->ctx, word, help, true);
		}
	}
	if (typed == 0) {
		offer(s, "set", "change or add something in the candidate");
		offer(s, "delete", "take something out of the candidate");
		offer(s, "no", "the same as delete");
	}
	if (whole && whole_n)
		complete_args(s, whole, s->first + whole_n);
}

void schema_complete(const char *line, const struct schema_completion *c, size_t *partial)
{
	static const char empty[] = "";
	struct schema_words *ws = malloc(sizeof(*ws));
	struct schema_error error;
	struct state s = {.c = c, .ws = ws, .partial = empty};

	*partial = 0;
	if (!ws)
		return;
	if (schema_words_split(ws, line, true, &error))
		goto out;
	s.n = ws->n;
	if (ws->n && (!ws->space || ws->open)) {
		s.partial = ws->w[--s.n].s;
		*partial = ws->w[s.n].raw;
	}
	if (s.first < s.n && strcasecmp(ws->w[s.first].s, "do") == 0)
		s.first++;
	for (unsigned i = 0; i < s.n; i++)
		if (strcmp(ws->w[i].s, "|") == 0 && !ws->w[i].quoted) {
			if (i + 1 == s.n) {
				offer(&s, "include", "only lines that contain a text");
				offer(&s, "exclude", "only lines that do not contain a text");
				offer(&s, "begin", "from the first line on that contains a text");
				offer(&s, "count", "how many lines");
				offer(&s, "no-more", "without pager");
			} else {
				describe(&s, SCHEMA_TEXT, NULL, "a text");
			}
			goto out;
		}
	if (s.n > s.first && schema_is_edit(ws, s.first))
		complete_edit(&s);
	else
		complete_command(&s);
out:
	free(ws);
}
