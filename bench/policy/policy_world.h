/* SPDX-License-Identifier: BSD-3-Clause */
/* The policy that is measured: N names of partners, half of them subtrees, and the questions that are asked
 * of it. */
#ifndef BENCH_POLICY_POLICY_WORLD_H
#define BENCH_POLICY_POLICY_WORLD_H

#include <stdbool.h>

#include "bench/harness/bench.h"
#include "config/policy/reader.h"
#include "config/policy/writer.h"

enum { WORLD_NAME = 64, WORLD_QUERIES = 1 << 20, WORLD_BURST = 32 };

struct world_query {
	char text[WORLD_NAME - 8];
	uint32_t len;
	int32_t want; /* index of the entry that must be found, -1: none */
};

struct world {
	struct bench *b;
	uint64_t names;
	struct world_query *query; /* WORLD_QUERIES */
	bool huge_ready;
	char huge_dir[64], small_dir[64];
	long huge_before;
};

/* the i-th name; returns its length. Subtree iff i is odd. */
uint32_t world_name(char out[WORLD_NAME], uint64_t i);
static inline bool world_subtree(uint64_t i)
{
	return i & 1;
}

/* which suffixes of a name with `labels` labels can have an entry: the whole, and depths 2 and 3 */
static inline bool world_depth(unsigned depth)
{
	return depth == 2 || depth == 3;
}

void world_init(struct world *w, struct bench *b, uint64_t names);
/* tries to have `mib` of huge pages, and a private hugetlbfs; false: this run has none */
bool world_huge(struct world *w, uint64_t mib);
void world_fini(struct world *w);

struct world_segment {
	struct policy_writer *writer;
	struct segment seg; /* as a reader has it */
	struct policy_reader reader;
	char dir[64];
};

void world_segment_open(struct world *w, struct world_segment *s, bool huge);
void world_segment_close(struct world_segment *s);
/* the i-th name again, with another version number */
int world_put(struct policy_txn *txn, uint64_t i, uint8_t version);

/* asks `n` of the questions from `first` on; returns how many answers were wrong */
uint64_t world_ask(struct world *w, struct world_segment *s, uint32_t first, uint32_t n);

/* A writer that makes one commit after another at `rate` a second until told to stop. */
struct world_writer {
	struct world *w;
	struct world_segment *s;
	double rate;
	bool stop; /* atomic */
	uint64_t commits;
	int err;
};

void *world_writer_run(void *arg);

/* Reader on the first CPU that this process was given, writer on the last; EAL would leave both on one. */
void world_pin_note(void);
void world_pin(bool writer);

uint64_t world_random(uint64_t *state);
double world_now(void);

/* the peers */
struct world_peer {
	const char *name;
	bool (*open)(struct world *w, bool huge);
	void (*close)(void);
	uint64_t (*ask)(struct world *w, uint32_t first, uint32_t n);
	int (*update)(uint64_t i, uint8_t version);
	/* around a thread's life */
	void (*enter)(void);
	void (*leave)(void);
};

extern const struct world_peer world_peer_rte_hash, world_peer_rte_hash_keyed, world_peer_lfht;

#endif
