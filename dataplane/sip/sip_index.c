/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "dataplane/sip/sip_lex.h"

/* RFC 3261 section 25.1 lets NUL and its kin stand behind a backslash in a quoted string, and nowhere else.
 * Only messages that have such a byte come here. */
static bool control_is_quoted(const struct sip_msg *m, uint32_t pos, uint32_t end)
{
	bool quoted = false;

	for (; pos < end; pos++) {
		uint8_t c = m->buf[pos];

		if (c == '"')
			quoted = !quoted;
		else if (c == '\\' && quoted)
			pos++;
		else if ((c < 0x20 && c != '\t' && c != '\r' && c != '\n') || c == 0x7f)
			return false;
	}
	return true;
}

static bool has_control(const struct sip_msg *m)
{
	/* names and the start line have no quoted strings */
	uint32_t from = 0;

	for (unsigned i = 0; i < m->n_headers; i++) {
		const struct sip_header *h = &m->header[i];

		for (uint32_t p = from; p < h->value; p++)
			if ((m->buf[p] < 0x20 && !sip_is_ws(m->buf[p])) || m->buf[p] == 0x7f)
				return true;
		if (!control_is_quoted(m, h->value, h->value_end))
			return true;
		from = h->value_end;
	}
	for (uint32_t p = from; p < m->head_len; p++)
		if ((m->buf[p] < 0x20 && !sip_is_ws(m->buf[p])) || m->buf[p] == 0x7f)
			return true;
	return false;
}

/* "SIP" "/" 1*DIGIT "." 1*DIGIT in pos..end (section 7.1; the literal has no case) */
static enum sip_reason version_check(const struct sip_msg *m, uint32_t pos, uint32_t end)
{
	uint32_t p = pos + 4, dot;

	if (end - pos == 7 && sip_word(m, pos, 7) == SIP_W_SIP_2_0 && m->buf[pos + 3] == '/' &&
	    m->buf[pos + 5] == '.')
		return SIP_REASON_OK;
	if (end < pos + 7 || sip_word(m, pos, 4) != SIP_W_SIP_ || m->buf[pos + 3] != '/')
		return SIP_REASON_START_LINE;
	while (p < end && sip_is_digit(m->buf[p]))
		p++;
	if (p == pos + 4 || p == end || m->buf[p] != '.')
		return SIP_REASON_START_LINE;
	dot = p++;
	while (p < end && sip_is_digit(m->buf[p]))
		p++;
	return p == end && p > dot + 1 ? SIP_REASON_VERSION : SIP_REASON_START_LINE;
}

/* Status-Line = SIP-Version SP Status-Code SP Reason-Phrase CRLF */
static enum sip_reason status_line(struct sip_msg *m, uint32_t end)
{
	uint32_t sp = 0;
	enum sip_reason r;

	m->response = true;
	while (sp < end && m->buf[sp] != ' ')
		sp++;
	r = version_check(m, 0, sp);
	if (r != SIP_REASON_OK)
		return r;
	m->version_2_0 = true;
	if (end - sp < 5 || !sip_is_digit(m->buf[sp + 1]) || !sip_is_digit(m->buf[sp + 2]) ||
	    !sip_is_digit(m->buf[sp + 3]) || m->buf[sp + 4] != ' ')
		return SIP_REASON_START_LINE;
	m->status = (uint16_t)((m->buf[sp + 1] - '0') * 100 + (m->buf[sp + 2] - '0') * 10 +
			       (m->buf[sp + 3] - '0'));
	m->phrase = sip_view_of(sp + 5, end);
	return m->status < 100 || m->status > 699 ? SIP_REASON_STATUS : SIP_REASON_OK;
}

/* Request-Line = Method SP Request-URI SP SIP-Version CRLF: exactly one space each (section 7.1) */
static enum sip_reason request_line(struct sip_msg *m, uint32_t end)
{
	uint32_t e = sip_run(m, SIP_NOT_TOKEN, 0), v = end;
	enum sip_reason r;

