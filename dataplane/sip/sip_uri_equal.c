/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "dataplane/sip/sip_lex.h"
#include "dataplane/sip/sip_uri.h"

/* beyond so many parameters two URIs are never equal: comparing costs the product of both numbers */
enum { PARAMS_MAX = 64 };

/* one side of a comparison */
struct side {
	const struct sip_msg *m;
	const struct sip_uri *u;
};

static bool is_reserved(uint8_t c)
{
	return c != '\0' && strchr(";/?:@&=+$,", c) != NULL;
}

/* Next character: an escape counts as what it stands for, but for the reserved ones, which mean another thing
 * raw than escaped (section 19.1.4). */
static unsigned next_char(const struct sip_msg *m, uint32_t *p, uint32_t end, bool fold)
{
	unsigned c = m->buf[*p], mark = 0;

	if (c == '%' && sip_is_escape(m, *p, end)) {
		c = (unsigned)(sip_hex(m->buf[*p + 1]) << 4 | sip_hex(m->buf[*p + 2]));
		if (is_reserved((uint8_t)c) || c == '%')
			mark = 0x100;
		*p += 2;
	}
	(*p)++;
	if (fold && c >= 'A' && c <= 'Z')
		c |= 0x20;
	return c | mark;
}

static bool text_equal(const struct side *a, struct sip_view va, const struct side *b, struct sip_view vb,
		       bool fold)
{
	uint32_t p = va.off, q = vb.off, pe = sip_view_end(va), qe = sip_view_end(vb);

	while (p < pe && q < qe)
		if (next_char(a->m, &p, pe, fold) != next_char(b->m, &q, qe, fold))
			return false;
	return p == pe && q == qe;
}

static bool params_few(const struct side *s)
{
	struct sip_uri_param p;
	uint32_t at = 0, n = 0;

	while (n <= PARAMS_MAX && sip_uri_param_next(s->m, s->u, &at, &p))
		n++;
	return n <= PARAMS_MAX;
}

/* Every parameter of a that b has too must have the same value; what must be in both is in the flags. */
static bool params_agree(const struct side *a, const struct side *b)
{
	struct sip_uri_param x, y;
	uint32_t at = 0, bt;

	if (!params_few(a) || !params_few(b))
		return false;
	while (sip_uri_param_next(a->m, a->u, &at, &x))
		for (bt = 0; sip_uri_param_next(b->m, b->u, &bt, &y);)
			if (text_equal(a, x.name, b, y.name, true) &&
			    (x.has_value != y.has_value || !text_equal(a, x.value, b, y.value, true)))
				return false;
	return true;
}

/* is every parameter of a in b, whatever its value? */
static bool params_within(const struct side *a, const struct side *b)
{
	struct sip_uri_param x, y;
	uint32_t at = 0;

	while (sip_uri_param_next(a->m, a->u, &at, &x)) {
		uint32_t bt = 0;
		bool found = false;

		while (!found && sip_uri_param_next(b->m, b->u, &bt, &y))
			found = text_equal(a, x.name, b, y.name, true);
		if (!found)
			return false;
	}
	return true;
}

static bool header_next(const struct side *s, uint32_t *at, struct sip_view *out)
{
	uint32_t p = s->u->headers.off + *at, end = sip_view_end(s->u->headers), e = p;

	if (p >= end)
		return false;
	while (e < end && s->m->buf[e] != '&')
		e++;
	*out = sip_view_of(p, e);
	*at = e + 1 - s->u->headers.off;
	return true;
}

/* header components are never ignored, their order is */
static bool headers_within(const struct side *a, const struct side *b, unsigned *count)
{
	struct sip_view x, y;
	uint32_t at = 0;

	for (*count = 0; header_next(a, &at, &x); (*count)++) {
		uint32_t bt = 0;
		bool found = false;

		if (*count == PARAMS_MAX)
			return false;
		while (!found && header_next(b, &bt, &y))
			found = text_equal(a, x, b, y, true);
		if (!found)
			return false;
	}
	return true;
}

/* RFC 3966 section 5: visual separators do not count, the rest of the number has no case */
static bool number_equal(const struct side *a, const struct side *b)
{
	const struct sip_view va = a->u->user, vb = b->u->user;
	uint32_t p = va.off, q = vb.off;

	for (;;) {
		while (p < sip_view_end(va) && strchr("-.()", a->m->buf[p]))
			p++;
		while (q < sip_view_end(vb) && strchr("-.()", b->m->buf[q]))
			q++;
		if (p == sip_view_end(va) || q == sip_view_end(vb))
			return p == sip_view_end(va) && q == sip_view_end(vb);
		if (next_char(a->m, &p, sip_view_end(va), true) !=
		    next_char(b->m, &q, sip_view_end(vb), true))
			return false;
	}
}

bool sip_uri_equal(const struct sip_msg *ma, const struct sip_uri *a, const struct sip_msg *mb,
		   const struct sip_uri *b)
{
	/* what must be in both or in none */
	const unsigned same = SIP_URI_HAS_USER | SIP_URI_HAS_PASSWORD | SIP_URI_HAS_PORT | SIP_URI_TRANSPORT |
			      SIP_URI_MADDR | SIP_URI_TTL | SIP_URI_USER_PARAM | SIP_URI_METHOD_PARAM |
			      SIP_URI_HAS_HEADERS;
	const struct side x = {ma, a}, y = {mb, b};
	unsigned n, k;

	if (a->scheme != b->scheme)
		return false;
	if (a->scheme == SIP_SCHEME_OTHER)
		return a->all.len == b->all.len &&
		       memcmp(ma->buf + a->all.off, mb->buf + b->all.off, a->all.len) == 0;
	if ((a->flags & same) != (b->flags & same) || a->port != b->port)
		return false;
	/* RFC 3966 section 4: a parameter that only one of them has (ext, phone-context) makes it another
	 * number */
	if (a->scheme == SIP_SCHEME_TEL)
		return number_equal(&x, &y) && params_agree(&x, &y) && params_within(&x, &y) &&
		       params_within(&y, &x);
	return text_equal(&x, a->user, &y, b->user, false) &&
	       text_equal(&x, a->password, &y, b->password, false) &&
	       sip_host_equal(ma, &a->host, mb, &b->host) && params_agree(&x, &y) &&
	       headers_within(&x, &y, &n) && headers_within(&y, &x, &k) && n == k;
}
