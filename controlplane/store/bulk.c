/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/store/bulk.h"
#include "config/schema/schema_value.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static unsigned partner_noun(void)
{
	return schema_noun_index(schema_noun_named("partner"));
}

/* the line that most of a million are: nothing but a name. 1 done, 0 not that simple, -errno */
static int plain_line(struct candidate *c, const char *line, size_t n, bool block, unsigned number,
		      struct schema_error *error)
{
	char name[SCHEMA_VALUE_MAX], key[SCHEMA_VALUE_MAX];
	const char *in = line;

	if (n == 0 || n >= sizeof(name) - 2 || memchr(line, ' ', n) || memchr(line, '\t', n) ||
	    memchr(line, '"', n) || memchr(line, '#', n) || memchr(line, '|', n))
		return 0;
	if (schema_key_canon(SCHEMA_SUBTREE, 0, in, name, error->why, c->reader.idn))
		return -EINVAL;
	if (block && strncmp(name, "*.", 2)) {
		memcpy(key, "*.", 2);
		memcpy(key + 2, name, strlen(name) + 1);
	} else {
		memcpy(key, name, strlen(name) + 1);
	}
	return schema_map_put(&c->map, partner_noun(), key, block ? "action block" : "action allow", 12,
			      number)
		       ? -ENOMEM
		       : 1;
}

/* any other line, rewritten as "set partner NAME [action] …" over a fresh object: what the file says is
 * everything */
static int full_line(struct candidate *c, const char *line, bool block, unsigned number,
		     struct schema_error *error)
{
	struct schema_reader *r = &c->reader;
	char whole[SCHEMA_LINE_MAX];
	const char *choice;
	const struct schema_word *name;
	size_t choice_n, shift, name_end;
	bool said = false, is_set;
	int rc;

	if (schema_words_split(&r->words, line, false, error))
		return -EINVAL;
	if (r->words.n == 0)
		return 0;
	is_set = schema_is_edit_word(r->words.w[0].s);
	for (unsigned i = is_set ? 3 : 1; i < r->words.n && !said; i++)
		said = schema_field_bare(&schema_nouns[partner_noun()], r->words.w[i].s,
					 strlen(r->words.w[i].s), &choice, &choice_n) >= 0;
	shift = is_set ? 0 : strlen("set partner ");
	/* the default action goes right behind the name, where no quote or remark can swallow it */
	name = &r->words.w[is_set && r->words.n > 2 ? 2 : 0];
	name_end = name->column - 1 + name->raw;
	if (snprintf(whole, sizeof(whole), "%s%.*s%s%s", is_set ? "" : "set partner ", (int)name_end, line,
		     said    ? ""
		     : block ? " block"
			     : " allow",
		     line + name_end) >= (int)sizeof(whole)) {
		snprintf(error->why, sizeof(error->why), "the line is too long");
		return -EINVAL;
	}
	if (schema_words_split(&r->words, whole, false, error) ||
	    schema_edit_parse(&r->edit, &r->words, 0, r->idn, error)) {
		/* the column of the line as it stands in the file */
		if (!said && error->column > shift + name_end)
			error->column -= (unsigned)strlen(" allow");
		if (error->column > shift)
			error->column -= (unsigned)shift;
		return -EINVAL;
	}
	if (r->edit.remove || schema_noun_index(r->edit.noun) != partner_noun()) {
		snprintf(error->why, sizeof(error->why), "only partners stand in such a file");
		return -EINVAL;
	}
	schema_object_reset(&r->object, r->edit.noun, r->edit.key);
	rc = schema_edit_apply(&r->edit, &r->object, false, error->why);
	if (!rc)
		rc = schema_object_check(&r->object, error->why);
	if (rc)
		return rc;
	schema_text_reset(&r->body);
	return schema_object_body(&r->object, &r->body) ||
			       schema_map_put(&c->map, partner_noun(), r->edit.key, r->body.p, r->body.n,
					      number)
		       ? -ENOMEM
		       : 0;
}

static int delete_others(struct candidate *c)
{
	struct store_cursor *cursor;
	const char *key, *body;
	unsigned noun;
	size_t len;
	int r = c->store->ops->open_cursor(c->store, (int)partner_noun(), NULL, &cursor), put = 0;

	if (r)
		return r;
	while (!put && (r = c->store->ops->next(cursor, &noun, &key, &body, &len)) == 1)
		if (!schema_map_get(&c->map, noun, key))
			put = schema_map_put(&c->map, noun, key, NULL, 0, 0);
	c->store->ops->close_cursor(cursor);
	return put ? put : r;
}

int bulk_read(struct candidate *c, const char *text, size_t len, bool block, bool replace,
	      schema_complain_fn complain, void *ctx, schema_progress_fn progress, void *progress_ctx)
{
	char line[SCHEMA_LINE_MAX];
	unsigned number = 0;
	bool fine = true;

	for (size_t at = 0; at < len;) {
		const char *nl = memchr(text + at, '\n', len - at);
		size_t whole = nl ? (size_t)(nl - text) - at : len - at, n = whole;
		struct schema_error error = {.line = ++number, .column = 1};
		int rc;

		while (n && (text[at + n - 1] == '\r' || text[at + n - 1] == ' ' || text[at + n - 1] == '\t'))
			n--;
		if (n >= sizeof(line) - 32 || memchr(text + at, '\0', n)) {
			snprintf(error.why, sizeof(error.why),
				 "the line is too long, or this is no text file");
			rc = -EINVAL;
		} else {
			memcpy(line, text + at, n);
			line[n] = '\0';
			rc = plain_line(c, line, n, block, number, &error);
			if (rc == 0)
				rc = full_line(c, line, block, number, &error);
		}
		if (rc == -ENOMEM)
			return rc;
		if (rc < 0) {
			fine = false;
			if (!complain(ctx, &error))
				return -EINVAL;
		}
		at += whole + 1;
		if (progress && number % 16384 == 0)
			progress(progress_ctx, at < len ? at : len, len);
	}
	if (!fine)
		return -EINVAL;
	/* a list that came out empty is not the wish to know nobody */
	if (replace && !schema_map_count(&c->map)) {
		struct schema_error error = {.line = number, .column = 1};

		snprintf(error.why, sizeof(error.why),
			 "the file names no domain, and 'replace' would remove every partner");
		complain(ctx, &error);
		return -EINVAL;
	}
	if (progress)
		progress(progress_ctx, len, len);
	return replace ? delete_others(c) : 0;
}
