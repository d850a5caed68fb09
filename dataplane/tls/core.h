/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of tls.h, for the files of this folder. */
#ifndef DATAPLANE_TLS_CORE_H
#define DATAPLANE_TLS_CORE_H

#include <openssl/ssl.h>

#include "dataplane/base/pool.h"
#include "dataplane/base/siphash.h"
#include "dataplane/tls/aead.h"
#include "dataplane/tls/chains.h"
#include "dataplane/tls/kdf.h"
#include "dataplane/tls/provider.h"
#include "dataplane/tls/tls_record.h"
#include "dataplane/tls/tls.h"
#include "dataplane/tls/tls_world.h"

enum {
	TLS_NONE = 0xffffffff,
	TLS_HANDSHAKE_BYTES_MAX = 65536,
	TLS_STEP_RECORDS = 8,
	TLS_EMPTY_MAX = 32,
	TLS_KEY_UPDATES_MAX = 8, /* in TLS_KEY_UPDATES_MS */
	TLS_KEY_UPDATES_MS = 10000,
	TLS_RENEGOTIATIONS_MAX = 4,
	TLS_OPS_MAX = 16,
	TLS_SCRATCH = TLS_RECORD_HEADER + TLS_CIPHER_MAX_12,
	TLS_SKETCH = 1024, /* columns of each row of the prefix counter */
	TLS_CHUNK = 16384,
	TLS_TOLD = 64,		 /* chains that were told lately */
	TLS_LIBSSL_RECORD = 400, /* payload; with header, padding and MAC below TLS_WIRE_ROOM_MIN */
};

enum tls_state {
	TLS_S_FREE,
	TLS_S_HANDSHAKE,
	TLS_S_OPEN,
	TLS_S_CLOSING, /* our part is over; input is discarded until the peer's is */
};

enum {
	TLS_F_SERVER = 1,
	TLS_F_PAUSED = 2,  /* the upper layer could not take everything */
	TLS_F_BLOCKED = 4, /* the upper layer waits for `writable` */
	TLS_F_SHUT = 8,	   /* we have said close_notify */
	TLS_F_EOF = 16,	   /* the peer has */
	TLS_F_RESUMED = 32,
	TLS_F_CACHED = 64,
	TLS_F_QUEUED = 128,	/* in the list of handshakes with work */
	TLS_F_UPDATE_DUE = 256, /* the peer asked for a key update */
	TLS_F_WAITED = 512,	/* client: tickets were waited for long enough */
	TLS_F_STREAM_EOF = 1024,
	TLS_F_FLOOD = 2048, /* too many key updates, found inside of libssl */
	TLS_F_DATA = 4096,  /* application data has passed */
	TLS_F_BEGUN = 8192, /* the stream is or was up */
};

/* An established session is this and nothing else. */
struct tls_session {
	uint32_t pool_link, generation;
	struct tls_core *core;
	uint64_t stream;
	void *user;
	uint32_t handshake; /* slot, TLS_NONE on our own record path */
	uint32_t chain;	    /* what was verified, TLS_NONE */
	uint16_t flags;
	uint8_t state, ops, suite; /* suite: number in the table, SUITE_NONE */
	uint8_t end, alert, verdict;
	struct tls_direction rx, tx;
	uint16_t rx_epoch, tx_epoch;
	/* an opened record at the head of the stream, not all of it taken */
	uint16_t record_len, plain_at, plain_left;
	uint8_t identity, profile;
	uint8_t empties, updates, renegotiations;
	uint8_t part_len, part[5]; /* head of a post-handshake message that straddles records */
	union {
		uint32_t skip_left;  /* open: bytes of a message that is not wanted */
		uint32_t ready_next; /* handshake: the queue */
	};
	uint32_t due_ms, updates_ms;
};
_Static_assert(sizeof(struct tls_session) <= 200, "an idle session is this");

