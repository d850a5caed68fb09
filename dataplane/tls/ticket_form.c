/* SPDX-License-Identifier: BSD-3-Clause */
/* libssl's i2d_SSL_SESSION() makes a session of its own form first, then looks at each of its twenty fields
 * twice; the bytes are the same. Written from the end, where every length is known when its turn comes. */
#include "dataplane/tls/ticket_form.h"

#include <stdbool.h>
#include <string.h>

enum {
	INTEGER = 0x02,
	OCTETS = 0x04,
	SEQUENCE = 0x30,
	FIELD = 0xa0, /* context-specific, constructed */
	/* numbers of the optional fields */
	TIME = 1,
	TIMEOUT = 2,
	CONTEXT = 4,
	VERIFY_RESULT = 5,
	FRAGMENT = 17,
	APPDATA = 18,
	GROUP = 19,
	UNSPECIFIED = 1, /* X509_V_ERR_UNSPECIFIED: our record of the chain has the result, no ticket */
	NO_FRAGMENT = 255,
};

struct writer {
	uint8_t *start, *at;
	bool full;
};

static void put(struct writer *w, const uint8_t *bytes, size_t len)
{
	if ((size_t)(w->at - w->start) < len) {
		w->full = true;
		return;
	}
	w->at -= len;
	if (len)
		memcpy(w->at, bytes, len);
}

static void put_byte(struct writer *w, unsigned byte)
{
	put(w, (const uint8_t[]){(uint8_t)byte}, 1);
}

/* in front of the `len` bytes that were written last; none of ours has 64 KiB */
static void wrap(struct writer *w, unsigned tag, size_t len)
{
	put_byte(w, (unsigned)len & 0xff);
	if (len > 0xff)
		put_byte(w, (unsigned)len >> 8);
	if (len > 0x7f)
		put_byte(w, len > 0xff ? 0x82 : 0x81);
	put_byte(w, tag);
}

static void octets(struct writer *w, const uint8_t *bytes, size_t len)
{
	put(w, bytes, len);
	wrap(w, OCTETS, len);
}

/* of an unsigned number: no more bytes than it needs, the first one below 0x80 */
static void integer(struct writer *w, uint64_t n)
{
	unsigned len = 0;

	do {
		put_byte(w, (unsigned)(n >> 8 * len) & 0xff);
		len++;
	} while (len < 8 && n >> (8 * len - 1));
	wrap(w, INTEGER, len);
}

/* explicitly tagged */
static void field(struct writer *w, unsigned number, uint64_t value)
{
	const uint8_t *end = w->at;

	integer(w, value);
	wrap(w, FIELD | number, (size_t)(end - w->at));
}

static void field_octets(struct writer *w, unsigned number, const uint8_t *bytes, size_t len)
{
	const uint8_t *end = w->at;

	octets(w, bytes, len);
	wrap(w, FIELD | number, (size_t)(end - w->at));
}

size_t tls_ticket_form(const struct tls_ticket_session *s, uint8_t *out, size_t room)
{
	struct writer w = {.start = out, .at = out + room};
	size_t len;

	field(&w, GROUP, 0);
	field_octets(&w, APPDATA, s->appdata, s->appdata_len);
	field(&w, FRAGMENT, NO_FRAGMENT);
	field(&w, VERIFY_RESULT, UNSPECIFIED);
	field_octets(&w, CONTEXT, s->context, s->context_len);
	field(&w, TIMEOUT, (uint64_t)s->life);
	field(&w, TIME, (uint64_t)s->made_at);
	octets(&w, s->psk, s->psk_len);
	octets(&w, NULL, 0); /* no session id */
	octets(&w, (const uint8_t[]){(uint8_t)(s->suite >> 8), (uint8_t)s->suite}, 2);
	integer(&w, 0x0304);
	integer(&w, 1);
	wrap(&w, SEQUENCE, (size_t)(out + room - w.at));
	if (w.full) {
		explicit_bzero(out, room);
		return 0;
	}
	len = (size_t)(out + room - w.at);
	memmove(out, w.at, len);
	return len;
}
