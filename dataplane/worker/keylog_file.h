/* SPDX-License-Identifier: BSD-3-Clause */
/* A key log of one peer, while an operator asked for it: keylog-TIME in the run-dir or in a folder of the
 * operator's choice, mode 0600, of the dataplane's user,
 * in the form that Wireshark reads. The workers hand over lines (dataplane/tls/keylog.h), the cold thread
 * writes them; both end it when its time is over. The file stays until somebody removes it. Cold thread. */
#ifndef DATAPLANE_WORKER_KEYLOG_FILE_H
#define DATAPLANE_WORKER_KEYLOG_FILE_H

#include "config/exchange/command.h"
#include "config/schema/boot.h"
#include "dataplane/worker/edge_mail.h"

struct keylog_file {
	int dir, fd;	    /* fd -1: there is none */
	int folder_err;	    /* the folder could not be opened, -errno */
	const char *folder; /* that was asked for; empty: the run-dir */
	uid_t owner;	    /* who we will be */
	unsigned n_workers;
	bool ending; /* workers were told, not all have left it */
	uint64_t until_ns, sessions, missed;
	struct tls_keylog *log[BOOT_WORKERS_MAX];
	struct exchange_keylog asked, next; /* next: waits until the one before has ended */
	bool has_next;
	char name[64], peer[EXCHANGE_KEYLOG_NAME + 1];
};

void keylog_file_init(struct keylog_file *f, int run_dir, unsigned n_workers);
/* Before rights are given up: another folder, which `owner` is to write into; `path` stays. One that cannot
 * be used is no reason not to start: it is said, and no key log is written until it can be. */
void keylog_file_folder(struct keylog_file *f, const char *path, uid_t owner);
/* What control wants; begins and ends in keylog_file_tick(). */
void keylog_file_ask(struct keylog_file *f, const struct exchange_keylog *asked);
struct ring_cold;
/* each beat */
void keylog_file_tick(struct keylog_file *f, struct edge_mail *mails, struct ring_cold *rings,
		      uint64_t now_ns);
/* the workers have ended */
void keylog_file_fini(struct keylog_file *f);

#endif
