/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/replay/tcp/eal_rig.h"

#include <stdio.h>
#include <stdlib.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

static struct rte_mempool *pool(const char *what, unsigned n, unsigned room)
{
	struct rte_mempool *p = rte_pktmbuf_pool_create(what, n, 0, 0, (uint16_t)room, SOCKET_ID_ANY);

	if (!p) {
		fprintf(stderr, "pool %s: %s\n", what, rte_strerror(rte_errno));
		exit(1);
	}
	return p;
}

void eal_rig_start(struct eal_rig *e, const char *name, unsigned rx, unsigned tx, unsigned compact)
{
	char program[64];
	char *argv[] = {program,
			(char[]){"--no-huge"},
			(char[]){"--no-shconf"},
			(char[]){"--no-pci"},
			(char[]){"--no-telemetry"},
			(char[]){"-m"},
			(char[]){"256"},
			(char[]){"-l"},
			(char[]){"0"},
			(char[]){"--log-level=error"}};

	snprintf(program, sizeof(program), "%s", name);
	rte_log_set_global_level(RTE_LOG_ERR);
	if (rte_eal_init((int)(sizeof(argv) / sizeof(argv[0])), argv) < 0) {
		printf("EAL does not start here: %s\n", rte_strerror(rte_errno));
		exit(77);
	}
	e->rx = pool("rx", rx, 2048 + RTE_PKTMBUF_HEADROOM);
	e->tx = pool("tx", tx, 2048 + RTE_PKTMBUF_HEADROOM);
	e->compact = pool("compact", compact, 512);
}

unsigned eal_rig_out(const struct eal_rig *e)
{
	return rte_mempool_in_use_count(e->rx) + rte_mempool_in_use_count(e->tx) +
	       rte_mempool_in_use_count(e->compact);
}
