/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/box.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

/* Reading a revocation list of a million entries keeps the cold thread busy for seconds: where it may run
 * beside a worker, the kernel sends it there as soon as somebody else wants its own CPU. */
static void leave(const unsigned *cpus, unsigned workers, unsigned *cold, unsigned *n_cold)
{
	unsigned left[BOOT_WORKERS_MAX], n = 0;

	for (unsigned i = 0; i < *n_cold; i++) {
		bool taken = false;

		for (unsigned k = 0; k < workers; k++)
			taken |= cpus[k] == cold[i];
		if (!taken)
			left[n++] = cold[i];
	}
	if (!n)
		return;
	memcpy(cold, left, n * sizeof(*left));
	*n_cold = n;
}

int box_cpus(const struct boot_config *config, unsigned *cpus, unsigned *cold, unsigned *n_cold, char *why,
	     size_t why_size)
{
	cpu_set_t set;
	unsigned n = 0, first;

	if (sched_getaffinity(0, sizeof(set), &set) < 0) {
		snprintf(why, why_size, "cannot ask which CPUs may be used");
		return -errno;
	}
	for (unsigned i = 0; i < CPU_SETSIZE && n < BOOT_WORKERS_MAX; i++)
		if (CPU_ISSET(i, &set))
			cold[n++] = i;
	*n_cold = n;
	/* the cold thread and the kernel like the first CPU: it is left to them while there are enough */
	first = n > config->workers ? 1 : 0;
	for (unsigned i = 0; i < config->workers; i++) {
		if (config->n_cores == 0) {
			cpus[i] = cold[first + i % (n - first)];
			continue;
		}
		cpus[i] = config->cores[i % config->n_cores];
		if (cpus[i] >= CPU_SETSIZE || !CPU_ISSET(cpus[i], &set)) {
			snprintf(why, why_size,
				 "CPU %u is not there or not allowed, change 'set dataplane cores'", cpus[i]);
			return -EINVAL;
		}
	}
	leave(cpus, config->workers, cold, n_cold);
	return 0;
}
