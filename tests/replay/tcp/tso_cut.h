/* SPDX-License-Identifier: BSD-3-Clause */
/* What hardware with TSO does with a chain, and what it may expect of one. */
#ifndef TESTS_REPLAY_TCP_TSO_CUT_H
#define TESTS_REPLAY_TCP_TSO_CUT_H

#include <rte_mbuf.h>

/* Cuts `m` (data from the TCP header on, m->tso_segsz set; it stays the caller's) into segments of one buffer
 * each from `pool`, hands them to `take`, and returns NULL; or what is wrong with the chain. */
const char *tso_cut(const struct rte_mbuf *m, struct rte_mempool *pool,
		    void (*take)(void *ctx, struct rte_mbuf *segment), void *ctx);

#endif
