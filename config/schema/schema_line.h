/* SPDX-License-Identifier: BSD-3-Clause */
/* Words and edits: the lines that a file and the shell have in common. Nouns, fields and choices may be
 * abbreviated as far as they stay unique. */
#ifndef CONFIG_SCHEMA_SCHEMA_LINE_H
#define CONFIG_SCHEMA_SCHEMA_LINE_H

#include "config/schema/schema.h"
#include "config/schema/schema_object.h"

/* where and why something was refused; columns count bytes from 1 */
struct schema_error {
	unsigned line, column;
	char why[SCHEMA_WHY_MAX];
};

struct schema_word {
	const char *s;	      /* decoded, NUL terminated */
	unsigned column, raw; /* where it began, and how many bytes it took */
	bool quoted;
};

struct schema_words {
	struct schema_word w[SCHEMA_WORDS_MAX];
	unsigned n;
	bool open;  /* the line ends inside of a quoted word: only with `lenient` */
	bool space; /* the line ends with a blank: the next word has not begun */
	char text[SCHEMA_LINE_MAX];
};

/* Splits a line: blanks separate, "…" keeps them, \ escapes " and \ inside of it, # begins a comment, |
 * stands by itself. `lenient` accepts an unfinished quoted word, for completion. 0 or -EINVAL with `error`.
 */
int schema_words_split(struct schema_words *ws, const char *line, bool lenient, struct schema_error *error);

struct schema_edit_item {
	unsigned field;
	bool has_value; /* delete: all values of the field without it */
	uint32_t at;	/* into text */
};

struct schema_edit {
	bool remove; /* delete instead of set */
	bool whole;  /* delete the object */
	const struct schema_noun *noun;
	char key[SCHEMA_KEY_MAX];
	struct schema_edit_item item[SCHEMA_WORDS_MAX / 2];
	unsigned n;
	struct schema_text text;
};

/* true for set, delete, no and their abbreviations */
bool schema_is_edit_word(const char *word);
void schema_edit_fini(struct schema_edit *e);
/* Reads "set …" or "delete …" ("no …") from words; first_word is the verb's index. 0, or -EINVAL with
 * `error`. */
int schema_edit_parse(struct schema_edit *e, const struct schema_words *ws, unsigned first_word,
		      schema_idn_fn idn, struct schema_error *error);
/* Applies it to the object that it names, which the caller has loaded (or reset, when it did not exist: then
 * `exists` is false). A whole deletion is the caller's. 0, or -ENOENT / -EINVAL / -ENOMEM with `why`. */
int schema_edit_apply(const struct schema_edit *e, struct schema_object *o, bool exists, char *why);

#endif
