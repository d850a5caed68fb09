/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sip/sip_host.h"

#include <string.h>

#include "dataplane/sip/sip_host_read.h"

uint32_t sip_ip4_parse(const uint8_t *p, uint32_t len, uint8_t out[4])
{
	uint32_t at = 0;

	for (unsigned octet = 0; octet < 4; octet++) {
		uint32_t start, n = 0;

		if (octet > 0 && (at == len || p[at++] != '.'))
			return 0;
		start = at;
		while (at < len && at - start < 3 && sip_is_digit(p[at]))
			n = n * 10 + (p[at++] - '0');
		/* 010 is eight to some and ten to others */
		if (at == start || n > 255 || (at - start > 1 && p[start] == '0'))
			return 0;
		if (out)
			out[octet] = (uint8_t)n;
	}
	return at < len && sip_is_digit(p[at]) ? 0 : at;
}

/* RFC 4291 section 2.2; the grammar is that of RFC 5954, which has no room for ":::" */
uint32_t sip_ip6_parse(const uint8_t *p, uint32_t len, uint8_t out[16])
{
	uint8_t addr[16] = {0};
	unsigned groups = 0, gap = 9; /* gap: number of groups before "::" */
	uint32_t at = 0;

	if (len >= 2 && p[0] == ':' && p[1] == ':') {
		gap = 0;
		at = 2;
	}
	while (groups < 8) {
		uint32_t start = at, v = 0, quad;

		while (at < len && at - start < 4 && sip_hex(p[at]) >= 0)
			v = v << 4 | (uint32_t)sip_hex(p[at++]);
		if (at == start) {
			/* nothing behind "::" is fine, nothing behind ":" is not */
			if (gap == groups)
				break;
			return 0;
		}
		if (at < len && p[at] == '.') {
			if (groups > 6)
				return 0;
			quad = sip_ip4_parse(p + start, len - start, addr + 2 * groups);
			if (quad == 0)
				return 0;
			groups += 2;
			at = start + quad;
			break;
		}
		addr[2 * groups] = (uint8_t)(v >> 8);
		addr[2 * groups + 1] = (uint8_t)v;
		groups++;
		if (at == len || p[at] != ':')
			break;
		if (len - at >= 2 && p[at + 1] == ':') {
			if (gap != 9 || groups == 8)
				return 0;
			gap = groups;
			at += 2;
		} else if (groups == 8) {
			break;
		} else {
			at++;
		}
	}
	if (at < len && (p[at] == ':' || p[at] == '.' || sip_hex(p[at]) >= 0))
		return 0;
	if (gap == 9 ? groups != 8 : groups > 7)
		return 0;
	if (gap != 9) {
		unsigned tail = groups - gap;

		memmove(addr + 16 - 2 * tail, addr + 2 * gap, 2 * tail);
		memset(addr + 2 * gap, 0, 16 - 2 * tail - 2 * gap);
	}
	if (out)
		memcpy(out, addr, 16);
	return at;
}

/* hostname = *( domainlabel "." ) toplabel [ "." ] */
static bool name_ok(const uint8_t *p, uint32_t len)
{
	uint32_t start = 0;

	if (len > 1 && p[len - 1] == '.')
		len--;
	if (len == 0 || len > SIP_HOST_NAME_MAX)
		return false;
	for (uint32_t i = 0; i <= len; i++) {
		if (i < len && p[i] != '.')
			continue;
		if (i == start || i - start > 63 || p[start] == '-' || p[i - 1] == '-')
			return false;
		if (i == len)
			return sip_is_alpha(p[start]);
		start = i + 1;
	}
	return false;
}

/* Dotted quad whose dots are the three bits of w, counted from b: is it one? The octets' values are compared
 * as text, without a branch on their number. At least 20 bytes are readable. */
static inline bool quad_ok(const uint8_t *b, uint32_t n, uint64_t w)
{
	uint32_t bad = 0, start = 0;

	for (unsigned i = 0; i < 4; i++) {
		uint32_t dot = i < 3 ? (uint32_t)__builtin_ctzll(w) : n, len = dot - start, x, top;

		memcpy(&x, b + start, 4);
		x = __builtin_bswap32(x);
		/* '.' and '-' are below '0', so a hyphen for a dot shows in the octet that holds it or as bad
		 * length */
		top = x >> 24;
		bad |= len - 1 > 2;
		bad |= (len == 3) & (x >> 8 > 0x323535);
		bad |= (len > 1) & (top == '0');
		start = dot + 1;
		w &= w - 1;
	}
	return bad == 0;
}

