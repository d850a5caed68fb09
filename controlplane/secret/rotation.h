/* SPDX-License-Identifier: BSD-3-Clause */
/* Keys that rotate: session tickets, and signatures in Record-Route. Each exists as next, current, previous:
 * known everywhere before anything is made with it, still read when it no more is. Kept in the store's
 * directory, so that a restart goes on with the same ones. Time (seconds of the wall clock) is an input. One
 * thread. */
#ifndef CONTROLPLANE_SECRET_ROTATION_H
#define CONTROLPLANE_SECRET_ROTATION_H

#include "config/policy/record.h"

enum { ROTATION_KINDS = 2, ROTATION_SLOTS = 3, ROTATION_KEY_MAX = 80 };

struct rotation {
	struct rotation_kind {
		uint8_t key[ROTATION_SLOTS][ROTATION_KEY_MAX]; /* by enum policy_secret_slot - 1 */
		int64_t turned;				       /* when the current one became it */
	} kind[ROTATION_KINDS];				       /* by enum policy_secret_kind - 1 */
};

/* bytes of a key of that kind */
size_t rotation_bytes(enum policy_secret_kind kind);
/* fresh ones in all places */
void rotation_init(struct rotation *r, int64_t now);
/* Turns what is older than `life` seconds: next becomes current, current previous; after a long sleep as
 * often as it takes for nothing old to be left. True when anything changed. A clock that went back begins
 * anew. */
bool rotation_turn(struct rotation *r, enum policy_secret_kind kind, int64_t life, int64_t now);
/* seconds until the next turn of that kind */
int64_t rotation_due(const struct rotation *r, enum policy_secret_kind kind, int64_t life, int64_t now);
/* DIR/rotation, 0600. 0, -ENOENT, -EBADMSG (not whole), -errno */
int rotation_load(struct rotation *r, const char *dir);
int rotation_save(const struct rotation *r, const char *dir);

#endif
