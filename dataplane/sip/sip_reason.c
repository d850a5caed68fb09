/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sip/sip_reason.h"

const struct sip_reason_info sip_reason_infos[SIP_REASON_COUNT] = {
#define X(id, status, action, text) {#id, text, status, SIP_ACTION_##action},
#include "dataplane/sip/sip_reason.def"
#undef X
};