	if (e == 0 || m->buf[e] != ' ')
		return SIP_REASON_START_LINE;
	m->method_text = sip_view_of(0, e);
	m->method = (uint8_t)sip_method_find(m->buf, e, m->len);
	if (sip_likely(end > 9 && m->buf[end - 8] == ' '))
		v = end - 8;
	else
		while (v > e && m->buf[v] != ' ')
			v--;
	if (v <= e + 1)
		return SIP_REASON_START_LINE;
	m->uri = sip_view_of(e + 1, v);
	r = version_check(m, v + 1, end);
	m->version_2_0 = r == SIP_REASON_OK;
	if (m->buf[e + 1] == ' ' || m->buf[v - 1] == ' ')
		return SIP_REASON_START_LINE;
	return r;
}

/* where in link[] the next number of an id goes: to its first at the start */
struct tails {
	uint16_t at[SIP_HDR_COUNT];
};

_Static_assert(offsetof(struct sip_msg, next) - offsetof(struct sip_msg, first) ==
		       SIP_HDR_COUNT * sizeof(uint16_t),
	       "link[] is first[] and next[]");

static const struct tails tails_start = {{
#define X(id, name, compact, once) SIP_HDR_##id,
#include "dataplane/sip/sip_header.def"
#undef X
}};

/* where the name ends that begins at pos, and the value begins behind it: 0: no name, no colon */
static uint32_t colon(const struct sip_msg *m, uint32_t pos, uint32_t e)
{
	/* HCOLON = *( SP / HTAB ) ":" SWS */
	if (e == pos)
		return 0;
	while (m->buf[e] == ' ' || m->buf[e] == '\t')
		e++;
	return m->buf[e] == ':' ? e + 1 : 0;
}

static void trim(const struct sip_msg *m, struct sip_header *h, uint32_t v, uint32_t ve)
{
	while (v < ve && sip_is_ws(m->buf[v]))
		v++;
	while (ve > v && sip_is_ws(m->buf[ve - 1]))
		ve--;
	h->value = v;
	h->value_end = ve;
}

/* What begins at pos and ends before the LF at lf is no header line of its own: a continuation of the field
 * *h, or nothing (then *h is NULL behind it, so that nothing continues it). */
static void odd_line(const struct sip_msg *m, uint32_t pos, uint32_t lf, struct sip_header **h,
		     enum sip_reason *bad)
{
	enum sip_reason why = SIP_REASON_HEADER_SYNTAX;
	uint32_t p = pos;

	if (m->buf[pos] == ' ' || m->buf[pos] == '\t') {
		/* a line of white space is legal as such, but some read it as the empty one */
		while (m->buf[p] == ' ' || m->buf[p] == '\t')
			p++;
		why = *h && p < lf - 1 ? SIP_REASON_OK : SIP_REASON_HEADER_FOLD;
		if (*h) {
			(*h)->flags = SIP_HEADER_FOLDED;
			(*h)->end = lf + 1;
			trim(m, *h, colon(m, (*h)->line, (*h)->line + (*h)->name_len), lf - 1);
		}
	} else {
		*h = NULL;
	}
	if (*bad == SIP_REASON_OK)
		*bad = why;
}

static enum sip_reason headers(struct sip_msg *m, const struct sip_limits *lim, uint32_t pos)
{
	const uint16_t *line = m->scan.line + 1;
	const uint8_t *buf = m->buf;
	const uint32_t last = m->head_len - 2;
	enum sip_reason bad = SIP_REASON_OK;
	const struct sip_header *const max =
		m->header + (lim->headers < SIP_HEADERS_MAX ? lim->headers : SIP_HEADERS_MAX);
	struct sip_header *h = m->header, *open = NULL;
	struct tails tails = tails_start;
	unsigned number = 0, id;
	/* 16 bytes can be read up to here */
	const uint32_t safe = m->len >= 16 ? m->len - 16 : 0;

