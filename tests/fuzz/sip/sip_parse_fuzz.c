/* SPDX-License-Identifier: BSD-3-Clause */
/* One message through index, validation, every typed view and the builders. */
#include <stdlib.h>
#include <string.h>

#include "dataplane/sip/sip_build.h"
#include "dataplane/sip/sip_frame.h"
#include "dataplane/sip/sip_validate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sip_msg m, again;

static void inside(struct sip_view v)
{
	if (v.off > m.len || v.len > m.len - v.off)
		abort();
}

static void views(void)
{
	struct sip_nameaddr na;
	struct sip_tagged tagged;
	struct sip_media_type type;
	struct sip_identity identity;
	struct sip_rack rack;
	struct sip_view v;
	struct sip_via via;
	uint32_t n;

	for (unsigned i = 0; i < m.n_headers; i++) {
		const struct sip_header *h = &m.header[i];

		if (h->line >= h->value || h->value > h->value_end || h->value_end + 2 > h->end ||
		    h->end > m.head_len)
			abort();
		if (sip_nameaddr_one(&m, h, &na)) {
			inside(na.all);
			inside(na.uri.all);
			inside(na.tag);
		}
		if (sip_tagged_read(&m, h, &tagged))
			inside(tagged.params);
		if (sip_media_type_read(&m, h, &type))
			inside(type.params);
		if (sip_identity_read(&m, h, &identity))
			inside(identity.info);
		if (sip_rack_read(&m, h, &rack))
			inside(rack.method_text);
		if (sip_call_id_read(&m, h, &v))
			inside(v);
		sip_retry_after_read(&m, h, &n);
		sip_expires_read(&m, h, &n);
	}
	for (unsigned id = 0; id < SIP_HDR_COUNT; id++) {
		struct sip_iter it = sip_iter_start(&m, id);

		while (sip_token_next(&m, id, &it, &v) > 0)
			inside(v);
		it = sip_iter_start(&m, id);
		while (sip_nameaddr_next(&m, id, &it, &na) > 0)
			inside(na.all);
		it = sip_iter_start(&m, id);
		while (sip_via_next(&m, &it, &via) > 0)
			inside(via.all);
		it = sip_iter_start(&m, id);
		while (sip_tagged_next(&m, &it, &tagged) > 0)
			inside(tagged.token);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sip_limits lim = SIP_LIMITS_DEFAULT;
	const struct sip_response r = {
		.status = 400, .to_tag = "t", .received = "192.0.2.1", .rport = 4711, .record_route = true};
	static char out[200000], more[200000];
	struct sip_frame f = {0};
	struct sip_core core;
	struct sip_frame_result got = sip_frame_next(&f, &m, sip_kernel_choose(), &lim, data, size);
	enum sip_reason reason;
	int n;

	if (got.what == SIP_FRAME_BAD && sip_reason_infos[got.reason].status)
		sip_build_response(&m, &r, out, sizeof(out));
	if (got.what != SIP_FRAME_MESSAGE)
		return 0;
	views();
	reason = sip_validate(&m, NULL, &core);
	n = sip_build_response(&m, &r, out, sizeof(out));
	if (reason == SIP_REASON_OK && !m.response) {
		/* an answer to what we take is one that we would take */
		f = (struct sip_frame){0};
		if (n <= 0 ||
		    sip_frame_next(&f, &again, sip_kernel_choose(), &lim, (uint8_t *)out, (size_t)n).what !=
			    SIP_FRAME_MESSAGE ||
		    sip_validate(&again, NULL, &core) != SIP_REASON_OK)
			abort();
		if (sip_build_cancel(&m, more, sizeof(more)) <= 0 ||
		    sip_build_ack(&m, &again, more, sizeof(more)) <= 0)
			abort();
	}
	return 0;
}
