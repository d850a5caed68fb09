/* SPDX-License-Identifier: BSD-3-Clause */
/* A timer wheel over objects of one pool: four levels of 256 slots, links are 32-bit indices, so a timer
 * costs its object 12 bytes. Arm and disarm are O(1); time is a 32-bit tick of the caller's choice, compared
 * modulo 2^32, and a deadline may lie less than 2^31 ticks ahead. One thread. */
#ifndef DATAPLANE_BASE_WHEEL_H
#define DATAPLANE_BASE_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	WHEEL_NONE = 0xffffffff,
	WHEEL_LEVELS = 4,
	WHEEL_SLOTS = 256,
};

/* embedded in the object; `prev` is a slot number with the top bit set for the first of a slot */
struct wheel_link {
	uint32_t next, prev;
	uint32_t due;
};

struct wheel {
	uint8_t *base; /* object 0's link */
	uint32_t stride;
	uint32_t tick; /* the slot that is being emptied */
	uint32_t armed;
	uint64_t busy[WHEEL_LEVELS][WHEEL_SLOTS / 64]; /* slots that are not empty */
	uint32_t head[WHEEL_LEVELS][WHEEL_SLOTS];
};

/* `first` is the link inside of object 0, `stride` the distance to that of object 1; links must be given to
 * wheel_link_init() before first use */
void wheel_init(struct wheel *w, void *first, uint32_t stride, uint32_t tick);

static inline void wheel_link_init(struct wheel_link *l)
{
	l->next = l->prev = WHEEL_NONE;
}

static inline bool wheel_is_armed(const struct wheel_link *l)
{
	return l->prev != WHEEL_NONE;
}

/* (re)arms object `index`; a deadline that has passed fires at the next wheel_pop() */
void wheel_arm(struct wheel *w, uint32_t index, uint32_t due);
/* does nothing when it is not armed */
void wheel_disarm(struct wheel *w, uint32_t index);
/* the next object due at or before `tick`, disarmed, or WHEEL_NONE. Whoever re-arms in its handler must
 * choose a deadline after `tick`, else it is popped again at once. */
uint32_t wheel_pop(struct wheel *w, uint32_t tick);
/* ticks from `tick` until something may be due: exact within 256 ticks, else a lower bound; UINT32_MAX:
 * nothing armed */
uint32_t wheel_idle(const struct wheel *w, uint32_t tick);

#endif
