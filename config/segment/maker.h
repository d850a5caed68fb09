/* SPDX-License-Identifier: BSD-3-Clause */
/* Gives a file its memory, on a thread of its own. The kernel clears what it hands out, and where it has
 * never handed it out before (a virtual machine, huge pages) that costs milliseconds a page: more than an
 * emergency may wait. The thread has the lowest priority, takes no signals, and touches nothing but the file
 * and its own small state. */
#ifndef CONFIG_SEGMENT_MAKER_H
#define CONFIG_SEGMENT_MAKER_H

#include <stdint.h>

struct segment_maker;

/* Begins to give the first `len` bytes of fd memory, `step` at a time. fd stays the caller's, open until
 * segment_maker_stop(). NULL: no thread is to be had. */
struct segment_maker *segment_maker_start(int fd, uint64_t len, uint64_t step);
/* 0 at work, 1 done, or why not (-ENOSPC …) */
int segment_maker_poll(const struct segment_maker *m);
/* waits for the step that is being made, and frees it; NULL is nothing */
void segment_maker_stop(struct segment_maker *m);

#endif
