/* SPDX-License-Identifier: BSD-3-Clause */
/* EAL without hardware and the pools that the TCP tests share. */
#ifndef TESTS_REPLAY_TCP_EAL_RIG_H
#define TESTS_REPLAY_TCP_EAL_RIG_H

#include <stdint.h>

#include <rte_mbuf.h>

struct eal_rig {
	struct rte_mempool *rx, *tx, *compact;
};

/* exits 77 (skip) when EAL cannot start here */
void eal_rig_start(struct eal_rig *e, const char *name, unsigned rx, unsigned tx, unsigned compact);
/* mbufs that are out, of all pools: 0 when nothing leaked */
unsigned eal_rig_out(const struct eal_rig *e);

#endif
