/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sip/sip_uri.h"

#include <string.h>

#include "dataplane/sip/sip_host_read.h"

enum sip_transport sip_transport_of(const struct sip_msg *m, struct sip_view v)
{
	unsigned id = v.len ? sip_param_id(m, v) : 0;

	return id >= SIP_PARAM_UDP ? SIP_TRANSPORT_UDP + (id - SIP_PARAM_UDP) : SIP_TRANSPORT_OTHER;
}

/* the run of a class in which an escape may stand too: its end; 0: a '%' that is no escape */
static inline uint32_t run_escaped(const struct sip_msg *m, enum sip_class c, uint32_t pos, uint32_t end,
				   uint16_t *flags)
{
	pos = sip_run(m, c, pos);
	while (sip_unlikely(pos < end && m->buf[pos] == '%')) {
		if (!sip_is_escape(m, pos, end))
			return 0;
		*flags |= SIP_URI_ESCAPED;
		pos = sip_run(m, c, pos + 3);
	}
	return pos;
}

/* a name with its escapes taken out: enum sip_param_id */
static unsigned escaped_id(const struct sip_msg *m, struct sip_view name)
{
	uint8_t plain[10] = {0};
	int n = sip_uri_unescape(m, name, plain, sizeof(plain));

	/* long ones cannot be any that we know */
	if (n <= 0)
		return SIP_PARAM_NONE;
	for (int i = 0; i < n; i++)
		/* bit 5 is no case for what a token cannot hold: an escaped CR is no '-' */
		if (plain[i] < 0x20)
			return SIP_PARAM_NONE;
	return sip_param_known(plain, sip_load_short(plain, (size_t)n, sizeof(plain)), (uint32_t)n);
}

#define URI_KNOWN                                                                                   \
	(SIP_PARAM_BIT(LR) | SIP_PARAM_BIT(TRANSPORT) | SIP_PARAM_BIT(MADDR) | SIP_PARAM_BIT(TTL) | \
	 SIP_PARAM_BIT(USER) | SIP_PARAM_BIT(METHOD) | SIP_PARAM_BIT(GR))

/* what the parameters mean, once all are read: `seen` has a bit for each known one, value[] their values */
static bool uri_params_take(const struct sip_msg *m, unsigned seen, const struct sip_view *value,
			    struct sip_uri *u)
{
	struct sip_view v;
	struct sip_host host;

	if (seen & SIP_PARAM_BIT(TRANSPORT)) {
		v = value[SIP_PARAM_TRANSPORT];
		u->transport = (uint8_t)sip_transport_of(m, v);
		u->flags |= SIP_URI_TRANSPORT;
		if (sip_unlikely(v.len == 0))
			return false;
	}
	if (seen & SIP_PARAM_BIT(LR))
		u->flags |= SIP_URI_LR;
	if (sip_likely(!(seen & (URI_KNOWN & ~(SIP_PARAM_BIT(TRANSPORT) | SIP_PARAM_BIT(LR))))))
		return true;
	if (seen & SIP_PARAM_BIT(MADDR)) {
		u->flags |= SIP_URI_MADDR;
		v = value[SIP_PARAM_MADDR];
		/* a host, and IPv6 also without brackets (as RFC 5118 section 4.5 has it of received) */
		if (v.len == 0 || (sip_host_parse(m, v.off, sip_view_end(v), &host) != sip_view_end(v) &&
				   sip_ip6_parse(m->buf + v.off, v.len, NULL) != v.len))
			return false;
	}
	if (seen & SIP_PARAM_BIT(TTL)) {
		u->flags |= SIP_URI_TTL;
		if (value[SIP_PARAM_TTL].len == 0)
			return false;
	}
	if (seen & SIP_PARAM_BIT(METHOD)) {
		u->flags |= SIP_URI_METHOD_PARAM;
		if (value[SIP_PARAM_METHOD].len == 0)
			return false;
	}
	if (seen & SIP_PARAM_BIT(USER)) {
		v = value[SIP_PARAM_USER];
		u->flags |= SIP_URI_USER_PARAM;
		if (v.len == 0)
			return false;
		if (v.len == 5 && sip_word(m, v.off, 5) == SIP_W_PHONE)
			u->flags |= SIP_URI_USER_PHONE;
	}
	if (seen & SIP_PARAM_BIT(GR))
		u->flags |= SIP_URI_GR;
	return true;
}

