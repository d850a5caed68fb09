/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/box.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>

int box_cpus(const struct boot_config *config, unsigned *cpus, unsigned *allowed, unsigned *n_allowed,
	     char *why, size_t why_size)
{
	cpu_set_t set;
	unsigned n = 0, first;

	if (sched_getaffinity(0, sizeof(set), &set) < 0) {
		snprintf(why, why_size, "cannot ask which CPUs may be used");
		return -errno;
	}
	for (unsigned i = 0; i < CPU_SETSIZE && n < BOOT_WORKERS_MAX; i++)
		if (CPU_ISSET(i, &set))
			allowed[n++] = i;
	*n_allowed = n;
	/* the cold thread and the kernel like the first CPU: it is left to them while there are enough */
	first = n > config->workers ? 1 : 0;
	for (unsigned i = 0; i < config->workers; i++) {
		if (config->n_cores == 0) {
			cpus[i] = allowed[first + i % (n - first)];
			continue;
		}
		cpus[i] = config->cores[i % config->n_cores];
		if (cpus[i] >= CPU_SETSIZE || !CPU_ISSET(cpus[i], &set)) {
			snprintf(why, why_size,
				 "CPU %u is not there or not allowed, change 'set dataplane cores'", cpus[i]);
			return -EINVAL;
		}
	}
	return 0;
}
