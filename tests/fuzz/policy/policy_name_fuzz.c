/* SPDX-License-Identifier: BSD-3-Clause */
/* Names and patterns: whatever is accepted is canonical, and reading it back in either notation gives it
 * again. */
#include <stdlib.h>

#include "config/policy/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void canonical(struct policy_name name)
{
	struct policy_name rest = name;

	must(name.len > 0 && name.len <= POLICY_NAME_MAX);
	must(policy_name_check(name) == POLICY_NAME_OK);
	must(policy_name_below(name, name));
	for (unsigned n = policy_name_labels(name); n; n--) {
		must(rest.len > 0 && policy_name_check(rest) == POLICY_NAME_OK);
		must(policy_name_below(name, rest));
		rest = policy_name_parent(rest);
	}
	must(rest.len == 0);
}

/* contoso.com and subtree to ".com.contoso.*" */
static uint32_t reversed(const struct policy_pattern *p, char *out)
{
	uint32_t at = 0, end = p->len;

	for (uint32_t i = p->len; i-- > 0;) {
		if (i && p->name[i - 1] != '.')
			continue;
		out[at++] = '.';
		memcpy(out + at, p->name + i, end - i);
		at += end - i;
		end = i ? i - 1 : 0;
	}
	if (p->subtree) {
		memcpy(out + at, ".*", 2);
		at += 2;
	}
	return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy_name name = {(const char *)data, (uint32_t)size};
	struct policy_pattern p, back;
	char text[POLICY_NAME_MAX + 4];

	if (size > 1024)
		return 0;
	if (policy_name_check(name) == POLICY_NAME_OK)
		canonical(name);
	must(policy_name_error_text(policy_name_check(name)) != NULL);
	(void)policy_name_presented(name, policy_name_of("sip.contoso.com"), true);
	(void)policy_name_presented(policy_name_of("*.contoso.com"), name, true);
	(void)policy_name_parent(name);
	if (policy_pattern_read(name, &p) != POLICY_NAME_OK)
		return 0;
	if (p.any) {
		must(p.len == 0 && !p.subtree);
		return 0;
	}
	canonical((struct policy_name){p.name, p.len});
	if (p.len + 3u > POLICY_PATTERN_MAX)
		return 0;
	must(policy_pattern_read((struct policy_name){text, reversed(&p, text)}, &back) == POLICY_NAME_OK);
	must(back.subtree == p.subtree && back.len == p.len && memcmp(back.name, p.name, p.len) == 0);
	return 0;
}
