/* SPDX-License-Identifier: BSD-3-Clause */
/* Links of the proxy over sessions of TLS, or over bare TCP where the operator said insecure. */
#ifndef DATAPLANE_WORKER_EDGE_LINK_H
#define DATAPLANE_WORKER_EDGE_LINK_H

#include "dataplane/worker/edge_core.h"

struct edge_link {
	uint32_t pool_link, generation; /* the generation is odd while it is in use */
	struct edge *edge;
	uint64_t below; /* the session, or the connection of a plain one */
	uint64_t conn;	/* what the proxy calls it; 0: it does not know it */
	struct base_addr local, remote;
	uint16_t local_port, remote_port;
	uint32_t resume_next;
	uint32_t identity_id; /* policy_identity.id, of a plain one */
	uint8_t side;	      /* enum policy_side */
	uint8_t profile;      /* its place */
	bool outgoing, plain, up, resuming, gone;
	bool revoked; /* its certificate has been revoked since it came up */
	bool refused; /* its certificate is not what the profile asks for */
	bool pinned;  /* known by its key alone: its names are no facts */
	bool told;    /* control knows that its handshake failed */
};

/* ---- edge_link.c ---- */

struct edge_link *edge_link_new(struct edge *e, enum policy_side side, const struct net_tuple *tuple);
void edge_link_free(struct edge_link *l);
/* It is ready. `facts` has what was proven of the peer; the rest is filled in. False: the proxy does not want
 * it. */
bool edge_link_up(struct edge_link *l, struct link_facts *facts);
/* It carries nothing any more, and the proxy is told so; what is below may take a while to end. */
void edge_link_lost(struct edge_link *l, enum link_end end, const char *why);
/* The last event; the proxy is told unless it was lost before. */
void edge_link_closed(struct edge_link *l, enum link_end end, const char *why);
/* reads on in those that the proxy wants more of; how many */
unsigned edge_link_turn(struct edge *e);
extern const struct link_ops edge_links;
/* the address that a connection of this identity to `to` comes from; 0 or -errno */
int edge_link_source(const struct edge *e, uint32_t identity, enum policy_side side,
		     const struct base_addr *to, struct base_addr *from);

/* ---- edge_secure.c ---- */

extern const struct tls_ops edge_secure_ops;
void *edge_secure_accept(void *listener, uint64_t id, const struct net_tuple *tuple);
int edge_secure_connect(struct edge_link *l, const struct link_connect *to, const struct net_tuple *tuple);

/* Places of the identity (0: the first of that side) and of the profile (0: the identity's) for a connection
 * of ours. 0 or -ENOENT. There is a configuration. */
int edge_secure_choose(const struct edge *e, uint8_t side, uint32_t identity, uint32_t tls_profile,
		       struct tls_client_params *p);
struct tls_peer;
/* has the peer one of the names that the profile asks for? */
bool edge_secure_subject_fits(const struct edge *e, unsigned profile, const struct tls_peer *peer,
			      bool pinned);

/* a tls_pinned_fn; the context is the struct edge */
bool edge_secure_pinned(void *ctx, unsigned profile, const uint8_t spki[POLICY_SPKI_LEN]);
/* edge_chain.c, for tls_core_tells() */
bool edge_chain_tell(void *ctx, unsigned profile, const uint8_t *der, size_t len);

/* Looks through links, some each turn, for those whose certificate the lists of this configuration name. */
void edge_secure_sweep(struct edge *e);

/* ---- edge_tell.c ---- */

/* a handshake that did not end well, once for each; `why` NULL: what TLS says of it */
void edge_tell_failed(struct edge_link *l, const struct tls_peer *peer, enum tls_end end,
		      const struct tls_info *info, const char *why);
/* The verdict when there is a bad one, else how it ended; and what libcrypto or the peer said of it. */
void edge_tell_why(char line[EXCHANGE_EVENT_TEXT + 1], enum tls_end end, const struct tls_info *info);

/* ---- edge_plain.c ---- */

/* 0 or what tcp_listen() says */
int edge_plain_listen(struct edge_listener *s);
int edge_plain_connect(struct edge_link *l, const struct net_tuple *tuple);
int edge_plain_reserve(struct edge_link *l, struct link_out *out);
int edge_plain_commit(struct edge_link *l, struct link_out *out, uint32_t len);
int64_t edge_plain_send(struct edge_link *l, const void *data, size_t len);
void edge_plain_resume(struct edge_link *l);

#endif
