/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/proxy/route_entry.h"

#include <string.h>

/* bits of the second byte */
enum {
	PACK_SIDE = 1,
	PACK_HOP = 2,
	PACK_FROM_OUT = 4,
	PACK_BY_KEY = 8,
	PACK_DISCOVERED = 16,
	PACK_HOP_V4 = 32,
	PACK_IDENTITY_SHIFT = 6, /* two bits: enum pack_identity */
};

/* and of the third, beside the partner's type */
enum {
	PACK_TYPE = 0x0f,
	PACK_AIM_KNOWN = 0x10,	/* it was looked at where our end is ... */
	PACK_AIM = 0x20,	/* ... and it is at a host that it named */
	PACK_REST_KNOWN = 0x40, /* it was looked at what follows ... */
	PACK_REST = 0x80,	/* ... and something does */
};

/* how the identity is written: mostly it is the domain with something in front */
enum pack_identity {
	PACK_SAME,  /* the domain itself */
	PACK_BELOW, /* labels in front of the domain */
	PACK_OWN,   /* in full; may be empty */
};

_Static_assert((unsigned)POLICY_TYPES <= (unsigned)PACK_TYPE + 1, "a type and four flags are one byte");

struct pack {
	uint8_t *p;
	uint32_t n;
};

static void pack_bytes(struct pack *w, const void *p, uint32_t len)
{
	if (len)
		memcpy(w->p + w->n, p, len);
	w->n += len;
}

static void pack_number(struct pack *w, uint32_t value, unsigned bytes)
{
	while (bytes--)
		w->p[w->n++] = (uint8_t)(value >> (8 * bytes));
}

static void pack_name(struct pack *w, const char *p, uint32_t len)
{
	pack_number(w, len, 1);
	pack_bytes(w, p, len);
}

static enum pack_identity identity_form(struct policy_name identity, struct policy_name domain)
{
	if (policy_name_equal(identity, domain))
		return PACK_SAME;
	if (domain.len && identity.len > domain.len + 1 && policy_name_below(identity, domain))
		return PACK_BELOW;
	return PACK_OWN;
}

uint32_t route_entry_pack(const struct route_entry *e, uint8_t key_id, uint8_t out[ROUTE_OPAQUE_MAX])
{
	const struct policy_stored *s = &e->stored;
	enum pack_identity form = identity_form(s->identity, s->domain);
	bool v4 = base_addr_is_v4(&e->hop);
	struct pack w = {out, 0};
	uint32_t bits = (uint32_t)form << PACK_IDENTITY_SHIFT;

	if (s->domain.len > POLICY_NAME_MAX || s->identity.len > POLICY_NAME_MAX)
		return 0;
	bits |= e->side ? PACK_SIDE : 0;
	bits |= e->flags & ROUTE_ENTRY_HOP ? (uint32_t)PACK_HOP | (v4 ? PACK_HOP_V4 : 0) : 0;
	bits |= e->flags & ROUTE_ENTRY_FROM_OUT ? PACK_FROM_OUT : 0;
	bits |= s->by_key ? PACK_BY_KEY : 0;
	bits |= s->discovered ? PACK_DISCOVERED : 0;
	pack_number(&w, key_id, 1);
	pack_number(&w, bits, 1);
	pack_number(
		&w,
		s->type | (e->flags & ROUTE_ENTRY_REST ? PACK_REST_KNOWN | (e->rest ? PACK_REST : 0u) : 0u) |
			(e->flags & ROUTE_ENTRY_AIM ? PACK_AIM_KNOWN | (e->aim ? PACK_AIM : 0u) : 0u),
		1);
	pack_number(&w, e->own_identity, 4);
	pack_number(&w, e->minted_s, 4);
	if ((e->flags & ROUTE_ENTRY_REST) && e->rest)
		pack_bytes(&w, &e->rest, sizeof(e->rest));
	if ((e->flags & ROUTE_ENTRY_AIM) && e->aim)
		pack_number(&w, e->aim, sizeof(e->aim));
	if (e->flags & ROUTE_ENTRY_HOP) {
		pack_bytes(&w, v4 ? &e->hop.b[12] : e->hop.b, v4 ? 4 : 16);
		pack_number(&w, e->port, 2);
	}
	pack_name(&w, s->domain.ptr, s->domain.len);
	if (form == PACK_BELOW)
		pack_name(&w, s->identity.ptr, s->identity.len - s->domain.len - 1);
	else if (form == PACK_OWN)
		pack_name(&w, s->identity.ptr, s->identity.len);
	if (s->by_key)
		pack_bytes(&w, s->spki, POLICY_SPKI_LEN);
	return w.n;
}

struct unpack {
	const uint8_t *p;
	uint32_t left;
	bool bad;
};

static const uint8_t *unpack_bytes(struct unpack *r, uint32_t len)
{
	const uint8_t *p = r->p;

	if (r->bad || r->left < len) {
		r->bad = true;
		return NULL;
	}
	r->p += len;
	r->left -= len;
	return p;
}

static uint32_t unpack_number(struct unpack *r, unsigned bytes)
{
	const uint8_t *p = unpack_bytes(r, bytes);
	uint32_t value = 0;

	for (unsigned i = 0; p && i < bytes; i++)
		value = value << 8 | p[i];
	return value;
}

/* appends to e->text, which is large enough for two names of the greatest length */
static uint32_t unpack_name(struct unpack *r, char *text)
{
	uint32_t len = unpack_number(r, 1);
	const uint8_t *p = unpack_bytes(r, len);

	if (!p || len > POLICY_NAME_MAX) {
		r->bad = true;
		return 0;
	}
	memcpy(text, p, len);
	return len;
}

