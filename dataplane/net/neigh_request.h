/* SPDX-License-Identifier: BSD-3-Clause */
/* What a core asks of the neighbour core: a single-producer, single-consumer ring of small messages. A full
 * ring loses the request; whoever still waits asks again. */
#ifndef DATAPLANE_NET_NEIGH_REQUEST_H
#define DATAPLANE_NET_NEIGH_REQUEST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/addr.h"

enum { NEIGH_REQUESTS = 128 };

enum neigh_ask {
	NEIGH_ASK_RESOLVE, /* somebody has frames for it */
	NEIGH_ASK_VERIFY,  /* a frame of it came from another station than we know */
};

struct neigh_request {
	struct base_addr addr;
	uint8_t port;
	uint8_t ask;
};

struct neigh_request_ring {
	_Alignas(64) _Atomic uint32_t head; /* the producer's */
	_Alignas(64) _Atomic uint32_t tail; /* the consumer's */
	_Alignas(64) struct neigh_request slots[NEIGH_REQUESTS];
};

/* Producer. False: full. */
static inline bool neigh_request_put(struct neigh_request_ring *ring, const struct neigh_request *request)
{
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);

	/* acquire: the slot is read out before it is overwritten */
	if (head - atomic_load_explicit(&ring->tail, memory_order_acquire) == NEIGH_REQUESTS)
		return false;
	ring->slots[head % NEIGH_REQUESTS] = *request;
	/* release: the slot is filled before it is seen */
	atomic_store_explicit(&ring->head, head + 1, memory_order_release);
	return true;
}

/* Consumer. False: empty. */
static inline bool neigh_request_get(struct neigh_request_ring *ring, struct neigh_request *request)
{
	uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

	if (atomic_load_explicit(&ring->head, memory_order_acquire) == tail)
		return false;
	*request = ring->slots[tail % NEIGH_REQUESTS];
	atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
	return true;
}

#endif
