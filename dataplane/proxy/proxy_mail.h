/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to proxy/: messages that cross to another core.
 *
 * A next hop has its connections on few cores (1–4 for the whole box). A request that was framed, read and
 * judged here and belongs there crosses once, as the bytes that came: there it arrives on a shadow of its
 * conn, which has the peer's facts and no link, and is dealt with wholly. What is to go up over a shadow
 * crosses back as bytes that are ready to be sent. So both halves of a transaction live on one core and
 * nothing is shared but the rings.
 *
 * A limited peer is counted on one core, its home: the others ask it here (limit_gate.h) before such a
 * request goes anywhere.
 *
 * A ring that is full: the request is dealt with where it is; an answer waits in its shadow's output chain; a
 * question to the limits waits with its request.
 */
#ifndef DATAPLANE_PROXY_PROXY_MAIL_H
#define DATAPLANE_PROXY_PROXY_MAIL_H

#include "dataplane/proxy/mail_ring.h"
#include "dataplane/proxy/proxy_message.h"

struct proxy_mail {
	unsigned cores;
	size_t bytes;
	struct mail_ring *ring; /* [from * cores + to] */
	struct moved *moved;
};

/* The core that an accepted request of this core belongs to; our own: it stays. */
unsigned proxy_mail_core(const struct proxy *p, const struct proxy_passing *r);
/* Sends it there. False: no room, it stays. */
bool proxy_mail_request(struct proxy *p, struct proxy_conn *c, unsigned core, const struct sip_msg *m,
			uint64_t key);
/* CANCEL or ACK whose transaction may have crossed (`key` is that of its INVITE): true: sent after it */
bool proxy_mail_follow(struct proxy *p, struct proxy_conn *c, const struct sip_msg *m, uint64_t key);

/* CANCEL of whose INVITE (`key`) this core knows nothing, for it came over another connection of its sender:
 * the other cores are asked, one after the other, and proxy_cancel_answer() follows. False: nobody is asked.
 */
bool proxy_mail_cancel(struct proxy *p, struct proxy_conn *c, const struct sip_msg *m, uint64_t key);

/* Limits: is there room for a question to that core? Then send it, or a report. `who` waits for the answer.
 */
bool proxy_mail_limit_room(struct proxy *p, unsigned core);
bool proxy_mail_limit_ask(struct proxy *p, unsigned core, const struct limit_question *q,
			  struct proxy_half who);
bool proxy_mail_limit_answer(struct proxy *p, unsigned core, const struct limit_answer *a,
			     struct proxy_half who);

/* of a shadow: up to len bytes to its conn; -EAGAIN, or all of them */
int proxy_mail_out(struct proxy *p, struct proxy_conn *shadow, const struct iovec *iov, int n, uint32_t len);
void proxy_mail_close(struct proxy *p, struct proxy_conn *shadow);
/* of a conn that has shadows: it is gone */
void proxy_mail_closed(struct proxy *p, struct proxy_conn *c);
unsigned proxy_mail_turn(struct proxy *p);
/* frees the shadows that said close */
void proxy_mail_shadow_gone(struct proxy *p, struct proxy_conn *shadow);

#endif
