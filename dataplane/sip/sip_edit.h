/* SPDX-License-Identifier: BSD-3-Clause */
/* Forwarding as a list of edits over the bytes that arrived: what no edit names leaves as it came, byte for
 * byte. Edits are kept in the order of the message; the result is an iovec over the original buffer and the
 * caller's scratch. Nothing allocates. */
#ifndef DATAPLANE_SIP_SIP_EDIT_H
#define DATAPLANE_SIP_SIP_EDIT_H

#include <sys/uio.h>

#include "dataplane/sip/sip_core.h"

enum {
	SIP_EDITS_MAX = 96,
	SIP_EDIT_IOV_MAX = 2 * SIP_EDITS_MAX + 1, /* what sip_edit_emit() can need */
};

struct sip_edit_op {
	uint32_t at, remove; /* bytes of the original that go */
	uint32_t text, len;  /* bytes of the scratch that come in front of what stays */
};

struct sip_edit {
	const struct sip_msg *m;
	char *scratch; /* caller's; grows by what the edits write */
	uint32_t size, used;
	uint32_t n;
	struct sip_edit_op op[SIP_EDITS_MAX];
};

/* m must stay as it is until the iovec is used up */
void sip_edit_init(struct sip_edit *e, const struct sip_msg *m, char *scratch, uint32_t size);

/* The two basic edits. 0, -ENOSPC (too many edits, scratch full), -EINVAL: outside of the message, or
 * inserting into what another edit removes. Removing what is removed already is fine. Inserts at one place
 * come out in the order of the calls. Text is copied. */
int sip_edit_remove(struct sip_edit *e, uint32_t at, uint32_t len);
int sip_edit_insert(struct sip_edit *e, uint32_t at, const char *text, uint32_t len);

/* Header fields. Names in the calls are ours; in the message they are found in any case, compact or long,
 * folded, with white space before the colon. `line` is one whole field without its CRLF, or several with CRLF
 * between. */

/* in front of the first field of this id; where there is none: behind the Vias (a Via: behind the start line)
 */
int sip_edit_push(struct sip_edit *e, enum sip_header_id id, const char *line, uint32_t len);
/* behind the last header field */
int sip_edit_append(struct sip_edit *e, const char *line, uint32_t len);
/* every field of the id / of this name goes: their number, or an error as above */
int sip_edit_remove_id(struct sip_edit *e, enum sip_header_id id);
int sip_edit_remove_name(struct sip_edit *e, const char *name);
/* the first n values of Via, Route or Record-Route go, with their field when it has no other: 0, -ENOENT when
 * there are not so many, -EBADMSG when one of them is malformed */
int sip_edit_pop(struct sip_edit *e, enum sip_header_id id, unsigned n);
/* one field's value; -ENOENT: there is none */
int sip_edit_set_value(struct sip_edit *e, enum sip_header_id id, const char *text, uint32_t len);
/* Max-Forwards becomes value; inserted when the message has none (RFC 3261 section 16.6 item 3) */
int sip_edit_max_forwards(struct sip_edit *e, unsigned value);
/* ";text" at the end of the topmost Via's parameters: received, rport (RFC 3581 section 4). An rport of the
 * sender, empty or not, gets the value of `rport` when that is not 0; what it wrote as received goes. */
int sip_edit_via_received(struct sip_edit *e, const struct sip_via *via, const char *address, unsigned rport);
/* the Request-URI */
int sip_edit_uri(struct sip_edit *e, const char *text, uint32_t len);

/* The edited message. Number of entries; -ENOSPC: more than max. */
int sip_edit_emit(const struct sip_edit *e, struct iovec *iov, int max);
/* its length */
uint32_t sip_edit_length(const struct sip_edit *e);

#endif
