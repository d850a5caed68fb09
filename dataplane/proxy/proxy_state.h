/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to proxy/: the objects of one worker. All live in pools and name each other by index; what may
 * outlive the other side is named with its generation too.
 *
 *   conn          a link and what was read of it
 *   server half   a request that somebody sent us: its bytes, where it stands, what its sender was told
 *   client half   the same request as it went to one next hop
 *   hop           one next hop of one identity under one expected name, with its conns and who waits for one
 */
#ifndef DATAPLANE_PROXY_PROXY_STATE_H
#define DATAPLANE_PROXY_PROXY_STATE_H

#include <string.h>

#include "config/policy/choice.h"
#include "config/policy/decide.h"
#include "dataplane/base/rng.h"
#include "dataplane/base/siphash.h"
#include "dataplane/base/wheel.h"
#include "dataplane/proxy/backoff.h"
#include "dataplane/proxy/facts_from.h"
#include "dataplane/proxy/limit_peer.h"
#include "dataplane/proxy/moved.h"
#include "dataplane/proxy/proxy.h"
#include "dataplane/proxy/proxy_buf.h"
#include "dataplane/proxy/route_sign.h"
#include "dataplane/proxy/via_branch.h"
#include "dataplane/sip/sip_edit.h"
#include "dataplane/sip/sip_frame.h"
#include "dataplane/sip/sip_validate.h"

enum {
	PROXY_NONE = 0xffffffff,
	PROXY_NAMES_INLINE = 3,
	PROXY_HOP_CONNS = 4,
	PROXY_HOP_PLACES =
		PROXY_HOP_CONNS + 1, /* when all are stuck, one more tells whether the next hop lives */
	PROXY_TRIED = 8,	     /* next hops that one request may try */
	PROXY_TARGETS = 16,	     /* that are looked at for one request */
	PROXY_CROSSED = 65536,	     /* INVITEs that crossed, as far as they are remembered */
	PROXY_UNSAID = 4096,
	PROXY_SHADOWS = 8192, /* buckets */
	PROXY_ALIASES = 4096, /* accepted conns that may carry requests of ours */
	PROXY_ASKED = 1024,   /* questions that are remembered */
	PROXY_RETRY_S = 5,    /* who found no room may come again then */
	PROXY_RETURNS = 256,  /* senders whose ways back are counted */
	PROXY_SHARES = 4096,  /* places for what peers use */
	PROXY_BURST = 32,     /* messages of one conn in one turn */
	PROXY_ADDRESS_TEXT = 48,
	CLIENT_NAMES = 56,
	PROXY_SCRATCH = 192 << 10, /* texts of the edits of one message */
};

/* member of a list that lives in objects of one pool */
struct proxy_member {
	uint32_t next, prev;
};

enum proxy_conn_state {
	PROXY_CONN_FREE,
	PROXY_CONN_OPENING,
	PROXY_CONN_UP,
	PROXY_CONN_ENDING, /* close or abort was said; `closed` is awaited */
};

enum proxy_ping { PROXY_PING_IDLE, PROXY_PING_DUE, PROXY_PING_SENT, PROXY_PING_NEVER };

