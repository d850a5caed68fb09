/* SPDX-License-Identifier: BSD-3-Clause */
/* An answer of the DNS, for people and as JSON. */
#ifndef CONTROLPLANE_DAEMON_ASK_PRINT_H
#define CONTROLPLANE_DAEMON_ASK_PRINT_H

#include "config/policy/record.h"
#include "controlplane/daemon/server.h"

/* With what is left of its life; `now` in CLOCK_MONOTONIC nanoseconds. `parts` are what its `more` counts;
 * NULL: they are not at hand, and the answer is shown as cut. */
void ask_print_answer(struct request *r, const char *name, const struct policy_dns *d,
		      const struct policy_dns *parts, uint64_t now);

#endif
