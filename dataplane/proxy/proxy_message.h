/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to proxy/: what happens to a message. */
#ifndef DATAPLANE_PROXY_PROXY_MESSAGE_H
#define DATAPLANE_PROXY_PROXY_MESSAGE_H

#include "dataplane/proxy/proxy_state.h"
#include "dataplane/proxy/refusal.h"

/* A request on its way through: judged and sent, or parked, or refused. */
struct proxy_passing {
	struct proxy_conn *c; /* its sender's */
	uint32_t conn;
	const struct sip_msg *m;
	struct server_half *s; /* NULL: it just came, and gets a half when it needs one */
	uint64_t key;	       /* via_server_key() */
	uint64_t loop;	       /* via_loop_hash(), as soon as `hashed` */
	bool hashed;
	struct via_scan vias;
	struct sip_core core;
	struct route_found route;
	struct facts_from facts;
	struct policy_verdict verdict;
	bool limited; /* by its class: proxy_limit_pass() found so */
	struct policy_shortfall shortfall;
	bool back; /* it is an answer: where the request came from is not left out */
	unsigned targets_n;
	struct policy_name domain; /* whose targets: what EXPECT_DOMAIN allows */
	struct policy_target targets[PROXY_TARGETS];
};

/* ---- proxy_request.c ---- */

/* `m` came on conn: whole, indexed, unread */
void proxy_request_in(struct proxy *p, uint32_t conn, const struct sip_msg *m);
void proxy_malformed_in(struct proxy *p, uint32_t conn, const struct sip_msg *m, enum sip_reason why);

/* ---- proxy_response.c ---- */

void proxy_response_in(struct proxy *p, uint32_t conn, const struct sip_msg *m);

/* ---- proxy_forward.c ---- */

/* Vias of ours that r carries, by m and core. Its own loop hash is made only if there are any: what is
 * answered here never needs it. */
void proxy_vias(struct proxy *p, struct proxy_passing *r);
/* Is what just came here already (section 17.2.3)? Then it is counted, and ends. */
bool proxy_repeats(struct proxy *p, const struct proxy_passing *r);
/* r->c, conn, m, s, key, vias and core are there; the rest is filled here */
void proxy_forward(struct proxy *p, struct proxy_passing *r);
/* the same for a half that waited: reads its copy again */
void proxy_forward_again(struct proxy *p, struct server_half *s);
/* The copy of a half that waits, read again into p->pass_again. False: it cannot be. */
bool proxy_read_again(struct proxy *p, struct server_half *s);
/* Facts and verdict of r by the present policy, over r->c. Another reason than ACCEPTED: refused before any
 * rule was asked, there is no verdict. */
enum policy_reason proxy_judge(struct proxy *p, struct proxy_passing *r);
/* One question a second for one name and kind, however many requests need its answer. */
void proxy_ask(struct proxy *p, uint64_t asker, const struct policy_ask *what);
uint64_t proxy_target_hash(const struct proxy *p, const struct policy_target *t);
/* From here on it is a transaction, and has a half. False: there is no room. */
bool proxy_take(struct proxy *p, struct proxy_passing *r);
/* an extension is needed that we do not have */
extern const struct sip_validate_rules proxy_rules, proxy_rules_end;

/* ---- proxy_request.c ---- */

/* the INVITE of this key is cancelled; false: there is none here */
bool proxy_cancel_key(struct proxy *p, uint64_t key);
/* to a CANCEL: 200, or 481 */
void proxy_cancel_answer(struct proxy *p, struct proxy_conn *c, const struct sip_msg *m, bool found);

/* ---- proxy_targets.c ---- */

/* Fills targets, in the order to try, and shortfall, from an accepting verdict. */
void proxy_targets(struct proxy *p, struct proxy_passing *r, uint64_t seed);
/* The same for an answer to whom `stored` names; NULL: to the pool of our domain `own`. Fills what of r it
 * needs but r->c. */
void proxy_targets_back(struct proxy *p, struct proxy_passing *r, const struct policy_stored *stored,
			struct policy_name own, uint32_t partner, uint32_t identity);
/* r leaves over this side */
uint8_t proxy_leaves(const struct proxy_passing *r);
/* the face of ours that r goes through */
uint32_t proxy_identity(const struct proxy_passing *r);

/* ---- proxy_send.c ---- */

/* Edits r and sends it over conn; r->s is linked with its new client half. False: this conn or this message
 * will not do; `*reason` says which. */
bool proxy_send(struct proxy *p, struct proxy_passing *r, uint32_t conn, const struct policy_target *target,
		enum policy_reason *reason);

/* ---- proxy_refuse.c ---- */

/* fills what every answer of ours to requests of this side has */
void proxy_refusal_init(struct proxy *p, struct refusal *r, uint8_t side, uint32_t identity,
			const struct proxy_conn *c);
/* answers m, which has no half, or discards it when it must not be answered */
void proxy_refuse(struct proxy *p, struct proxy_conn *c, const struct sip_msg *m, struct refusal *how);
void proxy_refuse_status(struct proxy *p, struct proxy_conn *c, const struct sip_msg *m, unsigned status);
/* of a half or of none: with r->verdict, or with a reason of ours */
void proxy_refuse_verdict(struct proxy *p, struct proxy_passing *r);
void proxy_refuse_reason(struct proxy *p, struct proxy_passing *r, enum policy_reason reason);
/* faster than its limit class: 503, come back after so many seconds */
void proxy_refuse_limit(struct proxy *p, struct proxy_passing *r, uint32_t retry_after_s);

#endif
