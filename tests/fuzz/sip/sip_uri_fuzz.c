/* SPDX-License-Identifier: BSD-3-Clause */
/* Two URIs, split at the first LF: parsed in all places, compared both ways. */
#include <stdlib.h>
#include <string.h>

#include "dataplane/sip/sip_uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sip_msg ma, mb;

static bool parse(struct sip_msg *m, const uint8_t *text, size_t len, struct sip_uri *u)
{
	char canon[SIP_HOST_NAME_MAX + 1];
	struct sip_uri_param p;
	uint8_t plain[64];
	uint32_t at = 0, params = 0;

	if (!sip_msg_text(m, sip_kernel_choose(), (const char *)text, len))
		return false;
	sip_uri_parse(m, 0, (uint32_t)len, SIP_URI_IN_BRACKETS, u);
	sip_uri_parse(m, 0, (uint32_t)len, SIP_URI_BARE, u);
	if (sip_uri_parse(m, 0, (uint32_t)len, SIP_URI_IN_LINE, u) == 0)
		return false;
	if (u->all.off != 0 || u->all.len != len)
		abort();
	if (sip_host_canon(m, &u->host, canon) > SIP_HOST_NAME_MAX)
		abort();
	while (sip_uri_param_next(m, u, &at, &p)) {
		sip_uri_unescape(m, p.name, plain, sizeof(plain));
		params++;
	}
	/* whether it is a router is never a matter of spelling */
	if (u->scheme <= SIP_SCHEME_SIPS &&
	    sip_uri_param_find(m, u, "lr", &p) != ((u->flags & SIP_URI_LR) != 0))
		abort();
	/* equal to itself, unless there is too much to compare */
	if (params <= 16 && u->headers.len < 32 && !(u->flags & SIP_URI_ESCAPED) &&
	    !sip_uri_equal(m, u, m, u) && u->scheme != SIP_SCHEME_TEL) {
		/* the same unknown parameter twice with two values is equal to nothing */
		if (params < 2 && u->headers.len == 0)
			abort();
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *lf = size ? memchr(data, '\n', size) : NULL;
	size_t first = lf ? (size_t)(lf - data) : size;
	/* copies of the exact size: a read behind the end is seen */
	uint8_t *a = malloc(first + 1), *b = malloc(size - first + 1);
	struct sip_uri ua, ub;

	memcpy(a, data, first);
	if (lf)
		memcpy(b, lf + 1, size - first - 1);
	if (parse(&ma, a, first, &ua) && lf && parse(&mb, b, size - first - 1, &ub))
		if (sip_uri_equal(&ma, &ua, &mb, &ub) != sip_uri_equal(&mb, &ub, &ma, &ua))
			abort();
	free(a);
	free(b);
	return 0;
}
