/* SPDX-License-Identifier: BSD-3-Clause */
/* The facts as Prometheus reads them (text format 0.0.4). Pure. */
#ifndef CONTROLPLANE_OBSERVE_METRICS_H
#define CONTROLPLANE_OBSERVE_METRICS_H

#include "config/schema/schema_object.h"
#include "controlplane/observe/observe_facts.h"

/* Appends; 0 or -ENOMEM. No label has a value that a stranger could choose. */
int metrics_print(const struct observe_facts *f, struct schema_text *out);

#endif
