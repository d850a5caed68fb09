/* SPDX-License-Identifier: BSD-3-Clause */
/* What acknowledgements mean: scoreboard (RFC 2018, 6675), RACK-TLP (RFC 8985), NewReno (RFC 6582),
 * proportional rate reduction (RFC 6937), Eifel detection (RFC 3522), F-RTO (RFC 5682). */
#ifndef DATAPLANE_TCP_RECOVERY_H
#define DATAPLANE_TCP_RECOVERY_H

#include "dataplane/tcp/conn.h"

enum { TCP_SACK_STEPS_MAX = 1024 }; /* scoreboard entries that one ACK may make us look at */

/* what one ACK brought */
struct tcp_round {
	uint32_t acked;	    /* sequence space that snd_una moved over */
	uint32_t delivered; /* newly acknowledged, cumulatively or selectively */
	uint32_t lost;	    /* newly marked */
	uint32_t rtt_us;    /* of the oldest segment that was sent once; 0: no sample */
	uint32_t steps;
	bool dsack, sacked;
	bool rexmit_acked;   /* the first one acknowledged had been sent more than once */
	bool original_acked; /* something sent once, not SACKed before, was acknowledged */
};

/* ---- ack.c ---- */

/* An ACK within [snd_una - max window, snd_nxt]: windows, scoreboard, recovery, timers. Sends nothing by
 * itself. False: it was the last one, the connection has ended. */
bool tcp_ack_input(struct tcp_stack *st, struct tcp_conn *c, const struct tcp_segment *s);

/* ---- sack.c ---- */

void tcp_sack_input(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a,
		    const struct tcp_segment *s, struct tcp_round *r);
void tcp_sent_mark_lost(struct tcp_active *a, struct tcp_sent *s);
/* takes every LOST mark back */
void tcp_sent_unmark(struct tcp_active *a);

/* ---- rack.c ---- */

/* `s` was delivered just now */
void tcp_rack_delivered(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a,
			const struct tcp_sent *s, const struct tcp_segment *seg);
/* Marks what must be lost by now; arms nothing; returns us until the next one would be (0: none). */
uint32_t tcp_rack_detect(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a, struct tcp_round *r);
void tcp_rack_dsack(struct tcp_conn *c, struct tcp_active *a, const struct tcp_round *r);
/* us until a probe is due, 0: none may be scheduled */
uint32_t tcp_tlp_timeout(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a);
void tcp_tlp_fire(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a);
void tcp_tlp_ack(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a, const struct tcp_segment *s,
		 const struct tcp_round *r);

/* ---- recovery.c ---- */

/* after each ACK: spurious? over? how much may be sent? */
void tcp_recovery_ack(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a,
		      const struct tcp_segment *s, struct tcp_round *r);
/* the retransmission timer: RFC 5681 3.1, RFC 6298 5.4-5.7 */
void tcp_recovery_timeout(struct tcp_stack *st, struct tcp_conn *c, struct tcp_active *a);

#endif
