/* SPDX-License-Identifier: BSD-3-Clause */
/* A stream in one piece and in pieces, with two kernels: the same messages, the same end. The first two bytes
 * of the input choose the cuts. */
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/rng.h"
#include "dataplane/sip/sip_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	uint32_t messages, consumed;
	enum sip_reason bad;
	uint64_t sizes;
};

static struct sip_msg scratch;

static void run(struct outcome *o, const struct sip_kernel *k, const uint8_t *data, size_t size,
		struct base_rng *cuts)
{
	const struct sip_limits lim = {4096, 32, 8192};
	struct sip_frame f = {0};
	size_t start = 0, have = 0;

	memset(o, 0, sizeof(*o));
	while (have < size) {
		size_t step = cuts ? 1 + base_rng_below(cuts, 200) : size;

		have = step < size - have ? have + step : size;
		for (;;) {
			/* a buffer of its own: a read behind the end is seen */
			uint8_t *buf = malloc(have - start + 1);
			struct sip_frame_result r;

			memcpy(buf, data + start, have - start);
			r = sip_frame_next(&f, &scratch, k, &lim, buf, have - start);
			if (r.consumed > have - start)
				abort();
			free(buf);
			start += r.consumed;
			if (r.what == SIP_FRAME_BAD) {
				o->bad = r.reason;
				return;
			}
			if (r.what == SIP_FRAME_MORE)
				break;
			if (r.consumed == 0)
				abort();
			if (r.what == SIP_FRAME_MESSAGE) {
				o->messages++;
				o->sizes = o->sizes * 1000003 + r.consumed;
				o->consumed = (uint32_t)start;
			}
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole, pieces;
	struct base_rng rng;

	if (size < 2)
		return 0;
	base_rng_seed(&rng, (uint64_t)data[0] << 8 | data[1]);
	run(&whole, sip_kernel_choose(), data + 2, size - 2, NULL);
	run(&pieces, &sip_kernels[sip_kernels_n - 1], data + 2, size - 2, &rng);
	/* a limit or a bare CR may be noticed with fewer bytes at hand, but never another message */
	if (whole.messages != pieces.messages || whole.sizes != pieces.sizes ||
	    (whole.bad != 0) != (pieces.bad != 0))
		abort();
	return 0;
}
