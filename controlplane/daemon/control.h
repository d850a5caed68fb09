/* SPDX-License-Identifier: BSD-3-Clause */
/* The daemon's own things. One thread runs the loop; a change (change.h) has a thread beside it. */
#ifndef CONTROLPLANE_DAEMON_CONTROL_H
#define CONTROLPLANE_DAEMON_CONTROL_H

#include "config/schema/schema_command.h"
#include "controlplane/store/candidate.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdarg.h>

struct change;
struct crl_fetch;
struct crl_learn;
struct keeper;
struct uplink;
struct events;
struct watchlist;
struct web;
struct probing;
struct publish;
struct resolve;

enum {
	CONTROL_CLIENTS_MAX = 256,
	CONTROL_CLIENTS_USER = 32,   /* of one user; root and the daemon's own may have all */
	CONTROL_CLIENTS_OTHERS = 192 /* of all users together: root always gets in */
};

/* a block that is in force but not stored yet */
struct control_unstored {
	struct control_unstored *next;
	struct store_block block;
	bool remove;
};

/* a block that is stored, and that the dataplane could not be shown yet */
struct control_unshown {
	struct control_unshown *next;
	char domain[SCHEMA_KEY_MAX];
};

struct control {
	struct event_base *base;
	struct store *store;
	struct candidate candidate; /* the shared one */
	char edited_by[STORE_USER_MAX];
	struct change *change; /* the one that runs, or NULL */
	struct publish *publish;
	struct resolve *resolve;
	struct keeper *keeper;
	struct crl_fetch *crl_fetch;
	struct crl_learn *crl_learn; /* NULL: nothing came yet */
	struct uplink *uplink;
	int uplink_error;      /* what was said of it last, -errno */
	struct events *events; /* NULL: none came */
	struct watchlist *watchlist;
	struct probing *probing;     /* of test partner; NULL: none */
	struct debug_keylog *keylog; /* what was asked for last; NULL: nothing */
	struct web *web;
	bool cdr;	  /* transactions are written down */
	bool refresh_due; /* secrets were renewed, and wait for a change to be through */
	int64_t ticket_rotation, route_rotation; /* seconds */
	bool dataplane_alive;
	bool shadowing; /* commit shadow */
	size_t shadow_objects;
	uint64_t shadow_since_ns; /* CLOCK_REALTIME */
	struct control_unstored *unstored;
	struct control_unshown *unshown;
	struct event *keep_candidate;
	bool candidate_touched;
	struct event *retry, *revert, *heartbeat, *listener, *rebuild, *step;
	bool rebuilding, opening, failed;
	/* the segment while a thread opens it */
	pthread_t opener;
	struct publish *opened;
	int open_fd, open_result;
	gid_t group_of_dataplane; /* may read what is published; (gid_t)-1: as it comes */
	char open_why[SCHEMA_WHY_MAX];
	struct event *open_event;
	int listen_fd, lock_fd, store_lock_fd;
	char socket[256], run_dir[256], store_dir[256];
	struct client *clients;
	unsigned clients_n;
	uint64_t started; /* CLOCK_MONOTONIC seconds */
	/* groups that may talk to us; (gid_t)-1: none */
	unsigned group[3];
};

/* level: error, warning, notice, info, debug; what is below `set observe log-level` is not said. Any thread.
 */
void control_log(const char *level, const char *component, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* reads what the configuration says about the daemon itself, after start and after each change */
void control_settle(struct control *c);
/* the shared candidate was touched: it is kept on disk soon */
void control_note_candidate(struct control *c);
/* what a daemon before this one was told and nobody committed */
void control_restore_candidate(struct control *c);
void control_save_candidate(struct control *c);
/* arms or disarms the timer of commit confirmed, from the store */
void control_arm_revert(struct control *c);

#endif
