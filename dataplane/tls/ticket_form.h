/* SPDX-License-Identifier: BSD-3-Clause */
/* The session inside of a ticket of TLS 1.3, as libssl writes and reads it: DER of what SSL_SESSION holds.
 * Pure. */
#ifndef DATAPLANE_TLS_TICKET_FORM_H
#define DATAPLANE_TLS_TICKET_FORM_H

#include <stddef.h>
#include <stdint.h>

struct tls_ticket_session {
	uint16_t suite;
	const uint8_t *psk, *context, *appdata; /* appdata: what our own callback reads */
	size_t psk_len, context_len, appdata_len;
	int64_t made_at; /* wall clock, seconds; above 0 */
	int64_t life;	 /* seconds; above 0 */
};

/* Its length; 0: there is no room for it. */
size_t tls_ticket_form(const struct tls_ticket_session *s, uint8_t *out, size_t room);

#endif
