/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/edge/edge_script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { IDLE, ASKED, BYE_SENT };

const struct script_info script_infos[SCRIPT_KINDS] = {
	[SCRIPT_MESSAGE] = {"message", 1},
	[SCRIPT_CALL] = {"call", 3},
	[SCRIPT_ANSWER] = {"answer", 0},
};

enum script_kind script_kind_of(const char *name)
{
	enum script_kind k = 0;

	while (k < SCRIPT_KINDS && strcmp(script_infos[k].name, name) != 0)
		k++;
	return k;
}

/* ---- lines ---- */

/* The value of a header in head[0..len), from *at on; *at moves behind it. NULL: no more. */
static const char *header(const char *head, size_t len, const char *name, size_t *at, size_t *value_len)
{
	size_t n = strlen(name);

	while (*at < len) {
		const char *line = head + *at, *end = memchr(line, '\r', len - *at);
		size_t line_len = end ? (size_t)(end - line) : len - *at;

		*at += line_len + 2;
		if (line_len > n && line[n] == ':' && strncasecmp(line, name, n) == 0) {
			const char *v = line + n + 1;

			while (v < line + line_len && *v == ' ')
				v++;
			*value_len = (size_t)(line + line_len - v);
			return v;
		}
	}
	return NULL;
}

static bool header_is(const char *head, size_t len, const char *name, const char *want)
{
	size_t at = 0, n;
	const char *v = header(head, len, name, &at, &n);

	return v && n == strlen(want) && memcmp(v, want, n) == 0;
}

/* length of the message at the head of the stream, of which *head_len are its lines; 0: not all there */
static size_t frame(const struct script_stream *s, size_t *head_len)
{
	const char *end = memmem(s->bytes, s->len, "\r\n\r\n", 4), *v;
	size_t at = 0, n, body;

	if (!end)
		return 0;
	*head_len = (size_t)(end - s->bytes) + 2;
	v = header(s->bytes, *head_len, "Content-Length", &at, &n);
	body = v ? strtoul(v, NULL, 10) : 0;
	return s->len >= *head_len + 2 + body ? *head_len + 2 + body : 0;
}

static bool take(struct script_stream *s, const void *bytes, size_t len)
{
	if (s->len + len > sizeof(s->bytes))
		return false;
	memcpy(s->bytes + s->len, bytes, len);
	s->len += (uint32_t)len;
	return true;
}

static void drop(struct script_stream *s, size_t len)
{
	s->len -= (uint32_t)len;
	memmove(s->bytes, s->bytes + len, s->len);
}

static unsigned tag_of(const char *call_id, size_t len)
{
	unsigned h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)call_id[i]) * 16777619u;
	return h;
}

/* ---- the partner ---- */

void script_partner_init(struct script_partner *p, unsigned number)
{
	memset(p, 0, sizeof(*p));
	p->number = number;
}

static size_t request(const struct script_partner *p, char *to, size_t size, const char *method,
		      const char *uri, const char *routes, const char *to_tag, unsigned cseq)
{
	unsigned tag = tag_of(p->call_id, strlen(p->call_id)) ^ 0x5a5a5a5a;

	return (size_t)snprintf(to, size,
				"%s %s SIP/2.0\r\n"
				"Via: SIP/2.0/TLS edge.p%u.test:5061;branch=z9hG4bK%08x.%u.%s\r\n"
				"%s"
				"Max-Forwards: 70\r\n"
				"From: <sip:alice@p%u.test>;tag=%08x\r\n"
				"To: <sip:%s@contoso.test>%s\r\n"
				"Call-ID: %s\r\n"
				"CSeq: %u %s\r\n",
				method, uri, p->number, tag, cseq, method, routes, p->number, tag,
				p->kind == SCRIPT_ANSWER ? "carol" : "bob", to_tag, p->call_id, cseq, method);
}

