/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include "bench/edge/edge_world.h"
#include "dataplane/tls/memory.h"
int main(int argc, char **argv)
{
	struct edge_world w = {argv[1], 1000, 100000};
	char s[300];
	if (edge_world_make(&w)) return 2;
	snprintf(s, 300, "%s/ring1", argv[1]);
	edge_world_ring(&w, s, 1);
	snprintf(s, 300, "%s/ring2", argv[1]);
	edge_world_ring(&w, s, 2);
	return 0;
}
