/* SPDX-License-Identifier: BSD-3-Clause */
/* A private directory with a small policy segment in it, a writer and readers of this process. */
#ifndef TESTS_UNIT_SEGMENT_RIG_H
#define TESTS_UNIT_SEGMENT_RIG_H

#include "config/policy/reader.h"
#include "config/policy/writer.h"

struct rig {
	char dir[64];
	struct policy_writer_config cfg;
	struct policy_writer *w;
	struct segment seg; /* a reader's */
};

/* directory and configuration only */
void rig_dir(struct rig *rig);
/* a published segment with its writer, and a reader process's attachment */
void rig_init(struct rig *rig);
void rig_fini(struct rig *rig);

/* run(dir) in a process and a mount namespace of its own, where dir is a tmpfs of this size ("6m"): false
 * where one has no right to that. The process ends well or the test has failed. */
bool rig_small_disk(const char *size, void (*run)(const char *dir));

struct policy_name rig_name(const char *text);
/* xorshift: the same on every machine */
uint64_t rig_random(uint64_t *state);
/* steps until the change is taken; the value that it ended with */
int rig_put(struct policy_txn *txn, struct policy_writer *w, const char *name, uint8_t type, uint8_t flags,
	    uint8_t mark);
int rig_del(struct policy_txn *txn, struct policy_writer *w, const char *name, unsigned slot);
int rig_commit(struct policy_txn *txn, struct policy_writer *w);

#endif