/* *( ";" pname [ "=" pvalue ] ), pos at the first ';': behind the last one; 0: malformed */
static uint32_t uri_params(const struct sip_msg *m, uint32_t pos, uint32_t end, struct sip_uri *u)
{
	struct sip_view value[SIP_PARAM_WSS + 1];
	unsigned seen = 0, twice = 0, id;
	uint32_t start = pos + 1;
	uint16_t escaped = 0;

	while (pos < end && m->buf[pos] == ';') {
		uint16_t in_name = 0;
		uint32_t n = pos + 1, e, v;
		uint64_t w = 0;

		/* the usual one by its first letters; whatever follows, its name ends at the '=' */
		if (sip_likely(m->len - n >= 16))
			memcpy(&w, m->buf + n, 8);
		if ((w | SIP_LOWER8) == SIP_W_TRANSPOR && (m->buf[n + 8] | 0x20) == 't' &&
		    m->buf[n + 9] == '=' && n + 9 < end) {
			id = SIP_PARAM_TRANSPORT;
			e = n + 9;
		} else {
			e = run_escaped(m, SIP_NOT_PARAM, n, end, &in_name);
			if (sip_unlikely(e == 0 || e == n || e > end))
				return 0;
			id = sip_likely(!in_name) ? sip_param_id(m, sip_view_of(n, e))
						  : escaped_id(m, sip_view_of(n, e));
		}
		pos = v = e;
		if (e < end && m->buf[e] == '=') {
			v = e + 1;
			pos = run_escaped(m, SIP_NOT_PARAM, v, end, &escaped);
			if (sip_unlikely(pos == 0 || pos == v || pos > end))
				return 0;
		}
		value[id] = sip_view_of(v, pos);
		escaped |= in_name;
		twice |= seen & 1u << id;
		seen |= 1u << id;
	}
	u->flags |= escaped;
	if (sip_unlikely((twice & URI_KNOWN) || !uri_params_take(m, seen, value, u)))
		return 0;
	u->params = sip_view_of(start, pos);
	return pos;
}

/* hvalue and hname: hnv-unreserved / unreserved / escaped */
static bool is_hchar(uint8_t c)
{
	return sip_is_alpha(c) || sip_is_digit(c) || (c != '\0' && strchr("[]/?:+$-_.!~*'()", c) != NULL);
}

/* "?" header *( "&" header ), pos at the '?' */
static uint32_t uri_headers(const struct sip_msg *m, uint32_t pos, uint32_t end, struct sip_uri *u)
{
	uint32_t start = ++pos;
	bool named = false, equals = false;

	for (; pos < end; pos++) {
		uint8_t c = m->buf[pos];

		if (c == '%') {
			if (!sip_is_escape(m, pos, end))
				return 0;
			pos += 2;
			named = true;
		} else if (c == '=') {
			if (!named || equals)
				return 0;
			equals = true;
		} else if (c == '&') {
			if (!equals)
				return 0;
			named = equals = false;
		} else if (is_hchar(c)) {
			named = true;
		} else {
			break;
		}
	}
	u->headers = sip_view_of(start, pos);
	u->flags |= SIP_URI_HAS_HEADERS;
	return equals ? pos : 0;
}

