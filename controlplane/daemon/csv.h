/* SPDX-License-Identifier: BSD-3-Clause */
/* CSV as RFC 4180 has it, with LF alone allowed. Pure. */
#ifndef CONTROLPLANE_DAEMON_CSV_H
#define CONTROLPLANE_DAEMON_CSV_H

#include <stddef.h>

enum { CSV_FIELDS_MAX = 64 };

/* `separator`: a comma, or what other countries' Export-Csv -UseCulture writes. Cuts one record out of `text`
 * in place: fields are NUL terminated. >0 bytes consumed, 0 at the end, -1 when a quoted field does not end
 * or there are too many fields. `*lines` receives how many lines the record took.
 */
long csv_record(char *text, size_t len, char separator, char **field, unsigned *n, unsigned *lines);

#endif
