/* SPDX-License-Identifier: BSD-3-Clause */
/* The single writer of a policy segment. All calls come from one thread and none of them waits: what needs
 * memory or a grace period that is not there yet returns -EAGAIN, and policy_writer_step() from the caller's
 * loop brings it about. Between two calls the caller may serve others, so that a commit of a million changes
 * never delays an emergency block.
 *
 * A transaction makes its changes with a generation that nobody sees yet; commit is one store. At most one
 * `staged` transaction (bulk: its generation is reserved ahead) and one plain one are open; plain ones take
 * the generations between, and what they change is not changed again by the staged one: the operator's later
 * word stands. */
#ifndef CONFIG_POLICY_WRITER_H
#define CONFIG_POLICY_WRITER_H

#include "config/policy/root.h"
#include "config/policy/table_write.h"
#include "config/policy/view.h"
#include "config/segment/segment.h"

#define POLICY_SEGMENT_NAME "policy"

struct policy_writer;
struct policy_txn;

struct policy_writer_config {
	struct segment_config segment; /* user_abi is filled in here */
	struct keyhash_key key;	       /* random: the caller's */
	uint64_t domains, users;       /* how many are expected: the first size of the indexes */
	uint32_t facts;		       /* DNS answers that are kept, 0: 4096 */
	uint64_t limbo_bytes;	       /* 0: 64 MiB. Of commits that wait for readers. */
};

/* Makes a new segment with empty tables beside whatever there is, and opens it. It takes the name (and the
 * old one's place) with policy_writer_publish(), so that it can be filled first. 0 or -errno; *why says more.
 */
int policy_writer_create(struct policy_writer **out, const struct policy_writer_config *cfg,
			 enum segment_refusal *why);
int policy_writer_publish(struct policy_writer *w);
/* Takes over an existing segment: undoes what was not published, finds what is free. cfg->segment's dir and
 * name, and limbo_bytes are read. -EBUSY: a writer lives; -EBADMSG: damaged (make a new one from the store).
 */
int policy_writer_open(struct policy_writer **out, const struct policy_writer_config *cfg,
		       enum segment_refusal *why);
void policy_writer_close(struct policy_writer *w);

/* Background work, at most about `units` entries or buckets (512 stays below 250 µs; a tenth of a millisecond
 * is waited when nothing goes on without memory that is being made). 1: call again soon, 0: nothing to do
 * now, -ENOSPC and the like: memory cannot grow (reported once; commits that need more are refused). */
int policy_writer_step(struct policy_writer *w, unsigned units);
enum { POLICY_WRITER_UNITS = 512 };

uint32_t policy_writer_generation(const struct policy_writer *w);

/* NULL when one of that kind is open already, or without memory */
struct policy_txn *policy_txn_begin(struct policy_writer *w, bool staged);
/* Changes. 0; -EAGAIN step and call again; -EBUSY silent readers hold the limbo at its budget (only
 * policy_writer_block() goes on); -ENOSPC; -EINVAL the name is not canonical; -ELOOP make the segment anew.
 * What fails has changed nothing. entry->partner and ->comment are ignored: the record (NULL: none) and the
 * text are stored with the entry. The slot follows from the entry's type and flags. */
int policy_txn_put_domain(struct policy_txn *txn, struct policy_name name, const struct policy_domain *entry,
			  const struct policy_partner *partner, struct policy_name comment);
/* 0 also when there is none */
int policy_txn_del_domain(struct policy_txn *txn, struct policy_name name, unsigned slot);
int policy_txn_put_user(struct policy_txn *txn, struct policy_address address, const struct policy_user *user,
			struct policy_name email);
int policy_txn_del_user(struct policy_txn *txn, struct policy_address address);
/* the whole of one small table; each record begins with its size */
int policy_txn_small(struct policy_txn *txn, enum policy_small which, const void *const *records, unsigned n);
/* Publishes: one store. 0, or -EAGAIN / -ENOSPC when there is no memory for a root (the transaction stays
 * open). Ends the transaction on 0. */
int policy_txn_commit(struct policy_txn *txn);
void policy_txn_abort(struct policy_txn *txn);

/* The same, stepping and sleeping until it is done or timeout_ms are over (-ETIMEDOUT): for tools and tests.
 */
int policy_writer_settle(struct policy_writer *w, int timeout_ms);

/* Emergency: visible when it returns. Uses memory that is kept for it. -EBUSY while a plain transaction is
 * open. */
int policy_writer_block(struct policy_writer *w, struct policy_name name, bool subtree);
int policy_writer_unblock(struct policy_writer *w, struct policy_name name, bool subtree);

struct policy_writer_stats {
	uint32_t generation;
	uint64_t domains, users; /* versions that are linked */
	uint64_t domain_buckets, user_buckets;
	uint64_t segment_bytes; /* all extents */
	uint64_t table_bytes;	/* entries, tails, buckets in use */
	uint64_t free_bytes;
	uint64_t limbo_items; /* waiting for grace periods */
	unsigned blocking;    /* bit mask of reader areas that hold them up */
	uint64_t commits, blocks, refused;
};

void policy_writer_stats(const struct policy_writer *w, struct policy_writer_stats *out);
/* the segment under it, for tests (hook) and for readers in the same process */
struct segment *policy_writer_segment(struct policy_writer *w);

#endif
