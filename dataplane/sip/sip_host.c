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

/* What the text of an octet may be, by its length, read as one big-endian number: from 0 to 9, 10 to 99 or
 * 100 to 255. No other length has one. */
static const struct {
	uint32_t low, span;
} octet_text[16] = {
	{UINT32_MAX, 0}, {0x30, 0x9},	  {0x3130, 0x809}, {0x313030, 0x10505},
	{UINT32_MAX, 0}, {UINT32_MAX, 0}, {UINT32_MAX, 0}, {UINT32_MAX, 0},
	{UINT32_MAX, 0}, {UINT32_MAX, 0}, {UINT32_MAX, 0}, {UINT32_MAX, 0},
	{UINT32_MAX, 0}, {UINT32_MAX, 0}, {UINT32_MAX, 0}, {UINT32_MAX, 0},
};

/* Dotted quad of 8 to 15 bytes, all of them host characters, of which w has the '.' and '-': is it one? No
 * branch on any octet's length. 20 bytes or more are readable. */
static inline bool quad_ok(const uint8_t *b, uint32_t n, uint64_t w)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint32_t bad = 0, start = 0;
	uint64_t first, last, odd, third = w & (w - 1);

	memcpy(&first, b, 8);
	memcpy(&last, b + n - 8, 8);
	/* letters have bit 6; of what has not got bit 4, '-' is odd and '.' is even */
	odd = ((first & ~(first >> 4)) | (last & ~(last >> 4))) & ones;
	if (sip_unlikely((odd | ((first | last) & (ones << 6))) != 0 || (third &= third - 1) == 0 ||
			 (third & (third - 1)) != 0))
		return false;
	for (unsigned i = 0; i < 4; i++) {
		uint32_t dot = i < 3 ? (uint32_t)__builtin_ctzll(w) : n, len = dot - start, x;

		memcpy(&x, b + start, 4);
		x = (uint32_t)((uint64_t)__builtin_bswap32(x) >> (32 - 8 * (len & 3)));
		bad |= x - octet_text[len].low > octet_text[len].span;
		start = dot + 1;
		w &= w - 1;
	}
	return bad == 0;
}

uint32_t sip_host_slow(const struct sip_msg *m, uint32_t pos, uint32_t end, struct sip_host *out)
{
	uint32_t e = sip_run(m, SIP_NOT_HOST, pos), n;
	const uint8_t *p = m->buf + pos;
	uint64_t w;

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
		if (sip_likely(n - 8 <= 7 && m->len - pos >= 20)) {
			w = sip_window(m, SIP_PUNCT, pos) & ((UINT64_C(1) << n) - 1);
			if (sip_likely(quad_ok(p, n, w))) {
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
