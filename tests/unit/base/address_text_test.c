/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers and addresses as text: the same as the C library's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <arpa/inet.h>

#include <cmocka.h>

#include "dataplane/base/address_text.h"

static void decimal(void **state)
{
	static const uint32_t edges[] = {0,   1,    9,	   10,	  99,	     100,	 101,	     65535,
					 999, 1000, 99999, 65536, 999999999, 1000000000, 4294967295u};
	char out[BASE_DECIMAL_MAX], want[16];

	for (unsigned i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
		unsigned n = base_decimal_put(out, edges[i]);

		assert_int_equal(n, snprintf(want, sizeof(want), "%u", edges[i]));
		assert_memory_equal(out, want, n);
	}
}

static void ip4(void **state)
{
	char out[BASE_IP4_TEXT_MAX], want[INET_ADDRSTRLEN];

	for (unsigned i = 0; i < 256; i++) {
		uint8_t ip[4] = {(uint8_t)i, (uint8_t)(255 - i), (uint8_t)(i * 7), (uint8_t)(i / 10)};
		unsigned n = base_ip4_put(out, ip);

		assert_non_null(inet_ntop(AF_INET, ip, want, sizeof(want)));
		assert_int_equal(n, strlen(want));
		assert_memory_equal(out, want, n);
	}
}

/* every pattern of groups that are zero, with groups of each number of digits */
static void ip6(void **state)
{
	static const uint16_t some[] = {0x1, 0x20, 0xabc, 0x7def, 0xf, 0xff, 0x100, 0xffff};
	char out[BASE_IP6_TEXT_MAX], want[INET6_ADDRSTRLEN];

	for (unsigned zeros = 0; zeros < 256; zeros++) {
		uint8_t ip[16];
		unsigned n;

		for (unsigned i = 0; i < 8; i++) {
			unsigned g = zeros >> i & 1 ? 0 : some[(i + zeros) % 8];

			ip[2 * i] = (uint8_t)(g >> 8);
			ip[2 * i + 1] = (uint8_t)g;
		}
		n = base_ip6_put(out, ip);
		assert_non_null(inet_ntop(AF_INET6, ip, want, sizeof(want)));
		/* the C library writes the two addresses of ::a.b.c.d and ::ffff:a.b.c.d kind with dots */
		if (strchr(want, '.'))
			continue;
		assert_int_equal(n, strlen(want));
		assert_memory_equal(out, want, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decimal),
		cmocka_unit_test(ip4),
		cmocka_unit_test(ip6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
