/* SPDX-License-Identifier: BSD-3-Clause */
/* Attach, validate, every look-up and a writer's takeover over a segment that the input has damaged. The
 * input is a list of changes: which file, where, how (a byte, a word, a copy from elsewhere). */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/segment/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct image *image_once(void)
{
	static struct image *im;

	if (!im) {
		im = malloc(sizeof(*im));
		if (!im)
			abort();
		image_make(im);
	}
	return im;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image *im = image_once();
	struct image_outcome out;

	for (unsigned n = 0; size >= 8 && n < 64; n++, data += 8, size -= 8) {
		unsigned f = data[0] % im->files;
		uint64_t at = (uint64_t)data[1] | (uint64_t)data[2] << 8 | (uint64_t)data[3] << 16;
		size_t len = im->file[f].len;
		uint8_t *p;

		at %= len;
		p = im->file[f].live + at;
		switch (data[0] >> 5) {
		case 0:
			*p = data[4];
			break;
		case 1:
			*p ^= (uint8_t)(1u << (data[4] & 7));
			break;
		case 2: /* a word, aligned */
			p = im->file[f].live + (at & ~3ull);
			if ((at & ~3ull) + 4 <= len)
				memcpy(p, data + 4, 4);
			break;
		case 3: /* eight bytes from elsewhere: sound words in wrong places */
			p = im->file[f].live + (at & ~7ull);
			at = ((uint64_t)data[4] | (uint64_t)data[5] << 8 | (uint64_t)data[6] << 16) % len &
			     ~7ull;
			if ((size_t)(p - im->file[f].live) + 8 <= len && at + 8 <= len)
				memcpy(p, im->file[f].live + at, 8);
			break;
		default: /* the sums made good again, so that what lies behind them is reached */
			if (im->file[f].len >= sizeof(struct segment_super) &&
			    memcmp(im->file[f].live, SEGMENT_MAGIC, 8) == 0) {
				struct segment_super *s = (struct segment_super *)im->file[f].live;

				s->sum = keyhash_sum(s, offsetof(struct segment_super, sum));
			} else {
				for (size_t o = 0; o + sizeof(struct policy_root) <= len; o += 64) {
					struct policy_root *r = (struct policy_root *)(im->file[f].live + o);

					if (r->magic == POLICY_ROOT_MAGIC)
						r->sum = policy_root_sum(r);
				}
			}
		}
	}
	out = image_exercise(im);
	(void)out;
	image_restore(im);
	return 0;
}
