/* SPDX-License-Identifier: BSD-3-Clause */
/* One direction of a bad line: frames go in with the time, and come out later, twice, changed, or never. Free
 * of I/O; the same seed and the same frames at the same times give the same line. */
#ifndef TESTS_LAB_IMPAIR_IMPAIR_LINE_H
#define TESTS_LAB_IMPAIR_IMPAIR_LINE_H

#include "dataplane/base/rng.h"
#include "tests/lab/impair/impair_spec.h"

enum { IMPAIR_FRAME_MAX = 9216 + 18, IMPAIR_HELD_MAX = 65536 };

#define IMPAIR_COUNTS(X)                                     \
	X(in, "frames that came")                            \
	X(out, "frames that left")                           \
	X(lost, "drawn by loss=")                            \
	X(duplicated, "sent twice")                          \
	X(reordered, "held back behind later ones")          \
	X(corrupted, "one bit flipped")                      \
	X(too_big, "over mtu=")                              \
	X(icmp, "answers of the hole")                       \
	X(queue_full, "waited longer than queue= at rate=")  \
	X(flap, "came while the link was down")              \
	X(held_max, "frames that found no room in the line") \
	X(unsent, "frames that the kernel did not take")

struct impair_stats {
#define FIELD(name, help) uint64_t name;
	IMPAIR_COUNTS(FIELD)
#undef FIELD
};

struct impair_held {
	uint64_t when_ns, seq;
	uint8_t *frame; /* owned */
	uint32_t len;
};

struct impair_line {
	struct impair_spec spec;
	struct base_rng rng;
	uint64_t start_ns; /* of the flapping */
	uint64_t free_ns;  /* the wire of rate= is busy until then */
	uint64_t last_ns;  /* jitter alone never reorders */
	uint64_t seq;
	uint32_t burst_left, burst_start; /* chance that a burst starts */
	struct impair_held *heap;	  /* by (when, seq) */
	unsigned held, room;
	struct impair_stats stats;
};

enum impair_verdict {
	IMPAIR_TAKEN,	/* it is in the line (or lost there) */
	IMPAIR_TOO_BIG, /* lost, and the caller may answer for the hole */
};

/* `dir` only varies the seed */
void impair_line_init(struct impair_line *l, const struct impair_spec *spec, enum impair_dir dir,
		      uint64_t now_ns);
void impair_line_fini(struct impair_line *l);
/* copies the frame */
enum impair_verdict impair_line_put(struct impair_line *l, const uint8_t *frame, uint32_t len,
				    uint64_t now_ns);
/* the next frame that is due: the caller frees `frame`. false: none is due, and *next_ns says when
 * (UINT64_MAX: never) */
bool impair_line_get(struct impair_line *l, uint64_t now_ns, struct impair_held *out, uint64_t *next_ns);

#endif
