/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/schema/schema_decode.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* RFC 3629 section 3 */
static char *put(char *out, uint32_t c)
{
	if (c < 0x80) {
		*out++ = (char)c;
	} else if (c < 0x800) {
		*out++ = (char)(0xc0 | c >> 6);
		*out++ = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*out++ = (char)(0xe0 | c >> 12);
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
		*out++ = (char)(0x80 | (c & 0x3f));
	} else {
		*out++ = (char)(0xf0 | c >> 18);
		*out++ = (char)(0x80 | (c >> 12 & 0x3f));
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
		*out++ = (char)(0x80 | (c & 0x3f));
	}
	return out;
}

static uint32_t unit(const uint8_t *p, bool big)
{
	return big ? (uint32_t)p[0] << 8 | p[1] : (uint32_t)p[1] << 8 | p[0];
}

/* RFC 2781 section 2.2; half of a pair becomes U+FFFD */
static int from_utf16(char **text, size_t *len, bool big)
{
	const uint8_t *p = (const uint8_t *)*text + 2, *end = (const uint8_t *)*text + *len;
	char *fresh, *out;

	if ((end - p) % 2)
		return -EILSEQ;
	/* two bytes become three at most, four become four */
	fresh = out = malloc((size_t)(end - p) / 2 * 3 + 1);
	if (!fresh)
		return -ENOMEM;
	while (p < end) {
		uint32_t c = unit(p, big), low;

		p += 2;
		if (c >= 0xd800 && c < 0xe000) {
			low = c < 0xdc00 && p < end ? unit(p, big) : 0;
			if (low >= 0xdc00 && low < 0xe000) {
				c = 0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff));
				p += 2;
			} else {
				c = 0xfffd;
			}
		}
		out = put(out, c);
	}
	*out = '\0';
	free(*text);
	*text = fresh;
	*len = (size_t)(out - fresh);
	return 0;
}

int schema_decode(char **text, size_t *len)
{
	const uint8_t *p = (const uint8_t *)*text;

	if (*len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
		*len -= 3;
		memmove(*text, *text + 3, *len + 1);
		return 0;
	}
	if (*len >= 2 && ((p[0] == 0xff && p[1] == 0xfe) || (p[0] == 0xfe && p[1] == 0xff)))
		return from_utf16(text, len, p[0] == 0xfe);
	return 0;
}
