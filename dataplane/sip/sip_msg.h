/* SPDX-License-Identifier: BSD-3-Clause */
/* One message as stage 2 sees it: the start line, and every header field with where its name and value lie.
 * The struct is scratch, one per core (some 110 kB, never on a small stack); it refers to the caller's buffer
 * and is good until the next message is indexed into it or the buffer goes. Nothing here allocates. */
#ifndef DATAPLANE_SIP_SIP_MSG_H
#define DATAPLANE_SIP_SIP_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/sip/sip_header.h"
#include "dataplane/sip/sip_reason.h"
#include "dataplane/sip/sip_scan.h"
#include "dataplane/sip/sip_view.h"

enum {
	SIP_HEADERS_MAX = 256,
	SIP_BODY_MAX = 1024 * 1024,
};

/* what is accepted; each ≤ the constant of the same meaning, but for the body, which is any number */
struct sip_limits {
	uint32_t head;	  /* bytes of start line and header fields */
	uint32_t headers; /* number of header fields */
	uint32_t body;	  /* bytes */
};

#define SIP_LIMITS_DEFAULT ((struct sip_limits){SIP_HEAD_MAX, SIP_HEADERS_MAX, SIP_BODY_MAX})

enum { SIP_HEADER_FOLDED = 1 };

struct sip_header {
	uint32_t line;	    /* offset of the name */
	uint32_t value;	    /* first byte that is not white space … */
	uint32_t value_end; /* … and behind the last one */
	uint32_t end;	    /* behind the CRLF */
	uint16_t name_len;
	uint8_t id; /* enum sip_header_id */
	uint8_t flags;
};

struct sip_msg {
	struct sip_scan scan; /* first: its maps lie on cache lines where the struct does */
	const uint8_t *buf;
	uint32_t len; /* bytes of buf that are this message; while the body is awaited: all that is there */
	uint32_t head_len; /* offset of the body */
	uint32_t body_len;
	uint16_t n_headers;
	uint16_t status; /* responses */
	uint8_t method;	 /* requests: enum sip_method */
	bool response;
	bool version_2_0;
	uint8_t start_error; /* enum sip_reason of the start line: the header fields are good all the same */
	struct sip_view method_text; /* requests */
	struct sip_view uri;	     /* requests: as it stands between the two spaces */
	struct sip_view phrase;	     /* responses */
	/* lists of fields with the same id, in the order of the message; numbers are index + 1, 0 is none */
	union {
		struct {
			uint16_t first[SIP_HDR_COUNT];
			uint16_t next[SIP_HEADERS_MAX + 1]; /* by number */
		};
		uint16_t link[SIP_HDR_COUNT + SIP_HEADERS_MAX + 1]; /* both */
	};
	struct sip_header header[SIP_HEADERS_MAX];
};

/* Scans and indexes the header section of buf[0, len), which begins with a start line and has its empty line.
 * Sets all but body_len. Where the verdict is not SIP_REASON_OK but its action answers, the header fields are
 * indexed as far as they can be, so that an answer can be built. */
enum sip_reason sip_msg_index(struct sip_msg *m, const struct sip_kernel *k, const struct sip_limits *lim,
			      const uint8_t *buf, uint32_t len);

/* The same when m->scan already holds the scan of buf. */
enum sip_reason sip_msg_index_scanned(struct sip_msg *m, const struct sip_limits *lim, const uint8_t *buf,
				      uint32_t len);

/* Scans a text that is no message, so that the typed parsers can read it: m->buf and m->scan only.
 * false: longer than SIP_HEAD_MAX - 64. */
bool sip_msg_text(struct sip_msg *m, const struct sip_kernel *k, const char *text, size_t len);

/* Content-Length of an indexed message: the one place that reads it (RFC 3261 section 20.14). */
enum sip_reason sip_msg_length(const struct sip_msg *m, const struct sip_limits *lim, uint32_t *body_len);

/* first field of an id; NULL: none */
static inline const struct sip_header *sip_msg_first(const struct sip_msg *m, enum sip_header_id id)
{
	return m->first[id] ? &m->header[m->first[id] - 1] : NULL;
}

static inline const struct sip_header *sip_msg_next(const struct sip_msg *m, const struct sip_header *h)
{
	uint16_t next = m->next[h - m->header + 1];

	return next ? &m->header[next - 1] : NULL;
}

/* more than one field of this id? */
static inline bool sip_msg_repeats(const struct sip_msg *m, enum sip_header_id id)
{
	return m->next[m->first[id]] != 0;
}

static inline const char *sip_msg_at(const struct sip_msg *m, struct sip_view v)
{
	return (const char *)m->buf + v.off;
}

#endif
