/* SPDX-License-Identifier: BSD-3-Clause */
/* Files of many partners: one a line, "NAME [allow|block] [settings]", "#" remarks, also "set partner …"
 * lines. */
#ifndef CONTROLPLANE_STORE_BULK_H
#define CONTROLPLANE_STORE_BULK_H

#include "controlplane/store/candidate.h"

/* Reads text into the candidate's map; every bad line is reported. 0, -EINVAL after complaints, -ENOMEM.
 * `block`: lines that do not say otherwise are blocked. `replace`: partners in force that the text does not
 * name are deleted. */
int bulk_read(struct candidate *c, const char *text, size_t len, bool block, bool replace,
	      schema_complain_fn complain, void *ctx, schema_progress_fn progress, void *progress_ctx);

#endif
