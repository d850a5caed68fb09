/* SPDX-License-Identifier: BSD-3-Clause */
/* One direction of our own record path: secret and sequence number in, sealed or opened records out (RFC 8446
 * 5.2, RFC 5246 6.2.3.3 with RFC 5288 and RFC 7905). Pure: bytes in, bytes out, in place. */
#ifndef DATAPLANE_TLS_TLS_RECORD_H
#define DATAPLANE_TLS_TLS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/tls/aead.h"
#include "dataplane/tls/suite.h"

enum tls_content { TLS_CHANGE_CIPHER_SPEC = 20, TLS_ALERT = 21, TLS_HANDSHAKE = 22, TLS_APPLICATION = 23 };

enum {
	TLS_RECORD_HEADER = 5,
	TLS_PLAIN_MAX = 16384,
	TLS_CIPHER_MAX_13 = TLS_PLAIN_MAX + 256,
	TLS_CIPHER_MAX_12 = TLS_PLAIN_MAX + 2048,
	TLS_RECORD_OVERHEAD =
		TLS_RECORD_HEADER + 8 + TLS_TAG_LEN, /* the most that sealing adds, both versions */
};

/* 56 bytes: all that an idle session keeps of one direction */
struct tls_direction {
	/* TLS 1.3: the traffic secret. TLS 1.2: write key (32), then the fixed IV or salt (12). */
	uint8_t secret[TLS_SECRET_MAX];
	uint64_t seq;
};

/* Header of a record. >0: its whole length on the wire, 0: fewer than 5 bytes yet, <0: an enum tls_alert code
 * negated. */
int tls_record_frame(const uint8_t *bytes, size_t len, bool v13);

/* Bytes that sealing puts in front of the payload (header, explicit nonce) and behind it (type, tag). */
size_t tls_record_front(const struct tls_suite *s);
size_t tls_record_back(const struct tls_suite *s);

/* Seals the `len` payload bytes at `payload` as one record; front and back bytes around them must be free.
 * Returns the record's length; it begins at payload - tls_record_front(). `id` names the key (see aead.h). */
size_t tls_record_seal(struct tls_aead *a, const struct tls_suite *s, struct tls_direction *d, uint64_t id,
		       enum tls_content type, uint8_t *payload, size_t len);

struct tls_opened {
	uint8_t type; /* of the content, enum tls_content */
	uint8_t *data;
	uint32_t len;
};

/* Opens one whole record (as framed by tls_record_frame()) in place. 0, or a negated alert code: the
 * connection must then end. */
int tls_record_open(struct tls_aead *a, const struct tls_suite *s, struct tls_direction *d, uint64_t id,
		    uint8_t *record, size_t len, struct tls_opened *out);

/* TLS 1.3 KeyUpdate: the next secret, sequence 0; the old expanded key is wiped. Use a new `id` afterwards.
 */
void tls_direction_update(struct tls_aead *a, const struct tls_suite *s, struct tls_direction *d,
			  uint64_t old_id);

/* alerts that the record layer itself raises (RFC 8446 6) */
enum {
	TLS_ALERT_UNEXPECTED_MESSAGE = 10,
	TLS_ALERT_BAD_RECORD_MAC = 20,
	TLS_ALERT_RECORD_OVERFLOW = 22,
	TLS_ALERT_DECODE_ERROR = 50,
	TLS_ALERT_PROTOCOL_VERSION = 70,
};

#endif