/* pos behind "sip:" or "sips:" */
static uint32_t sip_form(const struct sip_msg *m, uint32_t pos, uint32_t end, struct sip_uri *u)
{
	const uint8_t *b = m->buf;
	uint32_t q = run_escaped(m, SIP_NOT_USER, pos, end, &u->flags), hp = pos;
	uint64_t port;

	/* '@' is in no part of a URI but behind the user, so the grammar has one reading */
	if (sip_unlikely(q == 0))
		return 0;
	if (sip_likely(q < end && b[q] == '@')) {
		u->user = sip_view_of(pos, q);
		hp = q + 1;
	} else if (q < end && b[q] == ':') {
		uint32_t pw = run_escaped(m, SIP_NOT_USER, q + 1, end, &u->flags);

		if (pw == 0)
			return 0;
		if (pw < end && b[pw] == '@') {
			for (uint32_t i = q + 1; i < pw; i++)
				if (b[i] == ';' || b[i] == '?' || b[i] == '/')
					return 0;
			u->user = sip_view_of(pos, q);
			u->password = sip_view_of(q + 1, pw);
			u->flags |= SIP_URI_HAS_PASSWORD;
			hp = pw + 1;
		}
	}
	if (hp != pos) {
		if (sip_unlikely(u->user.len == 0))
			return 0;
		u->flags |= SIP_URI_HAS_USER;
	}
	pos = sip_host_read(m, hp, end, &u->host);
	if (sip_unlikely(pos == 0))
		return 0;
	if (pos < end && b[pos] == ':') {
		pos = sip_number(m, pos + 1, end, 65535, &port);
		if (pos == 0 || port == 0)
			return 0;
		u->port = (uint16_t)port;
		u->flags |= SIP_URI_HAS_PORT;
	}
	if (pos < end && b[pos] == ';') {
		pos = uri_params(m, pos, end, u);
		if (sip_unlikely(pos == 0))
			return 0;
	}
	if (sip_unlikely(pos < end && b[pos] == '?')) {
		pos = uri_headers(m, pos, end, u);
		if (pos == 0)
			return 0;
	}
	return pos;
}

/* telephone-subscriber of RFC 3966: "+" digits, or a local number with a phone-context */
static uint32_t tel_form(const struct sip_msg *m, uint32_t pos, uint32_t end, struct sip_uri *u)
{
	uint32_t p = pos, digits = 0;
	bool global = p < end && m->buf[p] == '+', context = false;
	struct sip_uri_param prm;

	if (global)
		p++;
	for (; p < end; p++) {
		uint8_t c = m->buf[p];

		if (sip_is_digit(c) || (!global && (sip_hex(c) >= 0 || c == '*' || c == '#')))
			digits++;
		else if (c != '-' && c != '.' && c != '(' && c != ')')
			break;
	}
	if (digits == 0)
		return 0;
	u->user = sip_view_of(pos, p);
	if (p < end && m->buf[p] == ';') {
		p = uri_params(m, p, end, u);
		if (p == 0)
			return 0;
		context = sip_uri_param_find(m, u, "phone-context", &prm) && prm.value.len;
	}
	return global || context ? p : 0;
}

/* absoluteURI = scheme ":" ( hier-part / opaque-part ): we know its characters and no more */
static uint32_t other_form(const struct sip_msg *m, uint32_t pos, uint32_t end)
{
	uint32_t start = pos;

	for (; pos < end; pos++) {
		uint8_t c = m->buf[pos];

		if (c == '%') {
			if (!sip_is_escape(m, pos, end))
				return 0;
			pos += 2;
		} else if (!sip_is_alpha(c) && !sip_is_digit(c) &&
			   (c == '\0' || !strchr(";/?:@&=+$,-_.!~*'()[]", c))) {
			break;
		}
	}
	return pos == start ? 0 : pos;
}

/* an addr-spec without brackets ends before the first of these; '?' and ',' would be part of it inside of
 * brackets, which is why section 20.10 wants brackets then */
static uint32_t bare_end(const struct sip_msg *m, uint32_t pos, uint32_t end)
{
	for (; pos < end; pos++) {
		uint8_t c = m->buf[pos];

		if (c == ';' || c == ',' || sip_is_ws(c))
			break;
		if (c == '?')
			return 0;
	}
	return pos;
}

uint32_t sip_uri_parse(const struct sip_msg *m, uint32_t pos, uint32_t end, enum sip_uri_place place,
		       struct sip_uri *out)
{
	uint32_t p = pos, stop = end;
	uint8_t c;

