/* SPDX-License-Identifier: BSD-3-Clause */
/* Domain names as the box keeps them: lower-case ASCII A-labels, no trailing dot, no IP literal. Whoever
 * reads a name from the world (parser, shell, import) brings it into this form; policy checks it and
 * compares bytes. Everything here is pure; a name never owns its bytes. */
#ifndef CONFIG_POLICY_NAME_H
#define CONFIG_POLICY_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* 255 octets on the wire (RFC 1035 section 2.3.4) are 253 characters of text without the trailing dot */
#define POLICY_NAME_MAX	 253u
#define POLICY_LABEL_MAX 63u
/* a pattern as an operator may write it: escapes and the reversed form make it longer than the name */
#define POLICY_PATTERN_MAX 255u

/* len 0 = no name; ptr may be NULL then */
struct policy_name {
	const char *ptr;
	uint32_t len;
};

enum policy_name_error {
	POLICY_NAME_OK = 0,
	POLICY_NAME_EMPTY,
	POLICY_NAME_LONG,
	POLICY_NAME_LABEL_EMPTY, /* two dots, a dot at either end */
	POLICY_NAME_LABEL_LONG,
	POLICY_NAME_LABEL_HYPHEN, /* at either end of a label */
	POLICY_NAME_CASE,
	POLICY_NAME_CHAR,
	POLICY_NAME_ADDRESS, /* an IP literal, or a name that a resolver could take for one */
	POLICY_NAME_STAR,    /* a literal * (Cisco's \*): no host is called so */
	POLICY_NAME_PATTERN, /* * elsewhere than as the whole first label */
	POLICY_NAME_ERRORS
};

/* What one entry of a table covers. `any` is Cisco's ".*": the default route, no name at all. */
struct policy_pattern {
	char name[POLICY_NAME_MAX + 1];
	uint8_t len;
	bool subtree;
	bool any;
};

static inline struct policy_name policy_name_of(const char *text)
{
	return (struct policy_name){text, (uint32_t)strlen(text)};
}

static inline bool policy_name_equal(struct policy_name a, struct policy_name b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Is `name` canonical? Returns POLICY_NAME_OK or the first thing wrong with it. */
enum policy_name_error policy_name_check(struct policy_name name);

/* What is wrong, for an operator. Never NULL. */
const char *policy_name_error_text(enum policy_name_error error);

/* The name without its first label; len 0 when there is none left. */
struct policy_name policy_name_parent(struct policy_name name);

/* Is `name` equal to `top` or below it? */
bool policy_name_below(struct policy_name name, struct policy_name top);

unsigned policy_name_labels(struct policy_name name);

/* Does a name presented in a certificate name `host`? With `wildcard`, "*.contoso.com" names exactly one
 * label more than contoso.com (RFC 6125 section 6.4.3); without, bytes must be equal (RFC 5922 section 7.2).
 */
bool policy_name_presented(struct policy_name presented, struct policy_name host, bool wildcard);

/* Reads a pattern in either notation: contoso.com, *.contoso.com, and Cisco's reversed .com.contoso (exact),
 * .com.contoso.* (subtree), .* (default). */
enum policy_name_error policy_pattern_read(struct policy_name text, struct policy_pattern *out);

#endif
