/* SPDX-License-Identifier: BSD-3-Clause */
/* Text files as other systems write them. */
#ifndef CONFIG_SCHEMA_SCHEMA_DECODE_H
#define CONFIG_SCHEMA_SCHEMA_DECODE_H

#include <stddef.h>

/* Makes plain UTF-8 of what begins with a byte order mark: the mark of UTF-8 goes, UTF-16 of either order is
 * converted. Anything else stays as it is. *text (allocated, with a NUL behind *len bytes) may be replaced.
 * 0, -ENOMEM, or -EILSEQ when UTF-16 ends in the middle of a character. */
int schema_decode(char **text, size_t *len);

#endif
