/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/policy/name.h"

enum { NAME_LOWER = 1, NAME_DIGIT = 2, NAME_UPPER = 4, NAME_HYPHEN = 8 };

static unsigned name_class(char c)
{
	if (c >= 'a' && c <= 'z')
		return NAME_LOWER;
	if (c >= '0' && c <= '9')
		return NAME_DIGIT;
	if (c >= 'A' && c <= 'Z')
		return NAME_UPPER;
	return c == '-' ? NAME_HYPHEN : 0;
}

static enum policy_name_error name_char_error(char c)
{
	if (name_class(c) == NAME_UPPER)
		return POLICY_NAME_CASE;
	if (c == '*')
		return POLICY_NAME_PATTERN;
	return c == ':' || c == '[' || c == ']' ? POLICY_NAME_ADDRESS : POLICY_NAME_CHAR;
}

enum policy_name_error policy_name_check(struct policy_name name)
{
	uint32_t start = 0;

	if (name.len == 0)
		return POLICY_NAME_EMPTY;
	if (name.len > POLICY_NAME_MAX)
		return POLICY_NAME_LONG;
	for (uint32_t i = 0; i <= name.len; i++) {
		if (i < name.len && name.ptr[i] != '.') {
			unsigned class = name_class(name.ptr[i]);

			if (class == 0 || class == NAME_UPPER)
				return name_char_error(name.ptr[i]);
			continue;
		}
		if (i == start)
			return POLICY_NAME_LABEL_EMPTY;
		if (i - start > POLICY_LABEL_MAX)
			return POLICY_NAME_LABEL_LONG;
		if (name.ptr[start] == '-' || name.ptr[i - 1] == '-')
			return POLICY_NAME_LABEL_HYPHEN;
		/* RFC 3261 section 25.1: toplabel begins with a letter. So 1.2.3.4, 0x7f000001 and 127.1,
		 * which a resolver would take for an address, are no names. */
		if (i == name.len && name_class(name.ptr[start]) != NAME_LOWER)
			return POLICY_NAME_ADDRESS;
		start = i + 1;
	}
	return POLICY_NAME_OK;
}

const char *policy_name_error_text(enum policy_name_error error)
{
	static const char *const text[POLICY_NAME_ERRORS] = {
		[POLICY_NAME_OK] = "a good name",
		[POLICY_NAME_EMPTY] = "empty; write a domain name such as contoso.com",
		[POLICY_NAME_LONG] = "longer than 253 characters, which DNS cannot carry",
		[POLICY_NAME_LABEL_EMPTY] =
			"an empty label; write no dot at either end and no two dots in a row",
		[POLICY_NAME_LABEL_LONG] = "a label longer than 63 characters",
		[POLICY_NAME_LABEL_HYPHEN] = "a label that begins or ends with a hyphen",
		[POLICY_NAME_CASE] = "an upper-case letter; names are kept in lower case",
		[POLICY_NAME_CHAR] =
			("a character other than a-z, 0-9, hyphen and dot; an internationalised name "
			 "is written as its A-label (xn--...)"),
		[POLICY_NAME_ADDRESS] = "an IP address, or a name that could be taken for one; domains only",
		[POLICY_NAME_STAR] = "a literal * (\\*), which no host name contains",
		[POLICY_NAME_PATTERN] =
			"a * elsewhere than as the whole first label (or last, in reversed order)",
	};

	return (unsigned)error < POLICY_NAME_ERRORS ? text[error] : "unknown";
}

struct policy_name policy_name_parent(struct policy_name name)
{
	const char *dot = name.len ? memchr(name.ptr, '.', name.len) : NULL;

	if (!dot)
		return (struct policy_name){"", 0};
	return (struct policy_name){dot + 1, name.len - (uint32_t)(dot + 1 - name.ptr)};
}

