/* SPDX-License-Identifier: BSD-3-Clause */
/* The layout of a segment in shared memory. Whatever changes here is another SEGMENT_ABI: the golden layout
 * test says so. Offsets, never pointers; every field that changes after creation is one naturally aligned
 * word, written by one side only and read with the atomic builtins. */
#ifndef CONFIG_SEGMENT_ABI_H
#define CONFIG_SEGMENT_ABI_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define SEGMENT_ABI   1u
#define SEGMENT_MAGIC "SALLYSEG"

enum {
	SEGMENT_EXTENT_SHIFT = 26, /* 64 MiB */
	SEGMENT_SPAN_SHIFT = 16,   /* 64 KiB: the unit in which the heap takes memory */
	SEGMENT_EXTENTS_MAX = 512, /* 32 GiB: what a 32-bit count of 8 bytes can name */
	SEGMENT_KINDS_OFFSET = 4096,
	SEGMENT_AREAS = 8, /* reader processes at a time */
	SEGMENT_SLOTS = 255,
	SEGMENT_OFFLINE = 0, /* a pin that holds nothing */
};

/* dataplane: ro, control: rw */
struct segment_super {
	/* fixed at creation; `sum` covers what is before it */
	uint8_t magic[8];
	uint32_t abi;
	uint32_t user_abi; /* of what is kept inside */
	uint64_t id;	   /* of this creation: in the name of every other file */
	uint8_t extent_shift;
	uint8_t span_shift;
	uint16_t extents_max;
	uint32_t kinds_offset;
	uint64_t kinds_count;
	uint64_t created_ns; /* CLOCK_REALTIME, for people */
	uint64_t sum;
	uint64_t reserved0;

	/* what a reader loads once per burst */
	uint64_t live;	  /* generation << 32 | offset of the root / 64 */
	uint64_t epoch;	  /* of the grace periods; never 0 */
	uint64_t shadow;  /* like live; 0: there is no candidate */
	uint64_t facts;	  /* offset of the facts directory; 0: none */
	uint64_t extents; /* how many are whole and may be mapped */
	uint64_t reserved1[3];

	/* the writer's own; here so that its successor can undo */
	uint64_t preparing;    /* the highest generation that stamps may carry */
	uint64_t heartbeat_ns; /* CLOCK_MONOTONIC */
	uint64_t writer_pid;
	uint64_t reserved2[5];
};

static_assert(sizeof(struct segment_super) == 192, "superblock layout");
static_assert(offsetof(struct segment_super, sum) == 48, "superblock layout");
static_assert(offsetof(struct segment_super, live) == 64, "superblock layout");
static_assert(offsetof(struct segment_super, preparing) == 128, "superblock layout");

/* one worker; dataplane: rw, control: ro */
struct segment_slot {
	uint64_t epoch; /* SEGMENT_OFFLINE, or the epoch that was announced when the burst began */
	uint64_t reserved[7];
};

/* one reader process; dataplane: rw, control: ro. Valid only while the process holds its lock. */
struct segment_area {
	uint64_t mapped; /* extents that every worker of this process can reach */
	uint64_t slots;	 /* of `slot`, in use */
	uint64_t pid;
	uint64_t reserved[5];
	struct segment_slot slot[SEGMENT_SLOTS];
};

struct segment_readers {
	struct segment_area area[SEGMENT_AREAS];
};

static_assert(sizeof(struct segment_slot) == 64, "one cache line a worker");
static_assert(sizeof(struct segment_area) == 16384, "area layout");
static_assert(sizeof(struct segment_readers) == 131072, "readers layout");

/* locks on the file of readers: byte 2k is held while area k is claimed, byte 2k+1 while its process lives */
#define SEGMENT_LOCK_CLAIM(k) (2 * (k))
#define SEGMENT_LOCK_ALIVE(k) (2 * (k) + 1)

#endif
