/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sip/sip_value.h"

#include <string.h>
#include <strings.h>

#include "dataplane/sip/sip_iter.h"

enum { CSEQ_MAX = 0x7fffffff };

/* LWS Method at pos to the end of the value */
static bool method_last(const struct sip_msg *m, uint32_t pos, uint32_t end, struct sip_view *text,
			uint8_t *id)
{
	uint32_t start = pos;

	if (sip_likely(pos < end && m->buf[pos] == ' '))
		pos++;
	if (sip_unlikely(pos < end && sip_is_ws(m->buf[pos])))
		pos = sip_skip_ws(m, pos, end);
	if (pos == start || pos >= end || sip_run(m, SIP_NOT_TOKEN, pos) != end)
		return false;
	*text = sip_view_of(pos, end);
	*id = (uint8_t)sip_method_find(m->buf + pos, end - pos, m->len - pos);
	return true;
}

bool sip_cseq_read(const struct sip_msg *m, const struct sip_header *h, struct sip_cseq *out)
{
	uint64_t n = 0;
	uint32_t pos = sip_number(m, h->value, h->value_end, CSEQ_MAX, &n);

	if (pos == 0)
		return false;
	out->number = (uint32_t)n;
	return method_last(m, pos, h->value_end, &out->method_text, &out->method);
}

bool sip_rack_read(const struct sip_msg *m, const struct sip_header *h, struct sip_rack *out)
{
	uint64_t n = 0;
	uint32_t pos = sip_number(m, h->value, h->value_end, UINT32_MAX, &n), p;

	if (pos == 0)
		return false;
	out->response = (uint32_t)n;
	p = sip_skip_ws(m, pos, h->value_end);
	if (p == pos)
		return false;
	pos = sip_number(m, p, h->value_end, CSEQ_MAX, &n);
	if (pos == 0)
		return false;
	out->cseq = (uint32_t)n;
	return method_last(m, pos, h->value_end, &out->method_text, &out->method);
}

bool sip_call_id_read(const struct sip_msg *m, const struct sip_header *h, struct sip_view *out)
{
	/* with an '@' or without one: each is usual, so no branch is taken for it */
	uint32_t e = sip_run(m, SIP_NOT_WORD, h->value), at = m->buf[e] == '@';
	uint32_t last = sip_run(m, SIP_NOT_WORD, e + at);

	*out = sip_view_of(h->value, h->value_end);
	return (e != h->value) & (last == h->value_end) & (last != e + at || at == 0);
}

bool sip_number_read(const struct sip_msg *m, const struct sip_header *h, uint64_t max, uint32_t *out)
{
	uint64_t n = 0;

	if (max > UINT32_MAX)
		max = UINT32_MAX;
	if (sip_number(m, h->value, h->value_end, max, &n) != h->value_end || h->value == h->value_end)
		return false;
	*out = (uint32_t)n;
	return true;
}

bool sip_expires_read(const struct sip_msg *m, const struct sip_header *h, uint32_t *out)
{
	uint64_t n = 0;
	uint32_t p = h->value;

	for (; p < h->value_end && sip_is_digit(m->buf[p]); p++) {
		n = n * 10 + (m->buf[p] - '0');
		if (n > UINT32_MAX)
			n = UINT32_MAX;
	}
	*out = (uint32_t)n;
	return p == h->value_end && p > h->value;
}

/* comment = LPAREN *( ctext / quoted-pair / comment ) RPAREN, pos at the "(": behind it; 0: not closed */
static uint32_t comment(const struct sip_msg *m, uint32_t pos, uint32_t end)
{
	uint32_t depth = 0;

	for (; pos < end; pos++) {
		uint8_t c = m->buf[pos];

		if (c == '\\')
			pos++;
		else if (c == '(')
			depth++;
		else if (c == ')' && --depth == 0)
			return pos + 1;
	}
	return 0;
}

/* *( SEMI generic-param ) from pos to the end of the value or, in a list, to a comma: where it ends; 0:
 * malformed */
static uint32_t params_end(const struct sip_msg *m, uint32_t pos, uint32_t end, struct sip_view *out)
{
	uint32_t start, last = pos;
	struct sip_param p;

	start = pos = sip_skip_ws(m, pos, end);
	*out = sip_view_of(start, start);
	while (pos < end && m->buf[pos] == ';') {
		p = sip_param(m, pos + 1, end);
		pos = p.next;
		if (pos == 0)
			return 0;
		last = sip_view_end(p.value);
		*out = sip_view_of(start, last);
	}
	return pos;
}

bool sip_retry_after_read(const struct sip_msg *m, const struct sip_header *h, uint32_t *seconds)
{
	uint64_t n = 0;
	uint32_t pos = sip_number(m, h->value, h->value_end, UINT32_MAX, &n);
	struct sip_view ignored;

	if (pos == 0)
		return false;
	*seconds = (uint32_t)n;
	pos = sip_skip_ws(m, pos, h->value_end);
	if (pos < h->value_end && m->buf[pos] == '(') {
		pos = comment(m, pos, h->value_end);
		if (pos == 0)
			return false;
	}
	return params_end(m, pos, h->value_end, &ignored) == h->value_end;
}