bool policy_name_below(struct policy_name name, struct policy_name top)
{
	if (top.len == 0 || name.len < top.len ||
	    memcmp(name.ptr + name.len - top.len, top.ptr, top.len) != 0)
		return false;
	return name.len == top.len || name.ptr[name.len - top.len - 1] == '.';
}

unsigned policy_name_labels(struct policy_name name)
{
	unsigned n = name.len != 0;

	for (uint32_t i = 0; i < name.len; i++)
		n += name.ptr[i] == '.';
	return n;
}

bool policy_name_presented(struct policy_name presented, struct policy_name host, bool wildcard)
{
	struct policy_name rest;

	if (host.len == 0)
		return false;
	if (policy_name_equal(presented, host))
		return true;
	if (!wildcard || presented.len <= 2 || memcmp(presented.ptr, "*.", 2) != 0)
		return false;
	/* the star stands for one label, and never right above a top-level label: *.com names nobody */
	rest = (struct policy_name){presented.ptr + 2, presented.len - 2};
	return policy_name_labels(rest) >= 2 && policy_name_equal(policy_name_parent(host), rest);
}

/* one character of a pattern: `literal` when it was escaped */
struct name_char {
	char c;
	bool literal;
};

/* labels of a reversed pattern, last one first, into out->name */
static enum policy_name_error name_reverse(const struct name_char *chars, size_t n,
					   struct policy_pattern *out)
{
	size_t at = 0;

	while (n) {
		size_t start = n;

		while (start && chars[start - 1].c != '.')
			start--;
		if (start == n)
			return POLICY_NAME_LABEL_EMPTY;
		if (at + (n - start) + (start > 1) > POLICY_NAME_MAX)
			return POLICY_NAME_LONG;
		for (size_t i = start; i < n; i++)
			out->name[at++] = chars[i].c;
		if (start == 0)
			break;
		n = start - 1;
		if (n == 0)
			return POLICY_NAME_LABEL_EMPTY;
		out->name[at++] = '.';
	}
	out->len = (uint8_t)at;
	return POLICY_NAME_OK;
}

enum policy_name_error policy_pattern_read(struct policy_name text, struct policy_pattern *out)
{
	struct name_char chars[POLICY_PATTERN_MAX];
	size_t n = 0, first = 0;
	bool reversed, escaped = false;
	enum policy_name_error error;

	memset(out, 0, sizeof(*out));
	if (text.len == 0)
		return POLICY_NAME_EMPTY;
	if (text.len > POLICY_PATTERN_MAX)
		return POLICY_NAME_LONG;
	for (uint32_t i = 0; i < text.len; i++) {
		if (!escaped && text.ptr[i] == '\\') {
			escaped = true;
			continue;
		}
		if (escaped && text.ptr[i] == '*')
			return POLICY_NAME_STAR;
		if (escaped && text.ptr[i] != '.')
			return POLICY_NAME_CHAR;
		chars[n++] = (struct name_char){text.ptr[i], escaped};
		escaped = false;
	}
	if (escaped)
		return POLICY_NAME_CHAR;

	reversed = chars[0].c == '.' && n > 1;
	if (reversed && n == 2 && chars[1].c == '*') {
		out->any = true;
		return POLICY_NAME_OK;
	}
	if (reversed) {
		first = 1;
		if (n >= 3 && chars[n - 1].c == '*' && chars[n - 2].c == '.') {
			out->subtree = true;
			n -= 2;
		}
		error = name_reverse(chars + first, n - first, out);
		if (error)
			return error;
	} else {
		if (n >= 2 && chars[0].c == '*' && chars[1].c == '.') {
			out->subtree = true;
			first = 2;
		}
		if (n - first > POLICY_NAME_MAX)
			return POLICY_NAME_LONG;
		for (size_t i = first; i < n; i++)
			out->name[i - first] = chars[i].c;
		out->len = (uint8_t)(n - first);
	}
	return policy_name_check((struct policy_name){out->name, out->len});
}
