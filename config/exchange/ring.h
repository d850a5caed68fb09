/* SPDX-License-Identifier: BSD-3-Clause */
/* Rings between the planes: commands down, questions and events up. One producer, one consumer, bounded, no
 * lock; when full the newest is dropped and counted. No page is written by both: the slots and the head lie
 * in the producer's file, the tail in the consumer's, and each side maps the other's read-only.
 *
 * A side that starts again makes its file anew under another session. A tail that names another session than
 * the producer's own counts as "nobody reads": the ring fills, then drops. */
#ifndef CONFIG_EXCHANGE_RING_H
#define CONFIG_EXCHANGE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* in the producer's file; slots follow */
struct ring_head {
	uint64_t head;	/* messages ever produced */
	uint64_t drops; /* and those for which there was no room */
	uint64_t reserved[6];
};

/* in the consumer's file */
struct ring_tail {
	uint64_t session; /* of the producer's file that `tail` is about */
	uint64_t tail;	  /* messages ever consumed */
	uint64_t reserved[6];
};

struct ring_slot {
	uint32_t len;
	uint32_t kind;
	uint8_t data[];
};

_Static_assert(sizeof(struct ring_head) == 64, "one cache line a side");
_Static_assert(sizeof(struct ring_tail) == 64, "one cache line a side");
_Static_assert(sizeof(struct ring_slot) == 8, "ring layout");

/* a producer's own; one thread */
struct ring_producer {
	struct ring_head *head;
	const struct ring_tail *tail; /* the other side's page; NULL: nobody is attached */
	uint64_t session;	      /* of the file that `head` is in */
	uint64_t tail_seen;
	uint32_t slots; /* a power of two */
	uint32_t slot_bytes;
};

/* a consumer's own; one thread. Shape and session are what was checked at attach, not what the page says now.
 */
struct ring_consumer {
	const struct ring_head *head;
	struct ring_tail *tail;
	uint64_t at;
	uint64_t damaged; /* messages or indexes that made no sense */
	uint32_t slots;
	uint32_t slot_bytes;
};

enum ring_result {
	RING_OK,
	RING_FULL,	/* counted as a drop */
	RING_TOO_LARGE, /* as well */
};

/* Hot path. Copies `len` bytes in. */
enum ring_result ring_produce(struct ring_producer *p, uint32_t kind, const void *data, uint32_t len);
/* Copies the next message out before it looks at it: length, 0 when there is none, -EMSGSIZE when it is
 * larger than cap (it is consumed). A head that cannot be is taken for "start from here" and counted. */
int ring_consume(struct ring_consumer *c, uint32_t *kind, void *buf, uint32_t cap);
/* how many wait, as far as the head can be believed */
uint64_t ring_waiting(const struct ring_consumer *c);

static inline uint64_t ring_bytes(uint32_t slots, uint32_t slot_bytes)
{
	return sizeof(struct ring_head) + (uint64_t)slots * slot_bytes;
}

#endif
