/* SPDX-License-Identifier: BSD-3-Clause */
/* What is left after start: the filter kills what is not listed, on every thread; capabilities go on every
 * thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/worker/privileges.h"
#include "dataplane/worker/seccomp.h"

/* runs `what` in a child under the filter; its wait status */
static int under_filter(void (*what)(void), enum boot_seccomp mode)
{
	pid_t pid;
	int status;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (seccomp_install(SECCOMP_ALWAYS, mode))
			_exit(99);
		what();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static bool was_killed(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

static void do_allowed(void)
{
	const struct timespec t = {.tv_nsec = 1000};
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || munmap(p, 4096) || clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL))
		_exit(1);
}

static void do_socket(void)
{
	syscall(__NR_socket, AF_INET, SOCK_STREAM, 0);
}

static void do_exec(void)
{
	syscall(__NR_execve, "/bin/true", NULL, NULL);
}

static void do_mount(void)
{
	syscall(__NR_mount, "", "", "", 0, NULL);
}

static void do_x32(void)
{
	syscall(__NR_getpid | 0x40000000);
}

static void do_executable_map(void)
{
	mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void do_executable_protect(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static void do_new_privileges(void)
{
	_exit(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 1);
}

static void the_listed_is_allowed(void **state)
{
	assert_int_equal(under_filter(do_allowed, BOOT_SECCOMP_KILL), 0);
	assert_int_equal(under_filter(do_new_privileges, BOOT_SECCOMP_KILL), 0);
	assert_int_equal(under_filter(do_new_privileges, BOOT_SECCOMP_OFF), 0);
}

static void the_rest_kills(void **state)
{
	assert_true(was_killed(under_filter(do_socket, BOOT_SECCOMP_KILL)));
	assert_true(was_killed(under_filter(do_exec, BOOT_SECCOMP_KILL)));
	assert_true(was_killed(under_filter(do_mount, BOOT_SECCOMP_KILL)));
	assert_true(was_killed(under_filter(do_x32, BOOT_SECCOMP_KILL)));
#ifndef SANITIZED
	assert_true(was_killed(under_filter(do_executable_map, BOOT_SECCOMP_KILL)));
	assert_true(was_killed(under_filter(do_executable_protect, BOOT_SECCOMP_KILL)));
#endif
	assert_int_equal(under_filter(do_mount, BOOT_SECCOMP_LOG), 0);
}

static atomic_bool go;

static void *other_thread(void *arg)
{
	const struct timespec t = {.tv_nsec = 1000000};

	while (!atomic_load(&go))
		nanosleep(&t, NULL);
	if (arg)
		do_mount();
	for (;;)
		nanosleep(&t, NULL);
	return NULL;
}

static void older_threads_are_under_it_too(void **state)
{
	pid_t pid;
	int status;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		pthread_t t;
		const struct timespec wait = {.tv_sec = 25};

		if (pthread_create(&t, NULL, other_thread, &go) ||
		    seccomp_install(SECCOMP_ALWAYS, BOOT_SECCOMP_KILL))
			_exit(99);
		atomic_store(&go, true);
		nanosleep(&wait, NULL);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(was_killed(status));
}

static unsigned threads_with(const char *set)
{
	char command[128];
	unsigned n = 0;
	FILE *p;

	snprintf(command, sizeof(command), "cat /proc/$PPID/task/*/status | grep -c '%s:.*[1-9a-f]'", set);
	p = popen(command, "r");
	if (!p || fscanf(p, "%u", &n) != 1)
		n = 99;
	if (p)
		pclose(p);
	return n;
}

static void capabilities_go_on_every_thread(void **state)
{
	pid_t pid;
	int status;

	if (geteuid() != 0) {
		print_message("not root: there are no capabilities to drop\n");
		skip();
	}
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		pthread_t t;
		char why[256];

		for (unsigned i = 0; i < 5; i++)
			if (pthread_create(&t, NULL, other_thread, NULL))
				_exit(1);
		if (threads_with("CapEff") != 6 || threads_with("CapBnd") != 6)
			_exit(2);
		if (privileges_bound(0, why, sizeof(why)))
			_exit(6);
		if (threads_with("CapBnd") != 0 || threads_with("CapEff") != 6)
			_exit(7);
		if (privileges_drop(0, why, sizeof(why)))
			_exit(3);
		if (threads_with("CapEff") != 0 || threads_with("CapPrm") != 0)
			_exit(4);
		/* without the right to it the set stays, and that is said */
		if (privileges_bound(0, why, sizeof(why)) != 1)
			_exit(8);
		if (syscall(__NR_mount, "none", "/", "tmpfs", 0, NULL) == 0 || errno != EPERM)
			_exit(5);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* gets no CPU for longer than anybody waits who thinks that all is well */
static void *late_thread(void *arg)
{
	const struct timespec t = {.tv_sec = 2, .tv_nsec = 500000000}, pause = {.tv_nsec = 1000000};
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	atomic_store(&go, true);
	nanosleep(&t, NULL);
	sigemptyset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	for (;;)
		nanosleep(&pause, NULL);
	return arg;
}

static void capabilities_go_on_a_thread_that_is_late(void **state)
{
	pid_t pid;
	int status;

	if (geteuid() != 0) {
		print_message("not root: there are no capabilities to drop\n");
		skip();
	}
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		const struct timespec pause = {.tv_nsec = 1000000};
		pthread_t t;
		char why[256];

		atomic_store(&go, false);
		if (pthread_create(&t, NULL, late_thread, NULL))
			_exit(1);
		while (!atomic_load(&go))
			nanosleep(&pause, NULL);
		if (privileges_bound(0, why, sizeof(why)))
			_exit(2);
		if (privileges_drop(0, why, sizeof(why)))
			_exit(3);
		if (threads_with("CapBnd") != 0 || threads_with("CapEff") != 0)
			_exit(4);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void programs_fit_and_jump_inside(void **state)
{
	struct sock_filter code[SECCOMP_PROGRAM_MAX];

	for (unsigned when = 1; when < 64; when += 2) {
		unsigned n = seccomp_program(code, SECCOMP_PROGRAM_MAX, when, SECCOMP_RET_KILL_PROCESS);

		assert_true(n > 10 && n <= SECCOMP_PROGRAM_MAX);
		for (unsigned i = 0; i < n; i++)
			if (BPF_CLASS(code[i].code) == BPF_JMP)
				assert_true(i + 1 + code[i].jt < n && i + 1 + code[i].jf < n);
		assert_int_equal(BPF_CLASS(code[n - 1].code), BPF_RET);
		assert_int_equal(code[n - 1].k, SECCOMP_RET_KILL_PROCESS);
	}
	assert_int_equal(seccomp_program(code, 20, SECCOMP_ALWAYS, SECCOMP_RET_KILL_PROCESS), 0);
}

static void the_readme_lists_every_rule(void **state)
{
	static const struct {
		const char *when, *row;
	} rules[] = {
#define X(name, when, why) {#when, "| " #name " | " #when " | " why " |"},
#include "dataplane/worker/seccomp.def"
#undef X
	};
	static char text[65536];
	FILE *f = fopen(WORKER_README, "r");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	assert_true(n > 0);
	fclose(f);
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (strcmp(rules[i].when, "SANITIZED") != 0 && !strstr(text, rules[i].row))
			fail_msg("README.md has no row '%s'", rules[i].row);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_listed_is_allowed),
		cmocka_unit_test(the_rest_kills),
		cmocka_unit_test(older_threads_are_under_it_too),
		cmocka_unit_test(capabilities_go_on_every_thread),
		cmocka_unit_test(capabilities_go_on_a_thread_that_is_late),
		cmocka_unit_test(programs_fit_and_jump_inside),
		cmocka_unit_test(the_readme_lists_every_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
