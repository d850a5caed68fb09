/* SPDX-License-Identifier: BSD-3-Clause */
#include "controlplane/daemon/csv.h"

#include <stdbool.h>

long csv_record(char *text, size_t len, char separator, char **field, unsigned *n, unsigned *lines)
{
	size_t at = 0, out = 0;

	*n = 0;
	*lines = 1;
	if (len == 0)
		return 0;
	for (;;) {
		bool quoted = at < len && text[at] == '"';

		if (*n == CSV_FIELDS_MAX)
			return -1;
		field[(*n)++] = text + out;
		if (quoted) {
			at++;
			for (;;) {
				if (at >= len)
					return -1;
				if (text[at] == '"') {
					if (at + 1 >= len || text[at + 1] != '"')
						break;
					at++;
				}
				*lines += text[at] == '\n';
				text[out++] = text[at++];
			}
			at++;
			/* what stands between the quote and the comma is kept: it is somebody's data */
		}
		while (at < len && text[at] != separator && text[at] != '\n')
			text[out++] = text[at++];
		if (at < len && text[at] == '\n' && out && text[out - 1] == '\r' &&
		    field[*n - 1] < text + out)
			out--;
		if (at >= len || text[at] == '\n') {
			/* at the end of the text the caller's NUL stands at text[len] */
			text[out] = '\0';
			return (long)(at < len ? at + 1 : len);
		}
		text[out++] = '\0';
		at++;
	}
}
