/* SPDX-License-Identifier: BSD-3-Clause */
/* Values: one canonical text for each meaning. What is stored, printed, compared and hashed is always that
 * text. */
#ifndef CONFIG_SCHEMA_SCHEMA_VALUE_H
#define CONFIG_SCHEMA_SCHEMA_VALUE_H

#include "config/schema/schema.h"

/* Checks `in` and writes its canonical form to `out` (SCHEMA_VALUE_MAX bytes). Returns 0, or -EINVAL with the
 * reason and what to do in `why` (SCHEMA_WHY_MAX bytes). */
int schema_value_canon(const struct schema_field *field, const char *in, char *out, char *why,
		       schema_idn_fn idn);
/* the same for a key of `type`; `port` is the port of an ENDPOINT or TARGET that names none */
int schema_key_canon(enum schema_type type, uint64_t port, const char *in, char *out, char *why,
		     schema_idn_fn idn);
/* Lower-case A-labels without trailing dot from `in`: RFC 1035 section 2.3.1, RFC 5890. Returns 0 or -EINVAL.
 */
int schema_domain_canon(const char *in, char *out, size_t cap, char *why, schema_idn_fn idn);
/* "1024" or "1..65535" or "allow|block": for help and error messages; returns buf */
const char *schema_value_form(const struct schema_field *field, char *buf, size_t cap);
/* the word for a type in help: "DOMAIN" */
const char *schema_type_word(enum schema_type type);
/* canonical text of UINT, DURATION → number; BOOL → 0/1. Only for values that schema_value_canon made. */
uint64_t schema_value_number(const char *canonical);
/* position of `value` in "a|b|c", or -1 */
int schema_choice_index(const char *choices, const char *value, size_t len);

#endif
