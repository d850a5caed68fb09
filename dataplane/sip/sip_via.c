/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sip/sip_via.h"

#include <string.h>

#include "dataplane/sip/sip_host_read.h"
#include "dataplane/sip/sip_iter.h"
#include "dataplane/sip/sip_value.h"

static bool number_value(const struct sip_msg *m, struct sip_view v, uint64_t max, uint64_t *out)
{
	uint32_t e = sip_number(m, v.off, sip_view_end(v), max, out);

	return e != 0 && e == sip_view_end(v);
}

/* host in a parameter's value; received and maddr take IPv6 with and without brackets (RFC 5118 section 4.5)
 */
static bool host_value(const struct sip_msg *m, struct sip_view v)
{
	struct sip_host host;

	if (v.len == 0)
		return false;
	/* an address as a rule */
	return sip_host_slow(m, v.off, sip_view_end(v), &host) == sip_view_end(v) ||
	       sip_ip6_parse(m->buf + v.off, v.len, NULL) == v.len;
}

/* "z9hG4bK" as two words that overlap; a token, so without case (RFC 3261 section 7.3.1) */
#define COOKIE_1 0x6768397au
#define COOKIE_2 0x6b623467u

static bool has_cookie(const uint8_t *branch, uint32_t len)
{
	return sip_likely(len >= 7 && (sip_load4(branch) | SIP_LOWER4) == COOKIE_1 &&
			  (sip_load4(branch + 3) | SIP_LOWER4) == COOKIE_2);
}

/* sent-protocol with LWS where SLASH and the ABNF have it: behind the white space after the transport */
static uint32_t protocol_slow(const struct sip_msg *m, uint32_t pos, uint32_t end, struct sip_via *via)
{
	struct sip_view part[3];

	for (unsigned i = 0; i < 3; i++) {
		uint32_t e = sip_run(m, SIP_NOT_TOKEN, pos);

		if (e == pos || e >= end)
			return 0;
		part[i] = sip_view_of(pos, e);
		pos = sip_skip_ws(m, e, end);
		if (pos >= end)
			return 0;
		if (i < 2) {
			if (m->buf[pos] != '/')
				return 0;
			pos = sip_skip_ws(m, pos + 1, end);
		} else if (pos == e) {
			return 0; /* LWS before sent-by is not optional */
		}
	}
	if (part[0].len != 3 || sip_word(m, part[0].off, 3) != SIP_W_SIP || part[1].len != 3 ||
	    sip_word(m, part[1].off, 3) != SIP_W_2_0)
		via->flags |= SIP_VIA_VERSION;
	via->transport_text = part[2];
	via->transport = (uint8_t)sip_transport_of(m, part[2]);
	return pos;
}

static inline uint32_t protocol(const struct sip_msg *m, uint32_t pos, uint32_t end, struct sip_via *via)
{
	const uint8_t *p = m->buf + pos;
	uint32_t w;
	unsigned t;

	if (sip_unlikely(end - pos < 13 || (sip_load4(p) | SIP_LOWER3) != (uint32_t)SIP_W_SIP_ ||
			 sip_load4(p + 4) != (uint32_t)SIP_W_2_0_))
		return protocol_slow(m, pos, end, via);
	w = sip_load4(p + 8) | SIP_LOWER3;
	/* no branch: each is as likely as another */
	t = (w == (uint32_t)(SIP_W_TLS | 0x20000000)) * (unsigned)SIP_TRANSPORT_TLS |
	    (w == (uint32_t)(SIP_W_TCP | 0x20000000)) * (unsigned)SIP_TRANSPORT_TCP |
	    (w == (uint32_t)(SIP_W_UDP | 0x20000000)) * (unsigned)SIP_TRANSPORT_UDP;
	if (sip_unlikely(t == SIP_TRANSPORT_NONE || p[12] <= ' '))
		return protocol_slow(m, pos, end, via);
	via->transport_text = sip_view_of(pos + 8, pos + 11);
	via->transport = (uint8_t)t;
	return pos + 12;
}

/* behind a parameter, and behind its value: what lies between is white space */
struct behind {
	uint32_t next, last;
};

/* The parameters that are not usual, or written so; via->flags knows which came before. next is 0: malformed.
 */
