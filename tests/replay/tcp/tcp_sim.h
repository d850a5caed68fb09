/* SPDX-License-Identifier: BSD-3-Clause */
/* Two stacks back to back over a path that loses, doubles, reorders, corrupts and delays, on a virtual clock.
 * Everything follows from the seed. */
#ifndef TESTS_REPLAY_TCP_TCP_SIM_H
#define TESTS_REPLAY_TCP_TCP_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/tcp/tcp.h"
#include "tests/replay/tcp/eal_rig.h"

struct sim_path {
	double loss, dup, reorder, corrupt, ce;
	uint32_t delay_us, jitter_us;
	uint64_t rate_bps;	     /* 0: no limit */
	uint32_t queue;		     /* segments that the bottleneck holds; 0: no limit */
	uint16_t mtu;		     /* what does not fit vanishes; 0: no limit */
	uint64_t hole_from, hole_to; /* ns: nothing passes */
};

struct sim_app {
	uint32_t to_send;   /* bytes */
	uint32_t write_max; /* of one tcp_send */
	bool slow_reader;   /* consumes in dribbles */
	bool tso;	    /* its NIC cuts */
	bool half_close;    /* shuts down when it has sent, else when it has received as well */
};

struct sim_result {
	bool ok;
	char why[160];
	uint64_t ns;	     /* virtual, until both ends were closed */
	uint64_t done_ns[2]; /* when all bytes had arrived at side i */
	uint64_t segments, rexmit, rto, trains;
	uint64_t sack_steps, spurious;
};

/* Runs until both sides have ended or `limit_ns` has passed. Side 0 connects. */
struct sim_result sim_run(const struct eal_rig *e, uint64_t seed, const struct sim_path path[2],
			  const struct sim_app app[2], const struct tcp_config config[2], bool v6,
			  uint64_t limit_ns);

#endif
