/* SPDX-License-Identifier: BSD-3-Clause */
/* testpmd's icmpecho engine as a child process, stopped whenever it is not being measured. */
#ifndef BENCH_WIRE_TESTPMD_PEER_H
#define BENCH_WIRE_TESTPMD_PEER_H

#include <stdint.h>
#include <sys/types.h>

struct testpmd_control;

struct testpmd_peer {
	pid_t pid;
	int in, out; /* its stdin, its stdout */
	struct testpmd_control *control;
	char path[64]; /* of the control page */
	char *text;    /* of its last answer */
};

/* 0; -1: it is not installed or does not start, `why` says which. Call before EAL starts here. */
int testpmd_start(struct testpmd_peer *t, unsigned forward_cpu, unsigned generator_cpu, const char **why);
/* One sample of n requests: its busy cycles for each received frame. NAN: an answer was wrong or missing. */
double testpmd_sample(struct testpmd_peer *t, unsigned n);
void testpmd_stop(struct testpmd_peer *t);

#endif
