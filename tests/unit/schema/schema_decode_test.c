/* SPDX-License-Identifier: BSD-3-Clause */
/* Byte order marks and UTF-16 (RFC 2781, RFC 3629 section 6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "config/schema/schema_decode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void decodes(const char *in, size_t n, const char *out)
{
	char *text = malloc(n + 1);

	assert_non_null(text);
	memcpy(text, in, n);
	text[n] = '\0';
	assert_int_equal(schema_decode(&text, &n), 0);
	assert_int_equal(n, strlen(out));
	assert_string_equal(text, out);
	free(text);
}

#define DECODES(in, out) decodes(in, sizeof(in) - 1, out)

static void marks(void **state)
{
	DECODES("", "");
	DECODES("\xef\xbb", "\xef\xbb");
	DECODES("\xef\xbb\xbf", "");
	DECODES("\xef\xbb\xbfset", "set");
	DECODES("set \xef\xbb\xbf", "set \xef\xbb\xbf");
	DECODES("\xff", "\xff");
}

static void utf16(void **state)
{
	DECODES("\xff\xfe", "");
	DECODES("\xff\xfe"
		"a\0\xe4\0\x13\x27",
		"a\xc3\xa4\xe2\x9c\x93");
	DECODES("\xfe\xff\0a\0\xe4\x27\x13", "a\xc3\xa4\xe2\x9c\x93");
	/* U+1F600 is a pair */
	DECODES("\xff\xfe\x3d\xd8\x00\xde", "\xf0\x9f\x98\x80");
	/* halves of pairs: at the end, before something else, the second half alone */
	DECODES("\xff\xfe\x3d\xd8", "\xef\xbf\xbd");
	DECODES("\xff\xfe\x3d\xd8"
		"a\0",
		"\xef\xbf\xbd"
		"a");
	DECODES("\xff\xfe\x00\xde", "\xef\xbf\xbd");
}

static void cut(void **state)
{
	char *text = strdup("\xff\xfe"
			    "a");
	size_t n = 3;

	assert_non_null(text);
	assert_int_equal(schema_decode(&text, &n), -EILSEQ);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(marks), cmocka_unit_test(utf16),
					   cmocka_unit_test(cut)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
