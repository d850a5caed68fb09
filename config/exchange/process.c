/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/exchange/process.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* field 22 of /proc/PID/stat */
uint64_t exchange_process_started(uint64_t pid)
{
	char path[64], text[1024];
	uint64_t started = 0;
	ssize_t n;
	char *p;
	int fd;

	snprintf(path, sizeof(path), "/proc/%llu/stat", (unsigned long long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	/* the name, in parentheses, may hold anything: count from its last one */
	p = strrchr(text, ')');
	if (!p || p[1] == '\0' || p[2] == 'Z')
		return 0;
	for (unsigned field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	if (p)
		started = strtoull(p + 1, NULL, 10);
	return started;
}
