/* SPDX-License-Identifier: BSD-3-Clause */
/* The shared candidate on disk, so that it outlives the daemon. */
#ifndef CONTROLPLANE_STORE_CANDIDATE_FILE_H
#define CONTROLPLANE_STORE_CANDIDATE_FILE_H

#include "controlplane/store/candidate.h"

/* DIR/candidate, 0600, replaced as a whole; an empty candidate removes it. 0 or -errno */
int candidate_save(const struct candidate *c, const char *dir, const char *edited_by);
/* Fills an empty candidate. What this version does not know is left out and counted. 0, -ENOENT, -EBADMSG
 * (not whole: nothing is taken), -errno */
int candidate_restore(struct candidate *c, const char *dir, char edited_by[STORE_USER_MAX], size_t *unknown);

#endif
