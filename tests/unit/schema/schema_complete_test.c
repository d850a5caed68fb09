/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config/schema/schema_complete.h"

struct got {
	char text[16384];
};

static void emit(void *ctx, const char *word, const char *help, bool literal)
{
	struct got *g = ctx;
	size_t n = strlen(g->text);

	assert_non_null(help);
	snprintf(g->text + n, sizeof(g->text) - n, "%s%s", n ? " " : "", word);
}

static void keys(void *ctx, const struct schema_noun *noun, const char *what, const char *prefix)
{
	char word[128];

	snprintf(word, sizeof(word), "{%s:%s}", noun ? noun->name : what, prefix);
	emit(ctx, word, "", true);
}

static void words(void **state)
{
	static const struct {
		const char *line, *want;
	} rows[] = {
		{"comm", "commit"},
		{"commit ", "confirmed shadow comment at-revision <Enter>"},
		{"commit con", "confirmed"},
		{"commit confirmed ", "<NUMBER> comment at-revision"},
		{"commit confirmed 5 c", "comment"},
		{"set par", "partner"},
		{"se pa", ""},
		{"set partner ", "<[*.]DOMAIN> {partner:}"},
		{"set partner con", "<[*.]DOMAIN> {partner:con}"},
		{"set partner contoso.com a", "allow"},
		{"set partner contoso.com allow veri", "verification"},
		{"set partner contoso.com allow verification ", "always never source"},
		{"set partner contoso.com allow tls-profile s", "<NAME> {tls-profile:s}"},
		{"set route .com.a ", "to"},
		{"set route .com.a to ", "<HOST[:PORT]>"},
		{"delete partner x.test comm", "comment"},
		{"show configuration partner c", "<TEXT> {partner:c} candidate"},
		{"show dn", "dns dns-records"},
		{"explain from a@b.c ", "to peer method inbound outbound"},
		{"show blocks | i", "include"},
		{"show blocks | ", "include exclude begin count no-more"},
		{"frobnicate ", ""},
		{"schema ", "man1 man5 man8-control man8-dataplane bash json foreign"},
		{"load domains ", "<TEXT> {file:} comment block replace dry-run"},
		{"do show blo", "blocks"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct got g = {""};
		const struct schema_completion c = {emit, keys, &g};
		size_t partial;

		schema_complete(rows[i].line, &c, &partial);
		if (strcmp(rows[i].line, "se pa") == 0) {
			/* "se" is short for set: nouns follow */
			assert_non_null(strstr(g.text, "partner"));
			continue;
		}
		if (strcmp(g.text, rows[i].want))
			fail_msg("'%s': '%s' instead of '%s'", rows[i].line, g.text, rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(words)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
