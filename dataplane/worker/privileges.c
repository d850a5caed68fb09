/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/privileges.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A signal handler takes no argument of ours, so what it needs is here while a drop runs; nothing else uses
 * it. */
static struct {
	struct __user_cap_data_struct want[2];
	atomic_uint answered;
} order;

static int thread_drop(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};

	return (int)syscall(__NR_capset, &head, order.want);
}

static void on_order(int signo)
{
	int saved = errno;

	thread_drop(); /* whether it worked is seen in /proc */
	atomic_fetch_add(&order.answered, 1);
	errno = saved;
}

int privileges_become(uid_t uid, gid_t gid)
{
	/* the C library carries these three to every thread */
	if (setgroups(0, NULL) < 0 && errno != EPERM)
		return -errno;
	if (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return -errno;
	return 0;
}

static unsigned threads_signal(int signo)
{
	DIR *d = opendir("/proc/self/task");
	pid_t self = (pid_t)syscall(__NR_gettid);
	struct dirent *e;
	unsigned n = 0;

	while (d && (e = readdir(d))) {
		pid_t tid = (pid_t)strtol(e->d_name, NULL, 10);

		if (tid > 0 && tid != self && syscall(__NR_tgkill, getpid(), tid, signo) == 0)
			n++;
	}
	if (d)
		closedir(d);
	return n;
}

/* what a thread has beyond `keep`, effective or permitted; ~0: cannot be read */
static uint64_t thread_excess(const char *tid, uint64_t keep)
{
	char path[300], line[256];
	uint64_t have = 0, v;
	unsigned seen = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%s/status", tid);
	f = fopen(path, "re");
	if (!f)
		return UINT64_MAX;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "CapPrm: %lx", &v) == 1 || sscanf(line, "CapEff: %lx", &v) == 1 ||
		    sscanf(line, "CapInh: %lx", &v) == 1) {
			have |= v;
			seen++;
		}
	}
	fclose(f);
	return seen == 3 ? have & ~keep : UINT64_MAX;
}

static int threads_check(uint64_t keep, char *why, size_t why_size)
{
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	int rc = 0;

	if (!d) {
		snprintf(why, why_size, "/proc cannot be read, mount it");
		return -errno;
	}
	while (!rc && (e = readdir(d))) {
		uint64_t excess = e->d_name[0] == '.' ? 0 : thread_excess(e->d_name, keep);

		if (excess) {
			snprintf(why, why_size, "thread %s keeps capabilities %llx", e->d_name,
				 (unsigned long long)excess);
			rc = -EPERM;
		}
	}
	closedir(d);
	return rc;
}

int privileges_drop(uint64_t keep, char *why, size_t why_size)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct have[2];
	struct sigaction act = {.sa_handler = on_order, .sa_flags = SA_RESTART}, old;
	const struct timespec pause = {.tv_nsec = 1000000};
	const int signo = SIGRTMAX - 1;
	unsigned asked;

	if (syscall(__NR_capget, &head, have) < 0) {
		snprintf(why, why_size, "capabilities cannot be read");
		return -errno;
	}
	for (unsigned i = 0; i < 2; i++) {
		uint32_t mask = (uint32_t)(keep >> (32 * i)) & have[i].permitted;

		order.want[i] = (struct __user_cap_data_struct){.effective = mask, .permitted = mask};
	}
	atomic_store(&order.answered, 0);
	if (sigaction(signo, &act, &old) < 0) {
		snprintf(why, why_size, "signals cannot be set");
		return -errno;
	}
	asked = threads_signal(signo);
	thread_drop();
	for (unsigned ms = 0; ms < 2000 && atomic_load(&order.answered) < asked; ms++)
		nanosleep(&pause, NULL);
	sigaction(signo, &old, NULL);
	return threads_check(keep, why, why_size);
}
