/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP segments of many flows, with right checksums: what steering is measured with. Pure. */
#ifndef BENCH_WIRE_FLOW_FRAME_H
#define BENCH_WIRE_FLOW_FRAME_H

#include <stdint.h>

enum { FLOW_FRAME_LEN = 60 };

struct flow_ends {
	uint8_t mac[6], box_mac[6];
	uint8_t ip[4], box_ip[4];
	uint16_t port, box_port;
};

/* Writes FLOW_FRAME_LEN bytes: a SYN without options. */
void flow_frame_write(const struct flow_ends *e, uint8_t *frame);

#endif
