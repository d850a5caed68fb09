/* SPDX-License-Identifier: BSD-3-Clause */
/* How each type of value is read. Each returns 0 with the canonical form in `out` (SCHEMA_VALUE_MAX bytes),
 * or -EINVAL with `why` (SCHEMA_WHY_MAX bytes). */
#ifndef CONFIG_SCHEMA_VALUE_CANON_H
#define CONFIG_SCHEMA_VALUE_CANON_H

#include "config/schema/schema_value.h"

/* writes `why`; -EINVAL */
int value_bad(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* as it is */
int value_copy(char *out, const char *in, char *why);
bool value_is_address(const char *s);

/* ---- value_name.c: names, addresses, and what is made of them ---- */
int value_name(const char *in, char *out, char *why);
int value_address(const char *in, char *out, char *why);
int value_prefix(const char *in, char *out, char *why);
int value_target(enum schema_type type, uint64_t port, const char *in, char *out, char *why,
		 schema_idn_fn idn);
int value_user(const char *in, char *out, char *why, schema_idn_fn idn);
int value_scope(const char *in, char *out, char *why, schema_idn_fn idn);
int value_pattern(const char *in, char *out, char *why, schema_idn_fn idn);
int value_uint(const char *in, uint64_t *v);

#endif
