/* SPDX-License-Identifier: BSD-3-Clause */
/* What the daemon knows, as facts for metrics and status page. Loop thread. */
#ifndef CONTROLPLANE_DAEMON_GATHER_H
#define CONTROLPLANE_DAEMON_GATHER_H

#include "controlplane/daemon/control.h"
#include "controlplane/observe/observe_facts.h"

struct gather {
	struct observe_facts facts;
	struct counters_view view;
	struct observe_certificate certificate[256];
	struct observe_event event[50];
	struct observe_partner *partner;
	unsigned cap; /* partners with a row of their own */
};

/* NULL without memory. `partners`: how many may have a row of their own; the others are added up. */
struct gather *gather_make(struct control *c, unsigned partners);
void gather_free(struct gather *g);

#endif
