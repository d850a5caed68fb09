/* SPDX-License-Identifier: BSD-3-Clause */
/* A sender with much to say, and the acknowledgements that it gets: what tests of loss and congestion share.
 */
#ifndef TESTS_REPLAY_TCP_BULK_RIG_H
#define TESTS_REPLAY_TCP_BULK_RIG_H

#include "tests/replay/tcp/tcp_rig.h"

enum { BULK_MSS = 1448, BULK_BUFFER = 1 << 20 };

/* rig_config() with a large send buffer */
struct tcp_config bulk_config(void);
/* one exchange with a known round trip, so that timers have a sample */
void bulk_learn_rtt(struct rig *r, uint32_t ms);
/* a connection with SACK, timestamps and a known round trip; so many full segments written behind the one
 * byte of bulk_learn_rtt(), the first ten of them sent (RFC 6928) and a round trip old */
void bulk_in_flight(struct rig *r, uint32_t rtt_ms, unsigned segments);
/* ACK up to `to`; with one SACK block */
void bulk_ack(struct rig *r, uint32_t to);
void bulk_ack_sack(struct rig *r, uint32_t to, uint32_t start, uint32_t end);

#endif
