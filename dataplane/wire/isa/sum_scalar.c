/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/wire/isa/sum_kernels.h"
#include "dataplane/wire/isa/sum_tail.h"

uint32_t wire_sum_scalar(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t a = 0;
	uint64_t b = 0;
	uint64_t q[4];

	/* two chains; each addend is below 2^33, so lengths to 2^30 cannot overflow */
	for (; len >= 32; len -= 32, p += 32) {
		memcpy(q, p, 32);
		a += (q[0] & 0xffffffff) + (q[0] >> 32);
		b += (q[1] & 0xffffffff) + (q[1] >> 32);
		a += (q[2] & 0xffffffff) + (q[2] >> 32);
		b += (q[3] & 0xffffffff) + (q[3] >> 32);
	}
	return sum_end(a + b + sum_tail(p, len));
}
