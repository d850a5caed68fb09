/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/lab/impair/impair_line.h"

#include <stdlib.h>
#include <string.h>

enum { ETH_LEN = 14, VLAN_LEN = 4 };

static bool draw(struct impair_line *l, uint32_t chance)
{
	return chance && (uint32_t)(base_rng_next(&l->rng) >> 32) <= chance;
}

void impair_line_init(struct impair_line *l, const struct impair_spec *spec, enum impair_dir dir,
		      uint64_t now_ns)
{
	*l = (struct impair_line){.spec = *spec, .start_ns = now_ns};
	base_rng_seed(&l->rng, spec->seed * IMPAIR_DIRS + dir);
	if (spec->loss) {
		/* bursts of N that start at one in 1 + N (1 - P) / P good frames lose P of all */
		double p = spec->loss / 4294967296.0;
		double q = p >= 1 ? 1 : 1 / (1 + spec->burst * (1 - p) / p);

		l->burst_start =
			q >= 1 || spec->loss == UINT32_MAX ? UINT32_MAX : (uint32_t)(q * 4294967296.0);
	}
}

void impair_line_fini(struct impair_line *l)
{
	for (unsigned i = 0; i < l->held; i++)
		free(l->heap[i].frame);
	free(l->heap);
}

static bool before(const struct impair_held *a, const struct impair_held *b)
{
	return a->when_ns != b->when_ns ? a->when_ns < b->when_ns : a->seq < b->seq;
}

static void swap(struct impair_held *a, struct impair_held *b)
{
	struct impair_held t = *a;

	*a = *b;
	*b = t;
}

static void hold(struct impair_line *l, const uint8_t *frame, uint32_t len, uint64_t when_ns)
{
	uint8_t *copy;
	unsigned i;

	if (l->held == IMPAIR_HELD_MAX) {
		l->stats.held_max++;
		return;
	}
	if (l->held == l->room) {
		unsigned room = l->room ? l->room * 2 : 256;
		struct impair_held *heap = realloc(l->heap, room * sizeof(*heap));

		if (!heap) {
			l->stats.held_max++;
			return;
		}
		l->heap = heap;
		l->room = room;
	}
	copy = malloc(len);
	if (!copy) {
		l->stats.held_max++;
		return;
	}
	memcpy(copy, frame, len);
	i = l->held++;
	l->heap[i] = (struct impair_held){.when_ns = when_ns, .seq = l->seq++, .frame = copy, .len = len};
	for (; i && before(&l->heap[i], &l->heap[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&l->heap[i], &l->heap[(i - 1) / 2]);
}

bool impair_line_get(struct impair_line *l, uint64_t now_ns, struct impair_held *out, uint64_t *next_ns)
{
	*next_ns = l->held ? l->heap[0].when_ns : UINT64_MAX;
	if (*next_ns > now_ns)
		return false;
	*out = l->heap[0];
	l->heap[0] = l->heap[--l->held];
	for (unsigned i = 0;;) {
		unsigned c = 2 * i + 1;

		if (c >= l->held)
			break;
		if (c + 1 < l->held && before(&l->heap[c + 1], &l->heap[c]))
			c++;
		if (!before(&l->heap[c], &l->heap[i]))
			break;
		swap(&l->heap[i], &l->heap[c]);
		i = c;
	}
	l->stats.out++;
	return true;
}

static bool is_lost(struct impair_line *l)
{
	if (!l->burst_left && draw(l, l->burst_start))
		l->burst_left = l->spec.burst;
	if (!l->burst_left)
		return false;
	l->burst_left--;
	return true;
}

enum impair_verdict impair_line_put(struct impair_line *l, const uint8_t *frame, uint32_t len,
				    uint64_t now_ns)
{
	const struct impair_spec *s = &l->spec;
	uint32_t head = len > ETH_LEN && frame[12] == 0x81 && frame[13] == 0 ? ETH_LEN + VLAN_LEN : ETH_LEN;
	uint8_t bent[IMPAIR_FRAME_MAX];
	uint64_t when = now_ns;

	l->stats.in++;
	if (len > IMPAIR_FRAME_MAX)
		len = IMPAIR_FRAME_MAX;
	if (s->down_ns && (now_ns - l->start_ns) % (s->up_ns + s->down_ns) >= s->up_ns) {
		l->stats.flap++;
		return IMPAIR_TAKEN;
	}
	if (s->mtu && len > head && len - head > s->mtu) {
		l->stats.too_big++;
		return IMPAIR_TOO_BIG;
	}
	if (is_lost(l)) {
		l->stats.lost++;
		return IMPAIR_TAKEN;
	}
	if (s->rate_bps) {
		uint64_t begin = l->free_ns > now_ns ? l->free_ns : now_ns;

		if (begin - now_ns > s->queue_ns) {
			l->stats.queue_full++;
			return IMPAIR_TAKEN;
		}
		when = l->free_ns = begin + (uint64_t)(len * 8e9 / (double)s->rate_bps);
	}
	when += s->delay_ns;
	if (s->jitter_ns)
		when += base_rng_next(&l->rng) % s->jitter_ns;
	if (draw(l, s->reorder)) {
		l->stats.reordered++;
		when += s->hold_ns;
	} else {
		if (when < l->last_ns)
			when = l->last_ns;
		l->last_ns = when;
	}
	if (len > head && draw(l, s->corrupt)) {
		uint32_t bit = base_rng_below(&l->rng, (len - head) * 8);

		memcpy(bent, frame, len);
		bent[head + bit / 8] ^= (uint8_t)(1u << (bit % 8));
		frame = bent;
		l->stats.corrupted++;
	}
	hold(l, frame, len, when);
	if (draw(l, s->dup)) {
		l->stats.duplicated++;
		hold(l, frame, len, when);
	}
	return IMPAIR_TAKEN;
}
