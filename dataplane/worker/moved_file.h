/* SPDX-License-Identifier: BSD-3-Clause */
/* RUN/moved: where Contacts of ours moved, in memory that outlives the process (dataplane/proxy/moved.h). The
 * process that comes next, after an end of any kind, goes on with it. */
#ifndef DATAPLANE_WORKER_MOVED_FILE_H
#define DATAPLANE_WORKER_MOVED_FILE_H

#include <sys/types.h>

struct moved;

/* Cold, while nobody else is in `dir`. The file as it is if it is whole and nobody else may write it, else a
 * new one that belongs to uid ((uid_t)-1: to who calls). NULL: there can be none, which has been logged. */
struct moved *moved_file_open(int dir, uid_t uid);
void moved_file_close(struct moved *t);

#endif
