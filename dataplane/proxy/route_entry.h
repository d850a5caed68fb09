/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to route_sign: an entry as bytes, and bytes as a user part. */
#ifndef DATAPLANE_PROXY_ROUTE_ENTRY_H
#define DATAPLANE_PROXY_ROUTE_ENTRY_H

#include "dataplane/proxy/route_sign.h"

enum {
	ROUTE_OPAQUE_MAX = 3 + 8 + 8 + 4 + 18 + 2 * (POLICY_NAME_MAX + 1) + POLICY_SPKI_LEN + SIPMAC_LEN,
	ROUTE_OPAQUE_TEXT = (ROUTE_OPAQUE_MAX + 2) / 3 * 4,
};

#define ROUTE_COOKIE "sp1."
enum { ROUTE_COOKIE_LEN = sizeof(ROUTE_COOKIE) - 1 };

/* The entry without its MAC; key_id is its first byte. Length, or 0: a name is too long. */
uint32_t route_entry_pack(const struct route_entry *e, uint8_t key_id, uint8_t out[ROUTE_OPAQUE_MAX]);
/* The other way; all of p[0, len) must be used up. */
bool route_entry_unpack(const uint8_t *p, uint32_t len, struct route_entry *e);

/* MAC over an entry's bytes and what makes it this dialog's */
void route_entry_mac(const struct route_key *key, const uint8_t *p, uint32_t len,
		     const struct route_dialog *d, uint8_t mac[SIPMAC_LEN]);

/* The entry in a URI that names us or not: verified with a key of ours, for one of nd dialogs. */
bool route_entry_read(const struct route_keys *keys, const struct sip_msg *m, const struct sip_uri *uri,
		      const struct route_dialog *d, unsigned nd, struct route_entry *e);
/* User part, with its cookie: length, -ENOSPC. */
int route_entry_write(const struct route_key *key, const struct route_entry *e, const struct route_dialog *d,
		      char text[ROUTE_COOKIE_LEN + ROUTE_OPAQUE_TEXT]);

/* base64url without padding (RFC 4648 section 5) */
uint32_t route_text_write(const uint8_t *p, uint32_t len, char *out);
/* Strict: no other characters, unused bits are 0. Length, or -1. */
int route_text_read(const char *p, uint32_t len, uint8_t *out, uint32_t size);

#endif
