/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/base/sipmac.h"

/* the vectors of the SipHash paper's appendix: key 00..0f, input 00..n-1 */
static void known_answers(void **state)
{
	const struct siphash_key key = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
	uint8_t in[15];

	for (unsigned i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)i;
	assert_int_equal(siphash24(&key, in, 0), 0x726fdb47dd0e0e31u);
	assert_int_equal(siphash24(&key, in, 8), 0x93f5f5799a932462u);
	assert_int_equal(siphash24(&key, in, 15), 0xa129ca6149be45e5u);
}

/* in pieces it is what it is whole */
static void pieces(void **state)
{
	const struct siphash_key key = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
	uint8_t in[64], framed[sizeof(in) + 8];
	struct siptab t;

	for (unsigned i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(7 * i);
	for (unsigned len = 0; len <= sizeof(in); len++)
		for (unsigned a = 0; a <= len; a++) {
			uint32_t n[2] = {a, len - a};

			siptab_init(&t, &key);
			siptab_bytes(&t, in, a);
			siptab_bytes(&t, in + a, (len - a) / 2);
			siptab_bytes(&t, in + a + (len - a) / 2, len - a - (len - a) / 2);
			assert_int_equal(siptab_final(&t), siphash13(&key, in, len));
			/* fields are told apart by their lengths */
			siptab_init(&t, &key);
			siptab_field(&t, in, a);
			siptab_field(&t, in + a, len - a);
			memcpy(framed, &n[0], 4);
			memcpy(framed + 4, in, a);
			memcpy(framed + 4 + a, &n[1], 4);
			memcpy(framed + 8 + a, in + a, len - a);
			assert_int_equal(siptab_final(&t), siphash13(&key, framed, len + 8));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),
		cmocka_unit_test(pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
