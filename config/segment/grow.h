/* SPDX-License-Identifier: BSD-3-Clause */
/* What segment.c and grow.c have of each other. Private to config/segment; the writer's call is
 * segment_grow() in segment.h. */
#ifndef CONFIG_SEGMENT_GROW_H
#define CONFIG_SEGMENT_GROW_H

#include "config/segment/segment.h"

/* maps extent n, whose file is fd, behind those that are mapped; 0 or -errno and *why (may be NULL) */
int segment_map_extent(struct segment *seg, int fd, uint32_t n, enum segment_refusal *why);
/* gives up an extent that is being made, if any */
void segment_grow_stop(struct segment *seg);

#endif
