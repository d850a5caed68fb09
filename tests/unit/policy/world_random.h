/* SPDX-License-Identifier: BSD-3-Clause */
/* Random worlds and messages in the words of world.h. The same seed, the same words. */
#ifndef TESTS_UNIT_POLICY_WORLD_RANDOM_H
#define TESTS_UNIT_POLICY_WORLD_RANDOM_H

#include "dataplane/base/rng.h"
#include "tests/unit/policy/world.h"

/* cap ≥ 2048 */
void world_random(struct base_rng *r, char *text, size_t cap);
/* cap ≥ 512 */
void message_random(struct base_rng *r, char *text, size_t cap);
/* answers a question of a verdict in some way */
void answer_random(struct base_rng *r, struct world *w, const struct policy_ask *ask);

#endif
