/* SPDX-License-Identifier: BSD-3-Clause */
/* libssl's i2d_SSL_SESSION() makes a session of its own form first, then looks at each of its twenty fields
 * twice; the bytes are the same. */
#include "dataplane/tls/ticket_form.h"

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
	PART_MAX = 100,
	UNSPECIFIED = 1, /* X509_V_ERR_UNSPECIFIED: our record of the chain has the result, no ticket */
	NO_FRAGMENT = 255,
};

static uint8_t *octets(uint8_t *p, const uint8_t *bytes, size_t len)
{
	*p++ = OCTETS;
	*p++ = (uint8_t)len;
	if (len)
		memcpy(p, bytes, len);
	return p + len;
}

/* of an unsigned number: no more bytes than it needs, the first one below 0x80 */
static uint8_t *integer(uint8_t *p, uint64_t n)
{
	unsigned len = 1;

	while (len < 8 && n >> (8 * len - 1))
		len++;
	*p++ = INTEGER;
	*p++ = (uint8_t)len;
	while (len--)
		*p++ = (uint8_t)(n >> (8 * len));
	return p;
}

/* explicitly tagged */
static uint8_t *field(uint8_t *p, unsigned number, uint64_t value)
{
	uint8_t *end = integer(p + 2, value);

	p[0] = (uint8_t)(FIELD | number);
	p[1] = (uint8_t)(end - p - 2);
	return end;
}

static uint8_t *field_octets(uint8_t *p, unsigned number, const uint8_t *bytes, size_t len)
{
	uint8_t *end = octets(p + 2, bytes, len);

	p[0] = (uint8_t)(FIELD | number);
	p[1] = (uint8_t)(end - p - 2);
	return end;
}

size_t tls_ticket_form(const struct tls_ticket_session *s, uint8_t *out, size_t room)
{
	uint8_t body[3 * PART_MAX + 100], *p = body;
	size_t len, head;

	if (s->psk_len > PART_MAX || s->context_len > PART_MAX || s->appdata_len > PART_MAX)
		return 0;
	p = integer(p, 1);
	p = integer(p, 0x0304);
	p = octets(p, (uint8_t[]){(uint8_t)(s->suite >> 8), (uint8_t)s->suite}, 2);
	p = octets(p, NULL, 0); /* no session id */
	p = octets(p, s->psk, s->psk_len);
	p = field(p, TIME, (uint64_t)s->made_at);
	p = field(p, TIMEOUT, (uint64_t)s->life);
	p = field_octets(p, CONTEXT, s->context, s->context_len);
	p = field(p, VERIFY_RESULT, UNSPECIFIED);
	p = field(p, FRAGMENT, NO_FRAGMENT);
	p = field_octets(p, APPDATA, s->appdata, s->appdata_len);
	p = field(p, GROUP, 0);
	len = (size_t)(p - body);
	head = len < 0x80 ? 2 : len < 0x100 ? 3 : 4;
	if (head + len > room) {
		explicit_bzero(body, sizeof(body));
		return 0;
	}
	*out++ = SEQUENCE;
	if (head == 2) {
		*out++ = (uint8_t)len;
	} else {
		*out++ = (uint8_t)(0x80 | (head - 2));
		if (head == 4)
			*out++ = (uint8_t)(len >> 8);
		*out++ = (uint8_t)len;
	}
	memcpy(out, body, len);
	explicit_bzero(body, len);
	return head + len;
}
