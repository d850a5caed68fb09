/* SPDX-License-Identifier: BSD-3-Clause */
/* What the SIP unit tests share: one scratch message, buffers of the exact size (so that AddressSanitizer
 * sees a read behind the end), every usable kernel in turn. */
#ifndef TESTS_UNIT_SIP_SIP_FIXTURE_H
#define TESTS_UNIT_SIP_SIP_FIXTURE_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* keeps the order that cmocka.h wants */
#include <cmocka.h>

#include "dataplane/sip/sip_frame.h"
#include "dataplane/sip/sip_validate.h"

static inline struct sip_msg *sip_fixture_msg(void)
{
	struct sip_msg *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	return m;
}

static inline uint8_t *sip_fixture_copy(const void *bytes, size_t len)
{
	uint8_t *p = malloc(len ? len : 1);

	assert_non_null(p);
	if (len)
		memcpy(p, bytes, len);
	return p;
}

static inline void sip_fixture_view(const struct sip_msg *m, struct sip_view v, const char *want)
{
	if (v.len != strlen(want) || memcmp(m->buf + v.off, want, v.len) != 0)
		fail_msg("view is '%.*s', not '%s'", (int)v.len, (const char *)m->buf + v.off, want);
}

#endif