static __attribute__((noinline)) struct behind via_param(const struct sip_msg *m, uint32_t pos, uint32_t end,
							 struct sip_via *via)
{
	const struct behind bad = {0, 0};
	struct sip_param prm = sip_param(m, pos, end);
	struct sip_view v = prm.value;
	unsigned flag = 0;
	bool good = true;
	uint64_t n;

	if (sip_unlikely(prm.next == 0))
		return bad;
	switch (sip_param_id(m, prm.name)) {
	case SIP_PARAM_BRANCH:
		/* a token: nothing quoted, no address */
		good = v.len != 0 && m->buf[v.off] != '"' && m->buf[v.off] != '[';
		flag = SIP_VIA_BRANCH;
		via->branch = v;
		if (has_cookie(m->buf + v.off, v.len))
			via->flags |= SIP_VIA_COOKIE;
		break;
	case SIP_PARAM_RECEIVED:
		good = host_value(m, v);
		flag = SIP_VIA_RECEIVED;
		via->received = v;
		break;
	case SIP_PARAM_RPORT:
		flag = SIP_VIA_RPORT;
		if (v.len) {
			good = number_value(m, v, 65535, &n) && n != 0;
			via->rport = good ? (uint16_t)n : 0;
		}
		break;
	case SIP_PARAM_MADDR:
		good = host_value(m, v);
		flag = SIP_VIA_MADDR;
		via->maddr = v;
		break;
	case SIP_PARAM_TTL:
		good = number_value(m, v, 255, &n);
		flag = SIP_VIA_TTL;
		break;
	case SIP_PARAM_ALIAS:
		flag = SIP_VIA_ALIAS;
		break;
	default:
		break;
	}
	if (sip_unlikely(!good || (via->flags & flag)))
		return bad;
	via->flags |= (uint16_t)flag;
	return (struct behind){prm.next, sip_view_end(v)};
}

/* [ COLON port ] with LWS on both sides of COLON: behind the white space that follows; 0: malformed. *last is
 * where sent-by ends. */
static __attribute__((noinline)) uint32_t port_slow(const struct sip_msg *m, uint32_t pos, uint32_t end,
						    struct sip_via *via, uint32_t *last)
{
	uint64_t n;

	*last = pos;
	pos = sip_skip_ws(m, pos, end);
	if (m->buf[pos] != ':')
		return pos;
	pos = sip_number(m, sip_skip_ws(m, pos + 1, end), end, 65535, &n);
	if (pos == 0 || n == 0)
		return 0;
	via->port = (uint16_t)n;
	*last = pos;
	return sip_skip_ws(m, pos, end);
}

/* The usual port, or none, whichever: half of all Vias have one, so no branch is taken for it. false: white
 * space, or no port; *pos is as it was. */
static inline bool port_read(const struct sip_msg *m, uint32_t *pos, struct sip_via *via)
{
	const uint8_t *p = m->buf + *pos;
	const uint32_t has = *p == ':';
	uint64_t w, port;
	uint32_t n;

	if (sip_unlikely(m->len - *pos < 16))
		return false;
	memcpy(&w, p + 1, 8);
	n = sip_digits(w);
	port = sip_digits_value(w, n);
	n = (n + 1) & -has;
	port &= -(uint64_t)has;
	if (sip_unlikely((p[n] <= ' ') | (has & ((port == 0) | (port > 65535)))))
		return false;
	via->port = (uint16_t)port;
	*pos += n;
	return true;
}

/* One via-parm at pos: behind it and its white space; 0: malformed. The value lies in a header field: behind
 * its end come white space, or CR and LF twice at least, so that four bytes can be read from any byte of it,
 * and no delimiter is found at its end. */
