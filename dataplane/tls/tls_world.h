/* SPDX-License-Identifier: BSD-3-Clause */
/* From settings and secrets to contexts: identities × profiles × roles for one core. All cold: the cold
 * thread builds a world in the core's own OSSL_LIB_CTX and hands it over by pointer. Whatever is wrong with a
 * file is said, and the old world stays in use. */
#ifndef DATAPLANE_TLS_TLS_WORLD_H
#define DATAPLANE_TLS_TLS_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls_core;
struct tls_lists;
struct tls_world;

enum {
	TLS_IDENTITIES_MAX = 128, /* a session keeps its identity in one byte */
	TLS_PROFILES_MAX = 64,
	TLS_SLOT_PAIRS = 2, /* EC and RSA side by side, chosen by what the peer offers */
	TLS_SNI_MAX = 64,
};

struct tls_blob {
	const void *bytes;
	size_t len;
};

/* PEM: the certificate, then its chain; the key. Both empty: not there. */
struct tls_pair {
	struct tls_blob chain, key;
	struct tls_blob ocsp; /* DER of an OCSP response to staple; server slot only */
};

/* Sessions know identities and profiles by their places, so whoever replaces worlds keeps each in its place;
 * a place whose name is NULL is not in use. */
struct tls_identity_spec {
	const char *name;
	uint64_t profiles; /* bit i: it is used with profile i; 0: with all. SNI leads to no other one */
	const char *sni[TLS_SNI_MAX]; /* NULL-terminated when shorter; canonical, "*.x" for one label below */
	struct tls_pair server[TLS_SLOT_PAIRS], client[TLS_SLOT_PAIRS];
	bool in_force; /* these pairs are in use already: having expired since is no reason to refuse */
};

enum tls_revocation { TLS_REVOCATION_OFF, TLS_REVOCATION_SOFT, TLS_REVOCATION_HARD };

struct tls_profile_spec {
	const char *name;
	uint16_t version_min, version_max; /* 0x0303, 0x0304 */
	const char *suites_13, *suites_12; /* as OpenSSL writes them */
	const char *groups;
	uint8_t eku;	    /* enum policy_eku_mode */
	uint8_t revocation; /* enum tls_revocation */
	uint8_t depth;	    /* certificates of a chain below its anchor; 0: 8 */
	bool anonymous; /* as server, a client without certificate may come in (never on the external side) */
	struct tls_blob trust; /* PEM: the only anchors */
	struct tls_blob crls;  /* PEM; read for this world alone when nobody has done so: */
	struct tls_lists *lists;
};

/* the two that are shipped, without trust */
extern const struct tls_profile_spec tls_profile_modern, tls_profile_compat;

struct tls_world_spec {
	const struct tls_identity_spec *identities;
	unsigned n_identities;
	const struct tls_profile_spec *profiles;
	unsigned n_profiles;
	int64_t wall_s; /* a certificate that has expired by then is refused */
};

/* NULL: `why` says which identity or profile and what is wrong with it. */
struct tls_world *tls_world_create(struct tls_core *core, const struct tls_world_spec *spec, char *why,
				   size_t why_len);
/* only one that no core uses: never handed over, or got from tls_core_retired() */
void tls_world_destroy(struct tls_world *world);

/* Cold: the revocation lists of a PEM text, read once for all workers, worlds, and sessions that are up. 0,
 * -ENOMEM, or the place (from 1) of the one that cannot be read; why is in libcrypto's queue. */
int tls_lists_read(struct tls_blob pem, struct tls_lists **out);
/* Any thread: one user more; one less, the last frees. NULL is no lists. */
struct tls_lists *tls_lists_use(struct tls_lists *lists);
void tls_lists_drop(struct tls_lists *lists);
/* any thread: does one of them name this certificate (issuer_serial of tls_peer)? */
bool tls_lists_name(const struct tls_lists *lists, const uint8_t issuer_serial[32]);

/* A profile that leaves no suite for peers without elliptic curves (old Lync); `check` warns. */
bool tls_profile_needs_ec(const struct tls_profile_spec *profile);

/* Reads a content-addressed secret: DIR/HASH, HASH being the SHA-256 of the content in lower-case hex. The
 * caller frees *bytes with tls_secret_free(). 0, -EBADMSG (content is not what the name says: half-written),
 * -EFBIG, or another -errno. */
int tls_secret_read(int dir, const char *hash, uint8_t **bytes, size_t *len);
void tls_secret_free(uint8_t *bytes, size_t len);

#endif
