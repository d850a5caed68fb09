/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/sip_parse/sip_corpus.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/rng.h"

enum { MESSAGE_MAX = 16384 };

struct writer {
	char text[MESSAGE_MAX];
	size_t n;
	struct base_rng rng;
};

static void put(struct writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(struct writer *w, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(w->text + w->n, sizeof(w->text) - w->n, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(w->text) - w->n)
		abort();
	w->n += (size_t)n;
}

static uint32_t below(struct writer *w, uint32_t n)
{
	return base_rng_below(&w->rng, n);
}

#define PICK(w, list) ((list)[below((w), sizeof(list) / sizeof((list)[0]))])

static const char *const domains[] = {"fabrikam.test",		 "contoso.test", "sip.example.org",
				      "voice.example-bank.test", "litware.test", "edge.adatum.test",
				      "wingtip.example.net",	 "a.test",	 "fourth-coffee.example.com",
				      "proseware.test"};
static const char *const hosts[] = {"edge1", "sip", "pool-fe-07", "gw", "access", "lync-edge-a", "p3"};
static const char *const users[] = {
	"alice", "bob.smith", "carol_w", "d.van-der-berg", "+31201234567", "conf-4711",
	"erin",	 "frank.m",   "g",	 "helpdesk-line-2"};

static void token(struct writer *w, unsigned len)
{
	static const char set[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

	for (unsigned i = 0; i < len; i++)
		put(w, "%c", set[below(w, sizeof(set) - 1)]);
}

static void via(struct writer *w, const char *name, unsigned i)
{
	put(w, "%s: SIP/2.0/%s ", name, below(w, 4) ? "TLS" : "TCP");
	/* names, as certificates want them; addresses where a client or a pool member wrote its own */
	switch (below(w, 10)) {
	case 0:
	case 1:
	case 2:
		put(w, "192.0.2.%u:%u", below(w, 256), 1024 + below(w, 60000));
		break;
	case 3:
		put(w, "[2001:db8:%x::%x]:5061", below(w, 65536), below(w, 65536));
		break;
	default:
		put(w, "%s.%s%s", PICK(w, hosts), PICK(w, domains), below(w, 2) ? ":5061" : "");
	}
	put(w, ";branch=z9hG4bK");
	token(w, 10 + below(w, 24));
	if (i > 0 || below(w, 3) == 0)
		put(w, ";received=198.51.100.%u", below(w, 256));
	if (below(w, 3) == 0)
		put(w, ";rport=%u", 1024 + below(w, 60000));
	if (below(w, 5) == 0)
		put(w, ";ms-received-port=%u;ms-received-cid=%X00", 1024 + below(w, 60000), below(w, 65536));
	put(w, "\r\n");
}

static void party(struct writer *w, const char *name, bool tag)
{
	put(w, "%s: ", name);
	switch (below(w, 3)) {
	case 0:
		put(w, "\"%s %c.\" ", PICK(w, users), 'A' + (char)below(w, 26));
		break;
	case 1:
		if (below(w, 4) == 0)
			put(w, "Somebody ");
		break;
	default:
		break;
	}
	put(w, "<sip:%s@%s>", PICK(w, users), PICK(w, domains));
	if (tag) {
		put(w, ";tag=");
		token(w, 8 + below(w, 12));
	}
	if (below(w, 4) == 0) {
		put(w, ";epid=");
		token(w, 10);
	}
	put(w, "\r\n");
}

static void routes(struct writer *w, const char *name, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		put(w, "%s: <sip:%s.%s:5061;transport=tls;%slr>\r\n", name, PICK(w, hosts), PICK(w, domains),
		    below(w, 2) ? "opaque=state:F:Ci.R5e8;" : "");
}

static const char *const methods[] = {"MESSAGE", "INVITE", "SUBSCRIBE", "NOTIFY"};

static void body_of(struct writer *w, enum sip_corpus_kind kind, char *out, size_t size, const char **type)
{
	switch (kind) {
	case SIP_CORPUS_MESSAGE:
		*type = "text/plain;charset=UTF-8";
		snprintf(out, size, "%.*s", (int)(20 + below(w, 180)),
			 "Could we move the review to half past three? The other team asked for a bit more "
			 "time, and "
			 "I would like to have the numbers of the last quarter on the table before we "
			 "decide. Thanks, "
			 "and see you all there in room four.");
		break;
	case SIP_CORPUS_INVITE:
		*type = "application/sdp";
		snprintf(out, size,
			 "v=0\r\no=- %u 1 IN IP4 192.0.2.%u\r\ns=session\r\nc=IN IP4 192.0.2.%u\r\nt=0 0\r\n"
			 "m=audio %u RTP/SAVP 9 0 8 101\r\na=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\n"
			 "a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n"
			 "a=sendrecv\r\n",
			 below(w, 1000000), below(w, 256), below(w, 256), 16384 + 2 * below(w, 8000));
		break;
	case SIP_CORPUS_NOTIFY:
		*type = "application/pidf+xml";
		snprintf(out, size,
			 "<?xml version=\"1.0\"?>\r\n<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" "
			 "entity=\"pres:%s@%s\">\r\n<tuple id=\"t%u\"><status><basic>%s</basic></status>"
			 "<contact priority=\"0.8\">sip:%s@%s</contact></tuple>\r\n</presence>\r\n",
			 PICK(w, users), PICK(w, domains), below(w, 10000), below(w, 2) ? "open" : "closed",
			 PICK(w, users), PICK(w, domains));
		break;
	default:
		*type = NULL;
		out[0] = '\0';
	}
}

static void make(struct writer *w, struct sip_corpus_message *out, enum sip_corpus_kind kind, unsigned vias)
{
	const bool compact = below(w, 8) == 0, early_to = below(w, 2);
	const char *method = methods[kind == SIP_CORPUS_RESPONSE ? below(w, 4) : kind], *type;
	static const struct {
		unsigned code;
		const char *text;
	} answers[] = {
		{200, "OK"}, {180, "Ringing"}, {202, "Accepted"}, {486, "Busy Here"}, {404, "Not Found"}};
	char body[2048];

	w->n = 0;
	body_of(w, kind, body, sizeof(body), &type);
	if (kind == SIP_CORPUS_RESPONSE) {
		unsigned a = below(w, 5);

		put(w, "SIP/2.0 %u %s\r\n", answers[a].code, answers[a].text);
	} else {
		put(w, "%s sip:%s@%s%s SIP/2.0\r\n", method, PICK(w, users), PICK(w, domains),
		    below(w, 4) == 0 ? ";transport=tls" : "");
	}
	for (unsigned i = 0; i < vias; i++)
		via(w, compact ? "v" : "Via", i);
	if (kind != SIP_CORPUS_RESPONSE)
		put(w, "Max-Forwards: %u\r\n", 60 + below(w, 11));
	if (early_to)
		party(w, compact ? "t" : "To", kind == SIP_CORPUS_NOTIFY || kind == SIP_CORPUS_RESPONSE);
	party(w, compact ? "f" : "From", true);
	if (!early_to)
		party(w, compact ? "t" : "To", kind == SIP_CORPUS_NOTIFY || kind == SIP_CORPUS_RESPONSE);
	put(w, "%s: ", compact ? "i" : "Call-ID");
	token(w, 16 + below(w, 16));
	if (below(w, 2))
		put(w, "@%s", PICK(w, domains));
	put(w, "\r\nCSeq: %u %s\r\n", 1 + below(w, 100000), method);
	if (kind == SIP_CORPUS_INVITE || kind == SIP_CORPUS_RESPONSE)
		routes(w, "Record-Route", 1 + below(w, 2));
	else if (kind == SIP_CORPUS_NOTIFY)
		routes(w, "Route", 1 + below(w, 2));
	if (kind != SIP_CORPUS_MESSAGE)
		put(w, "%s: <sip:%s@%s.%s:5061;transport=tls>%s\r\n", compact ? "m" : "Contact",
		    PICK(w, users), PICK(w, hosts), PICK(w, domains), below(w, 3) ? "" : ";expires=3600");
	if (kind == SIP_CORPUS_INVITE) {
		put(w, "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE\r\n");
		put(w, "%s: timer, 100rel, replaces\r\nSession-Expires: 1800;refresher=uac\r\n",
		    compact ? "k" : "Supported");
	}
	if (kind == SIP_CORPUS_SUBSCRIBE)
		put(w,
		    "Event: presence\r\nAccept: application/pidf+xml, application/rlmi+xml\r\nExpires: "
		    "%u\r\n",
		    600 + below(w, 3000));
	if (kind == SIP_CORPUS_NOTIFY)
		put(w, "Event: presence\r\nSubscription-State: active;expires=%u\r\n", below(w, 3600));
	if (below(w, 2))
		put(w, "User-Agent: %s/%u.%u (%s)\r\n", PICK(w, hosts), below(w, 20), below(w, 10),
		    "federation edge");
	if (below(w, 4) == 0)
		put(w, "P-Asserted-Identity: <sip:%s@%s>\r\n", PICK(w, users), PICK(w, domains));
	if (below(w, 4) == 0)
		put(w, "ms-asserted-verification-level: ms-source-verified-user=verified\r\n");
	if (type)
		put(w, "%s: %s\r\n", compact ? "c" : "Content-Type", type);
	put(w, "%s: %zu\r\n\r\n", compact ? "l" : "Content-Length", strlen(body));
	out->head_len = (uint32_t)w->n;
	put(w, "%s", body);
	out->len = (uint32_t)w->n;
	out->kind = kind;
	out->vias = vias;
	out->bytes = malloc(w->n + 1);
	if (!out->bytes)
		abort();
	memcpy(out->bytes, w->text, w->n + 1);
}

void sip_corpus_make(struct sip_corpus *c, unsigned n, uint64_t seed)
{
	struct writer *w = calloc(1, sizeof(*w));

	c->message = calloc(n, sizeof(*c->message));
	if (!w || !c->message)
		abort();
	c->n = n;
	c->bytes = 0;
	base_rng_seed(&w->rng, seed);
	for (unsigned i = 0; i < n; i++) {
		/* a federated message has crossed two proxies as a rule; six are rare */
		static const unsigned char vias[] = {1, 1, 2, 2, 2, 3, 3, 4, 5, 6};

		make(w, &c->message[i], below(w, SIP_CORPUS_KINDS), PICK(w, vias));
		c->bytes += c->message[i].len;
	}
	free(w);
}

void sip_corpus_free(struct sip_corpus *c)
{
	for (unsigned i = 0; i < c->n; i++)
		free(c->message[i].bytes);
	free(c->message);
}
