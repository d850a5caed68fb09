/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tls/ticket_record.h"

#include <string.h>

/* another layout is another form: whoever finds one that he does not know asks for the certificate */
enum { TICKET_FORM = 2 };

enum { F_CRL_SOFT = 1, F_FROM_CN = 2 };

struct head {
	uint8_t form, chain, flags, eku;
	uint8_t names, names_cut, names_refused, zero;
	uint8_t key[TLS_HASH_LEN], context[TLS_HASH_LEN];
	int64_t verified_at;
};

/* of a whole one, behind the head; then each name with its length in front */
struct rest {
	uint8_t certificate[TLS_HASH_LEN], spki[TLS_HASH_LEN], issuer_serial[TLS_HASH_LEN];
	int64_t valid_until, not_before, not_after;
};

_Static_assert(sizeof(struct head) == 80 && sizeof(struct rest) == 120, "no holes: all of it is written");
_Static_assert(sizeof(struct head) + sizeof(struct rest) + TLS_PEER_NAMES + TLS_TICKET_NAMES_MAX <=
		       TLS_TICKET_DATA_MAX,
	       "the largest one");

size_t tls_ticket_data_put(uint8_t out[TLS_TICKET_DATA_MAX], const uint8_t context[TLS_HASH_LEN],
			   const struct tls_chain *chain, bool whole)
{
	struct head h = {.form = TICKET_FORM};
	const struct tls_peer *p;
	struct rest r;
	uint8_t *at = out + sizeof(h);

	memcpy(h.context, context, sizeof(h.context));
	if (!chain) {
		memcpy(out, &h, sizeof(h));
		return sizeof(h);
	}
	p = &chain->peer;
	h.chain = whole && p->text_len <= TLS_TICKET_NAMES_MAX ? TLS_TICKET_WHOLE : TLS_TICKET_KEY;
	memcpy(h.key, chain->key, sizeof(h.key));
	h.verified_at = chain->verified_at;
	if (h.chain == TLS_TICKET_WHOLE) {
		h.flags = (uint8_t)((chain->crl_soft ? F_CRL_SOFT : 0) | (p->from_cn ? F_FROM_CN : 0));
		h.eku = p->eku;
		h.names = p->names;
		h.names_cut = p->names_cut;
		h.names_refused = p->names_refused;
		memcpy(r.certificate, p->certificate, sizeof(r.certificate));
		memcpy(r.spki, p->spki, sizeof(r.spki));
		memcpy(r.issuer_serial, p->issuer_serial, sizeof(r.issuer_serial));
		r.valid_until = chain->valid_until;
		r.not_before = p->not_before;
		r.not_after = p->not_after;
		memcpy(at, &r, sizeof(r));
		at += sizeof(r);
		for (unsigned i = 0; i < p->names; i++) {
			struct policy_name name = tls_peer_name(p, i);

			*at++ = (uint8_t)name.len;
			memcpy(at, name.ptr, name.len);
			at += name.len;
		}
	}
	memcpy(out, &h, sizeof(h));
	return (size_t)(at - out);
}

bool tls_ticket_data_get(const uint8_t *data, size_t len, struct tls_ticket_claim *claim,
			 struct tls_chain *record)
{
	struct tls_peer *p = &record->peer;
	const uint8_t *at = data, *end = data + len;
	struct head h;
	struct rest r;

	if (len < sizeof(h))
		return false;
	memcpy(&h, at, sizeof(h));
	at += sizeof(h);
	if (h.form != TICKET_FORM || h.chain > TLS_TICKET_WHOLE)
		return false;
	claim->chain = h.chain;
	claim->verified_at = h.verified_at;
	memcpy(claim->key, h.key, sizeof(claim->key));
	memcpy(claim->context, h.context, sizeof(claim->context));
	if (h.chain != TLS_TICKET_WHOLE)
		return at == end;
	if (len < sizeof(h) + sizeof(r) || h.names > TLS_PEER_NAMES)
		return false;
	memcpy(&r, at, sizeof(r));
	at += sizeof(r);
	memset(record, 0, sizeof(*record));
	memcpy(record->key, h.key, sizeof(record->key));
	record->crl_soft = h.flags & F_CRL_SOFT;
	record->verified_at = h.verified_at;
	record->valid_until = r.valid_until;
	p->from_cn = h.flags & F_FROM_CN;
	p->eku = h.eku;
	p->names_cut = h.names_cut;
	p->names_refused = h.names_refused;
	p->not_before = r.not_before;
	p->not_after = r.not_after;
	memcpy(p->certificate, r.certificate, sizeof(p->certificate));
	memcpy(p->spki, r.spki, sizeof(p->spki));
	memcpy(p->issuer_serial, r.issuer_serial, sizeof(p->issuer_serial));
	for (; p->names < h.names; p->names++) {
		uint8_t n;

		if (at == end)
			return false;
		n = *at++;
		if (n > end - at || p->text_len + n > TLS_TICKET_NAMES_MAX)
			return false;
		p->name_at[p->names] = p->text_len;
		p->name_len[p->names] = n;
		memcpy(p->text + p->text_len, at, n);
		p->text_len = (uint16_t)(p->text_len + n);
		at += n;
	}
	return at == end;
}
