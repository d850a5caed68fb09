/* SPDX-License-Identifier: BSD-3-Clause */
/* Preloaded into both daemons: the time of day is off by what the file $CLOCK_SHIM says (64 bits, seconds),
 * from one call to the next. CLOCK_MONOTONIC is what it is. The file is mapped once, so no system call is
 * added that a filter could refuse. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t none;
static volatile int64_t *offset = &none;
static int (*real)(clockid_t, struct timespec *);

__attribute__((constructor)) static void shim_open(void)
{
	const char *path = getenv("CLOCK_SHIM");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *m;

	real = (int (*)(clockid_t, struct timespec *))(uintptr_t)dlsym(RTLD_NEXT, "clock_gettime");
	if (fd < 0)
		return;
	m = mmap(NULL, sizeof(*offset), PROT_READ, MAP_SHARED, fd, 0);
	if (m != MAP_FAILED)
		offset = m;
	close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
	/* who is asked before our constructor ran asks the kernel */
	int r = real ? real(clock, t) : (int)syscall(SYS_clock_gettime, clock, t);

	if (r == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		t->tv_sec += *offset;
	return r;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	*t = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
	return 0;
}

time_t time(time_t *t)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (t)
		*t = now.tv_sec;
	return now.tv_sec;
}