	out->user = out->password = out->params = out->headers = (struct sip_view){pos, 0};
	out->host = (struct sip_host){{pos, 0}, SIP_HOST_NONE};
	out->port = out->flags = 0;
	out->transport = SIP_TRANSPORT_NONE;
	out->scheme = SIP_SCHEME_NONE;
	if (sip_unlikely(end < pos + 3))
		return 0;
	if (place == SIP_URI_BARE) {
		stop = bare_end(m, pos, end);
		if (stop < pos + 3)
			return 0;
	}
	switch (sip_word(m, pos, 4)) {
	case SIP_W_SIP_COLON:
		if (stop < pos + 4 || m->buf[pos + 3] != ':')
			return 0;
		out->scheme = SIP_SCHEME_SIP;
		p = sip_form(m, pos + 4, stop, out);
		break;
	case SIP_W_SIPS:
		if (stop > pos + 5 && m->buf[pos + 4] == ':') {
			out->scheme = SIP_SCHEME_SIPS;
			p = sip_form(m, pos + 5, stop, out);
			break;
		}
		goto other;
	case SIP_W_TEL_COLON:
		if (stop < pos + 4 || m->buf[pos + 3] != ':')
			return 0;
		out->scheme = SIP_SCHEME_TEL;
		p = tel_form(m, pos + 4, stop, out);
		break;
	default:
	other:
		if (!sip_is_alpha(m->buf[pos]))
			return 0;
		for (p = pos; p < stop; p++) {
			c = m->buf[p];
			if (!sip_is_alpha(c) && !sip_is_digit(c) && c != '+' && c != '-' && c != '.')
				break;
		}
		if (p >= stop || m->buf[p] != ':')
			return 0;
		out->scheme = SIP_SCHEME_OTHER;
		p = other_form(m, p + 1, stop);
	}
	if (sip_unlikely(p == 0))
		return 0;
	if (place == SIP_URI_IN_BRACKETS ? p >= end || m->buf[p] != '>' : p != stop)
		return 0;
	out->all = sip_view_of(pos, p);
	return p;
}

bool sip_uri_param_next(const struct sip_msg *m, const struct sip_uri *u, uint32_t *at,
			struct sip_uri_param *out)
{
	uint32_t p = u->params.off + *at, end = sip_view_end(u->params), e, v;

	if (p >= end)
		return false;
	for (e = p; e < end && m->buf[e] != ';' && m->buf[e] != '='; e++)
		;
	out->name = sip_view_of(p, e);
	out->has_value = e < end && m->buf[e] == '=';
	v = e + out->has_value;
	for (e = v; e < end && m->buf[e] != ';'; e++)
		;
	out->value = sip_view_of(v, e);
	*at = e + 1 - u->params.off;
	return true;
}

int sip_uri_unescape(const struct sip_msg *m, struct sip_view v, uint8_t *out, uint32_t size)
{
	uint32_t n = 0, end = sip_view_end(v), p = v.off;

	while (p < end) {
		const uint8_t *at = memchr(m->buf + p, '%', end - p);
		uint32_t plain = at ? (uint32_t)(at - (m->buf + p)) : end - p;
		bool escape;

		if (plain > size - n)
			return -1;
		memcpy(out + n, m->buf + p, plain);
		n += plain;
		p += plain;
		if (p == end)
			break;
		if (n == size)
			return -1;
		escape = sip_is_escape(m, p, end);
		out[n++] = escape ? (uint8_t)((unsigned)sip_hex(m->buf[p + 1]) << 4 |
					      (unsigned)sip_hex(m->buf[p + 2]))
				  : '%';
		p += escape ? 3 : 1;
	}
	return (int)n;
}

bool sip_uri_param_find(const struct sip_msg *m, const struct sip_uri *u, const char *name,
			struct sip_uri_param *out)
{
	size_t want = strlen(name);
	uint8_t plain[64];
	uint32_t at = 0;

	while (sip_uri_param_next(m, u, &at, out)) {
		int n = sip_uri_unescape(m, out->name, plain, sizeof(plain));
		size_t i = 0;

		if (n < 0 || (size_t)n != want)
			continue;
		while (i < want &&
		       (plain[i] >= 'A' && plain[i] <= 'Z' ? plain[i] | 0x20 : plain[i]) == (uint8_t)name[i])
			i++;
		if (i == want)
			return true;
	}
	return false;
}
