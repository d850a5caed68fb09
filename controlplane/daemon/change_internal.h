/* SPDX-License-Identifier: BSD-3-Clause */
/* A change's own things: what the loop and its thread share, and who may touch it when. */
#ifndef CONTROLPLANE_DAEMON_CHANGE_INTERNAL_H
#define CONTROLPLANE_DAEMON_CHANGE_INTERNAL_H

#include "controlplane/daemon/change.h"
#include "controlplane/secret/shelf.h"

#include <pthread.h>
#include <stdatomic.h>

enum { COMPLAINTS_MAX = 20, FINDINGS_MAX = 200, DIFF_MAX = 1000, WAITS_MAX = 1200 };

enum phase { STAGING, STAGED, COMMITTING, COMMITTED };

struct complaint {
	unsigned line, column;
	enum schema_severity severity;
	char text[SCHEMA_WHY_MAX + 128];
};

struct change {
	struct control *control;
	struct request *request; /* may go away */
	struct change_order order;
	char comment[STORE_COMMENT_MAX], as[16];
	uint32_t uid;
	char user[STORE_USER_MAX];
	int fd;
	/* the thread's */
	pthread_t thread;
	bool running;
	struct store *reader;
	struct candidate work;
	bool from_candidate, json;
	const struct schema_entry **entry;
	size_t n;
	struct schema_source source;
	struct store_txn *txn;
	struct shelf *shelf; /* its certificates, when it touches any; else those that are shown stay */
	struct store_revision meta, out;
	struct complaint *complaint;
	size_t complaints, errors;
	struct schema_text diff;
	int result; /* -errno */
	char why[SCHEMA_WHY_MAX];
	/* between them */
	_Atomic int phase;	   /* enum phase: who may touch what */
	_Atomic unsigned progress; /* index into phase_words */
	_Atomic uint64_t done, total;
	int notify;
	struct event *event, *tick, *slices;
	bool publishing;
	unsigned waits;
};

/* ---- change_stage.c: what its threads do ---- */

/* another part of the work begins: for the progress that is shown */
void change_enter(struct change *ch, unsigned word, uint64_t total);
/* reads, checks, and puts the difference into a store transaction that nobody sees; ends with STAGED */
void *change_stage_thread(void *change);
/* makes it the store's head; ends with COMMITTED */
void *change_commit_thread(void *change);

#endif
