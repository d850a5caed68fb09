/* SPDX-License-Identifier: BSD-3-Clause */
/* A port made of rings: the wire is whoever holds their other ends (a test, a bench, a second port of the
 * same link). */
#include "drivers/port.h"

#include <errno.h>
#include <stdio.h>

#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ring.h>

enum { RING_SLOTS = 1024 };

static void ring_name(char *to, size_t size, const struct driver_port *p, unsigned direction, unsigned q)
{
	const char *link = p->config.device.link;

	if (*link)
		snprintf(to, size, "sp_l%s.%u.%u", link, direction, q);
	else
		snprintf(to, size, "sp_p%u.%u.%u", p->config.index, direction, q);
}

/* Direction 0 goes to whoever came first on a link; the second one sees the two swapped. */
static struct rte_ring *ring_find(const struct driver_port *p, unsigned direction, unsigned q)
{
	char name[RTE_RING_NAMESIZE];

	ring_name(name, sizeof(name), p, direction, q);
	return rte_ring_lookup(name);
}

static struct rte_ring *ring_get(const struct driver_port *p, unsigned direction, unsigned q)
{
	struct rte_ring *r = ring_find(p, direction, q);
	char name[RTE_RING_NAMESIZE];

	if (r)
		return r;
	ring_name(name, sizeof(name), p, direction, q);
	/* a link's ends may have different numbers of workers, so only a bare ring is known to have one of
	 * each */
	return rte_ring_create(name, RING_SLOTS, p->socket,
			       *p->config.device.link ? 0 : RING_F_SP_ENQ | RING_F_SC_DEQ);
}

int driver_ring_open(struct driver_port *p, unsigned queues)
{
	struct rte_ring *rx[DRIVER_QUEUES_MAX], *tx[DRIVER_QUEUES_MAX];
	bool second = *p->config.device.link && ring_find(p, 0, 0);
	char name[32];
	int id;

	for (unsigned q = 0; q < queues; q++) {
		rx[q] = ring_get(p, second, q);
		tx[q] = ring_get(p, !second, q);
		if (!rx[q] || !tx[q])
			return -ENOMEM;
	}
	snprintf(name, sizeof(name), "sp%u", p->config.index);
	id = rte_eth_from_rings(name, rx, queues, tx, queues, (unsigned)p->socket);
	if (id < 0)
		return rte_errno ? -rte_errno : -EIO;
	p->id = (uint16_t)id;
	return 0;
}

struct rte_ring *driver_ring_to(const struct driver_port *p, unsigned q)
{
	return p->config.device.kind == DRIVER_RING ? ring_find(p, 0, q) : NULL;
}

struct rte_ring *driver_ring_from(const struct driver_port *p, unsigned q)
{
	return p->config.device.kind == DRIVER_RING ? ring_find(p, 1, q) : NULL;
}