void script_partner_begin(struct script_partner *p, enum script_kind kind, script_emit_fn emit, void *ctx)
{
	static const char sdp[] =
		"v=0\r\no=- 1 1 IN IP4 198.18.1.10\r\ns=-\r\nc=IN IP4 198.18.1.10\r\nt=0 0\r\n"
		"m=audio 40000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";
	char out[1200];
	size_t n;

	snprintf(p->call_id, sizeof(p->call_id), "%08x-%u@p%u.test", p->count++, p->number * 7919u,
		 p->number);
	p->kind = (uint8_t)kind;
	p->state = ASKED;
	p->early = false;
	if (kind != SCRIPT_CALL) {
		n = request(p, out, sizeof(out), "MESSAGE",
			    kind == SCRIPT_ANSWER ? "sip:carol@contoso.test" : "sip:bob@contoso.test", "", "",
			    1);
		n += (size_t)snprintf(out + n, sizeof(out) - n,
				      "Content-Type: text/plain\r\nContent-Length: ");
		/* three digits, and four ends of lines, are to come */
		n += (size_t)snprintf(out + n, sizeof(out) - n, "%u\r\n\r\n",
				      (unsigned)(SCRIPT_MESSAGE_BYTES - n - 7));
		memset(out + n, 'x', SCRIPT_MESSAGE_BYTES - n);
		n = SCRIPT_MESSAGE_BYTES;
	} else {
		n = request(p, out, sizeof(out), "INVITE", "sip:bob@contoso.test", "", "", 1);
		n += (size_t)snprintf(out + n, sizeof(out) - n,
				      "Contact: <sip:alice@edge.p%u.test:5061;transport=tls>\r\n"
				      "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s",
				      p->number, strlen(sdp), sdp);
	}
	emit(ctx, out, n);
}

/* ACK and BYE along the way that the 200 names */
static int answered(struct script_partner *p, size_t head, script_emit_fn emit, void *ctx, const char **why)
{
	char routes[1500] = "", uri[160], tag[64], out[2400];
	const char *v, *set[8], *lt, *gt;
	size_t at = 0, n, lens[8], used = 0;
	unsigned k = 0;

	while (k < 8 && (v = header(p->in.bytes, head, "Record-Route", &at, &n))) {
		set[k] = v;
		lens[k++] = n;
	}
	/* RFC 3261 section 12.1.2: the caller's route set is the reverse; a line may hold several */
	while (k--) {
		while (lens[k]) {
			size_t from = lens[k];

			while (from && set[k][from - 1] != ',')
				from--;
			used += (size_t)snprintf(routes + used, sizeof(routes) - used, "Route: %.*s\r\n",
						 (int)(lens[k] - from), set[k] + from);
			lens[k] = from ? from - 1 : 0;
			if (used >= sizeof(routes))
				return -1;
		}
	}
	at = 0;
	v = header(p->in.bytes, head, "Contact", &at, &n);
	lt = v ? memchr(v, '<', n) : NULL;
	gt = v ? memchr(v, '>', n) : NULL;
	if (!lt || !gt) {
		*why = "a 200 without Contact";
		return -1;
	}
	snprintf(uri, sizeof(uri), "%.*s", (int)(gt - lt - 1), lt + 1);
	snprintf(tag, sizeof(tag), ";tag=%08x", tag_of(p->call_id, strlen(p->call_id)));
	n = request(p, out, sizeof(out), "ACK", uri, routes, tag, 1);
	n += (size_t)snprintf(out + n, sizeof(out) - n, "Content-Length: 0\r\n\r\n");
	emit(ctx, out, n);
	n = request(p, out, sizeof(out), "BYE", uri, routes, tag, 2);
	n += (size_t)snprintf(out + n, sizeof(out) - n, "Content-Length: 0\r\n\r\n");
	emit(ctx, out, n);
	p->state = BYE_SENT;
	return 0;
}

static int judge(struct script_partner *p, size_t head, script_emit_fn emit, void *ctx, const char **why)
{
	const char *b = p->in.bytes, *v;
	unsigned status = head > 12 && memcmp(b, "SIP/2.0 ", 8) == 0 ? (unsigned)strtoul(b + 8, NULL, 10) : 0;
	char tag[32];
	size_t at = 0, n;

	if (status == 0 && head > 8 && memcmp(b, "OPTIONS ", 8) == 0)
		return 0;
	if (p->state == IDLE) {
		*why = "an answer that nobody waits for";
		return -1;
	}
	if (!header_is(b, head, "Call-ID", p->call_id)) {
		*why = "an answer to something else";
		return -1;
	}
	if (status == 100)
		return 0;
	snprintf(tag, sizeof(tag), "tag=%08x", tag_of(p->call_id, strlen(p->call_id)));
	v = header(b, head, "To", &at, &n);
	if (p->kind == SCRIPT_ANSWER && status == 403 && header_is(b, head, "CSeq", "1 MESSAGE") && v &&
	    memmem(v, n, ";tag=", 5) && !memmem(v, n, tag, strlen(tag))) {
		p->state = IDLE;
		return 1;
	}
	if (p->kind == SCRIPT_ANSWER) {
		*why = "not a 403 of the box's own";
		return -1;
	}
	if (!v || !memmem(v, n, tag, strlen(tag))) {
		*why = "not the pool's answer";
		return -1;
	}
	if (p->kind == SCRIPT_CALL && p->state == ASKED && header_is(b, head, "CSeq", "1 INVITE")) {
		if (status == 180) {
			p->early = true;
			return 0;
		}
		if (status == 200 && p->early)
			return answered(p, head, emit, ctx, why);
	} else if (status == 200 &&
		   header_is(b, head, "CSeq", p->kind == SCRIPT_CALL ? "2 BYE" : "1 MESSAGE")) {
		p->state = IDLE;
		return 1;
	}
	*why = "not a 200";
	return -1;
}

