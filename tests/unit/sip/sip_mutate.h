/* SPDX-License-Identifier: BSD-3-Clause */
/* Seeded damage to a message, of the kinds that parsers trip over. */
#ifndef TESTS_UNIT_SIP_SIP_MUTATE_H
#define TESTS_UNIT_SIP_SIP_MUTATE_H

#include <stdint.h>
#include <string.h>

#include "dataplane/base/rng.h"

/* changes text[0, len) in place or by a few bytes (never above max): the new length */
static inline uint32_t sip_mutate(struct base_rng *rng, char *text, uint32_t len, uint32_t max)
{
	static const char spice[] = "\r\n\t :;,<>\"\\@%?=/()[]{}.-_0\0\x7f\x80\xff"
				    "Aal";

	for (uint32_t k = 1 + base_rng_below(rng, 3); k > 0 && len > 8; k--) {
		uint32_t at = base_rng_below(rng, len), n = 1 + base_rng_below(rng, 8);
		char c = spice[base_rng_below(rng, sizeof(spice) - 1)];

		switch (base_rng_below(rng, 6)) {
		case 0:
			text[at] = c;
			break;
		case 1:
			text[at] ^= (char)(1 << base_rng_below(rng, 8));
			break;
		case 2: /* insert */
			if (len < max) {
				memmove(text + at + 1, text + at, len - at);
				text[at] = c;
				len++;
			}
			break;
		case 3: /* cut out */
			n = n < len - at ? n : len - at;
			memmove(text + at, text + at + n, len - at - n);
			len -= n;
			break;
		case 4: /* copy a piece to another place */
			n = n < len - at ? n : len - at;
			memmove(text + base_rng_below(rng, len - n + 1), text + at, n);
			break;
		default: /* fold */
			if (len + 3 <= max) {
				memmove(text + at + 3, text + at, len - at);
				memcpy(text + at, "\r\n ", 3);
				len += 3;
			}
		}
	}
	return len;
}

#endif
