/* SPDX-License-Identifier: BSD-3-Clause */
/* What a request is for, as far as its head and its offer tell. */
#include <string.h>
#include <strings.h>

#include "dataplane/proxy/facts_from.h"

/* What a body may be read for. */
enum body_kind {
	BODY_NONE,
	BODY_SDP,
	BODY_MULTIPART,
	BODY_OTHER,
};

static enum body_kind body_kind(const struct sip_msg *m, struct sip_media_type *type)
{
	const struct sip_header *h = sip_msg_first(m, SIP_HDR_CONTENT_TYPE);

	if (!m->body_len)
		return BODY_NONE;
	if (!h || !sip_media_type_read(m, h, type) || sip_msg_first(m, SIP_HDR_CONTENT_ENCODING))
		return BODY_OTHER;
	if (sip_view_is(m, type->type, "application") && sip_view_is(m, type->subtype, "sdp"))
		return BODY_SDP;
	return sip_view_is(m, type->type, "multipart") ? BODY_MULTIPART : BODY_OTHER;
}

/* next line of a body, whatever ends it: NULL behind the last */
static const char *line_next(const char *p, const char *end)
{
	while (p < end && *p != '\n' && *p != '\r')
		p++;
	while (p < end && (*p == '\n' || *p == '\r'))
		p++;
	return p < end ? p : NULL;
}

static bool line_begins(const char *p, const char *end, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(end - p) >= n && strncasecmp(p, word, n) == 0;
}

/* m=<media>: chat is "message" (RFC 4975), "x-ms-message" and "x-ms-sipmessage" */
static uint8_t media_service(const char *p, const char *end)
{
	static const char *const chat[] = {"message", "x-ms-message", "x-ms-sipmessage"};

	for (unsigned i = 0; i < sizeof(chat) / sizeof(chat[0]); i++) {
		size_t n = strlen(chat[i]);

		if (line_begins(p, end, chat[i]) && (size_t)(end - p) > n && (p[n] == ' ' || p[n] == '\t'))
			return POLICY_SERVICE_IM;
	}
	return POLICY_SERVICE_CALLS;
}

/* Of every offer in the body. A part that is encoded, or no offer at all, counts as a call. */
static uint8_t offer_service(const char *p, const char *end, bool multipart)
{
	uint8_t service = 0;

	for (; p; p = line_next(p, end)) {
		if (end - p > 2 && p[0] == 'm' && p[1] == '=')
			service |= media_service(p + 2, end);
		else if (multipart && line_begins(p, end, "content-transfer-encoding"))
			service |= POLICY_SERVICE_CALLS;
		else if (multipart && line_begins(p, end, "content-encoding"))
			service |= POLICY_SERVICE_CALLS;
	}
	return service ? service : POLICY_SERVICE_CALLS;
}

static uint8_t invite_service(const struct sip_msg *m)
{
	struct sip_media_type type;
	enum body_kind kind = body_kind(m, &type);
	const char *body = (const char *)m->buf + m->head_len;

	if (kind != BODY_SDP && kind != BODY_MULTIPART)
		return POLICY_SERVICE_CALLS;
	return offer_service(body, body + m->body_len, kind == BODY_MULTIPART);
}

static uint8_t event_service(const struct sip_msg *m)
{
	const struct sip_header *h = sip_msg_first(m, SIP_HDR_EVENT);
	struct sip_tagged event;

	if (!h || !sip_tagged_read(m, h, &event))
		return 0;
	/* "presence", its templates (presence.winfo), and Microsoft's packages of roaming presence */
	if (sip_view_is(m, event.token, "presence") ||
	    (event.token.len > 9 && strncasecmp(sip_msg_at(m, event.token), "presence.", 9) == 0) ||
	    (event.token.len > 14 && strncasecmp(sip_msg_at(m, event.token), "vnd-microsoft-", 14) == 0))
		return POLICY_SERVICE_PRESENCE;
	return 0;
}

uint8_t facts_service(const struct sip_msg *m, enum sip_method method)
{
	switch (method) {
	case SIP_METHOD_MESSAGE:
		return POLICY_SERVICE_IM;
	case SIP_METHOD_INVITE:
		return invite_service(m);
	case SIP_METHOD_UPDATE:
	case SIP_METHOD_PRACK:
		/* may carry an offer (RFC 3311, RFC 3262 section 5), and mostly do not */
		return m->body_len ? invite_service(m) : 0;
	case SIP_METHOD_REFER:
		/* a transfer makes a call */
		return POLICY_SERVICE_CALLS;
	case SIP_METHOD_SUBSCRIBE:
	case SIP_METHOD_NOTIFY:
	case SIP_METHOD_BENOTIFY:
	case SIP_METHOD_PUBLISH:
		return event_service(m);
	default:
		return 0;
	}
}

/* a header line of a part, also folded: "application/csta+xml" behind its colon */
static bool part_is_rcc(const char *p, const char *end)
{
	static const char name[] = "content-type", compact[] = "c", csta[] = "application/csta+xml";
	size_t n = line_begins(p, end, name)	  ? sizeof(name) - 1
		   : line_begins(p, end, compact) ? sizeof(compact) - 1
						  : 0;

	if (!n)
		return false;
	p += n;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (p == end || *p++ != ':')
		return false;
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
		p++;
	return line_begins(p, end, csta);
}

bool facts_is_rcc(const struct sip_msg *m)
{
	const struct sip_header *h = sip_msg_first(m, SIP_HDR_CONTENT_TYPE);
	const char *p = (const char *)m->buf + m->head_len, *end = p + m->body_len;
	struct sip_media_type type;

	/* application and multipart; most others are told by their first letter */
	if (!h || ((m->buf[h->value] | 0x20) != 'a' && (m->buf[h->value] | 0x20) != 'm') ||
	    !sip_media_type_read(m, h, &type))
		return false;
	if (sip_view_is(m, type.type, "application") && sip_view_is(m, type.subtype, "csta+xml"))
		return true;
	if (!sip_view_is(m, type.type, "multipart"))
		return false;
	for (; p && p < end; p = line_next(p, end))
		if (part_is_rcc(p, end))
			return true;
	return false;
}
