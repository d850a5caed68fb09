/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sip/sip_validate.h"

#include <string.h>

#include "dataplane/sip/sip_lex.h"

static bool option_known(const struct sip_msg *m, const struct sip_validate_rules *rules, struct sip_view tag)
{
	for (unsigned i = 0; rules && i < rules->proxy_options_n; i++)
		if (sip_view_is(m, tag, rules->proxy_options[i]))
			return true;
	return false;
}

static bool tokens_ok(const struct sip_msg *m, enum sip_header_id id)
{
	struct sip_iter it = sip_iter_start(m, id);
	struct sip_view v;
	int r;

	while ((r = sip_token_next(m, id, &it, &v)) > 0)
		;
	return r == 0;
}

static bool addresses_ok(const struct sip_msg *m, enum sip_header_id id)
{
	struct sip_iter it = sip_iter_start(m, id);
	struct sip_nameaddr na;
	int r;

	while ((r = sip_nameaddr_next(m, id, &it, &na)) > 0)
		;
	return r == 0;
}

static enum sip_reason proxy_require(const struct sip_msg *m, const struct sip_validate_rules *rules)
{
	struct sip_iter it = sip_iter_start(m, SIP_HDR_PROXY_REQUIRE);
	enum sip_reason reason = SIP_REASON_OK;
	struct sip_view tag;
	int r;

	while ((r = sip_token_next(m, SIP_HDR_PROXY_REQUIRE, &it, &tag)) > 0)
		if (!option_known(m, rules, tag))
			reason = SIP_REASON_PROXY_REQUIRE;
	if (r < 0)
		return SIP_REASON_BAD_REQUIRE;
	/* of section 8.2.2.3 an end point supports nothing that could be required */
	if (reason == SIP_REASON_OK && rules && rules->end_point && sip_msg_first(m, SIP_HDR_REQUIRE))
		return SIP_REASON_REQUIRE;
	return reason;
}

/* RFC 3261 section 8.2.2.3 */
static bool ignores_require(const struct sip_msg *m)
{
	return m->method == SIP_METHOD_CANCEL || m->method == SIP_METHOD_ACK;
}

/* Of the fields that may occur once, those that the core does not count itself. */
static bool repeated(const struct sip_msg *m)
{
	for (unsigned i = 0; i < m->n_headers; i++) {
		const struct sip_header *h = &m->header[i];

		if (sip_unlikely(m->next[i + 1] != 0) && sip_header_infos[h->id].once)
			return true;
	}
	return false;
}

enum sip_reason sip_validate(const struct sip_msg *m, const struct sip_validate_rules *rules,
			     struct sip_core *core)
{
	enum sip_reason r = sip_core_read(m, core);
	const struct sip_header *h;
	struct sip_media_type type;

	if (sip_unlikely(r != SIP_REASON_OK))
		return r;
	if (sip_unlikely(repeated(m)))
		return SIP_REASON_REPEATED;
	/* a CANCEL goes no further anyway (section 16.10) */
	if (!m->response && sip_unlikely(core->max_forwards == 0) && !(rules && rules->end_point) &&
	    m->method != SIP_METHOD_CANCEL)
		return SIP_REASON_MAX_FORWARDS_ZERO;
	if (sip_unlikely(!tokens_ok(m, SIP_HDR_REQUIRE) || !tokens_ok(m, SIP_HDR_SUPPORTED)))
		return SIP_REASON_BAD_REQUIRE;
	if (sip_unlikely(!addresses_ok(m, SIP_HDR_P_ASSERTED_IDENTITY) ||
			 !addresses_ok(m, SIP_HDR_P_PREFERRED_IDENTITY)))
		return SIP_REASON_BAD_IDENTITY;
	h = sip_msg_first(m, SIP_HDR_CONTENT_TYPE);
	if (h && sip_unlikely(!sip_media_type_read(m, h, &type)))
		return SIP_REASON_BAD_CONTENT_TYPE;
	return m->response || sip_unlikely(ignores_require(m)) ? SIP_REASON_OK : proxy_require(m, rules);
}

static unsigned unsupported_of(const struct sip_msg *m, const struct sip_validate_rules *rules,
			       enum sip_header_id id, char *out, unsigned n, unsigned size)
{
	struct sip_iter it = sip_iter_start(m, id);
	struct sip_view tag;

	while (sip_token_next(m, id, &it, &tag) > 0) {
		if (id == SIP_HDR_PROXY_REQUIRE && option_known(m, rules, tag))
			continue;
		if (n + tag.len + 3 > size)
			break;
		if (n) {
			out[n++] = ',';
			out[n++] = ' ';
		}
		memcpy(out + n, m->buf + tag.off, tag.len);
		n += tag.len;
	}
	return n;
}

unsigned sip_unsupported_list(const struct sip_msg *m, const struct sip_validate_rules *rules, char *out,
			      unsigned size)
{
	unsigned n = unsupported_of(m, rules, SIP_HDR_PROXY_REQUIRE, out, 0, size);

	if (rules && rules->end_point)
		n = unsupported_of(m, rules, SIP_HDR_REQUIRE, out, n, size);
	if (size)
		out[n] = '\0';
	return n;
}
