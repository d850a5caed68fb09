/* SPDX-License-Identifier: BSD-3-Clause */
/* The pool of transactions follows the machine, between its bounds. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "dataplane/proxy/proxy.h"
#include "dataplane/worker/edge_memory.h"

static void test_sizes(void **state)
{
	const uint64_t gib = UINT64_C(1) << 30;
	static const struct {
		unsigned gib, workers;
		uint32_t n;
	} rows[] = {
		{0, 1, 1 << 17},  {1, 1, 1 << 18},   {1, 8, 1 << 17},	 {4, 1, 1 << 20},   {4, 4, 1 << 18},
		{24, 2, 1 << 20}, {512, 1, 1 << 20}, {512, 64, 1 << 20}, {64, 64, 1 << 18}, {1, 0, 1 << 18},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(edge_transactions(rows[i].gib * gib, rows[i].workers, 400), rows[i].n);
	assert_int_equal(edge_transactions(gib, 1, 0), EDGE_TRANSACTIONS_MAX);
	assert_int_equal(edge_transactions(gib, 1, 512), 1 << 18); /* to the byte */
	assert_int_equal(edge_transactions(gib - 1, 1, 512), 1 << 17);
}

/* what the pool takes when it is full is an eighth of the memory at most, above the least size */
static void test_share(void **state)
{
	uint32_t each = proxy_transaction_bytes(), n;

	assert_in_range(each, 200, 1000);
	for (uint64_t m = UINT64_C(1) << 28; m < UINT64_C(1) << 40; m += m / 3)
		for (unsigned workers = 1; workers <= 64; workers *= 2) {
			n = edge_transactions(m, workers, each);
			assert_in_range(n, EDGE_TRANSACTIONS_MIN, EDGE_TRANSACTIONS_MAX);
			if (n > EDGE_TRANSACTIONS_MIN)
				assert_true((uint64_t)n * each * workers <= m / 8);
		}
}

static void put(const char *dir, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* the least of all groups above, whatever order they are in; "max" and what is not there say nothing */
static void test_groups(void **state)
{
	static const char *const names[] = {"/self", "/a/b/memory.max", "/a/memory.max", "/memory.max"};
	char dir[] = "/tmp/memory-test.XXXXXX", path[128];

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/a", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/a/b", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/self", dir);
	assert_int_equal(edge_memory_limit(path, dir), 0);
	put(dir, "/self", "0::/a/b\n");
	assert_int_equal(edge_memory_limit(path, dir), 0);
	put(dir, "/a/b/memory.max", "max\n");
	assert_int_equal(edge_memory_limit(path, dir), 0);
	put(dir, "/memory.max", "9000000000\n");
	assert_int_equal(edge_memory_limit(path, dir), 9000000000);
	put(dir, "/a/memory.max", "4096000\n");
	assert_int_equal(edge_memory_limit(path, dir), 4096000);
	put(dir, "/a/b/memory.max", "8192000\n");
	assert_int_equal(edge_memory_limit(path, dir), 4096000);
	put(dir, "/self", "0::/\n");
	assert_int_equal(edge_memory_limit(path, dir), 9000000000);
	put(dir, "/self", "12:memory:/a\n0::/a\n");
	assert_int_equal(edge_memory_limit(path, dir), 0);
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", dir, names[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/a/b", dir);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/a", dir);
	rmdir(path);
	assert_int_equal(rmdir(dir), 0);
}

static void test_here(void **state)
{
	assert_true(edge_memory() > UINT64_C(64) << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_share),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
