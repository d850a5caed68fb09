/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sip/sip_nameaddr.h"

#include <string.h>

#include "dataplane/sip/sip_iter.h"

/* which forms a header field allows */
enum form { FORM_BARE = 1, FORM_STAR = 2, FORM_PARAMS = 4 };

#define NA_KNOWN (SIP_PARAM_BIT(TAG) | SIP_PARAM_BIT(Q) | SIP_PARAM_BIT(EXPIRES))

static inline bool na_params_take(const struct sip_msg *m, unsigned seen, const struct sip_view *value,
				  struct sip_nameaddr *na)
{
	if (seen & SIP_PARAM_BIT(TAG)) {
		struct sip_view v = value[SIP_PARAM_TAG];

		/* a token: what is quoted or empty is none */
		if (sip_unlikely(v.len == 0 || m->buf[v.off] == '"' || m->buf[v.off] == '['))
			return false;
		na->tag = v;
		na->flags |= SIP_NA_TAG;
	}
	if (sip_unlikely(seen & SIP_PARAM_BIT(Q)))
		na->flags |= SIP_NA_Q;
	if (sip_unlikely(seen & SIP_PARAM_BIT(EXPIRES))) {
		na->expires = value[SIP_PARAM_EXPIRES];
		na->flags |= SIP_NA_EXPIRES;
	}
	return true;
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

static uint32_t nameaddr(const struct sip_msg *m, uint32_t pos, uint32_t end, unsigned form,
			 struct sip_nameaddr *na)
{
	struct sip_param prm;
	uint32_t last, p = pos;
	bool bare = false;

	na->all.off = pos;
	na->display = na->params = na->tag = na->expires = (struct sip_view){pos, 0};
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
		p = sip_uri_parse(m, p + 1, end, SIP_URI_IN_BRACKETS, &na->uri);
		if (sip_unlikely(p == 0))
			return 0;
		p++;
		na->flags |= SIP_NA_BRACKETS;
	}
	last = p;
	if (sip_unlikely(p < end && sip_is_ws(m->buf[p])))
		p = sip_skip_ws(m, p, end);
	if (p < end && m->buf[p] == ';') {
		struct sip_view value[SIP_PARAM_WSS + 1];
		unsigned seen = 0, twice = 0;
		uint32_t start = p;

		if (sip_unlikely(!(form & FORM_PARAMS)))
			return 0;
		do {
			unsigned id = SIP_PARAM_TAG;
			uint64_t w = 0;

			/* the usual one by its name and '=' at once; its value is a token up to the next one
			 */
			p++;
			if (sip_likely(m->len - p >= 8))
				memcpy(&w, m->buf + p, 8);
			prm.value = (struct sip_view){p + 4, 0};
			if (sip_likely(((w | SIP_LOWER8) & sip_masks[4]) == SIP_W_TAG_EQ &&
				       m->buf[p + 3] == '=')) {
				prm.next = sip_run(m, SIP_NOT_TOKEN, p + 4);
				prm.value.len = prm.next - (p + 4);
			}
			if (prm.value.len == 0 || (m->buf[prm.next] != ';' && prm.next != end)) {
				prm = sip_param(m, p, end);
				if (sip_unlikely(prm.next == 0))
					return 0;
				id = sip_param_id(m, prm.name);
			}
			p = prm.next;
			value[id] = prm.value;
			twice |= seen & 1u << id;
			seen |= 1u << id;
		} while (p < end && m->buf[p] == ';');
		if (sip_unlikely((twice & NA_KNOWN) || !na_params_take(m, seen, value, na)))
			return 0;
		last = sip_view_end(prm.value);
		na->params = sip_view_of(start, last);
		na->flags |= SIP_NA_PARAMS;
	}
	na->all.len = last - na->all.off;
	return p;
}

static inline unsigned form_of(enum sip_header_id id)
{
	switch (id) {
	case SIP_HDR_ROUTE:
	case SIP_HDR_RECORD_ROUTE:
	case SIP_HDR_PATH:
	case SIP_HDR_SERVICE_ROUTE:
		return FORM_PARAMS;
	case SIP_HDR_CONTACT:
		return FORM_BARE | FORM_STAR | FORM_PARAMS;
	case SIP_HDR_P_ASSERTED_IDENTITY:
	case SIP_HDR_P_PREFERRED_IDENTITY:
		return FORM_BARE; /* RFC 3325 section 9.1 */
	default:
		return FORM_BARE | FORM_PARAMS;
	}
}

int sip_nameaddr_next(const struct sip_msg *m, enum sip_header_id id, struct sip_iter *it,
		      struct sip_nameaddr *out)
{
	uint32_t pos, end;

	if (!sip_iter_open(m, it, &pos, &end))
		return 0;
	out->header = it->header - 1;
	return sip_iter_close(m, it, nameaddr(m, pos, end, form_of(id), out), end);
}

bool sip_nameaddr_one(const struct sip_msg *m, const struct sip_header *h, struct sip_nameaddr *out)
{
	out->header = (uint16_t)(h - m->header);
	return nameaddr(m, h->value, h->value_end, FORM_BARE | FORM_PARAMS, out) == h->value_end;
}
