/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to sip/: the commas of header fields that are lists (RFC 3261 section 7.3.1). */
#ifndef DATAPLANE_SIP_SIP_ITER_H
#define DATAPLANE_SIP_SIP_ITER_H

#include "dataplane/sip/sip_lex.h"
#include "dataplane/sip/sip_via.h"

/* where the next value begins; false: no more */
static inline bool sip_iter_open(const struct sip_msg *m, const struct sip_iter *it, uint32_t *pos,
				 uint32_t *end)
{
	const struct sip_header *h;

	if (it->header == 0)
		return false;
	h = &m->header[it->header - 1];
	*pos = it->pos ? it->pos : h->value;
	*end = h->value_end;
	return true;
}

/* A value ended at pos (0: malformed): 1 and the iterator stands before the next value, or -1. Behind a comma
 * there must be a value, also in the same field. */
static inline int sip_iter_close(const struct sip_msg *m, struct sip_iter *it, uint32_t pos, uint32_t end)
{
	if (sip_unlikely(pos == 0 || pos > end))
		return -1;
	if (sip_likely(pos == end)) {
		it->header = m->next[it->header];
		it->pos = 0;
		return 1;
	}
	if (m->buf[pos] != ',')
		return -1;
	it->pos = sip_skip_ws(m, pos + 1, end);
	return it->pos < end ? 1 : -1;
}

#endif
