/* SPDX-License-Identifier: BSD-3-Clause */
/* Words to the service manager ($NOTIFY_SOCKET), with a socket that is opened at start and needs no right
 * later. */
#ifndef DATAPLANE_WORKER_NOTIFY_H
#define DATAPLANE_WORKER_NOTIFY_H

#include <stdint.h>

struct notify {
	int fd;		      /* -1: nobody asked */
	uint64_t watchdog_ns; /* how often to say WATCHDOG=1; 0: never */
};

/* Reads the environment. A service manager that cannot be reached is a warning, not an error. */
void notify_open(struct notify *n);
void notify_send(const struct notify *n, const char *words);
void notify_close(struct notify *n);

#endif