int sip_token_next(const struct sip_msg *m, enum sip_header_id id, struct sip_iter *it, struct sip_view *out)
{
	const bool empty_ok = id == SIP_HDR_SUPPORTED || id == SIP_HDR_ALLOW || id == SIP_HDR_ALLOW_EVENTS;
	uint32_t pos, end, e;

	while (sip_iter_open(m, it, &pos, &end)) {
		if (pos == end && it->pos == 0 && empty_ok) {
			it->header = m->next[it->header];
			continue;
		}
		e = sip_run(m, SIP_NOT_TOKEN, pos);
		if (e == pos || e > end)
			return -1;
		*out = sip_view_of(pos, e);
		return sip_iter_close(m, it, sip_skip_ws(m, e, end), end);
	}
	return 0;
}

static uint32_t tagged(const struct sip_msg *m, uint32_t pos, uint32_t end, struct sip_tagged *out)
{
	uint32_t e = sip_run(m, SIP_NOT_TOKEN, pos);

	if (e == pos || e > end)
		return 0;
	out->token = sip_view_of(pos, e);
	return params_end(m, e, end, &out->params);
}

bool sip_tagged_read(const struct sip_msg *m, const struct sip_header *h, struct sip_tagged *out)
{
	return h->value < h->value_end && tagged(m, h->value, h->value_end, out) == h->value_end;
}

int sip_tagged_next(const struct sip_msg *m, struct sip_iter *it, struct sip_tagged *out)
{
	uint32_t pos, end;

	if (!sip_iter_open(m, it, &pos, &end))
		return 0;
	return sip_iter_close(m, it, pos < end ? tagged(m, pos, end, out) : 0, end);
}

bool sip_media_type_read(const struct sip_msg *m, const struct sip_header *h, struct sip_media_type *out)
{
	uint32_t end = h->value_end, e = sip_run(m, SIP_NOT_TOKEN, h->value), pos;

	if (e == h->value || e >= end)
		return false;
	out->type = sip_view_of(h->value, e);
	pos = sip_skip_ws(m, e, end);
	if (pos >= end || m->buf[pos] != '/')
		return false;
	pos = sip_skip_ws(m, pos + 1, end);
	e = sip_run(m, SIP_NOT_TOKEN, pos);
	if (e == pos || e > end)
		return false;
	out->subtype = sip_view_of(pos, e);
	return params_end(m, e, end, &out->params) == end;
}

bool sip_identity_read(const struct sip_msg *m, const struct sip_header *h, struct sip_identity *out)
{
	uint32_t pos = h->value, end = h->value_end, e = pos;

	out->info = sip_view_of(end, end);
	if (pos >= end)
		return false;
	if (m->buf[pos] == '"') {
		e = sip_quoted(m, pos, end);
		if (e == 0)
			return false;
	} else {
		/* base64 of either alphabet, and the dots of a PASSporT (RFC 8224 section 4, RFC 8225) */
		while (e < end && (sip_is_alpha(m->buf[e]) || sip_is_digit(m->buf[e]) ||
				   (m->buf[e] != '\0' && strchr("+/=-_.", m->buf[e]))))
			e++;
	}
	if (e == pos)
		return false;
	out->digest = sip_view_of(pos, e);
	pos = sip_skip_ws(m, e, end);
	out->params = sip_view_of(pos, end);
	while (pos < end && m->buf[pos] == ';') {
		uint32_t n = sip_skip_ws(m, pos + 1, end), v;
		struct sip_param p;

		e = sip_run(m, SIP_NOT_TOKEN, n);
		if (e == n || e > end)
			return false;
		v = sip_skip_ws(m, e, end);
		if (v < end && m->buf[v] == '=')
			v = sip_skip_ws(m, v + 1, end);
		else
			v = end;
		if (v < end && m->buf[v] == '<') {
			struct sip_uri uri;

			/* only ident-info is in brackets */
			pos = sip_uri_parse(m, v + 1, end, SIP_URI_IN_BRACKETS, &uri);
			if (pos == 0 || e - n != 4 || sip_word(m, n, 4) != SIP_W_INFO || out->info.len)
				return false;
			out->info = uri.all;
			pos = sip_skip_ws(m, pos + 1, end);
		} else {
			p = sip_param(m, n, end);
			pos = p.next;
			if (pos == 0)
				return false;
		}
	}
	return pos == end;
}

bool sip_view_is(const struct sip_msg *m, struct sip_view v, const char *text)
{
	return strlen(text) == v.len && strncasecmp((const char *)m->buf + v.off, text, v.len) == 0;
}

bool sip_param_find(const struct sip_msg *m, struct sip_view list, const char *name, struct sip_view *value)
{
	uint32_t pos = list.off, end = sip_view_end(list);
	struct sip_param p;

	while (pos < end && m->buf[pos] == ';') {
		p = sip_param(m, pos + 1, end);
		pos = p.next;
		if (pos == 0)
			return false;
		if (sip_view_is(m, p.name, name)) {
			*value = p.value;
			return true;
		}
	}
	return false;
}
