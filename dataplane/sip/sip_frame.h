/* SPDX-License-Identifier: BSD-3-Clause */
/* Framing of a byte stream (RFC 3261 sections 7.5 and 18.3, RFC 5626 section 3.5.1): where a message ends,
 * and the CRLFs between messages. Incremental: whatever the stream is cut into, the work is linear in its
 * bytes and the result is the same. Nothing is allocated, whatever was announced. */
#ifndef DATAPLANE_SIP_SIP_FRAME_H
#define DATAPLANE_SIP_SIP_FRAME_H

#include "dataplane/sip/sip_msg.h"

/* Per connection, all zero at its start. */
struct sip_frame {
	uint32_t scanned; /* bytes of the current message without an end of the header section */
	uint32_t need;	  /* whole length of the current message once it is known */
	bool crlf;	  /* the last thing consumed was one CRLF: a second one makes a ping */
};

enum sip_frame_what {
	SIP_FRAME_MORE,	   /* consumed nothing: come back with more bytes behind the same ones */
	SIP_FRAME_MESSAGE, /* `consumed` bytes are one message, indexed in m */
	SIP_FRAME_PING, /* CRLF CRLF: answer with one CRLF; a run of pings that came together counts once */
	SIP_FRAME_PONG, /* one CRLF: an answer to ours (or the first half of a ping) */
	SIP_FRAME_BAD,	/* `reason` says why; the connection ends. m is indexed where the reason answers. */
};

struct sip_frame_result {
	enum sip_frame_what what;
	uint32_t consumed; /* drop so many bytes before the next call */
	enum sip_reason reason;
	uint32_t need; /* MORE: total length of the message if it is known, else 0 */
};

/* buf[0, len) is what was received and not yet consumed; it must begin with the same bytes as in the call
 * before that said MORE. m is scratch. Call again until it says MORE or BAD. */
struct sip_frame_result sip_frame_next(struct sip_frame *f, struct sip_msg *m, const struct sip_kernel *k,
				       const struct sip_limits *lim, const uint8_t *buf, size_t len);

#endif
