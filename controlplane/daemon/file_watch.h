/* SPDX-License-Identifier: BSD-3-Clause */
/* Told when a file that a shelf's certificates come from may have changed. */
#ifndef CONTROLPLANE_DAEMON_FILE_WATCH_H
#define CONTROLPLANE_DAEMON_FILE_WATCH_H

#include <event2/event.h>

#include "controlplane/secret/shelf.h"

struct file_watch {
	int fd;	    /* -1: nothing is watched */
	unsigned n; /* directories */
	struct event *event;
	struct shelf *const *shelf;
	void (*changed)(void *ctx);
	void *ctx;
};

/* Anew, whatever it watched before, of which nothing is lost: `changed` is called at once when something of
 * it was not told yet. Its `fd` is -1 or what an earlier call made. `*shelf` may be replaced meanwhile, or be
 * NULL. A file system that tells nothing, or no room for a watch, is no error: the caller looks by himself
 * now and then. `changed` comes from the loop of `base`, once for what came together. */
void file_watch_begin(struct file_watch *w, struct event_base *base, struct shelf *const *shelf,
		      void (*changed)(void *ctx), void *ctx);
void file_watch_end(struct file_watch *w);

#endif