bool route_entry_unpack(const uint8_t *p, uint32_t len, struct route_entry *e)
{
	struct unpack r = {p, len, false};
	struct policy_stored *s = &e->stored;
	char *identity;
	const uint8_t *bytes;
	uint32_t bits, type, n;

	memset(e, 0, offsetof(struct route_entry, text));
	unpack_number(&r, 1); /* of the key */
	bits = unpack_number(&r, 1);
	e->side = bits & PACK_SIDE;
	if (bits & PACK_FROM_OUT)
		e->flags |= ROUTE_ENTRY_FROM_OUT;
	s->by_key = (bits & PACK_BY_KEY) != 0;
	s->discovered = (bits & PACK_DISCOVERED) != 0;
	type = unpack_number(&r, 1);
	s->type = type & PACK_TYPE;
	e->own_identity = unpack_number(&r, 4);
	e->minted_s = unpack_number(&r, 4);
	if (type & PACK_REST_KNOWN)
		e->flags |= ROUTE_ENTRY_REST;
	if (type & PACK_REST) {
		bytes = unpack_bytes(&r, sizeof(e->rest));
		if (bytes)
			memcpy(&e->rest, bytes, sizeof(e->rest));
		if (!(type & PACK_REST_KNOWN) || !e->rest)
			return false;
	}
	if (type & PACK_AIM_KNOWN)
		e->flags |= ROUTE_ENTRY_AIM;
	if (type & PACK_AIM) {
		e->aim = unpack_number(&r, sizeof(e->aim));
		if (!(type & PACK_AIM_KNOWN) || !e->aim)
			return false;
	}
	if (bits & PACK_HOP) {
		e->flags |= ROUTE_ENTRY_HOP;
		bytes = unpack_bytes(&r, bits & PACK_HOP_V4 ? 4 : 16);
		if (bytes)
			e->hop = bits & PACK_HOP_V4 ? base_addr_v4(bytes) : base_addr_v6(bytes);
		e->port = (uint16_t)unpack_number(&r, 2);
	}
	s->domain = (struct policy_name){e->text, unpack_name(&r, e->text)};
	identity = e->text + POLICY_NAME_MAX + 1;
	switch (bits >> PACK_IDENTITY_SHIFT) {
	case PACK_SAME:
		s->identity = s->domain;
		break;
	case PACK_BELOW:
		n = unpack_name(&r, identity);
		if (n + 1 + s->domain.len > POLICY_NAME_MAX)
			return false;
		identity[n++] = '.';
		memcpy(identity + n, s->domain.ptr, s->domain.len);
		s->identity = (struct policy_name){identity, n + s->domain.len};
		break;
	case PACK_OWN:
		s->identity = (struct policy_name){identity, unpack_name(&r, identity)};
		break;
	default:
		return false;
	}
	if (s->by_key) {
		bytes = unpack_bytes(&r, POLICY_SPKI_LEN);
		if (bytes)
			memcpy(s->spki, bytes, POLICY_SPKI_LEN);
	}
	return !r.bad && r.left == 0 && s->type < POLICY_TYPES;
}

static const char route_digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

uint32_t route_text_write(const uint8_t *p, uint32_t len, char *out)
{
	uint32_t n = 0, word, i = 0;

	for (; i + 3 <= len; i += 3, n += 4) {
		word = (uint32_t)p[i] << 16 | (uint32_t)p[i + 1] << 8 | p[i + 2];
		out[n] = route_digit[word >> 18];
		out[n + 1] = route_digit[word >> 12 & 63];
		out[n + 2] = route_digit[word >> 6 & 63];
		out[n + 3] = route_digit[word & 63];
	}
	for (; i < len; i += 3) {
		uint32_t left = len - i < 3 ? len - i : 3;

		word = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
		       (left > 2 ? p[i + 2] : 0);
		for (uint32_t k = 0; k <= left; k++)
			out[n++] = route_digit[word >> (18 - 6 * k) & 63];
	}
	return n;
}

/* value + 1 of a digit, 0 of everything else: which kind of letter comes next, no branch foresees */
static const uint8_t digit_value[256] = {
	['A'] = 1,  ['B'] = 2,	['C'] = 3,  ['D'] = 4,	['E'] = 5,  ['F'] = 6,	['G'] = 7,  ['H'] = 8,
	['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
	['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
	['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
	['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
	['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
	['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
	['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['-'] = 63, ['_'] = 64,
};

int route_text_read(const char *p, uint32_t len, uint8_t *out, uint32_t size)
{
	uint32_t word, bits = 0, n = 0, i = 0;

	if (len % 4 == 1 || len / 4 * 3 + len % 4 * 3 / 4 > size)
		return -1;
	/* four digits are three bytes; a zero among them shows in bit 31 */
	for (; i + 4 <= len; i += 4) {
		uint32_t a = digit_value[(uint8_t)p[i]] - 1u, b = digit_value[(uint8_t)p[i + 1]] - 1u,
			 c = digit_value[(uint8_t)p[i + 2]] - 1u, d = digit_value[(uint8_t)p[i + 3]] - 1u;

		if ((a | b | c | d) >> 31)
			return -1;
		word = a << 18 | b << 12 | c << 6 | d;
		out[n++] = (uint8_t)(word >> 16);
		out[n++] = (uint8_t)(word >> 8);
		out[n++] = (uint8_t)word;
	}
	word = 0;
	for (; i < len; i++) {
		uint32_t value = digit_value[(uint8_t)p[i]] - 1u;

		if (value >> 31)
			return -1;
		word = word << 6 | value;
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		out[n++] = (uint8_t)(word >> bits);
	}
	/* one value, one spelling */
	return word & ((1u << bits) - 1) ? -1 : (int)n;
}
