/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sip/sip_via.h"

#include <string.h>

#include "dataplane/sip/sip_host_read.h"
#include "dataplane/sip/sip_iter.h"

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

#define VIA_KNOWN                                                                                        \
	(SIP_PARAM_BIT(BRANCH) | SIP_PARAM_BIT(RECEIVED) | SIP_PARAM_BIT(RPORT) | SIP_PARAM_BIT(MADDR) | \
	 SIP_PARAM_BIT(TTL) | SIP_PARAM_BIT(ALIAS))

/* what the parameters mean, once all are read: `seen` has a bit for each known one, value[] their values */
static bool via_params_take(const struct sip_msg *m, unsigned seen, const struct sip_view *value,
			    struct sip_via *via)
{
	uint64_t n;

	if (seen & SIP_PARAM_BIT(BRANCH)) {
		struct sip_view v = value[SIP_PARAM_BRANCH];

		/* a token: nothing quoted, no address */
		if (sip_unlikely(v.len == 0 || m->buf[v.off] == '"' || m->buf[v.off] == '['))
			return false;
		via->branch = v;
		via->flags |= SIP_VIA_BRANCH;
		if (sip_likely(v.len >= 7 && memcmp(m->buf + v.off, "z9hG4bK", 7) == 0))
			via->flags |= SIP_VIA_COOKIE;
	}
	if (seen & SIP_PARAM_BIT(RECEIVED)) {
		via->received = value[SIP_PARAM_RECEIVED];
		via->flags |= SIP_VIA_RECEIVED;
		if (sip_unlikely(!host_value(m, via->received)))
			return false;
	}
	if (seen & SIP_PARAM_BIT(RPORT)) {
		via->flags |= SIP_VIA_RPORT;
		if (value[SIP_PARAM_RPORT].len) {
			if (sip_unlikely(!number_value(m, value[SIP_PARAM_RPORT], 65535, &n) || n == 0))
				return false;
			via->rport = (uint16_t)n;
		}
	}
	if (sip_likely(!(seen & (SIP_PARAM_BIT(MADDR) | SIP_PARAM_BIT(TTL) | SIP_PARAM_BIT(ALIAS)))))
		return true;
	if (seen & SIP_PARAM_BIT(MADDR)) {
		via->maddr = value[SIP_PARAM_MADDR];
		via->flags |= SIP_VIA_MADDR;
		if (!host_value(m, via->maddr))
			return false;
	}
	if (seen & SIP_PARAM_BIT(TTL)) {
		via->flags |= SIP_VIA_TTL;
		if (!number_value(m, value[SIP_PARAM_TTL], 255, &n))
			return false;
	}
	if (seen & SIP_PARAM_BIT(ALIAS))
		via->flags |= SIP_VIA_ALIAS;
	return true;
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
	uint32_t w;
	unsigned t;

	if (sip_unlikely(end - pos < 13 || sip_word(m, pos, 8) != SIP_W_SIP_2_0_ || m->buf[pos + 3] != '/' ||
			 m->buf[pos + 7] != '/'))
		return protocol_slow(m, pos, end, via);
	/* three letters and a space; the space stays one under bit 5, and so does NUL, which the index
	 * refuses */
	memcpy(&w, m->buf + pos + 8, 4);
	w |= 0x20202020;
	t = w == (uint32_t)(SIP_W_TLS | 0x20000000) ? SIP_TRANSPORT_TLS : SIP_TRANSPORT_NONE;
	t = w == (uint32_t)(SIP_W_TCP | 0x20000000) ? SIP_TRANSPORT_TCP : t;
	t = w == (uint32_t)(SIP_W_UDP | 0x20000000) ? SIP_TRANSPORT_UDP : t;
	if (sip_unlikely(t == SIP_TRANSPORT_NONE || m->buf[pos + 11] != ' ' || sip_is_ws(m->buf[pos + 12])))
		return protocol_slow(m, pos, end, via);
	via->transport_text = sip_view_of(pos + 8, pos + 11);
	via->transport = (uint8_t)t;
	return pos + 12;
}

/* one via-parm at pos: behind it and its white space; 0: malformed */
static uint32_t via_parm(const struct sip_msg *m, uint32_t pos, uint32_t end, struct sip_via *via)
{
	struct sip_view value[SIP_PARAM_WSS + 1];
	unsigned seen = 0, twice = 0;
	struct sip_param prm;
	uint32_t last;
	uint64_t port;

	via->branch = via->received = via->maddr = (struct sip_view){pos, 0};
	via->port = via->rport = via->flags = 0;
	pos = protocol(m, pos, end, via);
	if (sip_unlikely(pos == 0))
		return 0;
	pos = sip_host_read(m, pos, end, &via->host);
	if (sip_unlikely(pos == 0))
		return 0;
	last = pos;
	if (sip_unlikely(pos < end && sip_is_ws(m->buf[pos])))
		pos = sip_skip_ws(m, pos, end);
	if (pos < end && m->buf[pos] == ':') {
		/* COLON has LWS on both sides */
		pos++;
		if (sip_unlikely(pos < end && sip_is_ws(m->buf[pos])))
			pos = sip_skip_ws(m, pos, end);
		pos = sip_number(m, pos, end, 65535, &port);
		if (pos == 0 || port == 0)
			return 0;
		via->port = (uint16_t)port;
		last = pos;
		if (sip_unlikely(pos < end && sip_is_ws(m->buf[pos])))
			pos = sip_skip_ws(m, pos, end);
	}
	while (pos < end && m->buf[pos] == ';') {
		unsigned id = SIP_PARAM_NONE, skip = 0;
		uint64_t w = 0;

		pos++;
		/* the usual ones by name and '=' at once; their value is a token up to the next one */
		if (sip_likely(m->len - pos >= 16))
			memcpy(&w, m->buf + pos, 8);
		w |= SIP_LOWER8;
		if ((w & sip_masks[7]) == SIP_W_BRANCH_EQ) {
			id = SIP_PARAM_BRANCH;
			skip = 7;
		} else if (w == SIP_W_RECEIVED) {
			id = SIP_PARAM_RECEIVED;
			skip = 9;
		} else if ((w & sip_masks[6]) == SIP_W_RPORT_EQ) {
			id = SIP_PARAM_RPORT;
			skip = 6;
		}
		prm.value.off = prm.next = pos + skip;
		if (sip_likely(skip != 0))
			prm.next = sip_run(m, SIP_NOT_TOKEN, pos + skip);
		prm.value.len = prm.next - prm.value.off;
		if (sip_unlikely(prm.value.len == 0 || m->buf[pos + skip - 1] != '=' ||
				 (m->buf[prm.next] != ';' && prm.next != end))) {
			prm = sip_param(m, pos, end);
			if (sip_unlikely(prm.next == 0))
				return 0;
			id = sip_param_id(m, prm.name);
		}
		pos = prm.next;
		value[id] = prm.value;
		twice |= seen & 1u << id;
		seen |= 1u << id;
		last = sip_view_end(prm.value);
	}
	if (sip_unlikely((twice & VIA_KNOWN) || !via_params_take(m, seen, value, via)))
		return 0;
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
