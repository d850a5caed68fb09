/* SPDX-License-Identifier: BSD-3-Clause */
/* Emergency blocks: shown to the dataplane first, stored right after; in force even while storing fails. */
#ifndef CONTROLPLANE_DAEMON_BLOCK_H
#define CONTROLPLANE_DAEMON_BLOCK_H

#include "controlplane/daemon/server.h"

void block_run(struct request *r, bool on);
/* shows every stored block again: after start, and when a segment was made anew. 0 or -errno */
int block_show_all(struct control *c, char *why);
void block_fini(struct control *c);

#endif
