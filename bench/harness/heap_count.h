/* SPDX-License-Identifier: BSD-3-Clause */
/* Every allocation of the process is counted, by an allocator that stands before that of the C library. For
 * executables that name heap_count.c among their sources; with a sanitizer, which has its own, nothing is
 * counted. */
#ifndef BENCH_HARNESS_HEAP_COUNT_H
#define BENCH_HARNESS_HEAP_COUNT_H

#include <stdbool.h>
#include <stdint.h>

/* false: it cannot be counted here */
bool heap_counted(void);
/* allocations so far, of all threads (which must not allocate at the same time, or some are missed) */
uint64_t heap_count(void);

#endif
