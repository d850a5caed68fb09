/* SPDX-License-Identifier: BSD-3-Clause */
/* Objects of the configuration as records of the policy. */
#ifndef CONTROLPLANE_PUBLISH_RECORDS_H
#define CONTROLPLANE_PUBLISH_RECORDS_H

#include "config/policy/root.h"
#include "config/schema/schema_cross.h"
#include "controlplane/secret/rotation.h"
#include "controlplane/secret/shelf.h"

/* Numbers by which records refer to each other. They stay the same while a segment lives, because entries of
 * the big tables hold them. */
enum records_kind {
	RECORDS_SITE,
	RECORDS_IDENTITY,
	RECORDS_PROVIDER,
	RECORDS_ROUTE, /* pattern, or "inside DOMAIN" of a next-hop list */
	RECORDS_LIMIT,
	RECORDS_TLS,
	RECORDS_CERTIFICATE,
	RECORDS_TRUST,
	RECORDS_INNER,
	RECORDS_LISTENER, /* by what records_listener_name() says */
	RECORDS_KINDS
};

struct records_ids {
	struct schema_map map[RECORDS_KINDS]; /* name → number as text */
	uint32_t last[RECORDS_KINDS];
};

/* the number of a name, given when it has none; 0 without memory, or above 255 for limits and profiles */
uint32_t records_id(struct records_ids *ids, enum records_kind kind, const char *name);
/* a number that a living segment already uses */
void records_id_known(struct records_ids *ids, enum records_kind kind, const char *name, size_t len,
		      uint32_t id);
void records_ids_fini(struct records_ids *ids);

/* one small table, ready for policy_txn_small() */
struct records_table {
	void **record;
	unsigned n, cap;
};

void records_table_fini(struct records_table *t);

/* a listener is known by all that it is */
int records_listener_name(const struct policy_listener *l, char *out, size_t cap);

/* rotating keys, by enum policy_secret_kind - 1 and enum policy_secret_slot - 1 */
struct records_keys {
	char hash[ROTATION_KINDS][ROTATION_SLOTS][VAULT_HASH];
};

/* what lies in the secrets directory */
struct records_secrets {
	const struct shelf *shelf;	 /* NULL: no certificates */
	const struct records_keys *keys; /* NULL: none */
};

/* Makes every small table of the configuration; secrets may be NULL. 0 or -errno */
int records_small(const struct schema_source *source, const struct records_secrets *secrets,
		  struct records_ids *ids, struct records_table table[POLICY_SMALLS]);
/* which revision a segment shows: a record of its own */
struct records_revision {
	uint32_t size, id;
	uint64_t revision;
	char fingerprint[64];
};
int records_revision_add(struct records_table *t, uint64_t revision, const char *fingerprint);

/* A partner. `partner` (up to RECORDS_PARTNER_MAX bytes) is filled when the entry has settings of that kind,
 * else its size is 0. `comment` points into `o`, or is NULL. 0 or -EINVAL */
enum { RECORDS_PARTNER_MAX = 65536 };
int records_domain(const struct schema_object *o, struct records_ids *ids, struct policy_domain *entry,
		   struct schema_text *partner, const char **comment);
/* "*.contoso.com" → contoso.com, and whether it is a subtree */
struct policy_name records_name(const char *key, bool *subtree);
/* the rights that an access object states */
struct policy_rights records_rights(const struct schema_object *access);

#endif