/* what lives as long as the SSL object */
struct tls_handshake {
	uint32_t pool_link, session;
	SSL *ssl;
	struct tls_world *world;
	struct tls_context *context; /* of the identity that was chosen */
	uint32_t offer;		     /* bytes of the head of the stream that libssl may have */
	uint32_t received;
	bool have_rx, have_tx, rx_counts, tx_counts;
	bool rekeyed_rx, rekeyed_tx;
	bool ticket_seen, finished, crl_soft, wildcard, counted, waiting, broken;
	uint8_t secret_rx[TLS_SECRET_MAX], secret_tx[TLS_SECRET_MAX];
	bool have_presented;
	uint8_t presented[TLS_HASH_LEN]; /* hash of the peer's Certificate message */
	bool have_resumption;
	uint8_t resumption[TLS_SECRET_MAX]; /* what a server's ticket is made of */
	uint64_t count_rx, count_tx;	    /* records since the last key change */
	uint32_t bucket[2];		    /* of the source prefix */
	uint64_t cache_key[2];		    /* client: the next hop */
	uint32_t resume_chain;		    /* client: verified for the ticket that is offered */
	int x509_error, depth;
	int crl_error,
		crl_depth; /* the first thing wrong with lists where the profile wants them; 0: nothing */
	uint16_t keylog, keylog_turn; /* slot in core->keylog, counted from 1; of which one */
	bool keylog_missed;
	struct tls_probe *probe; /* NULL: this is no probe */
	uint64_t sni;		 /* server: hash of the name that was asked for, 0: none */
	uint8_t expect_len;
	char expect[TLS_EXPECT_MAX];
};

/* one SSL_CTX */
struct tls_context {
	SSL_CTX *ctx;
	struct tls_core *core;
	struct tls_world *world;
	uint8_t identity, profile;
	bool server;
	uint8_t id[TLS_HASH_LEN]; /* of identity and profile: session-id context and part of every ticket */
};

struct tls_profile {
	uint8_t eku, revocation;
	bool anonymous;
	uint8_t hash[TLS_HASH_LEN]; /* of all that verification depends on, lists included */
	X509_STORE *store;
	struct tls_lists *lists; /* what the store's lists stand on */
};

struct tls_identity {
	uint8_t n_sni;
	char sni[TLS_SNI_MAX][TLS_EXPECT_MAX + 1];
	uint8_t hash[TLS_HASH_LEN];
	unsigned char *ocsp[TLS_SLOT_PAIRS];
	size_t ocsp_len[TLS_SLOT_PAIRS];
	int ocsp_type[TLS_SLOT_PAIRS]; /* EVP_PKEY type of the pair */
};

struct tls_world {
	struct tls_core *core;
	struct tls_world *next; /* retired ones */
	uint32_t users;		/* SSL objects, and the core itself */
	unsigned n_identities, n_profiles;
	struct tls_identity *identities;
	struct tls_profile *profiles;
	struct tls_context *contexts; /* [identity][profile][server] */
	X509_CRL_METHOD *crl_method;
};

struct tls_told {
	uint64_t hash; /* of the chain's key */
	int64_t at;    /* seconds of the epoch */
};

struct tls_client_entry {
	uint64_t key[2];
	SSL_SESSION *session;
	uint32_t chain;
	uint32_t age;
};

struct tls_core {
	struct tls_core_config config;
	const struct tls_wire *wire;
	void *wire_ctx;
	struct tls_arena *arena;
	OSSL_LIB_CTX *lib;	/* of handshakes, with our provider in front */
	OSSL_LIB_CTX *base_lib; /* the default provider, whole: for what reads files */
	OSSL_LIB_CTX *bare_lib; /* nothing at all: libssl_enter() */
	BIO_METHOD *bio;
	struct tls_aead *aead;
	struct siphash_key hash_key;
	uint64_t now_ns;
	int64_t wall_s;
	struct base_pool sessions, handshakes;
	uint32_t ready_head, ready_tail;
	struct tls_world *world, *retired;
	struct tls_chains chains;
	struct tls_ticket_keys tickets;
	EVP_CIPHER *ticket_cipher;
	EVP_CIPHER_CTX *ticket_ctx;
	size_t random_left;
	uint8_t random[320]; /* for tickets, used from its end */
	struct tls_providers providers;
	OSSL_PROVIDER *nothing; /* of bare_lib */
	tls_pinned_fn pinned;
	void *pinned_ctx;
	tls_chain_told_fn tell; /* NULL: nobody fetches lists */
	void *tell_ctx;
	struct tls_told told[TLS_TOLD];
	struct tls_keylog *keylog; /* NULL, unless an operator looks at one peer */
	uint16_t keylog_turn;
	struct tls_client_entry *client;
	uint32_t client_mask, client_age;
	uint16_t sketch[2][TLS_SKETCH]; /* unfinished handshakes by source prefix */
	const struct tls_ops *ops[TLS_OPS_MAX];
	unsigned n_ops;
	struct tls_stats stats;
	uint8_t *scratch;
};