	while (pos < last) {
		uint32_t e = sip_run(m, SIP_NOT_TOKEN, pos), v = e + 1, lf = *line++, ve = lf - 1;

		if (sip_unlikely(buf[e] != ':' || e == pos)) {
			v = colon(m, pos, e);
			if (v == 0) {
				odd_line(m, pos, lf, &open, &bad);
				pos = lf + 1;
				continue;
			}
		}
		if (sip_unlikely(h == max)) {
			bad = SIP_REASON_FRAME_HEADERS;
			break;
		}
		v += buf[v] == ' ';
		h->line = pos;
		h->value = v;
		h->value_end = ve;
		/* one compare for all white space; what else is below is a control character */
		if (sip_unlikely((buf[v] <= ' ') | (buf[ve - 1] <= ' ')))
			trim(m, h, v < ve ? v : ve, ve);
		h->end = lf + 1;
		h->name_len = (uint16_t)(e - pos);
		h->flags = 0;
		if (sip_likely(pos <= safe))
			id = sip_header_find(buf + pos, e - pos);
		else
			id = sip_header_lookup((const char *)buf + pos, e - pos);
		h->id = (uint8_t)id;
		/* no branch: which id comes next is the one thing that cannot be foreseen */
		m->link[tails.at[id]] = (uint16_t)++number;
		tails.at[id] = (uint16_t)(SIP_HDR_COUNT + number);
		m->next[number] = 0;
		open = h++;
		pos = lf + 1;
	}
	m->n_headers = (uint16_t)(h - m->header);
	return bad;
}

enum sip_reason sip_msg_index_scanned(struct sip_msg *m, const struct sip_limits *lim, const uint8_t *buf,
				      uint32_t len)
{
	enum sip_reason bad;
	uint32_t lf;

	m->buf = buf;
	m->len = len;
	m->head_len = m->scan.head_len;
	m->body_len = 0;
	m->status = 0;
	m->method = SIP_METHOD_OTHER;
	m->response = m->version_2_0 = false;
	m->method_text = m->uri = m->phrase = (struct sip_view){0, 0};
	memset(m->first, 0, sizeof(m->first));
	m->next[0] = 0;
	lf = m->scan.line[0];
	if (sip_run(m, SIP_NOT_TOKEN, 0) == 3 && buf[3] == '/' && sip_word(m, 0, 3) == SIP_W_SIP)
		m->start_error = (uint8_t)status_line(m, lf - 1);
	else
		m->start_error = (uint8_t)request_line(m, lf - 1);
	bad = headers(m, lim, lf + 1);
	if (sip_unlikely(m->scan.ctl) && bad == SIP_REASON_OK && has_control(m))
		bad = SIP_REASON_CONTROL;
	return bad;
}

enum sip_reason sip_msg_index(struct sip_msg *m, const struct sip_kernel *k, const struct sip_limits *lim,
			      const uint8_t *buf, uint32_t len)
{
	uint32_t head = lim->head < SIP_HEAD_MAX ? lim->head : SIP_HEAD_MAX;

	k->scan(&m->scan, buf, len < head ? len : head, 0);
	if (m->scan.bare_at)
		return SIP_REASON_FRAME_BARE;
	if (m->scan.head_len == 0)
		return SIP_REASON_FRAME_HEAD_SIZE;
	return sip_msg_index_scanned(m, lim, buf, len);
}

bool sip_msg_text(struct sip_msg *m, const struct sip_kernel *k, const char *text, size_t len)
{
	if (len > SIP_HEAD_MAX - 64)
		return false;
	m->buf = (const uint8_t *)text;
	m->len = (uint32_t)len;
	m->head_len = (uint32_t)len;
	m->n_headers = 0;
	k->scan(&m->scan, m->buf, m->len, 0);
	return true;
}

enum sip_reason sip_msg_length(const struct sip_msg *m, const struct sip_limits *lim, uint32_t *body_len)
{
	const struct sip_header *h = sip_msg_first(m, SIP_HDR_CONTENT_LENGTH);
	uint64_t n = 0;
	uint32_t p;

	if (h == NULL)
		return SIP_REASON_LENGTH_MISSING;
	if (sip_msg_repeats(m, SIP_HDR_CONTENT_LENGTH))
		return SIP_REASON_LENGTH_REPEATED;
	p = sip_number(m, h->value, h->value_end, UINT32_MAX, &n);
	if (sip_unlikely(p == 0)) {
		for (p = h->value; p < h->value_end && sip_is_digit(m->buf[p]); p++)
			;
		/* more than 32 bits: it does not matter how much more */
		n = UINT64_MAX;
	}
	if (p == h->value || p != h->value_end)
		return SIP_REASON_LENGTH_SYNTAX;
	if (n > lim->body)
		return SIP_REASON_LENGTH_LIMIT;
	*body_len = (uint32_t)n;
	return SIP_REASON_OK;
}
