/* SPDX-License-Identifier: BSD-3-Clause */
/* The facts as one page for a browser: read-only, without a script. Pure. */
#ifndef CONTROLPLANE_OBSERVE_STATUS_PAGE_H
#define CONTROLPLANE_OBSERVE_STATUS_PAGE_H

#include "config/schema/schema_object.h"
#include "controlplane/observe/observe_facts.h"

/* `now`: seconds since the epoch. Appends; 0 or -ENOMEM */
int status_page_print(const struct observe_facts *f, int64_t now, struct schema_text *out);

#endif
