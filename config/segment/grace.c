/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/segment/grace.h"

#include <errno.h>

int segment_pin_init(struct segment_pin *pin, const struct segment *seg, unsigned i)
{
	struct segment_area *area;

	if (seg->area < 0 || i >= SEGMENT_SLOTS)
		return -ERANGE;
	area = &seg->readers->area[seg->area];
	pin->super = seg->super;
	pin->slot = &area->slot[i];
	__atomic_store_n(&pin->slot->epoch, SEGMENT_OFFLINE, __ATOMIC_RELAXED);
	if (__atomic_load_n(&area->slots, __ATOMIC_RELAXED) <= i)
		/* seen before the first pin of the slot can matter: that store is seq_cst and comes later */
		__atomic_store_n(&area->slots, i + 1, __ATOMIC_RELEASE);
	return 0;
}

uint64_t segment_epoch_begin(struct segment *seg)
{
	uint64_t e = __atomic_load_n(&seg->super->epoch, __ATOMIC_RELAXED) + 1;

	/* Sequentially consistent, paired with segment_pin_online() */
	__atomic_store_n(&seg->super->epoch, e, __ATOMIC_SEQ_CST);
	segment_step(seg);
	return e;
}

uint64_t segment_epoch_min(const struct segment *seg, unsigned *blocking)
{
	uint64_t now = __atomic_load_n(&seg->super->epoch, __ATOMIC_SEQ_CST);
	uint64_t least = now;

	if (blocking)
		*blocking = 0;
	for (unsigned k = 0; k < SEGMENT_AREAS; k++) {
		const struct segment_area *area = &seg->readers->area[k];
		/* copied before it is judged: the page belongs to the other side */
		uint64_t slots = __atomic_load_n(&area->slots, __ATOMIC_SEQ_CST);
		uint64_t oldest = now;

		if (slots > SEGMENT_SLOTS)
			slots = SEGMENT_SLOTS;
		for (uint64_t i = 0; i < slots; i++) {
			/* acquire (in seq_cst): the reader's loads came before its release */
			uint64_t e = __atomic_load_n(&area->slot[i].epoch, __ATOMIC_SEQ_CST);

			if (e != SEGMENT_OFFLINE && e < oldest)
				oldest = e;
		}
		/* asked only when it would hold the writer back: a dead process pins nothing */
		if (oldest == now || !segment_area_alive(seg, k))
			continue;
		if (blocking)
			*blocking |= 1u << k;
		if (oldest < least)
			least = oldest;
	}
	return least;
}