/* ---- session.c ---- */

struct tls_session *tls_session_of(struct tls_core *core, uint64_t id);
uint64_t tls_session_id(const struct tls_core *core, const struct tls_session *s);
static inline uint32_t tls_slot(const struct tls_core *core, const struct tls_session *s)
{
	return base_pool_index(&core->sessions, s);
}
static inline struct tls_handshake *tls_hs(const struct tls_core *core, const struct tls_session *s)
{
	return s->handshake == TLS_NONE ? NULL : base_pool_at(&core->handshakes, s->handshake);
}
static inline const struct tls_ops *tls_ops_of(const struct tls_core *core, const struct tls_session *s)
{
	return core->ops[s->ops];
}
/* Our part is over: half-closes the stream and waits a little for the peer. An alert must have been sent. */
void tls_session_end(struct tls_core *core, struct tls_session *s, enum tls_end end);
/* Hands `len` bytes up. How many were taken; the session may be gone or closing afterwards. */
uint32_t tls_session_deliver(struct tls_core *core, struct tls_session *s, uint8_t *plain, uint32_t len);
void tls_session_eof(struct tls_core *core, struct tls_session *s);
/* counts a key update; true: that was one too many */
bool tls_session_updated(struct tls_core *core, struct tls_session *s);
/* application data passes */
void tls_session_data_seen(struct tls_core *core, struct tls_session *s);
/* takes back one that nobody above knows of */
void tls_session_forget(struct tls_core *core, struct tls_session *s);
/* less was taken than was given: sees to it that `writable` comes */
void tls_session_blocked(struct tls_core *core, struct tls_session *s);
void tls_session_queue(struct tls_core *core, struct tls_session *s);
void tls_session_chain(struct tls_core *core, struct tls_session *s, uint32_t chain);
void tls_session_due(struct tls_core *core, struct tls_session *s, uint32_t in_ms);
void tls_session_arm(struct tls_core *core, struct tls_session *s);
static inline uint32_t tls_now_ms(const struct tls_core *core)
{
	return (uint32_t)(core->now_ns / 1000000);
}
/* the record at the head of the stream: >0 its length and all of it is there, 0 not yet, <0 alert */
int tls_session_frame(struct tls_core *core, struct tls_session *s, bool v13);
/* input of an open session, either path */
void tls_session_input(struct tls_core *core, struct tls_session *s);

/* ---- libssl's side: bio_setup.c, shake.c, libssl_path.c, take_over.c ---- */

BIO_METHOD *tls_bio_method(void);
/* Around calls into libssl that may read or write a ticket. The session in a ticket holds the peer's
 * certificate, and libssl reads it in the default library context, public key and all, to throw it away:
 * where that context has no providers, it leaves the key alone. Everything that is wanted is asked of
 * core->lib by name. */
static inline OSSL_LIB_CTX *tls_libssl_enter(struct tls_core *core)
{
	tls_provider_step(core->providers.ours, true);
	return OSSL_LIB_CTX_set0_default(core->bare_lib);
}
static inline void tls_libssl_leave(struct tls_core *core, OSSL_LIB_CTX *before)
{
	tls_provider_step(core->providers.ours, false);
	OSSL_LIB_CTX_set0_default(before);
}
/* session_slim.c: the peer's certificates go out of a session that stays with libssl */
void tls_session_slim(struct tls_core *core, SSL *ssl);
/* leaves the certificate out of an encoded session, in place; its new length, 0: that is none */
size_t tls_session_der_slim(uint8_t *der, size_t len);
/* one budgeted step of a handshake; true: more can be done at once */
bool tls_handshake_step(struct tls_core *core, struct tls_session *s);
/* the SSL object goes, wiped */
void tls_handshake_free(struct tls_core *core, struct tls_session *s);
void tls_handshake_uncount(struct tls_core *core, struct tls_handshake *h);
/* what libssl made of the last call, turned into an end of this session */
void tls_libssl_fail(struct tls_core *core, struct tls_session *s, bool handshake);
void tls_libssl_input(struct tls_core *core, struct tls_session *s);
int64_t tls_libssl_send(struct tls_core *core, struct tls_session *s, const uint8_t *data, size_t len);
/* NULL when this session can go to our own record path now or later, else why never */
const char *tls_take_over_never(struct tls_core *core, struct tls_session *s);
/* true: done, the SSL object is gone */
bool tls_take_over(struct tls_core *core, struct tls_session *s);
void tls_watch_install(SSL_CTX *ctx);
/* what our key derivation has just seen is this handshake's; called before anything else can derive */
void tls_watch_secrets(struct tls_core *core, const struct tls_session *s, struct tls_handshake *h);
struct tls_handshake *tls_handshake_of(const SSL *ssl);
struct tls_core *tls_core_of(const SSL *ssl);

