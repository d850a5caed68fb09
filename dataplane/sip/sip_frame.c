/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sip/sip_frame.h"

#include "dataplane/sip/sip_lex.h"

static struct sip_frame_result frame_bad(enum sip_reason why)
{
	return (struct sip_frame_result){.what = SIP_FRAME_BAD, .reason = why};
}

static struct sip_frame_result frame_more(uint32_t need)
{
	return (struct sip_frame_result){.what = SIP_FRAME_MORE, .need = need};
}

/* A run of CRLFs between two messages. However long, it asks for one answer: else each two bytes of a flood
 * would buy two of ours. */
static struct sip_frame_result between(struct sip_frame *f, const uint8_t *buf, size_t len)
{
	struct sip_frame_result r = {.what = SIP_FRAME_PONG};
	uint32_t max = len > UINT32_MAX ? UINT32_MAX : (uint32_t)len, n = 0;

	while (max - n >= 2 && buf[n] == '\r' && buf[n + 1] == '\n')
		n += 2;
	if (n == 0)
		return len >= 2 || buf[0] == '\n' ? frame_bad(SIP_REASON_FRAME_BARE) : frame_more(0);
	if (n / 2 + f->crlf >= 2)
		r.what = SIP_FRAME_PING;
	/* an odd one out may be the first half of the next ping */
	f->crlf = (n / 2 + f->crlf) % 2;
	r.consumed = n;
	return r;
}

/* the header section is complete: index it, learn the length */
static struct sip_frame_result head_done(struct sip_frame *f, struct sip_msg *m, const struct sip_limits *lim,
					 const uint8_t *buf, size_t len)
{
	uint32_t have = len > UINT32_MAX ? UINT32_MAX : (uint32_t)len, body;
	enum sip_reason why = sip_msg_index_scanned(m, lim, buf, have);

	if (sip_unlikely(why != SIP_REASON_OK))
		return frame_bad(why);
	why = sip_msg_length(m, lim, &body);
	if (sip_unlikely(why != SIP_REASON_OK))
		return frame_bad(why);
	/* head_len ≤ 64 KiB; a body limit near 2^32 must not wrap */
	if (body > UINT32_MAX - m->head_len)
		return frame_bad(SIP_REASON_LENGTH_LIMIT);
	f->need = m->head_len + body;
	if (have < f->need)
		return frame_more(f->need);
	m->len = f->need;
	m->body_len = body;
	*f = (struct sip_frame){0};
	return (struct sip_frame_result){.what = SIP_FRAME_MESSAGE, .consumed = m->len};
}

struct sip_frame_result sip_frame_next(struct sip_frame *f, struct sip_msg *m, const struct sip_kernel *k,
				       const struct sip_limits *lim, const uint8_t *buf, size_t len)
{
	uint32_t head = lim->head < SIP_HEAD_MAX ? lim->head : SIP_HEAD_MAX;
	uint32_t look = len < head ? (uint32_t)len : head, from;

	if (len == 0)
		return frame_more(0);
	if (f->need) {
		/* only the body was missing: nothing is looked at until all of it is there */
		if (len < f->need)
			return frame_more(f->need);
		k->scan(&m->scan, buf, look, 0);
		return head_done(f, m, lim, buf, len);
	}
	if (buf[0] == '\r' || buf[0] == '\n')
		return between(f, buf, len);
	/* both kinds of start line begin with a token; what does not is not worth waiting for */
	from = f->scanned & ~63u;
	k->scan(&m->scan, buf, look, from);
	if (m->scan.bits[SIP_NOT_TOKEN][0] & 1 && from == 0)
		return frame_bad(SIP_REASON_FRAME_START);
	if (sip_unlikely(m->scan.bare_at))
		return frame_bad(SIP_REASON_FRAME_BARE);
	if (sip_unlikely(m->scan.head_len == 0)) {
		if (len >= head)
			return frame_bad(SIP_REASON_FRAME_HEAD_SIZE);
		f->scanned = look;
		return frame_more(0);
	}
	if (from)
		k->scan(&m->scan, buf, look, 0);
	return head_done(f, m, lim, buf, len);
}
