/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sip/sip_nameaddr.h"

#include <string.h>

#include "dataplane/sip/sip_iter.h"
#include "dataplane/sip/sip_uri_read.h"

/* which forms a header field allows */
enum form { FORM_BARE = 1, FORM_STAR = 2, FORM_PARAMS = 4 };

/* behind a parameter, and behind its value: what lies between is white space */
struct na_behind {
	uint32_t next, last;
};

/* The parameters that are not usual, or written so; na->flags knows which came before. next is 0: malformed.
 */
static __attribute__((noinline)) struct na_behind na_param(const struct sip_msg *m, uint32_t pos,
							   uint32_t end, struct sip_nameaddr *na)
{
	const struct na_behind bad = {0, 0};
	struct sip_param prm = sip_param(m, pos, end);
	struct sip_view v = prm.value;
	unsigned flag = 0;

	if (sip_unlikely(prm.next == 0))
		return bad;
	switch (sip_param_id(m, prm.name)) {
	case SIP_PARAM_TAG:
		/* a token: what is quoted or empty is none */
		if (v.len == 0 || m->buf[v.off] == '"' || m->buf[v.off] == '[')
			return bad;
		na->tag = v;
		flag = SIP_NA_TAG;
		break;
	case SIP_PARAM_Q:
		flag = SIP_NA_Q;
		break;
	case SIP_PARAM_EXPIRES:
		na->expires = v;
		flag = SIP_NA_EXPIRES;
		break;
	default:
		break;
	}
	if (sip_unlikely(na->flags & flag))
		return bad;
	na->flags |= (uint16_t)flag;
	return (struct na_behind){prm.next, sip_view_end(v)};
}

/* [ display-name ] "<": the offset of '<'; 0: malformed. token-form display names are tokens with LWS
 * between. */
static uint32_t display_name(const struct sip_msg *m, uint32_t pos, uint32_t end, struct sip_nameaddr *na)
{
	uint32_t p = pos, last = pos;

	if (m->buf[p] == '"') {
		p = sip_quoted(m, p, end);
		if (p == 0)
			return 0;
		na->display = sip_view_of(pos, p);
		p = sip_skip_ws(m, p, end);
		return p < end && m->buf[p] == '<' ? p : 0;
	}
	for (;;) {
		uint32_t e = sip_run(m, SIP_NOT_TOKEN, p);

		if (e >= end)
			return 0;
		if (e != p)
			last = e;
		p = sip_skip_ws(m, e, end);
		if (p >= end)
			return 0;
		if (m->buf[p] == '<')
			break;
		if (p == e)
			return 0; /* neither white space nor token */
	}
	na->display = sip_view_of(pos, last);
	return p;
}

/* One value at pos: behind it and its white space; 0: malformed. It lies in a header field, as in sip_via.c.
 */
static uint32_t value_at(const struct sip_msg *m, uint32_t pos, uint32_t end, unsigned form,
			 struct sip_nameaddr *na)
{
	/* one assignment each: a chain would read back what it has just stored in halves, and wait for it */
	const struct sip_view none = {pos, 0};
	uint32_t last, p = pos;
	bool bare = false;

	na->all.off = pos;
	na->display = none;
	na->params = none;
	na->tag = none;
	na->expires = none;
	na->flags = 0;
	if (sip_unlikely(pos >= end))
		return 0;
	if (m->buf[p] != '<') {
		uint32_t e = sip_run(m, SIP_NOT_TOKEN, p);

		/* a token and a colon: the scheme of an addr-spec. In a display name a colon needs quotes. */
		if (e != p && e < end && m->buf[e] == ':') {
			bare = true;
		} else if (m->buf[p] == '*' && (form & FORM_STAR) && e == p + 1 &&
			   sip_skip_ws(m, e, end) == end) {
			na->flags |= SIP_NA_STAR;
			na->all.len = 1;
			na->uri = (struct sip_uri){.all = {p, 0}};
			return end;
		} else {
			p = display_name(m, p, end, na);
			if (p == 0)
				return 0;
		}
	}
	if (sip_unlikely(bare)) {
		if (!(form & FORM_BARE))
			return 0;
		p = sip_uri_parse(m, p, end, SIP_URI_BARE, &na->uri);
		if (p == 0)
			return 0;
	} else {
		p = sip_uri_read(m, p + 1, end, '>', &na->uri);
		if (sip_unlikely(p == 0))
			return 0;
		p++;
		na->flags |= SIP_NA_BRACKETS;
	}
	last = p;
	if (sip_unlikely(m->buf[p] <= ' '))
		p = sip_skip_ws(m, p, end);
	if (m->buf[p] == ';') {
		uint32_t start = p;

		if (sip_unlikely(!(form & FORM_PARAMS)))
			return 0;
		do {
			struct na_behind prm;
			uint32_t e;

			/* the usual one by its name and '=' at once; its value is a token up to the next one
			 */
			p++;
			if (sip_likely((sip_load4(m->buf + p) | SIP_LOWER3) == (uint32_t)SIP_W_TAG_EQ &&
				       !(na->flags & SIP_NA_TAG))) {
				e = sip_run(m, SIP_NOT_TOKEN, p + 4);
				if (sip_likely(e != p + 4 && (m->buf[e] == ';' || e == end))) {
					na->tag = sip_view_of(p + 4, e);
					na->flags |= SIP_NA_TAG;
					last = p = e;
					continue;
				}
			}
			prm = na_param(m, p, end, na);
			p = prm.next;
			last = prm.last;
			if (sip_unlikely(p == 0))
				return 0;
		} while (m->buf[p] == ';');
		na->params = sip_view_of(start, last);
		na->flags |= SIP_NA_PARAMS;
	}
	na->all.len = last - na->all.off;
	return p;
}

/* the others: FORM_BARE | FORM_PARAMS */
static const uint8_t forms[SIP_HDR_COUNT] = {
	[SIP_HDR_ROUTE] = FORM_PARAMS,
	[SIP_HDR_RECORD_ROUTE] = FORM_PARAMS,
	[SIP_HDR_PATH] = FORM_PARAMS,
	[SIP_HDR_SERVICE_ROUTE] = FORM_PARAMS,
	[SIP_HDR_CONTACT] = FORM_BARE | FORM_STAR | FORM_PARAMS,
	/* RFC 3325 section 9.1 */
	[SIP_HDR_P_ASSERTED_IDENTITY] = FORM_BARE,
	[SIP_HDR_P_PREFERRED_IDENTITY] = FORM_BARE,
};

int sip_nameaddr_next(const struct sip_msg *m, enum sip_header_id id, struct sip_iter *it,
		      struct sip_nameaddr *out)
{
	uint32_t pos, end;
	unsigned form;

	if (!sip_iter_open(m, it, &pos, &end))
		return 0;
	out->header = it->header - 1;
	form = forms[id] ? forms[id] : FORM_BARE | FORM_PARAMS;
	return sip_iter_close(m, it, value_at(m, pos, end, form, out), end);
}

bool sip_nameaddr_one(const struct sip_msg *m, const struct sip_header *h, struct sip_nameaddr *out)
{
	out->header = (uint16_t)(h - m->header);
	return value_at(m, h->value, h->value_end, FORM_BARE | FORM_PARAMS, out) == h->value_end;
}
