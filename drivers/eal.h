/* SPDX-License-Identifier: BSD-3-Clause */
/* Starting and ending DPDK's environment: no configuration files, no sockets, no scan that nobody asked for.
 */
#ifndef DRIVERS_EAL_H
#define DRIVERS_EAL_H

#include <stdbool.h>
#include <stddef.h>

enum { DRIVER_LCORES_MAX = 65 };

struct driver_eal_config {
	const char *program;
	const char *runtime_dir; /* DPDK makes a directory here and it is taken away again at once */
	unsigned memory;	 /* MiB */
	bool hugepages;
	bool transparent; /* without hugepages: the kernel may make some of ordinary pages */
	/* lcore 0 is the cold thread and may run on any of `cold_cpus`; lcore i (1…n) runs on
	 * worker_cpus[i-1] */
	const unsigned *cold_cpus;
	unsigned n_cold_cpus;
	const unsigned *worker_cpus;
	unsigned n_workers;
	const char *const *pci; /* addresses that may be probed */
	unsigned n_pci;
};

/* free hugepages of all sizes in MiB */
unsigned driver_hugepages_free(void);

/* Once per process. 0, or -errno with a line in `why`. Takes all memory now. */
int driver_eal_start(const struct driver_eal_config *config, char *why, size_t why_size);
void driver_eal_stop(void);

#endif