/* sixteen bytes: are the first n of them digits and dots? */
static inline bool digits_and_dots(const uint8_t *b, uint32_t n)
{
	const uint64_t add = UINT64_C(0x7676767676767676), high = UINT64_C(0x8080808080808080);
	uint64_t w[2], bad[2];

	memcpy(w, b, 16);
	for (unsigned i = 0; i < 2; i++) {
		uint64_t d = w[i] ^ UINT64_C(0x3030303030303030), dot = w[i] ^ UINT64_C(0x2e2e2e2e2e2e2e2e);

		/* a byte is a digit when d is below 10, a dot when dot is 0; the sums stay inside of their
		 * bytes */
		bad[i] = (((d & ~high) + add) | d) & (((dot & ~high) + ~high) | dot) & high;
	}
	if (n < 8)
		return (bad[0] & ((UINT64_C(1) << (8 * n)) - 1)) == 0;
	return bad[0] == 0 && (n == 8 || (bad[1] & ((UINT64_C(1) << (8 * (n - 8))) - 1)) == 0);
}

uint32_t sip_host_slow(const struct sip_msg *m, uint32_t pos, uint32_t end, struct sip_host *out)
{
	uint32_t e = sip_run(m, SIP_NOT_HOST, pos), n;
	const uint8_t *p = m->buf + pos;
	uint64_t w, three;

	out->kind = SIP_HOST_NONE;
	out->text = sip_view_of(pos, pos);
	if (e == pos) {
		if (pos >= end || *p != '[')
			return 0;
		n = sip_ip6_parse(p + 1, end - pos - 1, NULL);
		if (n == 0 || pos + 1 + n >= end || p[1 + n] != ']')
			return 0;
		out->kind = SIP_HOST_IP6;
		out->text = sip_view_of(pos, pos + n + 2);
		return pos + n + 2;
	}
	if (e > end)
		return 0;
	out->text = sip_view_of(pos, e);
	n = e - pos;
	if (sip_is_digit(p[n - 1])) {
		if (sip_likely(n <= 15 && m->len - pos >= 20)) {
			w = sip_window(m, SIP_PUNCT, pos) & ((UINT64_C(1) << n) - 1);
			three = w & (w - 1);
			three &= three - 1;
			if (three != 0 && (three & (three - 1)) == 0 && digits_and_dots(p, n) &&
			    quad_ok(p, n, w)) {
				out->kind = SIP_HOST_IP4;
				return e;
			}
		} else if (sip_ip4_parse(p, n, NULL) == n) {
			out->kind = SIP_HOST_IP4;
			return e;
		}
	}
	if (!name_ok(p, n))
		return 0;
	out->kind = SIP_HOST_NAME;
	return e;
}

uint32_t sip_host_parse(const struct sip_msg *m, uint32_t pos, uint32_t end, struct sip_host *out)
{
	return sip_host_read(m, pos, end, out);
}

unsigned sip_host_address(const struct sip_msg *m, const struct sip_host *h, uint8_t out[16])
{
	const uint8_t *p = m->buf + h->text.off;

	if (h->kind == SIP_HOST_IP4)
		return sip_ip4_parse(p, h->text.len, out) ? 4 : 0;
	if (h->kind == SIP_HOST_IP6) {
		bool bracket = p[0] == '[';

		return sip_ip6_parse(p + bracket, h->text.len - 2 * bracket, out) ? 16 : 0;
	}
	return 0;
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static uint32_t name_length(const struct sip_msg *m, const struct sip_host *h)
{
	uint32_t n = h->text.len;

	return n > 0 && m->buf[h->text.off + n - 1] == '.' ? n - 1 : n;
}

unsigned sip_host_canon(const struct sip_msg *m, const struct sip_host *h, char *out)
{
	uint32_t n = name_length(m, h);

	if (h->kind != SIP_HOST_NAME || n > SIP_HOST_NAME_MAX)
		return 0;
	for (uint32_t i = 0; i < n; i++)
		out[i] = (char)lower(m->buf[h->text.off + i]);
	out[n] = '\0';
	return n;
}

bool sip_host_equal(const struct sip_msg *ma, const struct sip_host *a, const struct sip_msg *mb,
		    const struct sip_host *b)
{
	uint8_t x[16], y[16];
	uint32_t n;

	if (a->kind != b->kind)
		return false;
	if (a->kind != SIP_HOST_NAME) {
		n = sip_host_address(ma, a, x);
		return n && n == sip_host_address(mb, b, y) && memcmp(x, y, n) == 0;
	}
	n = name_length(ma, a);
	if (n != name_length(mb, b))
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (lower(ma->buf[a->text.off + i]) != lower(mb->buf[b->text.off + i]))
			return false;
	return true;
}
