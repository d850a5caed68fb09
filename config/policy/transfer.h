/* SPDX-License-Identifier: BSD-3-Clause */
/* From a draft in plain memory to a transaction over the segment: everything but its DNS answers, which are
 * facts. */
#ifndef CONFIG_POLICY_TRANSFER_H
#define CONFIG_POLICY_TRANSFER_H

#include "config/policy/draft.h"
#include "config/policy/writer.h"

/* Called whenever a change must wait: the caller steps its writer (and serves whoever else waits). Non-zero
 * ends the transfer with that. */
typedef int (*policy_transfer_wait_fn)(void *ctx, struct policy_writer *w);

/* Puts every domain and user of the draft, and all of its small tables, into the transaction. What is in the
 * segment and not in the draft stays: deleting it is the caller's. 0, or what a change or wait ended with;
 * then abort. wait NULL: policy_writer_step() alone. */
int policy_transfer(struct policy_txn *txn, struct policy_writer *w, const struct policy_draft *draft,
		    policy_transfer_wait_fn wait, void *ctx);
/* The draft's DNS answers as facts that nobody is charged for: for tests and dry runs. */
int policy_transfer_dns(struct policy_writer *w, const struct policy_draft *draft);

#endif
