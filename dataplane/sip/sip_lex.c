/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sip/sip_lex.h"

#include "dataplane/sip/sip_host.h"

const struct sip_param_row sip_param_rows[1 << SIP_PARAM_HASH_BITS] = {SIP_PARAM_ROWS};

/* one UTF-8 character above 0x7f, shortest form, no surrogate (RFC 3629 section 4): its length; 0: none. An
 * overlong '"' must not close somebody else's string. */
static uint32_t utf8_char(const uint8_t *p, uint32_t avail)
{
	uint32_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	uint32_t c = p[0] & (0xffu >> (n + 1));

	if (p[0] < 0xc2 || p[0] > 0xf4 || avail < n)
		return 0;
	for (uint32_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if ((n == 3 && (c < 0x800 || (c >= 0xd800 && c < 0xe000))) ||
	    (n == 4 && (c < 0x10000 || c > 0x10ffff)))
		return 0;
	return n;
}

struct sip_digits_read sip_number_slow(const struct sip_msg *m, uint32_t pos, uint32_t end, uint64_t max)
{
	struct sip_digits_read r = {0, 0};
	uint32_t p = pos;

	for (; p < end && sip_is_digit(m->buf[p]); p++) {
		r.n = r.n * 10 + (m->buf[p] - '0');
		if (r.n > max)
			return r;
	}
	r.next = p == pos ? 0 : p;
	return r;
}

uint32_t sip_quoted(const struct sip_msg *m, uint32_t pos, uint32_t end)
{
	pos++;
	for (;;) {
		uint32_t n;

		pos = sip_run(m, SIP_NOT_QTEXT, pos);
		if (pos >= end)
			return 0;
		switch (m->buf[pos]) {
		case '"':
			return pos + 1;
		case '\\':
			/* quoted-pair: any of ASCII but CR and LF, NUL too */
			if (pos + 1 >= end || m->buf[pos + 1] >= 0x80 || m->buf[pos + 1] == '\r' ||
			    m->buf[pos + 1] == '\n')
				return 0;
			pos += 2;
			break;
		case '\r':
		case '\n':
			pos++; /* a fold */
			break;
		default:
			n = m->buf[pos] < 0x80 ? 0 : utf8_char(m->buf + pos, end - pos);
			if (n == 0)
				return 0;
			pos += n;
		}
	}
}

struct sip_param sip_param_slow(const struct sip_msg *m, uint32_t pos, uint32_t end)
{
	struct sip_param p = {.next = 0};
	uint32_t e;

	pos = sip_skip_ws(m, pos, end);
	e = sip_run(m, SIP_NOT_TOKEN, pos);
	if (e > end || e == pos)
		return p;
	p.name = sip_view_of(pos, e);
	p.value = sip_view_of(e, e);
	pos = sip_skip_ws(m, e, end);
	if (pos >= end || m->buf[pos] != '=') {
		p.next = pos;
		return p;
	}
	pos = sip_skip_ws(m, pos + 1, end);
	if (pos >= end)
		return p;
	if (m->buf[pos] == '"') {
		e = sip_quoted(m, pos, end);
	} else if (m->buf[pos] == '[') {
		struct sip_host host;

		e = sip_host_parse(m, pos, end, &host);
	} else {
		e = sip_run(m, SIP_NOT_TOKEN, pos);
		/* RFC 3261's ABNF has received= and maddr= hold IPv6 without brackets, and RFC 5118
		 * section 4.5 asks to take both */
		if (e < end && m->buf[e] == ':')
			e = sip_ip6_parse(m->buf + pos, end - pos, NULL) + pos;
	}
	if (e == 0 || e > end || e == pos)
		return p;
	p.value = sip_view_of(pos, e);
	p.next = sip_skip_ws(m, e, end);
	return p;
}
