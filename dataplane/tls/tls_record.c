/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/tls/tls_record.h"

#include <string.h>

#include "dataplane/tls/kdf.h"

struct derive {
	struct tls_aead *a;
	const struct tls_suite *s;
	const struct tls_direction *d;
};

static void derive_key(void *ctx, struct tls_raw_key *out)
{
	const struct derive *x = ctx;
	size_t key_len = tls_aead_key_len(x->s->alg);

	if (x->s->v13) {
		tls_kdf_expand_label(x->s->hash, x->d->secret, "key", out->key, key_len);
		tls_kdf_expand_label(x->s->hash, x->d->secret, "iv", out->iv, TLS_NONCE_LEN);
	} else {
		memcpy(out->key, x->d->secret, TLS_KEY_MAX);
		memcpy(out->iv, x->d->secret + TLS_KEY_MAX, TLS_NONCE_LEN);
	}
}

static const struct tls_aead_key *key_of(struct tls_aead *a, const struct tls_suite *s,
					 const struct tls_direction *d, uint64_t id)
{
	struct derive x = {a, s, d};

	return tls_aead_key_get(a, s->alg, id, derive_key, &x);
}

static void put_be64(uint8_t *p, uint64_t v)
{
	v = __builtin_bswap64(v);
	memcpy(p, &v, 8);
}

/* TLS 1.2 with GCM sends 8 bytes of nonce in each record (RFC 5288 3); ChaCha20 (RFC 7905) and 1.3 do not */
static bool explicit_nonce(const struct tls_suite *s)
{
	return !s->v13 && s->alg != TLS_AEAD_CHACHA20_POLY1305;
}

/* RFC 8446 5.3 and RFC 7905 2: IV xor sequence number */
static void xor_nonce(uint8_t nonce[TLS_NONCE_LEN], const uint8_t *iv, uint64_t seq)
{
	uint64_t last;

	memcpy(nonce, iv, 4);
	memcpy(&last, iv + 4, sizeof(last));
	last ^= __builtin_bswap64(seq);
	memcpy(nonce + 4, &last, sizeof(last));
}

static size_t aad_12(uint8_t aad[13], uint64_t seq, uint8_t type, size_t plain_len)
{
	put_be64(aad, seq);
	aad[8] = type;
	aad[9] = 3;
	aad[10] = 3;
	aad[11] = (uint8_t)(plain_len >> 8);
	aad[12] = (uint8_t)plain_len;
	return 13;
}

int tls_record_frame(const uint8_t *bytes, size_t len, bool v13)
{
	size_t body;

	if (len < TLS_RECORD_HEADER)
		return 0;
	if (bytes[0] < TLS_CHANGE_CIPHER_SPEC || bytes[0] > TLS_APPLICATION)
		return -TLS_ALERT_UNEXPECTED_MESSAGE;
	if (bytes[1] != 3)
		return -TLS_ALERT_PROTOCOL_VERSION;
	body = (size_t)bytes[3] << 8 | bytes[4];
	if (body > (v13 ? TLS_CIPHER_MAX_13 : TLS_CIPHER_MAX_12))
		return -TLS_ALERT_RECORD_OVERFLOW;
	return (int)(TLS_RECORD_HEADER + body);
}

size_t tls_record_front(const struct tls_suite *s)
{
	return TLS_RECORD_HEADER + (explicit_nonce(s) ? 8 : 0);
}

size_t tls_record_back(const struct tls_suite *s)
{
	return (s->v13 ? 1 : 0) + TLS_TAG_LEN;
}

size_t tls_record_seal(struct tls_aead *a, const struct tls_suite *s, struct tls_direction *d, uint64_t id,
		       enum tls_content type, uint8_t *payload, size_t len)
{
	const struct tls_aead_key *k = key_of(a, s, d, id);
	uint8_t nonce[TLS_NONCE_LEN], aad[13];
	uint8_t *record = payload - tls_record_front(s);
	size_t body = tls_record_front(s) - TLS_RECORD_HEADER + len + tls_record_back(s);

