/* SPDX-License-Identifier: BSD-3-Clause */
/* A message, and a few edits that its first bytes choose: what a proxy makes of a message that it takes is
 * one message that it takes, and what was stripped is not in it. */
#include <stdlib.h>
#include <string.h>

#include "dataplane/sip/sip_edit.h"
#include "dataplane/sip/sip_frame.h"
#include "dataplane/sip/sip_validate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sip_msg m, again;
static struct sip_edit e;

static int act(uint8_t what, const struct sip_core *core)
{
	switch (what % 8) {
	case 0:
		return sip_edit_pop(&e, SIP_HDR_VIA, 1);
	case 1:
		return sip_edit_push(&e, SIP_HDR_VIA, "Via: SIP/2.0/TLS u.test;branch=z9hG4bKu", 39);
	case 2:
		return sip_edit_pop(&e, SIP_HDR_ROUTE, 1 + what / 8 % 3);
	case 3:
		return sip_edit_push(&e, SIP_HDR_RECORD_ROUTE, "Record-Route: <sip:u.test;lr>", 29);
	case 4:
		return sip_edit_max_forwards(&e, what);
	case 5:
		return sip_edit_remove_id(&e, SIP_HDR_P_ASSERTED_IDENTITY);
	case 6:
		return sip_edit_via_received(&e, &core->via, "192.0.2.1", 4711);
	default:
		return sip_edit_append(&e, "X-Last: 1", 9);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sip_limits lim = SIP_LIMITS_DEFAULT;
	static char scratch[4096], joined[2 * 1024 * 1024];
	struct iovec iov[SIP_EDIT_IOV_MAX];
	struct sip_frame f = {0};
	struct sip_core core;
	bool stripped = false;
	size_t len = 0;
	int n;

	if (size < 4 ||
	    sip_frame_next(&f, &m, sip_kernel_choose(), &lim, data + 4, size - 4).what != SIP_FRAME_MESSAGE ||
	    sip_validate(&m, NULL, &core) != SIP_REASON_OK)
		return 0;
	sip_edit_init(&e, &m, scratch, sizeof(scratch));
	for (unsigned i = 0; i < 4; i++) {
		if (act(data[i], &core) < 0)
			return 0;
		stripped |= data[i] % 8 == 5;
	}
	n = sip_edit_emit(&e, iov, SIP_EDIT_IOV_MAX);
	if (n < 0)
		abort();
	for (int i = 0; i < n; i++) {
		memcpy(joined + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	if (len != sip_edit_length(&e))
		abort();
	f = (struct sip_frame){0};
	if (sip_frame_next(&f, &again, sip_kernel_choose(), &lim, (uint8_t *)joined, len).consumed != len) {
		/* what we add may carry a message over the limits, and nothing else may happen */
		if (m.head_len < SIP_HEAD_MAX - 1000 && m.n_headers < SIP_HEADERS_MAX - 8)
			abort();
		return 0;
	}
	if (stripped && again.first[SIP_HDR_P_ASSERTED_IDENTITY])
		abort();
	if (memcmp(again.buf + again.head_len, m.buf + m.head_len, m.body_len) != 0 ||
	    again.body_len != m.body_len)
		abort();
	return 0;
}
