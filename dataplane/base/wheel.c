/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/base/wheel.h"

#include <string.h>

enum { FIRST = 0x80000000 };

static struct wheel_link *at(const struct wheel *w, uint32_t index)
{
	return (struct wheel_link *)(void *)(w->base + (size_t)index * w->stride);
}

void wheel_init(struct wheel *w, void *first, uint32_t stride, uint32_t tick)
{
	memset(w, 0, sizeof(*w));
	memset(w->head, 0xff, sizeof(w->head));
	w->base = first;
	w->stride = stride;
	w->tick = tick;
}

static void slot_add(struct wheel *w, unsigned level, unsigned slot, uint32_t index, struct wheel_link *l)
{
	uint32_t old = w->head[level][slot];

	l->next = old;
	l->prev = FIRST | level << 8 | slot;
	if (old != WHEEL_NONE)
		at(w, old)->prev = index;
	w->head[level][slot] = index;
	w->busy[level][slot / 64] |= 1ull << (slot % 64);
}

static void place(struct wheel *w, uint32_t index, struct wheel_link *l)
{
	int32_t delta = (int32_t)(l->due - w->tick);

	if (delta <= 0)
		slot_add(w, 0, w->tick & 255, index, l);
	else if (delta < 1 << 8)
		slot_add(w, 0, l->due & 255, index, l);
	else if (delta < 1 << 16)
		slot_add(w, 1, l->due >> 8 & 255, index, l);
	else if (delta < 1 << 24)
		slot_add(w, 2, l->due >> 16 & 255, index, l);
	else
		slot_add(w, 3, l->due >> 24, index, l);
}

void wheel_disarm(struct wheel *w, uint32_t index)
{
	struct wheel_link *l = at(w, index);

	if (l->prev == WHEEL_NONE)
		return;
	if (l->next != WHEEL_NONE)
		at(w, l->next)->prev = l->prev;
	if (l->prev & FIRST) {
		unsigned level = l->prev >> 8 & 3, slot = l->prev & 255;

		w->head[level][slot] = l->next;
		if (l->next == WHEEL_NONE)
			w->busy[level][slot / 64] &= ~(1ull << (slot % 64));
	} else {
		at(w, l->prev)->next = l->next;
	}
	wheel_link_init(l);
	w->armed--;
}

void wheel_arm(struct wheel *w, uint32_t index, uint32_t due)
{
	struct wheel_link *l = at(w, index);

	wheel_disarm(w, index);
	l->due = due;
	place(w, index, l);
	w->armed++;
}

static void cascade(struct wheel *w, unsigned level)
{
	unsigned slot = w->tick >> (8 * level) & 255;
	uint32_t i = w->head[level][slot];

	w->head[level][slot] = WHEEL_NONE;
	w->busy[level][slot / 64] &= ~(1ull << (slot % 64));
	while (i != WHEEL_NONE) {
		struct wheel_link *l = at(w, i);
		uint32_t next = l->next;

		place(w, i, l);
		i = next;
	}
}

/* slots from `from` (exclusive) up to the end of the level that are empty, at most 255 */
static unsigned empty_run(const struct wheel *w, unsigned level, unsigned from)
{
	unsigned s = from + 1;

	while (s < WHEEL_SLOTS) {
		uint64_t bits = w->busy[level][s / 64] >> (s % 64);

		if (bits) {
			s += (unsigned)__builtin_ctzll(bits);
			break;
		}
		s = (s / 64 + 1) * 64;
	}
	return s - from - 1;
}

uint32_t wheel_pop(struct wheel *w, uint32_t tick)
{
	for (;;) {
		uint32_t i = w->head[0][w->tick & 255];
		uint32_t left = tick - w->tick, skip;

		if (i != WHEEL_NONE && (int32_t)left >= 0) {
			wheel_disarm(w, i);
			return i;
		}
		if ((int32_t)left <= 0)
			return WHEEL_NONE;
		if (w->armed == 0) {
			w->tick = tick;
			return WHEEL_NONE;
		}
		skip = empty_run(w, 0, w->tick & 255);
		if (skip >= left) {
			w->tick = tick;
			return WHEEL_NONE;
		}
		w->tick += skip + 1;
		if ((w->tick & 0xff) == 0) {
			if ((w->tick & 0xffff) == 0) {
				if ((w->tick & 0xffffff) == 0)
					cascade(w, 3);
				cascade(w, 2);
			}
			cascade(w, 1);
		}
	}
}

uint32_t wheel_idle(const struct wheel *w, uint32_t tick)
{
	uint32_t behind = tick - w->tick, run;

	if (w->armed == 0)
		return UINT32_MAX;
	if (w->head[0][w->tick & 255] != WHEEL_NONE)
		return 0;
	run = empty_run(w, 0, w->tick & 255) + 1;
	return run > behind ? run - behind : 0;
}
