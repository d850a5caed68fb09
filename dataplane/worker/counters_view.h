/* SPDX-License-Identifier: BSD-3-Clause */
/* `sallyport-dataplane counters RUNDIR`: prints the counters file of a living or dead dataplane. */
#ifndef DATAPLANE_WORKER_COUNTERS_VIEW_H
#define DATAPLANE_WORKER_COUNTERS_VIEW_H

#include <stdbool.h>

struct counters_view_options {
	const char *dir;
	bool json;
	bool all;	/* zeros too */
	unsigned watch; /* seconds between two pictures; 0: once */
};

/* Exit status: 0; 1 with a line on stderr. Watching ends with the reader's signal or the dataplane's end. */
int counters_view_run(const struct counters_view_options *options);

#endif
