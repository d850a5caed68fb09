/* SPDX-License-Identifier: BSD-3-Clause */
/* One change of the configuration from beginning to end: read, checked as a whole, prepared for the
 * dataplane, stored, shown. Or refused as a whole. Reading, checking and storing happen in a thread, so that
 * a million domains delay nobody; there is one change at a time. */
#ifndef CONTROLPLANE_DAEMON_CHANGE_H
#define CONTROLPLANE_DAEMON_CHANGE_H

#include "controlplane/daemon/server.h"

enum change_kind { CHANGE_COMMIT, CHANGE_APPLY, CHANGE_LOAD, CHANGE_RETURN, CHANGE_CHECK };

struct change_order {
	enum change_kind kind;
	const char *as; /* the revision's kind: commit, apply, load, rollback, revert */
	const char *comment;
	unsigned confirm_minutes; /* 0: no confirmation asked */
	uint64_t at_revision;	  /* only if this is in force; 0: whatever is */
	uint64_t return_to;
	bool dry_run, block, replace;
	bool changed_is_2; /* exit status 2 when something changed */
};

/* Starts it; the request (NULL for the timer's revert) is answered when it ends. The request's file is read.
 */
void change_start(struct control *c, struct request *r, const struct change_order *order);
/* while true, the shared candidate is with the change and takes no edits */
bool change_has_candidate(const struct control *c);
/* while true, the segment is being prepared for, or shown, what it is about to commit */
bool change_is_publishing(const struct control *c);
/* ends the thread of a change at shutdown */
void change_stop(struct control *c);

#endif
