/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sip/sip_core.h"

#include <string.h>

#include "dataplane/sip/sip_uri_read.h"

static enum sip_reason read_vias(const struct sip_msg *m, struct sip_core *core)
{
	int n = sip_via_read(m, &core->via);

	core->n_vias = n > 0 ? (uint16_t)n : 0;
	if (sip_unlikely(n <= 0))
		return n < 0 ? SIP_REASON_BAD_VIA : SIP_REASON_MISSING_VIA;
	/* RFC 4475 section 3.2.1: the cookie promises an identifier */
	if (sip_unlikely((core->via.flags & SIP_VIA_COOKIE) && core->via.branch.len == 7))
		return SIP_REASON_BAD_BRANCH;
	/* another protocol's version may speak from below, not to us */
	return sip_unlikely(core->via.flags & SIP_VIA_VERSION) ? SIP_REASON_BAD_VIA : SIP_REASON_OK;
}

/* number of values, the first in *first; -1: malformed */
static inline int read_list(const struct sip_msg *m, enum sip_header_id id, struct sip_nameaddr *first)
{
	struct sip_iter it = sip_iter_start(m, id);
	struct sip_nameaddr rest, *to = first;
	int n = 0, r;

	while ((r = sip_nameaddr_next(m, id, &it, to)) > 0) {
		n++;
		to = &rest;
	}
	return r < 0 ? -1 : n;
}

static enum sip_reason read_request_uri(const struct sip_msg *m, struct sip_core *core)
{
	struct sip_uri *u = &core->uri;

	if (sip_unlikely(sip_uri_read(m, m->uri.off, sip_view_end(m->uri), ' ', u) == 0))
		return SIP_REASON_URI_SYNTAX;
	if (sip_unlikely(u->scheme == SIP_SCHEME_OTHER))
		return SIP_REASON_URI_SCHEME;
	/* RFC 3261 section 19.1.1, table 1; RFC 4475 section 3.1.2.11 */
	return sip_unlikely(u->flags & SIP_URI_HAS_HEADERS) ? SIP_REASON_URI_HEADERS : SIP_REASON_OK;
}

static enum sip_reason read_once(const struct sip_msg *m, struct sip_core *core)
{
	const struct sip_header *from = sip_msg_first(m, SIP_HDR_FROM), *to = sip_msg_first(m, SIP_HDR_TO);
	const struct sip_header *call_id = sip_msg_first(m, SIP_HDR_CALL_ID),
				*cseq = sip_msg_first(m, SIP_HDR_CSEQ);
	const struct sip_header *mf = sip_msg_first(m, SIP_HDR_MAX_FORWARDS);
	uint32_t n;

	if (sip_unlikely(!from))
		return SIP_REASON_MISSING_FROM;
	if (sip_unlikely(!to))
		return SIP_REASON_MISSING_TO;
	if (sip_unlikely(!call_id))
		return SIP_REASON_MISSING_CALL_ID;
	if (sip_unlikely(!cseq))
		return SIP_REASON_MISSING_CSEQ;
	core->max_forwards = SIP_CORE_NO_MAX_FORWARDS;
	if (sip_unlikely((int)sip_msg_repeats(m, SIP_HDR_FROM) | (int)sip_msg_repeats(m, SIP_HDR_TO) |
			 (int)sip_msg_repeats(m, SIP_HDR_CALL_ID) | (int)sip_msg_repeats(m, SIP_HDR_CSEQ) |
			 (int)sip_msg_repeats(m, SIP_HDR_MAX_FORWARDS)))
		return SIP_REASON_REPEATED;
	if (sip_unlikely(!sip_nameaddr_one(m, from, &core->from)))
		return SIP_REASON_BAD_FROM;
	if (sip_unlikely(!sip_nameaddr_one(m, to, &core->to)))
		return SIP_REASON_BAD_TO;
	if (sip_unlikely(!sip_call_id_read(m, call_id, &core->call_id)))
		return SIP_REASON_BAD_CALL_ID;
	if (sip_unlikely(!sip_cseq_read(m, cseq, &core->cseq)))
		return SIP_REASON_BAD_CSEQ;
	if (mf) {
		if (sip_unlikely(!sip_number_read(m, mf, 255, &n)))
			return SIP_REASON_BAD_MAX_FORWARDS;
		core->max_forwards = (int32_t)n;
	}
	return SIP_REASON_OK;
}

static bool same_method(const struct sip_msg *m, struct sip_view v)
{
	return v.len == m->method_text.len && memcmp(m->buf + v.off, m->buf + m->method_text.off, v.len) == 0;
}

enum sip_reason sip_core_read(const struct sip_msg *m, struct sip_core *core)
{
	enum sip_reason r = m->start_error;
	int n;

	if (sip_unlikely(r != SIP_REASON_OK))
		return r;
	if (!m->response) {
		r = read_request_uri(m, core);
		if (sip_unlikely(r != SIP_REASON_OK))
			return r;
	}
	r = read_once(m, core);
	if (sip_unlikely(r != SIP_REASON_OK))
		return r;
	/* known ones are the same when their numbers are */
	if (!m->response &&
	    sip_unlikely(core->cseq.method != m->method ||
			 (m->method == SIP_METHOD_OTHER && !same_method(m, core->cseq.method_text))))
		return SIP_REASON_CSEQ_METHOD;
	r = read_vias(m, core);
	if (sip_unlikely(r != SIP_REASON_OK))
		return r;
	n = read_list(m, SIP_HDR_ROUTE, &core->route);
	if (sip_unlikely(n < 0))
		return SIP_REASON_BAD_ROUTE;
	core->n_routes = (uint16_t)n;
	n = read_list(m, SIP_HDR_RECORD_ROUTE, &core->record_route);
	if (sip_unlikely(n < 0))
		return SIP_REASON_BAD_RECORD_ROUTE;
	core->n_record_routes = (uint16_t)n;
	n = read_list(m, SIP_HDR_CONTACT, &core->contact);
	if (sip_unlikely(n < 0))
		return SIP_REASON_BAD_CONTACT;
	core->n_contacts = (uint16_t)n;
	return SIP_REASON_OK;
}
