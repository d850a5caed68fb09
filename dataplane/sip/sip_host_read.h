/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to sip/: sip_host_parse() with the usual name inline. */
#ifndef DATAPLANE_SIP_SIP_HOST_READ_H
#define DATAPLANE_SIP_SIP_HOST_READ_H

#include "dataplane/sip/sip_host.h"
#include "dataplane/sip/sip_host_text.h"
#include "dataplane/sip/sip_lex.h"

/* any host, judged from scratch */
uint32_t sip_host_slow(const struct sip_msg *m, uint32_t pos, uint32_t end, struct sip_host *out);

/* A dotted quad at pos and nothing of a host behind it: where it ends; 0: not that, or judged slowly */
static inline uint32_t sip_ip4_read(const struct sip_msg *m, uint32_t pos)
{
#ifdef __SSE2__
	uint32_t e = sip_run(m, SIP_NOT_HOST, pos), n = e - pos;

	if (sip_likely(n - 7 <= 8 && m->len - pos >= SIP_IP4_READ && sip_ip4_text(m->buf + pos, n)))
		return e;
#endif
	return 0;
}

/* The usual name in a few steps: no two of '.' and '-' side by side, none at either end, letters first, last
 * and behind the last of them, which is a dot. Labels are short as the whole is. All else is judged slowly.
 */
static inline uint32_t sip_host_read(const struct sip_msg *m, uint32_t pos, uint32_t end,
				     struct sip_host *out)
{
	const uint8_t *b = m->buf;
	uint32_t e = sip_run(m, SIP_NOT_HOST, pos), n = e - pos, top;
	uint64_t w;

	if (sip_unlikely(n - 2 > 54 || e > end))
		return sip_host_slow(m, pos, end, out);
	w = sip_window(m, SIP_PUNCT, pos) & ((UINT64_C(1) << n) - 1);
	/* a name without a dot is not usual, and w is not 0 below */
	if (sip_unlikely(w == 0 || ((w & w >> 1) | (w & 1)) != 0 || !sip_is_alpha(b[e - 1])))
		return sip_host_slow(m, pos, end, out);
	top = 63 - (uint32_t)__builtin_clzll(w);
	if (sip_unlikely(b[pos + top] != '.' || !sip_is_alpha(b[pos + top + 1])))
		return sip_host_slow(m, pos, end, out);
	out->text = (struct sip_view){pos, n};
	out->kind = SIP_HOST_NAME;
	return e;
}

#endif
