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
	WATCH_PREFIX = 8, /* so many digits of a key are enough, if only one begins so */
	WATCH_SHOWN = 16, /* and so many are shown */
};

/* what was kept; before the segment is there */
void watch_load(struct control *c);
/* The dataplane says how it stands with a peer. Copied, shown, kept. */
void watch_take(struct control *c, const struct policy_watch *watch);
/* every entry as a fact: the segment is new, or was made anew */
void watch_show_all(struct control *c);
/* the i-th, NULL: there are no more */
const struct policy_watch *watch_at(const struct control *c, unsigned i);
/* show watchlist: who, since when, why, what was counted. show_watchlist.c */
void watch_show(struct request *r);
/* reset watchlist [PEER]: forgives one peer (its key or the beginning of it), those that used a domain, or
 * all */
void watch_reset(struct request *r);
/* writes what is not on disk yet, and frees */
void watch_close(struct control *c);

#endif
