/* SPDX-License-Identifier: BSD-3-Clause */
/* The one table of everything that the box can be told: nouns with their fields, and the commands of the
 * shell. Grammar, completion, help, the configuration file, JSON, differences and the manual all come from
 * it, so that none of them can disagree with another. libc only; all tables are constant; everything here is
 * thread safe. */
#ifndef CONFIG_SCHEMA_SCHEMA_H
#define CONFIG_SCHEMA_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SCHEMA_KEY_MAX = 640,	 /* a key with its second part and the NUL */
	SCHEMA_VALUE_MAX = 1024, /* one value with the NUL */
	SCHEMA_LINE_MAX = 16384, /* one line of a file or of the shell */
	SCHEMA_WORDS_MAX = 512,	 /* words on a line */
	SCHEMA_WHY_MAX = 512,	 /* an error message */
	SCHEMA_DOMAIN_MAX = 253, /* RFC 1035 section 2.3.4 without the trailing dot */
};

enum schema_type {
	SCHEMA_FLAG,	 /* present or absent; written bare */
	SCHEMA_BOOL,	 /* yes | no */
	SCHEMA_UINT,	 /* min..max */
	SCHEMA_DURATION, /* 90, 90s, 10m, 2h, 30d: kept in seconds, min..max */
	SCHEMA_ENUM,	 /* one of `choices` */
	SCHEMA_TEXT,	 /* any printable text */
	SCHEMA_NAME,	 /* a name of an object of ours: letters, digits, . _ - */
	SCHEMA_DOMAIN,	 /* a domain: A-labels, lower case, no trailing dot */
	SCHEMA_SUBTREE,	 /* a domain, or *.domain for it and everything below */
	SCHEMA_FQDN,	 /* a host name of at least two labels */
	SCHEMA_HOST,	 /* a host name or an address */
	SCHEMA_TARGET,	 /* host[:port] or [v6][:port]; printed with its port */
	SCHEMA_ADDRESS,	 /* IPv4 or IPv6 */
	SCHEMA_PREFIX,	 /* address/length */
	SCHEMA_ENDPOINT, /* address[:port]; printed with its port; `min` is the default port */
	SCHEMA_PATH,	 /* an absolute file name */
	SCHEMA_USER,	 /* user@domain */
	SCHEMA_SCOPE,	 /* global | domain/NAME | site/NAME | user/USER@DOMAIN */
	SCHEMA_PATTERN,	 /* static route: .com.contoso.* | .com.contoso | contoso.com | *.contoso.com | .* */
	SCHEMA_SPKI,	 /* sha256: and 64 hex digits */
	SCHEMA_MAC,	 /* 02:00:00:00:00:01 */
	SCHEMA_CPUS,	 /* 0,2-3 */
	SCHEMA_FAULT,	 /* drop=0.01,dup=0.01,delay=5ms,seed=7 */
	SCHEMA_TYPES,
};

enum schema_flags {
	SCHEMA_MULTI = 1 << 0,	  /* several values, a sorted set */
	SCHEMA_ORDERED = 1 << 1,  /* with MULTI: the order matters and is kept */
	SCHEMA_REQUIRED = 1 << 2, /* an object without it is refused */
	SCHEMA_BARE = 1 << 3,	  /* an ENUM whose values are written without the field's name */
	SCHEMA_HIDDEN = 1 << 4,	  /* an input alias: never printed */
	SCHEMA_KEPT = 1 << 5,	  /* kept and printed; nothing obeys it yet, which is said where it is set */
};

/* when a change takes effect */
enum schema_applies {
	SCHEMA_LIVE,  /* at commit, for the next message */
	SCHEMA_BOOT,  /* when the dataplane starts */
	SCHEMA_DAEMON /* at once, in the control daemon */
};

struct schema_field {
	const char *name;
	enum schema_type type;
	unsigned flags;
	uint64_t min, max;    /* of a NAME that is MULTI: `max` values, 0 = any number */
	const char *choices;  /* ENUM: "a|b|c" */
	const char *fallback; /* the value when none is set, NULL: none */
	const char *refers;   /* NAME, TARGET: an object of this noun must exist */
	const char *alias; /* input names of those who come from elsewhere: "ProxyFqdn|VerificationLevel" */
	const char *help;
};

struct schema_noun {
	const char *name;
	const char *key_name; /* NULL: there is one of it */
	enum schema_type key_type;
	const char *key2_word; /* NULL: the key has one part */
	const char *key2_name;
	enum schema_type key2_type;
	uint64_t key2_min; /* default port of an ENDPOINT or TARGET in the second part */
	enum schema_applies applies;
	bool split; /* printed as one line a field instead of one line an object */
	const struct schema_field *fields;
	unsigned fields_n;
	const char *alias;
	const char *help;
};

/* Turns names with other letters into A-labels; the planes fill it with libidn2, a table in tests. Returns 0
 * and fills `out`, or -EINVAL. NULL in its place: names with other letters are refused. */
typedef int (*schema_idn_fn)(const char *in, char *out, size_t cap);

/* ---- schema_table.c: the table ---- */
extern const struct schema_noun schema_nouns[];
extern const unsigned schema_nouns_n;

/* Full name, alias or an abbreviation that only one noun has; NULL otherwise. `*many` tells "more than one".
 */
const struct schema_noun *schema_noun_find(const char *word, size_t len, bool *many);
/* exact name only */
const struct schema_noun *schema_noun_named(const char *name);
unsigned schema_noun_index(const struct schema_noun *noun);
/* Finds a field by name, alias or unambiguous abbreviation; -1 none, -2 more than one. A BARE value is not a
 * field name: see schema_field_bare. */
int schema_field_find(const struct schema_noun *noun, const char *word, size_t len);
int schema_field_named(const struct schema_noun *noun, const char *name);
/* A setting that an earlier version had: why it is gone; NULL: it never was one. Whole names only. What a
 * store of that time says of it is passed over; a line that sets it is told. */
const char *schema_field_gone(const struct schema_noun *noun, const char *word, size_t len);
/* the BARE field one of whose choices is `word`, or -1; the whole choice is stored to `*choice` */
int schema_field_bare(const struct schema_noun *noun, const char *word, size_t len, const char **choice,
		      size_t *choice_len);
/* true when `word` of `len` equals one of the "a|b|c" words of `list`, letters' case ignored */
bool schema_word_in(const char *list, const char *word, size_t len);

/* Parameters of other products that have, or have not, a place here: what import and the manual tell. */
struct schema_foreign {
	const char *where; /* "CsAllowedDomain" */
	const char *name;  /* "ProxyFqdn" */
	const char *noun;  /* NULL: not ours */
	const char *field; /* "" when the noun's key */
	const char *note;  /* why not, or how it is meant here; may be NULL when mapped one to one */
};
extern const struct schema_foreign schema_foreigns[];
extern const unsigned schema_foreigns_n;
const struct schema_foreign *schema_foreign_find(const char *where, const char *name);

#endif
