/* SPDX-License-Identifier: BSD-3-Clause */
/* A segment: shared memory that one writer (control) fills and many readers (dataplane) see, made of named
 * files that outlive both. A superblock, a file of readers' pins, and extents that are mapped one behind the
 * other, so that an offset is a position in one range. See README.md beside this file. */
#ifndef CONFIG_SEGMENT_SEGMENT_H
#define CONFIG_SEGMENT_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "config/segment/abi.h"

struct segment_maker;

enum segment_refusal {
#define X(name, text) SEGMENT_REFUSED_##name,
#include "config/segment/refusal.def"
#undef X
	SEGMENT_REFUSALS
};

struct segment_config {
	const char *dir;
	const char *name;     /* ≤ 31 bytes, no '/' */
	uint64_t id;	      /* random, not 0: the caller's */
	uint32_t user_abi;    /* layout of the content */
	uint8_t extent_shift; /* 0: SEGMENT_EXTENT_SHIFT */
	uint8_t span_shift;   /* 0: SEGMENT_SPAN_SHIFT */
	gid_t group;	      /* of the readers; (gid_t)-1: leave */
};

struct segment {
	struct segment_super *super; /* a reader's mapping is read-only */
	struct segment_readers *readers;
	uint8_t *base;	/* of the extents; the whole range is reserved from the beginning */
	uint64_t limit; /* bytes from base that are mapped; atomic: the cold thread raises it under workers */
	uint64_t reserved; /* bytes of address space */
	size_t super_len, readers_len;
	uint64_t id;
	uint32_t mapped; /* extents */
	int dirfd;
	int lock_fd;  /* writer: holds the lock; else -1 */
	int alive_fd; /* reader: holds the lock of its area; else -1 */
	int area;     /* reader: which */
	bool writer;
	/* growth in progress (writer) */
	int grow_fd;
	struct segment_maker *maker;
	/* tests only: called after every store to shared memory by the writer */
	void (*hook)(void *arg);
	void *hook_arg;
	char name[32];
};

const char *segment_refusal_name(enum segment_refusal why);
const char *segment_refusal_text(enum segment_refusal why);

/* Creates a fresh segment under a new id and takes the writer's lock. It replaces one of the same name only
 * when segment_publish() is called. 0 or -errno; *why says more. Thread: the writer's. */
int segment_create(struct segment *seg, const struct segment_config *cfg, enum segment_refusal *why);
/* gives a created segment its name: from now on it is the one that is attached to; files of older ones go */
int segment_publish(struct segment *seg);
/* closes a created segment that was never published, and removes its files */
void segment_discard(struct segment *seg);
/* Opens an existing one for writing: takes the lock, validates, maps everything. -EBUSY: a writer lives. */
int segment_open(struct segment *seg, const char *dir, const char *name, uint32_t user_abi,
		 enum segment_refusal *why);
/* Opens one for reading, claims an area of pins and maps every extent. Thread: the process's cold thread,
 * which owns the struct; workers only read base and limit. */
int segment_attach(struct segment *seg, const char *dir, const char *name, uint32_t user_abi,
		   enum segment_refusal *why);
/* Reader: maps extents that were announced since. 0, 1 when another segment has taken the name (attach to
 * that one, then close this), or -errno. */
int segment_poll(struct segment *seg);
void segment_close(struct segment *seg);
/* Are the files of it still there under their names, and as long as what is mapped of them? Asks the file
 * system alone: looking into a file that was cut is SIGBUS. */
bool segment_intact(const struct segment *seg);
/* removes every file of the name, whatever its id; for tests and for `reset` of a stopped box */
int segment_remove(const char *dir, const char *name);

/* Writer: adds an extent. 1: it was added and announced, 0: its memory is being made by a thread of its own
 * (maker.h), call again; -ENOSPC and the like: nothing was added, nothing is lost. With `now` the caller does
 * it himself and waits for it. */
int segment_grow(struct segment *seg, bool now);
/* Writer: is one being made? */
static inline bool segment_growing(const struct segment *seg)
{
	return seg->grow_fd >= 0;
}

/* Writer: how many extents every living reader has mapped. Memory beyond must not be referred to. */
uint32_t segment_mapped_everywhere(const struct segment *seg);
/* Writer: does the process of area k live? */
bool segment_area_alive(const struct segment *seg, unsigned k);

static inline uint64_t segment_limit(const struct segment *seg)
{
	/* acquire: the mapping behind the new limit was made before */
	return __atomic_load_n(&seg->limit, __ATOMIC_ACQUIRE);
}

/* len bytes at off, or NULL when that is not wholly inside what is mapped */
static inline void *segment_at(const struct segment *seg, uint64_t off, uint64_t len)
{
	uint64_t limit = segment_limit(seg);

	if (off > limit || len > limit - off)
		return NULL;
	return seg->base + off;
}

/* every store of the writer to shared memory that is not into memory which nobody can reach yet */
static inline void segment_store64(struct segment *seg, uint64_t *p, uint64_t v)
{
	/* release: what the new value refers to is complete */
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
	if (__builtin_expect(seg->hook != NULL, 0))
		seg->hook(seg->hook_arg);
}

static inline void segment_store32(struct segment *seg, uint32_t *p, uint32_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
	if (__builtin_expect(seg->hook != NULL, 0))
		seg->hook(seg->hook_arg);
}

static inline void segment_store8(struct segment *seg, uint8_t *p, uint8_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
	if (__builtin_expect(seg->hook != NULL, 0))
		seg->hook(seg->hook_arg);
}

/* a point at which a crash is interesting although no single store is (fresh memory was filled) */
static inline void segment_step(struct segment *seg)
{
	if (__builtin_expect(seg->hook != NULL, 0))
		seg->hook(seg->hook_arg);
}

#endif
