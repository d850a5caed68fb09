/* SPDX-License-Identifier: BSD-3-Clause */
/* How many transactions a worker has room for: out of the memory of the machine, once, at start. */
#ifndef DATAPLANE_WORKER_EDGE_MEMORY_H
#define DATAPLANE_WORKER_EDGE_MEMORY_H

#include <stdint.h>

enum { EDGE_TRANSACTIONS_MIN = 1 << 17, EDGE_TRANSACTIONS_MAX = 1 << 20 };

/* An eighth of `memory` bytes, shared by the workers, at `each` bytes; a power of two between the two bounds.
 */
uint32_t edge_transactions(uint64_t memory, unsigned workers, uint32_t each);

/* The least of what the control groups (version 2) of that membership leave, below `root`; 0: none says
 * anything. Cold. */
uint64_t edge_memory_limit(const char *membership, const char *root);

/* Bytes that this process may use: of the machine, or what its control group leaves of them; 0: not known.
 * Cold. */
uint64_t edge_memory(void);

#endif
