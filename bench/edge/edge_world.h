/* SPDX-License-Identifier: BSD-3-Clause */
/* The files that everybody in the edge's bench reads: certificates, the box's policy, Kamailio's table. */
#ifndef BENCH_EDGE_EDGE_WORLD_H
#define BENCH_EDGE_EDGE_WORLD_H

#include "bench/edge/edge_certs.h"

struct edge_world {
	const char *dir;
	unsigned partners; /* with a certificate and a connection each: pN.test */
	unsigned domains;  /* allowed ones in all, the partners' among them */
};

/* Certificates; DIR/policy.conf, the settings of the box but for its ports; DIR/db/allowed, a table for
 * Kamailio's db_text. 0 or -1. */
int edge_world_make(const struct edge_world *w);
/* SUB/box.conf, made here: a box of ring ports, with so many connections to one next hop. 0 or -1. */
int edge_world_ring(const struct edge_world *w, const char *sub, unsigned workers, unsigned connections);

#endif