struct proxy_conn {
	uint32_t link_in_pool; /* the pool's own while free */
	uint32_t gen;
	uint8_t state, side; /* up to here readable while free */
	uint8_t ping;	     /* enum proxy_ping */
	bool pongs;	     /* answered one of ours */
	bool outgoing, secure, eof;
	bool shadow; /* of a conn of another core: `id` is its number there */
	uint8_t shadow_core;
	bool plain_in;	   /* without TLS, and not opened by us */
	bool stopped;	   /* reads nothing until its own output is gone */
	bool carried;	   /* outgoing: a request was sent over it */
	bool was_up;	   /* outgoing: it was ready once */
	bool late;	   /* outgoing: not ready in time, and cut off for that */
	bool stuck;	   /* outgoing: takes nothing of what it is sent; new requests go elsewhere */
	const char *cause; /* why we end it; static, NULL: we do not */
	bool in_ready;	   /* waits in the queue of those that may go on */
	uint64_t id;
	uint64_t refused_since_ns; /* nothing but refusals since then; 0: not so */
	uint32_t used_ms;
	uint32_t in, in_len; /* bytes that are not yet a whole message */
	struct sip_frame frame;
	uint32_t out_head, out_tail, out_bytes; /* chain of buffers */
	uint32_t servers, clients;		/* heads of lists of halves */
	uint32_t clients_n, servers_n;
	uint32_t parked_n;   /* requests that wait */
	uint32_t partial_ms; /* when the message in `in` began */
	uint32_t out_ms;     /* when the peer took output last */
	uint32_t stuck_ms;   /* when `stuck` was seen first */
	uint32_t limited_n;  /* requests that a limit holds */
	uint32_t hop;	     /* outgoing: whose */
	uint32_t identity;
	struct wheel_link timer;
	struct proxy_member held_at, kin_at;
	uint8_t limit_class;  /* of the last request: 0 when it was under no limits */
	bool kin;	      /* is found by who is at the other end */
	uint32_t domains_buf; /* partners' domains that it carried */
	uint64_t domain_hash; /* of the last one */
	uint32_t names_buf;   /* when there are more than PROXY_NAMES_INLINE */
	uint32_t pin_buf;     /* pin_domain's text */
	uint32_t trust_epoch; /* of peer.trusted_internal */
	uint16_t local_port, remote_port;
	struct base_addr local, remote;
	uint32_t shadow_chain;
	uint64_t shadows; /* cores that have a shadow of this one */
	struct limit_key who;
	uint64_t who_hash; /* of it: the same on all conns of one peer */
	char local_text[PROXY_ADDRESS_TEXT];
	struct policy_peer peer;
	struct policy_name names[PROXY_NAMES_INLINE];
	const void *near[3]; /* where policy had the partner last: called for, never read */
	uint32_t noted;	     /* where what was seen of it is counted, and one; 0: nowhere yet */
};

/* a half, by whoever is not it */
struct proxy_half {
	uint32_t slot, gen;
};

enum server_state {
	SERVER_FREE,
	SERVER_WAIT,	  /* for DNS, a link, a limit: nothing was sent yet, or the last next hop failed */
	SERVER_SENT,	  /* a client half is at it */
	SERVER_COMPLETED, /* INVITE: a refusal was sent, its ACK is awaited */
	SERVER_ACCEPTED,  /* INVITE: a 2xx was sent (RFC 6026) */
};

enum server_wait { SERVER_WAIT_NOTHING, SERVER_WAIT_DNS, SERVER_WAIT_LINK, SERVER_WAIT_LIMIT };

struct server_half {
	uint32_t link_in_pool;
	uint32_t gen;
	uint8_t state, wait, method;
	bool keyed;	       /* is in the index */
	bool cancelled;	       /* a CANCEL came */
	bool provisional;      /* one above 100 was sent up */
	bool silent;	       /* ACK, BENOTIFY: nobody is to be told anything */
	bool external;	       /* came from outside */
	bool accepted;	       /* by policy, and counted as such */
	bool limited;	       /* a limit held it: counted in its conn */
	uint8_t counted;       /* limit class that let it pass, 0: none */
	bool limit_asked;      /* its peer's home core was asked */
	uint8_t limit_verdict; /* and what it said, LIMIT_ASK: nothing yet */
	bool unshared;	       /* counts for no peer's share: its sender was looked for */
	bool link_failed;      /* the next hop that it waited for did not come to be */
	uint8_t tried;
	uint8_t moves;	 /* to other conns of its sender */
	uint16_t reason; /* enum policy_reason of the last next hop's failure */
	uint16_t status; /* last one sent up */
	uint32_t conn, conn_gen;
	struct proxy_member of_conn;
	uint32_t chain; /* next of the same bucket */
	uint64_t key;
	uint32_t request, request_len; /* a copy as it came */
	uint32_t best, best_len;       /* the final answer that would go up if nothing better comes */
	uint32_t back;		       /* buffer: the way to its sender when his conn is gone */
	uint16_t held;		       /* status of `best`, which waits for a conn to him; 0: it does not */
	struct proxy_half client;
	uint32_t hop; /* SERVER_WAIT_LINK: whose list */
	struct proxy_member of_hop;
	uint64_t began_ns, until_ns, held_ns, limit_until_ns, seed;
	uint64_t waits_for; /* hash of the next hop whose conn is awaited */
	uint64_t tried_hash[PROXY_TRIED];
	uint32_t wait_ms; /* for DNS: the step of looking again */
	struct wheel_link timer;
};