int script_partner_take(struct script_partner *p, const void *bytes, size_t len, script_emit_fn emit,
			void *ctx, const char **why)
{
	size_t n, head;
	int verdict = 0;

	if (!take(&p->in, bytes, len)) {
		*why = "too much at a time";
		return -1;
	}
	while ((n = frame(&p->in, &head))) {
		int one = judge(p, head, emit, ctx, why);

		if (one < 0)
			return one;
		verdict |= one;
		drop(&p->in, n);
	}
	return verdict;
}

/* ---- the pool ---- */

static void respond(const char *b, size_t head, unsigned status, const char *phrase, const char *extra,
		    script_emit_fn emit, void *ctx)
{
	static const char *const copied[] = {"Via", "Record-Route", "From", "To", "Call-ID", "CSeq"};
	char out[SCRIPT_BUFFER];
	const char *v;
	size_t n = (size_t)snprintf(out, sizeof(out), "SIP/2.0 %u %s\r\n", status, phrase), len, at = 0,
	       id_len;
	const char *id = header(b, head, "Call-ID", &at, &id_len);

	for (unsigned i = 0; i < 6; i++) {
		at = 0;
		while ((v = header(b, head, copied[i], &at, &len)) && n + len + 64 < sizeof(out)) {
			n += (size_t)snprintf(out + n, sizeof(out) - n, "%s: %.*s", copied[i], (int)len, v);
			if (i == 3 && !memmem(v, len, ";tag=", 5))
				n += (size_t)snprintf(out + n, sizeof(out) - n, ";tag=%08x",
						      tag_of(id ? id : "", id ? id_len : 0));
			n += (size_t)snprintf(out + n, sizeof(out) - n, "\r\n");
		}
	}
	n += (size_t)snprintf(out + n, sizeof(out) - n, "%sContent-Length: 0\r\n\r\n", extra);
	if (n < sizeof(out))
		emit(ctx, out, n);
}

int script_pool_take(struct script_stream *in, const void *bytes, size_t len, script_emit_fn emit, void *ctx,
		     uint64_t *messages, const char **why)
{
	static const char contact[] = "Contact: <sip:bob@198.18.2.10:5061;transport=tls>\r\n";
	size_t n, head;

	if (!take(in, bytes, len)) {
		*why = "too much at a time";
		return -1;
	}
	while ((n = frame(in, &head))) {
		const char *b = in->bytes;

		if (memcmp(b, "ACK ", 4) == 0) {
			++*messages;
		} else if (memcmp(b, "MESSAGE ", 8) == 0) {
			/* the body, all of it */
			if (n < head + 22 || b[n - 1] != 'x' || b[head + 2] != 'x') {
				*why = "a MESSAGE arrived with another body";
				return -1;
			}
			++*messages;
			respond(b, head, 200, "OK", "", emit, ctx);
		} else if (memcmp(b, "INVITE ", 7) == 0) {
			++*messages;
			respond(b, head, 180, "Ringing", contact, emit, ctx);
			respond(b, head, 200, "OK", contact, emit, ctx);
		} else if (memcmp(b, "BYE ", 4) == 0) {
			++*messages;
			respond(b, head, 200, "OK", "", emit, ctx);
		} else if (memcmp(b, "OPTIONS ", 8) == 0) {
			respond(b, head, 200, "OK", "", emit, ctx);
		} else {
			*why = "the pool was asked something else";
			return -1;
		}
		drop(in, n);
	}
	return 0;
}
