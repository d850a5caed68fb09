/* SPDX-License-Identifier: BSD-3-Clause */
/* Small texts that several answers have in common. */
#ifndef CONTROLPLANE_DAEMON_TEXT_H
#define CONTROLPLANE_DAEMON_TEXT_H

#include "controlplane/store/store.h"

/* all of an open file; *text is the caller's to free. 0 or -errno (-EFBIG above 1 GiB) */
int text_slurp(int fd, char **text, size_t *len);
/* 2026-11-21 07:40:00 in UTC */
const char *text_time(uint64_t at, char buf[32]);
int text_revision_json(const struct store_revision *r, struct schema_text *out);
/* 16 bytes, IPv4 as ::ffff:a.b.c.d, as text; `out` has 64 bytes */
void text_address(const uint8_t *a, char *out);
/* pads to a width, counting characters of UTF-8 */
int text_pad(struct schema_text *out, const char *s, unsigned width);

#endif