enum client_state {
	CLIENT_FREE,
	CLIENT_CALLING,	   /* INVITE without an answer, or any other without */
	CLIENT_PROCEEDING, /* a provisional one came */
	CLIENT_ACCEPTED,   /* INVITE: a 2xx came, more may (RFC 6026) */
};

struct client_half {
	uint32_t link_in_pool;
	uint32_t gen;
	uint8_t state, method;
	bool cancel; /* send CANCEL as soon as a provisional answer came */
	bool lone;   /* nobody waits for the answer any more */
	bool sent_cancel;
	bool health;	 /* our own OPTIONS */
	uint16_t routes; /* Record-Routes below ours, and one; 0: there is none of ours */
	uint32_t conn, conn_gen;
	struct proxy_member of_conn;
	struct proxy_half server;
	/* the request's head as it left (INVITE only), at head_at: behind names that `names` has no room for
	 */
	uint32_t buf, head_at, head_len;
	uint8_t stored_type, domain_len, identity_len;
	bool stored, stored_by_key, stored_discovered;
	uint8_t stored_spki[POLICY_SPKI_LEN];
	uint16_t aim; /* bits of where the other end was last, as far as who waits for the answer knows; 0:
			 unknown */
	struct wheel_link timer;
	char names[CLIENT_NAMES]; /* of what was stored of the partner */
};

struct next_hop {
	uint32_t link_in_pool;
	uint32_t gen;
	bool used;
	uint8_t side, tls_profile;
	bool insecure;
	bool opening; /* one conn is not up yet */
	uint8_t n;    /* conns, that one included */
	uint16_t port;
	uint32_t identity;
	uint32_t chain;
	uint64_t key;
	uint64_t failed_ns; /* the last time that no conn came to be */
	uint64_t used_ns;
	uint64_t health_ns; /* when its health was asked last */
	bool others;	    /* it is one of several: worth to know whether it lives */
	bool answers;	    /* answered OPTIONS once */
	uint8_t ignored;    /* OPTIONS that it never answered */
	struct base_addr ip;
	uint32_t conns[PROXY_HOP_PLACES];
	uint32_t waiting; /* server halves */
	uint16_t failure; /* enum policy_reason of the last one */
	uint8_t name_len;
	char name[POLICY_NAME_MAX + 1];
};

struct proxy_self;
struct proxy_passing;

struct proxy_mail;
struct proxy_partner;
struct proxy_partner_set;

/* a transaction that lives on another core */
struct proxy_crossed {
	uint64_t key;
	unsigned core;
};

/* the end of a conn that another core has not heard of yet */
struct proxy_unsaid {
	uint64_t conn;
	uint8_t core, kind;
};

/* An accepted conn that its peer offered for our requests (RFC 5923). The newest has the place: who loses it
 * is called anew. */
struct proxy_alias {
	uint64_t key; /* of address, port and identity of ours */
	uint32_t conn, gen;
};

/* how often a sender had us open a connection for an answer within a second */
struct proxy_returns {
	uint64_t who;
	uint32_t since_ms, n;
};

/* a question that was put to control */
struct proxy_asked {
	uint64_t hash, at_ns;
};

/* what of a kind one peer has */
enum proxy_share_kind {
	PROXY_SHARE_SERVERS,
	PROXY_SHARE_PARKED,
	PROXY_SHARE_PARKED_BYTES,
	PROXY_SHARE_BUFFERS, /* the smallest; then each larger one */
	PROXY_SHARE_KINDS = PROXY_SHARE_BUFFERS + PROXY_BUF_CLASSES,
};

struct proxy_share {
	uint32_t n[PROXY_SHARE_KINDS];
};

