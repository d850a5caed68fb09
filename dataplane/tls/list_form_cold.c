/* SPDX-License-Identifier: BSD-3-Clause */
/* The form of a revocation list (RFC 5280 5.1), as far as its entries are concerned: libcrypto makes an
 * object of 200 bytes of each. What is not as DER has it is left to libcrypto. Pure. */
#include <stdlib.h>
#include <string.h>

#include "dataplane/tls/crl.h"

enum {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_OCTETS = 0x04,
	DER_OID = 0x06,
	DER_ENUMERATED = 0x0a,
	DER_UTC_TIME = 0x17,
	DER_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_EXTENSIONS = 0xa0,
	SERIAL_MAX = 64, /* RFC 5280 4.1.2.2: 20 */
	REASON_TAKEN_BACK = 8,
	HEAD_MAX = 6,
};

struct part {
	uint8_t tag;
	const uint8_t *body, *end;
};

/* the thing at *at, which must end before `end`; *at moves behind it */
static bool take(const uint8_t **at, const uint8_t *end, struct part *out)
{
	const uint8_t *p = *at;
	size_t len, octets;

	if (end - p < 2 || (p[0] & 0x1f) == 0x1f)
		return false;
	out->tag = *p++;
	len = *p++;
	if (len & 0x80) {
		octets = len & 0x7f;
		if (octets == 0 || octets > 4 || (size_t)(end - p) < octets || *p == 0)
			return false;
		for (len = 0; octets; octets--)
			len = len << 8 | *p++;
		if (len < 0x80)
			return false;
	}
	if ((size_t)(end - p) < len)
		return false;
	out->body = p;
	out->end = *at = p + len;
	return true;
}

static bool take_a(const uint8_t **at, const uint8_t *end, uint8_t tag, struct part *out)
{
	return take(at, end, out) && out->tag == tag;
}

static bool is_time(uint8_t tag)
{
	return tag == DER_UTC_TIME || tag == DER_TIME;
}

bool tls_list_form(const uint8_t *der, size_t len, struct tls_list_form *form)
{
	const uint8_t *at = der, *all_end;
	struct part p;

	if (!take_a(&at, der + len, DER_SEQUENCE, &p) || at != der + len)
		return false;
	form->tbs = at = p.body;
	all_end = p.end;
	if (!take_a(&at, all_end, DER_SEQUENCE, &p))
		return false;
	form->tbs_end = p.end;
	form->inside = at = p.body;
	/* version, then algorithm and issuer, then this update */
	if (at < form->tbs_end && *at == DER_INTEGER && !take(&at, form->tbs_end, &p))
		return false;
	for (unsigned i = 0; i < 2; i++)
		if (!take_a(&at, form->tbs_end, DER_SEQUENCE, &p))
			return false;
	if (!take(&at, form->tbs_end, &p) || !is_time(p.tag))
		return false;
	if (at < form->tbs_end && is_time(*at) && !take(&at, form->tbs_end, &p))
		return false;
	form->revoked = form->revoked_end = form->entries = at;
	if (at < form->tbs_end && *at == DER_SEQUENCE) {
		if (!take(&at, form->tbs_end, &p))
			return false;
		form->entries = p.body;
		form->revoked_end = p.end;
	}
	/* extensions, and nothing behind them: entries in another disguise would be lost */
	return at == form->tbs_end || (take_a(&at, form->tbs_end, DER_EXTENSIONS, &p) && at == form->tbs_end);
}

/* does one of an entry's extensions change what the entry means? */
static bool plain_extensions(const uint8_t *at, const uint8_t *end)
{
	static const uint8_t reason[] = {0x55, 0x1d, 0x15}, issuer[] = {0x55, 0x1d, 0x1d};
	struct part all, one, oid, value;

	if (!take_a(&at, end, DER_SEQUENCE, &all) || at != end)
		return false;
	for (at = all.body; at < all.end;) {
		if (!take_a(&at, all.end, DER_SEQUENCE, &one))
			return false;
		/* with a BOOLEAN between the two it is critical, or not DER */
		if (!take_a(&one.body, one.end, DER_OID, &oid) ||
		    !take_a(&one.body, one.end, DER_OCTETS, &value) || one.body != one.end)
			return false;
		if (oid.end - oid.body != sizeof(reason))
			continue;
		if (memcmp(oid.body, issuer, sizeof(issuer)) == 0)
			return false;
		if (memcmp(oid.body, reason, sizeof(reason)) == 0 &&
		    (value.end - value.body != 3 || value.body[0] != DER_ENUMERATED || value.body[1] != 1 ||
		     value.body[2] == REASON_TAKEN_BACK))
			return false;
	}
	return true;
}

int tls_list_next(const struct tls_list_form *form, const uint8_t **at, const uint8_t **serial, size_t *len)
{
	struct part entry, number, when;

	if (*at == form->revoked_end)
		return 0;
	if (!take_a(at, form->revoked_end, DER_SEQUENCE, &entry) ||
	    !take_a(&entry.body, entry.end, DER_INTEGER, &number) || !take(&entry.body, entry.end, &when) ||
	    !is_time(when.tag))
		return -1;
	*serial = number.body;
	*len = (size_t)(number.end - number.body);
	/* a negative one has its own way of being written, and no certificate that is valid has one */
	if (*len == 0 || *len > SERIAL_MAX || (number.body[0] & 0x80))
		return -1;
	if (number.body[0] == 0 && *len > 1) {
		if (!(number.body[1] & 0x80))
			return -1;
		++*serial;
		--*len;
	}
	if (entry.body != entry.end && !plain_extensions(entry.body, entry.end))
		return -1;
	return 1;
}

/* the same length is not needed: both heads say less than before */
static size_t put_head(uint8_t out[HEAD_MAX], size_t len)
{
	unsigned octets = 0;

	out[0] = DER_SEQUENCE;
	if (len < 0x80) {
		out[1] = (uint8_t)len;
		return 2;
	}
	while (len >> (8 * octets))
		octets++;
	out[1] = (uint8_t)(0x80 | octets);
	for (unsigned i = 0; i < octets; i++)
		out[2 + i] = (uint8_t)(len >> (8 * (octets - 1 - i)));
	return 2 + octets;
}

uint8_t *tls_list_without(const uint8_t *der, size_t len, const struct tls_list_form *form, size_t *out_len)
{
	size_t before = (size_t)(form->revoked - form->inside);
	size_t behind = (size_t)(form->tbs_end - form->revoked_end);
	size_t signature = (size_t)(der + len - form->tbs_end);
	uint8_t tbs[HEAD_MAX], all[HEAD_MAX], *out, *at;
	size_t tbs_head = put_head(tbs, before + behind);
	size_t all_head = put_head(all, tbs_head + before + behind + signature);

	*out_len = all_head + tbs_head + before + behind + signature;
	out = at = malloc(*out_len);
	if (!out)
		return NULL;
	memcpy(at, all, all_head);
	memcpy(at += all_head, tbs, tbs_head);
	memcpy(at += tbs_head, form->inside, before);
	memcpy(at += before, form->revoked_end, behind);
	memcpy(at + behind, form->tbs_end, signature);
	return out;
}
