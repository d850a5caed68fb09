/* SPDX-License-Identifier: BSD-3-Clause */
/* Text into a buffer that may be too small: what does not fit is remembered, not written. */
#ifndef DATAPLANE_PROXY_PROXY_TEXT_H
#define DATAPLANE_PROXY_PROXY_TEXT_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "config/policy/name.h"
#include "dataplane/base/address_text.h"

struct proxy_text {
	char *p;
	uint32_t n, size;
	bool full;
};

static inline struct proxy_text proxy_text_of(char *p, uint32_t size)
{
	return (struct proxy_text){p, 0, size, false};
}

static inline void proxy_text_bytes(struct proxy_text *t, const void *p, uint32_t len)
{
	if (t->full || t->size - t->n < len) {
		t->full = true;
		return;
	}
	if (len)
		memcpy(t->p + t->n, p, len);
	t->n += len;
}

static inline void proxy_text_put(struct proxy_text *t, const char *text)
{
	proxy_text_bytes(t, text, (uint32_t)strlen(text));
}

static inline void proxy_text_name(struct proxy_text *t, struct policy_name name)
{
	proxy_text_bytes(t, name.ptr, name.len);
}

static inline void proxy_text_number(struct proxy_text *t, uint32_t number)
{
	char digit[BASE_DECIMAL_MAX];

	proxy_text_bytes(t, digit, base_decimal_put(digit, number));
}

static inline void proxy_text_hex(struct proxy_text *t, const uint8_t *p, uint32_t len)
{
	static const char digit[] = "0123456789abcdef";

	if (t->full || (t->size - t->n) / 2 < len) {
		t->full = true;
		return;
	}
	for (uint32_t i = 0; i < len; i++) {
		t->p[t->n++] = digit[p[i] >> 4];
		t->p[t->n++] = digit[p[i] & 15];
	}
}

/* ;name="value", when value is a domain name: what is none could end the quotes */
static inline void proxy_text_attribute(struct proxy_text *t, const char *name, struct policy_name value)
{
	if (policy_name_check(value) != POLICY_NAME_OK)
		return;
	proxy_text_put(t, ";");
	proxy_text_put(t, name);
	proxy_text_put(t, "=\"");
	proxy_text_name(t, value);
	proxy_text_put(t, "\"");
}

/* length, or -ENOSPC */
static inline int proxy_text_done(const struct proxy_text *t)
{
	return t->full ? -ENOSPC : (int)t->n;
}

#endif