static inline __attribute__((always_inline)) uint32_t via_parm(const struct sip_msg *m, uint32_t pos,
							       uint32_t end, struct sip_via *via)
{
	const struct sip_view none = {pos, 0};
	const uint8_t *b = m->buf;
	unsigned flags;
	uint32_t last;
	uint64_t n;

	via->branch = none;
	via->received = none;
	via->maddr = none;
	via->port = via->rport = via->flags = 0;
	pos = protocol(m, pos, end, via);
	if (sip_unlikely(pos == 0))
		return 0;
	flags = via->flags;
	pos = sip_host_read(m, pos, end, &via->host);
	if (sip_unlikely(pos == 0))
		return 0;
	last = pos;
	if (sip_unlikely(!port_read(m, &pos, via))) {
		pos = port_slow(m, pos, end, via, &last);
		if (pos == 0)
			return 0;
	} else {
		last = pos;
	}
	while (b[pos] == ';') {
		uint32_t w = sip_load4(b + ++pos) | SIP_LOWER4, v, e;
		struct behind p;

		/* the usual ones by name and '=' at once; their value is a token up to the next one */
		if (w == (uint32_t)SIP_W_BRANCH_EQ &&
		    (sip_load4(b + pos + 3) | SIP_LOWER3) == SIP_W_BRANCH_EQ >> 24 &&
		    !(flags & SIP_VIA_BRANCH)) {
			v = pos + 7;
			e = sip_run(m, SIP_NOT_TOKEN, v);
			if (sip_likely(e != v && (b[e] == ';' || e == end))) {
				via->branch = sip_view_of(v, e);
				flags |= SIP_VIA_BRANCH;
				if (has_cookie(b + v, e - v))
					flags |= SIP_VIA_COOKIE;
				last = pos = e;
				continue;
			}
		} else if (w == (uint32_t)SIP_W_RECEIVED && !(flags & SIP_VIA_RECEIVED) &&
			   (sip_load4(b + pos + 4) | SIP_LOWER4) == SIP_W_RECEIVED >> 32 &&
			   b[pos + 8] == '=') {
			v = pos + 9;
			e = sip_ip4_read(m, v);
			if (sip_likely(e != 0 && (b[e] == ';' || e == end))) {
				via->received = sip_view_of(v, e);
				flags |= SIP_VIA_RECEIVED;
				last = pos = e;
				continue;
			}
		} else if (w == (uint32_t)SIP_W_RPORT_EQ && !(flags & SIP_VIA_RPORT) &&
			   (sip_load4(b + pos + 2) | SIP_LOWER3) == SIP_W_RPORT_EQ >> 16) {
			v = pos + 6;
			e = sip_number(m, v, end, 65535, &n);
			if (sip_likely(e != 0 && n != 0 && (b[e] == ';' || e == end))) {
				via->rport = (uint16_t)n;
				flags |= SIP_VIA_RPORT;
				last = pos = e;
				continue;
			}
		}
		via->flags = (uint16_t)flags;
		p = via_param(m, pos, end, via);
		flags = via->flags;
		pos = p.next;
		last = p.last;
		if (sip_unlikely(pos == 0))
			return 0;
	}
	via->flags = (uint16_t)flags;
	via->all.len = last - via->all.off;
	return pos;
}

int sip_via_next(const struct sip_msg *m, struct sip_iter *it, struct sip_via *out)
{
	uint32_t pos, end;

	if (!sip_iter_open(m, it, &pos, &end))
		return 0;
	out->header = it->header - 1;
	out->all.off = pos;
	return sip_iter_close(m, it, via_parm(m, pos, end, out), end);
}

int sip_via_read(const struct sip_msg *m, struct sip_via *top)
{
	struct sip_iter it = sip_iter_start(m, SIP_HDR_VIA);
	struct sip_via rest, *to = top;
	uint32_t pos, end;
	int n = 0;

	while (sip_iter_open(m, &it, &pos, &end)) {
		to->header = it.header - 1;
		to->all.off = pos;
		if (sip_unlikely(sip_iter_close(m, &it, via_parm(m, pos, end, to), end) < 0))
			return -1;
		to = &rest;
		n++;
	}
	return n;
}

uint32_t sip_via_rport(const struct sip_msg *m, const struct sip_via *via, struct sip_view *value)
{
	uint32_t pos = sip_view_end(via->host.text), end = sip_view_end(via->all);

	*value = sip_view_of(end, end);
	if (!(via->flags & SIP_VIA_RPORT))
		return 0;
	while (pos < end && m->buf[pos] != ';')
		pos++;
	while (pos != 0 && pos < end && m->buf[pos] == ';') {
		struct sip_param p = sip_param(m, pos + 1, end);

		if (p.next && sip_view_is(m, p.name, "rport")) {
			*value = p.value;
			return sip_view_end(p.name);
		}
		pos = p.next;
	}
	return 0;
}
