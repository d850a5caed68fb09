/* SPDX-License-Identifier: BSD-3-Clause */
/* The branch of our Via: it names the client half of a transaction, so that a response finds it by index;
 * carries the loop hash of RFC 5393 section 4.2; and a keyed check, so that only branches of ours are looked
 * up. What refuses a forged response is not the check but that it must come from the peer to which the branch
 * was sent: the caller's part. Pure. */
#ifndef DATAPLANE_PROXY_VIA_BRANCH_H
#define DATAPLANE_PROXY_VIA_BRANCH_H

#include "config/policy/name.h"
#include "dataplane/base/sipmac.h"
#include "dataplane/sip/sip_core.h"

enum { VIA_SECRET_LEN = 16, VIA_BRANCH_LEN = 64 };

struct via_key {
	struct siphash_key mac;
	struct siphash_key loop; /* made of it: what is hashed with this goes out in our branches */
	uint16_t epoch;		 /* differs from start to start: a branch is never used twice */
};

/* from 16 secret bytes that were drawn at this start (or are shared by the pool) */
void via_key_load(struct via_key *key, const uint8_t secret[VIA_SECRET_LEN], uint16_t epoch);

enum via_branch_flag {
	VIA_BRANCH_SHARED = 1,	 /* crossed the shared address space (verdict flag SHARED_HOP) */
	VIA_BRANCH_OUTBOUND = 2, /* left over the external side */
	VIA_BRANCH_PING = 4,	 /* a request of our own: OPTIONS to a next hop */
};

struct via_branch {
	uint8_t core;
	uint8_t flags; /* enum via_branch_flag */
	uint16_t epoch;
	uint32_t slot, generation;
	uint64_t loop; /* via_loop_hash() of the request as it came in */
};

/* Writes VIA_BRANCH_LEN characters, "z9hG4bK" included, lower-case only: survives whoever folds case. The
 * epoch is the key's. */
void via_branch_mint(const struct via_key *key, const struct via_branch *b, char out[VIA_BRANCH_LEN]);

/* Is this one of ours, of this key? Any case. The epoch in *out tells branches of an earlier start. */
bool via_branch_read(const struct via_key *key, const char *text, size_t len, struct via_branch *out);

/* The response's topmost Via: names it a client half of this start on `core`? */
bool via_branch_of(const struct via_key *key, const struct sip_msg *m, const struct sip_via *via,
		   struct via_branch *out);

/* RFC 5393 section 4.2.2: what decides where the request goes (Request-URI, Route, Proxy-Require) and which
 * request it is (From and To tag, Call-ID, number of CSeq), as they came in. A spiral changes it, a loop does
 * not. */
uint64_t via_loop_hash(const struct via_key *key, const struct sip_msg *m, const struct sip_core *core);

struct via_scan {
	uint16_t ours; /* Vias that we made */
	bool loop;     /* one of them had this hash: 482 */
	bool shared;   /* one of them crossed the shared address space: facts.shared_hop */
};

/* False: no Via of this request can be ours, and what via_scan() would find is all zero. Cheap; to know it
 * takes no hash. */
bool via_any_ours(const struct sip_msg *m);

/* all Vias of a request; `loop` is via_loop_hash() of it */
void via_scan(const struct via_key *key, const struct sip_msg *m, uint64_t loop, struct via_scan *out);

/* "Via: SIP/2.0/TLS host:port;branch=…[;alias]" without CRLF: length or -ENOSPC. `secure` false: TCP. */
int via_line(const struct via_key *key, const struct via_branch *b, struct policy_name host, uint16_t port,
	     bool secure, bool alias, char *out, uint32_t size);

/* Key of the second index (upstream branch in any case, sent-by, method class): RFC 3261 section 17.2.3. ACK
 * and CANCEL of an INVITE: pass INVITE as `method` to find it. Without the magic cookie (RFC 2543)
 * Request-URI, To tag, From tag, Call-ID and CSeq number go in as section 17.2.3 says, but for the To tag,
 * which an ACK and a CANCEL have otherwise. `peer` is any number of who sent it, the same on all of his
 * connections: nobody can cancel what another one asked for. */
uint64_t via_server_key(const struct siphash_key *key, const struct sip_msg *m, const struct sip_core *core,
			enum sip_method method, uint64_t peer);

#endif
