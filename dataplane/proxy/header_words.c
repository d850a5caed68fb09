/* SPDX-License-Identifier: BSD-3-Clause */
/* The header fields of Microsoft's and ours that say something to policy. Their values are words and
 * word=word, with ';' or ',' between and white space anywhere; whatever else stands there says nothing. */
#include <string.h>
#include <strings.h>

#include "dataplane/proxy/header_rules.h"

struct words {
	const char *p, *end;
};

struct word {
	const char *name, *value;
	uint32_t name_len, value_len;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static uint32_t trimmed(const char **p, const char *end)
{
	while (*p < end && is_space(**p))
		(*p)++;
	while (end > *p && is_space(end[-1]))
		end--;
	return (uint32_t)(end - *p);
}

static bool word_next(struct words *w, struct word *out)
{
	const char *end, *equal;

	if (w->p >= w->end)
		return false;
	for (end = w->p; end < w->end && *end != ';' && *end != ','; end++)
		;
	equal = memchr(w->p, '=', (size_t)(end - w->p));
	out->name = w->p;
	out->name_len = trimmed(&out->name, equal ? equal : end);
	out->value = equal ? equal + 1 : end;
	out->value_len = trimmed(&out->value, end);
	w->p = end + 1;
	return true;
}

static bool is(const char *p, uint32_t len, const char *text)
{
	return len == strlen(text) && strncasecmp(p, text, len) == 0;
}

static struct words words_of(const struct sip_msg *m, const struct sip_header *h)
{
	return (struct words){(const char *)m->buf + h->value, (const char *)m->buf + h->value_end};
}

enum policy_mark header_mark(const struct sip_msg *m)
{
	enum policy_mark mark = POLICY_MARK_NONE;
	const struct sip_header *h;

	for (h = sip_msg_first(m, SIP_HDR_MS_ASSERTED_VERIFICATION_LEVEL); h; h = sip_msg_next(m, h)) {
		struct words w = words_of(m, h);
		struct word one;

		while (word_next(&w, &one)) {
			if (!is(one.name, one.name_len, "ms-source-verified-user"))
				continue;
			/* "verified" holds until anything else is said, and never again */
			if (!is(one.value, one.value_len, "verified"))
				mark = POLICY_MARK_UNVERIFIED;
			else if (mark == POLICY_MARK_NONE)
				mark = POLICY_MARK_VERIFIED;
		}
	}
	return mark;
}

enum policy_split header_split(const struct sip_msg *m)
{
	const struct sip_header *h = sip_msg_first(m, SIP_HDR_MS_SPLIT_DOMAIN_INFO);
	enum policy_split split = POLICY_SPLIT_WRONG;
	struct words w;
	struct word one;

	if (!h)
		return POLICY_SPLIT_ABSENT;
	if (sip_msg_next(m, h))
		return POLICY_SPLIT_WRONG;
	w = words_of(m, h);
	while (word_next(&w, &one)) {
		if (!is(one.name, one.name_len, "ms-traffic-type"))
			continue;
		/* said twice is said wrongly */
		if (split == POLICY_SPLIT_GOOD || !is(one.value, one.value_len, "SplitIntra"))
			return POLICY_SPLIT_WRONG;
		split = POLICY_SPLIT_GOOD;
	}
	return split;
}

static uint8_t right_of(const char *p, uint32_t len)
{
	static const struct {
		const char *name;
		uint8_t right;
	} table[] = {{"federation", POLICY_RIGHT_FEDERATION},
		     {"public", POLICY_RIGHT_PUBLIC},
		     {"xmpp", POLICY_RIGHT_XMPP},
		     {"outside", POLICY_RIGHT_OUTSIDE}};

	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (is(p, len, table[i].name))
			return table[i].right;
	return 0;
}

struct policy_rights header_rights(const struct sip_msg *m)
{
	const size_t len = sizeof(HEADER_RIGHTS) - 1;
	struct policy_rights rights = {0, 0};
	uint8_t denied = 0;

	for (const struct sip_header *h = sip_msg_first(m, SIP_HDR_OTHER); h; h = sip_msg_next(m, h)) {
		struct words w;
		struct word one;

		if (h->name_len != len ||
		    strncasecmp((const char *)m->buf + h->line, HEADER_RIGHTS, len) != 0)
			continue;
		w = words_of(m, h);
		while (word_next(&w, &one)) {
			bool no = one.name_len > 3 && strncasecmp(one.name, "no-", 3) == 0;
			uint8_t right = no ? right_of(one.name + 3, one.name_len - 3)
					   : right_of(one.name, one.name_len);

			rights.stated |= right;
			if (no)
				denied |= right;
			else
				rights.granted |= right;
		}
	}
	rights.granted &= (uint8_t)~denied;
	return rights;
}
