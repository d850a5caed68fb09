/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/base/siphash.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(known_answers)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