struct proxy {
	struct proxy_config config;
	struct proxy_keys keys;
	unsigned core, cores;
	const struct link_ops *link;
	const struct proxy_ops *ops;
	void *ctx;

	bool started;
	uint64_t now_ns;
	uint32_t now_ms;  /* ticks of the wheels */
	uint64_t wall_ns; /* CLOCK_REALTIME */
	int64_t wall_s;	  /* its seconds */
	const struct policy_view *view;
	const struct policy_view *candidate; /* tried beside it; NULL: none is */
	struct base_rng rng;
	struct siphash_key table_key;

	struct base_pool conn_pool, server_pool, client_pool, hop_pool;
	struct wheel conn_wheel, server_wheel, client_wheel;
	struct proxy_bufs bufs;
	uint32_t *server_index, *hop_index, *kin_index; /* heads of buckets */
	uint32_t server_mask, hop_mask, kin_mask;
	uint32_t held_head, held_tail, held;
	uint32_t parked_bytes;

	const struct sip_kernel *kernel;
	struct sip_limits limits;
	struct sip_msg *msg;   /* what arrives */
	struct sip_msg *again; /* a copy of ours that is read once more */
	struct sip_edit *edit;
	char *scratch;
	uint8_t *flat; /* a message on its way out */
	uint32_t flat_size;

	void *ground;
	size_t ground_bytes;
	struct proxy_partner *partners;
	struct proxy_partner_set *partner_sets;
	struct proxy_share *shares;
	const struct exchange_tables *tables;
	unsigned table, table_row, table_rows[PROXY_TABLES];
	uint32_t table_at, table_due_ms;
	struct proxy_mail *mail;
	struct moved *moved, *moved_own; /* of all cores; a single one has its own */
	struct siphash_key dialog_key;	 /* of `moved`, with aim_key */
	struct route_key aim_key;
	struct proxy_crossed *crossed;
	struct proxy_alias *aliases;
	unsigned unsaid_n;
	struct proxy_unsaid unsaid[PROXY_UNSAID];
	uint32_t *shadow_index;
	struct proxy_self *self;
	struct proxy_asked asked[PROXY_ASKED];
	struct proxy_returns returns[PROXY_RETURNS];
	uint32_t returns_ms, returns_n; /* of all */
	uint32_t cancels_ms, cancels_n; /* other cores that were asked about */
	uint32_t trust_epoch;
	uint32_t second_ms;		 /* when the once-a-second work is due */
	uint32_t stuck_due_ms, stuck_at; /* when next hops are looked at, from which one on */
	void *limit_mem;
	size_t limit_bytes;
	struct limit_table *limits_of; /* peers whose home is this core */
	struct limit_gate *gate;
	uint32_t limit_at;
	uint32_t sweep_epoch, sweep_at, sweep_due_ms, sweep_last_ms;
	bool sweep_waits;		       /* for sweep_due_ms */
	uint32_t unknown_domains;	       /* refused this second */
	uint32_t told_refused, untold_refused; /* events of refusals in this second */
	uint32_t told_shadow, untold_shadow;   /* and of what a candidate would do */
	struct proxy_passing *pass, *pass_again;
	struct route_keys route_keys;
	struct via_key via_key;
	struct siphash_key tag_key;
	struct backoff backoff;
	struct proxy_stats stats;
};

#define PROXY_COUNT(p, name)   ((p)->stats.counters[PROXY_COUNTER_##name]++)
#define PROXY_DROPPED(p, name) ((p)->stats.drops[PROXY_DROP_##name]++)

static inline struct proxy_conn *proxy_conn_at(const struct proxy *p, uint32_t i)
{
	return base_pool_at(&p->conn_pool, i);
}

static inline struct server_half *server_at(const struct proxy *p, uint32_t i)
{
	return base_pool_at(&p->server_pool, i);
}

static inline struct client_half *client_at(const struct proxy *p, uint32_t i)
{
	return base_pool_at(&p->client_pool, i);
}

static inline struct next_hop *hop_at(const struct proxy *p, uint32_t i)
{
	return base_pool_at(&p->hop_pool, i);
}

#endif
