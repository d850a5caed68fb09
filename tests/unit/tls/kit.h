/* SPDX-License-Identifier: BSD-3-Clause */
/* What the TLS tests share: certificates made on the spot, a byte stream in memory under our core, foreign
 * peers (libssl, GnuTLS) on its other end, and an application that writes down what it is told. */
#ifndef TESTS_UNIT_TLS_KIT_H
#define TESTS_UNIT_TLS_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "dataplane/tls/peer.h"
#include "dataplane/tls/tls.h"
#include "dataplane/tls/tls_world.h"

/* ---- certificates ---- */

enum kit_key { KIT_EC, KIT_RSA, KIT_RSA4096, KIT_RSA1024 };

struct kit_cert {
	X509 *x;
	EVP_PKEY *key;
	char *pem, *key_pem; /* pem: this one alone */
};

struct kit_ask {
	const char *cn, *san, *eku, *cdp; /* cdp: distribution points, "URI:http://…" */
	const char *ku, *constraints;	  /* key usage, of others than CAs; name constraints */
	enum kit_key key;
	int from_s, to_s; /* relative to now; both 0: yesterday to in ten days */
	bool ca;
	bool no_md;			 /* the issuer's key signs without a hash of its own */
	const struct kit_cert *same_key; /* large keys take seconds to make */
};

/* issuer NULL: self-signed */
struct kit_cert kit_cert(const struct kit_cert *issuer, struct kit_ask ask);
void kit_cert_free(struct kit_cert *c);
/* a list of `ca` that names `revoked` (NULL: nobody); PEM, caller frees */
char *kit_crl(const struct kit_cert *ca, const struct kit_cert *revoked, int next_update_s);
/* concatenates, caller frees; NULL-terminated */
char *kit_join(const char *first, ...) __attribute__((sentinel));
struct tls_blob kit_blob(const char *text);

/* ---- one side that is ours ---- */

struct kit_seg {
	uint8_t *data;
	uint32_t len, at;
};

struct kit_app {
	unsigned ready, eof, closed, failed, writable;
	enum tls_end end, failed_end;
	struct tls_info last; /* taken inside of closed */
	uint8_t *got;
	size_t got_len;
	uint32_t take; /* of each delivery; UINT32_MAX: all */
	struct kit_side *side;
};

struct kit_side {
	struct tls_core *core;
	struct tls_arena arena;
	uint64_t id;
	struct kit_app app;
	/* its stream */
	struct kit_seg segs[4096];
	unsigned seg_first, seg_end;
	uint8_t *out;
	size_t out_len, out_cap;
	uint32_t seg_size; /* what arrives is cut into pieces of this size; 0: not */
	uint32_t buffer;   /* room of an output buffer */
	uint32_t room;	   /* UINT32_MAX: endless */
	bool shut, closed, aborted, no_buffers, eof_told, closed_told;
	uint64_t deadline;
	uint64_t now_ns;
	int64_t wall_s;
};

extern const struct tls_wire kit_wire;
extern const struct tls_ops kit_ops;

/* `config` NULL: small default. The side must stay where it is. */
void kit_side_init(struct kit_side *side, const struct tls_core_config *config);
void kit_config(struct tls_core_config *config);
void kit_side_fini(struct kit_side *side);
/* a new stream on the same core: what the last one left is dropped */
void kit_side_reset(struct kit_side *side);
/* builds a world or fails the test */
void kit_world(struct kit_side *side, const struct tls_world_spec *spec);
void kit_clock(struct kit_side *side, uint64_t forward_ms);
void kit_give(struct kit_side *side, const uint8_t *bytes, size_t len);
void kit_accept(struct kit_side *side, unsigned profile);

/* ---- a foreign side ---- */

struct kit_foreign {
	void *impl;
	bool server, done, eof;
	int error;    /* of its library, 0: none */
	int alert_in; /* GnuTLS: what it was told; -1 */
	uint8_t *in;
	size_t in_len, in_at;
	uint8_t *out;
	size_t out_len;
	uint8_t *got;
	size_t got_len;
	SSL *ssl;
	SSL_SESSION *session; /* the newest ticket */
	void (*step)(struct kit_foreign *f);
	void (*send)(struct kit_foreign *f, const void *data, size_t len);
	void (*bye)(struct kit_foreign *f);
	void (*update)(struct kit_foreign *f, bool request);
	void (*free)(struct kit_foreign *f);
};

struct kit_foreign_ask {
	bool server;
	const struct kit_cert *cert; /* NULL: none */
	const char *chain;	     /* PEM of what follows */
	const char *trust;
	int version;	    /* 0: any; 0x0303, 0x0304 */
	const char *suites; /* OpenSSL: either list; GnuTLS: priority string */
	const char *sni;
	SSL_SESSION *resume;
	int tickets;	      /* server; -1: default */
	uint8_t max_fragment; /* OpenSSL as client: RFC 6066 4, 1 to 4 */
};

void kit_openssl(struct kit_foreign *f, const struct kit_foreign_ask *ask);
void kit_gnutls(struct kit_foreign *f, const struct kit_foreign_ask *ask);
void kit_foreign_free(struct kit_foreign *f);

/* moves bytes and runs both until neither has anything to do */
void kit_pump(struct kit_side *side, struct kit_foreign *f);
void kit_pump_pair(struct kit_side *a, struct kit_side *b);

#endif
