/* SPDX-License-Identifier: BSD-3-Clause */
/* What worlds are made of: the policy's records and the secrets that they name, read into one place. All
 * cold. */
#ifndef DATAPLANE_WORKER_WORLD_MATERIAL_H
#define DATAPLANE_WORKER_WORLD_MATERIAL_H

#include "dataplane/worker/world_cold.h"

struct world_secret; /* content of a secret file */
struct world_text;   /* a string that was copied */

struct world_material {
	struct tls_world_spec spec;
	struct tls_identity_spec identities[TLS_IDENTITIES_MAX];
	struct tls_profile_spec profiles[TLS_PROFILES_MAX];
	struct edge_config config;  /* to be copied for each worker; its names are ours */
	struct world_places places; /* as they will be when this is taken */
	struct world_secret *secrets;
	struct world_text *texts;
	unsigned listens_left_out; /* more than a stack has room for */
	char why[512];
};

/* A hash of every record that plays a part: another one, other worlds. */
uint64_t world_material_hash(const struct policy_view *view);
/* Reads everything. `run_dir` holds the secrets directory; `now` counts worlds. 0 or -errno with m->why;
 * world_material_free() is due in both cases. */
int world_material_read(struct world_material *m, const struct policy_view *view, int run_dir,
			const struct world_places *before, uint64_t now);
/* takes an identity out again, and its listeners */
void world_material_drop(struct world_material *m, unsigned place);
/* A copy of the configuration for a worker; NULL: no memory. */
struct edge_config *world_material_config(const struct world_material *m);
/* wipes what is secret */
void world_material_free(struct world_material *m);

#endif
