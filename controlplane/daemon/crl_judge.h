/* SPDX-License-Identifier: BSD-3-Clause */
/* What was fetched, judged in a thread beside the loop: may it count, is it another one than what is kept? A
 * list that is good is kept. */
#ifndef CONTROLPLANE_DAEMON_CRL_JUDGE_H
#define CONTROLPLANE_DAEMON_CRL_JUDGE_H

#include "controlplane/secret/crl_cache.h"
#include "controlplane/secret/crl_list.h"

struct crl_judging {
	const char *run_dir, *store_dir;
	char url[CRL_URL_MAX], part[CRL_CACHE_PATH]; /* part: the file that was fetched; it goes */
	/* For each trust store that wants it, a line: HASH of its CAs, '+' when these may sign it, else '-'
	 * (a peer's certificate named it), NAME. It is cut up. */
	char *anchors;
	/* out: r 0, or -errno with `why` */
	char why[PEM_WHY_MAX];
	struct crl_facts facts;
	bool changed; /* it is new, and kept */
	int r;
};

void crl_judge(struct crl_judging *j);

#endif
