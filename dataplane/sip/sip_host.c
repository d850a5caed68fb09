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

uint32_t sip_host_slow(const struct sip_msg *m, uint32_t pos, uint32_t end, struct sip_host *out)
{
	uint32_t e = sip_run(m, SIP_NOT_HOST, pos), n;
	const uint8_t *p = m->buf + pos;

	out->kind = SIP_HOST_NONE;
	out->text = sip_view_of(pos, pos);
	if (e == pos) {
		if (pos >= end || *p != '[')
			return 0;
		n = 0;
#ifdef __SSE2__
		if (sip_likely(m->len - pos > SIP_IP6_READ))
			n = sip_ip6_text(p + 1);
#endif
		if (sip_unlikely(n == 0))
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
#ifdef __SSE2__
		if (sip_likely(n - 7 <= 8 && m->len - pos >= SIP_IP4_READ && sip_ip4_text(p, n))) {
			out->kind = SIP_HOST_IP4;
			return e;
		}
#endif
		if (sip_ip4_parse(p, n, NULL) == n) {
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
