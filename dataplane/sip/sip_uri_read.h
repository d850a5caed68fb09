/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to sip/: sip_uri_parse() with the usual URI inline. */
#ifndef DATAPLANE_SIP_SIP_URI_READ_H
#define DATAPLANE_SIP_SIP_URI_READ_H

#include "dataplane/sip/sip_host_read.h"
#include "dataplane/sip/sip_uri.h"

/* The parameters of a usual URI from the ';' at pos on: behind the last one; 0: not usual. */
static inline uint32_t sip_uri_params_read(const struct sip_msg *m, uint32_t pos, struct sip_uri *out)
{
	const uint8_t *b = m->buf;
	uint32_t start = pos + 1;

	do {
		uint32_t w = sip_load4(b + ++pos) | SIP_LOWER4, e, v, t;
		unsigned flag = 0;

		if (w == (uint32_t)SIP_W_TRANSPOR &&
		    (sip_load4(b + pos + 4) | SIP_LOWER4) == SIP_W_TRANSPOR >> 32 &&
		    (b[pos + 8] | 0x20) == 't' && b[pos + 9] == '=') {
			v = pos + 10;
			e = sip_run(m, SIP_NOT_PARAM, v);
			t = sip_load4(b + v) | 0x202020;
			t &= 0xffffff;
			out->transport = t == SIP_W_TLS ? SIP_TRANSPORT_TLS : SIP_TRANSPORT_TCP;
			if (sip_unlikely(e - v != 3 || (t != SIP_W_TLS && t != SIP_W_TCP)))
				return 0;
			flag = SIP_URI_TRANSPORT;
		} else if ((w & 0xffff) == SIP_W_LR && (b[pos + 2] == '>' || b[pos + 2] == ';')) {
			e = pos + 2;
			flag = SIP_URI_LR;
		} else {
			e = sip_run(m, SIP_NOT_PARAM, pos);
			/* those that mean something are for the general rule */
			if (sip_unlikely(e == pos || sip_param_id(m, sip_view_of(pos, e)) != SIP_PARAM_NONE))
				return 0;
			if (b[e] == '=') {
				v = e + 1;
				e = sip_run(m, SIP_NOT_PARAM, v);
				if (sip_unlikely(e == v))
					return 0;
			}
		}
		if (sip_unlikely(out->flags & flag))
			return 0;
		out->flags |= (uint16_t)flag;
		pos = e;
	} while (b[pos] == ';');
	out->params = sip_view_of(start, pos);
	return pos;
}

/* URI at pos in the start line (stop is ' ') or in brackets ('>') of a header field, of which at least four
 * bytes follow behind any. Behind the URI, where `stop` is; 0: malformed. What is not usual, an escape for
 * one, is judged from scratch. */
static inline __attribute__((always_inline)) uint32_t
sip_uri_read(const struct sip_msg *m, uint32_t pos, uint32_t end, char stop, struct sip_uri *out)
{
	const struct sip_view none = {pos, 0};
	const uint8_t *b = m->buf;
	uint32_t w = sip_load4(b + pos) | SIP_LOWER3, p = pos + 4, q;
	uint64_t port;

	out->scheme = SIP_SCHEME_SIP;
	if (sip_unlikely(w != (uint32_t)SIP_W_SIP_COLON)) {
		if ((w | SIP_LOWER4) != (uint32_t)SIP_W_SIPS || b[p] != ':')
			goto slow;
		out->scheme = SIP_SCHEME_SIPS;
		p++;
	}
	out->user = none;
	out->password = none;
	out->params = none;
	out->headers = none;
	out->flags = out->port = 0;
	out->transport = SIP_TRANSPORT_NONE;
	q = sip_run(m, SIP_NOT_USER, p);
	if (b[q] == '@') {
		if (sip_unlikely(q == p))
			goto slow;
		out->user = sip_view_of(p, q);
		out->flags = SIP_URI_HAS_USER;
		p = q + 1;
	} else if (b[q] == ':') {
		/* a port, or a password when an '@' follows */
		q = sip_run(m, SIP_NOT_USER, q + 1);
		if (sip_unlikely(b[q] == '@' || b[q] == '%'))
			goto slow;
	} else if (sip_unlikely(b[q] != (uint8_t)stop)) {
		goto slow;
	}
	p = sip_host_read(m, p, end, &out->host);
	if (sip_unlikely(p == 0))
		return 0;
	if (b[p] == ':') {
		p = sip_number(m, p + 1, end, 65535, &port);
		if (sip_unlikely(p == 0 || port == 0))
			return 0;
		out->port = (uint16_t)port;
		out->flags |= SIP_URI_HAS_PORT;
	}
	if (b[p] == ';') {
		p = sip_uri_params_read(m, p, out);
		if (sip_unlikely(p == 0))
			goto slow;
	}
	if (sip_unlikely(b[p] != (uint8_t)stop || p > end))
		goto slow;
	out->all = sip_view_of(pos, p);
	return p;
slow:
	return sip_uri_parse(m, pos, end, stop == '>' ? SIP_URI_IN_BRACKETS : SIP_URI_IN_LINE, out);
}

#endif
