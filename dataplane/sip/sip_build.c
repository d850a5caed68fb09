/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sip/sip_build.h"

#include <errno.h>
#include <string.h>

#include "dataplane/base/address_text.h"
#include "dataplane/sip/sip_lex.h"

struct out {
	char *p;
	uint32_t n, size;
	bool full;
};

static void put_bytes(struct out *o, const void *p, uint32_t len)
{
	if (o->full || o->size - o->n < len) {
		o->full = true;
		return;
	}
	memcpy(o->p + o->n, p, len);
	o->n += len;
}

/* inline: the length of a literal is known */
static inline void put(struct out *o, const char *text)
{
	put_bytes(o, text, (uint32_t)strlen(text));
}

static void put_number(struct out *o, uint32_t n)
{
	char text[BASE_DECIMAL_MAX];

	put_bytes(o, text, base_decimal_put(text, n));
}

static void put_view(struct out *o, const struct sip_msg *m, struct sip_view v)
{
	put_bytes(o, m->buf + v.off, v.len);
}

/* name as we write it, value as it came: folds stay folds */
static void put_field(struct out *o, const struct sip_msg *m, const struct sip_header *h)
{
	put_bytes(o, sip_header_infos[h->id].name, sip_header_infos[h->id].name_len);
	put(o, ": ");
	put_bytes(o, m->buf + h->value, h->value_end - h->value);
}

static void put_all(struct out *o, const struct sip_msg *m, enum sip_header_id id)
{
	for (const struct sip_header *h = sip_msg_first(m, id); h; h = sip_msg_next(m, h)) {
		put_field(o, m, h);
		put(o, "\r\n");
	}
}

static void put_lines(struct out *o, const char *const *lines, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		put(o, lines[i]);
		put(o, "\r\n");
	}
}

static int done(const struct out *o)
{
	return o->full ? -ENOSPC : (int)o->n;
}

/* the bytes up to `at`, then text in the place of the view */
static void put_instead(struct out *o, const struct sip_msg *m, uint32_t *pos, struct sip_view v,
			const char *text)
{
	put_bytes(o, m->buf + *pos, v.off - *pos);
	put(o, text);
	*pos = sip_view_end(v);
}

/* The topmost Via says where the request came from, whatever the peer wrote there; all of them go back in
 * their order. */
static void put_vias(struct out *o, const struct sip_msg *m, const struct sip_response *r)
{
	const struct sip_header *h = sip_msg_first(m, SIP_HDR_VIA);
	struct sip_iter it = sip_iter_start(m, SIP_HDR_VIA);
	struct sip_via via;
	bool known = false;

	if (r->core && (r->received || r->rport)) {
		via = r->core->via;
		known = true;
	}
	if (known || ((r->received || r->rport) && sip_via_next(m, &it, &via) > 0)) {
		uint32_t pos = h->value, at = 0;
		struct sip_view rport = {0}, received = via.received;
		char port[16] = "";
		bool rport_first;

		if (r->rport)
			at = sip_via_rport(m, &via, &rport);
		if (at) {
			unsigned n = rport.len == 0;

			port[0] = '=';
			n += base_decimal_put(port + n, r->rport % 65536);
			port[n] = '\0';
			if (rport.len == 0)
				rport = sip_view_of(at, at);
		}
		if (!(via.flags & SIP_VIA_RECEIVED))
			received = sip_view_of(sip_view_end(via.all), sip_view_end(via.all));
		put(o, "Via: ");
		/* an rport without a value may end where received is to begin */
		rport_first = at && rport.off <= received.off;
		if (rport_first)
			put_instead(o, m, &pos, rport, port);
		if (r->received) {
			put_instead(o, m, &pos, sip_view_of(received.off, received.off),
				    via.flags & SIP_VIA_RECEIVED ? "" : ";received=");
			put_instead(o, m, &pos, received, r->received);
		}
		if (at && !rport_first)
			put_instead(o, m, &pos, rport, port);
		put_bytes(o, m->buf + pos, h->value_end - pos);
		put(o, "\r\n");
		h = sip_msg_next(m, h);
	}
	for (; h; h = sip_msg_next(m, h)) {
		put_field(o, m, h);
		put(o, "\r\n");
	}
}

static bool has_tag(const struct sip_msg *m, const struct sip_core *core, const struct sip_header *to)
{
	struct sip_nameaddr na;

	if (core)
		return (core->to.flags & SIP_NA_TAG) != 0;
	/* a To that we cannot read goes back as it is */
	return !sip_nameaddr_one(m, to, &na) || (na.flags & SIP_NA_TAG);
}