	record[0] = s->v13 ? TLS_APPLICATION : (uint8_t)type;
	record[1] = 3;
	record[2] = 3;
	record[3] = (uint8_t)(body >> 8);
	record[4] = (uint8_t)body;
	if (s->v13) {
		payload[len] = (uint8_t)type; /* RFC 8446 5.2: the real type goes inside, no padding */
		xor_nonce(nonce, tls_aead_iv(k), d->seq);
		tls_aead_seal(a, k, nonce, record, TLS_RECORD_HEADER, payload, len + 1);
	} else {
		if (explicit_nonce(s)) {
			memcpy(nonce, tls_aead_iv(k), 4);
			put_be64(nonce + 4, d->seq);
			memcpy(record + TLS_RECORD_HEADER, nonce + 4, 8);
		} else {
			xor_nonce(nonce, tls_aead_iv(k), d->seq);
		}
		tls_aead_seal(a, k, nonce, aad, aad_12(aad, d->seq, (uint8_t)type, len), payload, len);
	}
	d->seq++;
	return TLS_RECORD_HEADER + body;
}

static int open_13(struct tls_aead *a, const struct tls_aead_key *k, uint64_t seq, uint8_t *record,
		   size_t len, struct tls_opened *out)
{
	uint8_t nonce[TLS_NONCE_LEN];
	uint8_t *data = record + TLS_RECORD_HEADER;
	size_t n;

	if (record[0] != TLS_APPLICATION)
		return -TLS_ALERT_UNEXPECTED_MESSAGE;
	/* RFC 8446 5.2: even an empty inner plaintext has its type byte */
	if (len < TLS_RECORD_HEADER + 1 + TLS_TAG_LEN)
		return -TLS_ALERT_BAD_RECORD_MAC;
	n = len - TLS_RECORD_HEADER - TLS_TAG_LEN;
	xor_nonce(nonce, tls_aead_iv(k), seq);
	if (!tls_aead_open(a, k, nonce, record, TLS_RECORD_HEADER, data, n))
		return -TLS_ALERT_BAD_RECORD_MAC;
	if (n > TLS_PLAIN_MAX + 1)
		return -TLS_ALERT_RECORD_OVERFLOW;
	while (n && data[n - 1] == 0)
		n--;
	if (n == 0) /* RFC 8446 5.4: nothing but padding */
		return -TLS_ALERT_UNEXPECTED_MESSAGE;
	out->type = data[n - 1];
	out->data = data;
	out->len = (uint32_t)(n - 1);
	return 0;
}

static int open_12(struct tls_aead *a, const struct tls_suite *s, const struct tls_aead_key *k, uint64_t seq,
		   uint8_t *record, size_t len, struct tls_opened *out)
{
	uint8_t nonce[TLS_NONCE_LEN], aad[13];
	size_t front = tls_record_front(s), n;

	if (len < front + TLS_TAG_LEN)
		return -TLS_ALERT_BAD_RECORD_MAC;
	n = len - front - TLS_TAG_LEN;
	if (n > TLS_PLAIN_MAX)
		return -TLS_ALERT_RECORD_OVERFLOW;
	if (explicit_nonce(s)) {
		memcpy(nonce, tls_aead_iv(k), 4);
		memcpy(nonce + 4, record + TLS_RECORD_HEADER, 8);
	} else {
		xor_nonce(nonce, tls_aead_iv(k), seq);
	}
	if (!tls_aead_open(a, k, nonce, aad, aad_12(aad, seq, record[0], n), record + front, n))
		return -TLS_ALERT_BAD_RECORD_MAC;
	out->type = record[0];
	out->data = record + front;
	out->len = (uint32_t)n;
	return 0;
}

int tls_record_open(struct tls_aead *a, const struct tls_suite *s, struct tls_direction *d, uint64_t id,
		    uint8_t *record, size_t len, struct tls_opened *out)
{
	const struct tls_aead_key *k = key_of(a, s, d, id);
	int err =
		s->v13 ? open_13(a, k, d->seq, record, len, out) : open_12(a, s, k, d->seq, record, len, out);

	if (err)
		return err;
	if (out->type < TLS_CHANGE_CIPHER_SPEC || out->type > TLS_APPLICATION)
		return -TLS_ALERT_UNEXPECTED_MESSAGE;
	d->seq++;
	return 0;
}

void tls_direction_update(struct tls_aead *a, const struct tls_suite *s, struct tls_direction *d,
			  uint64_t old_id)
{
	tls_aead_key_drop(a, old_id);
	tls_kdf_next_secret(s->hash, d->secret);
	d->seq = 0;
}