/* ---- keylog_core.c ---- */

/* libssl's lines of this world's handshakes come, or not */
void tls_keylog_world(struct tls_core *core, struct tls_world *world);
/* one line of libssl's, kept until the peer is known */
void tls_keylog_line(struct tls_core *core, struct tls_handshake *h, const char *line);
/* the handshake is over and this is the peer: written down, or wiped */
void tls_keylog_known(struct tls_core *core, struct tls_handshake *h, uint32_t chain);
void tls_keylog_drop(struct tls_core *core, struct tls_handshake *h);

/* ---- probe_core.c ---- */

/* narrows what is offered: 0, -ENODATA (nothing is left of it), -ENOMEM */
int tls_probe_offer(struct tls_handshake *h, struct tls_probe *probe);
/* the SSL object goes: what had it agreed on? */
void tls_probe_seen(struct tls_handshake *h);
void tls_probe_certificate(struct tls_handshake *h, X509 *certificate);

/* ---- our own record path: own_in.c, own_out.c ---- */

void tls_own_input(struct tls_core *core, struct tls_session *s);
int64_t tls_own_send(struct tls_core *core, struct tls_session *s, const uint8_t *data, size_t len);
int tls_own_write(struct tls_core *core, struct tls_session *s, enum tls_content type, const void *data,
		  size_t len);
int tls_own_seal(struct tls_core *core, struct tls_session *s, struct tls_buffer *b, enum tls_content type,
		 uint8_t *payload, uint32_t len);
void tls_own_alert(struct tls_core *core, struct tls_session *s, uint8_t level, uint8_t what);
int tls_own_key_update(struct tls_core *core, struct tls_session *s, bool request);
void tls_own_answer_update(struct tls_core *core, struct tls_session *s);
static inline uint64_t tls_key_id(const struct tls_core *core, const struct tls_session *s, bool tx)
{
	uint64_t slot = tls_slot(core, s);

	return (slot + 1) << 40 | (uint64_t)(s->generation & 0x7fffff) << 17 |
	       (uint64_t)(tx ? s->tx_epoch : s->rx_epoch) << 1 | tx;
}

/* ---- verification, tickets ---- */

int tls_verify_chain(X509_STORE_CTX *ctx, void *arg);
/* list_points.c: tells of the chain that was just verified. Until when (seconds of the epoch) that is enough.
 */
int64_t tls_points_tell(struct tls_core *core, unsigned profile, const uint8_t key[TLS_HASH_LEN],
			X509_STORE_CTX *ctx);
/* is `chain` (of this profile) what it was: verified, or known by a key that is still pinned? */
bool tls_chain_stands(const struct tls_core *core, unsigned profile, uint32_t chain);
static inline enum tls_verdict tls_chain_verdict(const struct tls_core *core, uint32_t chain)
{
	return tls_chain_at(&core->chains, chain)->pinned ? TLS_VERDICT_pinned : TLS_VERDICT_good;
}
/* is `chain` still good for this handshake, expected name included? */
bool tls_verify_again(struct tls_core *core, struct tls_handshake *h, uint32_t chain);
void tls_ticket_install(struct tls_context *c);
/* what a server's ticket is made of when the SSL object is gone */
struct tls_fresh_ticket {
	const struct tls_context *context;
	uint8_t secret[TLS_SECRET_MAX]; /* resumption_master_secret */
};
/* sends one on our own record path; without room or memory the peer gets none, which harms nobody */
void tls_ticket_send(struct tls_core *core, struct tls_session *s, struct tls_fresh_ticket *t);
int tls_client_session_new(SSL *ssl, SSL_SESSION *session);
/* offers a kept ticket when there is one */
void tls_client_session_offer(struct tls_core *core, struct tls_handshake *h);
void tls_client_sessions_clear(struct tls_core *core);
void tls_client_key(struct tls_core *core, struct tls_handshake *h, const struct tls_client_params *p);

/* For every PEM block: libcrypto would ask the terminal. */
int tls_no_passphrase(char *buf, int size, int rwflag, void *arg);

#endif
