/* SPDX-License-Identifier: BSD-3-Clause */
/* The header and its options: nothing is read outside, and what is understood can be written and read again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/tcp/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tcp_segment s, t;
	uint8_t b[60];
	unsigned hl;

	if (tcp_header_parse(&s, data, (uint32_t)size, (uint32_t)size) != TCP_HEADER_OK)
		return 0;
	if (s.header_len > size || s.len != size - s.header_len || s.opt.n_sack > TCP_SACK_BLOCKS_MAX)
		abort();
	hl = tcp_header_len(&s.opt);
	if (hl > sizeof(b) || hl % 4)
		abort();
	tcp_header_write(b, &s, hl);
	if (tcp_header_parse(&t, b, hl, hl) != TCP_HEADER_OK || t.seq != s.seq || t.ack != s.ack ||
	    t.flags != s.flags || t.opt.has_ts != s.opt.has_ts || t.opt.has_mss != s.opt.has_mss)
		abort();
	return 0;
}
