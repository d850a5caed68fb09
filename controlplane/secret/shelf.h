/* SPDX-License-Identifier: BSD-3-Clause */
/* The certificates and trust stores of one configuration: read from their files, checked, put into the vault.
 * What cannot be taken (half-written, expired, not a pair) leaves what was taken before in its place, with
 * the reason beside it. Immutable once loaded, counted, so that a thread may load the next one from it. */
#ifndef CONTROLPLANE_SECRET_SHELF_H
#define CONTROLPLANE_SECRET_SHELF_H

#include "config/schema/schema_cross.h"
#include "controlplane/secret/crl_points.h"
#include "controlplane/secret/vault.h"

/* the system's own CAs, for profiles that name no trust; the blank keeps the name from being anybody's */
#define SHELF_SYSTEM_TRUST "the system's"
#define SHELF_SYSTEM_FILE  "/etc/ssl/certs/ca-certificates.crt"

enum shelf_sort { SHELF_CERTIFICATE, SHELF_TRUST };

/* a revocation list that is fetched for a trust store */
struct shelf_list {
	char url[CRL_URL_MAX];
	bool learned; /* nobody configured it: a peer's certificate names it, whose subject is */
	char from[CRL_POINTS_FROM];
	bool good; /* it is here, and counts */
	struct crl_facts facts;
	char problem[PEM_WHY_MAX]; /* what is here and does not count; empty: it does, or there is none */
};

struct shelf_item {
	uint8_t sort; /* enum shelf_sort */
	bool good;    /* the hashes count */
	char name[64];
	/* hashes; empty: none */
	char chain[VAULT_HASH]; /* trust: anchors */
	char key[VAULT_HASH];	/* trust: lists */
	char ocsp[VAULT_HASH];
	struct pem_info info, more; /* more: of lists, or of the OCSP response */
	char problem[PEM_WHY_MAX +
		     SCHEMA_VALUE_MAX]; /* why the files as they are now are not taken; empty: they are */
	struct schema_text paths;	/* of its files, a line each */
	uint64_t seen;			/* their state, so that what did not change is not read again */
	uint64_t named;			/* the part of it that says what the lists are */
	struct shelf_list *list;	/* of a trust store: what is to be fetched for it */
	unsigned lists;
	bool fetches;		     /* lists that peers' certificates name are wanted */
	char unfetched[PEM_WHY_MAX]; /* what is not fetched though a certificate names it; empty: nothing */
};

struct shelf {
	unsigned count; /* of users */
	unsigned n, cap;
	struct shelf_item *item;
};

/* `had`: something from before stays in its place */
typedef void (*shelf_report_fn)(void *ctx, const char *noun, const char *name, const char *text, bool had);

/* Reads what `source` names, `old` (or NULL) being what was taken before; with a vault the contents go into
 * it, without one they are only looked at. Any thread. 0 or -errno; problems of files are reported. */
int shelf_load(const struct vault *vault, const struct schema_source *source, const struct shelf *old,
	       int64_t now, shelf_report_fn report, void *ctx, struct shelf **out);
/* an empty one, to remember in */
struct shelf *shelf_new(void);
/* what a living segment names already: 0 or -ENOMEM */
int shelf_remember(struct shelf *s, enum shelf_sort sort, const char *name, const char *chain,
		   const char *key, const char *ocsp);
struct shelf *shelf_use(struct shelf *s);
/* the last one frees; NULL is nothing */
void shelf_drop(struct shelf *s);
const struct shelf_item *shelf_find(const struct shelf *s, enum shelf_sort sort, const char *name);
/* the same hashes under the same names? */
bool shelf_same(const struct shelf *a, const struct shelf *b);

/* Do the certificates fit the identities that name them? Findings as schema_cross_check's. */
void shelf_fitness(const struct shelf *s, const struct schema_source *source, shelf_report_fn report,
		   void *ctx);

#endif
