/* SPDX-License-Identifier: BSD-3-Clause */
/* Which process a file is of: a number alone is used again. */
#ifndef CONFIG_EXCHANGE_PROCESS_H
#define CONFIG_EXCHANGE_PROCESS_H

#include <stdint.h>

/* When a process started, in clock ticks since boot; 0: there is no such process, or it is a zombie. */
uint64_t exchange_process_started(uint64_t pid);

#endif
