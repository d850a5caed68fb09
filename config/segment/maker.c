/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/segment/maker.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>

struct segment_maker {
	pthread_t thread;
	int fd;
	uint64_t len, step;
	int state; /* atomic: as segment_maker_poll() tells it */
	bool stop; /* atomic */
};

enum { MAKER_NICE = 19 };

static void *maker_run(void *arg)
{
	struct segment_maker *m = arg;
	int state = 1;

	/* on Linux of this thread alone; whoever wants a processor comes first */
	(void)setpriority(PRIO_PROCESS, 0, MAKER_NICE);
	for (uint64_t done = 0; done < m->len && !__atomic_load_n(&m->stop, __ATOMIC_RELAXED);) {
		uint64_t len = m->len - done < m->step ? m->len - done : m->step;

		if (fallocate(m->fd, 0, (off_t)done, (off_t)len) == 0) {
			done += len;
		} else if (errno != EINTR) {
			state = -errno;
			break;
		}
	}
	/* release: the memory was there before */
	__atomic_store_n(&m->state, state, __ATOMIC_RELEASE);
	return NULL;
}

struct segment_maker *segment_maker_start(int fd, uint64_t len, uint64_t step)
{
	struct segment_maker *m = calloc(1, sizeof(*m));
	sigset_t all, before;
	int err;

	if (!m)
		return NULL;
	m->fd = fd;
	m->len = len;
	m->step = step ? step : len;
	/* inherited by the thread: signals are for those who wait for them */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&m->thread, NULL, maker_run, m);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err) {
		free(m);
		return NULL;
	}
	return m;
}

int segment_maker_poll(const struct segment_maker *m)
{
	return __atomic_load_n(&m->state, __ATOMIC_ACQUIRE);
}

void segment_maker_stop(struct segment_maker *m)
{
	if (!m)
		return;
	__atomic_store_n(&m->stop, true, __ATOMIC_RELAXED);
	pthread_join(m->thread, NULL);
	free(m);
}
