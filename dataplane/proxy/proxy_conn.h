/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to proxy/: conns: their life, their input cut into messages, their output. */
#ifndef DATAPLANE_PROXY_PROXY_CONN_H
#define DATAPLANE_PROXY_PROXY_CONN_H

#include <sys/uio.h>

#include "dataplane/proxy/proxy_state.h"
#include "dataplane/proxy/proxy_tables.h"

/* ---- proxy_conn.c ---- */

/* by the number that the edge gives back; NULL: it is no more */
struct proxy_conn *proxy_conn_of(struct proxy *p, uint64_t conn);
/* by index and generation, when it can be written to; NULL: not any more */
struct proxy_conn *proxy_conn_up(struct proxy *p, uint32_t index, uint32_t gen);
/* Begins one to a next hop: its index, or PROXY_NONE (no slot, or the edge cannot). */
uint32_t proxy_conn_open(struct proxy *p, const struct link_connect *to, uint32_t hop, uint32_t due_ms);
/* A shadow of a conn of another core, up; names: each behind its length. NULL: no room. */
struct proxy_conn *proxy_conn_shadow(struct proxy *p, const struct link_facts *facts, const char *names,
				     uint32_t names_len);
/* it is no more: who used it is told, its slot is free */
void proxy_conn_gone(struct proxy *p, struct proxy_conn *c);
/* in order, behind what is queued / at once; `closed` follows from the edge. `cause`: static, for the event
 */
void proxy_conn_close(struct proxy *p, struct proxy_conn *c, const char *cause);
void proxy_conn_abort(struct proxy *p, struct proxy_conn *c, const char *cause);
/* something good came of it: it is not one that brings only refusals */
void proxy_conn_used(struct proxy *p, struct proxy_conn *c);
void proxy_conn_refused(struct proxy *p, struct proxy_conn *c);
/* the domain whose message says what this connection carries (verdict REPIN) */
void proxy_conn_pin(struct proxy *p, struct proxy_conn *c, uint8_t source, struct policy_name domain);
void proxy_address_text(const struct base_addr *a, char out[PROXY_ADDRESS_TEXT]);
/* a message has begun and is not whole / output waits for a peer: neither may last */
void proxy_conn_partial(struct proxy *p, struct proxy_conn *c);
void proxy_conn_owes(struct proxy *p, struct proxy_conn *c);
void proxy_conn_timer(struct proxy *p, uint32_t index);

/* ---- proxy_kin.c ---- */

/* Conns of one peer find each other; add: it is up and says who it is. */
void proxy_kin_add(struct proxy *p, struct proxy_conn *c);
void proxy_kin_remove(struct proxy *p, struct proxy_conn *c);
/* Another conn of the same peer, side and identity of ours that answers may take (RFC 3261 section 18.2.2);
 * c may be gone, but not yet be free; `here`: one with a link on this core, no shadow. NULL: none among the
 * newest few. */
struct proxy_conn *proxy_kin_of(struct proxy *p, struct proxy_conn *c, bool here);
/* who is at the other end, as far as another conn of his must agree */
struct proxy_kin_want {
	struct limit_key who;
	uint64_t hash;
	uint32_t identity;
	uint8_t side;
	bool secure;
};
struct proxy_kin_want proxy_kin_want(const struct proxy_conn *c);
/* the same for one that may be no more; `c`: not this one */
struct proxy_conn *proxy_kin_like(struct proxy *p, const struct proxy_kin_want *w, const struct proxy_conn *c,
				  bool here);
/* Is it known who that is? Without a certificate an address is all that is known: enough for a pool that the
 * operator trusts so. */
bool proxy_conn_proven(struct proxy *p, struct proxy_conn *c);

/* A request that policy accepted came over c: does its sender offer the conn for requests of ours (RFC 5923:
 * `;alias` over mutual TLS)? */
void proxy_alias_offer(struct proxy *p, struct proxy_conn *c, const struct sip_via *via);
/* One that was offered for the address, port and identity of h. Whether its certificate has the name that is
 * expected there is still to be asked. PROXY_NONE: there is none. */
uint32_t proxy_alias_find(struct proxy *p, const struct next_hop *h);

/* ---- proxy_in.c ---- */

/* lets a conn that was held or stopped go on */
void proxy_conn_hold(struct proxy *p, struct proxy_conn *c);
void proxy_conn_unhold(struct proxy *p, struct proxy_conn *c);
unsigned proxy_conn_turn(struct proxy *p);

/* ---- proxy_out.c ---- */

/* One whole message. False: it is lost (the conn is ending, or ends now because its peer does not read). */
bool proxy_out(struct proxy *p, struct proxy_conn *c, const struct iovec *iov, int n, uint32_t len);
bool proxy_out_flat(struct proxy *p, struct proxy_conn *c, const void *bytes, uint32_t len);
void proxy_out_flush(struct proxy *p, struct proxy_conn *c);
void proxy_out_free(struct proxy *p, struct proxy_conn *c);

/* its partner is to be judged */
static inline void proxy_conn_near(const struct proxy *p, const struct proxy_conn *c)
{
	__builtin_prefetch(c->near[0]);
	__builtin_prefetch(c->near[1]);
	/* the names of a record lie behind it */
	__builtin_prefetch((const void *)((uintptr_t)c->near[1] + 64));
	__builtin_prefetch(c->near[2]);
	__builtin_prefetch((const void *)((uintptr_t)c->near[2] + 64));
	__builtin_prefetch(&p->shares[c->who_hash % PROXY_SHARES], 1);
}

/* Output of c is to come: steps 0 to LINK_WARM_STEPS - 1, with other work between two of them (link.h). */
static inline void proxy_conn_warm(const struct proxy *p, const struct proxy_conn *c, unsigned step)
{
	if (p->link->warm && !c->shadow)
		p->link->warm(p->ctx, c->id, step);
}

#endif
