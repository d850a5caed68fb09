/* SPDX-License-Identifier: BSD-3-Clause */
/* Verdicts on messages: what is wrong, which status says so, and whether the connection can live on. */
#ifndef DATAPLANE_SIP_SIP_REASON_H
#define DATAPLANE_SIP_SIP_REASON_H

#include <stdbool.h>
#include <stdint.h>

enum sip_reason {
#define X(id, status, action, text) SIP_REASON_##id,
#include "dataplane/sip/sip_reason.def"
#undef X
	SIP_REASON_COUNT
};

enum sip_action {
	SIP_ACTION_NONE,
	SIP_ACTION_ANSWER,	 /* refuse with the status; nothing for ACK */
	SIP_ACTION_ANSWER_CLOSE, /* the same, then close: the next message has no certain start */
	SIP_ACTION_DROP,	 /* say nothing, go on */
	SIP_ACTION_CLOSE,	 /* say nothing, close */
};

struct sip_reason_info {
	const char *name; /* for counters and events */
	const char *text;
	uint16_t status; /* 0: none */
	uint8_t action;
};

extern const struct sip_reason_info sip_reason_infos[SIP_REASON_COUNT];

static inline bool sip_reason_closes(enum sip_reason r)
{
	return sip_reason_infos[r].action == SIP_ACTION_ANSWER_CLOSE ||
	       sip_reason_infos[r].action == SIP_ACTION_CLOSE;
}

#endif