/* reason phrase of a status; "" when we know none */
static const char *sip_status_text(unsigned status)
{
	switch (status) {
#define X(code, text) \
	case code:    \
		return text;
#include "dataplane/sip/sip_status.def"
#undef X
	default:
		return "";
	}
}

int sip_build_response(const struct sip_msg *m, const struct sip_response *r, char *out, uint32_t size)
{
	struct out o = {out, 0, size, false};
	const struct sip_header *to = sip_msg_first(m, SIP_HDR_TO);

	if (m->response || !sip_msg_first(m, SIP_HDR_VIA))
		return -EINVAL;
	put(&o, "SIP/2.0 ");
	put_number(&o, r->status);
	put(&o, " ");
	put(&o, r->phrase ? r->phrase : sip_status_text(r->status));
	put(&o, "\r\n");
	put_vias(&o, m, r);
	if (r->record_route)
		put_all(&o, m, SIP_HDR_RECORD_ROUTE);
	put_all(&o, m, SIP_HDR_FROM);
	if (to && !sip_msg_repeats(m, SIP_HDR_TO) && r->to_tag && r->status > 100 &&
	    !has_tag(m, r->core, to)) {
		put_field(&o, m, to);
		put(&o, ";tag=");
		put(&o, r->to_tag);
		put(&o, "\r\n");
	} else {
		put_all(&o, m, SIP_HDR_TO);
	}
	put_all(&o, m, SIP_HDR_CALL_ID);
	put_all(&o, m, SIP_HDR_CSEQ);
	if (r->status == 100)
		put_all(&o, m, SIP_HDR_TIMESTAMP);
	put_lines(&o, r->lines, r->lines_n);
	put(&o, "Content-Length: 0\r\n\r\n");
	return done(&o);
}

int sip_build_options(const struct sip_ping *p, char *out, uint32_t size)
{
	struct out o = {out, 0, size, false};

	put(&o, "OPTIONS ");
	put(&o, p->uri);
	put(&o, " SIP/2.0\r\nVia: ");
	put(&o, p->via);
	put(&o, "\r\nMax-Forwards: 70\r\nFrom: ");
	put(&o, p->from);
	put(&o, "\r\nTo: <");
	put(&o, p->uri);
	put(&o, ">\r\nCall-ID: ");
	put(&o, p->call_id);
	put(&o, "\r\nCSeq: ");
	put_number(&o, p->cseq);
	put(&o, " OPTIONS\r\n");
	put_lines(&o, p->lines, p->lines_n);
	put(&o, "Content-Length: 0\r\n\r\n");
	return done(&o);
}

static int from_invite(const struct sip_msg *invite, const char *method, const struct sip_msg *to_of,
		       char *out, uint32_t size)
{
	struct out o = {out, 0, size, false};
	struct sip_iter it = sip_iter_start(invite, SIP_HDR_VIA);
	const struct sip_header *cseq = sip_msg_first(invite, SIP_HDR_CSEQ);
	struct sip_cseq number;
	struct sip_via via;

	if (invite->response || invite->start_error || sip_via_next(invite, &it, &via) <= 0 || !cseq ||
	    !sip_cseq_read(invite, cseq, &number) || !sip_msg_first(to_of, SIP_HDR_TO))
		return -EINVAL;
	put(&o, method);
	put(&o, " ");
	put_view(&o, invite, invite->uri);
	put(&o, " SIP/2.0\r\nVia: ");
	put_view(&o, invite, via.all);
	put(&o, "\r\nMax-Forwards: 70\r\n");
	put_all(&o, invite, SIP_HDR_ROUTE);
	put_all(&o, invite, SIP_HDR_FROM);
	put_all(&o, to_of, SIP_HDR_TO);
	put_all(&o, invite, SIP_HDR_CALL_ID);
	put(&o, "CSeq: ");
	put_number(&o, number.number);
	put(&o, " ");
	put(&o, method);
	put(&o, "\r\nContent-Length: 0\r\n\r\n");
	return done(&o);
}

int sip_build_cancel(const struct sip_msg *invite, char *out, uint32_t size)
{
	return from_invite(invite, "CANCEL", invite, out, size);
}

int sip_build_ack(const struct sip_msg *invite, const struct sip_msg *response, char *out, uint32_t size)
{
	return from_invite(invite, "ACK", response, out, size);
}
