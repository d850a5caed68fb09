/* SPDX-License-Identifier: BSD-3-Clause */
/* Pins and grace periods. A worker announces, once per burst, the epoch that it saw before it looked; the
 * writer reuses memory only when every online worker has announced an epoch that is not older than the one
 * which the writer began after the memory became unreachable. grace.pml is the model of this file. */
#ifndef CONFIG_SEGMENT_GRACE_H
#define CONFIG_SEGMENT_GRACE_H

#include "config/segment/segment.h"

/* a worker's own; lives in the worker */
struct segment_pin {
	const struct segment_super *super;
	struct segment_slot *slot;
};

/* Reader's cold thread, before workers run: slot `i` of this process, offline. -ERANGE when there are fewer.
 */
int segment_pin_init(struct segment_pin *pin, const struct segment *seg, unsigned i);

/* Awake after OFFLINE. Returns the live word. Whatever was remembered of an earlier root must be forgotten.
 */
static inline uint64_t segment_pin_online(struct segment_pin *pin)
{
	uint64_t e = __atomic_load_n(&pin->super->epoch, __ATOMIC_ACQUIRE);

	/* Sequentially consistent, paired with segment_epoch_begin(): either the writer sees this pin, or the
	 * load below sees the epoch that it has begun, and with it everything that was unlinked before. */
	__atomic_store_n(&pin->slot->epoch, e, __ATOMIC_SEQ_CST);
	(void)__atomic_load_n(&pin->super->epoch, __ATOMIC_SEQ_CST);
	return __atomic_load_n(&pin->super->live, __ATOMIC_ACQUIRE);
}

/* Between two bursts. Returns the live word; nothing of the last burst may be used any more. */
static inline uint64_t segment_pin_burst(struct segment_pin *pin)
{
	/* acquire: the loads of this burst come behind it */
	uint64_t e = __atomic_load_n(&pin->super->epoch, __ATOMIC_ACQUIRE);

	/* release: the loads of the last burst came before it. No fence: until this store is seen the older
	 * pin is, and that one holds more. */
	__atomic_store_n(&pin->slot->epoch, e, __ATOMIC_RELEASE);
	return __atomic_load_n(&pin->super->live, __ATOMIC_ACQUIRE);
}

/* before a sleep, or for good */
static inline void segment_pin_offline(struct segment_pin *pin)
{
	__atomic_store_n(&pin->slot->epoch, SEGMENT_OFFLINE, __ATOMIC_RELEASE);
}

/* Writer: begins a new epoch behind all stores so far, and returns it. */
uint64_t segment_epoch_begin(struct segment *seg);
/* Writer: the oldest epoch that an online worker of a living process may hold. Areas that hold it back are
 * told in *blocking as a bit mask when it is not NULL. */
uint64_t segment_epoch_min(const struct segment *seg, unsigned *blocking);

#endif
