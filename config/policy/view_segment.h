/* SPDX-License-Identifier: BSD-3-Clause */
/* struct policy_view over the segment. Private to config/policy. */
#ifndef CONFIG_POLICY_VIEW_SEGMENT_H
#define CONFIG_POLICY_VIEW_SEGMENT_H

#include "config/policy/reader.h"

void policy_view_segment_init(struct policy_reader_view *v, const struct segment *seg, bool shadow);
/* finds the box record of the root, or puts the closed one */
void policy_view_segment_box(struct policy_reader_view *v);

#endif
