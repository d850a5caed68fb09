/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as an export of another product. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/schema/schema_file.h"
#include "controlplane/daemon/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct into {
	struct schema_map map;
	struct schema_reader reader;
};

static int take_line(void *ctx, const char *line, char *why)
{
	struct into *i = ctx;
	struct schema_error e;
	int r = schema_reader_line(&i->reader, line, 1, &e);

	if (r)
		strcpy(why, e.why);
	return r;
}

static void take_report(void *ctx, unsigned line, const char *what, const char *reason)
{
	if (!reason || !*reason)
		abort(); /* nothing is refused without a reason */
}

static bool has_partner(void *ctx, const char *domain)
{
	return strlen(domain) % 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct into i = {0};
	const struct import_sink sink = {&i, take_line, take_report, has_partner, NULL};
	char *text;

	if (size < 1)
		return 0;
	text = malloc(size);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	i.reader.map = &i.map;
	import_read(data[0] & 1 ? IMPORT_LYNC : IMPORT_CISCO, data[0] & 2 ? "AllowedDomain" : "x", text,
		    size - 1, &sink);
	schema_reader_fini(&i.reader);
	schema_map_fini(&i.map);
	free(text);
	return 0;
}
