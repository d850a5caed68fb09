/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/worker/edge_memory.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

uint32_t edge_transactions(uint64_t memory, unsigned workers, uint32_t each)
{
	uint64_t room = memory / 8 / (workers ? workers : 1) / (each ? each : 1);
	uint32_t n = EDGE_TRANSACTIONS_MIN;

	while (n < EDGE_TRANSACTIONS_MAX && n * UINT64_C(2) <= room)
		n *= 2;
	return n;
}

/* the first line of a file, without its end; false: there is none */
static bool first_line(const char *path, char *out, int size)
{
	FILE *f = fopen(path, "re");
	bool there;

	if (!f)
		return false;
	there = fgets(out, size, f) != NULL;
	fclose(f);
	if (there)
		out[strcspn(out, "\n")] = '\0';
	return there;
}

/* "0::/a/b": each group above limits too */
uint64_t edge_memory_limit(const char *membership, const char *root)
{
	char line[512], path[800], value[64], *slash;
	uint64_t least = 0, one;

	if (!first_line(membership, line, sizeof(line)) || strncmp(line, "0::", 3) != 0)
		return 0;
	for (;;) {
		snprintf(path, sizeof(path), "%.200s%.500s/memory.max", root, line + 3);
		if (first_line(path, value, sizeof(value)) && value[0] >= '0' && value[0] <= '9') {
			one = strtoull(value, NULL, 10);
			if (one && (!least || one < least))
				least = one;
		}
		slash = strrchr(line + 3, '/');
		if (!slash || !line[3])
			return least;
		*slash = '\0';
	}
}

uint64_t edge_memory(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	uint64_t all = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
	uint64_t limit = edge_memory_limit("/proc/self/cgroup", "/sys/fs/cgroup");

	return limit && (!all || limit < all) ? limit : all;
}
