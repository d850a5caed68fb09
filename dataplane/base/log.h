/* SPDX-License-Identifier: BSD-3-Clause */
/* One line a message on stderr: level: component: text. Cold thread only; workers count instead. Where nobody
 * takes the lines (a journal that hangs, a pipe that is full) they are lost, and nobody waits: of a pipe or
 * socket that polls as writable the kernel takes a line of this length at once. */
#ifndef DATAPLANE_BASE_LOG_H
#define DATAPLANE_BASE_LOG_H

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { BASE_LOG_WAIT_MS = 20 };

enum base_log_level { BASE_LOG_CRITICAL, BASE_LOG_ERROR, BASE_LOG_WARNING, BASE_LOG_NOTICE, BASE_LOG_INFO };

__attribute__((format(printf, 3, 4))) static inline void base_log(enum base_log_level level,
								  const char *component, const char *fmt, ...)
{
	static const char *const names[] = {"critical", "error", "warning", "notice", "info"};
	char line[1024];
	int n = snprintf(line, sizeof(line), "%s: %s: ", names[level], component);
	va_list ap;

	va_start(ap, fmt);
	n += vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	line[n++] = '\n';
	/* one write: lines of two processes do not mix */
	if (poll(&(struct pollfd){.fd = STDERR_FILENO, .events = POLLOUT}, 1, BASE_LOG_WAIT_MS) < 1)
		return;
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return; /* nobody listens; there is nothing else to do about it */
}

#endif
