/* SPDX-License-Identifier: BSD-3-Clause */
/* Does the dataplane move? Its process may live and be stopped, or hang. */
#ifndef CONTROLPLANE_DAEMON_PULSE_H
#define CONTROLPLANE_DAEMON_PULSE_H

#include <stdbool.h>
#include <stdint.h>

struct control;

enum { PULSE_SILENT_MS = 2500 }; /* it beats ten times a second */

/* true: its process runs, and said in its counters so long ago that it lives. Else *age_ms is 0. */
bool pulse_take(const struct control *c, uint64_t *age_ms);

#endif
