/* SPDX-License-Identifier: BSD-3-Clause */
/* One page shared between the bench and the generator inside of testpmd's process. */
#ifndef BENCH_WIRE_TESTPMD_CONTROL_H
#define BENCH_WIRE_TESTPMD_CONTROL_H

#include <stdatomic.h>
#include <stdint.h>

#define TESTPMD_CONTROL_ENV "BENCH_WIRE_CONTROL"

struct testpmd_control {
	_Atomic uint32_t ready;	  /* the port is there */
	_Atomic uint32_t ordered; /* samples that the bench asked for */
	_Atomic uint32_t done;	  /* samples that were run */
	uint32_t requests;	  /* of a sample; written before `ordered` */
	uint32_t cpu;		  /* where the generator runs */
	int32_t failed;
	uint64_t answered, wrong;
};

#endif
