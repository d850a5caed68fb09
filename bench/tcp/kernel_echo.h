/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's epoll echo on loopback: what one request and answer of 600 bytes costs the serving thread. */
#ifndef BENCH_TCP_KERNEL_ECHO_H
#define BENCH_TCP_KERNEL_ECHO_H

#include <stdint.h>

enum { KERNEL_ECHO_CONNECTIONS = 32, KERNEL_ECHO_BYTES = 600 };

struct kernel_echo;

/* A server thread and its connections; NULL: errno. */
struct kernel_echo *kernel_echo_start(void);
/* `rounds` requests on every connection, all answers compared; nanoseconds of the server thread's CPU time
 * for one, or -1 when an answer was wrong. */
double kernel_echo_run(struct kernel_echo *k, unsigned rounds);
void kernel_echo_stop(struct kernel_echo *k);

#endif
