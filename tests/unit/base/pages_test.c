/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/base/pages.h"
#include "dataplane/base/pool.h"

enum { HUGE = 2 << 20, PAGE = 4096 };

/* flags of the mapping that holds `at`; false: there is none */
static bool flags_of(const void *at, char flags[256])
{
	FILE *f = fopen("/proc/self/smaps", "r");
	char line[512];
	uintptr_t from, to;
	bool in = false, found = false;

	assert_non_null(f);
	while (!found && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			in = from <= (uintptr_t)at && (uintptr_t)at < to;
		else if (in && sscanf(line, "VmFlags: %255[^\n]", flags) == 1)
			found = true;
	}
	fclose(f);
	return found;
}

static void test_pages(void **state)
{
	static const size_t asked[] = {1, PAGE, PAGE + 1, HUGE / 4 - 1, HUGE / 4, HUGE, HUGE + 1, 5 * HUGE};

	for (unsigned i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		size_t n = asked[i], page = asked[i] >= HUGE / 4 ? HUGE : PAGE;
		uint8_t *p = base_pages_map(&n);
		char flags[256] = "";

		assert_non_null(p);
		assert_true(n >= asked[i] && n < asked[i] + page && n % page == 0);
		assert_int_equal((uintptr_t)p % page, 0);
		/* all of it is there, and empty */
		assert_int_equal(p[0] | p[asked[i] - 1] | p[n - 1], 0);
		p[0] = p[n - 1] = 1;
		assert_true(flags_of(p, flags));
		/* kernels without huge pages have no such flag */
		if (page == HUGE && access("/sys/kernel/mm/transparent_hugepage", F_OK) == 0)
			assert_non_null(strstr(flags, "hg"));
		if (page == PAGE)
			assert_null(strstr(flags, "hg"));
		base_pages_unmap(p, n);
		/* what was cut off is gone as well as what was given */
		assert_false(flags_of(p, flags));
		assert_false(flags_of(p + n - 1, flags));
	}
	base_pages_unmap(NULL, 0);
}

/* Objects come back last in, first out, each once, and the end of the list is an end. */
static void test_pool(void **state)
{
	struct base_pool p;
	uint32_t a, b;

	assert_int_equal(base_pool_init(&p, 2, 64, 4), 0);
	a = base_pool_get(&p);
	b = base_pool_get(&p);
	assert_int_equal(base_pool_get(&p), BASE_POOL_NONE);
	base_pool_put(&p, a);
	base_pool_put(&p, b);
	assert_int_equal(base_pool_get(&p), b);
	assert_int_equal(base_pool_get(&p), a);
	assert_int_equal(base_pool_get(&p), BASE_POOL_NONE);
	assert_int_equal(p.used, 2);
	base_pool_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
