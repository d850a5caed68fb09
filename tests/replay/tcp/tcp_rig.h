/* SPDX-License-Identifier: BSD-3-Clause */
/* One stack, a scripted peer and a clock that the test moves. Sequence numbers are relative: S(n) of ours,
 * P(n) of the peer's, both counted from the ISN, so that the first byte of data is 1. */
#ifndef TESTS_REPLAY_TCP_TCP_RIG_H
#define TESTS_REPLAY_TCP_TCP_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/tcp/header.h"
#include "dataplane/tcp/tcp.h"
#include "tests/replay/tcp/eal_rig.h"

enum { RIG_OUT_MAX = 4096, RIG_RX_MAX = 1 << 20 };

/* options that the peer offers */
enum { RIG_TS = 1, RIG_SACK = 2, RIG_WS = 4, RIG_ECN = 8 };

struct rig_segment {
	uint8_t flags, tos;
	uint32_t seq, ack, len; /* relative */
	uint16_t window, sport, dport;
	uint64_t at_ns;
	struct tcp_options opt;
	uint8_t data[2048];
};

struct rig {
	struct tcp_stack *st;
	struct tcp_config config;
	uint64_t now, begin;
	struct rig_segment *out; /* what the stack sent */
	unsigned n_out, taken;
	uint32_t isn, pisn; /* ours, the peer's */
	uint16_t window;    /* what the peer offers */
	uint16_t pport, port;
	struct base_addr local, remote;
	bool ts; /* the peer puts timestamps on */
	uint32_t ts_val, ts_ecr;
	uint8_t ecn; /* of the next segments from the peer */
	/* the upper layer */
	uint64_t id;
	bool hold;   /* does not consume */
	bool refuse; /* accept says no */
	bool answer; /* sends as many bytes as it gets */
	bool close_on_eof;
	unsigned accepted, connected, readable, writable, eof, closed, deadlines;
	enum tcp_end end;
	uint32_t n_rx;
	uint8_t *rx;
	bool drop_output; /* counts only */
	uint16_t mtu;
	uint32_t rtt_ms; /* of the handshake */
	unsigned base;	 /* buffers that were out before */
	unsigned total_out;
};

extern struct eal_rig rig_eal;

int rig_group_setup(void **state);
/* fresh defaults for a small stack; change, then rig_start */
struct tcp_config rig_config(void);
void rig_start(struct rig *r, const struct tcp_config *config);
/* destroys it and fails when a buffer is still out */
void rig_end(struct rig *r);

/* a segment from the peer; data NULL: a pattern */
void rig_in(struct rig *r, uint8_t flags, uint32_t seq, uint32_t ack, const void *data, uint32_t len);
void rig_in_opt(struct rig *r, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t len,
		const struct tcp_options *opt);
/* bytes as they are: a header and more */
void rig_in_raw(struct rig *r, const void *bytes, uint32_t len);
/* moves the clock and runs timers */
void rig_wait_us(struct rig *r, uint64_t us);
void rig_wait(struct rig *r, uint64_t ms);
/* the next segment that the stack sent; fails if there is none */
const struct rig_segment *rig_out(struct rig *r);
const struct rig_segment *rig_expect_at(struct rig *r, uint8_t flags, uint32_t seq, uint32_t ack,
					uint32_t len, const char *file, int line);
#define rig_expect(r, flags, seq, ack, len) rig_expect_at(r, flags, seq, ack, len, __FILE__, __LINE__)
void rig_none_at(struct rig *r, const char *file, int line);
#define rig_none(r) rig_none_at(r, __FILE__, __LINE__)
/* forgets what was sent; how many segments it was */
unsigned rig_skip(struct rig *r);

/* handshakes; `offer`: RIG_TS … */
void rig_accept(struct rig *r, unsigned offer);
void rig_connect(struct rig *r, unsigned offer);
/* n bytes in mbufs of at most `piece` */
int rig_write(struct rig *r, uint32_t n, uint32_t piece);
uint64_t rig_counter(const struct rig *r, enum tcp_counter c);
uint64_t rig_drop(const struct rig *r, enum tcp_drop d);
struct tcp_info rig_info(struct rig *r);
uint8_t rig_pattern(uint32_t at);

#define rig_test(f) cmocka_unit_test(f)

#endif
