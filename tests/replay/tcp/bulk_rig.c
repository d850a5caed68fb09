/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/replay/tcp/bulk_rig.h"

struct tcp_config bulk_config(void)
{
	struct tcp_config c = rig_config();

	c.snd_buffer = BULK_BUFFER;
	return c;
}

void bulk_learn_rtt(struct rig *r, uint32_t ms)
{
	rig_write(r, 1, 1);
	tcp_flush(r->st, r->now);
	rig_expect(r, TCP_ACK, 1, 1, 1);
	rig_wait(r, ms);
	rig_in(r, TCP_ACK, 1, 2, NULL, 0);
	rig_none(r);
}

void bulk_in_flight(struct rig *r, uint32_t rtt_ms, unsigned segments)
{
	struct tcp_config c = bulk_config();

	rig_start(r, &c);
	r->rtt_ms = rtt_ms;
	rig_accept(r, RIG_TS | RIG_SACK | RIG_WS);
	bulk_learn_rtt(r, rtt_ms);
	rig_write(r, segments * BULK_MSS, BULK_MSS);
	tcp_flush(r->st, r->now);
	assert_int_equal(rig_skip(r), segments < 10 ? segments : 10);
	rig_wait(r, rtt_ms);
}

void bulk_ack(struct rig *r, uint32_t to)
{
	rig_in(r, TCP_ACK, 1, to, NULL, 0);
}

void bulk_ack_sack(struct rig *r, uint32_t to, uint32_t start, uint32_t end)
{
	struct tcp_options o = {.n_sack = 1, .sack = {{r->isn + start, r->isn + end}}};

	rig_in_opt(r, TCP_ACK, 1, to, 0, &o);
}
