/* SPDX-License-Identifier: BSD-3-Clause */
/* The cold thread's part of reading policy: attaches the segment read-only, maps what it grows by, changes to
 * the one that takes its name, and lets the old one go when no worker looks into it any more. */
#ifndef DATAPLANE_WORKER_POLICY_COLD_H
#define DATAPLANE_WORKER_POLICY_COLD_H

#include "dataplane/worker/edge_mail.h"

struct policy_cold {
	const char *dir;
	unsigned n_workers;
	struct edge_policy *now, *old;
	int said; /* the refusal that was said last */
	uint64_t look_ns;
	uint64_t attached; /* how often */
};

void policy_cold_init(struct policy_cold *p, const char *dir, unsigned n_workers);
/* Each beat; looks at the files ten times a second. True: another segment than before. */
bool policy_cold_tick(struct policy_cold *p, struct edge_mail *mails, uint64_t now_ns);
/* The policy as it is now, pinned until policy_cold_done(); NULL: there is none. */
const struct policy_view *policy_cold_view(struct policy_cold *p);
void policy_cold_done(struct policy_cold *p);
/* a word that changes with every generation of every segment; 0: there is none */
uint64_t policy_cold_word(const struct policy_cold *p);
/* when no worker is left */
void policy_cold_fini(struct policy_cold *p);

#endif
