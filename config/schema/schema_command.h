/* SPDX-License-Identifier: BSD-3-Clause */
/* The commands of the shell as a table; set and delete lines are schema_line's. */
#ifndef CONFIG_SCHEMA_SCHEMA_COMMAND_H
#define CONFIG_SCHEMA_SCHEMA_COMMAND_H

#include "config/schema/schema_line.h"

enum schema_role { SCHEMA_READ, SCHEMA_OPERATE, SCHEMA_CONFIGURE };

enum schema_place {
	SCHEMA_ANYWHERE,
	SCHEMA_SHELL, /* done by the shell itself, with no daemon */
};

enum { SCHEMA_ARG_REQUIRED = 1, SCHEMA_ARG_REPEAT = 2, SCHEMA_ARG_REST = 4, SCHEMA_ARG_BARE = 8 };

struct schema_arg {
	const char *word;      /* the keyword before it; NULL: told by its position */
	const char *name;      /* in help and in the request */
	enum schema_type type; /* FLAG: the keyword alone */
	const char *choices;
	unsigned flags;
	const char *refers; /* completion: keys of this noun; "noun": names of nouns; "file": files */
	const char *help;
};

struct schema_command {
	const char *words;
	enum schema_role role;
	enum schema_place place;
	const struct schema_arg *args;
	unsigned args_n;
	const char *alias; /* "Test-CsFederatedPartner" */
	const char *help;
};

extern const struct schema_command schema_commands[];
extern const unsigned schema_commands_n;

enum { SCHEMA_CALL_ARGS = 64 };

struct schema_call {
	const struct schema_command *command;
	struct {
		const struct schema_arg *arg;
		char *value; /* canonical for typed arguments; "" for a FLAG */
	} arg[SCHEMA_CALL_ARGS];
	unsigned n;
	struct schema_text text;
};

void schema_call_fini(struct schema_call *call);
/* first value of the argument called `name`, NULL when it was not given */
const char *schema_call_get(const struct schema_call *call, const char *name);
/* Reads a command from words[first..end). Command words and keywords may be abbreviated while unique. 0 or
 * -EINVAL with `error`. */
int schema_call_parse(struct schema_call *call, const struct schema_words *ws, unsigned first, unsigned end,
		      schema_idn_fn idn, struct schema_error *error);
/* true when the first word can only begin a set or delete line */
bool schema_is_edit(const struct schema_words *ws, unsigned first);
/* "explain from USER@DOMAIN to USER@DOMAIN [peer FQDN]… [inbound|outbound]", appended */
int schema_command_usage(const struct schema_command *c, struct schema_text *out);

#endif
