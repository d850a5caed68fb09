/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of the proxy's rules share: a message from a text (with Content-Length filled in), the
 * edited message as a text, names. */
#ifndef TESTS_UNIT_PROXY_RULES_FIXTURE_H
#define TESTS_UNIT_PROXY_RULES_FIXTURE_H

#include <stdio.h>

#include "config/policy/name.h"
#include "dataplane/sip/sip_edit.h"
#include "dataplane/sip/sip_frame.h"
#include "tests/unit/sip/sip_fixture.h"

struct rules_message {
	struct sip_msg *m;
	struct sip_core core;
	uint8_t *bytes; /* of the exact size */
	uint32_t len;
};

#define N(text) ((struct policy_name){text, sizeof(text) - 1})

/* `head` ends before the empty line; Content-Length is added. Must be well-formed. */
static inline void rules_read(struct rules_message *t, const char *head, const char *body)
{
	static char text[140000];
	int n = snprintf(text, sizeof(text), "%sContent-Length: %zu\r\n\r\n%s", head, strlen(body), body);
	enum sip_reason r;

	assert_true(n > 0 && (size_t)n < sizeof(text));
	if (!t->m)
		t->m = sip_fixture_msg();
	free(t->bytes);
	t->len = (uint32_t)n;
	t->bytes = sip_fixture_copy(text, t->len);
	r = sip_msg_index(t->m, sip_kernel_choose(), &SIP_LIMITS_DEFAULT, t->bytes, t->len);
	if (r == SIP_REASON_OK)
		r = sip_msg_length(t->m, &SIP_LIMITS_DEFAULT, &t->m->body_len);
	if (r == SIP_REASON_OK)
		r = sip_validate(t->m, NULL, &t->core);
	if (r != SIP_REASON_OK)
		fail_msg("%s: %s", sip_reason_infos[r].name, text);
}

static inline void rules_free(struct rules_message *t)
{
	free(t->bytes);
	free(t->m);
	memset(t, 0, sizeof(*t));
}

/* the edited message, NUL behind it */
static inline char *rules_emit(const struct sip_edit *e)
{
	static char out[200000];
	struct iovec iov[SIP_EDIT_IOV_MAX];
	int n = sip_edit_emit(e, iov, SIP_EDIT_IOV_MAX);
	size_t at = 0;

	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		assert_true(at + iov[i].iov_len < sizeof(out));
		memcpy(out + at, iov[i].iov_base, iov[i].iov_len);
		at += iov[i].iov_len;
	}
	out[at] = '\0';
	return out;
}

static inline void rules_name(struct policy_name name, const char *want)
{
	if (name.len != strlen(want) || memcmp(name.ptr, want, name.len) != 0)
		fail_msg("name is '%.*s', not '%s'", (int)name.len, name.ptr, want);
}

static inline unsigned rules_count(const char *text, const char *what)
{
	unsigned n = 0;

	for (const char *p = text; (p = strcasestr(p, what)) != NULL; p++)
		n++;
	return n;
}

#endif
