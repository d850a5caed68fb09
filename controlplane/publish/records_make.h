/* SPDX-License-Identifier: BSD-3-Clause */
/* What the makers of records have in common. */
#ifndef CONTROLPLANE_PUBLISH_RECORDS_MAKE_H
#define CONTROLPLANE_PUBLISH_RECORDS_MAKE_H

#include "controlplane/publish/records.h"

/* one pass over a configuration */
struct maker {
	const struct schema_source *source;
	const struct records_secrets *secrets;
	struct records_ids *ids;
	struct records_table *table;
	struct schema_object o;
	struct schema_object federation; /* the one of it, defaults where nothing was said */
	struct schema_text t;
	uint32_t box_flags;
	uint32_t shared_provider;
	int r;
	/* routes of one pattern, collected while they come in order of their key */
	struct schema_map routes;
};

/* ---- records_ids.c: a struct with room for its fixed part, then its strings; the fixed part is written last
 * ---- */
void record_begin(struct schema_text *t, size_t bytes);
/* empty and NULL: none */
struct policy_str record_string(struct schema_text *t, const char *s);
void record_align(struct schema_text *t);
/* writes the fixed part and the size, and keeps a copy: 0 or -ENOMEM */
int record_end(struct schema_text *t, const void *fixed, size_t bytes, struct records_table *table);
/* the size alone: for who has written the rest */
int record_seal(struct schema_text *t, struct records_table *table);

/* ---- records_words.c ---- */
uint8_t record_verification(const char *v);
uint8_t record_identity_check(const char *v);
uint8_t record_eku(const char *v);
uint8_t record_services(const struct schema_object *o, const char *field);
/* NULL when the operator said nothing: the box's own default decides then */
const char *record_said(const struct schema_object *o, const char *field);
struct policy_rights record_rights_of(const struct schema_source *s, const char *scope);
/* loads an object into m->o; false, with m->r, when it is of another schema */
bool record_load(struct maker *m, const char *noun, const char *key, const char *body, size_t len);
/* "host:port" or "[v6]:port": an address goes into h->ip, a name into `host` */
void record_hop_target(const char *target, struct policy_hop *h, char host[SCHEMA_KEY_MAX]);

/* ---- records_route.c ---- */
struct hops {
	struct policy_hop hop[POLICY_ROUTE_HOPS];
	char host[POLICY_ROUTE_HOPS][SCHEMA_KEY_MAX];
	unsigned n;
};

/* a set by its pattern, or by its name alone */
int record_route_set(struct maker *m, const char *pattern, const char *name, struct hops *h);
bool record_collect_route(void *arg, const char *key, const char *body, size_t len);
int record_routes(struct maker *m);

/* ---- records_tls.c: each is a schema_each_fn or makes what no object stands for ---- */
bool record_tls_profile(void *arg, const char *key, const char *body, size_t len);
/* modern and compat, where the operator has none of that name */
int record_tls_shipped(struct maker *m);
/* 0: none of that name that is good */
uint32_t record_certificate_id(const struct maker *m, const char *name);
int record_secrets(struct maker *m);

/* ---- records_face.c: identities with their listeners ---- */
bool record_identity(void *arg, const char *key, const char *body, size_t len);

#endif
