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
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	ROUND_MS = 2000, /* for all threads to answer */
	ROUNDS = 10,	 /* on a machine that has no time for them */
};

/* A signal handler takes no argument of ours, so what it needs is here while a drop runs; nothing else uses
 * it. */
static struct {
	void (*act)(void);
	struct __user_cap_data_struct want[2];
	uint64_t bound;
	atomic_uint answered;
} order;

static void thread_drop(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};

	syscall(__NR_capset, &head, order.want);
}

/* The kernel refuses the first number that it does not know. */
static void thread_bound(void)
{
	for (unsigned long cap = 0; cap < 64; cap++)
		if (!(order.bound >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0ul, 0ul, 0ul) < 0)
			break;
}

static void on_order(int signo)
{
	int saved = errno;

	order.act(); /* whether it worked is seen in /proc */
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

/* what a thread has beyond `keep` in one of the sets that `names` lists; ~0: cannot be read. Who has ended
 * has nothing. */
static uint64_t thread_excess(const char *tid, const char *const *names, uint64_t keep)
{
	char path[300], line[256];
	uint64_t have = 0, v;
	unsigned seen = 0, wanted = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%s/status", tid);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT || errno == ESRCH ? 0 : UINT64_MAX;
	while (names[wanted])
		wanted++;
	while (fgets(line, sizeof(line), f)) {
		for (unsigned i = 0; i < wanted; i++) {
			size_t n = strlen(names[i]);

			if (strncmp(line, names[i], n) == 0 && sscanf(line + n, ": %lx", &v) == 1) {
				have |= v;
				seen++;
			}
		}
	}
	if (ferror(f) && errno == ESRCH)
		seen = wanted;
	fclose(f);
	return seen == wanted ? have & ~keep : UINT64_MAX;
}

static int threads_check(const char *const *names, uint64_t keep, char *why, size_t why_size)
{
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	int rc = 0;

	if (!d) {
		snprintf(why, why_size, "/proc cannot be read, mount it");
		return -errno;
	}
	while (!rc && (e = readdir(d))) {
		uint64_t excess = e->d_name[0] == '.' ? 0 : thread_excess(e->d_name, names, keep);

		if (excess) {
			snprintf(why, why_size, "thread %s keeps capabilities %llx (%s)", e->d_name,
				 (unsigned long long)excess, names[0]);
			rc = -EPERM;
		}
	}
	closedir(d);
	return rc;
}

/* One round: `act` on every thread, this one included. 0 or -errno and who has more than `keep` at its end.
 */
static int threads_ask(void (*act)(void), int signo, const char *const *names, uint64_t keep, char *why,
		       size_t why_size)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	unsigned asked;

	atomic_store(&order.answered, 0);
	asked = threads_signal(signo);
	act();
	/* answers of an earlier round may be among these, so who has answered is looked at as well */
	for (unsigned ms = 0; ms < ROUND_MS; ms++) {
		if (atomic_load(&order.answered) >= asked && threads_check(names, keep, why, why_size) == 0)
			return 0;
		nanosleep(&pause, NULL);
	}
	return threads_check(names, keep, why, why_size);
}

/* `act` on every thread, until none has more than `keep`. A thread that gets no CPU answers late, and may
 * even have been born by one that had not answered: they are asked again. 0 or -errno and who is left. */
static int threads_order(void (*act)(void), const char *const *names, uint64_t keep, char *why,
			 size_t why_size)
{
	struct sigaction handler = {.sa_handler = on_order, .sa_flags = SA_RESTART}, old;
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	const int signo = SIGRTMAX - 1;
	int rc = -EAGAIN;

	order.act = act;
	if (sigaction(signo, &handler, &old) < 0) {
		rc = -errno;
		snprintf(why, why_size, "signals cannot be set");
		return rc;
	}
	for (unsigned round = 0; rc && round < ROUNDS; round++)
		rc = threads_ask(act, signo, names, keep, why, why_size);
	/* what somebody has not taken yet would end the process; ignoring a signal takes it away from all */
	sigaction(signo, &ignore, NULL);
	sigaction(signo, &old, NULL);
	return rc;
}

static int capabilities_get(struct __user_cap_data_struct have[2], char *why, size_t why_size)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};

	if (syscall(__NR_capget, &head, have) == 0)
		return 0;
	snprintf(why, why_size, "capabilities cannot be read");
	return -errno;
}

int privileges_bound(uint64_t keep, char *why, size_t why_size)
{
	static const char *const sets[] = {"CapBnd", NULL};
	struct __user_cap_data_struct have[2];
	int rc = capabilities_get(have, why, why_size);

	if (rc)
		return rc;
	if (!(have[0].effective & 1u << CAP_SETPCAP))
		return 1;
	order.bound = keep;
	return threads_order(thread_bound, sets, keep, why, why_size);
}

int privileges_drop(uint64_t keep, char *why, size_t why_size)
{
	static const char *const sets[] = {"CapEff", "CapPrm", "CapInh", "CapAmb", NULL};
	struct __user_cap_data_struct have[2];
	int rc = capabilities_get(have, why, why_size);

	if (rc)
		return rc;
	for (unsigned i = 0; i < 2; i++) {
		uint32_t mask = (uint32_t)(keep >> (32 * i)) & have[i].permitted;

		order.want[i] = (struct __user_cap_data_struct){.effective = mask, .permitted = mask};
	}
	return threads_order(thread_drop, sets, keep, why, why_size);
}
