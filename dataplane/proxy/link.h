/* SPDX-License-Identifier: BSD-3-Clause */
/* What the proxy needs from the connections below: bytes in order, who is at the other end, and an end. The
 * worker binds it to TLS over TCP, tests bind it to scripts. The proxy knows neither.
 *
 * A link is named from below by an id (the edge's own number, never 0) and from above by a conn (the proxy's
 * own number, never 0). The edge keeps the conn and gives it with every event; a stale one is ignored by the
 * side that gets it. All calls and events of a link run on one worker. Calls are allowed inside of every
 * event; events never come from inside of a call, but from the edge's own turn. */
#ifndef DATAPLANE_PROXY_LINK_H
#define DATAPLANE_PROXY_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/policy/facts.h"
#include "dataplane/base/addr.h"

enum { LINK_NONE = 0, LINK_HASH_LEN = 32 };

enum link_side {
	LINK_EXTERNAL, /* partners */
	LINK_INTERNAL, /* our pool */
};

/* why a link is no more, or never came to be */
enum link_end {
	LINK_END_CLOSED,      /* in order, by either side */
	LINK_END_REFUSED,     /* nobody answers at that address: RST, ICMP */
	LINK_END_UNREACHABLE, /* no answer in time, no route */
	LINK_END_TLS,	      /* handshake failed */
	LINK_END_CERTIFICATE, /* the peer's chain, dates or revocation are bad */
	LINK_END_RESET,	      /* cut after it was up */
	LINK_END_LOCAL,	      /* no resources here */
};

/* What is known when a link is up. `names`, like all that is pointed at, stays as long as the link lives. */
struct link_facts {
	uint8_t side;	  /* enum link_side */
	bool outgoing;	  /* we opened it */
	bool secure;	  /* TLS; false only where the operator said insecure */
	bool certificate; /* chain, dates and possession of the key were proven */
	bool pinned_only; /* possession of a key that somebody pins, and nothing else: names_n is 0 */
	bool has_spki;
	uint8_t eku;	  /* enum policy_eku_bit */
	uint16_t names_n; /* N, in peer_name() */
	uint32_t
		identity; /* of ours, that the listener (after SNI) or the caller chose: policy_identity.id */
	struct base_addr local, remote;
	uint16_t local_port, remote_port;
	uint8_t spki[LINK_HASH_LEN];
	uint8_t issuer_serial[LINK_HASH_LEN];
	const char *suite; /* of TLS, for who reads events; static; NULL: none */
};

struct link_connect {
	uint8_t side;	     /* enum link_side: which certificate of ours, which trust */
	uint8_t tls_profile; /* policy_tls_profile.id, 0: the identity's */
	bool insecure;	     /* no TLS */
	uint32_t identity;   /* policy_identity.id: certificate and source address */
	struct base_addr ip;
	uint16_t port;
	struct policy_name sni; /* len 0: none. Names are judged above, in `up` */
};

struct link_out {
	uint64_t handle[2]; /* the edge's */
	uint8_t *data;
	uint32_t room;
};

enum { LINK_WARM_STEPS = 4 };

/* Downward. `ctx` is the edge. All are required, but `warm` and `stuck`. */
struct link_ops {
	/* Begins a connection; proxy_link_up() or proxy_link_closed() follows for `conn`. 0 and *id, or
	 * -errno when it cannot begin (nothing follows). */
	int (*connect)(void *ctx, const struct link_connect *to, uint64_t conn, uint64_t *id);
	/* Room for output without a copy: fill out->data, at most out->room bytes, then commit() with how
	 * many, 0 to give it back. -EAGAIN: no room, `writable` comes. Other errors: the link is ending. */
	int (*reserve)(void *ctx, uint64_t id, struct link_out *out);
	int (*commit)(void *ctx, uint64_t id, struct link_out *out, uint32_t len);
	/* Takes as much as it has room for: how many bytes (fewer than len: `writable` comes), or -errno. */
	int64_t (*send)(void *ctx, uint64_t id, const void *data, size_t len);
	/* i < facts.names_n; lower case; stays as long as the link */
	struct policy_name (*peer_name)(void *ctx, uint64_t id, unsigned i);
	/* after data() took less than it was given: again, please */
	void (*resume)(void *ctx, uint64_t id);
	/* in order, behind what is queued; no event follows but `closed` */
	void (*close)(void *ctx, uint64_t id);
	void (*abort)(void *ctx, uint64_t id);
	/* Output is to come: calls for memory that it will need, and waits for none. Steps from 0 to
	 * LINK_WARM_STEPS - 1, with other work between two of them. NULL: nothing to be called for. */
	void (*warm)(void *ctx, uint64_t id, unsigned step);
	/* For how many ms the other end has taken nothing of what it is sent, though it was asked more than
	 * once; 0: it takes, or nothing waits. NULL: that is not known. */
	uint32_t (*stuck)(void *ctx, uint64_t id);
};

#endif
