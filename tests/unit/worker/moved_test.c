/* SPDX-License-Identifier: BSD-3-Clause */
/* The file that outlives the process: gone on with when it is whole and ours, made anew otherwise. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "dataplane/proxy/moved.h"
#include "dataplane/worker/moved_file.h"

static struct moved *again(int dir, struct moved *t)
{
	moved_file_close(t);
	t = moved_file_open(dir, (uid_t)-1);
	assert_non_null(t);
	assert_true(moved_is(t));
	return t;
}

static void test_file(void **state)
{
	char name[] = "/tmp/moved-XXXXXX";
	uint8_t secret[MOVED_SECRET];
	struct moved *t;
	struct stat st;
	int dir, fd;

	assert_non_null(mkdtemp(name));
	dir = open(name, O_RDONLY | O_DIRECTORY);
	t = again(dir, NULL);
	assert_int_equal(fstatat(dir, "moved", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true((uint64_t)st.st_blocks * 512 >= sizeof(*t));
	memcpy(secret, t->secret, sizeof(secret));
	assert_true(moved_note(t, 77, 5));
	t = again(dir, t);
	assert_true(moved_to(t, 77, 5));
	assert_memory_equal(t->secret, secret, sizeof(secret));

	/* another layout */
	t->magic++;
	t = again(dir, t);
	assert_false(moved_to(t, 77, 5));
	assert_memory_not_equal(t->secret, secret, sizeof(secret));

	/* cut */
	assert_true(moved_note(t, 77, 5));
	fd = openat(dir, "moved", O_RDWR);
	assert_int_equal(ftruncate(fd, 4096), 0);
	close(fd);
	t = again(dir, t);
	assert_false(moved_to(t, 77, 5));

	/* anybody may write it */
	assert_true(moved_note(t, 77, 5));
	assert_int_equal(fchmodat(dir, "moved", 0666, 0), 0);
	t = again(dir, t);
	assert_false(moved_to(t, 77, 5));

	/* a link to elsewhere */
	assert_true(moved_note(t, 77, 5));
	assert_int_equal(renameat(dir, "moved", dir, "elsewhere"), 0);
	assert_int_equal(symlinkat("elsewhere", dir, "moved"), 0);
	t = again(dir, t);
	assert_false(moved_to(t, 77, 5));
	moved_file_close(t);

	/* no place for it */
	assert_int_equal(unlinkat(dir, "moved", 0), 0);
	assert_int_equal(unlinkat(dir, "elsewhere", 0), 0);
	assert_int_equal(rmdir(name), 0);
	assert_null(moved_file_open(dir, (uid_t)-1));
	close(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_file)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
