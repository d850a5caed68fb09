/* SPDX-License-Identifier: BSD-3-Clause */
/* The cold thread's part of TLS: from the policy's records and the secrets directory to contexts, keys and
 * listeners for each worker. What is wrong is said, and what is in use stays in use. */
#ifndef DATAPLANE_WORKER_WORLD_COLD_H
#define DATAPLANE_WORKER_WORLD_COLD_H

#include "dataplane/worker/edge_mail.h"

struct edge_setup;

enum { WORLD_NAME = 256 };

/* Identities and profiles keep their places in every world, for sessions remember them by these. One that is
 * gone leaves its place to the newcomer that comes last. */
struct world_place {
	char name[WORLD_NAME]; /* "": never used */
	uint8_t side;	       /* enum policy_side */
	uint64_t pairs;	       /* hash of its certificates; 0: not in use */
	uint64_t left;	       /* when it was last in use: counts worlds */
};

struct world_places {
	struct world_place identities[TLS_IDENTITIES_MAX];
	struct world_place profiles[TLS_PROFILES_MAX];
};

struct world_cold {
	int run_dir;
	uint64_t word;	  /* of the policy that was looked at last */
	uint64_t inputs;  /* hash of all records that the worlds in use were made of */
	uint64_t refused; /* hash of those that could not be used, to be tried again later: */
	uint64_t retry_ns;
	uint64_t made;	   /* worlds so far */
	uint64_t refusals; /* not counting those that repeat */
	uint64_t said;	   /* hash of the refusal that was said last: those that repeat are said once */
	struct world_places places;
};

void world_cold_init(struct world_cold *w, int run_dir);
/* Each beat: takes back what workers returned; makes and offers new worlds when the policy's records say
 * something else. */
void world_cold_tick(struct edge_setup *setup, uint64_t now_ns);
/* What lies in the mail of a worker that has ended. */
void world_cold_drain(struct edge_mail *mail);

#endif
