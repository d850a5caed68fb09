/* SPDX-License-Identifier: BSD-3-Clause */
/* What is known of discovered partners under limits outlives the dataplane: its word is kept here, on disk
 * and as facts of the segment, so that a restart of either plane forgets nobody (federation.md section 1.5).
 * Loop thread. */
#ifndef CONTROLPLANE_DAEMON_WATCHLIST_H
#define CONTROLPLANE_DAEMON_WATCHLIST_H

#include "config/policy/watch.h"
#include "controlplane/daemon/server.h"

enum {
	WATCH_KEPT = 4096, /* the oldest makes room */
	WATCH_LIFE_S = POLICY_WATCH_KEEP_S,
};

/* what was kept; before the segment is there */
void watch_load(struct control *c);
/* The dataplane says how it stands with a peer. Copied, shown, kept. */
void watch_take(struct control *c, const struct policy_watch *watch);
/* every entry as a fact: the segment is new, or was made anew */
void watch_show_all(struct control *c);
/* reset watchlist [KEY]: forgives one peer, or all */
void watch_reset(struct request *r);
/* writes what is not on disk yet, and frees */
void watch_close(struct control *c);

#endif
