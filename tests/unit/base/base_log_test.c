/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "dataplane/base/log.h"

/* A pipe that nobody reads takes nobody's time, and once it is read lines come again, whole. */
static void a_full_pipe_holds_nobody_up(void **state)
{
	char buf[4096], line[] = "notice: box: heard\n";
	int was = dup(STDERR_FILENO), fd[2];
	struct timespec from, to;
	ssize_t n = 0, got;

	assert_int_equal(pipe(fd), 0);
	assert_int_equal(fcntl(fd[1], F_SETPIPE_SZ, 4096), 4096);
	memset(buf, 'x', sizeof(buf));
	assert_int_equal(write(fd[1], buf, sizeof(buf)), sizeof(buf));
	assert_int_equal(dup2(fd[1], STDERR_FILENO), STDERR_FILENO);
	alarm(10); /* what is tested for is a write that never ends */
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (unsigned i = 0; i < 10; i++)
		base_log(BASE_LOG_NOTICE, "box", "lost");
	clock_gettime(CLOCK_MONOTONIC, &to);
	while (n < (ssize_t)sizeof(buf) && (got = read(fd[0], buf, sizeof(buf))) > 0)
		n += got;
	base_log(BASE_LOG_NOTICE, "box", "heard");
	got = read(fd[0], buf, sizeof(buf));
	dup2(was, STDERR_FILENO);
	alarm(0);
	close(was);
	close(fd[0]);
	close(fd[1]);
	assert_true(to.tv_sec - from.tv_sec < 5);
	assert_int_equal(got, sizeof(line) - 1);
	assert_memory_equal(buf, line, sizeof(line) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_full_pipe_holds_nobody_up)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
